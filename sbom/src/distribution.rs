//! Names of distributions as tools write them, turned into the `ID` of `os-release`; and which of the hints in a
//! document is believed: what it states of itself, else what its packages agree on, else what people can read.

use std::collections::{BTreeMap, BTreeSet};

use domain::component::{Component, ComponentKind, Distribution};
use domain::matching::{ecosystem_of, stated_distribution};

use crate::error::excerpt;
use crate::text::meaningful;

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
    let name = meaningful(name?)?.to_ascii_lowercase();
    let id = IDENTIFIERS.iter().find(|(alias, _)| *alias == name).map_or(name.as_str(), |(_, id)| id);
    Some(Distribution { id: id.to_owned(), version: version.and_then(version_id) })
}

/// Without the release name that follows in `2 (Karoo)`.
fn version_id(version: &str) -> Option<String> {
    meaningful(version.split(" (").next().unwrap_or(version)).map(str::to_owned)
}

/// From a `PRETTY_NAME`, which Tern writes into a comment: `Alpine Linux v3.16`, `SUSE Linux Enterprise Server 15 SP4`.
/// None when it is no name that is known to be written like that.
pub(crate) fn pretty(text: &str) -> Option<Distribution> {
    let text = text.trim().strip_prefix("Distroless - ").unwrap_or(text.trim());
    let numbered = |word: &str| word.trim_start_matches('v').starts_with(|c: char| c.is_ascii_digit());
    let at = text.split(' ').position(numbered)?;
    let name = text.split(' ').take(at).collect::<Vec<_>>().join(" ").to_ascii_lowercase();
    let mut rest = text.split(' ').skip(at);
    let version = rest.next()?.trim_start_matches('v');
    let known = name == "ubuntu" || IDENTIFIERS.iter().any(|(alias, _)| *alias == name);
    let version = match rest.next().and_then(|word| word.strip_prefix("SP")) {
        Some(pack) if name.starts_with("suse") => format!("{version}.{pack}"),
        // `VERSION_ID` has no third number there.
        _ if name == "ubuntu" => version.splitn(3, '.').take(2).collect::<Vec<_>>().join("."),
        _ => version.to_owned(),
    };
    distribution(Some(&name), Some(&version)).filter(|_| known)
}

/// What the parts of a document say of its distribution.
#[derive(Debug, Default)]
pub(crate) struct Hints {
    /// Operating systems among the components, and properties of tools.
    stated: BTreeSet<Distribution>,
    /// Texts for people.
    told: BTreeSet<Distribution>,
}

impl Hints {
    pub(crate) fn state(&mut self, name: Option<&str>, version: Option<&str>) {
        self.stated.extend(distribution(name, version));
    }

    pub(crate) fn tell(&mut self, distribution: Option<Distribution>) {
        self.told.extend(distribution);
    }

    /// One system is the answer; several are none, because choosing would be a guess. The text is a warning.
    pub(crate) fn decide(&self, components: &[Component]) -> (Option<Distribution>, Option<String>) {
        let of_packages = of_packages(components);
        let systems = without_bare_names(self.stated.iter());
        if let [system] = systems.as_slice() {
            return (Some((*system).clone()), contradiction(system, &of_packages));
        }
        if systems.len() > 1 {
            let count = systems.len();
            let warning = format!("the document names {count} operating systems: none is taken for all packages");
            return (None, Some(warning));
        }
        let agreed = without_bare_names(of_packages.keys());
        if agreed.len() > 1 {
            let warning = format!(
                "the packages name {} distributions ({}): none is taken for those that name none",
                agreed.len(),
                listed(&agreed)
            );
            return (None, Some(warning));
        }
        let told = without_bare_names(self.told.iter());
        let told = told.first().filter(|_| told.len() == 1);
        (agreed.first().or(told).map(|system| (*system).clone()), None)
    }
}

/// How many packages name which distribution in their purls.
fn of_packages(components: &[Component]) -> BTreeMap<Distribution, usize> {
    let mut counts = BTreeMap::new();
    let packages = components.iter().filter(|component| component.kind == ComponentKind::Package);
    for stated in packages.filter_map(|component| stated_distribution(component.purl.as_ref()?)) {
        if let Some(known) = distribution(Some(&stated.id), stated.version.as_deref()) {
            *counts.entry(known).or_default() += 1;
        }
    }
    counts
}

/// `debian` beside `debian 12` adds nothing.
fn without_bare_names<'a>(systems: impl Iterator<Item = &'a Distribution> + Clone) -> Vec<&'a Distribution> {
    let versioned: BTreeSet<&str> =
        systems.clone().filter(|system| system.version.is_some()).map(|system| system.id.as_str()).collect();
    systems.filter(|system| system.version.is_some() || !versioned.contains(system.id.as_str())).collect()
}

fn contradiction(system: &Distribution, of_packages: &BTreeMap<Distribution, usize>) -> Option<String> {
    let others: Vec<(&Distribution, usize)> =
        of_packages.iter().filter(|(other, _)| differ(system, other)).map(|(other, count)| (other, *count)).collect();
    let count: usize = others.iter().map(|(_, count)| count).sum();
    let names = listed(&others.iter().map(|(other, _)| *other).collect::<Vec<_>>());
    (count > 0).then(|| {
        format!("{count} packages name another distribution ({names}) than the document ({system}): theirs is used for them",
            system = display(system))
    })
}

/// Not `debian 12` and `debian 12.5`, which are one release, nor names of which one is short for the other.
fn differ(a: &Distribution, b: &Distribution) -> bool {
    if let (Ok(a), Ok(b)) = (ecosystem_of(a), ecosystem_of(b)) {
        return a != b;
    }
    let starts = |a: &str, b: &str| a.starts_with(b) || b.starts_with(a);
    let (Some(one), Some(other)) = (&a.version, &b.version) else { return !starts(&a.id, &b.id) };
    !starts(&a.id, &b.id) || (a.id == b.id && !starts(one, other))
}

fn listed(systems: &[&Distribution]) -> String {
    let mut names: Vec<String> = systems.iter().take(4).map(|system| display(system)).collect();
    if systems.len() > names.len() {
        names.push("…".to_owned());
    }
    excerpt(&names.join(", "))
}

fn display(system: &Distribution) -> String {
    excerpt(&[Some(system.id.as_str()), system.version.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use domain::component::{Component, Distribution};
    use domain::purl::Purl;

    use super::{Hints, distribution, pretty};

    fn packages(purls: &[&str]) -> Vec<Component> {
        purls
            .iter()
            .map(|purl| Component { purl: Some(Purl::parse(purl).expect(purl)), ..Component::default() })
            .collect()
    }

    fn system(id: &str, version: &str) -> Option<Distribution> {
        Some(Distribution { id: id.into(), version: Some(version.into()) })
    }

    #[test]
    fn what_the_document_states_comes_before_what_its_packages_say() {
        let mut hints = Hints::default();
        hints.state(Some("debian"), Some("12"));
        hints.tell(pretty("Alpine Linux v3.16"));
        let same =
            packages(&["pkg:deb/debian/a@1?distro=debian-12.5", "pkg:npm/b@1?distro=debian-11", "pkg:deb/debian/c@1"]);
        assert_eq!(hints.decide(&same), (system("debian", "12"), None));
        let other = packages(&[
            "pkg:deb/debian/a@1?distro=debian-11",
            "pkg:deb/debian/a@1?distro=bookworm",
            "pkg:rpm/rhel/c@1?distro=rhel-9",
        ]);
        let (decided, warning) = hints.decide(&other);
        assert_eq!(decided, system("debian", "12"));
        assert_eq!(
            warning.as_deref(),
            Some(
                "2 packages name another distribution (debian 11, rhel 9) than the document (debian 12): theirs is used for them"
            )
        );
    }

    #[test]
    fn packages_that_agree_come_before_a_text_and_packages_that_do_not_are_no_answer() {
        let mut hints = Hints::default();
        hints.tell(pretty("Alpine Linux v3.16"));
        assert_eq!(hints.decide(&packages(&["pkg:deb/debian/a@1"])), (system("alpine", "3.16"), None));
        assert_eq!(
            hints.decide(&packages(&["pkg:rpm/amazon/a@1?distro=amazon-2%20%28Karoo%29"])),
            (system("amzn", "2"), None)
        );
        let two = packages(&["pkg:deb/debian/a@1?distro=debian-12", "pkg:deb/debian/b@1?distro=debian-11"]);
        let (decided, warning) = hints.decide(&two);
        assert_eq!(decided, None);
        assert!(warning.expect("a warning").starts_with("the packages name 2 distributions (debian 11, debian 12)"));
        hints.tell(pretty("Ubuntu 20.04.5 LTS"));
        assert_eq!(hints.decide(&[]), (None, None), "two texts are none");
    }

    #[test]
    fn the_pretty_names_of_os_release_are_taken_apart() {
        for (text, expected) in [
            ("Debian GNU/Linux 11 (bullseye)", system("debian", "11")),
            ("Distroless - Debian GNU/Linux 10 (buster)", system("debian", "10")),
            ("Alpine Linux v3.16", system("alpine", "3.16")),
            ("Ubuntu 20.04.5 LTS", system("ubuntu", "20.04")),
            ("Amazon Linux 2", system("amzn", "2")),
            ("SUSE Linux Enterprise Server 15 SP4", system("sles", "15.4")),
            ("My Own Thing 3", None),
            ("Alpine Linux edge", None),
            ("", None),
        ] {
            assert_eq!(pretty(text), expected, "{text}");
        }
    }

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
