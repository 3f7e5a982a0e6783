//! Which package URLs a package URL in a statement stands for, as the VEX ecosystem has it.

use std::fmt;

use domain::purl::Purl;

/// Why a purl is not covered, when it is one of the same package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch<'a> {
    /// Another package altogether.
    Package,
    Version {
        stated: &'a str,
        found: Option<&'a str>,
    },
    Qualifier {
        key: &'a str,
        stated: &'a str,
        found: Option<&'a str>,
    },
    Subpath {
        stated: &'a str,
    },
}

impl fmt::Display for Mismatch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = |found: Option<&str>| found.map_or_else(|| "none".to_owned(), |text| format!("{text:?}"));
        match *self {
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
pub fn covers<'a>(pattern: &'a Purl, purl: &'a Purl) -> Result<(), Mismatch<'a>> {
    let same = (&pattern.package_type, &pattern.namespace, &pattern.name);
    if same != (&purl.package_type, &purl.namespace, &purl.name) {
        return Err(Mismatch::Package);
    }
    if let Some(stated) = pattern.version.as_deref().filter(|stated| purl.version.as_deref() != Some(*stated)) {
        return Err(Mismatch::Version { stated, found: purl.version.as_deref() });
    }
    for (key, stated) in &pattern.qualifiers {
        let found = purl.qualifier(key);
        if found != Some(stated) {
            return Err(Mismatch::Qualifier { key, stated, found });
        }
    }
    match pattern.subpath.as_deref() {
        Some(stated) if purl.subpath.as_deref() != Some(stated) => Err(Mismatch::Subpath { stated }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::covers;
    use domain::purl::Purl;

    /// What is wrong, in words.
    fn covered(pattern: &str, purl: &str) -> Result<(), String> {
        let (pattern, purl) = (Purl::parse(pattern).expect(pattern), Purl::parse(purl).expect(purl));
        covers(&pattern, &purl).map_err(|mismatch| mismatch.to_string())
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
        assert_eq!(found, "it is stated for version \"1\", found is \"2\"");
        let found = covered("pkg:npm/a?x=1", "pkg:npm/a@2").expect_err("a qualifier");
        assert_eq!(found, "it is stated for x=1, found is none");
        let found = covered("pkg:golang/a.b/c#sub", "pkg:golang/a.b/c@1").expect_err("a subpath");
        assert_eq!(found, "it is stated for the subpath \"sub\"");
    }
}
