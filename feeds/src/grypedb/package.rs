//! What is said of one package, in the words of a Grype DB.

use std::collections::BTreeSet;

use domain::advisory::{Affected, Interval, Status};
use domain::version::Scheme;
use serde::Serialize;

use crate::comparisons::{bound, comparisons};

/// The blob of an affected package; what is empty is left out, as Go writes it.
#[derive(Debug, Serialize)]
pub(super) struct Package {
    #[serde(skip_serializing_if = "Option::is_none")]
    qualifiers: Option<Qualifiers>,
    ranges: Vec<Range>,
}

#[derive(Debug, Serialize)]
struct Qualifiers {
    rpm_modularity: String,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Range {
    version: Version,
    fix: Fix,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Version {
    r#type: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    constraint: String,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Fix {
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    state: &'static str,
}

impl Package {
    /// None when nothing is affected.
    pub(super) fn of(
        versions: &'static str,
        module: Option<&str>,
        scheme: Scheme,
        assertions: &[&Affected],
    ) -> Option<Self> {
        let affected: Vec<_> = assertions.iter().filter(|affected| affected.status != Status::NotAffected).collect();
        let mut ranges = BTreeSet::new();
        for affected in &affected {
            ranges.extend(affected.ranges.iter().map(|interval| range(versions, scheme, affected.status, interval)));
            ranges.extend(affected.versions.iter().map(|version| Range {
                version: Version { r#type: versions, constraint: format!("= {}", bound(scheme, version)) },
                fix: fix(None, affected.status),
            }));
        }
        // Among several an empty constraint is not heard; alone it stands for every version.
        if let Some(all) = ranges.iter().find(|range| range.version.constraint.is_empty()) {
            let fix = fix(None, affected.first().map(|affected| affected.status).unwrap_or_default());
            let version = Version { r#type: all.version.r#type, constraint: String::new() };
            ranges = BTreeSet::from([Range { version, fix }]);
        }
        let qualifiers = module.map(|module| Qualifiers { rpm_modularity: module.to_owned() });
        (!ranges.is_empty()).then(|| Self { qualifiers, ranges: ranges.into_iter().collect() })
    }

    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a package holds only strings and lists")
    }
}

fn range(versions: &'static str, scheme: Scheme, status: Status, interval: &Interval) -> Range {
    let constraint = comparisons(scheme, interval).join(",");
    Range { version: Version { r#type: versions, constraint }, fix: fix(interval.fixed(), status) }
}

fn fix(version: Option<&str>, status: Status) -> Fix {
    let state = match (version, status) {
        (Some(_), _) => "fixed",
        (None, Status::WillNotFix | Status::EndOfLife) => "wont-fix",
        (None, _) => "not-fixed",
    };
    Fix { version: version.map(str::to_owned), state }
}
