//! D: attacks by volumes and deltas.

use domain::digest::Digest;
use forge::{compress, entry, noise};
use importer::Outcome;
use ouk::limits::Limits;
use ouk::volume::{MemorySet, Outline, Splitter, assemble, harvest};
use serde_json::json;

use super::bench::HELD;
use super::{Bench, Elsewhere, Letter, attacks};

attacks! {
    d02_chunks_in_another_order_make_no_target "D02" ["E-DIGEST", "E-SCHEMA", "accepted"];
    d03_volumes_come_in_any_order_and_those_of_two_kits_do_not_mix "D03" ["RES", "IGN", "E-MIX", "accepted"];
    d04_volumes_wait_for_each_other_for_two_weeks "D04" ["RES", "accepted"];
    d05_any_split_and_order_gives_the_generation_of_the_whole_kit "D05" ["accepted"];
}

pub(crate) const LETTER: Letter = Letter {
    cases: CASES,
    elsewhere: &[
        Elsewhere {
            id: "D01",
            tests: &[
                "tests/tests/delta.rs::d01_a_base_that_is_damaged_on_disk_is_found_out_and_the_full_kit_repairs",
                "tests/tests/delta.rs::d01_a_delta_without_its_base_says_which_kit_is_missing_and_changes_nothing",
                "tests/tests/volumes.rs::d01_a_delta_in_volumes_waits_for_its_base",
                "store/tests/delta.rs::a_base_with_a_lost_or_damaged_segment_is_incomplete_and_says_which",
            ],
        },
        Elsewhere { id: "D02", tests: &["ouk/tests/kit/roundtrip.rs::an_assembly_in_the_wrong_order_is_refused"] },
        Elsewhere {
            id: "D03",
            tests: &[
                "tests/tests/volumes.rs::volumes_in_any_order_and_twice_give_the_kit_with_its_seal_and_it_imports",
                "tests/tests/volumes.rs::what_a_volume_is_called_decides_nothing",
                "tests/tests/volumes.rs::parts_of_two_kits_and_a_strangers_kit_are_refused",
            ],
        },
        Elsewhere {
            id: "D04",
            tests: &[
                "tests/tests/volumes.rs::d04_volumes_come_from_one_stick_after_the_other",
                "tests/tests/crash/parts.rs::a_power_cut_while_a_volume_comes_loses_no_frame_that_was_reported",
                "store/tests/sets.rs::frames_that_came_in_any_order_and_runs_give_the_kit_byte_by_byte",
            ],
        },
        Elsewhere {
            id: "D05",
            tests: &[
                "importer/tests/parts/property.rs::d05_any_parts_in_any_order_give_the_generation_of_the_whole_kit",
                "ouk/tests/kit/volume.rs::any_split_order_duplication_and_damage_gives_the_kit_or_says_what_is_missing",
            ],
        },
    ],
    open: &[],
};

/// The good kit with one target of these chunks, whose whole has this content.
fn chunked(bench: &Bench, whole: &[u8], chunks: &[&[u8]]) -> Vec<u8> {
    let mut draft = bench.draft();
    let mut list = Vec::new();
    for chunk in chunks {
        let digest = Digest::of(chunk);
        let frame = compress(&entry(&format!("blobs/sha256/{digest}"), chunk));
        list.push(json!({
            "sha256": digest, "len": chunk.len(), "csha256": Digest::of(&frame), "clen": frame.len(),
        }));
        draft.frames.insert(digest.to_string(), frame);
    }
    let length = chunks.iter().map(|chunk| chunk.len()).sum();
    draft.target("targets", "os/image", length, &Digest::of(whole), json!(list));
    draft.kit()
}

fn d02_chunks_in_another_order_make_no_target(bench: &mut Bench) {
    let (first, second) = (noise(1, 700), noise(2, 900));
    let whole = [first.clone(), second.clone()].concat();
    let kit = chunked(bench, &whole, &[&second, &first]);
    bench.refuse("swapped", &kit, "E-DIGEST");
    let kit = chunked(bench, &whole, &[&first, &first]);
    bench.refuse("one of them twice", &kit, "E-DIGEST");
    let kit = chunked(bench, &whole, &[&first, b"notes"]);
    bench.refuse("a chunk of another target", &kit, "E-DIGEST");
    let kit = chunked(bench, &whole, &[&first]);
    bench.refuse("the first alone", &kit, "E-SCHEMA");
    let kit = chunked(bench, &whole, &[&first, &second]);
    bench.accept("as signed", &kit);
}

/// The volumes of a kit, and what they must add up to.
fn volumes(bench: &Bench, kit: &[u8], size_max: u64) -> (Outline, Vec<Vec<u8>>) {
    let limits = Limits::default();
    let opened = ouk::read::open(kit, &limits).expect("opens");
    let trust = bench.vendor.trust();
    let verified =
        ouk::verify::verify(&opened.metadata, &trust, &forge::gates(), forge::now(), &limits).expect("verifies");
    let outline = Outline::new(&opened.metadata, &verified);
    let mut splitter = Splitter::new(opened, &verified, size_max).expect("large enough");
    let (mut volumes, mut out) = (Vec::new(), Vec::new());
    while splitter.write_next(&mut out).expect("written").is_some() {
        volumes.push(std::mem::take(&mut out));
    }
    splitter.finish().expect("whole");
    (outline, volumes)
}

fn join<'a>(outline: &Outline, volumes: impl Iterator<Item = &'a Vec<u8>>) -> Vec<u8> {
    let (mut set, mut out) = (MemorySet::default(), Vec::new());
    for volume in volumes {
        harvest(volume.as_slice(), outline, &Limits::default(), &mut set).expect("harvests");
    }
    assemble(outline, &mut set, &mut out).expect("complete");
    out
}

/// The good kit with enough noise for several volumes.
fn large_kit(bench: &Bench, version: u64) -> Vec<u8> {
    let mut draft = bench.draft_of(version, 2);
    for number in 0..6 {
        draft.put(&format!("os/{number}"), &noise(number, 4000));
    }
    draft.kit()
}

fn d03_volumes_come_in_any_order_and_those_of_two_kits_do_not_mix(bench: &mut Bench) {
    let kit = large_kit(bench, HELD + 1);
    let (outline, parts) = volumes(bench, &kit, 12_000);
    assert!(parts.len() > 4);
    let incomplete = bench.resume("the second before the first", &parts[1]);
    let frames = outline.chunks().len() as u64;
    assert_eq!((incomplete.set.row.frames, incomplete.set.row.id), (frames, outline.id()));
    assert_eq!(incomplete.set.kept_frames, incomplete.files[0].new);
    let again = bench.resume("the second once more", &parts[1]);
    assert_eq!(
        (again.set.kept_frames, again.files[0].new),
        (incomplete.set.kept_frames, 0),
        "a duplicate adds nothing"
    );
    // The label of a volume is nobody's business: these bytes come as `kit.tar.zst`.
    let other = large_kit(bench, HELD + 2);
    let (_, others) = volumes(bench, &other, 12_000);
    let mixed = [bench.part("1of4", &parts[0]), bench.part("2of4", &others[1])];
    let error = bench.refuse_parts("volumes of two kits at once", &parts[2], &mixed, "E-MIX");
    assert!(error.to_string().contains("2of4"), "{error}");
    let first = bench.resume("a volume of another kit, in another run", &others[0]);
    assert_ne!(first.set.row.id, outline.id(), "each kit has its set");
    assert_eq!(bench.store.sets().expect("readable").len(), 2);
    for part in &parts[3..parts.len() - 1] {
        bench.resume("a further volume", part);
    }
    let Outcome::Activated(row) = bench.accept("the last volume", parts.last().expect("one")).outcome else {
        unreachable!("checked")
    };
    assert_eq!(row.kit_sha256, Digest::of(&kit), "the kit, byte for byte");
    assert_eq!(bench.receipts().last().expect("one").volumes.len(), parts.len());
    bench.ignore("a volume of what is active", &parts[0]);
    assert_eq!(bench.store.sets().expect("readable").len(), 1, "the newer kit goes on waiting");
}

/// Moves both clocks of the machine.
fn pass(bench: &mut Bench, days: i64) {
    bench.reading.wall = bench.reading.wall.plus_days(days);
    bench.reading.since_boot_seconds += days * 86_400;
}

/// As a machine that was switched off in between; the clock that counts from the start begins anew.
fn restart(bench: &mut Bench) {
    bench.close();
    bench.store = store::Store::open(bench.state("")).expect("opens");
    bench.reading.boot_id.push('+');
    bench.reading.since_boot_seconds = 10;
}

fn d04_volumes_wait_for_each_other_for_two_weeks(bench: &mut Bench) {
    let kit = large_kit(bench, HELD + 1);
    let (_, parts) = volumes(bench, &kit, 12_000);
    let began = bench.reading.wall;
    let kept = bench.resume("the first day", &parts[0]).set;
    assert_eq!((kept.row.began_at, kept.row.expires_at), (began, began.plus_days(14)));
    restart(bench);
    pass(bench, 13);
    let kept = bench.resume("day 13, after a restart, from another stick", &parts[1]).set;
    assert_eq!((kept.row.expires_at, kept.row.volumes.len()), (began.plus_days(14), 2), "a volume does not put it off");
    restart(bench);
    bench.reading.wall = began.plus_days(1);
    let kept = bench.resume("the clock was set back: it is still day 13", &parts[1]).set;
    assert_eq!(kept.row.volumes.len(), 2);
    // Its own clock stands still, and the one that counts from the start does not.
    bench.reading.since_boot_seconds += 86_400;
    let anew = bench.resume("day 14, whatever the clock shows: it begins anew", &parts[1]).set;
    assert_eq!((anew.row.volumes.len(), anew.row.expires_at), (1, began.plus_days(28)));
    bench.forget_parts();
    bench.reading.wall = began.plus_days(20);
    bench.resume("the clock is far ahead of the last kit and believed", &parts[0]);
    bench.reading.wall = began.plus_days(500);
    bench.reading.boot_id.push('+');
    let kept = bench.resume("a clock that nobody believes ends no set", &parts[1]).set;
    assert_eq!(kept.row.volumes.len(), 2);
    bench.reading.wall = began.plus_days(21);
    // Everything else in one run.
    let rest: Vec<_> = parts[3..].iter().map(|part| bench.part("stick", part)).collect();
    bench.accept_parts("the rest at once", &parts[2], &rest);
    assert!(bench.store.sets().expect("readable").is_empty());
    // A set that the site has overtaken is not finished any more.
    let newer = large_kit(bench, HELD + 3);
    let (_, parts) = volumes(bench, &large_kit(bench, HELD + 2), 12_000);
    bench.resume("a kit", &parts[0]);
    bench.accept("a newer one", &newer);
    assert_eq!(bench.store.sets().expect("readable").len(), 1);
    let again = bench.medium(&newer);
    bench.attempt(again).expect("it is active already");
    assert!(bench.store.sets().expect("readable").is_empty(), "the next import removes what was overtaken");
}

fn d05_any_split_and_order_gives_the_generation_of_the_whole_kit(bench: &mut Bench) {
    let kit = large_kit(bench, HELD + 1);
    let Outcome::Activated(whole) = bench.accept("the whole kit", &kit).outcome else { unreachable!("checked") };
    for (seed, size_max) in [(0, 12_000), (1, 12_000), (2, 30_000)] {
        let (outline, volumes) = volumes(bench, &kit, size_max);
        let mut order: Vec<&Vec<u8>> = volumes.iter().chain(&volumes).collect();
        order.rotate_left(seed % volumes.len());
        let joined = join(&outline, order.into_iter().rev());
        let mut other = Bench::new();
        let what = format!("{} volumes of {size_max} bytes", volumes.len());
        let Outcome::Activated(row) = other.accept(&what, &joined).outcome else { unreachable!("checked") };
        assert_eq!(
            (row.content_root, row.metadata_digest, row.kit_sha256, &row.blobs),
            (whole.content_root, whole.metadata_digest, whole.kit_sha256, &whole.blobs)
        );
        bench.note(&what, "accepted");
    }
}
