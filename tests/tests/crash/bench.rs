//! Real kits, and the real importer on a simulated disk.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use attest::approval::Action;
use attest::dsse;
use attest::keys::{Approval, SigningKey};
use domain::clock::Reading;
use domain::digest::Digest;
use domain::time::Timestamp;
use importer::control::{Acting, BreakGlass, Presence};
use importer::work::InProcess;
use importer::{ImportError, Imported, Means, Request, Rotation, SealPolicy, control};
use ouk::limits::Limits;
use ouk::verify::Gates;
use store::audit::{Entry, Event};
use store::{ControlPolicy, GenerationRow, Person, Store, StoreError, Task};
use tests::Site;
use tests::simulation::{Image, SimDisk};

/// When the kits were signed.
const SIGNED_SECONDS: i64 = 1_795_500_000;
/// Deep, so that the names of new directories above it count too.
pub(crate) const STATE: &str = "/var/lib/stella";

/// Four kits that follow each other and share some segments, and a copy of the second that has been added to.
pub(crate) struct Bench {
    /// None when another process has made the kits.
    _site: Option<Site>,
    directory: PathBuf,
    root: Vec<u8>,
    kits: Vec<PathBuf>,
    damaged: PathBuf,
    delta: PathBuf,
    parts: [PathBuf; 2],
}

/// Where another process of these tests finds the kits.
pub(crate) const KITS: &str = "STELLA_TEST_KITS";

pub(crate) static BENCH: LazyLock<Bench> =
    LazyLock::new(|| std::env::var_os(KITS).map_or_else(Bench::new, |directory| Bench::at(None, directory.into())));

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kit {
    Version(usize),
    /// Version 3 as a delta to version 1.
    Delta,
    /// Version 2 with a byte behind its end: found out when all of it is loaded.
    Damaged,
    /// Version 2 without its last blob.
    Cut,
    /// Version 2 with a bit changed in its first blob.
    Bent,
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
        for (number, feeds) in feeds.into_iter().enumerate() {
            let [dataset, kit, version] =
                [format!("dataset{number}"), format!("{number}.kit"), (number + 1).to_string()];
            site.dataset(&dataset, feeds);
            let arguments =
                ["kit", "build", "--keys", "keys", "--dataset", &dataset, "--kit-version", &version, "--output", &kit];
            let built = site.command(&arguments).env("SOURCE_DATE_EPOCH", SIGNED_SECONDS.to_string()).output();
            assert!(built.expect("the binary starts").status.success(), "no kit {version}");
        }
        let mut bytes = std::fs::read(site.path("1.kit")).expect("a kit");
        break_copies(&bytes, &[site.path("cut.kit"), site.path("bent.kit")]);
        bytes.push(0);
        std::fs::write(site.path("damaged.kit"), bytes).expect("written");
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
        let directory = site.path("");
        Self::at(Some(site), directory)
    }

    fn at(site: Option<Site>, directory: PathBuf) -> Self {
        Self {
            root: std::fs::read(directory.join("keys/1.root.json")).expect("a root"),
            kits: (0..4).map(|number| directory.join(format!("{number}.kit"))).collect(),
            damaged: directory.join("damaged.kit"),
            delta: directory.join("delta.kit"),
            parts: [directory.join("cut.kit"), directory.join("bent.kit")],
            _site: site,
            directory,
        }
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// What `stella kit import` and `stella kit stage` do, both of which `make` is.
    pub(crate) fn hand_in(
        &self,
        store: &Store,
        kit: Kit,
        make: fn(&Store, &Request<'_>, &Means<'_>) -> Result<Imported, ImportError>,
    ) -> Result<Imported, ImportError> {
        let path = match kit {
            Kit::Version(version) => &self.kits[version - 1],
            Kit::Damaged => &self.damaged,
            Kit::Delta => &self.delta,
            Kit::Cut => &self.parts[0],
            Kit::Bent => &self.parts[1],
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
            operator: OPERATOR.to_owned(),
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
        make(store, &request, &means)
    }

    pub(crate) fn import(&self, store: &Store, kit: Kit) -> Result<Imported, ImportError> {
        self.hand_in(store, kit, importer::import)
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

/// Who asks for everything; Bob and Carol approve.
const OPERATOR: &str = "alice";

/// Two copies of a kit, neither of which is whole; together they are.
fn break_copies(kit: &[u8], [cut, bent]: &[PathBuf; 2]) {
    let metadata = ouk::read::open(kit, &Limits::default()).expect("opens").metadata;
    let first_blob = metadata.frame().len();
    let cut_at = kit.len() - 100;
    assert!(first_blob + 200 < cut_at, "more than one blob");
    std::fs::write(cut, &kit[..cut_at]).expect("written");
    let mut bytes = kit.to_vec();
    bytes[first_blob + 20] ^= 1;
    std::fs::write(bent, bytes).expect("written");
}

fn wall() -> Timestamp {
    Timestamp::from_unix(SIGNED_SECONDS + 3600)
}

pub(crate) fn open(disk: &SimDisk) -> Result<Store, StoreError> {
    Store::open_on(Arc::new(disk.clone()), STATE)
}

/// The site's keys, which are made at the first start: never one twice, as with real entropy.
pub(crate) fn site(store: &Store) -> Result<store::Site, StoreError> {
    store.site(&mut entropy)
}

fn entropy(bytes: &mut [u8]) -> std::io::Result<()> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let seed = Digest::of(&NEXT.fetch_add(1, Ordering::Relaxed).to_le_bytes());
    bytes.iter_mut().zip(seed.as_bytes().iter().cycle()).for_each(|(byte, random)| *byte = *random);
    Ok(())
}

fn reading() -> Reading {
    Reading { wall: wall(), since_boot_seconds: 100, boot_id: "crash".to_owned() }
}

fn acting<T>(store: &Store, act: impl FnOnce(&Acting<'_>) -> Result<T, ImportError>) -> Result<T, ImportError> {
    act(&Acting {
        site: &site(store)?,
        operator: OPERATOR,
        engine: "crash",
        appliance_version: env!("CARGO_PKG_VERSION"),
        reading: &reading(),
        limits: &Limits::default(),
        nonce: Digest::of(b"crash"),
    })
}

/// What `stella kit rollback` does.
pub(crate) fn roll_back(store: &Store) -> Result<(), ImportError> {
    acting(store, |acting| control::ask(store, control::rollback(store, None)?, acting, None).map(drop))
}

/// What `stella admin dual-control --approvals` does.
pub(crate) fn set_policy(store: &Store, approvals: u32) -> Result<(), ImportError> {
    let task = Task::Policy { replaces: store.control_policy()?.digest(), policy: policy(approvals) };
    acting(store, |acting| control::ask(store, task, acting, None).map(drop))
}

pub(crate) fn approve(store: &Store, number: u64, person: &str) -> Result<(), ImportError> {
    let statement = control::rules::statement(&store.pending_row(number)?, person);
    let envelope = dsse::sign(&statement.to_bytes(), &[&key(person)]);
    acting(store, |acting| control::approve(store, number, &envelope, acting).map(drop))
}

pub(crate) fn withdraw(store: &Store, number: u64) -> Result<(), ImportError> {
    acting(store, |acting| control::withdraw(store, number, acting, None).map(drop))
}

pub(crate) fn carry_out(store: &Store, number: u64) -> Result<(), ImportError> {
    acting(store, |acting| control::carry_out(store, number, acting, control::Waivers::default()).map(drop))
}

pub(crate) fn break_glass(store: &Store, number: u64) -> Result<(), ImportError> {
    let glass = BreakGlass { reason: "exploited in the wild", presence: Presence::Console };
    acting(store, |acting| {
        control::carry_out(store, number, acting, control::Waivers { break_glass: Some(glass), ..Default::default() })
            .map(drop)
    })
}

/// What `stella admin rotate-token-key` does.
pub(crate) fn rotate_token_key(store: &Store) -> Result<(), ImportError> {
    acting(store, |acting| importer::rotate(store, acting, Rotation::Overlap, &mut entropy).map(drop))
}

fn key(person: &str) -> SigningKey<Approval> {
    SigningKey::from_seed(Digest::of(person.as_bytes()).as_bytes())
}

pub(crate) fn policy(approvals: u32) -> ControlPolicy {
    let person = |name: &str| Person { name: name.to_owned(), keys: vec![key(name).public().to_base64()] };
    let actions = [Action::Activate, Action::Rollback, Action::Clock, Action::Policy];
    ControlPolicy {
        needed: actions.map(|action| (action, approvals)).into(),
        people: [OPERATOR, "bob", "carol"].map(person).into(),
        ..ControlPolicy::default()
    }
}

/// Fills the log with records that tell nothing, until it has this many.
pub(crate) fn fill_log(disk: &SimDisk, size: u64) {
    let store = open(disk).expect("a state");
    let site = site(&store).expect("a site");
    let event = Event {
        at: wall(),
        action: "note".to_owned(),
        actor: OPERATOR.to_owned(),
        result: "noted".to_owned(),
        code: None,
        subjects: Vec::new(),
        details: Default::default(),
    };
    while store.append(&site, &Entry::from(event.clone())).expect("written").head.size < size {}
}

/// What `stella serve` does before it answers: the active generation is whole and the vendor's.
pub(crate) fn recheck(store: &Store, row: &GenerationRow) -> Result<(), ImportError> {
    importer::recheck(store, row, env!("CARGO_PKG_VERSION"), &Limits::default())
}
