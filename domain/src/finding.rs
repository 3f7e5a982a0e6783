//! What a scan says: findings, and for every component that could not be judged, why.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::advisory::Status;
use crate::severity::Severity;
use crate::source::SourceId;
use crate::time::Timestamp;
use crate::vex::{VexDecision, VexEffect};

/// Everything that matching found out about one inventory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Sorted by package, version, severity (worst first) and vulnerability.
    pub findings: Vec<Finding>,
    /// Findings that a VEX statement clears, or the distribution that owns the package, in the same order. They are told and do not count.
    #[serde(default)]
    pub suppressed: Vec<Finding>,
    pub coverage: Coverage,
}

/// How much of an inventory the findings speak for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Components that can have advisories: packages, without files and containers.
    pub components: u64,
    /// Judged against the data of the generation.
    pub evaluated: u64,
    /// Files, containers, operating-system entries and the like: nothing to match.
    pub not_applicable: u64,
    /// The rest, by reason, most frequent first.
    pub unevaluated: Vec<UnevaluatedGroup>,
}

impl Coverage {
    pub fn unevaluated_count(&self) -> u64 {
        self.unevaluated.iter().map(|group| group.count).sum()
    }
}

/// Components that share a reason for not being judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnevaluatedGroup {
    #[serde(flatten)]
    pub reason: Unevaluated,
    pub message: String,
    pub count: u64,
    /// Every component concerned, as `name@version`.
    pub components: Vec<String>,
}

/// One component has one vulnerability.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Stable over scans: derived from component and vulnerability alone.
    pub id: String,
    /// The head of the alias cluster, a CVE id when there is one.
    pub vulnerability: String,
    pub aliases: Vec<String>,
    /// Index into the inventory's components.
    #[serde(skip)]
    pub component: usize,
    pub reference: String,
    pub package: String,
    pub version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purl: Option<String>,
    /// The ecosystem and name under which it was looked up.
    pub ecosystem: String,
    pub matched_name: String,
    pub severity: Severity,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity_source: Option<SourceId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cvss_vector: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cvss_score: Option<f64>,
    pub status: Status,
    /// Versions that fix it, lowest that applies first; empty when none is known.
    pub fixed_versions: Vec<String>,
    pub confidence: Confidence,
    /// The records that say so.
    pub evidence: Vec<Evidence>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known_exploited: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epss_probability: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epss_percentile: Option<f64>,
    /// What VEX says of it, and before that the distribution whose package owns this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vex: Option<Box<VexDecision>>,
}

impl Finding {
    /// Does it count for a verdict?
    pub fn counts(&self) -> bool {
        self.vex.as_ref().is_none_or(|decision| decision.effect != VexEffect::Suppressed)
    }
}

/// A record that took part in a decision.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Evidence {
    pub source: SourceId,
    pub record: String,
    /// In words: the interval or the list that the version was found in.
    pub reason: String,
}

/// Do sources of equal rank agree?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    Agreed,
    /// Another source of the same rank says "not affected" of this version.
    Disputed,
}

/// Why a component was not judged. Never the same as "nothing found".
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "reason")]
pub enum Unevaluated {
    /// No purl, so nobody can say which package it is.
    MissingPurl,
    InvalidPurl,
    MissingVersion,
    /// The version cannot be ordered (`(devel)`, `latest`, free text).
    InvalidVersion,
    /// No advisory source for this purl type is known to the program.
    UnsupportedType {
        purl_type: String,
    },
    /// An operating-system package, and nothing says of which system or release.
    UnknownDistribution,
    /// Advisories are kept by source package; the document names none and the tool that
    /// wrote it does not say so for any package.
    UnknownSourcePackage,
    /// Neither a purl nor a CPE that can be read.
    InvalidCpe,
    /// Known by CPE alone, and no advisory speaks of that name: it may be the wrong word.
    UnknownCpe,
    /// A modular RPM, and nothing says of which module stream, but advisories differ by stream.
    UnknownModule,
    /// Of a package repository that the distribution's advisories do not speak of.
    UnknownRepository {
        repository: String,
    },
    /// A distribution that the program has no rules for.
    UnsupportedDistribution {
        distribution: String,
    },
    /// The active generation holds no advisories for this ecosystem or release.
    NoData {
        ecosystem: String,
    },
    /// The generation holds some advisories for this ecosystem or release, but not a complete
    /// feed of them: a finding counts, the absence of one does not.
    PartialData {
        ecosystem: String,
    },
    /// An advisory for this package has a bound that cannot be ordered.
    InvalidAdvisory {
        record: String,
    },
}

impl fmt::Display for Unevaluated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingPurl => f.write_str("no purl"),
            Self::InvalidPurl => f.write_str("invalid purl"),
            Self::MissingVersion => f.write_str("no version"),
            Self::InvalidVersion => f.write_str("version cannot be ordered"),
            Self::UnsupportedType { purl_type } => write!(f, "no advisory source for purl type {purl_type}"),
            Self::UnknownDistribution => f.write_str("distribution or release not stated"),
            Self::UnknownSourcePackage => f.write_str("source package not stated"),
            Self::InvalidCpe => f.write_str("invalid CPE"),
            Self::UnknownCpe => f.write_str("no advisory speaks of its CPE"),
            Self::UnknownModule => f.write_str("module stream not stated"),
            Self::UnknownRepository { repository } => write!(f, "no advisories are known of repository {repository}"),
            Self::UnsupportedDistribution { distribution } => write!(f, "no rules for distribution {distribution}"),
            Self::NoData { ecosystem } => write!(f, "no advisories for {ecosystem} in this generation"),
            Self::PartialData { ecosystem } => {
                write!(f, "advisories for {ecosystem} in this generation are not complete")
            }
            Self::InvalidAdvisory { record } => write!(f, "bounds of {record} cannot be ordered"),
        }
    }
}
