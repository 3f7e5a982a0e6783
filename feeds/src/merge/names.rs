//! What kind of name an advisory id is.
//!
//! The class decides which id heads a cluster and stands in for the role of a source that
//! the rules do not list. It is read from the prefix, because that is the only part of an
//! id that all databases agree on.

/// Classes of ids, best head first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IdClass {
    Cve,
    Ghsa,
    /// A database of a language, a registry or a single project.
    Ecosystem,
    Distro,
    /// A national or supranational database.
    National,
}

/// Prefixes up to the first `-` or `:`, in lower case.
const DISTRO: &str = "alba alea alpine alsa asa avg azl bell cga cleanstart clsa \
    debian dhi dla dsa dtsa echo ela elba elea elsa fedora freebsd glsa lsn mgasa mini oesa opensuse phsa rhba \
    rhea rhsa rlba rlea rlsa root rxsa suse temp ubuntu usn";
const NATIONAL: &str = "bdu certfr cnnvd cnvd euvd jvn jvndb kve wid";

impl IdClass {
    pub fn of(id: &str) -> Self {
        let prefix = id.split(['-', ':']).next().unwrap_or(id).to_ascii_lowercase();
        match prefix.as_str() {
            "cve" if is_cve(id) => Self::Cve,
            "ghsa" => Self::Ghsa,
            // Amazon puts release and repository into it: `ALAS2023`, `ALAS2KERNEL`.
            prefix if prefix.starts_with("alas") || lists(DISTRO, prefix) => Self::Distro,
            prefix if lists(NATIONAL, prefix) => Self::National,
            _ => Self::Ecosystem,
        }
    }
}

fn lists(prefixes: &str, prefix: &str) -> bool {
    prefixes.split_ascii_whitespace().any(|listed| listed == prefix)
}

/// `CVE-`, four digits, `-`, four or more digits. Anything else is somebody's private name.
pub(super) fn is_cve(id: &str) -> bool {
    let Some((year, number)) = id.strip_prefix("CVE-").and_then(|rest| rest.split_once('-')) else {
        return false;
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    year.len() == 4 && digits(year) && number.len() >= 4 && digits(number)
}

/// The CVE that a distribution's own view of it is named after (`UBUNTU-CVE-2022-0778`).
pub(super) fn cve_inside(id: &str) -> Option<&str> {
    let cve = id.get(id.find("-CVE-")? + 1..)?;
    (is_cve(cve) && IdClass::of(id) == IdClass::Distro).then_some(cve)
}

#[cfg(test)]
mod tests {
    use super::{IdClass, cve_inside};

    #[test]
    fn a_distributions_view_is_named_after_its_cve() {
        assert_eq!(cve_inside("UBUNTU-CVE-2022-0778"), Some("CVE-2022-0778"));
        assert_eq!(cve_inside("ROOT-OS-ALPINE-318-CVE-2024-10524"), Some("CVE-2024-10524"));
        for id in ["CVE-2022-0778", "USN-5328-1", "BIT-CVE-2022-0778", "UBUNTU-CVE-2022-x"] {
            assert_eq!(cve_inside(id), None, "{id}");
        }
    }

    #[test]
    fn ids_are_classed_by_their_prefix() {
        for (id, class) in [
            ("CVE-2021-44228", IdClass::Cve),
            ("CVE-2021-1000000", IdClass::Cve),
            ("CVE-2021-x", IdClass::Ecosystem),
            ("GHSA-jfh8-c2jp-5v3q", IdClass::Ghsa),
            ("RUSTSEC-2021-0001", IdClass::Ecosystem),
            ("BIT-redis-2022-0543", IdClass::Ecosystem),
            ("UBUNTU-CVE-2022-0778", IdClass::Distro),
            ("openSUSE-SU-2024:1-1", IdClass::Distro),
            ("ALSA-2022:1759", IdClass::Distro),
            ("BDU:2021-05969", IdClass::National),
            ("JVNDB-2021-005429", IdClass::National),
        ] {
            assert_eq!(IdClass::of(id), class, "{id}");
        }
    }

    #[test]
    fn a_cve_is_the_best_head() {
        assert!(IdClass::Cve < IdClass::Ghsa && IdClass::Ghsa < IdClass::Ecosystem);
        assert!(IdClass::Ecosystem < IdClass::Distro && IdClass::Distro < IdClass::National);
    }
}
