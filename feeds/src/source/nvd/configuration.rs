//! Which software a vulnerability is in, as NVD says it: configurations of CPE names with bounds.
//!
//! A configuration can say "this, running on that". What it runs on is not part of an inventory
//! of software, so the statement is taken without it: a platform that nobody mentions must not hide a
//! vulnerability.

use std::collections::BTreeMap;

use serde::Deserialize;

use domain::advisory::{Affected, Interval, Lower, PackageKey, Upper};
use domain::cpe::{Attribute, Cpe};
use domain::ecosystem::{Ecosystem, EcosystemKind};
use domain::source::SourceId;

use crate::ingest::Ingested;
use crate::source::lenient::{Object, Text};

/// A configuration, or a node of one: both hold nodes or names.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub(in crate::source) struct Configuration {
    #[serde(default)]
    negate: Option<bool>,
    #[serde(default)]
    nodes: Vec<Object<Configuration>>,
    #[serde(default)]
    cpe_match: Vec<Object<Match>>,
}

/// A name and the versions of it that are meant.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub(in crate::source) struct Match {
    #[serde(default)]
    vulnerable: Option<bool>,
    #[serde(default)]
    criteria: Text,
    #[serde(default)]
    version_start_including: Text,
    #[serde(default)]
    version_start_excluding: Text,
    #[serde(default)]
    version_end_including: Text,
    #[serde(default)]
    version_end_excluding: Text,
}

/// Is a name meant, or whatever is not under a name? What a negation leaves is not worked out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::source) enum Sign {
    Plain,
    Negated,
}

impl Configuration {
    pub(in crate::source) fn each(&self, take: &mut impl FnMut(&Match, Sign)) {
        self.each_under(Sign::Plain, take);
    }

    fn each_under(&self, above: Sign, take: &mut impl FnMut(&Match, Sign)) {
        let sign = if self.negate == Some(true) { Sign::Negated } else { above };
        self.nodes.iter().for_each(|Object(node)| node.each_under(sign, take));
        self.cpe_match.iter().for_each(|Object(one)| take(one, sign));
    }
}

/// What one record says of software, by name and qualifiers.
pub(in crate::source) struct Statements {
    source: SourceId,
    record: String,
    said: BTreeMap<(String, Option<String>), Affected>,
}

impl Statements {
    pub(in crate::source) fn new(source: SourceId, record: &str) -> Self {
        Self { source, record: record.to_owned(), said: BTreeMap::new() }
    }

    pub(in crate::source) fn finish(self) -> Vec<Affected> {
        let mut said: Vec<Affected> = self.said.into_values().collect();
        // Of these only commits were named.
        for affected in said.iter_mut().filter(|affected| affected.ranges.is_empty() && affected.versions.is_empty()) {
            affected.ranges.push(unreadable());
        }
        said
    }

    fn add_match(&mut self, one: &Match, cpe: &Cpe, into: &mut Ingested) {
        self.say_named(cpe, one.interval(), one.criteria.as_deref().unwrap_or_default(), into);
    }

    /// Adds the version that the name itself has; versions in these bounds when it leaves the version open.
    pub(in crate::source) fn say_named(&mut self, cpe: &Cpe, bounds: Interval, criteria: &str, into: &mut Ingested) {
        let said = match (&cpe.version, cpe.listed()) {
            (_, Some(version)) => Said::Version(version),
            (Attribute::Pattern(_) | Attribute::Is(_), None) => {
                self.note(into, "CPE with a pattern for a version: unevaluated", Some(criteria));
                Said::Unreadable
            }
            // `-` is said where versions mean nothing: all of them, then.
            (Attribute::Any | Attribute::NotApplicable, None) => Said::Range(bounds),
        };
        self.say(cpe, said);
    }

    pub(in crate::source) fn add(&mut self, one: &Match, sign: Sign, into: &mut Ingested) {
        // What it runs on.
        if one.vulnerable == Some(false) {
            return;
        }
        match one.criteria.as_deref().and_then(Cpe::parse) {
            // Devices are in no inventory of software.
            Some(cpe) if cpe.part == 'h' => {}
            Some(cpe) if sign == Sign::Negated => {
                self.note(into, "CPE under a negation: unevaluated", one.criteria.as_deref());
                self.say(&cpe, Said::Unreadable);
            }
            Some(cpe) => self.add_match(one, &cpe, into),
            None => self.note(into, "CPE that cannot be read: ignored", one.criteria.as_deref()),
        }
    }

    /// Adds a version, or versions in bounds.
    pub(in crate::source) fn say(&mut self, cpe: &Cpe, said: Said) {
        let key = (cpe.name(), cpe.qualifiers());
        let affected = self.said.entry(key).or_insert_with_key(|(name, qualifiers)| {
            let package = PackageKey::new(Ecosystem::rolling(EcosystemKind::Cpe), name);
            let affected = Affected::new(self.source.clone(), &self.record, package);
            Affected { module: qualifiers.clone(), ..affected }
        });
        match said {
            Said::Version(version) => drop(affected.versions.insert(version)),
            Said::Range(interval) => add(affected, interval),
            Said::Unreadable => add(affected, unreadable()),
            Said::Commits => {}
        }
    }

    fn note(&self, into: &mut Ingested, reason: &str, criteria: Option<&str>) {
        let criteria: String = criteria.unwrap_or("none").chars().take(120).collect();
        into.note(&self.source, reason, || format!("{}: {criteria}", self.record));
    }
}

/// Versions that are affected.
#[derive(Clone)]
pub(in crate::source) enum Said {
    Version(String),
    Range(Interval),
    /// Free text. Whoever has the software is not cleared by what nobody can read.
    Unreadable,
    /// Mostly the same is said in versions as well; where it is not, it is unreadable.
    Commits,
}

/// A bound that no order can read: matching then says that the bounds of this record cannot be ordered.
fn unreadable() -> Interval {
    Interval { lower: Lower::Start, upper: Upper::LastAffected("?".to_owned()) }
}

fn add(affected: &mut Affected, interval: Interval) {
    if !affected.ranges.contains(&interval) {
        affected.ranges.push(interval);
    }
}

impl Match {
    fn interval(&self) -> Interval {
        // Bounds are written with the escapes of a CPE, by some.
        let text = |text: &Text| text.as_deref().map(|text| text.replace('\\', ""));
        let lower = match (text(&self.version_start_including), text(&self.version_start_excluding)) {
            (Some(version), _) => Lower::Introduced(version),
            (None, Some(version)) => Lower::After(version),
            (None, None) => Lower::Start,
        };
        let upper = match (text(&self.version_end_excluding), text(&self.version_end_including)) {
            (Some(version), _) => Upper::Fixed(version),
            (None, Some(version)) => Upper::LastAffected(version),
            (None, None) => Upper::Open,
        };
        Interval { lower, upper }
    }
}
