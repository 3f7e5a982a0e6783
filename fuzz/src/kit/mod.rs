//! Kits with real signatures over wrong content: the mutator, and what must hold whatever it does.
//!
//! ```text
//! plan      fuzz input -> instructions
//! content   targets, segments, manifest             bent before the kit is made
//! signed    fields of roles, roots, signers, frames  bent before they are signed
//! shape     entries of the metadata, frames, bytes   bent afterwards
//! forge     a plan and the base kit -> a kit
//! claims    what is asserted of verification and of the import
//! ```
//!
//! A fuzzer that changes bytes of a kit is stopped by the first digest. This one signs again what it
//! has changed, with the test vendor's keys, so that everything behind the signatures is reached too.

mod claims;
mod content;
mod forge;
mod json;
mod plan;
mod shape;
mod signed;
mod site;

pub(crate) use ::forge as support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use domain::vex::CarriedVex;
use feeds::dataset::{Dataset, MANIFEST_NAME, Manifest, Segment, coverage};
use feeds::ingest::{Ingested, Options, ingest};
use feeds::merge::{MergeRules, merge};
use feeds::trivydb;

use crate::target::fixtures;
use crate::targets::{check_export, tiny_trivy_db, tiny_trivy_metadata};
use forge::Forged;
use plan::Plan;
use support::{Files, Vendor};

pub(crate) use claims::{end_to_end, verify};

/// The version of the kit that the site has.
const BASE_VERSION: u64 = 5;
const SEED: u64 = 1;

/// A small kit of real records, and the keys that signed it.
pub(crate) struct Base {
    pub(crate) vendor: Vendor,
    pub(crate) manifest: Manifest,
    pub(crate) segments: Vec<(Segment, Vec<u8>)>,
    /// Path to content.
    pub(crate) targets: BTreeMap<String, Vec<u8>>,
    /// The files of the metadata frame.
    pub(crate) files: Files,
    /// Digest to frame.
    pub(crate) frames: BTreeMap<String, Vec<u8>>,
    pub(crate) kit: Vec<u8>,
}

/// The base kit, made once: keys and times are fixed, so every process has the same.
pub(crate) fn base() -> &'static Base {
    static BASE: OnceLock<Base> = OnceLock::new();
    BASE.get_or_init(|| {
        let (manifest, segments) = check_export(&dataset()).expect("real records are exported");
        let mut targets: BTreeMap<String, Vec<u8>> =
            segments.iter().map(|(segment, bytes)| (segment.name.clone(), bytes.clone())).collect();
        targets.insert(MANIFEST_NAME.to_owned(), manifest.to_canonical_json());
        targets.insert("jwt/site.jwt".to_owned(), b"a.b.c".to_vec());
        targets.insert(trivydb::DB_NAME.to_owned(), tiny_trivy_db());
        targets.insert(trivydb::METADATA_NAME.to_owned(), tiny_trivy_metadata().to_vec());
        targets.insert("os/noise".to_owned(), support::noise(SEED, 700));
        targets.insert("os/empty".to_owned(), Vec::new());
        let vendor = Vendor::new(SEED);
        let draft = forge::draft(&vendor, BASE_VERSION, &targets);
        let (files, kit) = (draft.files(), draft.kit());
        Base { vendor, manifest, segments, targets, files, frames: draft.frames, kit }
    })
}

fn dataset() -> Dataset {
    let mut read = Ingested::new();
    for bytes in
        ["feeds/osv", "feeds/kev", "feeds/epss"].iter().flat_map(|folder| fixtures(folder, &["n", "v"], 2 << 10))
    {
        ingest("fixture", bytes.as_slice(), &Options::default(), &|_| {}, &mut read).expect("a feed");
    }
    let sources = read.statuses();
    let advisories = merge(read.records, &MergeRules::default()).advisories;
    let coverage = coverage(&advisories, &BTreeSet::new());
    let kev: BTreeMap<_, _> = read.kev.into_iter().map(|fact| (fact.cve.clone(), fact)).collect();
    let epss: BTreeMap<_, _> = read.epss.into_iter().map(|fact| (fact.cve.clone(), fact)).collect();
    Dataset {
        advisories,
        kev: kev.into_values().collect(),
        epss: epss.into_values().collect(),
        vex: vec![vex()],
        sources,
        coverage,
    }
}

/// A document in which much can be bent: all that a statement may have, and a reference to what the records speak of.
fn vex() -> CarriedVex {
    let document = r#"{"@context":"https://openvex.dev/ns/v0.2.0","@id":"https://v.example/1","author":"v","version":1,"statements":[
        {"vulnerability":{"name":"CVE-2024-1"},"products":[{"@id":"pkg:npm/x@1","subcomponents":[{"@id":"pkg:npm/y"}]}],
         "status":"not_affected","justification":"component_not_present","timestamp":"2024-01-01T00:00:00Z"}]}"#;
    CarriedVex { name: "v.openvex.json".to_owned(), document: document.to_owned() }
}

/// No instruction at all, and noise: plans are dense, almost every input is one.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let noise = (0..64).map(|seed| support::noise(seed, 16 + seed as usize));
    std::iter::once(Vec::new()).chain(noise).collect()
}

fn forged(data: &[u8]) -> (Plan, Forged) {
    let plan = Plan::decode(data);
    let forged = forge::forge(base(), &plan);
    (plan, forged)
}
