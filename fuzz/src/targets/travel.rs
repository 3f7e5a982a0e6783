//! What a kit becomes on its way: volumes and broken copies, deltas, a site's frame.

use std::convert::Infallible;
use std::sync::OnceLock;

use feeds::dataset::{Limits as LineLimits, SegmentKind, lines};
use feeds::delta::{Change, Cursor, DeltaError, apply, diff, tombstone};
use ouk::limits::Limits;
use ouk::read::open;
use ouk::site::SiteMetadata;
use ouk::verify::verify;
use ouk::volume::{Ended, MemorySet, Outline, VolumeError, assemble, harvest};
use zstd::zstd_safe::find_frame_compressed_size;

use crate::kit::{base, support};
use crate::target::choose;

fn outline() -> &'static Outline {
    static OUTLINE: OnceLock<Outline> = OnceLock::new();
    OUTLINE.get_or_init(|| {
        let opened = open(base().kit.as_slice(), &Limits::default()).expect("the base kit");
        let trust = base().vendor.trust();
        let kit = verify(&opened.metadata, &trust, &support::gates(), support::now(), &Limits::default());
        Outline::new(&opened.metadata, &kit.expect("is good"))
    })
}

/// Where each frame of the base kit begins, and the end.
fn frames() -> &'static [usize] {
    static FRAMES: OnceLock<Vec<usize>> = OnceLock::new();
    FRAMES.get_or_init(|| {
        let kit = &base().kit;
        let mut starts = vec![0];
        while let Some(rest) = kit.get(*starts.last().expect("one")..).filter(|rest| !rest.is_empty()) {
            starts.push(starts.last().expect("one") + find_frame_compressed_size(rest).expect("a frame"));
        }
        starts
    })
}

/// Sources that are made of the kit by cutting, losing, repeating, swapping and changing parts of it.
fn sources(plan: &[u8]) -> Vec<Vec<u8>> {
    let (kit, starts) = (&base().kit, frames());
    let frame = |number: u8| {
        let at = usize::from(number) % (starts.len() - 1);
        &kit[starts[at]..starts[at + 1]]
    };
    let mut sources: Vec<Vec<u8>> = vec![kit.clone()];
    for step in plan.chunks_exact(4) {
        let [what, a, b, c] = *step.first_chunk().expect("four");
        let last = sources.last_mut().expect("one");
        let place = usize::from(u16::from_le_bytes([a, b])) * (last.len() + 1) / 65_536;
        match what % 8 {
            0 => last.truncate(place),
            1 => last.iter_mut().skip(place).take(1).for_each(|byte| *byte ^= c | 1),
            2 => drop(last.drain(place..(place + usize::from(c) + 1).min(last.len()))),
            3 => last.extend_from_slice(frame(a)),
            4 => drop(last.splice(place..place, std::iter::repeat_n(c, usize::from(a)))),
            // A volume: metadata, some frames, the end.
            5 => *last = [frame(0), frame(a), frame(b), frame(u8::try_from(starts.len() - 2).expect("few"))].concat(),
            6 => sources.push(kit.clone()),
            _ => last.extend(support::noise(u64::from(a), usize::from(b))),
        }
    }
    sources
}

/// Whatever the sources are, what is put together of them is the kit byte for byte, or it is said what is missing.
pub(crate) fn volumes(data: &[u8]) {
    let (outline, limits) = (outline(), Limits::default());
    let mut set = MemorySet::default();
    for source in sources(data) {
        let before = outline.missing(&set).len();
        match harvest(source.as_slice(), outline, &limits, &mut set) {
            Ok(found) => {
                assert!(found.length <= source.len() as u64 && found.new <= found.frames);
                assert_eq!(before - outline.missing(&set).len(), found.new);
                assert!(found.damaged.iter().all(|damage| damage.offset + damage.length <= source.len() as u64));
                match found.ended {
                    Ended::Complete => assert!(source == base().kit, "a whole kit is this kit"),
                    Ended::Volume | Ended::Truncated => {}
                    Ended::ReadError(error) => panic!("memory does not fail: {error}"),
                }
            }
            Err(VolumeError::Kit(error)) => assert!(error.code().starts_with("E-") && !error.advice().is_empty()),
            Err(error) => panic!("{error}"),
        }
    }
    let mut out = Vec::new();
    match assemble(outline, &mut set, &mut out) {
        Ok(_) => assert!(out == base().kit, "another kit was put together"),
        Err(VolumeError::Kit(error)) => {
            assert_eq!(error.code(), "E-INCOMPLETE");
            assert!(out.is_empty() && !outline.missing(&set).is_empty());
        }
        Err(error) => panic!("{error}"),
    }
}

pub(crate) fn volume_seeds() -> Vec<Vec<u8>> {
    vec![
        vec![],
        vec![0, 0, 128, 0, 6, 0, 0, 0, 2, 0, 16, 9],
        vec![5, 1, 2, 0, 6, 0, 0, 0, 5, 3, 4, 0],
        vec![1, 0, 128, 7, 3, 2, 0, 0, 7, 1, 50, 0],
    ]
}

type Segments = Vec<Vec<u8>>;

fn cursor(
    kind: SegmentKind,
    segments: &Segments,
) -> Cursor<impl FnMut() -> Option<Result<Vec<u8>, Infallible>> + use<>> {
    let mut segments = segments.clone().into_iter();
    Cursor::new(kind, LineLimits { line_bytes_max: 64 << 10, lines_max: 1000 }, move || segments.next().map(Ok))
}

/// A delta that is taken is the difference of what it makes and its base, and nothing else is.
pub(crate) fn delta(data: &[u8]) {
    let Some((kind, bytes)) = choose(&SegmentKind::ALL, data) else { return };
    for line in lines(kind, bytes, LineLimits::default()).map_while(Result::ok) {
        let change = Change::of(kind, line);
        assert_eq!(change.key(), line.key);
        let is_tombstone = line.raw == tombstone(kind, line.key);
        assert_eq!(matches!(change, Change::Tombstone(_)), is_tombstone);
    }
    let of_kind = base().segments.iter().filter(|(segment, _)| segment.kind == kind);
    let before: Segments = of_kind.map(|(_, bytes)| bytes.clone()).collect();
    let given: Segments = vec![bytes.to_vec()];
    let mut result = Vec::new();
    let applied = apply(&mut cursor(kind, &before), &mut cursor(kind, &given), &mut |line| {
        result.extend_from_slice(line.raw);
        result.push(b'\n');
        Ok::<_, Infallible>(())
    });
    match applied {
        Ok(()) => {
            let mut again = Vec::new();
            let differs = diff(&mut cursor(kind, &before), &mut cursor(kind, &vec![result]), &mut |change| {
                match change {
                    Change::Upsert(line) => again.extend_from_slice(line.raw),
                    Change::Tombstone(key) => again.extend(tombstone(kind, key)),
                }
                again.push(b'\n');
                Ok::<_, Infallible>(())
            });
            differs.expect("sorted lines");
            assert_eq!(again, bytes, "the delta has another spelling");
        }
        Err(DeltaError::Dataset(_) | DeltaError::Base { .. }) => {}
        Err(error) => panic!("{error}"),
    }
}

pub(crate) fn delta_seeds() -> Vec<Vec<u8>> {
    let seed = |(segment, bytes): &(feeds::dataset::Segment, Vec<u8>)| {
        let kind = SegmentKind::ALL.iter().position(|kind| *kind == segment.kind).expect("a kind");
        let gone = [tombstone(segment.kind, &segment.first), b"\n".to_vec()].concat();
        let first: Vec<u8> = bytes.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default().to_vec();
        let kind = u8::try_from(kind).expect("three");
        [[&[kind], &gone[..]].concat(), [&[kind], &first[..]].concat()]
    };
    base().segments.iter().flat_map(seed).collect()
}

/// A site's frame has one spelling as a vendor's has, holds nothing but `SITE/`, and is no part of the vendor's kit.
pub(crate) fn site_frame(data: &[u8]) {
    let limits = Limits { metadata_frame_bytes_max: 64 << 10, root_bytes_max: 8 << 10, ..Limits::default() };
    let frame = support::compress(data);
    match SiteMetadata::from_frame(&frame, &limits) {
        Ok(site) => {
            assert_eq!(support::tar(site.files()), data);
            assert_eq!(site.expanded(), data);
            assert!(site.files().keys().all(|name| name.starts_with("SITE/") && !name.contains("..")));
            let again = SiteMetadata::from_expanded(frame.clone(), data, &limits).expect("the same rules");
            assert_eq!(again, site);
            assert!(site.repository().iter().all(|(name, _)| !name.contains('/')));
        }
        Err(error) => assert!(error.code().starts_with("E-")),
    }
    // Behind the metadata frame of a good kit: the vendor's part is read as without it, or the kit is refused.
    let at = frames()[1];
    let endorsed = [&base().kit[..at], &frame, &base().kit[at..]].concat();
    let trust = base().vendor.trust();
    let mut opened = open(endorsed.as_slice(), &limits).expect("the vendor's frame is good");
    let kit = verify(&opened.metadata, &trust, &support::gates(), support::now(), &limits).expect("and verifies");
    if let Ok(Some(site)) = opened.site(&kit) {
        assert_eq!(site.frame(), frame);
    }
}

pub(crate) fn site_seeds() -> Vec<Vec<u8>> {
    let files = support::Files::from([
        ("SITE/root/1.root.json".to_owned(), base().vendor.roots[0].clone()),
        ("SITE/timestamp.json".to_owned(), b"{}".to_vec()),
        ("SITE/receipt.dsse.json".to_owned(), b"{}".to_vec()),
    ]);
    vec![support::tar(&files), support::tar(&base().files)]
}
