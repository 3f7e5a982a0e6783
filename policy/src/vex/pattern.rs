//! Which package URLs a package URL in a statement stands for, as the VEX ecosystem has it.

use std::fmt;

use domain::purl::Purl;

/// Why a purl is not covered, when it is one of the same package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// Another package altogether.
    Package,
    Version {
        stated: String,
        found: Option<String>,
    },
    Qualifier {
        key: String,
        stated: String,
        found: Option<String>,
    },
    Subpath {
        stated: String,
    },
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found =
            |found: &Option<String>| found.as_ref().map_or_else(|| "none".to_owned(), |text| format!("{text:?}"));
        match self {
            Self::Package => f.write_str("it is another package"),
            Self::Version { stated, found: text } => {
                write!(f, "it is stated for version {stated:?}, found is {}", found(text))
            }
            Self::Qualifier { key, stated, found: text } => {
                write!(f, "it is stated for {key}={stated}, found is {}", found(text))
            }
            Self::Subpath { stated } => write!(f, "it is stated for the subpath {stated:?}"),
        }
    }
}

/// Is `purl` one that `pattern` stands for? Without a version the pattern covers all versions; its qualifiers
/// must be those of the purl, which may have others beside them.
pub fn covers(pattern: &Purl, purl: &Purl) -> Result<(), Mismatch> {
    let same = (&pattern.package_type, &pattern.namespace, &pattern.name);
    if same != (&purl.package_type, &purl.namespace, &purl.name) {
        return Err(Mismatch::Package);
    }
    if let Some(stated) = pattern.version.as_ref().filter(|stated| purl.version.as_ref() != Some(*stated)) {
        return Err(Mismatch::Version { stated: stated.clone(), found: purl.version.clone() });
    }
    for (key, stated) in &pattern.qualifiers {
        let found = purl.qualifiers.get(key);
        if found != Some(stated) {
            return Err(Mismatch::Qualifier { key: key.clone(), stated: stated.clone(), found: found.cloned() });
        }
    }
    match &pattern.subpath {
        Some(stated) if purl.subpath.as_ref() != Some(stated) => Err(Mismatch::Subpath { stated: stated.clone() }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Mismatch, covers};
    use domain::purl::Purl;

    fn covered(pattern: &str, purl: &str) -> Result<(), Mismatch> {
        covers(&Purl::parse(pattern).expect(pattern), &Purl::parse(purl).expect(purl))
    }

    /// The cases of go-vex, the reference implementation of OpenVEX.
    #[test]
    fn a_purl_covers_what_go_vex_lets_it_cover() {
        for (pattern, purl, expected) in [
            ("pkg:apk/wolfi/curl@8.1.2-r0", "pkg:apk/wolfi/curl@8.1.2-r0", true),
            ("pkg:apk/wolfi/curl", "pkg:apk/wolfi/curl@8.1.2-r0", true),
            ("pkg:apk/wolfi/curl@8.1.2-r0", "pkg:apk/wolfi/curl", false),
            ("pkg:apk/wolfi/curl@8.1.1-r0", "pkg:apk/wolfi/curl@8.1.2-r0", false),
            ("pkg:apk/wolfi/curl@8.1.2-r0?arch=x86_64", "pkg:apk/wolfi/curl@8.1.2-r0", false),
            ("pkg:apk/wolfi/curl@8.1.2-r0", "pkg:apk/wolfi/curl@8.1.2-r0?arch=x86_64", true),
            ("pkg:apk/wolfi/curl?arch=x86_64", "pkg:apk/wolfi/curl@8.1.2-r0?arch=aarch64", false),
            ("pkg:apk/wolfi/curl", "pkg:apk/alpine/curl@8.1.2-r0", false),
            ("pkg:apk/curl", "pkg:apk/wolfi/curl", false),
            ("pkg:deb/wolfi/curl", "pkg:apk/wolfi/curl", false),
        ] {
            assert_eq!(covered(pattern, purl).is_ok(), expected, "{pattern} {purl}");
        }
    }

    #[test]
    fn a_mismatch_says_what_differs() {
        let found = covered("pkg:npm/a@1", "pkg:npm/a@2").expect_err("another version");
        assert_eq!(found.to_string(), "it is stated for version \"1\", found is \"2\"");
        let found = covered("pkg:npm/a?x=1", "pkg:npm/a@2").expect_err("a qualifier");
        assert_eq!(found.to_string(), "it is stated for x=1, found is none");
        let found = covered("pkg:golang/a.b/c#sub", "pkg:golang/a.b/c@1").expect_err("a subpath");
        assert_eq!(found, Mismatch::Subpath { stated: "sub".into() });
    }
}
