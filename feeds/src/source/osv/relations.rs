//! The names that an OSV record has, bundles and merely mentions.

use std::collections::BTreeSet;

use crate::source::registry::Relation;

/// A record's relations, sorted out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Relations {
    pub(super) aliases: BTreeSet<String>,
    pub(super) upstream: BTreeSet<String>,
    pub(super) related: BTreeSet<String>,
}

impl Relations {
    /// Sorts the lists of record `id` by what a CVE id in them means for its source.
    pub(super) fn of(
        id: &str,
        relation: Relation,
        aliases: Vec<String>,
        upstream: Vec<String>,
        related: Vec<String>,
    ) -> Self {
        let [aliases, upstream, related] =
            [aliases, upstream, related].map(|names| names.into_iter().filter(|name| name != id).collect());
        let lists = Self { aliases, upstream, related };
        match relation {
            Relation::Alias => lists,
            Relation::Derived => lists.derived(id),
            Relation::Malware => lists.malware(),
        }
    }

    /// What the record is about is upstream: its CVEs, or its GHSAs when it has no CVE, or the
    /// CVE in its own id (`ALPINE-CVE-2024-1`).
    fn derived(mut self, id: &str) -> Self {
        self.move_upstream("CVE-");
        if self.upstream.is_empty() {
            self.move_upstream("GHSA-");
        }
        if self.upstream.is_empty() {
            self.upstream.extend(embedded_cve(id).map(str::to_owned));
        }
        self
    }

    fn move_upstream(&mut self, prefix: &str) {
        for list in [&mut self.aliases, &mut self.related] {
            let (matching, rest) = std::mem::take(list).into_iter().partition(|name: &String| name.starts_with(prefix));
            *list = rest;
            let matching: BTreeSet<String> = matching;
            self.upstream.extend(matching);
        }
    }

    fn malware(mut self) -> Self {
        let (cves, aliases) =
            std::mem::take(&mut self.aliases).into_iter().partition(|name: &String| name.starts_with("CVE-"));
        self.aliases = aliases;
        let cves: BTreeSet<String> = cves;
        self.related.extend(cves);
        self
    }
}

fn embedded_cve(id: &str) -> Option<&str> {
    let start = id.find("-CVE-")? + 1;
    id.get(start..)
}

#[cfg(test)]
mod tests {
    use super::{Relation, Relations};

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn the_cves_of_an_erratum_are_upstream_wherever_it_lists_them() {
        let sorted = Relations::of(
            "ALSA-2023:6938",
            Relation::Derived,
            names(&["CVE-2023-1"]),
            vec![],
            names(&["CVE-2023-2", "RHSA-2023:6938", "ALSA-2023:6938"]),
        );
        assert!(sorted.aliases.is_empty());
        assert_eq!(sorted.upstream.into_iter().collect::<Vec<_>>(), ["CVE-2023-1", "CVE-2023-2"]);
        assert_eq!(sorted.related.into_iter().collect::<Vec<_>>(), ["RHSA-2023:6938"]);
    }

    #[test]
    fn a_distribution_record_that_lists_nothing_is_about_the_cve_in_its_id() {
        let sorted = Relations::of("ALPINE-CVE-2023-46850", Relation::Derived, vec![], vec![], vec![]);
        assert_eq!(sorted.upstream.into_iter().collect::<Vec<_>>(), ["CVE-2023-46850"]);
        assert!(Relations::of("DSA-135", Relation::Derived, vec![], vec![], vec![]).upstream.is_empty());
    }

    #[test]
    fn malware_is_never_the_same_as_a_vulnerability() {
        let sorted =
            Relations::of("MAL-2024-1", Relation::Malware, names(&["CVE-2024-1", "GHSA-a-b-c"]), vec![], vec![]);
        assert_eq!(sorted.aliases.into_iter().collect::<Vec<_>>(), ["GHSA-a-b-c"]);
        assert_eq!(sorted.related.into_iter().collect::<Vec<_>>(), ["CVE-2024-1"]);
    }

    #[test]
    fn an_ecosystem_database_means_what_it_lists() {
        let sorted = Relations::of("GO-2024-1", Relation::Alias, names(&["CVE-2024-1", "CVE-2024-2"]), vec![], vec![]);
        assert_eq!(sorted.aliases.len(), 2);
        assert!(sorted.upstream.is_empty());
    }
}
