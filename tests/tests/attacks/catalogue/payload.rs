//! P: attacks by what a kit carries. The vendor signed it; it is wrong or malicious all the same.

use std::convert::Infallible;
use std::os::unix::fs::PermissionsExt;

use domain::advisory::Advisory;
use domain::digest::Digest;
use domain::exploitation::{Epss, KnownExploited};
use domain::root::ContentRoot;
use domain::severity::{Rating, RatingScheme, Severity};
use domain::source::SourceId;
use domain::vex::CarriedVex;
use feeds::dataset::{
    Counts, DELTA_SCHEMA, Dataset, Delta, MANIFEST_NAME, Manifest, Row, Segment, SegmentKind, VEX_DOCUMENTS_MAX,
    coverage,
};
use feeds::export::{ExportOptions, export};
use feeds::trivydb::export::Export;
use feeds::trivydb::{DERIVED_NAME, Derived};
use forge::{Draft, Vendor, advisories, dataset, now};
use serde_json::json;
use tests::repository;

use super::bench::HELD;
use super::{Bench, Elsewhere, Letter, attacks};

attacks! {
    p01_a_trivy_db_is_read_to_its_end_before_it_is_passed_on "P01" ["E-SEM", "E-SEM-TRIVY", "E-GATE-TRIVY", "accepted"];
    p02_records_that_are_not_canonical_are_refused "P02" ["E-SEM", "E-SEM-ROOT", "HELD", "accepted"];
    p03_a_kit_with_suspiciously_less_waits_for_somebody_who_accepts_that "P03" ["HELD", "E-CONTROL-LOSS", "E-CONTROL-REASON", "accepted"];
    p04_what_a_kit_carries_is_data_and_never_runs "P04" ["E-SEM", "accepted"];
    p05_no_data_role_signs_an_image "P05" ["E-TGT-SCOPE"];
}

pub(crate) const LETTER: Letter = Letter {
    cases: CASES,
    elsewhere: &[
        Elsewhere {
            id: "P01",
            tests: &[
                "feeds/tests/trivydb.rs::p01_circles_and_pages_that_are_not_there_are_refused",
                "feeds/tests/trivydb.rs::p01_a_file_that_was_cut_off_is_refused_at_any_length",
                "feeds/tests/trivydb.rs::what_bbolt_wrote_is_read_as_bbolt_reads_it",
                "tests/tests/delta.rs::a_site_makes_the_trivy_db_that_the_vendor_signed_of_a_full_kit_and_of_a_delta",
            ],
        },
        Elsewhere {
            id: "P03",
            tests: &[
                "importer/tests/impact/main.rs::a_source_that_shrinks_or_loses_its_severities_is_a_reason_to_hold",
                "importer/tests/control/main.rs::p03_under_dual_control_the_loss_is_approved_with_the_kit_and_no_other_one",
                "store/tests/delta.rs::a_chain_of_deltas_answers_as_the_full_data_sets_do",
                "tests/tests/delta.rs::p03_a_delta_that_takes_a_source_away_is_held_as_the_full_kit_is",
                "tests/tests/path.rs::p03_a_kit_with_suspiciously_less_ends_with_a_code_of_its_own_until_the_loss_is_accepted",
                "tests/tests/impact.rs::the_preview_says_aloud_that_there_is_a_reason_to_hold_and_exits_by_it_when_asked",
            ],
        },
    ],
    open: &[],
};

const TRIVY_METADATA: &str = r#"{"Version":2,"NextUpdate":"2026-11-24T00:00:00Z","UpdatedAt":"2026-11-23T00:00:00Z","DownloadedAt":"0001-01-01T00:00:00Z"}"#;

/// The database that the genuine bbolt wrote (tests/data/trivydb/README.md).
fn trivy_db() -> Vec<u8> {
    let packed = std::fs::read(repository().join("tests/data/trivydb/trivy.db.zst")).expect("the fixture");
    zstd::stream::decode_all(&packed[..]).expect("a zstd file")
}

/// A good kit with this Trivy DB in it, in chunks of at most `chunk` bytes.
fn kit_with_trivy_db(draft: &mut Draft, database: &[u8], metadata: &str, chunk: usize) -> Vec<u8> {
    draft.put("trivy/metadata.json", metadata.as_bytes());
    let mut chunks = Vec::new();
    for content in database.chunks(chunk) {
        // A draft makes targets of one chunk: this one is only needed for its frame.
        draft.put("trivy/trivy.db", content);
        let target = &draft.role("trivydb")["targets"]["trivy/trivy.db"];
        chunks.push(target["custom"]["ouk"]["chunks"][0].clone());
    }
    draft.target("trivydb", "trivy/trivy.db", database.len(), &Digest::of(database), json!(chunks));
    draft.kit()
}

/// Where the newest meta page of a database is, and where its root page.
fn newest(database: &[u8]) -> (usize, usize) {
    let number = |at: usize| u64::from_le_bytes(database[at..at + 8].try_into().expect("eight bytes"));
    let meta = if number(16 + 48) > number(PAGE + 16 + 48) { 0 } else { PAGE };
    (meta, usize::try_from(number(meta + 16 + 16)).expect("small") * PAGE)
}

/// Of the fixture.
const PAGE: usize = 4096;

fn p01_a_trivy_db_is_read_to_its_end_before_it_is_passed_on(bench: &mut Bench) {
    let good = trivy_db();
    let (_, root) = newest(&good);
    let bent = |at: usize, bytes: &[u8]| {
        let mut bent = good.clone();
        bent[at..at + bytes.len()].copy_from_slice(bytes);
        bent
    };
    // The first element of the root is a bucket: behind its key lies the number of its page.
    let word = |at: usize| u32::from_le_bytes(good[at..at + 4].try_into().expect("four bytes")) as usize;
    let bucket = root + 16 + word(root + 20) + word(root + 24);
    let number = |page: usize| ((page / PAGE) as u64).to_le_bytes();
    for (what, database) in [
        ("not bbolt", b"SQLite format 3\0".repeat(1000)),
        ("nothing but zeros", vec![0; 3 * PAGE]),
        ("a bucket that is the root again", bent(bucket, &number(root))),
        ("a page out of range", bent(bucket, &(1_u64 << 50).to_le_bytes())),
        ("a page that is a meta page", bent(bucket, &number(PAGE))),
        ("elements that share their bytes", bent(root + 36, &[0; 4])),
        ("an element that lies outside", bent(root + 20, &[0xff; 4])),
        ("a page that claims the rest of the file and more", bent(root + 12, &[0xff; 4])),
        ("a root without buckets", bent(root + 10, &[0, 0])),
        ("cut off in a page", good[..good.len() / 2 + 100].to_vec()),
        ("cut off behind the meta pages", good[..2 * PAGE].to_vec()),
        ("cut off in the first page", good[..100].to_vec()),
        ("another page in the place of a page", [&good[..10 * PAGE], &good[9 * PAGE..]].concat()),
    ] {
        let kit = kit_with_trivy_db(&mut bench.draft(), &database, TRIVY_METADATA, 16 << 20);
        bench.refuse(what, &kit, "E-SEM");
    }
    for (what, metadata) in [
        ("schema 3", TRIVY_METADATA.replace("\"Version\":2", "\"Version\":3")),
        ("schema 1", TRIVY_METADATA.replace("\"Version\":2", "\"Version\":1")),
        ("no schema", TRIVY_METADATA.replace("\"Version\":2,", "")),
        ("NextUpdate in 2100", TRIVY_METADATA.replace("2026-11-24", "2100-01-01")),
        ("NextUpdate before UpdatedAt", TRIVY_METADATA.replace("2026-11-24", "2026-11-22")),
        ("updated after the kit was signed", TRIVY_METADATA.replace("2026-11-2", "2027-01-2")),
        ("no JSON", "Version: 2".to_owned()),
    ] {
        let kit = kit_with_trivy_db(&mut bench.draft(), &good, &metadata, 16 << 20);
        bench.refuse(what, &kit, "E-SEM");
    }
    for (what, path, content) in [
        ("a database without its metadata", "trivy/trivy.db", good.as_slice()),
        ("metadata without a database", "trivy/metadata.json", TRIVY_METADATA.as_bytes()),
        ("a database under another name", "trivy/db.bolt", &good),
    ] {
        let mut draft = bench.draft();
        draft.put(path, content);
        bench.refuse(what, &draft.kit(), "E-SEM");
    }
    let kit = kit_with_trivy_db(&mut bench.draft(), &good, TRIVY_METADATA, 10_000);
    bench.accept("the database as it is, in many chunks", &kit);
    let row = bench.store.open_current().expect("active").row().clone();
    let found = row.trivy_db.expect("a Trivy DB");
    assert_eq!((found.schema, found.platforms, found.advisories, found.vulnerabilities), (2, 34, 68, 44));
    assert_eq!(found.bytes, good.len() as u64);
    a_trivy_db_that_the_records_do_not_give_is_refused(bench, &good);
}

/// The database that the records of the kit give is signed, in place of being carried or beside it.
fn a_trivy_db_that_the_records_do_not_give_is_refused(bench: &mut Bench, another: &[u8]) {
    let mut export = Export::new();
    advisories(2).iter().for_each(|advisory| export.add(advisory));
    let own = export.write(std::io::Cursor::new(Vec::new())).expect("written").0.into_inner();
    let derived = |database: &[u8]| Derived::of(database.len() as u64, Digest::of(database));
    let kit = |bench: &Bench, derived: &[u8]| {
        let mut draft = bench.draft_of(HELD + 2, 2);
        draft.put(DERIVED_NAME, derived);
        draft
    };
    let mut later = derived(&own);
    later.form += 1;
    let mut longer = derived(&own);
    longer.length += 1;
    for (what, signed, code) in [
        ("another database than the records give", derived(another).to_canonical_json(), "E-SEM-TRIVY"),
        ("another length", longer.to_canonical_json(), "E-SEM-TRIVY"),
        ("a form that a later program makes", later.to_canonical_json(), "E-GATE-TRIVY"),
        ("its text spelt otherwise", [b" ", &derived(&own).to_canonical_json()[..]].concat(), "E-SEM"),
        ("no JSON", b"database".to_vec(), "E-SEM"),
    ] {
        bench.refuse(what, &kit(bench, &signed).kit(), code);
    }
    let mut draft = kit(bench, &derived(&own).to_canonical_json());
    let beside = kit_with_trivy_db(&mut draft, another, TRIVY_METADATA, 16 << 20);
    bench.refuse("a good digest beside a database that is another one", &beside, "E-SEM-TRIVY");
    bench.accept("the digest of what the records give", &kit(bench, &derived(&own).to_canonical_json()).kit());
    let signed = bench.store.open_current().expect("active").row().derived.expect("remembered");
    assert_eq!((signed.sha256, signed.length), (Digest::of(&own), own.len() as u64));
}

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

/// A delta to the kit that every bench begins with, whose one line is this record, and a manifest that is right
/// about the result.
fn delta_of_line(bench: &Bench, version: u64, upsert: &[u8]) -> Vec<u8> {
    let base = bench.store.open_current().expect("active").row().content_root;
    let lines = [advisories(1)[0].to_canonical_json(), upsert.to_vec()];
    let mut targets = dataset(advisories(2));
    let manifest = targets.iter().position(|(name, _)| name == MANIFEST_NAME).expect("a manifest");
    let mut described = Manifest::parse(&targets.swap_remove(manifest).1, 1 << 20).expect("a manifest");
    let segment_of = |lines: &[&[u8]]| lines.iter().flat_map(|line| [line, &b"\n"[..]].concat()).collect::<Vec<u8>>();
    let (whole, changes) = (segment_of(&[&lines[0], &lines[1]]), segment_of(&[&lines[1]]));
    let mut root = ContentRoot::new();
    for (number, line) in lines.iter().enumerate() {
        let (bucket, leaf) = ContentRoot::leaf("advisory", &format!("RUSTSEC-2020-{number:04}"), line);
        root.add_leaf(bucket, leaf);
    }
    let entry = described.segments.first_mut().expect("a segment");
    (entry.length, entry.sha256) = (whole.len() as u64, Digest::of(&whole));
    let carried = Segment {
        name: SegmentKind::Advisory.delta_segment_name(0),
        records: 1,
        length: changes.len() as u64,
        sha256: Digest::of(&changes),
        first: entry.last.clone(),
        ..entry.clone()
    };
    let name = carried.name.clone();
    let upserts = Counts { advisories: 1, ..Counts::default() };
    described.delta = Some(Delta { base, upserts, tombstones: Counts::default(), segments: vec![carried] });
    (described.schema, described.content_root) = (DELTA_SCHEMA, root.finish());
    let manifest = described.to_canonical_json();
    delta_kit(bench, version, &[(MANIFEST_NAME, &manifest), (&name, &changes)])
}

/// A delta to the kit that every bench begins with.
fn delta_kit(bench: &Bench, version: u64, targets: &[(&str, &[u8])]) -> Vec<u8> {
    let base = bench.store.open_current().expect("active").row().content_root;
    let mut draft = Draft::new(&bench.vendor, version, targets);
    let targets = draft.role("targets");
    targets["ouk"]["base"] = json!({ "kit_version": HELD, "content_root": base });
    // Segments of a delta lie one folder deeper than what other kits of these tests have.
    targets["delegations"]["roles"][0]["paths"] = json!(["feeds/*", "feeds/*/*/*"]);
    draft.kit()
}

/// In the list of members of [`line`].
const SOURCE_AND_ID: &str = "{\"source\":\"rustsec\",\"id\":\"RUSTSEC-2020-0000\"";
const ID_AND_SOURCE: &str = "{\"id\":\"RUSTSEC-2020-0000\",\"source\":\"rustsec\"";

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
        // Each of these is the good record, spelt otherwise: the same data under another content root.
        ("a space", good.replacen("\"affected\":", "\"affected\": ", 1)),
        ("a space behind", format!("{good} ")),
        ("a letter as an escape", good.replacen("\"crate-0\"", "\"crate-\\u0030\"", 1)),
        ("fields in another order", good.replacen(SOURCE_AND_ID, ID_AND_SOURCE, 1)),
        ("an empty list that is left out", good.replacen("\"affected\":", "\"aliases\":[],\"affected\":", 1)),
        ("null", good.replacen("\"affected\":", "\"title\":null,\"affected\":", 1)),
        // And these say more than anybody reads.
        ("an unknown field of a member", good.replacen(SOURCE_AND_ID, &format!("{SOURCE_AND_ID},\"x\":1"), 1)),
        ("an unknown field of a package", good.replacen("\"name\":\"crate-0\"", "\"name\":\"crate-0\",\"x\":{}", 1)),
        ("an empty line", String::new()),
    ] {
        assert_ne!(bent, good, "{what}");
        let kit = kit_of_lines(&bench.vendor, HELD + 1, &[bent.into_bytes()], |_| {});
        bench.refuse(what, &kit, "E-SEM");
    }
    bench.gates.schema_max = DELTA_SCHEMA;
    let second = String::from_utf8(advisories(2)[1].to_canonical_json()).expect("text");
    for (what, bent) in [
        ("a space, in a delta", second.replacen("\"affected\":", "\"affected\": ", 1)),
        ("null, in a delta", second.replacen("\"affected\":", "\"title\":null,\"affected\":", 1)),
    ] {
        let kit = delta_of_line(bench, HELD + 1, bent.as_bytes());
        bench.refuse(what, &kit, "E-SEM");
    }
    let mut kev = sources(1, 0);
    kev.kev.truncate(1);
    let fact = serde_json::to_string(&kev.kev[0]).expect("JSON");
    for (what, bent) in [
        ("a space, in KEV", fact.replacen("\",\"", "\", \"", 1)),
        ("an unknown field, in KEV", fact.replacen('}', ",\"x\":1}", 1)),
    ] {
        assert_ne!(bent, fact, "{what}");
        let kit = kit_of_line(bench, HELD + 1, (&kev, SegmentKind::Kev), bent.as_bytes());
        bench.refuse(what, &kit, "E-SEM");
    }
    refuse_bent_vex(bench);
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
    let kit = delta_of_line(bench, HELD + 1, second.as_bytes());
    bench.accept("the same delta without a fault", &kit);
    let kit = kit_of_line(bench, HELD + 2, (&kev, SegmentKind::Kev), fact.as_bytes());
    bench.accept("KEV without a fault", &kit);
    let kit = kit_of_lines(&bench.vendor, HELD + 3, &[good.into_bytes()], |_| {});
    let row = bench.hold("the same builder without a fault, whose kit lacks KEV and EPSS", &kit);
    bench.activate(row.number, Some("the case is over")).expect("activated");
}

/// A scan could not use it, and must not be stopped by it.
fn refuse_bent_vex(bench: &mut Bench) {
    let document = r#"{"@context":"https://openvex.dev/ns/v0.2.0","statements":[]}"#;
    let carried = CarriedVex { name: "v.json".to_owned(), document: document.to_owned() };
    let vex = Dataset { advisories: advisories(1), vex: vec![carried], ..Dataset::default() };
    let good = String::from_utf8(vex.vex[0].to_line()).expect("text");
    for (what, bent) in [
        ("a space, in VEX", good.replacen("\",\"", "\", \"", 1)),
        ("a name twice, in VEX", good.replacen("{\"name\"", "{\"name\":\"a\",\"name\"", 1)),
        ("VEX that is no JSON", good.replace("]}", "]")),
        ("VEX that is something else", good.replace("openvex", "x").replace("statements", "x")),
        ("VEX without a word", good.replace(&document.replace('"', "\\\""), "")),
        ("VEX without a name", good.replace("v.json", "")),
        ("VEX with a long name", good.replace("v.json", &"v".repeat(201))),
        ("VEX of 9 MiB", good.replace("[]}", &format!("[{}]}}", " ".repeat(9 << 20)))),
        ("VEX with a name that moves the cursor", good.replace("v.json", "v\u{9b}2J")),
    ] {
        assert_ne!(bent, good, "{what}");
        let kit = kit_of_line(bench, HELD + 1, (&vex, SegmentKind::Vex), bent.as_bytes());
        bench.refuse(what, &kit, "E-SEM");
    }
    bench.gates.schema_max = DELTA_SCHEMA;
    let kit = delta_of_vex(bench, HELD + 1, VEX_DOCUMENTS_MAX + 1);
    bench.refuse("more VEX than the delta's manifest says", &kit, "E-SEM");
}

/// A delta to the kit that every bench begins with, which brings so many VEX documents and speaks of one.
fn delta_of_vex(bench: &Bench, version: u64, count: u64) -> Vec<u8> {
    let base = bench.store.open_current().expect("active").row().content_root;
    let document = r#"{"@context":"https://openvex.dev/ns/v0.2.0","statements":[]}"#.to_owned();
    let carried = |number| CarriedVex { name: format!("{number:05}.json"), document: document.clone() };
    let mut described = dataset(advisories(1))
        .into_iter()
        .find(|(name, _)| name == MANIFEST_NAME)
        .map(|(_, bytes)| Manifest::parse(&bytes, 1 << 20).expect("a manifest"));
    let described = described.as_mut().expect("a manifest");
    let (mut changes, mut root) = (Vec::new(), ContentRoot::new());
    root.add("advisory", "RUSTSEC-2020-0000", line().as_bytes());
    for vex in (0..count).map(carried) {
        let line = vex.to_line();
        root.add("vex", &vex.name, &line);
        changes.extend([&line[..], b"\n"].concat());
    }
    let whole = [carried(0).to_line(), b"\n".to_vec()].concat();
    let of = |name: String, records, bytes: &[u8], last: String| Segment {
        kind: SegmentKind::Vex,
        name,
        records,
        length: bytes.len() as u64,
        sha256: Digest::of(bytes),
        first: carried(0).name,
        last,
    };
    let part = of(SegmentKind::Vex.delta_segment_name(0), count, &changes, carried(count - 1).name);
    described.segments.push(of(SegmentKind::Vex.segment_name(0), 1, &whole, carried(0).name));
    described.counts.vex = 1;
    let (name, upserts) = (part.name.clone(), Counts { vex: count, ..Counts::default() });
    described.delta = Some(Delta { base, upserts, tombstones: Counts::default(), segments: vec![part] });
    (described.schema, described.content_root) = (DELTA_SCHEMA, root.finish());
    delta_kit(bench, version, &[(MANIFEST_NAME, &described.to_canonical_json()), (&name, &changes)])
}

/// The kit of a data set with one record of this kind, which is spelt so.
fn kit_of_line(bench: &Bench, version: u64, (dataset, one): (&Dataset, SegmentKind), line: &[u8]) -> Vec<u8> {
    let mut draft = Draft::new(&bench.vendor, version, &[]);
    let options = ExportOptions { generated_at: Some(now()), ..ExportOptions::default() };
    let spelt = [line, b"\n"].concat();
    let mut root = ContentRoot::new();
    let mut manifest = export::<Infallible>(dataset, &options, &mut |segment, bytes| {
        let kind = segment.kind;
        let bytes = if kind == one { spelt.clone() } else { bytes };
        for raw in bytes.split(|byte| *byte == b'\n').filter(|raw| !raw.is_empty()) {
            let key = String::from_utf8_lossy(raw).split('"').nth(3).expect("a key").to_owned();
            let (bucket, leaf) = ContentRoot::leaf(kind.as_str(), &key, raw);
            root.add_leaf(bucket, leaf);
        }
        draft.put(&segment.name, &bytes);
        Ok(())
    })
    .expect("a data set");
    let entry = manifest.segments.iter_mut().find(|segment| segment.kind == one).expect("a segment");
    (entry.length, entry.sha256, manifest.content_root) = (spelt.len() as u64, Digest::of(&spelt), root.finish());
    let key = String::from_utf8_lossy(line).split('"').nth(3).expect("a key").to_owned();
    (entry.first, entry.last) = (key.clone(), key);
    draft.put(MANIFEST_NAME, &manifest.to_canonical_json());
    draft.kit()
}

/// What a test changes of a data set of two sources with forty advisories each.
fn sources(rustsec: usize, redhat: usize) -> Dataset {
    let mut advisories = advisories(rustsec + redhat);
    for (number, advisory) in advisories.iter_mut().enumerate() {
        let source = SourceId::new(if number < rustsec { "rustsec" } else { "redhat" });
        advisory.affected.iter_mut().for_each(|affected| affected.source = source.clone());
        advisory.ratings = vec![rating(source, Severity::High)];
    }
    let cve = |number: usize| format!("CVE-2026-{number:04}");
    let kev = (0..40).map(|number| KnownExploited {
        cve: cve(number),
        date_added: now(),
        due_date: None,
        name: String::new(),
        required_action: String::new(),
        ransomware: false,
    });
    let epss = (0..40).map(|number| Epss { cve: cve(number), probability_e5: 1, percentile_e5: 1 });
    let coverage = coverage(&advisories, &["crates.io".parse().expect("an ecosystem")].into());
    Dataset { advisories, coverage, kev: kev.collect(), epss: epss.collect(), ..Dataset::default() }
}

fn rating(source: SourceId, severity: Severity) -> Rating {
    Rating { source, scheme: RatingScheme::Vendor, vector: None, score_tenths: None, severity }
}

fn kit_of(bench: &Bench, version: u64, dataset: &Dataset) -> Vec<u8> {
    let mut draft = Draft::new(&bench.vendor, version, &[]);
    let options = ExportOptions { generated_at: Some(now()), ..ExportOptions::default() };
    let manifest = export::<Infallible>(dataset, &options, &mut |segment, bytes| {
        draft.put(&segment.name, &bytes);
        Ok(())
    });
    draft.put(MANIFEST_NAME, &manifest.expect("a data set").to_canonical_json());
    draft.kit()
}

fn p03_a_kit_with_suspiciously_less_waits_for_somebody_who_accepts_that(bench: &mut Bench) {
    let mut version = HELD + 1;
    let whole = kit_of(bench, version, &sources(40, 40));
    bench.accept("the data of two sources", &whole);
    let active = bench.store.current().expect("readable");
    let mut hold = |bench: &mut Bench, what: &str, dataset: &Dataset, words: &[&str]| {
        version += 1;
        let kit = kit_of(bench, version, dataset);
        let row = bench.hold(what, &kit);
        assert_eq!(row.concerns(), words, "{what}");
        let again = bench.hold_again(what, &kit);
        assert_eq!(again.number, row.number, "{what}: handed in again it waits as it did");
        let refused = bench.activate(row.number, None).expect_err(what);
        bench.note(what, refused.code());
        let refused = bench.activate(row.number, Some(" ")).expect_err(what);
        bench.note(what, refused.code());
        assert_eq!(bench.store.current().expect("readable"), active, "{what}: nothing else is served");
        bench.withdraw(row.number);
    };
    let gone = ["statements of redhat: 40 before, 0 now", "severities given by redhat: 40 before, 0 now"];
    hold(bench, "an empty feed beside one that grows", &sources(120, 0), &gone);
    let third = ["statements of redhat: 40 before, 27 now", "severities given by redhat: 40 before, 27 now"];
    hold(bench, "a feed that shrinks by a third beside one that grows", &sources(60, 27), &third);
    let half = [
        "advisories: 80 before, 40 now",
        "statements of redhat: 40 before, 20 now",
        "statements of rustsec: 40 before, 20 now",
        "statements about packages of crates.io: 80 before, 40 now",
        "advisories with a severity: 80 before, 40 now",
        "severities given by redhat: 40 before, 20 now",
        "severities given by rustsec: 40 before, 20 now",
    ];
    hold(bench, "half of everything", &sources(20, 20), &half);
    let mut halved = sources(40, 40);
    halved.advisories.iter_mut().take(20).for_each(|advisory| advisory.ratings.clear());
    let words = [
        "severities for a hundred statements of rustsec: 100 before, 50 now",
        "severities given by rustsec: 40 before, 20 now",
    ];
    hold(bench, "half of the severities of a source", &halved, &words);
    // There are as many severities as before, but what is new has none.
    let mut diluted = sources(140, 40);
    let unknown = |advisory: &mut Advisory| {
        let source = advisory.affected[0].source.clone();
        advisory.ratings = vec![rating(source, Severity::Unknown)];
    };
    diluted.advisories.iter_mut().take(100).for_each(unknown);
    let words = ["severities for a hundred statements of rustsec: 100 before, 28 now"];
    hold(bench, "a source that grows and gives no severities any more", &diluted, &words);
    let mut kev = sources(40, 40);
    kev.kev.truncate(20);
    hold(bench, "KEV", &kev, &["entries of the known-exploited catalogue: 40 before, 20 now"]);
    let mut epss = sources(40, 40);
    epss.epss.clear();
    hold(bench, "EPSS", &epss, &["EPSS estimates: 40 before, 0 now"]);
    version += 1;
    let some_less = kit_of(bench, version, &sources(40, 30));
    bench.accept("a quarter less is everyday work", &some_less);
    version += 1;
    let mut joined = sources(40, 100);
    joined.advisories.iter_mut().skip(80).for_each(|advisory| {
        advisory.affected[0].source = SourceId::new("debian");
        advisory.ratings.clear();
    });
    let joined = kit_of(bench, version, &joined);
    bench.accept("and so is a source that joins and gives no severities", &joined);
    // And accepted: with the reason in receipt and log.
    version += 1;
    let small = bench.draft_of(version, 3).kit();
    let row = bench.hold("nearly nothing", &small);
    bench.activate(row.number, Some("the vendor has split the feed")).expect("activated");
    let receipt = bench.receipts().pop().expect("a receipt");
    assert_eq!((receipt.result.as_str(), receipt.operator.as_str()), ("activated", "a test"));
    assert_eq!(receipt.reason.as_deref(), Some("the vendor has split the feed"));
    assert!(receipt.warnings.starts_with(row.concerns()), "and what was accepted: {:?}", receipt.warnings);
    assert_eq!(bench.store.open_current().expect("active").row().advisories, 3);
}

fn p04_what_a_kit_carries_is_data_and_never_runs(bench: &mut Bench) {
    let script = b"#!/bin/sh\ntouch owned\n";
    for path in ["trivy/run.sh", "trivy/trivy.db", "trivy/metadata.json"] {
        let mut draft = bench.draft();
        draft.put(path, script);
        bench.refuse("a script beside or in place of a Trivy DB", &draft.kit(), "E-SEM");
    }
    // What no reader opens is kept as it is.
    let mut draft = bench.draft();
    draft.put("os/run.sh", script);
    bench.accept("a script among the targets that nothing opens", &draft.kit());
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
