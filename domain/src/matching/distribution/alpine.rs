//! Alpine: advisories per branch (`v3.19`, `edge`), by source package (origin), compared with
//! the version of the binary, which in Alpine is that of its origin.

use super::{Compared, Named, Rules};
use crate::ecosystem::{Ecosystem, EcosystemKind};

pub(super) const RULES: Rules =
    Rules { ids: &["alpine"], ecosystem, named: Named::Source, compared: Compared::Source, plan: super::one };

fn ecosystem(version: Option<&str>) -> Option<Ecosystem> {
    let version = version?.trim_start_matches('v');
    // `3.20.0_alpha20240329` is what edge calls itself.
    let branch = if version == "edge" || version.contains("_alpha") {
        "edge".to_owned()
    } else {
        let mut parts = version.split('.');
        let (major, minor) = (parts.next()?, parts.next()?);
        let number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        (number(major) && number(minor)).then(|| format!("v{major}.{minor}"))?
    };
    Some(Ecosystem::release(EcosystemKind::Alpine, branch))
}

#[cfg(test)]
mod tests {
    use super::ecosystem;

    #[test]
    fn a_release_belongs_to_its_branch() {
        let branch = |version| ecosystem(version).map(|ecosystem| ecosystem.to_string());
        assert_eq!(branch(Some("3.19.1")).as_deref(), Some("Alpine:v3.19"));
        assert_eq!(branch(Some("v3.9")).as_deref(), Some("Alpine:v3.9"));
        assert_eq!(branch(Some("3.20.0_alpha20240329")).as_deref(), Some("Alpine:edge"));
        assert_eq!(branch(Some("3")), None);
        assert_eq!(branch(None), None);
    }
}
