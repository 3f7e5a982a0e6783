//! One advisory about one package, in the words of a Trivy DB.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use domain::advisory::{Affected, Interval, Lower, Status, Upper};
use domain::ecosystem::Ecosystem;
use domain::severity::Severity;
use domain::version::Scheme;
use serde::Serialize;

use super::LeftOut;
use super::platform::{Form, takes_unfixed};
use crate::comparisons::comparisons;

/// Every architecture that a driver which reads entries may ask for.
const ARCHES: [&str; 7] = ["aarch64", "i686", "noarch", "ppc64le", "riscv64", "s390x", "x86_64"];

/// The stored form; what is empty is left out, as Go writes it.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Document {
    #[serde(rename = "VendorIDs", skip_serializing_if = "Vec::is_empty")]
    vendor_ids: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    arches: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    severity: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fixed_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    affected_version: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    vulnerable_versions: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    patched_versions: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    entries: Vec<Document>,
}

impl Document {
    pub(super) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("an advisory holds only strings, integers and lists")
    }
}

/// What the assertions of one language package come to. None when nothing is affected.
pub(super) fn language(advisory: &str, scheme: Scheme, assertions: &[&Affected]) -> Result<Option<Document>, LeftOut> {
    let assertions: Vec<_> = assertions.iter().filter(|affected| affected.status != Status::NotAffected).collect();
    let intervals: Vec<&Interval> = assertions.iter().flat_map(|affected| &affected.ranges).collect();
    let inside = |version: &str| is_inside(scheme, &intervals, version);
    let mut vulnerable: BTreeSet<String> = intervals.iter().map(|interval| constraint(scheme, interval)).collect();
    let versions: BTreeSet<&String> = assertions.iter().flat_map(|affected| &affected.versions).collect();
    vulnerable.extend(versions.into_iter().filter(|version| !inside(version)).map(|version| format!("={version}")));
    if vulnerable.is_empty() {
        return Ok(None);
    }
    // A version stands for itself there and clears whoever has it: one that another range holds must not.
    let fixed: BTreeSet<&str> = intervals.iter().filter_map(|interval| interval.fixed()).collect();
    let patched = fixed.into_iter().filter(|version| !inside(version)).map(str::to_owned).collect();
    Ok(Some(Document {
        vendor_ids: vendor_ids(advisory, &assertions),
        vulnerable_versions: vulnerable.into_iter().collect(),
        patched_versions: patched,
        ..Document::default()
    }))
}

fn is_inside(scheme: Scheme, intervals: &[&Interval], version: &str) -> bool {
    let Ok(version) = scheme.parse(version) else { return false };
    intervals.iter().any(|interval| interval.contains(scheme, &version).unwrap_or(false))
}

/// The empty constraint is Trivy's word for every version.
fn constraint(scheme: Scheme, interval: &Interval) -> String {
    comparisons(scheme, interval).join(", ")
}

/// What the assertions of one package of a distribution come to. None when nothing is affected and nothing has to be
/// said against it.
pub(super) fn distribution(
    advisory: &str,
    ecosystem: &Ecosystem,
    form: Form,
    assertions: &[&Affected],
) -> Result<Option<Document>, LeftOut> {
    let affected: Vec<_> = assertions.iter().filter(|affected| affected.status != Status::NotAffected).collect();
    let Some(range) = Range::of(ecosystem.scheme(), &affected)? else {
        // For apk "fixed in 0" is how a database says that a package is not affected.
        let stated = form == Form::Bounds && affected.is_empty() && !assertions.is_empty();
        return Ok(stated.then(|| Document { fixed_version: Some("0".to_owned()), ..Document::default() }));
    };
    if range.lower.is_some() && form != Form::Bounds {
        return Err(LeftOut::LowerBound);
    }
    if range.fixed.is_none() && !takes_unfixed(ecosystem.kind) {
        return Err(LeftOut::Unfixed);
    }
    let arches: BTreeSet<String> = affected.iter().flat_map(|affected| &affected.arches).cloned().collect();
    let status = affected.iter().map(|affected| affected.status).min().unwrap_or_default();
    let document = Document {
        vendor_ids: vendor_ids(advisory, &affected),
        arches: arches.iter().cloned().collect(),
        status: range.fixed.is_none().then(|| status_number(status)),
        severity: affected.iter().filter_map(|affected| affected.severity).max().and_then(severity_number),
        fixed_version: range.fixed,
        affected_version: range.lower,
        ..Document::default()
    };
    Ok(Some(if form == Form::Entries { entries(document) } else { document }))
}

/// One range that holds what several assertions say, when one can.
pub(super) struct Range {
    pub(super) lower: Option<String>,
    pub(super) fixed: Option<String>,
}

impl Range {
    pub(super) fn of(scheme: Scheme, affected: &[&&Affected]) -> Result<Option<Self>, LeftOut> {
        if affected.iter().any(|affected| !affected.versions.is_empty()) {
            return Err(LeftOut::ListedVersions);
        }
        let mut range: Option<Self> = None;
        for interval in affected.iter().flat_map(|affected| &affected.ranges) {
            let lower = match &interval.lower {
                Lower::Start => None,
                Lower::Introduced(at) => Some(at.clone()),
                Lower::After(_) => return Err(LeftOut::LowerBound),
            };
            let fixed = match &interval.upper {
                Upper::Fixed(at) => Some(at.clone()),
                Upper::Open => None,
                Upper::LastAffected(_) => return Err(LeftOut::LastAffected),
            };
            let next = Self { lower, fixed };
            range = Some(match range {
                None => next,
                Some(range) => range.join(scheme, next)?,
            });
        }
        Ok(range)
    }

    /// Ranges that begin at the same place are one: the longest.
    fn join(self, scheme: Scheme, other: Self) -> Result<Self, LeftOut> {
        if self.lower != other.lower {
            return Err(LeftOut::SeveralRanges);
        }
        let fixed = match (self.fixed, other.fixed) {
            (Some(one), Some(two)) => Some(later(scheme, one, two)?),
            _ => None,
        };
        Ok(Self { lower: self.lower, fixed })
    }
}

fn later(scheme: Scheme, one: String, two: String) -> Result<String, LeftOut> {
    let parse = |text: &str| scheme.parse_bound(text).map_err(|_| LeftOut::Unreadable);
    Ok(if parse(&one)?.compare(&parse(&two)?) == Ordering::Less { two } else { one })
}

/// The form in which an old reader finds the fix, and a new one the fix for its architecture.
fn entries(document: Document) -> Document {
    let arches = match document.arches.is_empty() {
        true => ARCHES.map(str::to_owned).to_vec(),
        false => document.arches,
    };
    let fixed_version = document.fixed_version.clone();
    let entry = Document { arches, ..Document { arches: Vec::new(), ..document } };
    Document { fixed_version, entries: vec![entry], ..Document::default() }
}

/// The vendor's own names for it.
fn vendor_ids(advisory: &str, affected: &[&&Affected]) -> Vec<String> {
    let ids: BTreeSet<&str> = affected.iter().map(|affected| affected.record.as_str()).collect();
    ids.into_iter().filter(|id| *id != advisory && !id.starts_with("CVE-")).map(str::to_owned).collect()
}

/// None for what has no number of its own.
pub(super) fn severity_number(severity: Severity) -> Option<u8> {
    match severity {
        Severity::Unknown => None,
        Severity::Negligible | Severity::Low => Some(1),
        Severity::Medium => Some(2),
        Severity::High => Some(3),
        Severity::Critical => Some(4),
    }
}

pub(super) fn status_number(status: Status) -> u8 {
    match status {
        Status::NotAffected => 1,
        Status::Affected => 2,
        Status::UnderInvestigation => 4,
        Status::WillNotFix => 5,
        Status::FixDeferred => 6,
        Status::EndOfLife => 7,
    }
}
