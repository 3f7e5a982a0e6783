//! What must hold whatever a kit is.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use domain::digest::Digest;
use domain::root::ContentRoot;
use feeds::dataset::{Limits as LineLimits, Manifest, lines};
use importer::{Blame, ImportError, Outcome};
use ouk::error::KitError;
use ouk::limits::Limits;
use ouk::read::open;
use ouk::verify::{TrustState, VerifiedKit};
use store::{GenerationRow, Store, TrustRow};

use super::site::{self, Site, State};
use super::support::{after, gates, import_at, now};
use super::{base, forged};

type Blobs = BTreeMap<Digest, Vec<u8>>;

/// Small enough to be reached.
pub(crate) fn limits() -> Limits {
    Limits {
        kit_bytes_max: 256 << 10,
        content_bytes_max: 128 << 10,
        metadata_frame_bytes_max: 128 << 10,
        metadata_files_max: 32,
        root_bytes_max: 16 << 10,
        root_hops_max: 8,
        chunk_bytes_max: 32 << 10,
        targets_max: 24,
        chunks_max: 32,
        ..Limits::default()
    }
}

/// Opening, verification and blobs, at a site that is new and at one that has the base kit.
pub(crate) fn verify(data: &[u8]) {
    let (plan, forged) = forged(data);
    let present = now().plus_days(plan.wall_days);
    if let Ok(opened) = open(forged.kit.as_slice(), &limits()) {
        let shown = format!("{:?}", opened.inspect());
        assert!(is_plain(&shown), "{shown}");
    }
    for trust in [base().vendor.trust(), base_trust().clone()] {
        let read = |kit: &[u8]| import_at(kit, &trust, &gates(), present, &limits());
        match read(&forged.kit) {
            Ok((kit, blobs)) => {
                check_accepted(&trust, &forged.kit, &kit, &blobs);
                // What the container may have superfluously is no part of what is believed.
                if let Some(Ok((plain, plain_blobs))) = forged.plain.as_deref().map(read) {
                    assert_eq!(plain.metadata_digest(), kit.metadata_digest());
                    assert!(plain.targets() == kit.targets() && plain_blobs == blobs);
                }
            }
            Err(error) => check_refusal(&error),
        }
    }
}

/// The trust of a site that has the base kit.
fn base_trust() -> &'static TrustState {
    static TRUST: OnceLock<TrustState> = OnceLock::new();
    TRUST.get_or_init(|| {
        let first = base().vendor.trust();
        after(&import_at(&base().kit, &first, &gates(), now(), &limits()).expect("the base kit is good").0)
    })
}

fn check_accepted(trust: &TrustState, bytes: &[u8], kit: &VerifiedKit, blobs: &Blobs) {
    for target in kit.targets() {
        let mut content = Vec::new();
        let mut assembly = target.assembly();
        for chunk in &target.chunks {
            let blob = &blobs[&chunk.sha256];
            assembly.push(blob);
            content.extend_from_slice(blob);
        }
        let right = Digest::of(&content) == target.sha256 && content.len() as u64 == target.length;
        assert_eq!(assembly.finish().is_ok(), right, "{}", target.path);
        assert!(right || target.chunks.len() > 1, "{}: accepted with another digest", target.path);
    }
    let reached = after(kit);
    // A root that takes a key away lets floors fall (TUF 5.3.11); without a new root none does.
    if reached.root == trust.root {
        for (role, floor) in &trust.floors.roles {
            assert!(reached.floors.roles[role].version >= floor.version, "the floor of {role} fell");
        }
    }
    assert!(kit.warnings().iter().all(|warning| is_plain(warning)));
    let (again, _) = import_at(bytes, &reached, &gates(), now(), &limits()).expect("what is accepted is so again");
    assert!(again.is_current() && again.metadata_digest() == kit.metadata_digest());
    check_base_is_older(&reached);
}

/// A site that is ahead of the base kit in some role, and behind in none, takes it no more.
fn check_base_is_older(reached: &TrustState) {
    let base_floors = &base_trust().floors;
    let behind = |(role, floor): (&String, &ouk::verify::Floor)| {
        reached.floors.roles.get(role).is_none_or(|now| now.version < floor.version)
    };
    if reached.root == base().vendor.roots[0] && reached.floors != *base_floors && !base_floors.roles.iter().any(behind)
    {
        let error = import_at(&base().kit, reached, &gates(), now(), &limits()).expect_err("older than the site");
        check_refusal(&error);
    }
}

fn check_refusal(error: &KitError) {
    let text = error.to_string();
    assert!(is_plain(&text), "{text:?} is not safe for a terminal");
    assert!(error.code().starts_with("E-") && !error.advice().is_empty());
    assert!(matches!(error.blame(), Blame::Kit | Blame::Operator), "a kit makes us say: {text}");
}

/// No character that steers a terminal, or reorders text on it.
fn is_plain(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
}

/// The whole import into a store that has the base kit.
pub(crate) fn end_to_end(data: &[u8]) {
    let (plan, forged) = forged(data);
    let wall = now().plus_days(plan.wall_days);
    site::with(|site| {
        let before = site.state();
        match site.import(&forged.kit, wall) {
            Ok(imported) => match imported.outcome {
                Outcome::AlreadyCurrent(number) => {
                    assert_eq!(before.current, Some(number));
                    assert_eq!(site.state(), before);
                }
                Outcome::Activated(row) => {
                    check_activated(site, &before, &row);
                    let reached = site.state();
                    let again = site.import(&forged.kit, wall).expect("what was imported can be imported again");
                    assert!(matches!(again.outcome, Outcome::AlreadyCurrent(number) if number == row.number));
                    assert_eq!(site.state(), reached);
                    site.moved();
                }
                Outcome::Incomplete(incomplete) => {
                    // What has come is kept, and nothing else has moved.
                    assert!(incomplete.set.missing_frames() > 0 && is_plain(&incomplete.to_string()));
                    let (mut after, mut known) = (site.state(), before);
                    (after.time, known.time) = (None, None);
                    assert_eq!(after, known);
                    site.store().open_current().expect("the active generation still opens");
                    site.forget_parts();
                }
                Outcome::Held(row) => {
                    assert!(!row.concerns().is_empty(), "nobody has to approve");
                    assert!(row.concerns().iter().all(|words| is_plain(words)));
                    assert_eq!(site.state().current, before.current);
                    assert_eq!(site.state().trust, before.trust);
                    // What waits takes a place that the next inputs would miss.
                    site.moved();
                }
            },
            Err(error) => {
                check_import_refusal(&error);
                assert_eq!(site.state(), before, "a refused kit left a trace");
                site.store().open_current().expect("the active generation still opens");
            }
        }
    });
}

fn check_import_refusal(error: &ImportError) {
    let text = error.to_string();
    assert!(is_plain(&text), "{text:?} is not safe for a terminal");
    assert!(error.code().starts_with("E-") && !error.advice().is_empty());
    assert!(matches!(error.blame(), Blame::Kit | Blame::Operator), "a kit makes us say: {text}");
    assert!(error.is_rejection(), "{} is no refusal of the kit: {text}", error.code());
}

fn check_activated(site: &Site, before: &State, row: &GenerationRow) {
    let store = site.store();
    let after = site.state();
    assert_eq!(after.current, Some(row.number));
    assert!(before.current < after.current);
    assert!(store.is_intact(row));
    importer::recheck(store, row, &gates().appliance_version, &limits())
        .expect("it passes the check at the next start");
    let generation = store.open_current().expect("it opens");
    generation.view().expect("it is read");
    let manifest = generation.manifest(store.blobs()).expect("it has a manifest");
    let manifest = Manifest::parse(&manifest, 1 << 20).expect("a manifest");
    assert_eq!(content_root(store, &manifest), row.content_root);
    assert_eq!(manifest.content_root, row.content_root);
    let (old, new) = (before.trust.as_ref().expect("pinned"), after.trust.as_ref().expect("pinned"));
    let proven = |state: &State| state.time.as_ref().map(|time| time.proven);
    assert!(proven(&after) >= proven(before));
    assert_eq!(new.factory_root, old.factory_root);
    if new.root == old.root {
        for floor in &old.floors {
            assert!(version(new, &floor.role) >= Some(floor.version), "the floor of {} fell", floor.role);
        }
    }
}

fn version(row: &TrustRow, role: &str) -> Option<u64> {
    row.floors.iter().find(|floor| floor.role == role).map(|floor| floor.version)
}

/// Computed anew from the blobs that the manifest names.
fn content_root(store: &Store, manifest: &Manifest) -> Digest {
    let mut root = ContentRoot::new();
    for segment in &manifest.segments {
        let bytes = store.blobs().read(&segment.sha256, 1 << 20).expect("the segment");
        for line in lines(segment.kind, &bytes, LineLimits::default()) {
            let line = line.expect("a line");
            crate::targets::check_loaded(segment.kind, &line);
            root.add(segment.kind.as_str(), line.key, line.raw);
        }
    }
    root.finish()
}
