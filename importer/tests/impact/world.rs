//! A store with generations made of a few facts, and documents of a few packages.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

use domain::advisory::{Advisory, Affected, Interval, Member, PackageKey};
use domain::clock::TimeFloor;
use domain::component::{Component, Inventory};
use domain::digest::Digest;
use domain::exploitation::{Epss, KnownExploited};
use domain::purl::Purl;
use domain::root::ContentRoot;
use domain::severity::{Rating, RatingScheme, Severity};
use domain::source::{Redistribution, SourceId, SourceStatus};
use domain::time::Timestamp;
use importer::impact::{Impact, Terms, impact};
use policy::Gate;
use store::audit::{Entry, Event};
use store::{
    Activation, Generation, GenerationBuilder, GenerationRow, LayerRef, Located, SbomRow, Sboms, Store, TrustRow,
};

/// A day on which every test takes place.
pub(crate) const NOW: Timestamp = Timestamp::UNIX_EPOCH;
pub(crate) const ENGINE: &str = "stella test";

/// One advisory about one package. Facts with one id are one advisory.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fact {
    pub(crate) id: String,
    pub(crate) aliases: Vec<String>,
    pub(crate) ecosystem: String,
    pub(crate) package: String,
    /// None: every version is affected and none fixes it.
    pub(crate) fixed: Option<String>,
    pub(crate) severity: Severity,
    pub(crate) exploited: bool,
    pub(crate) epss_e5: Option<u32>,
}

pub(crate) fn fact(id: &str, ecosystem: &str, package: &str, fixed: &str) -> Fact {
    Fact {
        id: id.into(),
        aliases: Vec::new(),
        ecosystem: ecosystem.into(),
        package: package.into(),
        fixed: Some(fixed.into()),
        severity: Severity::High,
        exploited: false,
        epss_e5: None,
    }
}

/// What one generation holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Data {
    pub(crate) facts: Vec<Fact>,
    pub(crate) complete: Vec<String>,
    /// The age of its one source, in days.
    pub(crate) age_days: i64,
}

pub(crate) fn data(facts: &[Fact], complete: &[&str]) -> Data {
    Data { facts: facts.to_vec(), complete: complete.iter().map(|name| (*name).to_owned()).collect(), age_days: 0 }
}

pub(crate) struct World {
    _directory: tempfile::TempDir,
    pub(crate) store: Store,
    pub(crate) sboms: Sboms,
}

impl World {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::open(directory.path().join("state")).expect("a store");
        let sboms = store.sboms().expect("stored SBOMs");
        Self { _directory: directory, store, sboms }
    }

    /// Puts a generation in place, as an import does.
    pub(crate) fn generation(&self, data: &Data) -> Generation {
        let advisories = advisories(data);
        let mut segment = Vec::new();
        let mut builder = GenerationBuilder::new();
        for advisory in &advisories {
            let line = advisory.to_canonical_json();
            let leaf = ContentRoot::leaf("advisory", &advisory.id, &line).1;
            let (offset, length) = (segment.len() as u32, line.len() as u32);
            builder.add_advisory(advisory, Located { segment: 0, offset, length, leaf: *leaf.as_bytes() });
            segment.extend_from_slice(&line);
            segment.push(b'\n');
        }
        // Facts with one id are one advisory, and a catalogue has one entry for each.
        let exploited_ids: BTreeSet<&str> =
            data.facts.iter().filter(|fact| fact.exploited).map(|fact| fact.id.as_str()).collect();
        for id in exploited_ids {
            // No test reads the line of a fact.
            builder.add_known_exploited(&exploited(id), Located { segment: 0, offset: 0, length: 0, leaf: [0; 32] });
        }
        let scores: BTreeMap<&str, u32> =
            data.facts.iter().filter_map(|fact| Some((fact.id.as_str(), fact.epss_e5?))).collect();
        for (id, probability_e5) in scores {
            builder.add_epss(&Epss { cve: id.to_owned(), probability_e5, percentile_e5: 0 });
        }
        data.complete.iter().for_each(|name| builder.declare_complete(&name.parse().expect("an ecosystem")));
        let digest = Digest::of(&segment);
        self.store.blobs().put(&digest, &segment).expect("a blob");
        let number = self.store.next_generation().expect("a number");
        let path = self.store.generation_path(number);
        builder.write(self.store.disk(), &path, &[(0, digest)]).expect("an index");
        let layer = LayerRef::seal(self.store.disk(), number, &path).expect("an index");
        let generation = row(number, data, advisories.len() as u64, layer, digest);
        let trust = TrustRow {
            factory_root: b"root".to_vec(),
            root: b"root".to_vec(),
            floors: Vec::new(),
            site: None,
            revocations: None,
        };
        let time = TimeFloor::new(NOW);
        let activation = Activation { trust, time, generation, entitlements: Default::default(), entry: entry() };
        let logged = self.store.activate(&site(&self.store), &activation).expect("activated");
        assert!(logged.unpublished.is_none());
        self.store.open_generation(number).expect("open")
    }

    pub(crate) fn add(&self, name: &str, inventory: &Inventory, gate: &Gate) {
        let row = SbomRow::new(Digest::of(name.as_bytes()), name.to_owned(), inventory, gate.clone(), NOW);
        self.sboms.add([(&row, inventory)]).expect("kept");
    }

    /// Documents that are called by their numbers, in one commit: syncing is what tests wait for.
    pub(crate) fn add_all<'a>(&self, documents: impl Iterator<Item = (usize, &'a Inventory, &'a Gate)>) {
        let row = |(number, inventory, gate): (usize, &'a Inventory, &Gate)| {
            let name = number.to_string();
            (SbomRow::new(Digest::of(name.as_bytes()), name, inventory, gate.clone(), NOW), inventory)
        };
        let rows: Vec<_> = documents.map(row).collect();
        self.sboms.add(rows.iter().map(|(row, inventory)| (row, *inventory))).expect("kept");
    }

    pub(crate) fn impact(&self, old: &Generation, new: &Generation) -> Impact {
        let threads = NonZeroUsize::new(2).expect("two");
        let terms = Terms { now: NOW, engine: ENGINE, threads, progress: &|_| {} };
        impact(&self.sboms, old, new, &terms).expect("a report")
    }
}

/// What a transaction writes down.
fn entry() -> Entry {
    Entry::from(Event {
        at: Timestamp::UNIX_EPOCH,
        action: "import".to_owned(),
        actor: "ada".to_owned(),
        result: "activated".to_owned(),
        code: None,
        subjects: Vec::new(),
        details: Default::default(),
    })
}

fn site(store: &Store) -> store::Site {
    let mut next = 0;
    let mut entropy = |bytes: &mut [u8]| {
        next += 1;
        bytes.fill(next);
        Ok(())
    };
    store.site(&mut entropy).expect("a site")
}

fn row(number: u64, data: &Data, advisories: u64, layer: LayerRef, segment: Digest) -> GenerationRow {
    GenerationRow {
        number,
        kit_sha256: Digest::of(&number.to_le_bytes()),
        kit_version: number,
        metadata_digest: Digest::of(b"metadata"),
        content_root: Digest::of(b"root"),
        signed_at: NOW,
        imported_at: NOW,
        product: "stella".into(),
        channel: "stable".into(),
        sources: vec![SourceStatus {
            source: SourceId::new("vendor"),
            name: "Vendor".into(),
            url: String::new(),
            licence: String::new(),
            redistribution: Redistribution::Open,
            records: data.facts.len() as u64,
            rejected: 0,
            as_of: Some(NOW.plus_days(-data.age_days)),
        }],
        advisories,
        layers: vec![layer],
        blobs: vec![segment],
        manifest: segment,
        metadata_frame: segment,
        trivy_db: None,
        derived: None,
        census: None,
    }
}

fn exploited(cve: &str) -> KnownExploited {
    KnownExploited {
        cve: cve.into(),
        date_added: NOW,
        due_date: None,
        name: String::new(),
        required_action: String::new(),
        ransomware: false,
    }
}

fn advisories(data: &Data) -> Vec<Advisory> {
    let mut advisories: BTreeMap<&str, Advisory> = BTreeMap::new();
    for fact in &data.facts {
        let source = SourceId::new("vendor");
        let key = PackageKey::new(fact.ecosystem.parse().expect("an ecosystem"), &fact.package);
        let mut affected = Affected::new(source.clone(), fact.id.as_str(), key);
        affected.ranges.push(fact.fixed.as_ref().map_or_else(Interval::all, Interval::below));
        let advisory = advisories.entry(&fact.id).or_insert_with(|| Advisory {
            id: fact.id.clone(),
            aliases: fact.aliases.iter().cloned().collect(),
            related: Default::default(),
            title: None,
            description: None,
            published: None,
            modified: None,
            withdrawn: None,
            ratings: vec![Rating {
                source: source.clone(),
                scheme: RatingScheme::Vendor,
                vector: None,
                score_tenths: None,
                severity: fact.severity,
            }],
            cwes: Default::default(),
            references: Vec::new(),
            affected: Vec::new(),
            members: vec![Member { source, id: fact.id.clone(), modified: None, withdrawn: None }],
        });
        advisory.affected.push(affected);
    }
    advisories.into_values().collect()
}

/// A document of these packages, by purl.
pub(crate) fn document(purls: &[&str]) -> Inventory {
    let component = |purl: &&str| {
        let purl = Purl::parse(purl).expect("a purl");
        Component { name: purl.name.clone(), version: purl.version.clone(), purl: Some(purl), ..Component::default() }
    };
    Inventory { format: "CycloneDX".into(), components: purls.iter().map(component).collect(), ..Inventory::default() }
}
