//! Photon OS: per release one list of package, vulnerability and the version that resolves it.
//!
//! The release is in the name of the file (`cve_data_photon5.0.json`) and in the versions (`.ph5`).

use std::collections::BTreeMap;

use serde::Deserialize;

use domain::advisory::{Affected, Interval, PackageKey, Record, Status};
use domain::ecosystem::{Ecosystem, EcosystemKind};
use domain::source::SourceId;

use super::lenient::Text;
use super::shape::{Shape, has};
use crate::ingest::Ingested;

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    cve_id: Text,
    #[serde(default)]
    pkg: Text,
    #[serde(default)]
    res_ver: Text,
    #[serde(default)]
    status: Text,
}

pub(super) fn is_json(shape: &Shape) -> bool {
    matches!(shape, Shape::JsonArray { keys } if has(keys, &["cve_id", "pkg", "res_ver"]))
}

pub(super) fn read_json(document: &str, bytes: &[u8], into: &mut Ingested) {
    let source = SourceId::new("photon");
    let entries: Vec<Entry> = match serde_json::from_slice(bytes) {
        Ok(entries) => entries,
        Err(error) => return into.reject(Some(source), document, None, error.to_string()),
    };
    into.leave_undated(&source);
    let stated = in_name(document);
    let mut records: BTreeMap<String, Record> = BTreeMap::new();
    for entry in entries {
        let (Some(id), Some(package)) = (entry.cve_id.as_deref(), entry.pkg.as_deref()) else {
            into.note(&source, "entry without a vulnerability or a package: ignored", || document.to_owned());
            continue;
        };
        if !id.starts_with("CVE-") {
            into.note(&source, "entry of no CVE: ignored", || format!("{document}: {id} {package}"));
            continue;
        }
        let resolved = entry.res_ver.as_deref().filter(|version| *version != "NA");
        let Some(release) = stated.clone().or_else(|| resolved.and_then(in_version)) else {
            into.note(&source, "entry that tells no release: ignored", || format!("{document}: {id} {package}"));
            continue;
        };
        let ecosystem = Ecosystem::release(EcosystemKind::PhotonOs, release);
        let mut affected = Affected::new(source.clone(), id, PackageKey::new(ecosystem, package));
        match (resolved, entry.status.as_deref()) {
            (Some(fixed), _) => affected.ranges.push(Interval::below(fixed)),
            (None, Some("Not Affected")) => affected.status = Status::NotAffected,
            (None, _) => affected.ranges.push(Interval::all()),
        }
        let new = || Record { fragment: true, ..Record::new(source.clone(), id) };
        records.entry(id.to_owned()).or_insert_with(new).affected.push(affected);
    }
    records.into_values().for_each(|record| into.accept(record));
}

fn in_name(document: &str) -> Option<String> {
    let (_, rest) = document.rsplit('/').next()?.rsplit_once("photon")?;
    let (major, rest) = rest.split_once('.')?;
    let minor: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let major = Some(major).filter(|major| !major.is_empty() && major.bytes().all(|byte| byte.is_ascii_digit()))?;
    (!minor.is_empty()).then(|| format!("{major}.{minor}"))
}

fn in_version(version: &str) -> Option<String> {
    let (_, tag) = version.rsplit_once(".ph")?;
    (!tag.is_empty() && tag.bytes().all(|byte| byte.is_ascii_digit())).then(|| format!("{tag}.0"))
}
