//! Writes a data set in its form for exchange: sorted segments and the manifest.
//!
//! Equal data sets give equal bytes, whatever the order of their records. There is no
//! clock and no host in the output. Lines are serialised and hashed in parallel, a batch at
//! a time, so that the peak is one batch and one segment and not the whole export.

use domain::digest::Digest;
use domain::root::ContentRoot;
use domain::source::SourceStatus;
use domain::time::Timestamp;
use domain::vex::CarriedVex;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use rayon::slice::ParallelSliceMut;

use crate::dataset::{
    Counts, Cut, Cutter, Dataset, Manifest, Row, SCHEMA, SEGMENT_BYTES_MAX, Segment, SegmentKind, is_plain_key,
};

/// Records that are serialised between two looks at the segment.
const BATCH: usize = 4096;

/// How to export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportOptions {
    /// See [`Cutter::new`].
    pub segment_bytes_max: usize,
    /// The date to write into the manifest (`SOURCE_DATE_EPOCH`); by default the latest
    /// date in the data.
    pub generated_at: Option<Timestamp>,
}

impl Default for ExportOptions {
    fn default() -> Self {
        Self { segment_bytes_max: SEGMENT_BYTES_MAX, generated_at: None }
    }
}

/// Why a data set was not exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError<E> {
    #[error("two different {kind} records have the key {key:?}")]
    DuplicateKey { kind: SegmentKind, key: String },
    #[error("the {kind} key {key:?} is empty or needs an escape in JSON")]
    InvalidKey { kind: SegmentKind, key: String },
    #[error("the source {0:?} is listed twice with different facts")]
    DuplicateSource(String),
    #[error(transparent)]
    Sink(E),
}

/// Hands the segments to `sink` in the order of the manifest, which is returned.
pub fn export<E>(
    dataset: &Dataset,
    options: &ExportOptions,
    sink: &mut impl FnMut(&Segment, Vec<u8>) -> Result<(), E>,
) -> Result<Manifest, ExportError<E>> {
    let sources = sorted_sources(&dataset.sources)?;
    let mut writer = Writer {
        segment_bytes_max: options.segment_bytes_max,
        sink,
        root: ContentRoot::new(),
        segments: Vec::new(),
        counts: Counts::default(),
    };
    writer.write_all(&dataset.advisories)?;
    writer.write_all(&dataset.kev)?;
    writer.write_all(&dataset.epss)?;
    writer.write_all(&dataset.vex)?;
    Ok(Manifest {
        schema: SCHEMA,
        content_root: writer.root.finish(),
        generated_at: options.generated_at.unwrap_or_else(|| latest_date(dataset)),
        sources,
        coverage: dataset.coverage.clone(),
        segments: writer.segments,
        counts: writer.counts,
        delta: None,
    })
}

/// The manifest of a data set that carries these VEX documents and no others. `root` has the leaves of all other records;
/// the segments of VEX go to `sink`.
pub fn with_vex<E>(
    manifest: &Manifest,
    root: ContentRoot,
    vex: &[CarriedVex],
    options: &ExportOptions,
    sink: &mut impl FnMut(&Segment, Vec<u8>) -> Result<(), E>,
) -> Result<Manifest, ExportError<E>> {
    let others = manifest.segments.iter().filter(|segment| segment.kind != SegmentKind::Vex);
    let segments = others.cloned().collect();
    let mut writer =
        Writer { segment_bytes_max: options.segment_bytes_max, sink, root, segments, counts: manifest.counts };
    writer.write_all(vex)?;
    let Writer { root, segments, counts, .. } = writer;
    Ok(Manifest { content_root: root.finish(), segments, counts, ..manifest.clone() })
}

/// The content root of a data set, without writing it.
pub fn content_root(dataset: &Dataset) -> Result<Digest, ExportError<std::convert::Infallible>> {
    export(dataset, &ExportOptions::default(), &mut |_, _| Ok(())).map(|manifest| manifest.content_root)
}

struct Writer<'s, S> {
    segment_bytes_max: usize,
    sink: &'s mut S,
    root: ContentRoot,
    segments: Vec<Segment>,
    counts: Counts,
}

impl<S> Writer<'_, S> {
    fn write_all<R: Row + PartialEq + Sync, E>(&mut self, rows: &[R]) -> Result<(), ExportError<E>>
    where
        S: FnMut(&Segment, Vec<u8>) -> Result<(), E>,
    {
        let rows = sorted_rows(rows)?;
        *self.counts.of_mut(R::KIND) = rows.len() as u64;
        let mut cutter = Cutter::new(R::KIND, SegmentKind::segment_name, self.segment_bytes_max);
        for batch in rows.chunks(BATCH) {
            let lines: Vec<_> = batch.par_iter().map(|row| line(*row)).collect();
            for (row, (line, (bucket, leaf))) in batch.iter().zip(lines) {
                let cut = cutter.push(row.key(), &line);
                self.root.add_leaf(bucket, leaf);
                self.close(cut)?;
            }
        }
        self.close(cutter.cut())
    }

    fn close<E>(&mut self, cut: Option<Cut>) -> Result<(), ExportError<E>>
    where
        S: FnMut(&Segment, Vec<u8>) -> Result<(), E>,
    {
        let Some((segment, bytes)) = cut else { return Ok(()) };
        (self.sink)(&segment, bytes).map_err(ExportError::Sink)?;
        self.segments.push(segment);
        Ok(())
    }
}

fn line<R: Row>(row: &R) -> (Vec<u8>, (u16, Digest)) {
    let line = row.to_line();
    let leaf = ContentRoot::leaf(R::KIND.as_str(), row.key(), &line);
    (line, leaf)
}

/// The rows sorted by key. Exact duplicates are one record; others are refused, because
/// choosing between them is the merge's work.
fn sorted_rows<R: Row + PartialEq + Sync, E>(rows: &[R]) -> Result<Vec<&R>, ExportError<E>> {
    let mut sorted: Vec<&R> = rows.iter().collect();
    sorted.par_sort_unstable_by(|one, other| one.key().cmp(other.key()));
    sorted.dedup_by(|one, other| one == other);
    if let Some(row) = sorted.iter().find(|row| !is_plain_key(row.key())) {
        return Err(ExportError::InvalidKey { kind: R::KIND, key: row.key().to_owned() });
    }
    let pairs = sorted.iter().zip(sorted.iter().skip(1));
    match pairs.map(|(row, next)| (row.key(), next.key())).find(|(key, next)| key == next) {
        Some((key, _)) => Err(ExportError::DuplicateKey { kind: R::KIND, key: key.to_owned() }),
        None => Ok(sorted),
    }
}

fn sorted_sources<E>(sources: &[SourceStatus]) -> Result<Vec<SourceStatus>, ExportError<E>> {
    let mut sorted = sources.to_vec();
    sorted.sort_by(|one, other| one.source.cmp(&other.source));
    sorted.dedup();
    let pairs = sorted.iter().zip(sorted.iter().skip(1));
    match pairs.map(|(one, other)| (&one.source, &other.source)).find(|(one, other)| one == other) {
        Some((source, _)) => Err(ExportError::DuplicateSource(source.to_string())),
        None => Ok(sorted),
    }
}

/// The latest date that a source or an advisory states.
fn latest_date(dataset: &Dataset) -> Timestamp {
    let stated = dataset.sources.iter().filter_map(|source| source.as_of);
    let modified = dataset.advisories.iter().filter_map(|advisory| advisory.modified);
    stated.chain(modified).max().unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::{ExportError, ExportOptions, content_root, export, with_vex};
    use crate::dataset::{
        Dataset, DatasetError, Limits, Manifest, Row, Segment, SegmentKind, VEX_BYTES_MAX, VEX_DOCUMENTS_MAX, lines,
        parse_advisory, parse_epss,
    };
    use domain::advisory::{Advisory, Record};
    use domain::exploitation::{Epss, KnownExploited};
    use domain::root::ContentRoot;
    use domain::source::{Redistribution, SourceId, SourceStatus};
    use domain::time::Timestamp;
    use domain::vex::CarriedVex;

    use crate::merge::{MergeRules, merge};

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_lenient(text).expect("a date")
    }

    fn dataset() -> Dataset {
        let record = |number: u32| Record {
            title: Some(format!("Übung \"{number}\"\n")),
            modified: Some(at("2024-05-06")),
            ..Record::new(SourceId::new("ghsa"), format!("GHSA-{number:04}"))
        };
        let status = |source: &str, as_of: &str| SourceStatus {
            source: SourceId::new(source),
            name: source.to_uppercase(),
            url: format!("https://{source}.example/"),
            licence: "CC0-1.0".into(),
            redistribution: Redistribution::Open,
            records: 1,
            rejected: 0,
            as_of: Some(at(as_of)),
        };
        Dataset {
            advisories: merge((0..100).map(record).collect(), &MergeRules::default()).advisories,
            kev: vec![KnownExploited {
                cve: "CVE-2021-44228".into(),
                date_added: at("2021-12-10"),
                due_date: None,
                name: "Log4Shell".into(),
                required_action: "Update".into(),
                ransomware: true,
            }],
            epss: (0..50)
                .map(|number| Epss { cve: format!("CVE-2020-{number:04}"), probability_e5: number, percentile_e5: 7 })
                .collect(),
            vex: vec![CarriedVex { name: "a.json".into(), document: "{\"statements\":[]}\n".into() }],
            sources: vec![status("ghsa", "2024-05-07"), status("epss", "2024-05-01")],
            coverage: Vec::new(),
        }
    }

    fn exported(dataset: &Dataset, segment_bytes_max: usize) -> (Manifest, Vec<(Segment, Vec<u8>)>) {
        let mut segments = Vec::new();
        let options = ExportOptions { segment_bytes_max, generated_at: None };
        let manifest = export(dataset, &options, &mut |segment, bytes| {
            segments.push((segment.clone(), bytes));
            Ok::<(), std::convert::Infallible>(())
        });
        (manifest.expect("a valid data set"), segments)
    }

    #[test]
    fn two_exports_of_one_data_set_in_any_order_are_byte_identical() {
        let one = dataset();
        let mut other = one.clone();
        other.advisories.reverse();
        other.epss.rotate_left(17);
        other.sources.reverse();
        other.kev.extend(one.kev.clone());
        let (one, other) = (exported(&one, 1000), exported(&other, 1000));
        assert_eq!(one.0.to_canonical_json(), other.0.to_canonical_json());
        assert!(one.1 == other.1);
        assert_eq!(one.0.generated_at, at("2024-05-07"));
    }

    #[test]
    fn segments_read_again_give_the_same_content_root_and_records() {
        let dataset = dataset();
        let (manifest, segments) = exported(&dataset, 1000);
        let mut root = ContentRoot::new();
        let mut advisories: Vec<Advisory> = Vec::new();
        for (segment, bytes) in &segments {
            segment.verify(bytes).expect("the bytes of the manifest");
            for line in lines(segment.kind, bytes, Limits::default()) {
                let line = line.expect("a sorted line");
                root.add(segment.kind.as_str(), line.key, line.raw);
                match segment.kind {
                    SegmentKind::Advisory => {
                        advisories.push(Advisory::parse_canonical(line.raw).expect("canonical"));
                    }
                    SegmentKind::Kev => {
                        assert_eq!(KnownExploited::parse_canonical(line.raw).expect("kev").cve, line.key)
                    }
                    SegmentKind::Epss => assert_eq!(Epss::parse_canonical(line.raw).expect("epss").cve, line.key),
                    SegmentKind::Vex => assert_eq!(CarriedVex::parse_canonical(line.raw).expect("vex").name, line.key),
                }
            }
        }
        assert_eq!(root.finish(), manifest.content_root);
        assert_eq!(content_root(&dataset).expect("a valid data set"), manifest.content_root);
        assert_eq!(advisories, dataset.advisories);
        assert_eq!((manifest.counts.advisories, manifest.counts.kev, manifest.counts.epss), (100, 1, 50));
    }

    #[test]
    fn the_content_root_does_not_depend_on_where_segments_are_cut() {
        let (small, large) = (exported(&dataset(), 1), exported(&dataset(), 1 << 20));
        assert_eq!(small.0.content_root, large.0.content_root);
        assert_eq!((small.1.len(), large.1.len()), (152, 4));
        assert_eq!(large.1[2].0.name, "feeds/epss/00000.ndjson");
    }

    #[test]
    fn vex_that_is_added_later_gives_the_same_data_set() {
        let whole = exported(&dataset(), 1000);
        let without = exported(&Dataset { vex: Vec::new(), ..dataset() }, 1000);
        assert!(!String::from_utf8(without.0.to_canonical_json()).expect("text").contains("vex"));
        let mut root = ContentRoot::new();
        for (segment, bytes) in &without.1 {
            for line in lines(segment.kind, bytes, Limits::default()) {
                let line = line.expect("a sorted line");
                root.add(segment.kind.as_str(), line.key, line.raw);
            }
        }
        let options = ExportOptions { segment_bytes_max: 1000, generated_at: None };
        let mut made = Vec::new();
        // Documents of before give way.
        let added = with_vex(&whole.0, root, &dataset().vex, &options, &mut |segment, bytes| {
            made.push((segment.clone(), bytes));
            Ok::<(), std::convert::Infallible>(())
        });
        assert_eq!(added.expect("a valid data set"), whole.0);
        assert!(made == whole.1[without.1.len()..]);
    }

    #[test]
    fn a_data_set_carries_no_more_vex_than_a_scan_can_hold() {
        let (manifest, _) = exported(&dataset(), 1000);
        let mut many = manifest;
        let last = many.segments.last_mut().expect("a segment");
        last.length = VEX_BYTES_MAX + 1;
        let refused = Manifest::parse(&many.to_canonical_json(), 1 << 20).expect_err("too large");
        assert!(refused.to_string().contains("more VEX documents than"), "{refused}");
        let last = many.segments.last_mut().expect("a segment");
        (last.length, last.records, many.counts.vex) = (1, VEX_DOCUMENTS_MAX + 1, VEX_DOCUMENTS_MAX + 1);
        let refused = Manifest::parse(&many.to_canonical_json(), 1 << 20).expect_err("too many");
        assert!(refused.to_string().contains("more VEX documents than"), "{refused}");
    }

    #[test]
    fn segments_stay_below_their_limit() {
        let (manifest, segments) = exported(&dataset(), 1000);
        assert!(segments.len() > 3);
        assert!(manifest.segments.iter().all(|segment| segment.length <= 1000));
    }

    #[test]
    fn a_manifest_is_read_as_written_and_contradictions_are_refused() {
        let (manifest, _) = exported(&dataset(), 1000);
        let bytes = manifest.to_canonical_json();
        assert_eq!(Manifest::parse(&bytes, 1 << 20).expect("the manifest"), manifest);
        assert!(matches!(Manifest::parse(&bytes, 10), Err(DatasetError::ManifestTooLong { limit: 10 })));
        let spaced = [&bytes[..], b" "].concat();
        assert!(matches!(Manifest::parse(&spaced, 1 << 20), Err(DatasetError::ManifestNotCanonical)));

        let refused = |change: &dyn Fn(&mut Manifest)| {
            let mut manifest = manifest.clone();
            change(&mut manifest);
            Manifest::parse(&manifest.to_canonical_json(), 1 << 20).expect_err("a contradiction").to_string()
        };
        assert!(refused(&|manifest| manifest.schema = 3).contains("schema 3"));
        assert!(refused(&|manifest| manifest.counts.kev += 1).contains("add up"));
        assert!(refused(&|manifest| manifest.segments.swap(0, 1)).contains("name"));
        assert!(refused(&|manifest| manifest.segments[1].first = "A".into()).contains("previous segment"));
        assert!(refused(&|manifest| manifest.segments[0].name = "../x".into()).contains("name"));
        assert!(refused(&|manifest| manifest.sources.reverse()).contains("sources"));
    }

    #[test]
    fn a_changed_segment_is_noticed() {
        let (_, segments) = exported(&dataset(), 1000);
        let (segment, bytes) = &segments[0];
        let mut changed = bytes.clone();
        changed[20] ^= 1;
        assert!(matches!(segment.verify(&changed), Err(DatasetError::Digest { .. })));
        assert!(matches!(segment.verify(&bytes[1..]), Err(DatasetError::Length { .. })));
    }

    #[test]
    fn keys_that_clash_or_need_escapes_are_refused() {
        let refused = |change: &dyn Fn(&mut Dataset)| {
            let mut dataset = dataset();
            change(&mut dataset);
            content_root(&dataset).expect_err("an invalid data set")
        };
        let clash = refused(&|dataset| dataset.epss[1].cve = dataset.epss[0].cve.clone());
        assert!(matches!(clash, ExportError::DuplicateKey { kind: SegmentKind::Epss, .. }), "{clash}");
        for key in ["", "a\"b", "a\\b", "a\nb"] {
            let invalid = refused(&|dataset| dataset.advisories[0].id = key.into());
            assert!(matches!(invalid, ExportError::InvalidKey { kind: SegmentKind::Advisory, .. }), "{invalid}");
        }
        let source = refused(&|dataset| dataset.sources[0].source = dataset.sources[1].source.clone());
        assert!(matches!(source, ExportError::DuplicateSource(_)), "{source}");
    }

    #[test]
    fn only_strict_reading_refuses_another_spelling() {
        let spaced = br#"{ "cve": "CVE-2020-0001", "percentile_e5": 2, "probability_e5": 1 }"#;
        assert_eq!(parse_epss(spaced).expect("lenient").probability_e5, 1);
        assert!(matches!(Epss::parse_canonical(spaced), Err(DatasetError::NotCanonical { .. })));
        let twice = br#"{"id":"A","id":"B","members":[]}"#;
        assert!(matches!(parse_advisory(twice), Err(DatasetError::Record { .. })));
    }
}
