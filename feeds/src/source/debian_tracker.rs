//! The Debian security tracker's JSON: source package, vulnerability, release, status.
//!
//! The file has some 70 MB, so it is read package by package and never held as a whole.
//! A record is joined over the packages of the document, and is a fragment because the DSA and
//! DLA records of the same source speak of it too.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, BufReader, Read};

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};

use domain::advisory::{Affected, Interval, PackageKey, Record, Status};
use domain::ecosystem::{Ecosystem, EcosystemKind};
use domain::severity::Severity;
use domain::source::SourceId;

use super::lenient::Text;
use super::shape::Shape;
use crate::ingest::Ingested;

/// The release that a suite is, under the name that OSV and `/etc/os-release` use.
/// `experimental` is no release of anybody's system and keeps its name.
fn release_of(suite: &str) -> Option<&'static str> {
    if suite == "experimental" { Some("experimental") } else { domain::matching::debian_release(suite) }
}

#[derive(Deserialize)]
struct Issue {
    #[serde(default)]
    description: Text,
    #[serde(default)]
    releases: BTreeMap<String, Release>,
}

#[derive(Deserialize)]
struct Release {
    #[serde(default)]
    status: Text,
    #[serde(default)]
    fixed_version: Text,
    #[serde(default)]
    urgency: Text,
    #[serde(default)]
    nodsa_reason: Text,
}

pub(super) fn is_json(shape: &Shape) -> bool {
    let is_issue = |key: &String| key.starts_with("CVE-") || key.starts_with("TEMP-");
    matches!(shape, Shape::Json { nested, .. } if nested.first().is_some_and(is_issue))
}

pub(super) fn read_json(document: &str, bytes: &mut dyn Read, into: &mut Ingested) -> io::Result<()> {
    let mut tracker = Tracker { source: SourceId::new("debian"), records: BTreeMap::new(), notes: Ingested::new() };
    let mut deserializer = serde_json::Deserializer::from_reader(BufReader::with_capacity(1 << 16, bytes));
    let read = tracker.deserialize(&mut deserializer).and_then(|()| deserializer.end());
    match read {
        Ok(()) => {
            into.absorb(tracker.notes);
            into.leave_undated(&tracker.source);
            tracker.records.into_values().for_each(|record| into.accept(record));
            Ok(())
        }
        Err(error) if error.is_io() => Err(error.into()),
        // Half a tracker would look like a distribution with few vulnerabilities.
        Err(error) => {
            into.reject(Some(tracker.source), document, None, format!("the whole document is left out: {error}"));
            Ok(())
        }
    }
}

struct Tracker {
    source: SourceId,
    records: BTreeMap<String, Record>,
    notes: Ingested,
}

impl Tracker {
    fn deserialize<'de, D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(Packages(self))
    }

    fn add(&mut self, package: &str, id: String, issue: Issue) {
        let mut affected = Vec::with_capacity(issue.releases.len());
        for (codename, release) in issue.releases {
            let Some(number) = release_of(&codename) else {
                self.note("release that is not known: ignored", || format!("{package} {id}: {codename}"));
                continue;
            };
            let ecosystem = Ecosystem::release(EcosystemKind::Debian, number);
            let mut entry = Affected::new(self.source.clone(), &id, PackageKey::new(ecosystem, package));
            entry.severity = release.urgency.as_deref().and_then(severity);
            match verdict(&release) {
                Some((status, ranges)) => (entry.status, entry.ranges) = (status, ranges),
                None => {
                    self.note("status that says nothing: ignored", || format!("{package} {id} {codename}"));
                    continue;
                }
            }
            affected.push(entry);
        }
        let new = || Record { fragment: true, ..Record::new(self.source.clone(), &id) };
        let record = self.records.entry(id.clone()).or_insert_with(new);
        record.affected.extend(affected);
        if record.description.is_none() {
            record.description = issue.description.0;
        }
    }

    fn note(&mut self, reason: &str, example: impl FnOnce() -> String) {
        self.notes.note(&self.source, reason, example);
    }
}

/// What a release says of a package; None when the words are not the tracker's.
fn verdict(release: &Release) -> Option<(Status, Vec<Interval>)> {
    match release.status.as_deref()? {
        "resolved" => match release.fixed_version.as_deref()? {
            "0" => Some((Status::NotAffected, Vec::new())),
            fixed => Some((Status::Affected, vec![Interval::below(fixed)])),
        },
        "open" => Some((open_status(release), vec![Interval::all()])),
        "undetermined" => Some((Status::UnderInvestigation, vec![Interval::all()])),
        _ => None,
    }
}

fn open_status(release: &Release) -> Status {
    if release.urgency.as_deref() == Some("end-of-life") {
        return Status::EndOfLife;
    }
    match release.nodsa_reason.as_deref() {
        Some("ignored") => Status::WillNotFix,
        Some("postponed") => Status::FixDeferred,
        _ => Status::Affected,
    }
}

/// The urgency as a level; `**` marks one that a program has set.
fn severity(urgency: &str) -> Option<Severity> {
    let severity = urgency.trim_end_matches('*').trim().parse().ok()?;
    (severity != Severity::Unknown).then_some(severity)
}

struct Packages<'a>(&'a mut Tracker);

impl<'de> Visitor<'de> for Packages<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of source packages")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(package) = map.next_key::<String>()? {
            map.next_value_seed(Issues { tracker: &mut *self.0, package: &package })?;
        }
        Ok(())
    }
}

struct Issues<'a> {
    tracker: &'a mut Tracker,
    package: &'a str,
}

impl<'de> DeserializeSeed<'de> for Issues<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Issues<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of vulnerabilities")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some((id, issue)) = map.next_entry()? {
            self.tracker.add(self.package, id, issue);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Severity, severity};

    #[test]
    fn urgencies_are_levels_and_not_yet_assigned_is_none() {
        assert_eq!(severity("unimportant"), Some(Severity::Negligible));
        assert_eq!(severity("medium**"), Some(Severity::Medium));
        assert_eq!(severity("not yet assigned"), None);
        assert_eq!(severity("end-of-life"), None);
    }
}
