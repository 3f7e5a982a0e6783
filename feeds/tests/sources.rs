//! The parsers on small documents with hand-checked expectations, and on whole feeds.

mod documents;

use std::collections::BTreeSet;

use documents::{fixture, read, tar, try_read, zip};
use domain::advisory::{Affected, Interval, Lower, Record, Status, Upper};
use domain::severity::{RatingScheme, Severity};
use domain::source::SourceId;
use domain::time::Timestamp;
use feeds::error::FeedError;
use feeds::ingest::{Ingested, Limits, Options, ingest};

fn record<'a>(ingested: &'a Ingested, id: &str) -> &'a Record {
    ingested.records.iter().find(|record| record.id == id).expect(id)
}

fn names(set: &BTreeSet<String>) -> Vec<&str> {
    set.iter().map(String::as_str).collect()
}

fn between(introduced: &str, fixed: &str) -> Interval {
    Interval { lower: Lower::Introduced(introduced.to_owned()), upper: Upper::Fixed(fixed.to_owned()) }
}

#[test]
fn a_rustsec_record_keeps_its_names_ranges_rating_and_dates() {
    let ingested = fixture("osv/RUSTSEC-2023-0090.json");
    let record = record(&ingested, "RUSTSEC-2023-0090");
    assert_eq!(record.source, SourceId::new("rustsec"));
    assert_eq!(names(&record.aliases), ["CVE-2023-26489", "GHSA-ff4p-7xrq-q5r8"]);
    assert!(record.upstream.is_empty() && !record.fragment && record.withdrawn.is_none());
    assert_eq!(record.modified.map(|at| at.to_string()).as_deref(), Some("2025-05-02T08:23:27Z"));
    let [affected] = &record.affected[..] else { panic!("one package") };
    assert_eq!(affected.package.ecosystem.to_string(), "crates.io");
    assert_eq!(affected.package.name, "wasmtime");
    let want = [Interval::below("4.0.1"), between("5.0.0", "5.0.1"), between("6.0.0", "6.0.1")];
    assert_eq!(affected.ranges, want);
    let [rating] = &record.ratings[..] else { panic!("one rating") };
    assert_eq!(
        (rating.scheme, rating.score_tenths, rating.severity),
        (RatingScheme::CvssV31, Some(99), Severity::Critical)
    );
    assert_eq!(record.references.len(), 3);
    assert_eq!(record.references[0].kind, "PACKAGE");
    assert!(record.references[0].url.ends_with("/crates/wasmtime"));
}

#[test]
fn a_withdrawn_record_is_kept_with_its_date() {
    let ingested = fixture("osv/RUSTSEC-2020-0055.json");
    let record = record(&ingested, "RUSTSEC-2020-0055");
    assert_eq!(record.withdrawn.map(|at| at.to_string()).as_deref(), Some("2020-10-22T12:00:00Z"));
    assert_eq!(record.affected.len(), 1);
}

#[test]
fn go_writes_year_one_for_a_date_it_does_not_know() {
    let ingested = fixture("osv/GO-2024-3228.json");
    let record = record(&ingested, "GO-2024-3228");
    assert_eq!((record.published, record.modified), (None, None));
    assert_eq!(ingested.statuses()[0].as_of, None, "unknown is never shown as fresh");
    let packages: Vec<_> = record.affected.iter().map(|affected| affected.package.name.as_str()).collect();
    assert_eq!(packages, ["github.com/coder/coder", "github.com/coder/coder/v2"]);
    assert_eq!(record.affected[0].ranges, [Interval::all()]);
    assert_eq!(record.affected[1].ranges.len(), 3);
}

#[test]
fn versions_that_the_ranges_contain_are_not_kept_twice() {
    let ingested = fixture("osv/PYSEC-2019-26.yaml");
    let record = record(&ingested, "PYSEC-2019-26");
    assert_eq!(record.source, SourceId::new("pypa"));
    assert_eq!(record.affected[0].ranges, [Interval::below("1.0.0a12")]);
    assert!(record.affected[0].versions.is_empty());
}

#[test]
fn the_last_known_affected_version_closes_a_ghsa_range_without_a_fix() {
    let ingested = fixture("osv/GHSA-w4cc-pc2h-whcj.json");
    let record = record(&ingested, "GHSA-w4cc-pc2h-whcj");
    assert_eq!(record.affected[0].ranges, [Interval::below("0.1.2")]);
    assert_eq!(names(&record.cwes), ["CWE-787"]);
    let ratings: Vec<_> = record.ratings.iter().map(|rating| (rating.scheme, rating.severity)).collect();
    assert_eq!(ratings, [(RatingScheme::CvssV31, Severity::High), (RatingScheme::Vendor, Severity::High)]);
}

#[test]
fn placeholders_in_a_record_are_reported_and_do_not_cost_it() {
    let ingested = fixture("osv/GHSA-vvfq-8hwr-qm4m.json");
    let record = record(&ingested, "GHSA-vvfq-8hwr-qm4m");
    assert_eq!(record.affected[0].ranges, [Interval::below("1.18.3")]);
    let reasons: Vec<_> = ingested.notes.keys().map(|(_, reason)| reason.as_str()).collect();
    assert_eq!(
        reasons,
        ["date that cannot be read: ignored", "versions is no list of texts: what is missing from it is ignored",]
    );
}

#[test]
fn the_cves_of_an_erratum_are_upstream_and_its_title_rates_it() {
    let ingested = fixture("osv/ALSA-2021_4319.json");
    let record = record(&ingested, "ALSA-2021:4319");
    assert!(record.aliases.is_empty() && record.related.is_empty());
    assert_eq!(names(&record.upstream), ["CVE-2021-31292", "CVE-2021-37618", "CVE-2021-37619"]);
    assert_eq!(record.affected[0].package.ecosystem.to_string(), "AlmaLinux:8");
    assert_eq!(record.affected[0].module, None);
    let [rating] = &record.ratings[..] else { panic!("one rating") };
    assert_eq!((rating.scheme, rating.severity), (RatingScheme::Vendor, Severity::Medium));
}

#[test]
fn an_unknown_rating_is_no_rating() {
    let ingested = fixture("osv/BIT-node-2025-23088.json");
    let record = record(&ingested, "BIT-node-2025-23088");
    assert!(record.ratings.is_empty());
    let upper = Upper::LastAffected("19.9.0".to_owned());
    assert_eq!(record.affected[0].ranges, [Interval { lower: Lower::Introduced("19.0.0".to_owned()), upper }]);
}

#[test]
fn a_malicious_package_is_affected_by_name() {
    let ingested = fixture("osv/MAL-2024-10238.json");
    let affected = &record(&ingested, "MAL-2024-10238").affected[0];
    assert!(affected.ranges.is_empty());
    assert_eq!(names(&affected.versions), ["0.0.1"]);
}

#[test]
fn a_bad_line_is_reported_by_number_and_does_not_cost_the_others() {
    let lines = concat!(
        r#"{"id": "GHSA-1", "modified": "2026-01-01T00:00:00Z", "affected": []}"#,
        "\n",
        "not json\n",
        "\n",
        r#"{"id": "NOVEL-1", "modified": "2026-01-01T00:00:00Z", "affected": []}"#,
        "\n",
        r#"{"id": "GHSA-2", "modified": "2026-02-01T00:00:00Z", "withdrawn": "yesterday", "affected": []}"#,
        "\n",
        r#"{"modified": "2026-01-01T00:00:00Z", "affected": []}"#,
        "\n",
        r#"{"id": "GHSA-3", "modified": "2026-03-01T00:00:00Z", "affected": []}"#,
    );
    let ingested = read("feed.jsonl", lines.as_bytes());
    let ids: Vec<_> = ingested.records.iter().map(|record| record.id.as_str()).collect();
    assert_eq!(ids, ["GHSA-1", "GHSA-3"]);
    let problems: Vec<_> =
        ingested.problems.iter().map(|problem| (problem.document.as_str(), problem.record.as_deref())).collect();
    assert_eq!(
        problems,
        [
            ("feed.jsonl:2", None),
            ("feed.jsonl:4", Some("NOVEL-1")),
            ("feed.jsonl:5", Some("GHSA-2")),
            ("feed.jsonl:6", None),
        ]
    );
    let status = &ingested.statuses()[0];
    assert_eq!((status.records, status.rejected), (2, 1));
    assert_eq!(status.as_of.map(Timestamp::date).as_deref(), Some("2026-03-01"));
}

#[test]
fn alpine_states_fixes_per_branch_and_never_affected_by_a_zero() {
    let ingested = fixture("alpine/main.json");
    let ids: Vec<_> = ingested.records.iter().map(|record| record.id.as_str()).collect();
    assert_eq!(ids, ["CVE-2016-1234", "CVE-2017-12134", "XSA-230"]);
    assert!(ingested.records.iter().all(|record| record.fragment && record.source == SourceId::new("alpine")));
    let joined = record(&ingested, "CVE-2017-12134");
    assert_eq!(names(&joined.related), ["XSA-229"]);
    let of = |affected: &Affected| (affected.package.name.clone(), affected.ranges.clone(), affected.status);
    let want = [
        ("xen".to_owned(), vec![Interval::below("4.9.0-r1")], Status::Affected),
        ("qemu".to_owned(), vec![Interval::below("2.8.1-r1")], Status::Affected),
    ];
    assert_eq!(joined.affected.iter().map(of).collect::<Vec<_>>(), want);
    assert!(joined.affected.iter().all(|affected| affected.package.ecosystem.to_string() == "Alpine:v3.19"));
    let never = &record(&ingested, "CVE-2016-1234").affected[0];
    assert_eq!((never.status, never.ranges.len()), (Status::NotAffected, 0));
    let notes: Vec<_> = ingested.notes.iter().map(|((_, reason), note)| (reason.as_str(), note.count)).collect();
    assert_eq!(notes, [("version that fixes nothing: ignored", 1), ("word that is no vulnerability id: ignored", 4)]);
}

#[test]
fn alpine_yaml_reads_as_its_json_does() {
    let ingested = fixture("alpine/edge.yaml");
    let fixed = &record(&ingested, "CVE-2018-20187").affected[0];
    assert_eq!(fixed.package.ecosystem.to_string(), "Alpine:edge");
    assert_eq!(fixed.ranges, [Interval::below("2.9.0-r0")]);
    assert_eq!(record(&ingested, "CVE-2018-12435").affected[0].status, Status::NotAffected);
    assert_eq!(ingested.statuses()[0].as_of, None, "a secdb has no date");
}

#[test]
fn wolfi_is_told_from_alpine_by_where_its_packages_are() {
    let ingested = fixture("wolfi/security.json");
    assert!(ingested.records.iter().all(|record| record.source == SourceId::new("wolfi")));
    let ids: Vec<_> = ingested.records.iter().map(|record| record.id.as_str()).collect();
    let want =
        ["CVE-2010-3429", "CVE-2023-46407", "CVE-2024-31989", "CVE-2024-40634", "CVE-2024-6104", "GHSA-mh55-gqvf-xfwm"];
    assert_eq!(ids, want);
    assert_eq!(record(&ingested, "CVE-2010-3429").affected[0].status, Status::NotAffected);
    assert_eq!(record(&ingested, "CVE-2024-31989").affected[0].package.ecosystem.to_string(), "Wolfi");
    let elsewhere =
        read("security.json", br#"{"apkurl": "", "urlprefix": "https://packages.example.org", "packages": []}"#);
    assert_eq!(elsewhere.problems.len(), 1);
}

#[test]
fn debian_statuses_urgencies_and_codenames_are_translated() {
    let ingested = fixture("debian/tracker.json");
    let record = record(&ingested, "CVE-2024-0001");
    assert!(record.fragment);
    assert_eq!(record.description.as_deref(), Some("a buffer is read too far"));
    let all = || vec![Interval::all()];
    let want = [
        ("curl", "Debian:12", Status::Affected, vec![Interval::below("7.88.1-10")], Some(Severity::Medium)),
        ("curl", "Debian:11", Status::NotAffected, vec![], None),
        ("curl", "Debian:sid", Status::UnderInvestigation, all(), Some(Severity::Low)),
        ("curl", "Debian:13", Status::Affected, all(), Some(Severity::Negligible)),
        ("git", "Debian:12", Status::FixDeferred, all(), Some(Severity::High)),
        ("git", "Debian:11", Status::WillNotFix, all(), Some(Severity::Low)),
        ("git", "Debian:10", Status::EndOfLife, all(), None),
    ];
    let got = record.affected.iter().map(|affected| {
        let Affected { package, status, ranges, severity, .. } = affected;
        (package.name.clone(), package.ecosystem.to_string(), *status, ranges.clone(), *severity)
    });
    let want = want.map(|(name, ecosystem, status, ranges, severity)| {
        (name.to_owned(), ecosystem.to_owned(), status, ranges, severity)
    });
    assert_eq!(got.collect::<Vec<_>>(), want);
    let reasons: Vec<_> = ingested.notes.iter().map(|((_, reason), note)| (reason.as_str(), note.count)).collect();
    assert_eq!(reasons, [("release that is not known: ignored", 1), ("status that says nothing: ignored", 1)]);
}

#[test]
fn half_a_debian_tracker_is_a_problem_and_no_small_tracker() {
    let whole = documents::bytes("debian/tracker.json");
    let ingested = read("tracker.json", &whole[..whole.len() / 2]);
    assert!(ingested.records.is_empty());
    assert_eq!(ingested.problems.len(), 1);
    assert_eq!(ingested.statuses()[0].rejected, 1);
}

#[test]
fn rubysec_states_what_is_safe_and_the_rest_is_vulnerable() {
    let ingested = fixture("rubysec/CVE-2023-50725.yml");
    let record = record(&ingested, "CVE-2023-50725");
    assert!(record.fragment);
    assert_eq!(names(&record.aliases), ["GHSA-gc3j-vvwf-4rp8"]);
    assert_eq!(record.affected[0].package.ecosystem.to_string(), "RubyGems");
    assert_eq!(record.affected[0].ranges, [Interval::below("2.2.1")]);
    assert_eq!(record.ratings[0].score_tenths, Some(63));
    assert_eq!(record.published.map(Timestamp::date).as_deref(), Some("2023-12-18"));
    assert_eq!(record.references.len(), 5);
}

#[test]
fn rubysec_without_a_patch_leaves_only_the_unaffected_versions_safe() {
    let text = "gem: a\ntitle: t\ncve: 2026-1\nunaffected_versions:\n- < 1.5\n- '= 1.7'\n";
    let ingested = read("gems/a/CVE-2026-0001.yml", text.as_bytes());
    let last = Interval { lower: Lower::After("1.7".to_owned()), upper: Upper::Open };
    assert_eq!(record(&ingested, "CVE-2026-0001").affected[0].ranges, [between("1.5", "1.7"), last]);
    let text = "gem: a\ntitle: t\npatched_versions:\n- '?? 1'\n";
    assert_eq!(read("gems/a/CVE-2026-0001.yml", text.as_bytes()).problems.len(), 1);
    let ruby = read("rubies/ruby/CVE-2026-1.yml", b"engine: ruby\ntitle: t\n");
    assert_eq!(ruby.unsupported.values().map(|format| format.count).sum::<u64>(), 1);
}

#[test]
fn kev_reads_alike_as_json_and_as_csv() {
    let json = fixture("kev/known_exploited_vulnerabilities.json");
    let [react, ivanti] = &json.kev[..] else { panic!("two entries") };
    assert_eq!((react.cve.as_str(), react.ransomware), ("CVE-2025-55182", true));
    assert_eq!((ivanti.cve.as_str(), ivanti.ransomware), ("CVE-2026-1281", false));
    assert_eq!(ivanti.date_added.date(), "2026-01-29");
    assert_eq!(ivanti.due_date.map(Timestamp::date).as_deref(), Some("2026-02-01"));
    assert_eq!(json.statuses()[0].as_of.map(|at| at.to_string()).as_deref(), Some("2026-01-29T20:24:37Z"));
    let csv = fixture("kev/known_exploited_vulnerabilities.csv");
    let [git] = &csv.kev[..] else { panic!("one entry") };
    assert_eq!((git.cve.as_str(), git.name.as_str()), ("CVE-2025-48384", "Git Link Following Vulnerability"));
    assert_eq!(csv.statuses()[0].as_of.map(Timestamp::date).as_deref(), Some("2025-08-25"));
}

#[test]
fn a_kev_catalogue_that_is_shorter_than_it_says_is_reported() {
    let text = br#"{"catalogVersion": "2026.01.01", "dateReleased": "2026-01-01T00:00:00Z", "count": 3,
        "vulnerabilities": [{"cveID": "CVE-2026-1", "dateAdded": "2026-01-01"}, {"cveID": "CVE-2026-2"}]}"#;
    let ingested = read("kev.json", text);
    assert_eq!(ingested.kev.len(), 1);
    let reasons: Vec<_> = ingested.problems.iter().map(|problem| problem.reason.as_str()).collect();
    assert_eq!(reasons, ["the catalogue says that it has 3 entries and has 2: fetch it again", "no date added"]);
}

#[test]
fn epss_rows_are_exact_and_malformed_ones_are_rejected_by_line() {
    let ingested = fixture("epss/epss_scores.csv");
    let scores: Vec<_> =
        ingested.epss.iter().map(|row| (row.cve.as_str(), row.probability_e5, row.percentile_e5)).collect();
    assert_eq!(scores, [("CVE-2000-0001", 1151, 78_086), ("CVE-2000-0002", 5, 200)]);
    let lines: Vec<_> = ingested.problems.iter().filter_map(|problem| problem.document.rsplit(':').next()).collect();
    assert_eq!(lines, ["5", "6", "7", "8"]);
    assert_eq!(ingested.statuses()[0].as_of.map(|at| at.to_string()).as_deref(), Some("2026-01-30T12:55:00Z"));
}

#[test]
fn containers_are_opened_in_any_nesting_and_order_is_kept() {
    let files = [
        ("a/RUSTSEC-2023-0090.json", documents::bytes("osv/RUSTSEC-2023-0090.json")),
        ("LICENSE", b"do what you like".to_vec()),
        ("b/PYSEC-2019-26.yaml", documents::bytes("osv/PYSEC-2019-26.yaml")),
        ("nvd/nvdcve-1.1-2026.json", br#"{"CVE_data_type": "CVE", "CVE_Items": []}"#.to_vec()),
        ("epss.csv.gz", documents::gzip(&documents::bytes("epss/epss_scores.csv"))),
        ("c/GO-2024-3228.json", documents::bytes("osv/GO-2024-3228.json")),
    ];
    for packed in [documents::zstd(&tar(&files)), zip(&files), documents::gzip(&tar(&files))] {
        let ingested = read("feeds.bin", &packed);
        let ids: Vec<_> = ingested.records.iter().map(|record| record.id.as_str()).collect();
        assert_eq!(ids, ["RUSTSEC-2023-0090", "PYSEC-2019-26", "GO-2024-3228"]);
        assert_eq!((ingested.epss.len(), ingested.not_data), (2, 1));
        assert_eq!(ingested.unsupported["NVD 1.1"].count, 1);
    }
}

#[test]
fn every_limit_stops_the_reading() {
    let document = documents::bytes("osv/GO-2024-3228.json");
    let packed = documents::zstd(&tar(&[("a.json", document.clone()), ("b.json", document.clone())]));
    let with =
        |limits: Limits| try_read("in", &packed, &Options { limits, ..Options::default() }).expect_err("limited");
    let defaults = Limits::default();
    assert!(matches!(with(Limits { document_bytes: 100, ..defaults }), FeedError::DocumentTooLarge { .. }));
    assert!(matches!(with(Limits { total_bytes: 4096, ..defaults }), FeedError::TotalTooLarge { .. }));
    assert!(matches!(with(Limits { entries: 1, ..defaults }), FeedError::TooManyEntries { .. }));
    assert!(matches!(with(Limits { nesting: 1, ..defaults }), FeedError::NestedTooDeep { .. }));
}

#[test]
fn a_cut_archive_is_an_error_and_nothing_at_all_is_one_too() {
    let packed = documents::zstd(&tar(&[("a.json", documents::bytes("osv/GO-2024-3228.json"))]));
    let cut = &packed[..packed.len() - 10];
    assert!(matches!(try_read("in", cut, &Options::default()), Err(FeedError::Read { .. })));
    assert!(matches!(try_read("in", &tar(&[("LICENSE", vec![])]), &Options::default()), Err(FeedError::Empty { .. })));
    assert!(matches!(try_read("in", b"PK\x03\x04 broken", &Options::default()), Err(FeedError::Zip { .. })));
    assert_eq!(read("in", b"").unsupported["empty file"].count, 1);
}

#[test]
fn the_caller_dates_a_feed_that_does_not_date_itself() {
    let at = Timestamp::parse_strict("2026-05-01T00:00:00Z").expect("a time");
    let as_of = ["alpine", "kev"].map(|source| (SourceId::new(source), at)).into();
    let options = Options { as_of, ..Options::default() };
    let dated = |name: &str| try_read(name, &documents::bytes(name), &options).expect(name).statuses()[0].as_of;
    assert_eq!(dated("alpine/main.json"), Some(at));
    assert_eq!(dated("kev/known_exploited_vulnerabilities.json").map(Timestamp::date).as_deref(), Some("2026-01-29"));
}

#[test]
fn progress_names_every_document() {
    let packed = tar(&[("a.json", documents::bytes("osv/GO-2024-3228.json")), ("LICENSE", vec![])]);
    let seen = std::cell::RefCell::new(Vec::new());
    let note = |progress: feeds::ingest::Progress<'_>| seen.borrow_mut().push(progress.document.to_owned());
    ingest("in.tar", &packed[..], &Options::default(), &note, &mut Ingested::new()).expect("readable");
    assert_eq!(*seen.borrow(), ["a.json", "LICENSE"]);
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 1000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn damaged_documents_are_reported_and_never_a_panic(which in 0..DAMAGED.len(), at in 0.0..1.0_f64, piece in "[-0-9a-z\"{}\\[\\],:<>~*&\n ]{0,6}", cut in 0..8_usize) {
        let mut bytes = documents::bytes(DAMAGED[which]);
        let start = ((bytes.len() as f64) * at) as usize;
        let end = (start + cut).min(bytes.len());
        bytes.splice(start..end, piece.bytes());
        // Whatever it has become: a record, a problem, an unsupported document; never nothing.
        let ingested = read(DAMAGED[which], &bytes);
        let unsupported: u64 = ingested.unsupported.values().map(|format| format.count).sum();
        let notes: u64 = ingested.notes.values().map(|note| note.count).sum();
        let seen = ingested.records.len() + ingested.kev.len() + ingested.epss.len() + ingested.problems.len();
        proptest::prop_assert!(seen as u64 + notes + unsupported > 0);
    }
}

const DAMAGED: [&str; 10] = [
    "osv/RUSTSEC-2023-0090.json",
    "osv/PYSEC-2019-26.yaml",
    "osv/GHSA-w4cc-pc2h-whcj.json",
    "rubysec/CVE-2023-50725.yml",
    "alpine/main.json",
    "alpine/edge.yaml",
    "debian/tracker.json",
    "kev/known_exploited_vulnerabilities.json",
    "kev/known_exploited_vulnerabilities.csv",
    "epss/epss_scores.csv",
];

#[test]
fn packings_that_are_not_read_are_named() {
    let xz = read("osv-all.tar.xz", b"\xfd7zXZ\0rest");
    assert_eq!(xz.unsupported.keys().collect::<Vec<_>>(), ["xz: unpack it first"]);
    let bzip2 = read("elsa.xml.bz2", b"BZh91AY&rest");
    assert_eq!(bzip2.unsupported.keys().collect::<Vec<_>>(), ["bzip2: unpack it first"]);
}
