//! Advisories: what sources say (a [`Record`]) and what is made of it (an [`Advisory`]).

mod affected;
mod interval;

pub use affected::{Affected, PackageKey, Status};
pub use interval::{Interval, InvalidInterval, Lower, Upper};

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::severity::Rating;
use crate::source::SourceId;
use crate::time::Timestamp;

/// One record of one source, parsed and normalised but not yet merged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub source: SourceId,
    pub id: String,
    /// Other names of the same vulnerability.
    pub aliases: BTreeSet<String>,
    /// Vulnerabilities that this record is about or bundles (an erratum's CVEs). Never aliases.
    pub upstream: BTreeSet<String>,
    pub related: BTreeSet<String>,
    pub title: Option<String>,
    pub description: Option<String>,
    pub published: Option<Timestamp>,
    pub modified: Option<Timestamp>,
    pub withdrawn: Option<Timestamp>,
    pub ratings: Vec<Rating>,
    pub cwes: BTreeSet<String>,
    pub references: Vec<Reference>,
    pub affected: Vec<Affected>,
    /// True when the source spreads one record over several documents (Alpine's branches,
    /// Debian's packages): records of the same source and id are then joined. Otherwise
    /// the one with the newest `modified` wins.
    pub fragment: bool,
}

impl Record {
    pub fn new(source: SourceId, id: impl Into<String>) -> Self {
        Self {
            source,
            id: id.into(),
            aliases: BTreeSet::new(),
            upstream: BTreeSet::new(),
            related: BTreeSet::new(),
            title: None,
            description: None,
            published: None,
            modified: None,
            withdrawn: None,
            ratings: Vec::new(),
            cwes: BTreeSet::new(),
            references: Vec::new(),
            affected: Vec::new(),
            fragment: false,
        }
    }
}

/// A link, with the kind that OSV gives it (`ADVISORY`, `FIX`, `WEB`, …).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Reference {
    #[serde(rename = "type")]
    pub kind: String,
    pub url: String,
}

/// A value and the source that gave it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Sourced<T> {
    pub value: T,
    pub source: SourceId,
    pub record: String,
}

/// A member of a merged advisory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Member {
    pub source: SourceId,
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<Timestamp>,
}

/// The canonical, merged advisory: one per vulnerability. Serialised with sorted sets and
/// without floating point, so that equal content has equal bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advisory {
    /// The head of the alias cluster: a CVE id when there is one.
    pub id: String,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub aliases: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub related: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Sourced<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Sourced<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<Timestamp>,
    /// Set only when every member that speaks for the vulnerability is withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ratings: Vec<Rating>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub cwes: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<Reference>,
    /// Every source's assertion, none tightened and none dropped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub affected: Vec<Affected>,
    pub members: Vec<Member>,
}

impl Advisory {
    /// The canonical line of this advisory: JSON in field order, without a line feed.
    pub fn to_canonical_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("an advisory holds only strings, integers and lists")
    }
}
