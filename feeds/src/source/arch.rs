//! Arch Linux: groups of vulnerabilities (AVG) that came with one version of some packages.

use serde::Deserialize;

use domain::advisory::{Affected, Interval, PackageKey, Record, Reference, Status};
use domain::ecosystem::{Ecosystem, EcosystemKind};
use domain::severity::Severity;
use domain::source::SourceId;

use super::lenient::{Object, Text, Texts};
use super::ratings;
use super::shape::{Shape, has};
use crate::ingest::Ingested;

#[derive(Deserialize, Default)]
struct Group {
    #[serde(default)]
    name: Text,
    #[serde(default)]
    packages: Texts,
    #[serde(default)]
    status: Text,
    #[serde(default)]
    severity: Text,
    #[serde(default, rename = "type")]
    kind: Text,
    #[serde(default)]
    fixed: Text,
    #[serde(default)]
    issues: Texts,
    #[serde(default)]
    advisories: Texts,
}

pub(super) fn is_json(shape: &Shape) -> bool {
    matches!(shape, Shape::JsonArray { keys } if has(keys, &["name", "packages", "issues"]))
}

pub(super) fn read_json(document: &str, bytes: &[u8], into: &mut Ingested) {
    let source = SourceId::new("arch");
    let groups: Vec<Object<Group>> = match serde_json::from_slice(bytes) {
        Ok(groups) => groups,
        Err(error) => return into.reject(Some(source), document, None, error.to_string()),
    };
    into.leave_undated(&source);
    for Object(group) in groups {
        let Some(id) = group.name.as_deref() else {
            into.reject(Some(source.clone()), document, None, "group without a name".to_owned());
            continue;
        };
        let Some((status, interval)) = verdict(&group) else {
            let reason = format!("status that says nothing: {}", group.status.as_deref().unwrap_or("none"));
            into.reject(Some(source.clone()), document, Some(id), reason.chars().take(100).collect());
            continue;
        };
        let mut record = Record::new(source.clone(), id);
        record.upstream.extend(group.issues.0.iter().cloned());
        record.related.extend(group.advisories.0.iter().cloned());
        record.title.clone_from(&group.kind.0);
        let url = format!("https://security.archlinux.org/{id}");
        record.references.push(Reference { kind: "ADVISORY".to_owned(), url });
        let word = group.severity.as_deref().unwrap_or_default();
        record.ratings.extend(ratings::word(&source, word).ok().flatten());
        for package in &group.packages.0 {
            let key = PackageKey::new(Ecosystem::rolling(EcosystemKind::Arch), package);
            let mut affected = Affected::new(source.clone(), id, key);
            affected.status = status;
            affected.ranges.extend(interval.clone());
            affected.severity = word.parse().ok().filter(|level| *level != Severity::Unknown);
            record.affected.push(affected);
        }
        into.accept(record);
    }
}

/// A rolling release has one version at a time, so what is before the fix is affected; the version
/// that a group calls affected is merely the one at hand when it was written.
fn verdict(group: &Group) -> Option<(Status, Option<Interval>)> {
    let until_fixed = || group.fixed.as_deref().map_or_else(Interval::all, Interval::below);
    match group.status.as_deref()? {
        "Fixed" => Some((Status::Affected, Some(Interval::below(group.fixed.as_deref()?)))),
        "Vulnerable" | "Testing" => Some((Status::Affected, Some(until_fixed()))),
        "Unknown" => Some((Status::UnderInvestigation, Some(Interval::all()))),
        "Not affected" => Some((Status::NotAffected, None)),
        _ => None,
    }
}
