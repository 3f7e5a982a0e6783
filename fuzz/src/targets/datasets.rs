//! The data set as a kit carries it: manifest and lines.

use domain::advisory::Advisory;
use domain::exploitation::{Epss, KnownExploited};
use domain::vex::CarriedVex;
use feeds::dataset::{Limits, Line, Manifest, Row, SegmentKind};

use crate::kit;
use crate::target::choose;

pub(crate) const WORDS: &[&str] = &[
    "{\"id\":\"",
    "{\"cve\":\"",
    "\"probability_e5\":",
    "\"percentile_e5\":",
    "\"ransomware\":true",
    "\"members\":[",
    "\"affected\":[",
    "\"schema\":1",
    "\"segments\":[",
    "\"counts\":{",
    "\"advisories\":",
    "\"coverage\":[",
    "\"kind\":",
    "feeds/advisories/00000.ndjson",
    "\"sources\":[",
    "\"id\":\"",
    "\\u0000",
    "}\n{",
];

/// What is accepted is canonical.
pub(crate) fn manifest(data: &[u8]) {
    if let Ok(manifest) = Manifest::parse(data, 8 << 10) {
        assert_eq!(manifest.to_canonical_json(), data);
    }
}

pub(crate) fn manifest_seeds() -> Vec<Vec<u8>> {
    vec![kit::base().manifest.to_canonical_json()]
}

/// Keys rise, a record has the key of its line, and its canonical spelling reads back.
pub(crate) fn lines(data: &[u8]) {
    let Some((kind, bytes)) = choose(&SegmentKind::ALL, data) else { return };
    let limits = Limits { line_bytes_max: 2 << 10, lines_max: 8 };
    let (mut length, mut previous) = (0, String::new());
    let mut whole = true;
    for line in feeds::dataset::lines(kind, bytes, limits) {
        let Ok(line) = line else {
            whole = false;
            break;
        };
        assert!(*line.key > *previous, "keys do not rise");
        line.key.clone_into(&mut previous);
        assert!(line.raw.len() <= limits.line_bytes_max);
        length += line.raw.len() + 1;
        check_record(kind, &line, false);
    }
    assert_eq!(whole, length == bytes.len(), "a line was lost");
}

/// Checks the record of a line that was imported: the one spelling of a record.
pub(crate) fn check_loaded(kind: SegmentKind, line: &Line<'_>) {
    let key = match kind {
        SegmentKind::Advisory => Advisory::parse_canonical(line.raw).map(|row| row.key().to_owned()),
        SegmentKind::Kev => KnownExploited::parse_canonical(line.raw).map(|row| row.key().to_owned()),
        SegmentKind::Epss => Epss::parse_canonical(line.raw).map(|row| row.key().to_owned()),
        SegmentKind::Vex => CarriedVex::parse_canonical(line.raw).map(|row| row.key().to_owned()),
    };
    assert_eq!(key.expect("a record"), line.key);
}

/// Checks the record of a line; one that we wrote must be canonical.
pub(crate) fn check_record(kind: SegmentKind, line: &Line<'_>, ours: bool) {
    match kind {
        SegmentKind::Advisory => check::<Advisory>(line, ours),
        SegmentKind::Kev => check::<KnownExploited>(line, ours),
        SegmentKind::Epss => check::<Epss>(line, ours),
        SegmentKind::Vex => check::<CarriedVex>(line, ours),
    }
}

fn check<R: Row + PartialEq + std::fmt::Debug>(line: &Line<'_>, ours: bool) {
    match R::parse(line.raw) {
        Ok(row) => {
            assert_eq!(row.key(), line.key, "the key that was sorted by is not the record's");
            let canonical = row.to_line();
            assert!(!ours || canonical == line.raw, "not canonical");
            assert_eq!(R::parse_canonical(&canonical).expect("canonical"), row);
        }
        Err(error) => assert!(!ours, "{error}"),
    }
}

pub(crate) fn line_seeds() -> Vec<Vec<u8>> {
    let seed = |(segment, bytes): &(feeds::dataset::Segment, Vec<u8>)| {
        let kind = SegmentKind::ALL.iter().position(|kind| *kind == segment.kind).expect("a kind");
        [&[kind as u8], bytes.as_slice()].concat()
    };
    kit::base().segments.iter().map(seed).collect()
}
