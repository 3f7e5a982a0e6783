//! Z: attacks by the zstd frames. The vendor signs whatever the frame is, so that the frame itself
//! has to be refused.

use std::fs;

use ::zstd::zstd_safe::CParameter::{ChecksumFlag, ContentSizeFlag};
use domain::digest::Digest;
use forge::{END, Vendor, compress, compress_with, entry, tar};
use importer::work::{Ending, HarvestJob, Harvested, LoadJob, Loaded, OpenJob, Opened, Worker};
use importer::{ImportError, Outcome, Progress};
use store::Workspace;

use super::{Bench, Elsewhere, Letter, attacks};

attacks! {
    z01_a_bomb_is_refused_by_its_stated_size "Z01" ["E-LIMIT", "E-FRAME"];
    z02_a_large_window_is_refused_unopened "Z02" ["E-WINDOW", "E-LIMIT"];
    z03_skippable_and_retired_frames_are_refused "Z03" ["E-FRAME", "E-END", "E-TRAIL"];
    z04_the_content_size_must_be_there_and_true "Z04" ["E-FRAME", "E-LIMIT"];
    z05_a_dictionary_is_refused "Z05" ["E-FRAME"];
    z06_a_blob_is_one_frame_and_nothing_else "Z06" ["E-TRAIL", "E-TRUNC", "E-FRAME", "E-DIGEST"];
    z07_a_metadata_frame_over_its_limit_is_refused "Z07" ["E-LIMIT"];
    z08_no_flipped_bit_gets_through "Z08" ["refused", "RES", "accepted"];
    z09_a_right_compressed_digest_excuses_no_wrong_content "Z09" ["E-DIGEST"];
    z10_a_worker_that_dies_or_lies_changes_nothing "Z10" ["E-WORKER", "E-STATE", "E-IO-STATE", "E-ROOT-SIG"];
}

pub(crate) const LETTER: Letter = Letter {
    cases: CASES,
    elsewhere: &[
        Elsewhere {
            id: "Z08",
            tests: &[
                "ouk/tests/kit/exhaustive.rs::every_single_flipped_bit_is_refused_or_changes_nothing",
                "ouk/tests/kit/robust.rs::bent_bytes_of_the_expanded_metadata_are_refused_or_change_nothing",
            ],
        },
        Elsewhere { id: "Z10", tests: &["sandbox/tests/confinement/endings.rs::every_end"] },
    ],
    open: &[],
};

const SKIPPABLE: [u8; 12] = [0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, b'h', b'i', 0, 0];

/// The good kit with one more signed blob, whose frame is this.
fn blob_of(bench: &Bench, frame: Vec<u8>) -> Vec<u8> {
    let mut draft = bench.draft();
    draft.put_frame("os/hello", b"hello", frame);
    draft.kit()
}

fn blob() -> Vec<u8> {
    entry(&format!("blobs/sha256/{}", Digest::of(b"hello")), b"hello")
}

/// The good kit with its metadata frame bent.
fn metadata_of(bench: &Bench, bend: impl Fn(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
    let draft = bench.draft();
    draft.kit_of(&bend(compress(&tar(&draft.files()))))
}

fn z01_a_bomb_is_refused_by_its_stated_size(bench: &mut Bench) {
    let mut bomb = ::zstd::bulk::compress(&vec![0; 256 << 20], 1).expect("compresses");
    bomb[4] |= 4;
    bomb.extend_from_slice(&[0; 4]);
    let kit = blob_of(bench, bomb.clone());
    bench.refuse("256 MiB of zeros, signed as five bytes", &kit, "E-LIMIT");
    let kit = metadata_of(bench, |_| bomb.clone());
    bench.refuse("the same as metadata, signed by nobody", &kit, "E-LIMIT");
    let mut small = compress_with(&[0; 60_000], &[ChecksumFlag(true)]);
    let kit = blob_of(bench, small.clone());
    bench.refuse("a small one", &kit, "E-LIMIT");
    small[5..7].copy_from_slice(&(1024_u16 - 256).to_le_bytes());
    let kit = blob_of(bench, small);
    bench.refuse("a small one that states the signed size", &kit, "E-FRAME");
}

fn z02_a_large_window_is_refused_unopened(bench: &mut Bench) {
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x44, (31 - 10) << 3, 0, 3];
    frame.extend_from_slice(&[0x03, 0x20, 0x00, 0x00, 0xcd, 0xac, 0x85, 0xf0]);
    let kit = blob_of(bench, frame.clone());
    bench.refuse("2^31 in a blob", &kit, "E-WINDOW");
    let kit = metadata_of(bench, |_| frame.clone());
    bench.refuse("2^31 in the metadata", &kit, "E-WINDOW");
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0xe4, 0, 0, 0, 0, 0, 0, 0, 0x40, 1, 0, 0, 0, 0, 0, 0];
    let kit = metadata_of(bench, |_| frame.to_vec());
    bench.refuse("a content of 2^62 in one segment", &kit, "E-WINDOW");
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0xc4, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 1, 0, 0, 0, 0, 0, 0];
    let kit = metadata_of(bench, |_| frame.to_vec());
    bench.refuse("a content of 2^62 in a small window", &kit, "E-LIMIT");
}

fn z03_skippable_and_retired_frames_are_refused(bench: &mut Bench) {
    let kit = metadata_of(bench, |frame| [SKIPPABLE.to_vec(), frame].concat());
    bench.refuse("before the metadata", &kit, "E-FRAME");
    let kit = metadata_of(bench, |frame| [frame, SKIPPABLE.to_vec()].concat());
    bench.refuse("behind the metadata", &kit, "E-FRAME");
    let kit = blob_of(bench, [SKIPPABLE.to_vec(), compress(&blob())].concat());
    bench.refuse("signed with a blob", &kit, "E-FRAME");
    let kit = bench.draft().kit();
    let (body, end) = kit.split_at(kit.len() - END.len());
    bench.refuse("before the end", &[body, &SKIPPABLE, end].concat(), "E-END");
    bench.refuse("behind the end", &[body, end, &SKIPPABLE].concat(), "E-TRAIL");
    for magic in [0x1e, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27] {
        let mut frame = compress(&blob());
        frame[0] = magic;
        let kit = blob_of(bench, frame);
        bench.refuse(&format!("a frame of an old version, {magic:#x}"), &kit, "E-FRAME");
    }
}

fn z04_the_content_size_must_be_there_and_true(bench: &mut Bench) {
    let absent = compress_with(&blob(), &[ChecksumFlag(true), ContentSizeFlag(false)]);
    let kit = blob_of(bench, absent);
    bench.refuse("absent", &kit, "E-FRAME");
    let draft = bench.draft();
    let absent = compress_with(&tar(&draft.files()), &[ChecksumFlag(true), ContentSizeFlag(false)]);
    bench.refuse("absent in the metadata", &draft.kit_of(&absent), "E-FRAME");
    for (what, size, expected) in [("too small", 1000_u16, "E-FRAME"), ("too large", 1025, "E-LIMIT")] {
        let mut frame = compress(&blob());
        frame[5..7].copy_from_slice(&(size - 256).to_le_bytes());
        let kit = blob_of(bench, frame);
        bench.refuse(what, &kit, expected);
    }
    let kit = blob_of(bench, compress_with(&blob(), &[]));
    bench.refuse("no checksum", &kit, "E-FRAME");
    let mut wrong = compress(&blob());
    *wrong.last_mut().expect("a checksum") ^= 1;
    let kit = blob_of(bench, wrong);
    bench.refuse("a wrong checksum", &kit, "E-FRAME");
}

fn z05_a_dictionary_is_refused(bench: &mut Bench) {
    let dictionary = b"hello hello hello hello blobs/sha256/ 0000444 0000000 ustar";
    let mut encoder = ::zstd::bulk::Compressor::with_dictionary(3, dictionary).expect("an encoder");
    encoder.set_parameter(ChecksumFlag(true)).expect("a checksum");
    let kit = blob_of(bench, encoder.compress(&blob()).expect("compresses"));
    bench.refuse("one without an id", &kit, "E-FRAME");
    for flag in 1..=3 {
        let mut named = compress(&blob());
        named[4] |= flag;
        let kit = blob_of(bench, named.clone());
        bench.refuse(&format!("an id of form {flag}"), &kit, "E-FRAME");
        let kit = metadata_of(bench, |mut frame| {
            frame[4] |= flag;
            frame
        });
        bench.refuse(&format!("an id of form {flag} in the metadata"), &kit, "E-FRAME");
    }
}

fn z06_a_blob_is_one_frame_and_nothing_else(bench: &mut Bench) {
    let frame = compress(&blob());
    let two_halves = [compress(&blob()[..512]), compress(&blob()[512..])].concat();
    for (what, bytes, expected) in [
        ("twice", [frame.as_slice(), &frame].concat(), "E-TRAIL"),
        ("junk behind it", [frame.as_slice(), b"junk"].concat(), "E-TRAIL"),
        ("cut", frame[..frame.len() - 1].to_vec(), "E-TRUNC"),
        ("header and body in two frames", two_halves, "E-TRAIL"),
        ("nothing", Vec::new(), "E-TRUNC"),
        ("another compression", b"BZh9".to_vec(), "E-FRAME"),
    ] {
        let kit = blob_of(bench, bytes);
        bench.refuse(what, &kit, expected);
    }
    let kit = metadata_of(bench, |frame| [frame.as_slice(), &frame].concat());
    bench.refuse("the metadata twice", &kit, "E-DIGEST");
}

fn z07_a_metadata_frame_over_its_limit_is_refused(bench: &mut Bench) {
    let draft = bench.draft();
    let kit = draft.kit_of(&compress(&vec![0; (8 << 20) + 512]));
    bench.refuse("8 MiB and a block", &kit, "E-LIMIT");
    let mut endless = vec![0x28, 0xb5, 0x2f, 0xfd, 0x64, 0, 3];
    endless.extend(std::iter::repeat_n([0_u8, 0, 0], 100_000).flatten());
    let kit = draft.kit_of(&endless);
    bench.refuse("empty blocks without end", &kit, "E-LIMIT");
}

fn z08_no_flipped_bit_gets_through(bench: &mut Bench) {
    // Every bit is tried in `ouk`'s own test; here every 97th byte, through the whole importer.
    let kit = bench.draft().kit();
    for at in (0..kit.len()).step_by(97) {
        let mut bad = kit.clone();
        bad[at] ^= 1 << (at % 8);
        let source = bench.medium(&bad);
        match bench.attempt(source).map(|imported| imported.outcome) {
            Err(error) => {
                assert!(error.is_rejection(), "byte {at}: {error}");
                bench.note(&format!("byte {at}"), "refused");
            }
            // The frame with the bit is missing, and the others count.
            Ok(Outcome::Incomplete(incomplete)) => {
                assert_eq!(incomplete.set.missing_frames(), 1, "byte {at}");
                bench.note(&format!("byte {at}"), "RES");
                // Two copies with different damage would be a whole kit together.
                bench.forget_parts();
            }
            Ok(outcome) => panic!("byte {at}: {outcome:?} was made of a kit with a flipped bit"),
        }
        bench.check_serves("after a flipped bit");
    }
    bench.accept("and the kit itself", &kit);
}

fn z09_a_right_compressed_digest_excuses_no_wrong_content(bench: &mut Bench) {
    let name = format!("blobs/sha256/{}", Digest::of(b"hello"));
    let kit = blob_of(bench, compress(&entry(&name, b"hullo")));
    bench.refuse("the signer was wrong", &kit, "E-DIGEST");
    let mut draft = bench.draft();
    let frame = draft.frames.values_mut().next().expect("a frame");
    *frame = compress(&entry(&name, b"hullo"));
    bench.refuse("a sound frame of other content", &draft.kit(), "E-DIGEST");
}

/// A worker that says whatever it is told to.
struct Liar(fn(&Workspace, &LoadJob) -> Result<Loaded, ImportError>);

impl Worker for Liar {
    fn open(&self, workspace: &Workspace, job: &OpenJob) -> Result<Opened, ImportError> {
        importer::work::InProcess.open(workspace, job)
    }

    fn load(&self, workspace: &Workspace, job: &LoadJob, _: &(dyn Fn(Progress) + Sync)) -> Result<Loaded, ImportError> {
        (self.0)(workspace, job)
    }

    fn harvest(&self, workspace: &Workspace, job: &HarvestJob) -> Result<Harvested, ImportError> {
        importer::work::InProcess.harvest(workspace, job)
    }
}

/// A worker that finds frames where there are none.
struct Finder(Vec<(usize, u64)>);

impl Worker for Finder {
    fn open(&self, workspace: &Workspace, job: &OpenJob) -> Result<Opened, ImportError> {
        importer::work::InProcess.open(workspace, job)
    }

    fn load(&self, _: &Workspace, _: &LoadJob, _: &(dyn Fn(Progress) + Sync)) -> Result<Loaded, ImportError> {
        unreachable!("there is no whole kit")
    }

    fn harvest(&self, _: &Workspace, _: &HarvestJob) -> Result<Harvested, ImportError> {
        Ok(Harvested { found: self.0.clone(), damaged: Vec::new(), ending: Ending::Cut })
    }
}

/// A worker that calls other metadata verified than the kit's.
struct Forger(Vec<u8>);

impl Worker for Forger {
    fn open(&self, workspace: &Workspace, _: &OpenJob) -> Result<Opened, ImportError> {
        workspace.write_metadata(&self.0)?;
        Ok(Opened { frame_length: 100, site_length: 0 })
    }

    fn load(&self, _: &Workspace, _: &LoadJob, _: &(dyn Fn(Progress) + Sync)) -> Result<Loaded, ImportError> {
        unreachable!("the metadata must have been refused")
    }

    fn harvest(&self, _: &Workspace, _: &HarvestJob) -> Result<Harvested, ImportError> {
        unreachable!("the metadata must have been refused")
    }
}

fn honest(workspace: &Workspace, job: &LoadJob) -> Result<Loaded, ImportError> {
    importer::work::InProcess.load(workspace, job, &|_| {})
}

fn with_index(workspace: &Workspace, job: &LoadJob, bytes: &[u8]) -> Result<Loaded, ImportError> {
    let loaded = honest(workspace, job)?;
    fs::write(workspace.index(), bytes).expect("written");
    Ok(loaded)
}

fn z10_a_worker_that_dies_or_lies_changes_nothing(bench: &mut Bench) {
    let kit = bench.draft().kit();
    bench.worker = Box::new(Liar(|_, _| {
        Err(ImportError::Worker { message: "it was killed by signal 9".to_owned(), is_about_the_kit: true })
    }));
    bench.refuse("it is killed", &kit, "E-WORKER");
    bench.worker = Box::new(Liar(|workspace, job| {
        let loaded = honest(workspace, job)?;
        for entry in fs::read_dir(workspace.directory()).expect("there") {
            let path = entry.expect("an entry").path();
            if path.file_name().is_some_and(|name| name.len() == 64) {
                // Of the same length, so that only its digest tells.
                let mut bytes = fs::read(&path).expect("there");
                bytes[0] ^= 1;
                fs::write(path, bytes).expect("written");
            }
        }
        Ok(loaded)
    }));
    bench.refuse("it hands over other blobs than it verified", &kit, "E-STATE");
    bench.worker = Box::new(Liar(|workspace, job| {
        let loaded = honest(workspace, job)?;
        let blob = fs::read_dir(workspace.directory()).expect("there").map(|entry| entry.expect("an entry").path());
        let blob = blob.into_iter().find(|path| path.file_name().is_some_and(|name| name.len() == 64));
        fs::remove_file(blob.expect("a blob")).expect("removed");
        Ok(loaded)
    }));
    bench.refuse("it hands over one blob less", &kit, "E-STATE");
    for (what, found) in [
        ("it finds a frame where there is none", vec![(0, 7)]),
        ("it finds a frame behind the end", vec![(0, 1 << 40)]),
        ("it finds a frame that the kit does not have", vec![(99, 0)]),
    ] {
        bench.worker = Box::new(Finder(found));
        bench.refuse(what, &kit[..kit.len() - 100], "E-WORKER");
    }
    bench.worker = Box::new(Liar(|workspace, job| {
        let loaded = honest(workspace, job)?;
        fs::remove_file(workspace.index()).expect("an index");
        Ok(loaded)
    }));
    bench.refuse("it hands over no index", &kit, "E-IO-STATE");
    bench.worker = Box::new(Liar(|workspace, job| with_index(workspace, job, b"")));
    bench.refuse("it hands over an empty index", &kit, "E-STATE");
    bench.worker = Box::new(Liar(|workspace, job| with_index(workspace, job, &[7; 20_000])));
    bench.refuse("it hands over something else for an index", &kit, "E-STATE");
    // Metadata of a stranger, called verified: the signatures are checked once more outside of the worker.
    let stranger = super::bench::good_draft(&Vendor::new(2), 9, 2);
    bench.worker = Box::new(Forger(tar(&stranger.files())));
    bench.refuse("it calls a stranger's metadata verified", &kit, "E-ROOT-SIG");
}
