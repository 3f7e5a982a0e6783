//! P: attacks by what a kit carries. The vendor signed it; it is wrong or malicious all the same.

use std::os::unix::fs::PermissionsExt;

use domain::digest::Digest;
use domain::root::ContentRoot;
use feeds::dataset::{MANIFEST_NAME, Manifest};
use forge::{Draft, Vendor, advisories, dataset};
use serde_json::json;

use super::bench::HELD;
use super::{Bench, Elsewhere, Letter, Open, attacks};

attacks! {
    p02_records_that_are_not_canonical_are_refused "P02" ["E-SEM", "E-SEM-ROOT", "accepted"];
    p04_what_a_kit_carries_is_data_and_never_runs "P04" ["accepted"];
    p05_no_data_role_signs_an_image "P05" ["E-TGT-SCOPE"];
}

pub(crate) const LETTER: Letter = Letter {
    cases: CASES,
    elsewhere: &[Elsewhere {
        id: "P03",
        tests: &[
            "importer/tests/impact/main.rs::a_source_that_shrinks_or_loses_its_severities_is_a_reason_to_hold",
            "tests/tests/impact.rs::the_preview_says_aloud_that_there_is_a_reason_to_hold_and_exits_by_it_when_asked",
        ],
    }],
    open: &[Open { id: "P01", reason: "a Trivy DB is kept as it is and never opened" }],
};

/// A kit whose one segment has these lines, with a manifest that is right about them.
fn kit_of_lines(vendor: &Vendor, version: u64, lines: &[Vec<u8>], bend: impl Fn(&mut Manifest)) -> Vec<u8> {
    let mut targets = dataset(advisories(1));
    let manifest = targets.iter().position(|(name, _)| name == MANIFEST_NAME).expect("a manifest");
    let mut described = Manifest::parse(&targets[manifest].1, 1 << 20).expect("a manifest");
    let segment = lines.iter().flat_map(|line| [line.as_slice(), b"\n"].concat()).collect::<Vec<u8>>();
    let key = |line: &[u8]| {
        let text = String::from_utf8_lossy(line).into_owned();
        text.split('"').nth(3).unwrap_or_default().to_owned()
    };
    let mut root = ContentRoot::new();
    for line in lines {
        let (bucket, leaf) = ContentRoot::leaf("advisory", &key(line), line);
        root.add_leaf(bucket, leaf);
    }
    let entry = described.segments.first_mut().expect("a segment");
    (entry.length, entry.sha256, entry.records) = (segment.len() as u64, Digest::of(&segment), lines.len() as u64);
    (entry.first, entry.last) = (key(&lines[0]), key(&lines[lines.len() - 1]));
    described.counts.advisories = lines.len() as u64;
    described.content_root = root.finish();
    bend(&mut described);
    targets[manifest].1 = described.to_canonical_json();
    targets[1 - manifest].1 = segment;
    let targets: Vec<(&str, &[u8])> = targets.iter().map(|(path, content)| (path.as_str(), &content[..])).collect();
    Draft::new(vendor, version, &targets).kit()
}

/// The line of one good advisory.
fn line() -> String {
    String::from_utf8(advisories(1)[0].to_canonical_json()).expect("text")
}

fn p02_records_that_are_not_canonical_are_refused(bench: &mut Bench) {
    let good = line();
    let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
    let id = "\"RUSTSEC-2020-0000\"";
    for (what, bent) in [
        ("no JSON", good.replacen(':', "=", 3)),
        ("an unknown field", good.replacen(&format!("{id},"), &format!("{id},\"x\":1,"), 1)),
        ("a field twice", good.replacen(&format!("{id},"), &format!("{id},\"id\":{id},"), 1)),
        ("nesting", good.replacen(&format!("{id},"), &format!("{id},\"x\":{deep},"), 1)),
        ("an escape in the key", good.replacen("RUSTSEC", "RUST\\u0053EC", 1)),
        ("an escape code in the key", good.replacen("RUSTSEC", "\u{1b}[2JRUSTSEC", 1)),
        ("a list", "[]".to_owned()),
        ("an empty line", String::new()),
    ] {
        assert_ne!(bent, good, "{what}");
        let kit = kit_of_lines(&bench.vendor, HELD + 1, &[bent.into_bytes()], |_| {});
        bench.refuse(what, &kit, "E-SEM");
    }
    let long = good.replacen(&format!("{id},"), &format!("{id},\"title\":\"{}\",", "x".repeat(15 << 20)), 1);
    let kit = kit_of_lines(&bench.vendor, HELD + 1, &[long.into_bytes()], |_| {});
    bench.refuse("a line of 15 MiB", &kit, "E-SEM");
    let lines = [good.clone().into_bytes(), good.clone().into_bytes()];
    let kit = kit_of_lines(&bench.vendor, HELD + 1, &lines, |_| {});
    bench.refuse("one record twice", &kit, "E-SEM");
    let wrong = |manifest: &mut Manifest| manifest.content_root = Digest::of(b"another");
    let kit = kit_of_lines(&bench.vendor, HELD + 1, &[good.clone().into_bytes()], wrong);
    bench.refuse("another content root", &kit, "E-SEM-ROOT");
    type Bend = fn(&mut Manifest);
    for (what, bend) in [
        ("another digest of the segment", (|manifest| manifest.segments[0].sha256 = Digest::of(b"")) as Bend),
        ("another length of the segment", |manifest| manifest.segments[0].length += 1),
        ("another first key", |manifest| manifest.segments[0].first = "A".to_owned()),
    ] {
        let kit = kit_of_lines(&bench.vendor, HELD + 1, &[good.clone().into_bytes()], bend);
        bench.refuse(what, &kit, "E-SEM");
    }
    let kit = kit_of_lines(&bench.vendor, HELD + 1, &[good.clone().into_bytes()], |manifest| manifest.segments.clear());
    bench.refuse("a segment that the manifest does not have", &kit, "E-SEM");
    let kit = kit_of_lines(&bench.vendor, HELD + 1, &[good.into_bytes()], |_| {});
    bench.accept("the same builder without a fault", &kit);
}

fn p04_what_a_kit_carries_is_data_and_never_runs(bench: &mut Bench) {
    let script = b"#!/bin/sh\ntouch owned\n";
    let mut draft = bench.draft();
    draft.put("trivy/run.sh", script);
    draft.put("jwt/token", b"\x7fELF");
    bench.accept("a script and a program in place of data", &draft.kit());
    let hex = Digest::of(script).to_string();
    let blob = bench.state(&format!("cas/sha256/{}/{hex}", &hex[..2]));
    let mode = std::fs::metadata(&blob).expect("kept").permissions().mode();
    assert_eq!(mode & 0o111, 0, "a blob is not executable: {mode:o}");
    assert_eq!(mode & 0o077, 0, "and nobody else reads or writes it: {mode:o}");
}

fn p05_no_data_role_signs_an_image(bench: &mut Bench) {
    for role in ["feeds", "trivydb", "entitlements"] {
        for path in ["os/image.raw", "revocations.json", "os/a/b"] {
            let mut draft = bench.draft();
            draft.target(role, path, 0, &Digest::of(b""), json!([]));
            bench.refuse(&format!("{role} signs {path}"), &draft.kit(), "E-TGT-SCOPE");
        }
    }
}
