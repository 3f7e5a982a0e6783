//! Changes of what a kit carries, before it is made.

use std::collections::BTreeMap;

use domain::advisory::Advisory;
use domain::digest::Digest;
use domain::exploitation::{Epss, KnownExploited};
use domain::root::ContentRoot;
use domain::vex::CarriedVex;
use feeds::dataset::{Counts, MANIFEST_NAME, Manifest, Row, Segment, SegmentKind};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use serde_json::Value;

use super::json::{Edit, Place, Word, edit};

pub(crate) type Targets = BTreeMap<String, Vec<u8>>;

#[derive(Arbitrary, Debug)]
pub(crate) enum Content {
    Byte {
        target: u8,
        at: u16,
        mask: u8,
    },
    Line {
        target: u8,
        line: u8,
        edit: LineEdit,
    },
    /// A field of a record, which is then written canonically if it is still one.
    Record {
        target: u8,
        line: u8,
        place: Place,
        edit: Edit,
    },
    Manifest {
        place: Place,
        edit: Edit,
    },
    Remove {
        target: u8,
    },
    Rename {
        target: u8,
        to: Word,
    },
    /// The same content under a second name.
    Copy {
        target: u8,
        to: Word,
    },
    Empty {
        target: u8,
    },
}

#[derive(Arbitrary, Debug)]
pub(crate) enum LineEdit {
    Remove,
    Repeat,
    Swap,
    /// Moves it to the segment behind.
    Move,
    /// Leaves the line feed out.
    Join,
}

impl Content {
    pub(crate) fn apply(&self, targets: &mut Targets) {
        let name = |number: u8| targets.keys().nth(usize::from(number) % targets.len().max(1)).cloned();
        match self {
            Self::Byte { target, at, mask } => {
                let Some(bytes) = name(*target).and_then(|name| targets.get_mut(&name)) else { return };
                let at = usize::from(*at) % bytes.len().max(1);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= mask;
                }
            }
            Self::Line { target, line, edit } => {
                let Some(name) = name(*target) else { return };
                edit_lines(targets, &name, usize::from(*line), edit);
            }
            Self::Record { target, line, place, edit } => {
                let Some(name) = name(*target) else { return };
                let Some(kind) = kind(&name) else { return };
                let mut lines = split(&targets[&name]);
                let at = usize::from(*line) % lines.len().max(1);
                if let Some(line) = lines.get_mut(at) {
                    *line = bent_record(kind, line, place, edit);
                }
                targets.insert(name, lines.concat());
            }
            Self::Manifest { place, edit } => {
                let Some(bytes) = targets.get_mut(MANIFEST_NAME) else { return };
                bend_manifest(bytes, place, edit);
            }
            Self::Remove { target } => drop(name(*target).and_then(|name| targets.remove(&name))),
            Self::Rename { target, to } => {
                let moved = name(*target).and_then(|name| targets.remove(&name));
                targets.extend(moved.map(|bytes| (to.text(), bytes)));
            }
            Self::Copy { target, to } => {
                let copy = name(*target).and_then(|name| targets.get(&name).cloned());
                targets.extend(copy.map(|bytes| (to.text(), bytes)));
            }
            Self::Empty { target } => {
                if let Some(bytes) = name(*target).and_then(|name| targets.get_mut(&name)) {
                    bytes.clear();
                }
            }
        }
    }
}

/// Lines with their line feeds.
fn split(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split_inclusive(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect()
}

fn edit_lines(targets: &mut Targets, name: &str, line: usize, edit: &LineEdit) {
    let mut lines = split(&targets[name]);
    if lines.is_empty() {
        return;
    }
    let at = line % lines.len();
    match edit {
        LineEdit::Remove => drop(lines.remove(at)),
        LineEdit::Repeat => lines.insert(at, lines[at].clone()),
        LineEdit::Swap => {
            let other = (at + 1) % lines.len();
            lines.swap(at, other);
        }
        LineEdit::Move => {
            let line = lines.remove(at);
            let next =
                targets.range_mut::<str, _>((std::ops::Bound::Excluded(name), std::ops::Bound::Unbounded)).next();
            if let Some((_, bytes)) = next {
                bytes.splice(0..0, line);
            }
        }
        LineEdit::Join => drop(lines[at].pop()),
    }
    targets.insert(name.to_owned(), lines.concat());
}

fn bent_record(kind: SegmentKind, line: &[u8], place: &Place, change: &Edit) -> Vec<u8> {
    let Ok(mut value) = serde_json::from_slice::<Value>(line) else { return line.to_vec() };
    edit(&mut value, place, change);
    fn typed<R: Row>(value: &Value) -> Option<Vec<u8>> {
        serde_json::from_value::<R>(value.clone()).ok().map(|row| row.to_line())
    }
    let typed = match kind {
        SegmentKind::Advisory => typed::<Advisory>(&value),
        SegmentKind::Kev => typed::<KnownExploited>(&value),
        SegmentKind::Epss => typed::<Epss>(&value),
        SegmentKind::Vex => typed::<CarriedVex>(&value),
    };
    let mut line = typed.unwrap_or_else(|| value.to_string().into_bytes());
    line.push(b'\n');
    line
}

fn bend_manifest(bytes: &mut Vec<u8>, place: &Place, change: &Edit) {
    let Ok(mut value) = serde_json::from_slice::<Value>(bytes) else { return };
    edit(&mut value, place, change);
    *bytes = match serde_json::from_value::<Manifest>(value.clone()) {
        Ok(manifest) => manifest.to_canonical_json(),
        Err(_) => value.to_string().into_bytes(),
    };
}

/// The kind of segment that has this name.
fn kind(name: &str) -> Option<SegmentKind> {
    let folder = |kind: SegmentKind| kind.segment_name(0).trim_end_matches("00000.ndjson").to_owned();
    SegmentKind::ALL.into_iter().find(|kind| name.starts_with(&folder(*kind)))
}

/// Makes the manifest fit the segments, as a vendor's own tool would.
pub(crate) fn settle(targets: &mut Targets) {
    let manifest = targets.get(MANIFEST_NAME).and_then(|bytes| serde_json::from_slice::<Manifest>(bytes).ok());
    let Some(mut manifest) = manifest else { return };
    let mut root = ContentRoot::new();
    let mut counts = Counts::default();
    let mut segments = Vec::new();
    for (name, bytes) in targets.iter() {
        let Some(kind) = kind(name) else { continue };
        let mut keys = Vec::new();
        for line in bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            let text = String::from_utf8_lossy(line);
            let key = text.strip_prefix(kind.line_prefix()).and_then(|rest| rest.split('"').next()).unwrap_or_default();
            root.add(kind.as_str(), key, line);
            keys.push(key.to_owned());
        }
        let records = keys.len() as u64;
        match kind {
            SegmentKind::Advisory => counts.advisories += records,
            SegmentKind::Kev => counts.kev += records,
            SegmentKind::Epss => counts.epss += records,
            SegmentKind::Vex => counts.vex += records,
        }
        let (first, last) = (keys.first().cloned().unwrap_or_default(), keys.pop().unwrap_or_default());
        let (length, sha256) = (bytes.len() as u64, Digest::of(bytes));
        segments.push(Segment { kind, name: name.clone(), records, length, sha256, first, last });
    }
    segments.sort_by(|one, other| (one.kind, &one.name).cmp(&(other.kind, &other.name)));
    (manifest.content_root, manifest.counts, manifest.segments) = (root.finish(), counts, segments);
    targets.insert(MANIFEST_NAME.to_owned(), manifest.to_canonical_json());
}
