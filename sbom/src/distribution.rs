//! Names of distributions as tools write them, turned into the `ID` of `os-release`.

use domain::component::Distribution;

/// Families that Trivy names differently, and full names that people write.
const IDENTIFIERS: &[(&str, &str)] = &[
    ("alma", "almalinux"),
    ("alma linux", "almalinux"),
    ("alpine linux", "alpine"),
    ("amazon", "amzn"),
    ("amazon linux", "amzn"),
    ("cbl-mariner", "mariner"),
    ("debian gnu/linux", "debian"),
    ("opensuse.leap", "opensuse-leap"),
    ("opensuse leap", "opensuse-leap"),
    ("opensuse.tumbleweed", "opensuse-tumbleweed"),
    ("opensuse tumbleweed", "opensuse-tumbleweed"),
    ("oracle", "ol"),
    ("oracle linux server", "ol"),
    ("red hat enterprise linux", "rhel"),
    ("red hat enterprise linux server", "rhel"),
    ("redhat", "rhel"),
    ("rocky linux", "rocky"),
    ("slem", "sle-micro"),
    ("suse linux enterprise micro", "sle-micro"),
    ("suse linux enterprise server", "sles"),
];

/// A name alone is a distribution too; no name is none.
pub(crate) fn distribution(name: Option<&str>, version: Option<&str>) -> Option<Distribution> {
    let name = name?.trim().to_ascii_lowercase();
    let id = IDENTIFIERS.iter().find(|(alias, _)| *alias == name).map_or(name.as_str(), |(_, id)| id);
    Some(Distribution { id: id.to_owned(), version: version.map(version_id) })
}

/// Without the release name that follows in `2 (Karoo)`.
fn version_id(version: &str) -> String {
    version.split(" (").next().unwrap_or(version).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::distribution;

    #[test]
    fn names_of_trivy_become_the_id_of_os_release() {
        for (name, id) in
            [("redhat", "rhel"), ("SUSE Linux Enterprise Server", "sles"), ("debian", "debian"), ("Wolfi", "wolfi")]
        {
            assert_eq!(distribution(Some(name), Some("1")).expect(name).id, id);
        }
        assert_eq!(distribution(None, Some("1")), None);
    }

    #[test]
    fn the_name_of_a_release_is_no_part_of_its_version() {
        let version = |text| distribution(Some("amazon"), Some(text)).and_then(|system| system.version);
        assert_eq!(version("2 (Karoo)").as_deref(), Some("2"));
        assert_eq!(version("7.6.1810").as_deref(), Some("7.6.1810"));
    }
}
