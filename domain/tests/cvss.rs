//! CVSS scores against the standards' own examples and, where the shared data is at hand, against 4,972
//! reference vectors.

#![expect(clippy::disallowed_methods, reason = "tests read and lay out files")]
// A skipped test says so, and figures are worth reading.
#![allow(clippy::print_stderr)]

use std::io::Read;
use std::path::PathBuf;

use domain::cvss::{InvalidVector, Score, score};
use domain::severity::{RatingScheme, Severity};
use proptest::prelude::{ProptestConfig, proptest};

const PUBLISHED: &str = include_str!("../../tests/data/cvss/published.csv");

fn tenths(text: &str) -> u8 {
    let (units, tenths) = text.split_once('.').unwrap_or((text, "0"));
    let number = |text: &str| text.parse::<u8>().expect("a score of one decimal");
    number(units) * 10 + number(tenths)
}

fn scored(vector: &str) -> Score {
    score(vector).expect("a valid vector")
}

#[test]
fn the_published_examples_have_their_published_scores() {
    let mut count = 0;
    for line in PUBLISHED.lines() {
        let mut fields = line.splitn(3, ',');
        let want = fields.next().expect("score");
        let vector = fields.next().expect("vector");
        let example = fields.next().expect("example");
        let got = score(vector).unwrap_or_else(|error| panic!("{example}: {error}"));
        assert_eq!(got.score_tenths, tenths(want), "{example}: {vector}");
        assert_eq!(got.vector, vector, "{example}");
        count += 1;
    }
    assert_eq!(count, 41);
}

#[test]
fn the_scheme_is_the_one_that_the_vector_names() {
    let scheme = |vector| scored(vector).scheme;
    assert_eq!(scheme("AV:N/AC:L/Au:N/C:N/I:N/A:C"), RatingScheme::CvssV2);
    assert_eq!(scheme("CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N"), RatingScheme::CvssV30);
    assert_eq!(scheme("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N"), RatingScheme::CvssV31);
    let v4 = "CVSS:4.0/AV:L/AC:L/AT:P/PR:L/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N";
    assert_eq!(scheme(v4), RatingScheme::CvssV40);
}

#[test]
fn levels_are_those_of_the_versions_own_bands() {
    let level = |vector| scored(vector).severity;
    // CVSS 2.0 has no critical: 10.0 and 9.0 are high.
    assert_eq!(level("AV:N/AC:L/Au:N/C:C/I:C/A:C"), Severity::High);
    assert_eq!(level("AV:L/AC:M/Au:N/C:C/I:C/A:C"), Severity::Medium, "6.9");
    assert_eq!(level("AV:L/AC:H/Au:M/C:N/I:N/A:C"), Severity::Low, "3.7");
    assert_eq!(level("AV:N/AC:L/Au:N/C:N/I:N/A:N"), Severity::Low, "0.0");
    assert_eq!(level("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"), Severity::Critical, "9.8");
    assert_eq!(level("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H"), Severity::High, "8.8");
    assert_eq!(level("CVSS:3.1/AV:L/AC:L/PR:H/UI:N/S:U/C:L/I:L/A:L"), Severity::Medium, "4.2");
    assert_eq!(level("CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N"), Severity::Low, "3.1");
    assert_eq!(level("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N"), Severity::Negligible, "0.0");
}

#[test]
fn temporal_and_environmental_metrics_leave_the_base_score_of_2_and_3_alone() {
    // The standards' calculators give these temporal scores of 6.4 and 5.7.
    assert_eq!(scored("AV:N/AC:L/Au:N/C:N/I:N/A:C/E:F/RL:OF/RC:C").score_tenths, 78);
    let vector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N/E:F/RL:O/RC:C/CR:L/MAV:P";
    assert_eq!(scored(vector).score_tenths, 61);
    assert_eq!(scored(vector).vector, vector);
}

#[test]
fn threat_and_environmental_metrics_take_part_in_the_score_of_4_and_supplemental_ones_do_not() {
    let base = "CVSS:4.0/AV:N/AC:L/AT:P/PR:N/UI:P/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N";
    assert_eq!(scored(base).score_tenths, 77);
    assert_eq!(scored(&format!("{base}/E:U")).score_tenths, 52);
    assert_eq!(scored(&format!("{base}/S:P/AU:Y/R:U/V:C/RE:H/U:Red")).score_tenths, 77);
}

#[test]
fn spellings_of_real_sources_are_read() {
    let plain = "AV:N/AC:L/Au:N/C:P/I:P/A:P";
    for text in [
        "(AV:N/AC:L/Au:N/C:P/I:P/A:P)",
        " AV:N/AC:L/Au:N/C:P/I:P/A:P ",
        "CVSS2#AV:N/AC:L/Au:N/C:P/I:P/A:P",
        "CVSS:2.0/AV:N/AC:L/Au:N/C:P/I:P/A:P",
        "AV:N/AC:L/Au:N/C:P/I:P/A:P/",
    ] {
        let got = score(text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((got.scheme, got.score_tenths, got.vector.as_str()), (RatingScheme::CvssV2, 75, plain), "{text}");
    }
    for text in ["cvss:3.1/av:n/ac:l/pr:n/ui:n/s:u/c:h/i:h/a:h", "CVSS:3.1/AC:L/AV:N/PR:N/UI:N/S:U/C:H/I:H/A:H/"] {
        assert_eq!(scored(text).score_tenths, 98, "{text}");
    }
}

#[test]
fn what_is_no_vector_is_refused_with_a_reason() {
    let reason = |text: &str| match score(text) {
        Ok(score) => panic!("{text} scored {score:?}"),
        Err(InvalidVector { reason, .. }) => reason,
    };
    for text in [
        "",
        "7.5",
        "critical",
        // A version 3 vector that does not say whether it is 3.0 or 3.1.
        "AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        "CVSS:3.2/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        "CVSS:5.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        "CVSS:3.1/",
        "CVSS:3.1",
    ] {
        assert!(!reason(text).is_empty(), "{text}");
    }
    for incomplete_or_wrong in [
        "AV:N/AC:L/Au:N/C:P/I:P",
        "AV:X/AC:L/Au:N/C:P/I:P/A:P",
        "AV:N/AV:N/AC:L/Au:N/C:P/I:P/A:P",
        "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H",
        "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:X",
        "CVSS:3.1/AV:N/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/XX:Y",
        "CVSS:4.0/AV:L/AC:L/AT:P/PR:L/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N",
        "CVSS:4.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
    ] {
        assert!(!reason(incomplete_or_wrong).is_empty(), "{incomplete_or_wrong}");
    }
    let long = format!("CVSS:3.1/{}", "AV:N/".repeat(1_000));
    assert_eq!(reason(&long), "it is longer than 512 bytes");
    assert_eq!(score(&long).expect_err("refused").vector.len(), 200);
}

#[test]
fn every_reference_vector_has_its_reference_score() {
    let shared = std::env::var_os("STELLA_SHARED").map(PathBuf::from);
    let shared = shared.unwrap_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared")));
    let Ok(packed) = std::fs::read(shared.join("data/vectors/cvss-vectors.tar.zst")) else {
        eprintln!("skipped: ../shared is absent");
        return;
    };
    let plain = zstd::decode_all(packed.as_slice()).expect("zstd");
    let mut archive = tar::Archive::new(plain.as_slice());
    let (mut count, mut wrong) = (0, Vec::new());
    for entry in archive.entries().expect("tar") {
        let mut text = String::new();
        entry.expect("entry").read_to_string(&mut text).expect("text");
        for line in text.lines().filter(|line| !line.is_empty()) {
            // `vector - score` or `vector - (base, temporal, environmental)`; version 4 has one score.
            let (vector, scores) = line.split_once(" - ").expect("vector and scores");
            let base = scores.trim_matches(['(', ')']).split(',').next().expect("base score");
            // The reference implementation rounds some zeros of version 2 from below.
            let want = base.strip_prefix('-').unwrap_or(base);
            count += 1;
            match score(vector) {
                Ok(got) if got.score_tenths == tenths(want) => {}
                other => wrong.push(format!("{vector}: {want}, got {other:?}")),
            }
        }
    }
    assert_eq!(count, 4_972);
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_scoring_panic(text in ".*") {
        let _ = score(&text);
    }

    #[test]
    fn no_near_vector_makes_scoring_panic(
        prefix in "(CVSS:[234]\\.[01]/|CVSS2#|\\(|)",
        metrics in "((AV|AC|Au|AT|PR|UI|S|C|I|A|VC|VI|VA|SC|SI|SA|E|MSI|U):[NALPHRUCSMX]/?){0,14}",
    ) {
        if let Ok(score) = score(&format!("{prefix}{metrics}")) {
            assert!(score.score_tenths <= 100);
        }
    }
}
