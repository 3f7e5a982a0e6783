//! A Grype DB out of a data set, for scanners that read one (schema 6.1, `vulnerability.db`, a SQLite file).
//!
//! ```text
//! advisory -> a vulnerability; for each package the assertions that decide -> ranges -> rows that point at each other by number
//! ```
//!
//! The same records in the same order give the same bytes on every machine. Large tables are written while the records come;
//! what is held in memory are names of packages and which text has which number.

mod package;
mod schema;
mod system;
mod vulnerability;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{Seek, Write};

use domain::advisory::{Advisory, Affected, PackageKey};
use domain::digest::Digest;
use domain::ecosystem::EcosystemKind;
use domain::exploitation::{Epss, KnownExploited};
use domain::time::Timestamp;
use serde_json::json;

use crate::sqlite::{Database, SqliteError, Table, Value};
use crate::trivydb::export::decisive;
use package::Package;
use system::{Place, System};

pub use schema::VERSION;

/// The one provider: whose records they are, the records' own sources say.
const PROVIDER: &str = "stella";

/// Why a statement about a package is not in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum LeftOut {
    #[error("Grype has no packages of the ecosystem")]
    NoPackages,
    #[error("Grype has no such release or product of the distribution")]
    NoRelease,
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

/// Takes records, sorted, and writes them as they come.
pub struct Export<W> {
    out: Database<W>,
    blobs: Table,
    vulnerabilities: Table,
    affected: Table,
    exploited: Table,
    epss: Table,
    /// Which text has which number: many packages have the same ranges.
    texts: HashMap<Digest, i64>,
    packages: Numbers<(&'static str, String)>,
    systems: Numbers<System>,
    aliases: BTreeSet<(String, String)>,
    exported: Exported,
}

/// Numbers for things, from 1 in the order in which they come.
struct Numbers<T> {
    known: HashMap<T, i64>,
}

impl<T: Eq + std::hash::Hash + Clone> Numbers<T> {
    fn of(&mut self, thing: T) -> i64 {
        let next = self.known.len() as i64 + 1;
        *self.known.entry(thing).or_insert(next)
    }

    fn into_sorted(self) -> Vec<T> {
        let mut all: Vec<(T, i64)> = self.known.into_iter().collect();
        all.sort_by_key(|(_, number)| *number);
        all.into_iter().map(|(thing, _)| thing).collect()
    }
}

impl<W: Write + Seek> Export<W> {
    pub fn new(out: W) -> Result<Self, SqliteError> {
        let table = |[name, sql]: [&str; 2]| Table::new(name, sql);
        Ok(Self {
            out: Database::new(out)?,
            blobs: table(schema::BLOBS),
            vulnerabilities: table(schema::VULNERABILITIES),
            affected: table(schema::AFFECTED),
            exploited: table(schema::KEV),
            epss: table(schema::EPSS),
            texts: HashMap::new(),
            packages: Numbers { known: HashMap::new() },
            systems: Numbers { known: HashMap::new() },
            aliases: BTreeSet::new(),
            exported: Exported::default(),
        })
    }

    /// Takes one advisory. Each comes once.
    pub fn add(&mut self, advisory: &Advisory) -> Result<(), SqliteError> {
        let mut statements: BTreeMap<Statement, Vec<&Affected>> = BTreeMap::new();
        for (package, assertions) in by_package(advisory) {
            let kind = package.ecosystem.kind;
            let place = match advisory.withdrawn {
                Some(_) => Err(LeftOut::Withdrawn),
                None => system::place(&package.ecosystem),
            };
            match place {
                Err(reason) => *self.exported.left_out.entry((kind, reason)).or_default() += 1,
                Ok(place) => {
                    for affected in decisive(&package.ecosystem, assertions) {
                        statements.entry(Statement::of(&place, affected)).or_default().push(affected);
                    }
                }
            }
        }
        let mut vulnerability = None;
        for (statement, assertions) in statements {
            let Some(package) = statement.package(&assertions) else { continue };
            let id = match vulnerability {
                Some(id) => id,
                None => *vulnerability.insert(self.add_vulnerability(advisory)?),
            };
            self.add_package(id, statement, &package)?;
        }
        Ok(())
    }

    fn add_vulnerability(&mut self, advisory: &Advisory) -> Result<i64, SqliteError> {
        let blob = self.out.push(&mut self.blobs, &[Value::Null, vulnerability::json(advisory).into()])?;
        let named = advisory.aliases.iter().filter(|alias| **alias != advisory.id);
        self.aliases.extend(named.map(|alias| (advisory.id.clone(), alias.clone())));
        self.exported.vulnerabilities += 1;
        let row = [
            Value::Null,
            advisory.id.as_str().into(),
            "active".into(),
            advisory.published.map(date).into(),
            advisory.modified.map(date).into(),
            Value::Null,
            PROVIDER.into(),
            blob.into(),
        ];
        self.out.push(&mut self.vulnerabilities, &row)
    }

    fn add_package(&mut self, vulnerability: i64, statement: Statement, package: &Package) -> Result<(), SqliteError> {
        let text = package.to_json();
        let digest = Digest::of(text.as_bytes());
        let blob = match self.texts.get(&digest) {
            Some(blob) => *blob,
            None => {
                let blob = self.out.push(&mut self.blobs, &[Value::Null, text.into()])?;
                self.texts.insert(digest, blob);
                blob
            }
        };
        let system = statement.system.map(|system| self.systems.of(system));
        // Grype asks without regard to case, and its index of packages allows one spelling.
        let package = self.packages.of((statement.packages, statement.name.to_ascii_lowercase()));
        let row = [Value::Null, vulnerability.into(), system.into(), package.into(), blob.into()];
        self.out.push(&mut self.affected, &row)?;
        self.exported.advisories += 1;
        Ok(())
    }

    pub fn add_known_exploited(&mut self, fact: &KnownExploited) -> Result<(), SqliteError> {
        let blob = json!({
            "cve": fact.cve,
            "date_added": fact.date_added.to_string(),
            "due_date": fact.due_date.map(|at| at.to_string()),
            "required_action": fact.required_action,
            "known_ransomware_campaign_use": if fact.ransomware { "known" } else { "unknown" },
            "notes": fact.name,
        });
        let blob = self.out.push(&mut self.blobs, &[Value::Null, blob.to_string().into()])?;
        self.out.push(&mut self.exploited, &[Value::Null, fact.cve.as_str().into(), blob.into()])?;
        Ok(())
    }

    pub fn add_epss(&mut self, fact: &Epss) -> Result<(), SqliteError> {
        let share = |e5: u32| Value::Real(f64::from(e5) / 100_000.0);
        let row = [Value::Null, fact.cve.as_str().into(), share(fact.probability_e5), share(fact.percentile_e5)];
        self.out.push(&mut self.epss, &row)?;
        Ok(())
    }

    /// Writes what is left. `built_at` is the time that the records speak for.
    pub fn finish(mut self, built_at: Timestamp) -> Result<(W, Exported), SqliteError> {
        let packages = self.packages.into_sorted().into_iter();
        let packages = packages.map(|(kind, name)| vec![Value::Null, kind.into(), name.into()]);
        let systems = self.systems.into_sorted().into_iter().map(|system| {
            let System { name, release_id, major, minor, label, codename, channel } = system;
            let texts = [name, release_id, &major, &minor, label, codename, channel].map(Value::from);
            [Value::Null].into_iter().chain(texts).chain([Value::Null, Value::Null]).collect()
        });
        let (model, revision, addition) = VERSION;
        let metadata = vec![date(built_at).into(), model.into(), revision.into(), addition.into()];
        let names = system::NAMES.iter().map(|(name, replacement, rolling)| {
            let empty = || Value::from("");
            let mut row = vec![(*name).into(), empty(), empty(), empty(), empty(), (*replacement).into()];
            row.extend([Value::Null, Value::Null, Value::Null, Value::Null, i64::from(*rolling).into(), empty()]);
            row
        });
        let out = &mut self.out;
        rows(out, schema::PACKAGES, packages)?;
        rows(out, schema::SYSTEMS, systems)?;
        rows(out, schema::METADATA, [metadata])?;
        rows(out, schema::EPSS_METADATA, [vec![date(built_at).into()]])?;
        rows(out, schema::SYSTEM_NAMES, names)?;
        schema::EMPTY.into_iter().try_for_each(|table| rows(out, table, []))?;
        let provider = vec![PROVIDER.into(), "1".into(), PROVIDER.into(), date(built_at).into(), "".into()];
        keyed(out, schema::PROVIDERS, [provider])?;
        keyed(out, schema::ALIASES, self.aliases.into_iter().map(|(id, alias)| vec![id.into(), alias.into()]))?;
        let names = system::PACKAGE_NAMES.iter().map(|(name, kind)| vec![(*name).into(), (*kind).into()]);
        keyed(out, schema::PACKAGE_NAMES, names)?;
        keyed(out, schema::PACKAGE_CPES, [])?;
        for table in [self.blobs, self.vulnerabilities, self.affected, self.exploited, self.epss] {
            self.out.end(table)?;
        }
        let (out, bytes) = self.out.finish()?;
        Ok((out, Exported { bytes, ..self.exported }))
    }
}

fn rows<W: Write + Seek>(
    out: &mut Database<W>,
    [name, sql]: [&str; 2],
    rows: impl IntoIterator<Item = Vec<Value>>,
) -> Result<(), SqliteError> {
    let mut table = Table::new(name, sql);
    for row in rows {
        out.push(&mut table, &row)?;
    }
    out.end(table)
}

fn keyed<W: Write + Seek>(
    out: &mut Database<W>,
    ([name, sql], columns): ([&str; 2], usize),
    rows: impl IntoIterator<Item = Vec<Value>>,
) -> Result<(), SqliteError> {
    out.keyed(name, sql, columns, &rows.into_iter().collect::<Vec<_>>())
}

/// What one row is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Statement {
    system: Option<System>,
    packages: &'static str,
    versions: &'static str,
    name: String,
    module: Option<String>,
}

impl Statement {
    fn of(place: &Place, affected: &Affected) -> Self {
        Self {
            system: place.system.clone(),
            packages: place.packages,
            versions: place.versions,
            name: affected.package.name.clone(),
            module: affected.module.clone(),
        }
    }

    /// Several streams of Red Hat's are one release here. What one of them fixes is not affected because another one leaves
    /// it open, so then only fixes are heard.
    fn package(&self, assertions: &[&Affected]) -> Option<Package> {
        let scheme = assertions.first()?.package.ecosystem.scheme();
        let is_red_hat = assertions.iter().all(|affected| affected.package.ecosystem.kind == EcosystemKind::RedHat);
        let fixes = |affected: &&&Affected| affected.ranges.iter().any(|range| range.fixed().is_some());
        let fixed: Vec<&Affected> = assertions.iter().filter(fixes).copied().collect();
        let heard = if is_red_hat && !fixed.is_empty() { &fixed } else { assertions };
        Package::of(self.versions, self.module.as_deref(), scheme, heard)
    }
}

fn by_package(advisory: &Advisory) -> BTreeMap<&PackageKey, Vec<&Affected>> {
    let mut packages: BTreeMap<&PackageKey, Vec<&Affected>> = BTreeMap::new();
    advisory.affected.iter().for_each(|affected| packages.entry(&affected.package).or_default().push(affected));
    packages
}

/// As the library that Grype reads with writes it.
fn date(at: Timestamp) -> String {
    at.to_string().replace('T', " ").replace('Z', "+00:00")
}
