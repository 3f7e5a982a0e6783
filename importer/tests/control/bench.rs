//! A vendor that makes small kits, and a site with people.

use std::collections::BTreeSet;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use attest::approval::Action;
use attest::keys::{Approval, SigningKey};
use attest::statement::OukImport;
use domain::advisory::{Advisory, Affected, Interval, Member, PackageKey};
use domain::clock::Reading;
use domain::digest::Digest;
use domain::source::SourceId;
use domain::time::Timestamp;
use feeds::dataset::{Dataset, MANIFEST_NAME, coverage};
use feeds::export::{ExportOptions, export};
use importer::control::{Acting, Approved, Asked, BreakGlass, Done, Presence, Waivers, approve, ask, carry_out, sign};
use importer::work::InProcess;
use importer::{ImportError, Imported, Means, Outcome, Request, SealPolicy, import, stage};
use ouk::build::{BuildInput, Expiries, KitTarget, build};
use ouk::keys::{CeremonyConfig, KeySet, ceremony};
use ouk::limits::Limits;
use ouk::verify::Gates;
use store::audit::{Entry, Event};
use store::{ControlPolicy, PendingRow, Person, Store, Task};

/// When the vendor signs. The site's tests start an hour later.
pub(crate) const SIGNED: i64 = 1_796_000_000;

pub(crate) fn hours(hours: i64) -> Reading {
    let seconds = hours * 3600;
    Reading {
        wall: Timestamp::from_unix(SIGNED + seconds),
        since_boot_seconds: 1000 + seconds,
        boot_id: "one".to_owned(),
    }
}

/// Alice, Bob, Carol and Dave have one key each.
pub(crate) fn key(name: &str) -> SigningKey<Approval> {
    SigningKey::from_seed(Digest::of(name.as_bytes()).as_bytes())
}

pub(crate) fn policy(needed: u32) -> ControlPolicy {
    let person = |name: &str| Person { name: name.to_owned(), keys: vec![key(name).public().to_base64()] };
    let actions = [Action::Activate, Action::Rollback, Action::Clock, Action::Policy];
    ControlPolicy {
        needed: actions.map(|action| (action, needed)).into(),
        people: ["alice", "bob", "carol", "dave"].map(person).into(),
        hours: 72,
    }
}

/// Keys that are made once for all tests.
struct Vendor {
    keys: KeySet,
    root: Vec<u8>,
}

fn vendor() -> &'static Vendor {
    static VENDOR: OnceLock<Vendor> = OnceLock::new();
    VENDOR.get_or_init(|| {
        let mut counter = 0_u64;
        let mut rng = |bytes: &mut [u8]| {
            for chunk in bytes.chunks_mut(32) {
                counter += 1;
                let random = Digest::of(&counter.to_le_bytes());
                chunk.copy_from_slice(&random.as_bytes()[..chunk.len()]);
            }
        };
        let made = ceremony(&CeremonyConfig::new(Timestamp::from_unix(SIGNED)), &mut rng).expect("a ceremony");
        let secret = made.files.iter().map(|(name, bytes)| (name.as_str(), bytes.expose()));
        let public = made.public_files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
        Vendor { keys: KeySet::from_files(secret.chain(public)).expect("keys"), root: made.root_json }
    })
}

fn advisory(id: String) -> Advisory {
    let source = SourceId::new("rustsec");
    let package = PackageKey::new("crates.io".parse().expect("an ecosystem"), "foo");
    let mut affected = Affected::new(source.clone(), &id, package);
    affected.ranges.push(Interval::below("1.2.0"));
    Advisory {
        aliases: BTreeSet::default(),
        related: BTreeSet::default(),
        title: None,
        description: None,
        published: None,
        modified: None,
        withdrawn: None,
        ratings: Vec::new(),
        cwes: BTreeSet::default(),
        references: Vec::new(),
        affected: vec![affected],
        members: vec![Member { source, id: id.clone(), modified: None, withdrawn: None }],
        id,
    }
}

/// A kit of this version, with as many advisories; one whose version ends in 99 has a single one.
pub(crate) fn kit(version: u64) -> Vec<u8> {
    kit_with(version, &[])
}

/// The same with other files.
pub(crate) fn kit_with(version: u64, more: &[(String, Vec<u8>)]) -> Vec<u8> {
    let count = if version % 100 == 99 { 1 } else { version };
    let advisories: Vec<_> = (0..count).map(|number| advisory(format!("CVE-2026-{:04}", number + 1))).collect();
    let coverage = coverage(&advisories, &["crates.io".parse().expect("known")].into());
    let dataset = Dataset { advisories, coverage, ..Dataset::default() };
    let mut files = Vec::new();
    let manifest = export(&dataset, &ExportOptions::default(), &mut |segment, bytes| {
        files.push((segment.name.clone(), bytes));
        Ok::<_, std::convert::Infallible>(())
    });
    files.push((MANIFEST_NAME.to_owned(), manifest.expect("exported").to_canonical_json()));
    files.extend_from_slice(more);
    let target = |(path, bytes): (String, Vec<u8>)| KitTarget {
        path,
        media_type: "application/octet-stream".to_owned(),
        schema: feeds::dataset::SCHEMA,
        content: Box::new(Cursor::new(bytes)),
        length_hint: None,
    };
    let input = BuildInput {
        product: "stella".to_owned(),
        channel: "stable".to_owned(),
        version,
        roots: vec![vendor().root.clone()],
        keys: &vendor().keys,
        expiries: Expiries::default(),
        signed_at: Timestamp::from_unix(SIGNED),
        min_appliance_version: "0.1.0".to_owned(),
        compression_level: 1,
        notes: String::new(),
        base: None,
    };
    let mut kit = Vec::new();
    build(input, files.into_iter().map(target).collect(), &mut Cursor::new(Vec::new()), &mut kit, &mut |_| ())
        .expect("a kit");
    kit
}

/// The keys of the site, made at the first call.
pub(crate) fn site(store: &Store) -> store::Site {
    let mut next = 0;
    let mut entropy = |bytes: &mut [u8]| {
        next += 1;
        bytes.fill(next);
        Ok(())
    };
    store.site(&mut entropy).expect("a site")
}

/// A state directory.
pub(crate) struct Site {
    directory: tempfile::TempDir,
    pub(crate) store: Store,
    nonces: std::cell::Cell<u64>,
    /// What the vendor adds to each kit from now on.
    pub(crate) more: std::cell::RefCell<Vec<(String, Vec<u8>)>>,
}

impl Site {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::open(directory.path().join("state")).expect("a store");
        Self { directory, store, nonces: std::cell::Cell::new(0), more: Default::default() }
    }

    /// A site where kit 1 is active and this many others approve.
    pub(crate) fn controlled(needed: u32) -> Self {
        let site = Self::new();
        site.hand_in(1, "root", 1).expect("imported");
        let old = site.store.control_policy().expect("readable");
        site.replace_policy(&old, &policy(needed));
        site
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.directory.path().join("state")
    }

    /// Another handle on the same state, as another process has it.
    pub(crate) fn reopen(&self) -> Store {
        Store::open(self.state()).expect("a store")
    }

    fn nonce(&self) -> Digest {
        self.nonces.set(self.nonces.get() + 1);
        Digest::of(&self.nonces.get().to_le_bytes())
    }

    pub(crate) fn acting<T>(&self, name: &str, at: i64, act: impl FnOnce(&Acting<'_>) -> T) -> T {
        self.at(&hours(at), name, act)
    }

    /// Acts while the clocks read this.
    pub(crate) fn at<T>(&self, reading: &Reading, name: &str, act: impl FnOnce(&Acting<'_>) -> T) -> T {
        act(&Acting {
            site: &site(&self.store),
            operator: name,
            engine: "test",
            appliance_version: "0.1.0",
            reading,
            limits: &Limits::default(),
            nonce: self.nonce(),
        })
    }

    /// Imports a kit of this version at this hour.
    pub(crate) fn hand_in(&self, version: u64, name: &str, at: i64) -> Result<Imported, ImportError> {
        self.hand_in_as(version, name, at, None, import)
    }

    pub(crate) fn hand_in_as(
        &self,
        version: u64,
        name: &str,
        at: i64,
        expected: Option<Digest>,
        make: fn(&Store, &Request<'_>, &Means<'_>) -> Result<Imported, ImportError>,
    ) -> Result<Imported, ImportError> {
        let path = self.directory.path().join("kit");
        write(&path, &kit_with(version, &self.more.borrow()));
        let request = Request {
            kit: importer::open_source(&path).expect("a file"),
            given_as: "kit".to_owned(),
            trust_root: Some(&vendor().root),
            site_root: None,
            seal: None,
            seal_key: None,
            seal_policy: SealPolicy::Optional,
            expected,
            gates: Gates {
                product: "stella".to_owned(),
                channels: vec!["stable".to_owned()],
                appliance_version: "0.1.0".to_owned(),
                schema_max: feeds::dataset::SCHEMA,
            },
            operator: name.to_owned(),
            engine: "test".to_owned(),
        };
        let (reading, limits) = (hours(at), Limits::default());
        let means = Means {
            site: &site(&self.store),
            worker: &InProcess,
            reading: &reading,
            limits: &limits,
            nonce: self.nonce(),
            progress: &|_| (),
        };
        make(&self.store, &request, &means)
    }

    /// Hands a kit in and signs for it, as `stella kit import --sign-with` does.
    pub(crate) fn held(&self, version: u64, name: &str, at: i64) -> PendingRow {
        let imported = self.hand_in(version, name, at).expect("verified");
        let Outcome::Held(row) = imported.outcome else { panic!("it waits: {imported:?}") };
        self.approve(row.number, name, at).expect("signed");
        self.store.pending_row(row.number).expect("it waits")
    }

    /// Stages a kit, whatever the policy says.
    pub(crate) fn staged(&self, version: u64, name: &str, at: i64) -> PendingRow {
        let imported = self.hand_in_as(version, name, at, None, stage).expect("verified");
        let Outcome::Held(row) = imported.outcome else { panic!("it waits: {imported:?}") };
        *row
    }

    /// Asks for something else, and signs for it.
    pub(crate) fn asked(&self, task: Task, name: &str, at: i64) -> PendingRow {
        let asked = self.acting(name, at, |acting| ask(&self.store, task, acting, None)).expect("asked");
        let Asked::Held(row, _) = asked else { panic!("it waits: {asked:?}") };
        self.approve(row.number, name, at).expect("signed");
        *row
    }

    pub(crate) fn envelope(&self, number: u64, name: &str) -> Vec<u8> {
        let row = self.store.pending_row(number).expect("it waits");
        sign(&self.store.control_policy().expect("readable"), &row, &key(name)).expect("a person")
    }

    pub(crate) fn approve(&self, number: u64, name: &str, at: i64) -> Result<Approved, ImportError> {
        let envelope = self.envelope(number, name);
        self.hand_in_approval(number, &envelope, at)
    }

    pub(crate) fn hand_in_approval(&self, number: u64, envelope: &[u8], at: i64) -> Result<Approved, ImportError> {
        self.acting("courier", at, |acting| approve(&self.store, number, envelope, acting))
    }

    pub(crate) fn activate(&self, number: u64, name: &str, at: i64) -> Result<Done, ImportError> {
        self.acting(name, at, |acting| carry_out(&self.store, number, acting, Waivers::default()).map(|(done, _)| done))
    }

    pub(crate) fn break_glass(
        &self,
        number: u64,
        name: &str,
        at: i64,
        presence: Presence,
    ) -> Result<Done, ImportError> {
        let asked = BreakGlass { reason: "exploited in the wild", presence };
        self.acting(name, at, |acting| {
            carry_out(&self.store, number, acting, Waivers { break_glass: Some(asked), ..Waivers::default() })
                .map(|(done, _)| done)
        })
    }

    pub(crate) fn last_receipt(&self) -> OukImport {
        let identity = self.store.identity().expect("readable").expect("a site");
        let newest = self.store.receipts(1).expect("readable");
        newest.first().expect("a receipt").import(&identity).expect("a receipt")
    }

    /// Who approved what the last receipt tells of.
    pub(crate) fn last_approvers(&self) -> Vec<String> {
        self.last_receipt().approvals.into_iter().map(|approval| approval.by).collect()
    }

    pub(crate) fn replace_policy(&self, old: &ControlPolicy, new: &ControlPolicy) {
        let entry = Entry::from(Event {
            at: Timestamp::UNIX_EPOCH,
            action: "policy".to_owned(),
            actor: "root".to_owned(),
            result: "changed".to_owned(),
            code: None,
            subjects: Vec::new(),
            details: std::collections::BTreeMap::default(),
        });
        let logged = self.store.replace_policy(old, new, &site(&self.store), &entry).expect("replaced");
        assert!(logged.unpublished.is_none());
    }

    pub(crate) fn numbers(&self) -> Vec<u64> {
        self.store.pending().expect("readable").iter().map(|row| row.number).collect()
    }

    /// Index files of generations, active and staged.
    pub(crate) fn indexes(&self) -> usize {
        std::fs::read_dir(self.state().join("generations")).expect("a directory").count()
    }

    /// All that decides what is served and what is accepted next.
    pub(crate) fn decisive(&self) -> (Option<u64>, Option<store::TrustRow>, Vec<store::GenerationRow>) {
        let store = &self.store;
        (store.current().expect("readable"), store.trust().expect("readable"), store.generations().expect("readable"))
    }
}

fn write(path: &Path, bytes: &[u8]) {
    std::fs::File::create(path).expect("a file").write_all(bytes).expect("written");
}

pub(crate) fn code<T: std::fmt::Debug>(result: Result<T, ImportError>) -> String {
    result.expect_err("refused").code().to_owned()
}
