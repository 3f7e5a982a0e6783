//! Debian: advisories per release by source package and source version.

use super::{Compared, Named, Rules};
use crate::ecosystem::{Ecosystem, EcosystemKind};

pub(super) const RULES: Rules =
    Rules { ids: &["debian"], ecosystem, named: Named::Source, compared: Compared::Source, plan: super::one };

/// Codenames and release numbers, from the Debian wiki's table of releases. `sid` never gets a number.
const RELEASES: &[(&str, &str)] = &[
    ("buzz", "1.1"),
    ("rex", "1.2"),
    ("bo", "1.3"),
    ("hamm", "2.0"),
    ("slink", "2.1"),
    ("potato", "2.2"),
    ("woody", "3.0"),
    ("sarge", "3.1"),
    ("etch", "4.0"),
    ("lenny", "5.0"),
    ("squeeze", "6.0"),
    ("wheezy", "7"),
    ("jessie", "8"),
    ("stretch", "9"),
    ("buster", "10"),
    ("bullseye", "11"),
    ("bookworm", "12"),
    ("trixie", "13"),
    ("forky", "14"),
    ("duke", "15"),
    ("sid", "sid"),
];

/// The release that a codename or `VERSION_ID` means: `bookworm`, `12` and `12.5` are all `12`.
pub fn release(text: &str) -> Option<&'static str> {
    let text = text.trim().to_ascii_lowercase();
    // `trixie/sid` in /etc/debian_version is unstable before trixie was released.
    if text == "unstable" || text.ends_with("/sid") {
        return Some("sid");
    }
    let numbered = |(_, number): &&(&str, &str)| {
        *number == text
            || text.strip_prefix(number).is_some_and(|rest| rest.starts_with('.'))
            || number.strip_suffix(".0") == Some(&text)
    };
    let named = |(name, _): &&(&str, &str)| *name == text;
    RELEASES.iter().find(named).or_else(|| RELEASES.iter().find(numbered)).map(|(_, number)| *number)
}

fn ecosystem(version: Option<&str>) -> Option<Ecosystem> {
    release(version?).map(|number| Ecosystem::release(EcosystemKind::Debian, number))
}

#[cfg(test)]
mod tests {
    use super::release;

    #[test]
    fn codenames_numbers_and_point_releases_name_one_release() {
        for text in ["bookworm", "12", "12.5", "Bookworm"] {
            assert_eq!(release(text), Some("12"), "{text}");
        }
        assert_eq!(release("3.1"), Some("3.1"));
        for text in ["squeeze", "6", "6.0", "6.0.10"] {
            assert_eq!(release(text), Some("6.0"), "{text}");
        }
        assert_eq!(release("trixie/sid"), Some("sid"));
        assert_eq!(release("120"), None);
        assert_eq!(release("jammy"), None);
    }
}
