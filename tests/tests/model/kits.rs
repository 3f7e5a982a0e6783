//! The kits of one vendor that a sequence chooses from: made once, by the same code that a vendor runs.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fs::{self, File};
use std::io::Cursor as Bytes;
use std::path::PathBuf;
use std::sync::LazyLock;

use domain::advisory::{Advisory, Affected, Interval, Member, PackageKey};
use domain::digest::Digest;
use domain::source::SourceId;
use domain::time::Timestamp;
use feeds::dataset::{DELTA_SCHEMA, Dataset, Limits, MANIFEST_NAME, Manifest, SCHEMA, SegmentKind, coverage};
use feeds::delta::{Cursor, DeltaWriter};
use feeds::export::{ExportOptions, export};
use forge::{Vendor, now};
use ouk::build::{BuildInput, KitTarget, build};
use ouk::verify::KitBase;

/// What the data of a kit are: one of a few sets of records, each told by its number.
pub(crate) type Content = u64;

/// What the reference has to know of a kit. What is signed is told apart by `metadata`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kit {
    pub(crate) version: u64,
    pub(crate) metadata: usize,
    pub(crate) content: Content,
    pub(crate) channel: &'static str,
    /// Days after the program was made.
    pub(crate) signed_days: i64,
    /// The content that a delta builds on.
    pub(crate) base: Option<Content>,
    /// It is signed with the content root of other data. (Bytes that were changed afterwards are a broken copy, of
    /// which the good frames are kept.)
    pub(crate) is_wrong: bool,
}

const fn full(metadata: usize, version: u64, content: Content) -> Kit {
    Kit { version, metadata, content, channel: "stable", signed_days: 0, base: None, is_wrong: false }
}

/// Each number that `metadata` has is the place of the kit that was signed so. In the order of their versions.
pub(crate) const KITS: [Kit; 15] = [
    full(0, 1, 1),
    full(1, 2, 2),
    full(2, 3, 3),
    // The same version with other data: two kits that claim to be one.
    full(3, 3, 7),
    full(4, 4, 4),
    Kit { is_wrong: true, ..full(5, 4, 4) },
    Kit { base: Some(2), ..full(6, 4, 4) },
    Kit { signed_days: 10, ..full(7, 5, 5) },
    Kit { base: Some(4), ..full(8, 5, 6) },
    Kit { base: Some(3), ..full(9, 6, 6) },
    full(10, 6, 1),
    Kit { base: Some(1), ..full(11, 7, 2) },
    Kit { signed_days: 30, ..full(12, 8, 3) },
    full(13, 8, 4),
    Kit { channel: "beta", ..full(14, 9, 6) },
];

/// The records of a content: all but one of seven, the same one never twice.
pub(crate) fn records(content: Content) -> BTreeSet<String> {
    (1..=7).filter(|number| *number != content).map(|number| format!("RUSTSEC-2026-{number:04}")).collect()
}

/// The files of the kits, and the root of the vendor.
pub(crate) struct Shelf {
    _directory: tempfile::TempDir,
    paths: Vec<PathBuf>,
    pub(crate) root: Vec<u8>,
    digests: Vec<Digest>,
    /// Of the metadata.
    signed: Vec<Digest>,
    roots: Vec<(Content, Digest)>,
}

pub(crate) static SHELF: LazyLock<Shelf> = LazyLock::new(Shelf::new);

impl Shelf {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let vendor = Vendor::new(3);
        let (mut paths, mut digests, mut metadata) = (Vec::new(), Vec::new(), Vec::new());
        for (number, kit) in KITS.iter().enumerate() {
            let bytes = signed(&vendor, kit);
            let path = directory.path().join(format!("{number}.kit"));
            fs::write(&path, &bytes).expect("written");
            paths.push(path);
            digests.push(Digest::of(&bytes));
            metadata.push(metadata_digest(&vendor, &bytes));
        }
        let roots = (1..=7).map(|content| (content, exported(content).0.content_root)).collect();
        Self { _directory: directory, paths, root: vendor.roots[0].clone(), digests, signed: metadata, roots }
    }

    pub(crate) fn open(&self, kit: usize) -> File {
        File::open(&self.paths[kit]).expect("a kit")
    }

    /// Which kit has this digest?
    pub(crate) fn find(&self, sha256: &Digest) -> Option<usize> {
        self.digests.iter().position(|digest| digest == sha256)
    }

    /// Which kit was signed as these metadata?
    pub(crate) fn signed_as(&self, metadata: &Digest) -> Option<usize> {
        self.signed.iter().position(|digest| digest == metadata)
    }

    pub(crate) fn content_root(&self, content: Content) -> Digest {
        self.roots.iter().find(|(number, _)| *number == content).expect("one of seven").1
    }
}

fn advisory(id: &str) -> Advisory {
    let source = SourceId::new("rustsec");
    let package = PackageKey::new("crates.io".parse().expect("an ecosystem"), &format!("crate-{id}"));
    let mut affected = Affected::new(source.clone(), id, package);
    affected.ranges.push(Interval::below("1.2.0"));
    Advisory {
        id: id.to_owned(),
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
        members: vec![Member { source, id: id.to_owned(), modified: None, withdrawn: None }],
    }
}

type Segments = Vec<(SegmentKind, String, Vec<u8>)>;

fn exported(content: Content) -> (Manifest, Segments) {
    let advisories: Vec<_> = records(content).iter().map(|id| advisory(id)).collect();
    let coverage = coverage(&advisories, &["crates.io".parse().expect("an ecosystem")].into());
    let dataset = Dataset { advisories, coverage, ..Dataset::default() };
    let options = ExportOptions { generated_at: Some(now()), ..ExportOptions::default() };
    let mut segments = Vec::new();
    let manifest = export::<Infallible>(&dataset, &options, &mut |segment, bytes| {
        segments.push((segment.kind, segment.name.clone(), bytes));
        Ok(())
    });
    (manifest.expect("a data set"), segments)
}

/// The difference to another content, as `stella kit build --base` makes it.
fn changes(base: Content, (manifest, segments): (Manifest, Segments)) -> (Manifest, Segments) {
    let (old, old_segments) = exported(base);
    let mut writer = DeltaWriter::new(old.content_root, ExportOptions::default().segment_bytes_max);
    let mut written = Segments::new();
    for kind in SegmentKind::ALL {
        let lines = |segments: &Segments| {
            let of_kind: Vec<_> = segments.iter().filter(|(found, ..)| *found == kind).cloned().collect();
            let mut bytes = of_kind.into_iter().map(|(_, _, bytes)| Ok::<_, Infallible>(bytes));
            Cursor::new(kind, Limits::default(), move || bytes.next())
        };
        let done = writer.write(&mut lines(&old_segments), &mut lines(&segments), &mut |segment, bytes| {
            written.push((kind, segment.name.clone(), bytes));
            Ok(())
        });
        done.expect("two data sets");
    }
    (Manifest { schema: DELTA_SCHEMA, delta: Some(writer.finish()), ..manifest }, written)
}

fn signed(vendor: &Vendor, kit: &Kit) -> Vec<u8> {
    let (mut manifest, segments) = match kit.base {
        Some(base) => changes(base, exported(kit.content)),
        None => exported(kit.content),
    };
    if kit.is_wrong {
        manifest.content_root = exported(1).0.content_root;
    }
    let schema = if kit.base.is_some() { DELTA_SCHEMA } else { SCHEMA };
    let files = segments.into_iter().map(|(_, name, bytes)| (name, bytes));
    let files = files.chain([(MANIFEST_NAME.to_owned(), manifest.to_canonical_json())]);
    let target = |(path, bytes): (String, Vec<u8>)| KitTarget {
        path,
        media_type: "application/octet-stream".to_owned(),
        schema,
        content: Box::new(Bytes::new(bytes)),
        length_hint: None,
    };
    let base = kit.base.map(|base| KitBase { kit_version: base, content_root: exported(base).0.content_root });
    let input =
        BuildInput { channel: kit.channel.to_owned(), signed_at: signed_at(kit), base, ..vendor.input(kit.version) };
    let (mut spool, mut out) = (Bytes::new(Vec::new()), Vec::new());
    build(input, files.map(target).collect(), &mut spool, &mut out, &mut |_| ()).expect("a kit");
    out
}

fn metadata_digest(vendor: &Vendor, kit: &[u8]) -> Digest {
    let limits = ouk::limits::Limits::default();
    let opened = ouk::read::open(kit, &limits).expect("opens");
    let gates = ouk::verify::Gates {
        channels: vec!["stable".to_owned(), "beta".to_owned()],
        schema_max: DELTA_SCHEMA,
        ..forge::gates()
    };
    let kit = ouk::verify::verify(&opened.metadata, &vendor.trust(), &gates, now(), &limits);
    kit.expect("verifies").metadata_digest()
}

fn signed_at(kit: &Kit) -> Timestamp {
    now().plus_days(kit.signed_days)
}
