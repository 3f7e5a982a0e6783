//! Real kits, and the real importer on a simulated disk.

use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use domain::clock::Reading;
use domain::digest::Digest;
use domain::time::Timestamp;
use importer::control::{Acting, Asked};
use importer::work::InProcess;
use importer::{ImportError, Imported, Means, Request, SealPolicy, control};
use ouk::limits::Limits;
use ouk::verify::Gates;
use store::{GenerationRow, Store, StoreError};
use tests::Site;
use tests::simulation::{Image, SimDisk};

/// When the kits were signed.
const SIGNED_SECONDS: i64 = 1_795_500_000;
/// Deep, so that the names of new directories above it count too.
pub(crate) const STATE: &str = "/var/lib/stella";

/// Four kits that follow each other and share some segments, and a damaged copy of the second.
pub(crate) struct Bench {
    _site: Site,
    root: Vec<u8>,
    kits: Vec<PathBuf>,
    damaged: PathBuf,
    delta: PathBuf,
}

pub(crate) static BENCH: LazyLock<Bench> = LazyLock::new(Bench::new);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kit {
    Version(usize),
    /// Version 3 as a delta to version 1.
    Delta,
    /// Version 2 with one bit changed near its end: found out when most of it is loaded.
    Damaged,
}

impl Bench {
    fn new() -> Self {
        let site = Site::new();
        site.ok(&["kit", "keys", "--out", "keys"]);
        let feeds: [&[&str]; 4] = [
            &["rustsec.jsonl"],
            &["rustsec.jsonl", "kev.json"],
            &["rustsec.jsonl", "ghsa.jsonl", "kev.json"],
            &["rustsec.jsonl", "ghsa.jsonl", "pypa.jsonl", "kev.json"],
        ];
        let mut kits = Vec::new();
        for (number, feeds) in feeds.into_iter().enumerate() {
            let [dataset, kit, version] =
                [format!("dataset{number}"), format!("{number}.kit"), (number + 1).to_string()];
            site.dataset(&dataset, feeds);
            let arguments =
                ["kit", "build", "--keys", "keys", "--dataset", &dataset, "--kit-version", &version, "--output", &kit];
            let built = site.command(&arguments).env("SOURCE_DATE_EPOCH", SIGNED_SECONDS.to_string()).output();
            assert!(built.expect("the binary starts").status.success(), "no kit {version}");
            kits.push(site.path(&kit));
        }
        let mut bytes = std::fs::read(&kits[1]).expect("a kit");
        let near_end = bytes.len() - 600;
        bytes[near_end] ^= 1;
        let damaged = site.path("damaged.kit");
        std::fs::write(&damaged, bytes).expect("written");
        let arguments = [
            "kit",
            "build",
            "--keys",
            "keys",
            "--dataset",
            "dataset2",
            "--base",
            "0.kit",
            "--kit-version",
            "3",
            "--output",
            "delta.kit",
        ];
        let built = site.command(&arguments).env("SOURCE_DATE_EPOCH", SIGNED_SECONDS.to_string()).output();
        assert!(built.expect("the binary starts").status.success(), "no delta");
        let delta = site.path("delta.kit");
        let root = std::fs::read(site.path("keys/1.root.json")).expect("a root");
        Self { _site: site, root, kits, damaged, delta }
    }

    /// What `stella kit import` does.
    pub(crate) fn import(&self, store: &Store, kit: Kit) -> Result<Imported, ImportError> {
        let path = match kit {
            Kit::Version(version) => &self.kits[version - 1],
            Kit::Damaged => &self.damaged,
            Kit::Delta => &self.delta,
        };
        let request = Request {
            kit: File::open(path).expect("a kit"),
            given_as: format!("{kit:?}"),
            trust_root: Some(&self.root),
            site_root: None,
            seal: None,
            seal_key: None,
            seal_policy: SealPolicy::Optional,
            expected: None,
            gates: Gates {
                product: "stella".to_owned(),
                channels: vec!["stable".to_owned()],
                appliance_version: env!("CARGO_PKG_VERSION").to_owned(),
                schema_max: feeds::dataset::DELTA_SCHEMA,
            },
            operator: "crash".to_owned(),
            engine: "crash".to_owned(),
        };
        // In this process: the simulated disk is nowhere else.
        let reading = reading();
        let site = site(store)?;
        let means = Means {
            site: &site,
            worker: &InProcess,
            reading: &reading,
            limits: &Limits::default(),
            nonce: Digest::of(b"crash"),
            progress: &|_| (),
        };
        importer::import(store, &request, &means)
    }

    /// A disk on which these kits were imported, long ago.
    pub(crate) fn site_with(&self, kits: &[Kit]) -> Image {
        let disk = SimDisk::new(&Image::empty());
        for kit in kits {
            let store = open(&disk).expect("a state");
            self.import(&store, *kit).expect("imported");
        }
        disk.image()
    }
}

fn wall() -> Timestamp {
    Timestamp::from_unix(SIGNED_SECONDS + 3600)
}

pub(crate) fn open(disk: &SimDisk) -> Result<Store, StoreError> {
    Store::open_on(Arc::new(disk.clone()), STATE)
}

/// The site's keys, which are made at the first start: never one twice, as with real entropy.
pub(crate) fn site(store: &Store) -> Result<store::Site, StoreError> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    store.site(&mut |bytes: &mut [u8]| {
        let seed = Digest::of(&NEXT.fetch_add(1, Ordering::Relaxed).to_le_bytes());
        bytes.iter_mut().zip(seed.as_bytes().iter().cycle()).for_each(|(byte, random)| *byte = *random);
        Ok(())
    })
}

fn reading() -> Reading {
    Reading { wall: wall(), since_boot_seconds: 100, boot_id: "crash".to_owned() }
}

/// What `stella kit rollback` does.
pub(crate) fn roll_back(store: &Store) -> Result<Asked, ImportError> {
    let acting = Acting {
        site: &site(store)?,
        operator: "crash",
        engine: "crash",
        appliance_version: env!("CARGO_PKG_VERSION"),
        reading: &reading(),
        limits: &Limits::default(),
        nonce: Digest::of(b"crash"),
    };
    control::ask(store, control::rollback(store, None)?, &acting, None)
}

/// What `stella serve` does before it answers: the active generation is whole and the vendor's.
pub(crate) fn recheck(store: &Store, row: &GenerationRow) -> Result<(), ImportError> {
    importer::recheck(store, row, env!("CARGO_PKG_VERSION"), &Limits::default())
}
