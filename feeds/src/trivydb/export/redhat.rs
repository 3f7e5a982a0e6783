//! Red Hat's part of a Trivy DB: errata with the streams that they are about, and which repository is of which streams.
//!
//! ```text
//! Red Hat      package -> erratum, or vulnerability without one -> entries { fix, vulnerabilities, architectures, streams }
//! Red Hat CPE  repository, nvr -> streams;  cpe -> the stream's name
//! ```
//!
//! A stream is its place in the sorted list of all. Trivy asks with the repositories of a system, and takes entries that have
//! one of their streams. The table is written only beside statements: without it Trivy ends with an error, and with
//! it and no statement it would say that nothing is wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Seek, Write};

use domain::advisory::{Affected, Status};
use domain::ecosystem::Ecosystem;
use domain::matching::redhat_repositories;
use serde::Serialize;

use super::LeftOut;
use super::advisory::{Range, severity_number, status_number};
use crate::trivydb::bolt::{WriteError, Writer};

pub(super) const ADVISORIES: &str = "Red Hat";
pub(super) const STREAMS: &str = "Red Hat CPE";

#[derive(Debug, Default)]
pub(super) struct RedHat {
    /// By package, and the erratum or vulnerability.
    advisories: BTreeMap<(String, String), BTreeMap<Fix, BTreeMap<String, Stated>>>,
}

/// What entries have in common that are one.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Fix {
    version: Option<String>,
    arches: BTreeSet<String>,
    status: Option<u8>,
}

/// What is stated of one vulnerability.
#[derive(Debug, Default)]
struct Stated {
    severity: Option<u8>,
    streams: BTreeSet<Ecosystem>,
}

/// The stored form, in the order in which Go writes it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Document<'a> {
    entries: Vec<Entry<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Entry<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    fixed_version: Option<&'a str>,
    cves: Vec<Cve<'a>>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    arches: &'a BTreeSet<String>,
    affected: Vec<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u8>,
}

#[derive(Serialize)]
struct Cve<'a> {
    #[serde(rename = "ID", skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(rename = "Severity", skip_serializing_if = "Option::is_none")]
    severity: Option<u8>,
}

impl RedHat {
    pub(super) fn is_empty(&self) -> bool {
        self.advisories.is_empty()
    }

    /// Takes one statement. False when nothing is affected, of which this form says nothing.
    pub(super) fn add(&mut self, advisory: &str, affected: &Affected) -> Result<bool, LeftOut> {
        if affected.status == Status::NotAffected {
            return Ok(false);
        }
        // Trivy looks binary packages up, and Red Hat states of most which they are.
        if affected.arches.len() == 1 && affected.arches.contains("src") {
            return Err(LeftOut::SourcePackage);
        }
        let stream = &affected.package.ecosystem;
        let Some(range) = Range::of(stream.scheme(), &[&affected])? else { return Ok(false) };
        if range.lower.is_some() {
            return Err(LeftOut::LowerBound);
        }
        let name = &affected.package.name;
        let package = affected.module.as_ref().map_or_else(|| name.clone(), |module| format!("{module}::{name}"));
        let record = if affected.record.starts_with("CVE-") { advisory } else { &affected.record };
        let status = range.fixed.is_none().then(|| status_number(affected.status));
        let fix = Fix { version: range.fixed, arches: arches(affected), status };
        let fixes = self.advisories.entry((package, record.to_owned())).or_default();
        let stated = fixes.entry(fix).or_default().entry(advisory.to_owned()).or_default();
        stated.severity = stated.severity.max(affected.severity.and_then(severity_number));
        stated.streams.insert(stream.clone());
        Ok(true)
    }

    pub(super) fn write_advisories<W: Write + Seek>(
        &self,
        streams: &Streams,
        writer: &mut Writer<W>,
    ) -> Result<(), WriteError> {
        let value = |((package, id), fixes): (&(String, String), _)| {
            ((package.clone(), id.clone()), document(id, fixes, &streams.places))
        };
        super::write_packages(writer, &self.advisories.iter().map(value).collect())
    }

    /// Of the statements, and of the repositories of Red Hat's table.
    pub(super) fn streams(&self) -> Streams {
        let repositories = redhat_repositories();
        let stated = self.advisories.values().flat_map(BTreeMap::values).flat_map(BTreeMap::values);
        let stated = stated.flat_map(|stated| &stated.streams).chain(repositories.values().flatten());
        let sorted: BTreeSet<&Ecosystem> = stated.collect();
        let places = sorted.into_iter().cloned().zip(0..).collect();
        Streams { places, repositories }
    }
}

/// Which streams there are, by their places, and which of them a repository is of.
#[derive(Debug)]
pub(super) struct Streams {
    places: BTreeMap<Ecosystem, usize>,
    repositories: BTreeMap<String, BTreeSet<Ecosystem>>,
}

impl Streams {
    pub(super) fn write<W: Write + Seek>(&self, writer: &mut Writer<W>) -> Result<(), WriteError> {
        let Self { places, repositories } = self;
        // Keys are sorted as text there: 10 before 2.
        let names: BTreeMap<String, String> =
            places.iter().map(|(stream, place)| (place.to_string(), cpe(stream))).collect();
        write_bucket(writer, "cpe", &names)?;
        // Which image is of which streams, no feed of ours says.
        write_bucket(writer, "nvr", &BTreeMap::<String, ()>::new())?;
        let of = |streams: &BTreeSet<Ecosystem>| streams.iter().map(|stream| places[stream]).collect::<Vec<_>>();
        let repositories: BTreeMap<String, Vec<usize>> =
            repositories.iter().map(|(id, streams)| (id.clone(), of(streams))).collect();
        write_bucket(writer, "repository", &repositories)
    }
}

/// `noarch` fits a package of every architecture, which here is said by naming none.
fn arches(affected: &Affected) -> BTreeSet<String> {
    match affected.arches.contains("noarch") {
        true => BTreeSet::new(),
        false => affected.arches.iter().filter(|arch| *arch != "src").cloned().collect(),
    }
}

/// Vulnerabilities of which the same is stated are one entry.
fn document(id: &str, fixes: &BTreeMap<Fix, BTreeMap<String, Stated>>, places: &BTreeMap<Ecosystem, usize>) -> Vec<u8> {
    let mut entries = Vec::new();
    for (fix, vulnerabilities) in fixes {
        let mut by_streams: BTreeMap<Vec<usize>, Vec<Cve<'_>>> = BTreeMap::new();
        for (vulnerability, stated) in vulnerabilities {
            let affected = stated.streams.iter().map(|stream| places[stream]).collect();
            // A key that is a vulnerability says which one it is.
            let of = (!id.starts_with("CVE-")).then_some(vulnerability.as_str());
            by_streams.entry(affected).or_default().push(Cve { id: of, severity: stated.severity });
        }
        entries.extend(by_streams.into_iter().map(|(affected, cves)| Entry {
            fixed_version: fix.version.as_deref(),
            cves,
            arches: &fix.arches,
            affected,
            status: fix.status,
        }));
    }
    serde_json::to_vec(&Document { entries }).expect("an entry holds only strings, integers and lists")
}

/// A stream does not tell whether its CPE is of an application or of an operating system; an empty part stands for any.
fn cpe(stream: &Ecosystem) -> String {
    format!("cpe:/:redhat:{}", stream.release.as_deref().unwrap_or_default())
}

fn write_bucket<W: Write + Seek>(
    writer: &mut Writer<W>,
    name: &str,
    values: &BTreeMap<String, impl Serialize>,
) -> Result<(), WriteError> {
    writer.begin(name.as_bytes())?;
    for (key, value) in values {
        writer.put(key.as_bytes(), &serde_json::to_vec(value).expect("a list of numbers, or a string"))?;
    }
    writer.end()
}
