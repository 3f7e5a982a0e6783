//! A Trivy DB out of canonical advisories, for scanners that read one.
//!
//! ```text
//! advisory -> for each package: the assertions that decide -> bucket, key, value; sorted; written once
//! ```
//!
//! The same advisories give the same bytes on every machine. In a Trivy DB of two buckets that know an id only one is
//! heard, so the assertions that our matcher would let decide are joined into one statement. What that form
//! cannot say is left out and counted by reason, never bent into something that it does not mean.

mod advisory;
mod description;
mod platform;
mod redhat;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Seek, Write};

use domain::advisory::{Advisory, Affected, PackageKey};
use domain::ecosystem::{Ecosystem, EcosystemKind};
use domain::matching::deciding;
use domain::time::Timestamp;
use serde_json::json;

use super::bolt::{WriteError, Writer};
use advisory::Document;
use platform::{DataSource, Platform};
use redhat::RedHat;

const VULNERABILITIES: &str = "vulnerability";
const DATA_SOURCES: &str = "data-source";
/// Upstream says a day; a kit comes when it comes.
const NEXT_UPDATE_DAYS: i64 = 30;

/// Why a statement about a package is not in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum LeftOut {
    #[error("Trivy has no driver for the ecosystem")]
    NoDriver,
    #[error("the form has no lower bound for this distribution")]
    LowerBound,
    #[error("the form has no last affected version for distributions")]
    LastAffected,
    #[error("the form has one range for distributions, and several are stated")]
    SeveralRanges,
    #[error("the form lists no versions for distributions")]
    ListedVersions,
    #[error("Trivy's driver reports nothing that has no fix")]
    Unfixed,
    #[error("a version cannot be read")]
    Unreadable,
    #[error("Trivy looks up binary packages, and this is about a source package")]
    SourcePackage,
    #[error("withdrawn")]
    Withdrawn,
}

/// What an export came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    pub bytes: u64,
    pub advisories: u64,
    pub vulnerabilities: u64,
    /// How many statements about packages are not in it.
    pub left_out: BTreeMap<(EcosystemKind, LeftOut), u64>,
}

/// Takes advisories and writes the database when all are there.
#[derive(Debug, Default)]
pub struct Export {
    buckets: BTreeMap<String, BTreeMap<(String, String), Vec<u8>>>,
    descriptions: BTreeMap<String, Vec<u8>>,
    sources: BTreeMap<String, DataSource>,
    redhat: RedHat,
    exported: Exported,
}

impl Export {
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one advisory. Each comes once.
    pub fn add(&mut self, advisory: &Advisory) {
        let mut packages: BTreeMap<&PackageKey, Vec<&Affected>> = BTreeMap::new();
        advisory.affected.iter().for_each(|affected| packages.entry(&affected.package).or_default().push(affected));
        let before = self.exported.advisories;
        for (package, assertions) in packages {
            let added = match (advisory.withdrawn, package.ecosystem.kind) {
                (Some(_), _) => Err(LeftOut::Withdrawn),
                (None, EcosystemKind::RedHat) => {
                    self.add_redhat(&advisory.id, &decisive(&package.ecosystem, assertions));
                    Ok(())
                }
                (None, _) => self.add_package(&advisory.id, package, assertions),
            };
            if let Err(reason) = added {
                self.leave_out(package.ecosystem.kind, reason);
            }
        }
        if self.exported.advisories > before {
            self.descriptions.insert(advisory.id.clone(), description::description(advisory));
        }
    }

    /// Red Hat's form has no one range for a package, so each statement goes its way.
    fn add_redhat(&mut self, id: &str, assertions: &[&Affected]) {
        for affected in assertions {
            match self.redhat.add(id, affected) {
                Ok(added) => self.exported.advisories += u64::from(added),
                Err(reason) => self.leave_out(EcosystemKind::RedHat, reason),
            }
        }
        if !self.redhat.is_empty() {
            self.sources.insert(redhat::ADVISORIES.to_owned(), platform::data_source("redhat", None));
        }
    }

    fn leave_out(&mut self, kind: EcosystemKind, reason: LeftOut) {
        *self.exported.left_out.entry((kind, reason)).or_default() += 1;
    }

    fn add_package(&mut self, id: &str, package: &PackageKey, assertions: Vec<&Affected>) -> Result<(), LeftOut> {
        let ecosystem = &package.ecosystem;
        let platform = platform::platform(ecosystem).ok_or(LeftOut::NoDriver)?;
        let mut modules: BTreeMap<Option<&str>, Vec<&Affected>> = BTreeMap::new();
        for assertion in decisive(ecosystem, assertions) {
            modules.entry(assertion.module.as_deref()).or_default().push(assertion);
        }
        for (module, assertions) in modules {
            let document = match &platform {
                Platform::Language { .. } => advisory::language(id, ecosystem.scheme(), &assertions),
                Platform::Distribution { form, .. } => advisory::distribution(id, ecosystem, *form, &assertions),
            };
            match document {
                Ok(Some(document)) => {
                    self.add_document(id, (package, module), &platform, &assertions, &document);
                    self.exported.advisories += 1;
                }
                Ok(None) => {}
                // What one stream states does not take the others' statements along.
                Err(reason) => self.leave_out(ecosystem.kind, reason),
            }
        }
        Ok(())
    }

    fn add_document(
        &mut self,
        id: &str,
        stream: (&PackageKey, Option<&str>),
        platform: &Platform,
        assertions: &[&Affected],
        document: &Document,
    ) {
        let (package, module) = stream;
        let (bucket, source) = place(platform, assertions);
        self.sources.insert(bucket.clone(), source);
        let spellings = assertions.iter().filter_map(|affected| affected.spelling.as_deref());
        let rows = self.buckets.entry(bucket).or_default();
        for key in platform::keys(&package.ecosystem, &package.name, spellings) {
            let key = module.map_or_else(|| key.clone(), |module| format!("{module}::{key}"));
            rows.insert((key, id.to_owned()), document.to_json());
        }
    }

    /// Writes the database and counts its bytes.
    pub fn write<W: Write + Seek>(self, out: W) -> Result<(W, Exported), WriteError> {
        let Self { buckets, descriptions, sources, redhat, mut exported } = self;
        exported.vulnerabilities = descriptions.len() as u64;
        let sources = sources.iter().map(|(bucket, source)| (bucket.clone(), data_source(source)));
        let flat = [(DATA_SOURCES, sources.collect::<BTreeMap<_, _>>()), (VULNERABILITIES, descriptions)];
        let mut names: BTreeSet<&str> = buckets.keys().map(String::as_str).collect();
        names.extend(flat.iter().map(|(name, _)| *name));
        let streams = (!redhat.is_empty()).then(|| redhat.streams());
        if streams.is_some() {
            names.extend([redhat::ADVISORIES, redhat::STREAMS]);
        }
        let mut writer = Writer::new(out)?;
        for name in names {
            writer.begin(name.as_bytes())?;
            match (flat.iter().find(|(flat, _)| *flat == name), &streams) {
                (Some((_, values)), _) => {
                    values.iter().try_for_each(|(key, value)| writer.put(key.as_bytes(), value))?;
                }
                (None, Some(streams)) if name == redhat::ADVISORIES => {
                    redhat.write_advisories(streams, &mut writer)?;
                }
                (None, Some(streams)) if name == redhat::STREAMS => streams.write(&mut writer)?,
                (None, _) => write_packages(&mut writer, &buckets[name])?,
            }
            writer.end()?;
        }
        let (out, bytes) = writer.finish()?;
        exported.bytes = bytes;
        Ok((out, exported))
    }
}

fn write_packages<W: Write + Seek>(
    writer: &mut Writer<W>,
    packages: &BTreeMap<(String, String), Vec<u8>>,
) -> Result<(), WriteError> {
    let mut open: Option<&str> = None;
    for ((package, id), value) in packages {
        if open != Some(package) {
            if open.is_some() {
                writer.end()?;
            }
            writer.begin(package.as_bytes())?;
            open = Some(package);
        }
        writer.put(id.as_bytes(), value)?;
    }
    if open.is_some() { writer.end() } else { Ok(()) }
}

/// As our matcher lets them decide (`domain::matching`).
pub(crate) fn decisive<'a>(ecosystem: &Ecosystem, assertions: Vec<&'a Affected>) -> Vec<&'a Affected> {
    let deciding = deciding(ecosystem.kind, assertions.iter().map(|affected| affected.source.as_str()));
    assertions.into_iter().filter(|affected| deciding.contains(affected.source.as_str())).collect()
}

/// The bucket, and the source that it is shown to be of: GitHub's when it is among those that decide, for its ratings.
fn place(platform: &Platform, assertions: &[&Affected]) -> (String, DataSource) {
    let sources: BTreeSet<&str> = assertions.iter().map(|affected| affected.source.as_str()).collect();
    let source = sources.get("ghsa").or(sources.first()).copied().unwrap_or_default();
    match platform {
        Platform::Distribution { bucket, .. } => (bucket.clone(), platform::data_source(source, None)),
        Platform::Language { slug } => {
            let source = platform::data_source(source, Some(slug));
            (format!("{slug}::{}", source.name), source)
        }
    }
}

fn data_source(source: &DataSource) -> Vec<u8> {
    let DataSource { id, name, url } = source;
    json!({ "ID": id, "Name": name, "URL": url }).to_string().into_bytes()
}

/// `metadata.json` of a database whose records speak for this time.
pub fn metadata(updated_at: Timestamp) -> Vec<u8> {
    let next = updated_at.plus_days(NEXT_UPDATE_DAYS);
    // Trivy fetches a new database when it was never downloaded.
    let text = format!(
        "{{\"Version\":2,\"NextUpdate\":\"{next}\",\"UpdatedAt\":\"{updated_at}\",\"DownloadedAt\":\"{updated_at}\"}}\n"
    );
    text.into_bytes()
}
