//! The feeds of the shared data, merged, as an index in memory.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::convert::Infallible;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use domain::advisory::{Advisory, PackageKey};
use domain::ecosystem::Ecosystem;
use domain::matching::{AdvisoryIndex, Assertion, DataCoverage, Summary};
use domain::time::Timestamp;
use feeds::ingest::{Ingested, Options, ingest};
use feeds::merge::{MergeRules, merge};

use crate::archive::Archive;

/// What the corpus is made of. Feeds that say nothing which matching evaluates (KEV, EPSS)
/// and repackings of files that are here are left out.
const FEEDS: &[&str] = &[
    "osv/almalinux8-9-osv.tar.zst",
    "osv/bitnami-osv.tar.zst",
    "osv/go-osv.tar.zst",
    "osv/osv-mixed-harvest.jsonl.zst",
    "osv/pypa.tar.zst",
    "osv/rustsec-osv.tar.zst",
    "native/rubysec.tar.zst",
    "distro/alpine-secdb-json.tar.zst",
    "distro/debian-tracker-DERIVED.json.zst",
    "distro/wolfi-security-DERIVED.json.zst",
];

/// All advisories, by package and by name.
#[derive(Default)]
pub(crate) struct Corpus {
    packages: HashMap<PackageKey, Vec<Assertion>>,
    summaries: HashMap<String, Summary>,
    ecosystems: HashSet<String>,
    /// Advisories by each of their names: their id, their aliases, the ids of their records.
    names: HashMap<String, BTreeSet<String>>,
    debian: DebianLists,
}

impl AdvisoryIndex for Corpus {
    type Error = Infallible;

    /// Whether silence means anything does not matter here: only what the corpus speaks of is compared.
    fn coverage(&self, ecosystem: &Ecosystem) -> DataCoverage {
        match self.ecosystems.contains(&ecosystem.to_string()) {
            true => DataCoverage::Complete,
            false => DataCoverage::Absent,
        }
    }

    fn assertions(&self, package: &PackageKey) -> Result<Arc<[Assertion]>, Infallible> {
        Ok(self.packages.get(package).cloned().unwrap_or_default().into())
    }

    fn summary(&self, advisory: &str) -> Result<Option<Summary>, Infallible> {
        Ok(self.summaries.get(advisory).cloned())
    }
}

impl Corpus {
    pub(crate) fn load(data: &Path) -> Self {
        let mut ingested = Ingested::new();
        for feed in FEEDS {
            let file = File::open(data.join("feeds").join(feed)).expect(feed);
            ingest(feed, file, &Options::default(), &|_| {}, &mut ingested).expect(feed);
        }
        let corpus = Self::of(&merge(ingested.records, &MergeRules::default()).advisories);
        Self { debian: DebianLists::read(data), ..corpus }
    }

    pub(crate) fn of(advisories: &[Advisory]) -> Self {
        let mut corpus = Self::default();
        advisories.iter().for_each(|advisory| corpus.add(advisory));
        corpus
    }

    fn add(&mut self, advisory: &Advisory) {
        for affected in &advisory.affected {
            self.ecosystems.insert(affected.package.ecosystem.to_string());
            let rows = self.packages.entry(affected.package.clone()).or_default();
            rows.push(Assertion::new(&advisory.id, affected));
        }
        let members = advisory.members.iter().map(|member| &member.id);
        for name in std::iter::once(&advisory.id).chain(&advisory.aliases).chain(members) {
            self.names.entry(name.clone()).or_default().insert(advisory.id.clone());
        }
        self.summaries.insert(advisory.id.clone(), Summary::new(advisory, None, None));
    }

    /// The advisories that `name` means. OSV writes `DEBIAN-CVE-…` for a distribution's view, and
    /// an advisory of Debian is about several CVEs.
    pub(crate) fn advisories(&self, name: &str) -> BTreeSet<String> {
        let plain = ["ALPINE-", "DEBIAN-", "UBUNTU-"].iter().find_map(|prefix| name.strip_prefix(prefix));
        let bundled = self.debian.cves.get(name).into_iter().flatten().map(String::as_str);
        let names = [Some(name), plain].into_iter().flatten().chain(bundled);
        names.filter_map(|name| self.names.get(name)).flatten().cloned().collect()
    }

    /// Does the corpus say anything of this package about this vulnerability?
    pub(crate) fn speaks_of(&self, package: &PackageKey, advisory: &str) -> bool {
        let assertions = self.packages.get(package).map(Vec::as_slice).unwrap_or_default();
        assertions.iter().any(|assertion| assertion.advisory == advisory)
    }

    /// Was it known on that day? Where no source states a date, the year in the CVE id decides,
    /// and the year of the day itself is a no.
    pub(crate) fn known_at(&self, advisory: &str, day: Timestamp) -> bool {
        let published = self.summaries.get(advisory).and_then(|summary| summary.published).map(Timestamp::from_unix);
        match published.into_iter().chain(self.debian.first.get(advisory).copied()).min() {
            Some(published) => published <= day,
            None => year(advisory).is_some_and(|year| year < day.date()[..4].parse().unwrap_or(0)),
        }
    }
}

fn year(cve: &str) -> Option<u32> {
    cve.strip_prefix("CVE-")?.get(..4)?.parse().ok()
}

/// Debian's lists of advisories.
#[derive(Default)]
struct DebianLists {
    /// When the first advisory for a CVE was published.
    first: HashMap<String, Timestamp>,
    /// The CVEs of an advisory.
    cves: HashMap<String, Vec<String>>,
}

impl DebianLists {
    fn read(data: &Path) -> Self {
        let mut lists = Self::default();
        let archive = Archive::open(&data.join("feeds/distro/debian-security-tracker-lists.tar.zst"));
        for path in ["DSA/list", "DLA/list"] {
            for (_, bytes) in archive.under(path, path) {
                lists.add(&String::from_utf8_lossy(bytes));
            }
        }
        lists
    }

    // `[30 Mar 2023] DLA-3374-1 libmicrohttpd - security update`, then an indented `{CVE-…}`.
    fn add(&mut self, list: &str) {
        let mut current = None;
        for line in list.lines() {
            if let Some((date, rest)) = line.strip_prefix('[').and_then(|line| line.split_once("] ")) {
                current = calendar(date).zip(rest.split(' ').next());
            } else if let (Some((day, advisory)), Some(cves)) = (current, line.trim().strip_prefix('{')) {
                for cve in cves.trim_end_matches('}').split_whitespace() {
                    let first = self.first.entry(cve.to_owned()).or_insert(day);
                    *first = day.min(*first);
                    self.cves.entry(advisory.to_owned()).or_default().push(cve.to_owned());
                }
            }
        }
    }
}

fn calendar(text: &str) -> Option<Timestamp> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let [day, month, year] = text.split(' ').collect::<Vec<_>>()[..] else { return None };
    let month = MONTHS.find(month)? / 3 + 1;
    Timestamp::parse_strict(&format!("{year}-{month:02}-{day:0>2}T00:00:00Z")).ok()
}
