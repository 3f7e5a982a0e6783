//! What goes in comes out, and the same input gives the same bytes.

use std::io::Cursor;

use domain::digest::Digest;
use ouk::build::{BuildError, KitTarget, Progress, build};
use ouk::keys::{KeySet, Role};
use ouk::limits::Limits;
use ouk::read::{SealedMetadata, open};
use ouk::verify::verify;

use forge::{Draft, Vendor, after, code, gates, import, noise, now};

const MIB: usize = 1 << 20;

#[test]
fn what_goes_in_comes_out() {
    let vendor = Vendor::new(1);
    let (large, small) = (noise(9, 17 * MIB + 3), noise(8, 700));
    let targets: &[(&str, &[u8])] = &[
        ("feeds/manifest.json", b"{}"),
        ("feeds/advisories/00000.ndjson", &small),
        ("feeds/advisories/00001.ndjson", &[0; 512]),
        ("trivy/trivy.db", &large),
        ("jwt/vendor.jwt", b""),
        ("os/notes.txt", b"{}"),
    ];
    let (kit, built) = vendor.build(7, targets);
    assert_eq!((built.length, built.sha256), (kit.len() as u64, Digest::of(&kit)));
    let (verified, blobs) = import(&kit, &vendor.trust()).expect("imports");
    assert_eq!(verified.targets().len(), targets.len());
    for (path, content) in targets {
        let target = verified.target(path).expect("is there");
        let mut assembly = target.assembly();
        let mut whole = Vec::new();
        for chunk in &target.chunks {
            assembly.push(&blobs[&chunk.sha256]);
            whole.extend_from_slice(&blobs[&chunk.sha256]);
        }
        assembly.finish().expect("the whole is right");
        assert_eq!((whole.as_slice(), target.length), (*content, content.len() as u64), "{path}");
        assert_eq!(target.role, Role::of_path(path).as_str());
    }
    // The two targets with the same content share one blob; 17 MiB make two chunks; the empty one has none.
    assert_eq!(blobs.len(), 5);
    assert_eq!(verified.target("trivy/trivy.db").expect("is there").chunks.len(), 2);
    assert_eq!((verified.kit_version(), verified.product(), verified.channel()), (7, "stella", "stable"));
    assert_eq!((verified.signed_at(), verified.notes()), (now(), "November"));
    assert!(verified.warnings().is_empty() && !verified.is_current());
}

#[test]
fn an_assembly_in_the_wrong_order_is_refused() {
    // D02: each chunk is right, the whole is not.
    let vendor = Vendor::new(1);
    let (kit, _) = vendor.build(1, &[("os/image", &noise(5, 17 * MIB))]);
    let (verified, blobs) = import(&kit, &vendor.trust()).expect("imports");
    let target = verified.target("os/image").expect("is there");
    let mut assembly = target.assembly();
    target.chunks.iter().rev().for_each(|chunk| assembly.push(&blobs[&chunk.sha256]));
    assert_eq!(assembly.finish().expect_err("swapped").code(), "E-DIGEST");
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let vendor = Vendor::new(1);
    let (a, b) = (noise(1, 5000), noise(2, 9000));
    let (first, _) = vendor.build(3, &[("feeds/a", &a), ("feeds/b", &b), ("os/c", b"c")]);
    let (second, _) = vendor.build(3, &[("os/c", b"c"), ("feeds/b", &b), ("feeds/a", &a)]);
    assert!(first == second, "the order of targets must not matter");
    let (third, _) = Vendor::new(1).build(3, &[("feeds/a", &a), ("feeds/b", &b), ("os/c", b"c")]);
    assert!(first == third, "the same ceremony, the same kit");
}

#[test]
fn a_kit_written_by_hand_from_the_format_document_is_accepted() {
    // The reader is held against the document, not against our own writer.
    let vendor = Vendor::new(1);
    let draft = Draft::new(&vendor, 4, &[("feeds/a", b"hello"), ("os/b", &[7; 5000])]);
    let (verified, blobs) = import(&draft.kit(), &vendor.trust()).expect("imports");
    assert_eq!(blobs[&Digest::of(b"hello")], b"hello");
    assert_eq!(verified.targets().len(), 2);
}

#[test]
fn the_exact_same_kit_is_current_after_its_import() {
    // M04.
    let vendor = Vendor::new(1);
    let (kit, _) = vendor.build(3, &[("feeds/a", b"a")]);
    let (first, _) = import(&kit, &vendor.trust()).expect("imports");
    assert!(!first.is_current());
    let (again, _) = import(&kit, &after(&first)).expect("imports again");
    assert!(again.is_current());
    assert_eq!(first.metadata_digest(), again.metadata_digest());
    assert_eq!(first.floors(), again.floors());
    let (next, _) = vendor.build(4, &[("feeds/a", b"a")]);
    let (next, _) = import(&next, &after(&first)).expect("imports the next");
    assert!(!next.is_current());
    assert_ne!(first.metadata_digest(), next.metadata_digest());
}

#[test]
fn a_kept_metadata_frame_verifies_again_at_boot() {
    let vendor = Vendor::new(1);
    let (kit, _) = vendor.build(3, &[("feeds/a", b"a")]);
    let limits = Limits::default();
    let opened = open(kit.as_slice(), &limits).expect("opens");
    let frame = opened.metadata.frame().to_vec();
    assert!(kit.starts_with(&frame));
    let kept = SealedMetadata::from_frame(&frame, &limits).expect("reads");
    let again = verify(&kept, &vendor.trust(), &gates(), now(), &limits).expect("verifies");
    assert_eq!(again.kit_version(), 3);
    assert_eq!(SealedMetadata::from_frame(&kit, &limits).expect_err("more than a frame").code(), "E-TRAIL");
}

#[test]
fn metadata_that_another_process_expanded_verifies_alike() {
    let vendor = Vendor::new(1);
    let (kit, _) = vendor.build(7, &[("feeds/a", b"a")]);
    let here = open(Cursor::new(&kit), &Limits::default()).expect("a kit").metadata;
    let there = SealedMetadata::from_expanded(here.frame().to_vec(), &here.expanded(), &Limits::default());
    let there = there.expect("the same entries");
    assert_eq!((there.frame(), there.files()), (here.frame(), here.files()));
    verify(&there, &vendor.trust(), &gates(), now(), &Limits::default()).expect("verified");
    let tight = Limits { metadata_frame_bytes_max: 1000, ..Limits::default() };
    let refused = SealedMetadata::from_expanded(here.frame().to_vec(), &here.expanded(), &tight);
    assert_eq!(refused.expect_err("over the limit").code(), "E-LIMIT");
}

#[test]
fn an_inspection_shows_what_the_kit_says_of_itself() {
    let vendor = Vendor::new(1);
    let mut draft = Draft::new(&vendor, 4, &[("feeds/a", b"hello")]);
    draft.role("targets")["ouk"]["notes"] = "a\u{1b}[2Jb".into();
    let kit = draft.kit();
    let opened = open(kit.as_slice(), &Limits::default());
    // A control character has no spelling in canonical JSON, but inspection must not depend on that.
    let inspection = opened.expect("opens").inspect();
    assert_eq!(inspection.roots, [1]);
    assert!(inspection.notes.is_none_or(|notes| !notes.contains('\u{1b}')));
    let draft = Draft::new(&vendor, 4, &[("feeds/a", b"hello")]);
    let inspection = open(draft.kit().as_slice(), &Limits::default()).expect("opens").inspect();
    assert_eq!((inspection.kit_version, inspection.product.as_deref()), (Some(4), Some("stella")));
    assert_eq!(inspection.targets, [("feeds".to_owned(), "feeds/a".to_owned(), 5)]);
    let timestamp = inspection.roles.iter().find(|role| role.role == "timestamp").expect("a timestamp");
    assert_eq!(
        (timestamp.version, timestamp.expires, timestamp.signed_by.len()),
        (Some(4), Some(now().plus_days(45)), 2)
    );
}

#[test]
fn the_builder_refuses_what_a_site_would_refuse() {
    let vendor = Vendor::new(1);
    let target = |path: &str| KitTarget {
        path: path.to_owned(),
        media_type: "text/plain".to_owned(),
        schema: 1,
        content: Box::new(b"x".as_slice()),
        length_hint: Some(1),
    };
    let make = |input, targets| {
        let mut out = Vec::new();
        let result = build(input, targets, &mut Cursor::new(Vec::new()), &mut out, &mut |_: Progress| {});
        assert!(out.is_empty(), "nothing may be written");
        result.expect_err("refused")
    };
    assert!(matches!(make(vendor.input(1), vec![target("../x")]), BuildError::Path { .. }));
    assert!(matches!(make(vendor.input(1), vec![target("a"), target("a")]), BuildError::Path { .. }));
    let mut input = vendor.input(1);
    input.notes = "line\nbreak".to_owned();
    assert!(matches!(make(input, vec![]), BuildError::Input(_)));
    let mut input = vendor.input(1);
    input.compression_level = 22;
    assert!(matches!(make(input, vec![]), BuildError::Input(_)));
    let mut input = vendor.input(1);
    input.roots.clear();
    assert!(matches!(make(input, vec![]), BuildError::Unverifiable(_)));
    let mut input = vendor.input(1);
    input.version = 0;
    assert!(matches!(make(input, vec![]), BuildError::Unverifiable(_)));
    // One feeds key of the two that must sign.
    let mut few = KeySet::new();
    for role in Role::ALL {
        let count = if role == Role::Feeds { 1 } else { 9 };
        vendor.keys.of(role).iter().take(count).for_each(|pair| few.add(role, pair.clone()));
    }
    few.set_delegations(
        &serde_json::to_vec(&Draft::new(&vendor, 1, &[]).role("targets")["delegations"]).expect("json"),
    )
    .expect("delegations");
    let mut input = vendor.input(1);
    input.keys = &few;
    let error = make(input, vec![target("feeds/a")]);
    assert!(matches!(&error, BuildError::Unverifiable(error) if error.code() == "E-THRESHOLD"), "{error}");
    let mut input = vendor.input(1);
    let none = KeySet::new();
    input.keys = &none;
    assert!(matches!(make(input, vec![]), BuildError::Keys(_)));
}

#[test]
fn a_kit_without_any_target_is_a_kit() {
    let vendor = Vendor::new(1);
    let (kit, _) = vendor.build(1, &[]);
    assert_eq!(code(&kit, &vendor.trust()), "accepted");
}
