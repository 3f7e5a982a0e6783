//! D, A22, A26, M05, C15: volumes, broken copies, and what is put together from them.

use std::io::{Cursor, Read};

use domain::digest::Digest;
use ouk::error::KitError;
use ouk::limits::Limits;
use ouk::read::open;
use ouk::verify::verify;
use ouk::volume::{Assembled, Ended, Harvest, MemorySet, Outline, Splitter, Volume, VolumeError, assemble, harvest};
use proptest::prelude::*;

use forge::{Draft, END, Vendor, compress, entry, gates, import, noise, now};

/// A small kit with frames of many lengths, its outline, and where its frames begin.
struct Sample {
    vendor: Vendor,
    kit: Vec<u8>,
    outline: Outline,
    /// Where each frame begins; at last, the end frame.
    starts: Vec<usize>,
}

fn sample() -> Sample {
    let vendor = Vendor::new(1);
    let contents: Vec<Vec<u8>> =
        [5, 40, 600, 33, 90, 0, 7, 700].iter().map(|&length| noise(length, length as usize)).collect();
    let paths: Vec<String> = (0..contents.len()).map(|at| format!("feeds/{at}")).collect();
    let targets: Vec<_> = paths.iter().map(String::as_str).zip(contents.iter().map(Vec::as_slice)).collect();
    let (kit, _) = vendor.build(4, &targets);
    let outline = outline(&vendor, &kit);
    let blobs: usize = outline.chunks().iter().map(|chunk| chunk.clen as usize).sum();
    let mut starts = vec![kit.len() - END.len() - blobs];
    starts.extend(outline.chunks().iter().scan(starts[0], |at, chunk| {
        *at += chunk.clen as usize;
        Some(*at)
    }));
    Sample { vendor, kit, outline, starts }
}

fn outline(vendor: &Vendor, kit: &[u8]) -> Outline {
    let opened = open(kit, &Limits::default()).expect("opens");
    let verified = verify(&opened.metadata, &vendor.trust(), &gates(), now(), &Limits::default()).expect("verifies");
    Outline::new(&opened.metadata, &verified)
}

fn split(vendor: &Vendor, kit: &[u8], size_max: u64) -> Result<(Vec<Vec<u8>>, Assembled), VolumeError> {
    let limits = Limits::default();
    let opened = open(kit, &limits)?;
    let verified = verify(&opened.metadata, &vendor.trust(), &gates(), now(), &limits)?;
    let mut splitter = Splitter::new(opened, &verified, size_max)?;
    let planned: Vec<Volume> = splitter.volumes().to_vec();
    let mut volumes = Vec::new();
    let mut out = Vec::new();
    while let Some(written) = splitter.write_next(&mut out)? {
        assert_eq!((written.length, written.sha256), (out.len() as u64, Digest::of(&out)));
        assert_eq!(planned[volumes.len()].length, written.length);
        volumes.push(std::mem::take(&mut out));
    }
    assert_eq!(planned.len(), volumes.len());
    Ok((volumes, splitter.finish()?))
}

fn search(outline: &Outline, source: impl Read, set: &mut MemorySet) -> Result<Harvest, VolumeError> {
    harvest(source, outline, &Limits::default(), set)
}

fn join(outline: &Outline, parts: &[&[u8]]) -> Result<Vec<u8>, VolumeError> {
    let mut set = MemorySet::default();
    for part in parts {
        search(outline, *part, &mut set)?;
    }
    let mut out = Vec::new();
    assemble(outline, &mut set, &mut out)?;
    Ok(out)
}

fn refusal<T: std::fmt::Debug>(result: Result<T, VolumeError>) -> &'static str {
    match result {
        Err(VolumeError::Kit(error)) => error.code(),
        other => panic!("expected a refusal: {other:?}"),
    }
}

fn missing(result: Result<Vec<u8>, VolumeError>) -> usize {
    match result {
        Err(VolumeError::Kit(KitError::Incomplete { count, .. })) => count,
        other => panic!("expected missing frames: {:?}", other.map(|bytes| bytes.len())),
    }
}

#[test]
fn every_volume_is_a_kit_with_fewer_blobs_and_all_give_the_kit_byte_by_byte() {
    let Sample { vendor, kit, outline, starts } = sample();
    let bare = (starts[0] + END.len()) as u64;
    for size_max in (bare..=kit.len() as u64 + 1).step_by(37) {
        let volumes = match split(&vendor, &kit, size_max) {
            Ok((volumes, whole)) => {
                assert_eq!(whole, Assembled { sha256: Digest::of(&kit), length: kit.len() as u64 });
                volumes
            }
            Err(VolumeError::TooSmall { needed, .. }) => {
                assert!(size_max < needed);
                assert!(split(&vendor, &kit, needed).is_ok() && split(&vendor, &kit, needed - 1).is_err());
                continue;
            }
            Err(error) => panic!("{error}"),
        };
        for volume in &volumes {
            assert!(volume.len() as u64 <= size_max);
            assert!(volume.starts_with(&kit[..starts[0]]) && volume.ends_with(&END));
        }
        if let [only] = volumes.as_slice() {
            assert_eq!(*only, kit);
        } else {
            // A single volume is no kit: what it lacks is said by an import.
            assert_eq!(import(&volumes[0], &vendor.trust()).expect_err("a part").code(), "E-INCOMPLETE");
        }
        let parts: Vec<&[u8]> = volumes.iter().map(Vec::as_slice).collect();
        assert_eq!(join(&outline, &parts).expect("joins"), kit);
    }
    assert_eq!(outline.length(), kit.len() as u64);
}

#[test]
fn a_kit_without_blobs_is_one_volume() {
    let vendor = Vendor::new(1);
    let (kit, _) = vendor.build(4, &[("feeds/empty", b"")]);
    let (volumes, _) = split(&vendor, &kit, kit.len() as u64).expect("splits");
    assert_eq!(volumes, std::slice::from_ref(&kit));
    assert_eq!(join(&outline(&vendor, &kit), &[&kit]).expect("joins"), kit);
}

#[test]
fn volumes_come_in_any_order_and_more_than_once() {
    // D03. Labels are no part of this room: it never sees a name.
    let Sample { vendor, kit, outline, starts } = sample();
    let (volumes, _) = split(&vendor, &kit, starts[0] as u64 + 1200).expect("splits");
    let [first, second, third, ..] = volumes.as_slice() else { panic!("{} volumes", volumes.len()) };
    let rest: Vec<&[u8]> = volumes[3..].iter().map(Vec::as_slice).collect();
    let parts = [vec![third.as_slice(), first, third, first, second], rest.clone()].concat();
    assert_eq!(join(&outline, &parts).expect("joins"), kit);
    // Without the second one, just its frames are missing.
    let mut set = MemorySet::default();
    let lacked = search(&outline, second.as_slice(), &mut set).expect("a volume");
    assert!(matches!(lacked.ended, Ended::Volume) && lacked.damaged.is_empty());
    assert_eq!(lacked.length, second.len() as u64);
    assert_eq!(missing(join(&outline, &[vec![first.as_slice(), third], rest].concat())), lacked.frames);
    // A second time, nothing of it is new.
    let again = search(&outline, second.as_slice(), &mut set).expect("a volume");
    assert_eq!((again.frames, again.new), (lacked.frames, 0));
}

#[test]
fn volumes_of_two_kits_are_not_mixed() {
    // D03, M05: an older kit of the same vendor, with the same content.
    let Sample { vendor, kit, outline, .. } = sample();
    let (older, _) = vendor.build(3, &[("feeds/0", &noise(5, 5))]);
    assert_eq!(refusal(join(&outline, &[&older, &kit])), "E-MIX");
    assert_eq!(refusal(join(&outline, &[&kit, &older])), "E-MIX");
}

#[test]
fn a_frame_that_nobody_signed_is_refused_wherever_it_stands() {
    // A26.
    let Sample { kit, outline, starts, .. } = sample();
    for length in [11, 400, 90_000] {
        let extra = compress(&entry(&format!("blobs/sha256/{}", Digest::of(b"extra")), &noise(99, length)));
        for &at in &starts {
            let with = [&kit[..at], &extra, &kit[at..]].concat();
            assert_eq!(refusal(join(&outline, &[&with])), "E-EXTRA", "at {at}");
            let cut = [&kit[..at], &extra].concat();
            assert_eq!(refusal(join(&outline, &[&cut])), "E-EXTRA", "at {at}, cut");
        }
    }
}

#[test]
fn frames_out_of_order_and_bytes_behind_the_end_are_refused() {
    // D02.
    let Sample { kit, outline, starts, .. } = sample();
    let [a, b, c] = [starts[1], starts[2], starts[3]];
    let swapped = [&kit[..a], &kit[b..c], &kit[a..b], &kit[c..]].concat();
    assert_eq!(refusal(join(&outline, &[&swapped])), "E-ORDER");
    let twice = [&kit[..b], &kit[a..]].concat();
    assert_eq!(refusal(join(&outline, &[&twice])), "E-ORDER");
    assert_eq!(refusal(join(&outline, &[&[kit.as_slice(), &[0]].concat()])), "E-TRAIL");
    assert_eq!(refusal(join(&outline, &[&[kit.as_slice(), &kit].concat()])), "E-TRAIL");
}

#[test]
fn a_copy_cut_at_any_byte_keeps_every_whole_frame_and_the_other_end_completes_it() {
    // A22, C15.
    let Sample { kit, outline, starts, .. } = sample();
    let good: Vec<&[u8]> = starts.windows(2).map(|ends| &kit[ends[0]..ends[1]]).collect();
    for cut in 0..kit.len() {
        let mut set = MemorySet::default();
        let found = search(&outline, &kit[..cut], &mut set).expect("a copy that is not finished");
        let whole = starts[1..].iter().filter(|&&end| end <= cut).count();
        assert!(matches!(found.ended, Ended::Truncated), "{cut}: {:?}", found.ended);
        assert_eq!((found.frames, found.damaged.len()), (whole, 0), "{cut}");
        assert_never_wrong(&outline, &mut set, &good);
        // The end of another copy, from the very byte on: only a frame cut in two is missing.
        let result = join(&outline, &[&kit[..cut], &kit[cut..]]);
        if starts.contains(&cut) || cut < starts[0] || cut > starts[starts.len() - 1] {
            assert_eq!(result.expect("nothing was cut in two"), kit, "{cut}");
        } else {
            assert_eq!(missing(result), 1, "{cut}");
            let before = starts.iter().copied().filter(|&start| start <= cut).max().expect("a frame");
            let resumed = [&kit[..starts[0]], &kit[before..]].concat();
            assert_eq!(join(&outline, &[&kit[..cut], &resumed]).expect("a resumed copy"), kit, "{cut}");
        }
    }
}

/// All that is in the set is a frame of the kit, byte for byte.
fn assert_never_wrong(outline: &Outline, set: &mut MemorySet, good: &[&[u8]]) {
    use ouk::volume::FrameSet;
    for (chunk, good) in outline.chunks().iter().zip(good) {
        if set.has(&chunk.csha256) {
            assert_eq!(set.read(chunk).expect("is there"), *good);
        }
    }
}

#[test]
fn one_changed_byte_costs_one_frame_and_the_report_names_it() {
    let Sample { kit, outline, starts, .. } = sample();
    let good: Vec<&[u8]> = starts.windows(2).map(|ends| &kit[ends[0]..ends[1]]).collect();
    let end = starts[starts.len() - 1];
    for at in 0..kit.len() {
        let mut bad = kit.clone();
        bad[at] ^= 1 << (at % 8);
        let mut set = MemorySet::default();
        let found = search(&outline, bad.as_slice(), &mut set).expect("a damaged copy");
        assert_never_wrong(&outline, &mut set, &good);
        if at >= end {
            assert!(matches!(found.ended, Ended::Truncated), "{at}");
            assert_eq!((found.frames, found.length), (good.len(), end as u64), "{at}");
            continue;
        }
        assert!(matches!(found.ended, Ended::Volume), "{at}: {:?}", found.ended);
        let [damage] = found.damaged.as_slice() else { panic!("{at}: {:?}", found.damaged) };
        if at < starts[0] {
            assert_eq!((damage.offset, damage.length), (0, starts[0] as u64), "{at}");
            assert_eq!((found.frames, damage.chunks.len()), (good.len(), 0), "{at}");
        } else {
            let place = starts.iter().filter(|&&start| start <= at).count() - 1;
            assert_eq!(damage.offset, starts[place] as u64, "{at}");
            assert_eq!(damage.chunks, [outline.chunks()[place]], "{at}");
            assert_eq!(found.frames, good.len() - 1, "{at}");
        }
        // A second copy that is broken elsewhere repairs it.
        let mut other = kit.clone();
        other[(at + kit.len() / 2) % kit.len()] ^= 0x10;
        assert_eq!(join(&outline, &[&bad, &other]).expect("repaired"), kit, "{at}");
    }
}

#[test]
fn a_medium_that_fails_keeps_what_was_read_before() {
    // C15.
    struct Fails;
    impl Read for Fails {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the stick was pulled"))
        }
    }
    let Sample { kit, outline, starts, .. } = sample();
    for cut in [0, 10, starts[0], starts[2], starts[2] + 9, kit.len() - 1] {
        let mut set = MemorySet::default();
        let found = search(&outline, kit[..cut].chain(Fails), &mut set).expect("a failed medium");
        assert!(matches!(&found.ended, Ended::ReadError(error) if error.to_string().contains("pulled")), "{cut}");
        assert_eq!(found.frames, starts[1..].iter().filter(|&&end| end <= cut).count());
        search(&outline, &kit[starts[0].min(cut)..], &mut set).expect("the rest");
    }
}

#[test]
fn a_set_that_changes_under_way_gives_no_kit() {
    let Sample { kit, outline, .. } = sample();
    struct Lies(MemorySet);
    impl ouk::volume::FrameSet for Lies {
        fn has(&self, csha256: &Digest) -> bool {
            self.0.has(csha256)
        }
        fn put(&mut self, found: &ouk::volume::FoundFrame<'_>) -> std::io::Result<()> {
            self.0.put(found)
        }
        fn read(&mut self, chunk: &ouk::verify::Chunk) -> std::io::Result<Vec<u8>> {
            let mut bytes = self.0.read(chunk)?;
            bytes[7] ^= 1;
            Ok(bytes)
        }
    }
    let mut set = Lies(MemorySet::default());
    harvest(kit.as_slice(), &outline, &Limits::default(), &mut set).expect("a kit");
    assert_eq!(refusal(assemble(&outline, &mut set, &mut Vec::new())), "E-DIGEST");
}

#[test]
fn splitting_finds_a_damaged_kit() {
    let Sample { vendor, kit, starts, .. } = sample();
    let mut bad = kit.clone();
    bad[starts[3] + 20] ^= 1;
    assert_eq!(refusal(split(&vendor, &bad, 1 << 20)), "E-DIGEST");
    assert_eq!(refusal(split(&vendor, &kit[..starts[3]], 1 << 20)), "E-TRUNC");
    assert_eq!(refusal(split(&vendor, &[kit.as_slice(), b"x"].concat(), 1 << 20)), "E-TRAIL");
    // Signed, and no frame at all: nobody could tell where it ends.
    let mut draft = Draft::new(&vendor, 4, &[]);
    draft.put_frame("feeds/a", b"hello", b"no frame".to_vec());
    assert_eq!(refusal(split(&vendor, &draft.kit(), 1 << 20)), "E-FRAME");
}

#[test]
fn a_source_made_of_lookalikes_is_left_in_time() {
    // Every few bytes something begins that could be a frame of any length, and is none.
    let Sample { kit, outline, starts, .. } = sample();
    // Header, and a block that ends where the block of the next lookalike begins.
    let lookalike = [0x28, 0xb5, 0x2f, 0xfd, 0x44, 0x50, 0, 0, 13 << 3, 0, 0, 0, 0, 0, 0, 0];
    let source = [&kit[..starts[0]], &lookalike.repeat(60_000)].concat();
    assert_eq!(refusal(join(&outline, &[&source])), "E-LIMIT");
}

#[test]
fn memory_does_not_grow_with_the_kit() {
    // Counts how far the reader is ahead of what was handed out: one frame and a piece.
    struct Counting<'a>(Cursor<&'a [u8]>, &'a std::cell::Cell<u64>);
    impl Read for Counting<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let read = self.0.read(buffer)?;
            self.1.set(self.0.position());
            Ok(read)
        }
    }
    struct Watch<'a>(&'a std::cell::Cell<u64>, u64);
    impl ouk::volume::FrameSet for Watch<'_> {
        fn has(&self, _: &Digest) -> bool {
            false
        }
        fn put(&mut self, found: &ouk::volume::FoundFrame<'_>) -> std::io::Result<()> {
            self.1 = self.1.max(self.0.get() - found.offset());
            Ok(())
        }
        fn read(&mut self, _: &ouk::verify::Chunk) -> std::io::Result<Vec<u8>> {
            Err(std::io::ErrorKind::NotFound.into())
        }
    }
    let vendor = Vendor::new(1);
    let contents: Vec<(String, Vec<u8>)> = (0..40).map(|at| (format!("feeds/{at}"), noise(at, 300_000))).collect();
    let targets: Vec<(&str, &[u8])> = contents.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())).collect();
    let (kit, _) = vendor.build(4, &targets);
    let outline = outline(&vendor, &kit);
    let longest = outline.chunks().iter().map(|chunk| chunk.clen).max().expect("a chunk");
    let read = std::cell::Cell::new(0);
    let mut watch = Watch(&read, 0);
    let found = harvest(Counting(Cursor::new(&kit), &read), &outline, &Limits::default(), &mut watch).expect("a kit");
    assert!(matches!(found.ended, Ended::Complete));
    assert!(watch.1 <= longest + (64 << 10), "{} bytes ahead, the longest frame has {longest}", watch.1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_split_order_duplication_and_damage_gives_the_kit_or_says_what_is_missing(
        lengths in prop::collection::vec(0..3000_usize, 0..12),
        spare in 0..6000_u64,
        copies in prop::collection::vec((any::<prop::sample::Index>(), any::<Option<prop::sample::Index>>(), any::<bool>()), 0..20),
    ) {
        // D05.
        let vendor = Vendor::new(1);
        let contents: Vec<(String, Vec<u8>)> =
            lengths.iter().enumerate().map(|(at, &length)| (format!("feeds/{at}"), noise(at as u64, length))).collect();
        let targets: Vec<(&str, &[u8])> = contents.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())).collect();
        let (kit, _) = vendor.build(4, &targets);
        let outline = outline(&vendor, &kit);
        let longest = outline.chunks().iter().map(|chunk| chunk.clen).max().unwrap_or_default();
        let bare = outline.length() - outline.chunks().iter().map(|chunk| chunk.clen).sum::<u64>();
        let (volumes, _) = split(&vendor, &kit, bare + longest + spare).expect("splits");
        // Some volumes, some of them more than once, some damaged or cut.
        let mut sound = vec![false; volumes.len()];
        let mut parts = Vec::new();
        for (which, damage, cut) in copies {
            let at = which.index(volumes.len());
            let mut copy = volumes[at].clone();
            match damage {
                None => sound[at] = true,
                Some(place) if cut => copy.truncate(place.index(copy.len())),
                Some(place) => {
                    let place = place.index(copy.len());
                    copy[place] ^= 0x40;
                }
            }
            parts.push(copy);
        }
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        match join(&outline, &parts) {
            Ok(joined) => prop_assert_eq!(joined, kit),
            Err(VolumeError::Kit(KitError::Incomplete { count, .. })) => {
                prop_assert!(count > 0 && sound.contains(&false));
            }
            Err(error) => prop_assert!(false, "{error}"),
        }
    }

    #[test]
    fn arbitrary_bytes_behind_the_metadata_never_yield_a_frame(bytes in prop::collection::vec(any::<u8>(), 0..4000)) {
        let vendor = Vendor::new(1);
        let (kit, _) = vendor.build(4, &[("feeds/a", b"hello")]);
        let outline = outline(&vendor, &kit);
        let metadata = kit.len() - END.len() - outline.chunks()[0].clen as usize;
        for source in [bytes.clone(), [&kit[..metadata], &bytes].concat()] {
            let found = search(&outline, source.as_slice(), &mut MemorySet::default());
            prop_assert!(found.map_or(true, |found| found.frames == 0));
        }
    }
}
