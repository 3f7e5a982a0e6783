//! Several files, in one run and in several.

use domain::digest::Digest;
use forge::END;
use importer::{Ending, SealPolicy};

use crate::bench::{Site, built, draft, identity, kit};

#[test]
fn copies_with_different_damage_are_a_kit_together() {
    let kit = kit(3);
    let whole = Site::new().active(&[&kit.bytes]);
    let (first, second) = (kit.bent(0), kit.bent(5));
    let site = Site::new();
    let incomplete = site.incomplete(&[&first]);
    assert_eq!((incomplete.set.missing_frames(), incomplete.files[0].damaged.len()), (1, 1));
    let damage = incomplete.files[0].damaged[0];
    assert_eq!((damage.offset, damage.length), (kit.starts[0] as u64, (kit.starts[1] - kit.starts[0]) as u64));
    assert_eq!(identity(&site.active(&[&second])), identity(&whole));
    assert_eq!(identity(&Site::new().active(&[&second, &first])), identity(&whole), "and at once");
}

#[test]
fn a_file_whose_metadata_is_damaged_counts_when_others_say_which_kit_it_is() {
    let kit = kit(3);
    let mut headless = kit.bytes.clone();
    headless[100] ^= 1;
    let half = kit.volume(0..2);
    let site = Site::new();
    let error = site.import(&[&headless]).expect_err("nobody knows what it is");
    assert!(error.is_rejection() && site.sets() == 0, "{error}");
    assert_eq!(site.store.quarantined().expect("readable").len(), 1);
    // In one run, before the one that tells; and in another run, after it.
    let row = site.active(&[&headless, &half]);
    assert_eq!(row.kit_sha256, Digest::of(&kit.bytes));
    let other = Site::new();
    other.incomplete(&[&half]);
    assert_eq!(other.active(&[&headless]).kit_sha256, row.kit_sha256);
}

#[test]
fn an_accident_is_waited_for_and_a_forgery_is_refused() {
    let kit = kit(3);
    let site = Site::new();
    let blob = |name: &str| forge::compress(&forge::entry(name, b"not signed"));
    let (head, tail) = (kit.volume([]), &kit.bytes[kit.starts[1]..]);
    let head = &head[..head.len() - END.len()];
    for (what, bytes, code) in [
        ("a sound frame in place of the first", [head, &blob("blobs/x"), tail].concat(), "E-DIGEST"),
        ("two frames swapped", kit.volume([1, 0, 2, 3]), "E-ORDER"),
        ("a frame twice", kit.volume([0, 1, 1, 2]), "E-ORDER"),
        ("a frame more", [&kit.bytes[..kit.bytes.len() - END.len()], &blob("blobs/x"), &END].concat(), "E-EXTRA"),
        ("a byte behind the end", [kit.bytes.as_slice(), b"x"].concat(), "E-TRAIL"),
        ("a volume with a byte behind its end", [kit.volume([0, 1]).as_slice(), b"x"].concat(), "E-TRAIL"),
        ("all frames, and no end", kit.bytes[..kit.bytes.len() - END.len()].to_vec(), "E-TRUNC"),
    ] {
        let error = site.import(&[&bytes]).expect_err(what);
        assert!(error.is_rejection(), "{what}: {error}");
        assert_eq!((error.code(), site.sets()), (code, 0), "{what}: {error}");
        let kept = site.store.quarantined().expect("readable");
        assert!(kept.iter().any(|note| note.sha256 == Digest::of(&bytes)), "{what} is kept as evidence");
    }
}

#[test]
fn a_kit_that_is_signed_and_wrong_is_refused_when_it_is_whole_and_its_parts_go() {
    let mut wrong = draft(3);
    wrong.put("feeds/advisories/99999.ndjson", b"{}\n");
    let kit = built(&wrong);
    let site = Site::new();
    site.incomplete(&[&kit.volume(1..kit.frames())]);
    let error = site.import(&[&kit.volume([0])]).expect_err("its content is wrong");
    assert!(error.is_rejection() && error.code() == "E-SEM", "{error}");
    assert_eq!(site.sets(), 0, "no other copy could be better");
    let kept = site.store.quarantined().expect("readable");
    assert_eq!((kept.len(), kept[0].sha256), (1, Digest::of(&kit.bytes)), "the kit that they made is the evidence");
}

#[test]
fn the_seal_and_the_expected_digest_are_those_of_the_whole_kit() {
    let kit = kit(3);
    let mut site = Site::new();
    let wrong = Digest::of(b"another kit");
    site.expected = Some(wrong);
    site.incomplete(&[&kit.volume(0..3)]);
    let error = site.import(&[&kit.volume(3..kit.frames())]).expect_err("it is another one");
    assert_eq!(error.code(), "E-EXPECT");
    // The frames are good whoever was wrong about them.
    assert_eq!(site.store.sets().expect("readable").len(), 1);
    site.expected = Some(Digest::of(&kit.bytes));
    site.seal_policy = SealPolicy::Required;
    assert_eq!(site.import(&[&kit.volume([0])]).expect_err("no seal").code(), "E-SEAL");
    site.seal_policy = SealPolicy::Optional;
    assert_eq!(site.active(&[&kit.volume([0])]).kit_sha256, Digest::of(&kit.bytes));
    assert_eq!(site.sets(), 0);
}

#[test]
fn what_was_kept_and_has_rotted_is_asked_for_again() {
    let kit = kit(3);
    let site = Site::new();
    site.incomplete(&[&kit.volume(0..kit.frames() - 1)]);
    let sets = site.directory.path().join("state/sets");
    let frame = std::fs::read_dir(sets).expect("there").map(|entry| entry.expect("an entry").path());
    let frame = frame.into_iter().find(|path| path.extension().is_some_and(|name| name.len() == 64)).expect("a frame");
    let mut bytes = std::fs::read(&frame).expect("a frame");
    bytes[7] ^= 1;
    std::fs::write(&frame, bytes).expect("written");
    let incomplete = site.incomplete(&[&kit.volume([kit.frames() - 1])]);
    assert_eq!(incomplete.set.missing_frames(), 1, "the rotten one, and not the last");
    assert_eq!(site.active(&[&kit.volume(0..3), &kit.volume(3..kit.frames())]).kit_sha256, Digest::of(&kit.bytes));
}

#[test]
fn nothing_of_a_stranger_is_kept_and_only_so_many_kits_wait() {
    let site = Site::new();
    let stranger = forge::Vendor::new(2).build(3, &[("os/x", b"x"), ("os/y", b"y")]).0;
    let error = site.import(&[&stranger[..stranger.len() - 40]]).expect_err("another root");
    assert_eq!((error.code(), site.sets()), ("E-ROOT-SIG", 0));
    for version in 3..7 {
        site.incomplete(&[&kit(version).volume([0, 1])]);
    }
    let error = site.import(&[&kit(7).volume([0, 1])]).expect_err("too many");
    assert_eq!((error.code(), error.is_rejection()), ("E-SETS-FULL", false));
    assert!(error.advice().contains("kit discard"));
    assert_eq!(site.store.sets().expect("readable").len(), 4);
    // A whole kit is none that waits; and those it overtakes go.
    site.active(&[&kit(6).bytes]);
    site.incomplete(&[&kit(7).volume([0, 1])]);
    assert_eq!(site.store.sets().expect("readable").len(), 1);
}

#[test]
fn a_receipt_names_the_volumes_and_says_what_is_missing() {
    let kit = kit(3);
    let site = Site::new();
    let (one, two) = (kit.volume(0..2), kit.volume(2..kit.frames()));
    let incomplete = site.incomplete(&[&one]);
    assert!(incomplete.files[0].ending == Ending::Whole && incomplete.files[0].warnings().is_empty());
    site.active(&[&two]);
    let identity = site.store.identity().expect("readable").expect("a site");
    let receipts = site.store.receipts(10).expect("readable");
    let said: Vec<_> = receipts.iter().map(|envelopes| envelopes.import(&identity).expect("a receipt")).collect();
    let (last, first) = (&said[0], &said[1]);
    assert_eq!((first.result.as_str(), first.code.as_deref()), ("incomplete", Some("E-INCOMPLETE")));
    assert!(first.reason.as_deref().expect("why").contains("frames of kit version 3 are missing"));
    assert_eq!((first.kit_sha256, first.bytes, first.volumes.len()), (None, one.len() as u64, 1));
    assert_eq!(first.volumes[0].digest.sha256, Digest::of(&one));
    assert_eq!((last.result.as_str(), last.kit_sha256), ("activated", Some(Digest::of(&kit.bytes))));
    let volumes: Vec<_> = last.volumes.iter().map(|volume| volume.digest.sha256).collect();
    assert_eq!(volumes, [Digest::of(&one), Digest::of(&two)]);
    assert_eq!(last.bytes, kit.bytes.len() as u64);
}
