//! Which packages a record speaks of, and what it says of them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Interval;
use crate::ecosystem::Ecosystem;
use crate::severity::Severity;
use crate::source::SourceId;

/// A package in an ecosystem, under the name that its advisories use.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PackageKey {
    pub ecosystem: Ecosystem,
    /// Normalised by [`Ecosystem::normalise_name`].
    pub name: String,
}

impl PackageKey {
    pub fn new(ecosystem: Ecosystem, name: &str) -> Self {
        let name = ecosystem.normalise_name(name);
        Self { ecosystem, name }
    }
}

/// What a vendor says of a package, in the vocabulary of VEX.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Affected inside the ranges; whether a fix exists is in the ranges.
    #[default]
    Affected,
    NotAffected,
    UnderInvestigation,
    FixDeferred,
    WillNotFix,
    EndOfLife,
}

/// One source's assertion about one package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Affected {
    pub source: SourceId,
    /// The id of the record that says so, as the source writes it.
    pub record: String,
    pub package: PackageKey,
    /// The name as the registry spells it, where programs that read an export look it up so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spelling: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub status: Status,
    /// Vulnerable intervals of versions; a version inside any of them is affected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ranges: Vec<Interval>,
    /// Versions that are affected by name, whatever the ranges say.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub versions: BTreeSet<String>,
    /// The vendor's rating for this package, when it differs by package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// Architectures the assertion is limited to; empty means all.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub arches: BTreeSet<String>,
    /// The module stream (`nodejs:18`) a modular RPM must belong to, or the qualifiers
    /// ([`Cpe::qualifiers`](crate::cpe::Cpe::qualifiers)) that software under a CPE must fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
}

fn is_default(status: &Status) -> bool {
    *status == Status::default()
}

impl Affected {
    pub fn new(source: SourceId, record: impl Into<String>, package: PackageKey) -> Self {
        Self {
            source,
            record: record.into(),
            package,
            spelling: None,
            status: Status::Affected,
            ranges: Vec::new(),
            versions: BTreeSet::new(),
            severity: None,
            arches: BTreeSet::new(),
            module: None,
        }
    }
}
