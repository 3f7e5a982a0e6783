//! Who is believed first, and how far aliases are followed.
//!
//! The table is data, so that a site can add a source or veto an edge without new code.

use std::collections::{BTreeMap, BTreeSet};

use domain::source::SourceId;

use super::names::IdClass;
use crate::source::{Relation, SOURCES};

/// What part a source plays. The order is the trust in its aliases, most trusted first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The CVE record itself, written by its numbering authority.
    Cna,
    Nvd,
    Ghsa,
    Ecosystem,
    Distro,
    National,
}

/// Roles that do not follow from a source's relation to CVE ids in [`SOURCES`], among them
/// those of sources that are not read yet.
const NAMED: &[(&str, Role)] = &[
    ("anchore-nvd", Role::Nvd),
    ("bdu", Role::National),
    ("cert-bund", Role::National),
    ("cert-fr", Role::National),
    ("cisa-adp", Role::Nvd),
    ("cnnvd", Role::National),
    ("cnvd", Role::National),
    ("cve", Role::Cna),
    ("euvd", Role::National),
    ("ghsa", Role::Ghsa),
    ("jvndb", Role::National),
    ("nvd", Role::Nvd),
    ("osv-cve", Role::Cna),
];

/// The rules of a merge. Equal rules and equal records give equal advisories.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergeRules {
    /// Roles by source; a source that is absent gets the role of its records' id class.
    pub roles: BTreeMap<SourceId, Role>,
    /// A record with more aliases than this is a list: only the one CVE in it is followed.
    pub aliases_max: usize,
    /// A larger group of names is taken apart: some link in it must be wrong.
    pub group_max: usize,
    /// Ids of records that may have more than `aliases_max` aliases.
    pub many_aliases_allowed: BTreeSet<String>,
    /// Ids that are never linked to anything.
    pub denied: BTreeSet<String>,
    /// Pairs of ids whose direct link is ignored, whoever states it; either order.
    pub vetoed: BTreeSet<(String, String)>,
}

impl Default for MergeRules {
    fn default() -> Self {
        let derived = SOURCES.iter().map(|source| match source.relation {
            Relation::Derived => (source.id, Role::Distro),
            Relation::Alias | Relation::Malware => (source.id, Role::Ecosystem),
        });
        let roles = derived.chain(NAMED.iter().copied());
        let roles = roles.map(|(source, role)| (SourceId::new(source), role)).collect();
        Self {
            roles,
            aliases_max: 5,
            group_max: 32,
            many_aliases_allowed: BTreeSet::new(),
            denied: BTreeSet::new(),
            vetoed: BTreeSet::new(),
        }
    }
}

impl MergeRules {
    /// The role in which `source` writes the record `id`.
    pub fn role(&self, source: &SourceId, id: &str) -> Role {
        self.roles.get(source).copied().unwrap_or_else(|| match IdClass::of(id) {
            IdClass::Ghsa => Role::Ghsa,
            IdClass::Distro => Role::Distro,
            IdClass::National => Role::National,
            // An unlisted source is not the numbering authority because it uses CVE ids.
            IdClass::Cve | IdClass::Ecosystem => Role::Ecosystem,
        })
    }

    pub(super) fn refuses(&self, one: &str, other: &str) -> bool {
        // Almost every site has neither list, and the pair below costs two allocations.
        if self.denied.contains(one) || self.denied.contains(other) {
            return true;
        }
        !self.vetoed.is_empty()
            && (self.vetoed.contains(&(one.to_owned(), other.to_owned()))
                || self.vetoed.contains(&(other.to_owned(), one.to_owned())))
    }
}

impl Role {
    /// Place in the election of a title: the GHSA summary is written to be one.
    pub(super) const fn title_order(self) -> u8 {
        match self {
            Self::Ghsa => 0,
            Self::Cna => 1,
            Self::Ecosystem => 2,
            Self::Distro => 3,
            Self::Nvd => 4,
            Self::National => 5,
        }
    }

    /// Place in the election of a description: the numbering authority's own words first.
    pub(super) const fn description_order(self) -> u8 {
        match self {
            Self::Cna => 0,
            Self::Ghsa => 1,
            Self::Nvd => 2,
            Self::Ecosystem => 3,
            Self::Distro => 4,
            Self::National => 5,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MergeRules, Role};
    use domain::source::SourceId;

    #[test]
    fn a_listed_source_has_its_role_and_another_that_of_its_ids() {
        let rules = MergeRules::default();
        assert_eq!(rules.role(&SourceId::new("debian"), "CVE-2022-0778"), Role::Distro);
        assert_eq!(rules.role(&SourceId::new("harvest"), "GHSA-x"), Role::Ghsa);
        assert_eq!(rules.role(&SourceId::new("harvest"), "CVE-2022-0778"), Role::Ecosystem);
    }

    #[test]
    fn a_veto_holds_in_both_directions() {
        let mut rules = MergeRules::default();
        rules.vetoed.insert(("A".into(), "B".into()));
        assert!(rules.refuses("A", "B") && rules.refuses("B", "A") && !rules.refuses("A", "C"));
    }
}
