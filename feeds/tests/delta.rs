//! A base and its delta are the new data set, to the byte; a delta for another base is refused.

use std::collections::BTreeMap;
use std::convert::Infallible;

use domain::digest::Digest;
use domain::exploitation::Epss;
use feeds::dataset::{Cut, Cutter, Delta, Limits, Line, Row, Segment, SegmentKind, lines};
use feeds::delta::{Change, Cursor, DeltaError, DeltaWriter, Rebuild, apply, diff, tombstone};
use proptest::prelude::{any, prop};
use proptest::{prop_assert_eq, proptest};

const KIND: SegmentKind = SegmentKind::Epss;

type Records = BTreeMap<u8, u8>;

/// The segments of a small data set, cut so that there are several.
fn segments(records: &Records, bytes_max: usize) -> Vec<Cut> {
    let mut cutter = Cutter::new(KIND, SegmentKind::segment_name, bytes_max);
    let mut cut = Vec::new();
    for (key, value) in records {
        let row = Epss { cve: format!("CVE-{key:03}"), probability_e5: u32::from(*value), percentile_e5: 0 };
        cut.extend(cutter.push(row.key(), &row.to_line()));
    }
    cut.extend(cutter.cut());
    cut
}

fn cursor(cuts: &[Cut]) -> Cursor<impl FnMut() -> Option<Result<Vec<u8>, Infallible>>> {
    let mut rest = cuts.iter();
    Cursor::new(KIND, Limits::default(), move || rest.next().map(|(_, bytes)| Ok(bytes.clone())))
}

fn delta(base: &[Cut], new: &[Cut]) -> (Delta, Vec<Cut>) {
    let mut cuts = Vec::new();
    let mut writer = DeltaWriter::new(Digest::of(b"base"), 200);
    let written = writer.write(&mut cursor(base), &mut cursor(new), &mut |segment, bytes| {
        cuts.push((segment.clone(), bytes));
        Ok(())
    });
    written.expect("sorted lines");
    (writer.finish(), cuts)
}

fn applied(base: &[Cut], delta: &[Cut]) -> Result<Vec<Vec<u8>>, String> {
    let mut lines = Vec::new();
    let result = apply(&mut cursor(base), &mut cursor(delta), &mut |line| {
        lines.push(line.raw.to_vec());
        Ok(())
    });
    result.map(|()| lines).map_err(|error| error.to_string())
}

fn rebuilt(lines: &[Vec<u8>], expected: &[Segment]) -> Result<Vec<Cut>, DeltaError<Infallible>> {
    let mut rebuild = Rebuild::new(KIND, expected);
    let mut cuts = Vec::new();
    for raw in lines {
        let key = std::str::from_utf8(&raw[8..15]).expect("a key");
        cuts.extend(rebuild.push(Line { key, raw })?);
    }
    rebuild.finish()?;
    Ok(cuts)
}

fn list(cuts: &[Cut]) -> Vec<Segment> {
    cuts.iter().map(|(segment, _)| segment.clone()).collect()
}

proptest! {
    #[test]
    fn a_base_and_its_delta_are_the_new_data_set_to_the_byte(
        base in prop::collection::btree_map(any::<u8>(), 0_u8..3, 0..40),
        new in prop::collection::btree_map(any::<u8>(), 0_u8..3, 0..40),
        cut_at in 1_usize..400,
    ) {
        let (base_cuts, new_cuts) = (segments(&base, 300), segments(&new, cut_at));
        let (facts, cuts) = delta(&base_cuts, &new_cuts);
        let gone = base.keys().filter(|key| !new.contains_key(key)).count() as u64;
        let changed = new.iter().filter(|(key, value)| base.get(key) != Some(value)).count() as u64;
        prop_assert_eq!((facts.upserts.epss, facts.tombstones.epss), (changed, gone));
        prop_assert_eq!(facts.segments.iter().map(|segment| segment.records).sum::<u64>(), changed + gone);

        let lines = applied(&base_cuts, &cuts).expect("its own base");
        let again = rebuilt(&lines, &list(&new_cuts)).expect("the signed segments");
        prop_assert_eq!(again, new_cuts);
    }

    #[test]
    fn on_whatever_base_the_result_is_the_signed_one_or_an_error(
        base in prop::collection::btree_map(any::<u8>(), 0_u8..3, 1..20),
        other in prop::collection::btree_map(any::<u8>(), 0_u8..3, 1..20),
        new in prop::collection::btree_map(any::<u8>(), 0_u8..3, 1..20),
    ) {
        let new_cuts = segments(&new, 300);
        let (_, cuts) = delta(&segments(&base, 300), &new_cuts);
        if let Ok(lines) = applied(&segments(&other, 300), &cuts)
            && let Ok(again) = rebuilt(&lines, &list(&new_cuts))
        {
            prop_assert_eq!(again, new_cuts);
        }
    }
}

fn of(pairs: &[(u8, u8)]) -> Vec<Cut> {
    segments(&pairs.iter().copied().collect(), 1000)
}

#[test]
fn a_delta_that_lies_about_its_base_is_refused() {
    let base = of(&[(1, 1), (2, 1)]);
    let absent = delta(&of(&[(1, 1), (2, 1), (3, 1)]), &base).1;
    assert!(
        applied(&base, &absent).expect_err("an absent record").contains("\"CVE-003\" is deleted and was not there")
    );
    let known = delta(&of(&[(1, 1)]), &base).1;
    assert!(applied(&base, &known).expect_err("a known record").contains("\"CVE-002\" is given and was there already"));
}

#[test]
fn a_tombstone_is_its_own_line_and_no_record_can_be_one() {
    let line = tombstone(KIND, "CVE-001");
    assert_eq!(line, br#"{"cve":"CVE-001","deleted":true}"#);
    assert_eq!(tombstone(SegmentKind::Advisory, "CVE-1"), br#"{"id":"CVE-1","deleted":true}"#);
    assert!(Epss::parse(&line).is_err());
    let text = [&line[..], b"\n{\"cve\":\"CVE-002\",\"deleted\":true,\"x\":1}\n"].concat();
    let changes: Vec<_> = lines(KIND, &text, Limits::default())
        .map(|line| matches!(Change::of(KIND, line.expect("a line")), Change::Tombstone(_)))
        .collect();
    assert_eq!(changes, [true, false]);
}

#[test]
fn segments_out_of_order_are_refused() {
    let mut base = segments(&(0..20).map(|key| (key, 0)).collect(), 200);
    base.swap(0, 1);
    let error = diff(&mut cursor(&base), &mut cursor(&[]), &mut |_| Ok(())).expect_err("out of order");
    assert!(error.to_string().contains("does not sort after"), "{error}");
}
