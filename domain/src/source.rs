//! Where a statement comes from.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The short name of a feed, such as `ghsa`, `rustsec`, `debian` or `alpine`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SourceId(String);

impl SourceId {
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// May a kit that leaves the house carry this source's records?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Redistribution {
    Open,
    Attribution,
    ShareAlike,
    InternalOnly,
}

/// What a data set says of one source: how much of it there is and how old it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceStatus {
    pub source: SourceId,
    pub name: String,
    pub url: String,
    pub licence: String,
    pub redistribution: Redistribution,
    /// Source records taken in (before merging).
    pub records: u64,
    /// Records that could not be used, each reported when the feed was read.
    pub rejected: u64,
    /// The date the data speaks for: stated by the feed, else its newest change.
    /// None is "unknown", which is never shown as fresh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<crate::time::Timestamp>,
}
