//! secdb, the format of Alpine and of the distributions built with its tools: per package, which
//! version fixed which vulnerabilities.
//!
//! It says nothing of vulnerabilities without a fix, and the version `0` means "never affected".
//! One vulnerability stands in many documents (one per branch and repository), so the records
//! are fragments, to be joined when merging.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

use domain::advisory::{Affected, Interval, PackageKey, Record, Status};
use domain::ecosystem::Ecosystem;
use domain::source::SourceId;

use super::lenient::{Text, Texts};
use super::shape::{Shape, has};
use super::{alpine, wolfi};
use crate::ingest::Ingested;

/// Whose document it is.
pub(super) struct Origin {
    pub(super) source: &'static str,
    pub(super) ecosystem: Ecosystem,
}

/// What stands beside the packages.
#[derive(Deserialize)]
pub(super) struct Header {
    #[serde(default)]
    pub(super) distroversion: Text,
    #[serde(default)]
    pub(super) urlprefix: Text,
}

#[derive(Deserialize)]
struct Document {
    #[serde(flatten)]
    header: Header,
    /// Null in a repository without fixes; a document without it is damaged.
    #[serde(deserialize_with = "list_or_null")]
    packages: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    pkg: Package,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    secfixes: Fixes,
}

/// Fixed versions with what they fix, in the order written. Not a map: one of two equal keys
/// would be lost.
#[derive(Default)]
struct Fixes(Vec<(String, Texts)>);

pub(super) fn is_json(shape: &Shape) -> bool {
    matches!(shape, Shape::Json { keys, .. } if is_secdb(keys))
}

pub(super) fn is_yaml(shape: &Shape) -> bool {
    shape.yaml_keys().is_some_and(is_secdb)
}

fn is_secdb(keys: &[String]) -> bool {
    has(keys, &["apkurl", "urlprefix"]) || has(keys, &["packages", "urlprefix"])
}

pub(super) fn read_json(document: &str, bytes: &[u8], into: &mut Ingested) {
    read(document, serde_json::from_slice(bytes).map_err(|error| error.to_string()), into);
}

pub(super) fn read_yaml(document: &str, bytes: &[u8], into: &mut Ingested) {
    read(document, yaml_serde::from_slice(bytes).map_err(|error| error.to_string()), into);
}

fn read(document: &str, parsed: Result<Document, String>, into: &mut Ingested) {
    let parsed = match parsed {
        Ok(parsed) => parsed,
        Err(reason) => return into.reject(None, document, None, reason),
    };
    let Some(origin) = alpine::origin(&parsed.header).or_else(|| wolfi::origin(&parsed.header)) else {
        let reason = "secdb of an unknown distribution: neither distroversion nor urlprefix names one".to_owned();
        return into.reject(None, document, None, reason);
    };
    let source = SourceId::new(origin.source);
    into.leave_undated(&source);
    let mut records = BTreeMap::new();
    if parsed.packages.is_empty() {
        into.note(&source, "document without packages", || document.to_owned());
    }
    for Entry { pkg } in parsed.packages {
        if pkg.secfixes.0.is_empty() {
            into.note(&source, "package without fixes", || format!("{document}: {}", pkg.name));
        }
        let key = PackageKey::new(origin.ecosystem.clone(), &pkg.name);
        for (version, fixes) in pkg.secfixes.0 {
            if fixes.0.is_empty() {
                into.note(&source, "version that fixes nothing: ignored", || {
                    format!("{document}: {} {version}", pkg.name)
                });
            }
            for text in fixes.0 {
                let names = Names::of(&text);
                for word in &names.unknown {
                    into.note(&source, "word that is no vulnerability id: ignored", || {
                        format!("{document}: {} {version}: {word}", pkg.name)
                    });
                }
                add(&mut records, &source, &key, &version, &names);
            }
        }
    }
    records.into_values().for_each(|record| into.accept(record));
}

fn list_or_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Entry>, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

fn add(records: &mut BTreeMap<String, Record>, source: &SourceId, key: &PackageKey, version: &str, names: &Names<'_>) {
    for &id in &names.ids {
        let new = || Record { fragment: true, ..Record::new(source.clone(), id) };
        let record = records.entry(id.to_owned()).or_insert_with(new);
        record.related.extend(names.related.iter().map(|&name| name.to_owned()));
        let mut affected = Affected::new(source.clone(), id, key.clone());
        if version == "0" {
            affected.status = Status::NotAffected;
        } else {
            affected.ranges.push(Interval::below(version));
        }
        // A document may list the same fix twice.
        if !record.affected.contains(&affected) {
            record.affected.push(affected);
        }
    }
}

/// The words of one entry, such as `CVE-2017-12134 XSA-229`.
#[derive(Debug, Default, PartialEq, Eq)]
struct Names<'t> {
    /// The CVEs; without any, the GHSAs; without those, whatever other ids there are.
    ids: Vec<&'t str>,
    related: Vec<&'t str>,
    unknown: Vec<&'t str>,
}

const OTHER_PREFIXES: [&str; 5] = ["CGA-", "TALOS-", "XSA-", "ZBX-", "wnpa-sec-"];

impl<'t> Names<'t> {
    fn of(text: &'t str) -> Self {
        let (mut cves, mut ghsas, mut others, mut unknown) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for word in text.split_whitespace() {
            match word {
                _ if is_cve(word) => cves.push(word),
                _ if word.starts_with("GHSA-") => ghsas.push(word),
                _ if OTHER_PREFIXES.iter().any(|prefix| word.starts_with(prefix)) => others.push(word),
                _ => unknown.push(word),
            }
        }
        let mut ranks = [cves, ghsas, others].into_iter().filter(|rank| !rank.is_empty());
        let ids = ranks.next().unwrap_or_default();
        Self { ids, related: ranks.flatten().collect(), unknown }
    }
}

/// `CVE-`, a year, and at least four digits: feeds hold `CVE-2017-8073.patch` and worse.
fn is_cve(word: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let parts = word.strip_prefix("CVE-").and_then(|rest| rest.split_once('-'));
    parts.is_some_and(|(year, number)| year.len() == 4 && digits(year) && number.len() >= 4 && digits(number))
}

impl<'de> Deserialize<'de> for Fixes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Not `deserialize_option`, which would read a missing list as an empty one.
        deserializer.deserialize_any(FixesVisitor)
    }
}

struct FixesVisitor;

impl<'de> Visitor<'de> for FixesVisitor {
    type Value = Fixes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("fixed versions with lists of ids")
    }

    fn visit_unit<E>(self) -> Result<Fixes, E> {
        Ok(Fixes::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fixes, A::Error> {
        let mut fixes = Vec::new();
        while let Some(fix) = map.next_entry()? {
            fixes.push(fix);
        }
        Ok(Fixes(fixes))
    }
}

#[cfg(test)]
mod tests {
    use super::{Names, is_cve};

    #[test]
    fn an_entry_is_split_into_ids_and_notes() {
        let names = Names::of("CVE-2017-12134 XSA-229 (+ regression fix)");
        assert_eq!(names.ids, ["CVE-2017-12134"]);
        assert_eq!(names.related, ["XSA-229"]);
        assert_eq!(names.unknown, ["(+", "regression", "fix)"]);
        assert_eq!(Names::of("XSA-229").ids, ["XSA-229"]);
        assert_eq!(Names::of("GHSA-2c7c-3mj9-8fqh XSA-1").ids, ["GHSA-2c7c-3mj9-8fqh"]);
    }

    #[test]
    fn what_merely_resembles_a_cve_id_is_none() {
        assert!(is_cve("CVE-2026-0001") && is_cve("CVE-2017-1000364"));
        for text in
            ["CVE-2017-17434-1", "CVE-????-?????", "CVE_2019-2426", "CVE-2017-8073.patch", "2018-16859", "CVE-2018-123"]
        {
            assert!(!is_cve(text), "{text}");
        }
    }
}
