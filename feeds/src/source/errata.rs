//! Errata as the rebuilders of RHEL publish them in JSON: AlmaLinux's `errata.full.json` and the
//! pages of Rocky Linux's Apollo.

use std::collections::BTreeSet;

use serde::Deserialize;

use domain::advisory::{Interval, Record, Reference, Status};
use domain::ecosystem::{Ecosystem, EcosystemKind};
use domain::severity::Severity;
use domain::source::SourceId;
use domain::time::Timestamp;

use super::lenient::{Object, Text};
use super::ratings;
use super::rpm::{Statement, Statements, module_stream, nevra, stream_in_title, with_epoch};
use super::shape::{Shape, has};
use crate::ingest::Ingested;

#[derive(Deserialize)]
struct AlmaErrata {
    data: Vec<Object<Alma>>,
}

#[derive(Deserialize, Default)]
struct Alma {
    #[serde(default)]
    id: Text,
    #[serde(default)]
    issued_date: Text,
    #[serde(default)]
    updated_date: Text,
    #[serde(default)]
    severity: Text,
    #[serde(default)]
    title: Text,
    #[serde(default)]
    description: Text,
    #[serde(default, rename = "type")]
    kind: Text,
    #[serde(default)]
    packages: Option<Vec<Object<AlmaPackage>>>,
    #[serde(default)]
    modules: Option<Vec<Object<AlmaModule>>>,
    #[serde(default)]
    references: Option<Vec<Object<AlmaReference>>>,
}

#[derive(Deserialize, Default)]
struct AlmaPackage {
    #[serde(default)]
    name: Text,
    #[serde(default)]
    epoch: Text,
    #[serde(default)]
    version: Text,
    #[serde(default)]
    release: Text,
    #[serde(default)]
    arch: Text,
    #[serde(default)]
    module: Text,
}

#[derive(Deserialize, Default)]
struct AlmaModule {
    #[serde(default)]
    name: Text,
    #[serde(default)]
    stream: Text,
}

#[derive(Deserialize, Default)]
struct AlmaReference {
    #[serde(default)]
    id: Text,
    #[serde(default, rename = "type")]
    kind: Text,
    #[serde(default)]
    href: Text,
}

#[derive(Deserialize)]
struct Apollo {
    advisories: Vec<Object<Rocky>>,
}

#[derive(Deserialize, Default)]
struct Rocky {
    #[serde(default)]
    name: Text,
    #[serde(default)]
    synopsis: Text,
    #[serde(default)]
    description: Text,
    #[serde(default)]
    severity: Text,
    #[serde(default)]
    kind: Text,
    #[serde(default)]
    published_at: Text,
    #[serde(default)]
    updated_at: Text,
    #[serde(default)]
    cves: Option<Vec<Object<RockyCve>>>,
    #[serde(default)]
    packages: Option<Vec<Object<RockyPackage>>>,
}

#[derive(Deserialize, Default)]
struct RockyCve {
    #[serde(default)]
    cve: Text,
}

#[derive(Deserialize, Default)]
struct RockyPackage {
    #[serde(default)]
    nevra: Text,
    #[serde(default)]
    module_name: Text,
    #[serde(default)]
    module_stream: Text,
    #[serde(default)]
    product_name: Text,
}

/// An erratum of either.
struct Erratum {
    id: Option<String>,
    security: bool,
    title: Option<String>,
    description: Option<String>,
    severity: Option<String>,
    published: Option<Timestamp>,
    modified: Option<Timestamp>,
    upstream: BTreeSet<String>,
    references: Vec<Reference>,
    packages: Vec<Package>,
    /// Packages that lack a name, a version or a release.
    unusable: usize,
}

struct Package {
    release: String,
    name: String,
    version: String,
    arch: Option<String>,
    module: Option<String>,
}

pub(super) fn is_alma(shape: &Shape) -> bool {
    matches!(shape, Shape::Json { keys, .. } if has(keys, &["schema_version", "data"]))
        || matches!(shape, Shape::Json { keys, nested } if has(keys, &["data"]) && has(nested, &["issued_date", "packages"]))
}

pub(super) fn is_apollo(shape: &Shape) -> bool {
    matches!(shape, Shape::Json { keys, nested } if has(keys, &["advisories"]) && has(nested, &["synopsis", "packages"]))
}

pub(super) fn read_alma(document: &str, bytes: &[u8], into: &mut Ingested) {
    let errata = serde_json::from_slice::<AlmaErrata>(bytes).map(|errata| errata.data);
    let errata = errata.map(|list| list.into_iter().map(|Object(erratum)| alma(erratum)).collect());
    read(&Origin { source: "alma", kind: EcosystemKind::AlmaLinux }, document, errata, into);
}

pub(super) fn read_apollo(document: &str, bytes: &[u8], into: &mut Ingested) {
    let errata = serde_json::from_slice::<Apollo>(bytes).map(|page| page.advisories);
    let errata = errata.map(|list| list.into_iter().map(|Object(erratum)| rocky(erratum)).collect());
    read(&Origin { source: "rocky", kind: EcosystemKind::RockyLinux }, document, errata, into);
}

struct Origin {
    source: &'static str,
    kind: EcosystemKind,
}

fn read(origin: &Origin, document: &str, errata: Result<Vec<Erratum>, serde_json::Error>, into: &mut Ingested) {
    let source = SourceId::new(origin.source);
    let errata = match errata {
        Ok(errata) => errata,
        Err(error) => return into.reject(Some(source), document, None, error.to_string()),
    };
    for erratum in errata {
        let Some(id) = erratum.id.clone() else {
            into.reject(Some(source.clone()), document, None, "erratum without an id".to_owned());
            continue;
        };
        if erratum.upstream.is_empty() && !erratum.security {
            into.note(&source, "update that is of no vulnerability: left out", || id.clone());
            continue;
        }
        for _ in 0..erratum.unusable {
            into.note(&source, "package without a name, a version or a release: ignored", || id.clone());
        }
        if erratum.packages.is_empty() {
            into.note(&source, "update without packages", || id.clone());
        }
        into.accept(record(&source, origin.kind, &id, erratum));
    }
}

fn record(source: &SourceId, kind: EcosystemKind, id: &str, erratum: Erratum) -> Record {
    let word = erratum.severity.unwrap_or_default();
    let severity = word.parse().ok().filter(|level| *level != Severity::Unknown);
    let mut statements = Statements::default();
    for package in erratum.packages {
        let ecosystem = Ecosystem::release(kind, package.release);
        let interval = Some(Interval::below(package.version));
        let statement = Statement::new(ecosystem, &package.name, Status::Affected, interval, id);
        statements.add(Statement { module: package.module, severity, ..statement }, package.arch.as_deref());
    }
    Record {
        upstream: erratum.upstream,
        title: erratum.title,
        description: erratum.description,
        published: erratum.published,
        modified: erratum.modified,
        ratings: ratings::word(source, &word).ok().flatten().into_iter().collect(),
        references: erratum.references,
        affected: statements.of_binaries(source),
        // AlmaLinux has one document for each release.
        fragment: true,
        ..Record::new(source.clone(), id)
    }
}

fn alma(erratum: Alma) -> Erratum {
    let references: Vec<AlmaReference> = erratum.references.into_iter().flatten().map(|Object(link)| link).collect();
    let url = |link: &AlmaReference| link.href.0.clone();
    // https://errata.almalinux.org/8/ALSA-2019-3708.html
    let own = references.iter().find(|link| link.kind.as_deref() == Some("self")).and_then(url);
    let stated = own.as_deref().and_then(|url| url.rsplit('/').nth(1)).and_then(number);
    let module = module(erratum.title.as_deref(), erratum.modules.unwrap_or_default());
    let listed = erratum.packages.unwrap_or_default();
    let all = listed.len();
    let packages = listed.into_iter().filter_map(|Object(package)| {
        let label = format!("{}-{}", package.version.as_deref()?, package.release.as_deref()?);
        let modular = label.contains(".module");
        Some(Package {
            release: stated.clone().or_else(|| dist_tag(&label))?,
            name: package.name.0?,
            version: with_epoch(package.epoch.as_deref(), &label),
            arch: package.arch.0,
            module: package.module.as_deref().and_then(module_stream).or_else(|| module.clone().filter(|_| modular)),
        })
    });
    let packages: Vec<Package> = packages.collect();
    let cves = references.iter().filter(|link| link.kind.as_deref() == Some("cve"));
    Erratum {
        security: erratum.kind.as_deref() == Some("security"),
        upstream: cves.filter_map(|link| link.id.0.clone()).collect(),
        unusable: all - packages.len(),
        packages,
        id: erratum.id.0,
        title: erratum.title.0,
        description: erratum.description.0,
        severity: erratum.severity.0,
        published: unix(&erratum.issued_date),
        modified: unix(&erratum.updated_date),
        references: references.iter().filter_map(url).map(|url| Reference { kind: "WEB".to_owned(), url }).collect(),
    }
}

/// The stream: in the title, or the only one there is.
fn module(title: Option<&str>, modules: Vec<Object<AlmaModule>>) -> Option<String> {
    let named =
        modules.into_iter().filter_map(|Object(module)| Some(format!("{}:{}", module.name.0?, module.stream.0?)));
    let named: BTreeSet<String> = named.collect();
    let only = || named.first().filter(|_| named.len() == 1).cloned();
    title.and_then(stream_in_title).or_else(only)
}

fn rocky(erratum: Rocky) -> Erratum {
    let listed = erratum.packages.unwrap_or_default();
    let all = listed.len();
    let packages = listed.into_iter().filter_map(|Object(package)| {
        let nevra = nevra(package.nevra.as_deref()?)?;
        let module = package.module_name.0.zip(package.module_stream.0);
        Some(Package {
            // `Rocky Linux 9 x86_64`, `Rocky Linux 8.5 aarch64 (Legacy)`
            release: package.product_name.as_deref()?.strip_prefix("Rocky Linux ").and_then(number)?,
            name: nevra.name.to_owned(),
            version: nevra.version,
            arch: Some(nevra.arch.to_owned()),
            module: module.map(|(name, stream)| format!("{name}:{stream}")),
        })
    });
    let packages: Vec<Package> = packages.collect();
    let date = |text: &Text| text.as_deref().and_then(|text| Timestamp::parse_lenient(text).ok());
    Erratum {
        security: erratum.kind.as_deref() == Some("Security"),
        unusable: all - packages.len(),
        packages,
        upstream: erratum.cves.into_iter().flatten().filter_map(|Object(cve)| cve.cve.0).collect(),
        published: date(&erratum.published_at),
        modified: date(&erratum.updated_at),
        id: erratum.name.0,
        title: erratum.synopsis.0,
        description: erratum.description.0,
        severity: erratum.severity.0,
        references: Vec::new(),
    }
}

fn unix(text: &Text) -> Option<Timestamp> {
    text.as_deref()?.parse().ok().map(Timestamp::from_unix)
}

/// The digits at the beginning.
fn number(text: &str) -> Option<String> {
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    (!digits.is_empty()).then_some(digits)
}

/// `5.1.el8_4`, `18.module_el8.5.0+2632`
fn dist_tag(label: &str) -> Option<String> {
    [".el", "_el"].iter().find_map(|mark| number(label.split(mark).nth(1)?))
}
