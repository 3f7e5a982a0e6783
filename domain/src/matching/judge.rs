//! Does one assertion apply to one version?

use super::index::Assertion;
use super::plan::Lookup;
use super::unpackaged;
use crate::advisory::{Interval, Status};
use crate::cpe::{EVERY_UPDATE, qualifiers_fit};
use crate::ecosystem::EcosystemKind;
use crate::version::{InvalidVersion, Scheme, Version};

/// The answer, with what it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Affected: inside this interval.
    Inside(Interval),
    /// Affected: the version is listed by name.
    Listed,
    /// Speaks of this package, but not of this version.
    Outside,
    /// The source says that the package is not affected.
    NotAffected,
    /// For another architecture or module stream.
    Elsewhere,
}

impl Judgement {
    pub const fn is_affected(&self) -> bool {
        matches!(self, Self::Inside(_) | Self::Listed)
    }
}

/// Judges. An error when a bound cannot be ordered and nothing else decides.
pub fn judge(
    assertion: &Assertion,
    lookup: &Lookup,
    scheme: Scheme,
    version: &Version,
) -> Result<Judgement, InvalidVersion> {
    if !is_meant(assertion, lookup) {
        return Ok(Judgement::Elsewhere);
    }
    if assertion.status == Status::NotAffected {
        return Ok(Judgement::NotAffected);
    }
    if assertion.versions.iter().any(|listed| is_same(listed, lookup, scheme, version)) {
        return Ok(Judgement::Listed);
    }
    // One unreadable interval must not hide another one that does contain the version.
    let mut unreadable = None;
    for interval in &assertion.ranges {
        match interval.contains(scheme, version) {
            Ok(true) => return Ok(Judgement::Inside(interval.clone())),
            Ok(false) => {}
            Err(error) => unreadable = Some(error),
        }
    }
    unreadable.map_or(Ok(Judgement::Outside), Err)
}

fn is_same(listed: &str, lookup: &Lookup, scheme: Scheme, version: &Version) -> bool {
    if let Some(listed) = listed.strip_suffix(EVERY_UPDATE).filter(|_| unpackaged::is_by_cpe(lookup)) {
        return unpackaged::is_update_of(listed, lookup, scheme);
    }
    listed == lookup.version || scheme.parse(listed).is_ok_and(|listed| version.compare(&listed).is_eq())
}

fn is_meant(assertion: &Assertion, lookup: &Lookup) -> bool {
    arch_is_meant(&assertion.arches, lookup.arch.as_deref())
        && module_is_meant(assertion, lookup)
        && flavour_is_meant(assertion, lookup)
}

/// `src` is a statement about the source package and applies to a look-up by source only.
fn arch_is_meant(named: &[String], arch: Option<&str>) -> bool {
    let names = |wanted: &str| named.iter().any(|named| named == wanted);
    match arch {
        None => true,
        Some(_) if named.is_empty() => true,
        Some("src") => names("src"),
        Some("noarch") => named.iter().any(|named| named != "src"),
        Some(arch) => names(arch) || names("noarch"),
    }
}

fn module_is_meant(assertion: &Assertion, lookup: &Lookup) -> bool {
    if unpackaged::is_by_cpe(lookup) {
        let qualifiers = assertion.module.as_deref();
        return qualifiers.is_none_or(|qualifiers| qualifiers_fit(qualifiers, lookup.module.as_deref()));
    }
    match (&assertion.module, &lookup.module) {
        // A label is `name:stream:version:context:arch`; the advisory names its head.
        (Some(stream), Some(label)) => {
            label.strip_prefix(stream.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        }
        (Some(_), None) => false,
        // A package of a module is not the package of that name outside of modules; but some
        // feeds leave out the stream of what is built in one.
        (None, Some(_)) => lookup.package.ecosystem.scheme() != Scheme::Rpm || fixes(assertion).any(is_modular),
        (None, None) => true,
    }
}

/// Was this RPM built in a module? (`4.0.2-3.module+el8.5.0+1`, AlmaLinux `….module_el8.4.0+1`.)
pub(super) fn is_modular(version: &str) -> bool {
    version.contains(".module")
}

fn fixes(assertion: &Assertion) -> impl Iterator<Item = &str> {
    assertion.ranges.iter().filter_map(Interval::fixed)
}

// Oracle publishes builds for Ksplice and for FIPS beside the normal ones, and their versions
// cannot be compared with each other.
fn flavour_is_meant(assertion: &Assertion, lookup: &Lookup) -> bool {
    let mut fixes = fixes(assertion).peekable();
    lookup.package.ecosystem.kind != EcosystemKind::OracleLinux
        || fixes.peek().is_none()
        || fixes.any(|fixed| flavour(fixed) == flavour(&lookup.version))
}

#[derive(PartialEq, Eq)]
enum Flavour {
    Normal,
    Ksplice,
    Fips,
}

fn flavour(version: &str) -> Flavour {
    if version.to_ascii_lowercase().ends_with("_fips") {
        Flavour::Fips
    } else if version.split('.').any(|part| part.starts_with("ksplice")) {
        Flavour::Ksplice
    } else {
        Flavour::Normal
    }
}

#[cfg(test)]
mod tests {
    use super::arch_is_meant;

    #[test]
    fn an_architecture_is_meant_when_named_and_noarch_fits_every_binary() {
        let meant =
            |named: &[&str], arch| arch_is_meant(&named.iter().map(|&name| name.to_owned()).collect::<Vec<_>>(), arch);
        assert!(meant(&[], Some("x86_64")) && meant(&["x86_64"], None) && meant(&["x86_64"], Some("x86_64")));
        assert!(meant(&["noarch"], Some("x86_64")) && meant(&["x86_64"], Some("noarch")));
        assert!(!meant(&["aarch64"], Some("x86_64")) && !meant(&["src"], Some("noarch")));
        assert!(meant(&["src"], Some("src")) && !meant(&["src"], Some("x86_64")) && !meant(&["x86_64"], Some("src")));
    }
}
