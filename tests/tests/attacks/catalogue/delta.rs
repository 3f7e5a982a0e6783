//! D: attacks by volumes and deltas.

use domain::digest::Digest;
use forge::{compress, entry, noise};
use importer::Outcome;
use ouk::limits::Limits;
use ouk::volume::{MemorySet, Outline, Splitter, assemble, harvest};
use serde_json::json;

use super::bench::HELD;
use super::{Bench, Elsewhere, Letter, Open, attacks};

attacks! {
    d02_chunks_in_another_order_make_no_target "D02" ["E-DIGEST", "E-SCHEMA", "accepted"];
    d03_one_volume_is_resumable_and_volumes_of_two_kits_do_not_mix "D03" ["RES", "E-MIX", "accepted"];
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
            id: "D05",
            tests: &[
                "ouk/tests/kit/volume.rs::any_split_order_duplication_and_damage_gives_the_kit_or_says_what_is_missing",
            ],
        },
    ],
    open: &[Open {
        id: "D04",
        reason: "the importer does not keep volumes between runs yet; kit join takes them at once",
    }],
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

fn d03_one_volume_is_resumable_and_volumes_of_two_kits_do_not_mix(bench: &mut Bench) {
    let kit = large_kit(bench, HELD + 1);
    let (outline, volumes) = volumes(bench, &kit, 20_000);
    assert!(volumes.len() > 1);
    // One volume alone says what it lacks and leaves the site as it was.
    let source = bench.medium(&volumes[1]);
    let error = bench.refuse_source("the second volume alone", source, "E-INCOMPLETE");
    assert!(error.to_string().contains("missing"), "{error}");
    bench.reword("E-INCOMPLETE", "RES");
    let older = large_kit(bench, HELD + 2);
    let mut set = MemorySet::default();
    let mixed = harvest(older.as_slice(), &outline, &Limits::default(), &mut set).expect_err("another kit");
    assert!(mixed.to_string().contains("mixed"), "{mixed}");
    bench.note("a volume of another kit", "E-MIX");
    let joined = join(&outline, volumes.iter().rev().chain(&volumes));
    bench.accept("the second before the first, and all twice", &joined);
}

fn d05_any_split_and_order_gives_the_generation_of_the_whole_kit(bench: &mut Bench) {
    let kit = large_kit(bench, HELD + 1);
    let Outcome::Activated(whole) = bench.accept("the whole kit", &kit).outcome else { unreachable!("checked") };
    for (seed, size_max) in [(0, 12_000), (1, 17_000), (2, 30_000)] {
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
