//! The writer of bbolt files, and the Trivy DB that is made of advisories with it.

use std::collections::BTreeMap;
use std::io::Cursor;

use domain::advisory::{Advisory, Affected, Interval, Lower, Member, PackageKey, Status, Upper};
use domain::digest::Digest;
use domain::ecosystem::EcosystemKind;
use domain::severity::{Rating, RatingScheme, Severity};
use domain::source::SourceId;
use domain::time::Timestamp;
use feeds::trivydb::bolt::{Bolt, Item, Limits, WriteError, Writer};
use feeds::trivydb::export::{Export, Exported, LeftOut, metadata};
use feeds::trivydb::{FORM, Metadata, check};
use proptest::prelude::*;
use serde_json::{Value, json};

/// A bucket's content: values and buckets by name.
#[derive(Clone, Debug, PartialEq)]
enum Node {
    Value(Vec<u8>),
    Bucket(BTreeMap<Vec<u8>, Node>),
}

fn write_into(writer: &mut Writer<Cursor<Vec<u8>>>, content: &BTreeMap<Vec<u8>, Node>) -> Result<(), WriteError> {
    for (name, node) in content {
        match node {
            Node::Value(value) => writer.put(name, value)?,
            Node::Bucket(inner) => {
                writer.begin(name)?;
                write_into(writer, inner)?;
                writer.end()?;
            }
        }
    }
    Ok(())
}

fn write(content: &BTreeMap<Vec<u8>, Node>) -> Vec<u8> {
    let mut writer = Writer::new(Cursor::new(Vec::new())).expect("a writer");
    write_into(&mut writer, content).expect("in order");
    let (out, length) = writer.finish().expect("written");
    assert_eq!(out.get_ref().len() as u64, length);
    out.into_inner()
}

fn read(bytes: &[u8]) -> BTreeMap<Vec<u8>, Node> {
    let bolt = Bolt::open(bytes, Limits::default()).expect("a database");
    let mut items = bolt.items().expect("a root");
    let mut open = vec![(Vec::new(), BTreeMap::new())];
    while let Some(item) = items.next().expect("whole: every page is used once or free") {
        match item {
            Item::Bucket(name) => open.push((name.to_owned(), BTreeMap::new())),
            Item::Value { key, value } => {
                open.last_mut().expect("a bucket").1.insert(key.to_owned(), Node::Value(value.to_owned()));
            }
            Item::End => {
                let (name, content) = open.pop().expect("a bucket");
                open.last_mut().expect("the root").1.insert(name, Node::Bucket(content));
            }
        }
    }
    open.pop().expect("the root").1
}

fn bucket(content: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) -> Node {
    Node::Bucket(content.into_iter().map(|(key, value)| (key, Node::Value(value))).collect())
}

#[test]
fn shapes_at_every_edge_are_read_back_as_they_were_written() {
    let numbered = |count: usize, length: usize| {
        bucket((0..count).map(move |at| (format!("{at:06}").into_bytes(), vec![b'v'; length])))
    };
    let mut content = BTreeMap::new();
    for (name, node) in [
        ("a bucket with nothing in it", Node::Bucket(BTreeMap::new())),
        ("an inline one", numbered(3, 10)),
        // 16 + n * (16 + 6 + length): 1024 is the longest that is inline.
        ("exactly as long as an inline one may be", numbered(1, 1024 - 16 - 22)),
        ("one byte longer", numbered(1, 1024 - 16 - 21)),
        ("exactly a page", numbered(1, 4096 - 16 - 22)),
        ("a value that is continued", numbered(2, 100_000)),
        ("two levels of branches", numbered(60_000, 40)),
    ] {
        content.insert(name.as_bytes().to_vec(), node);
    }
    let long = bucket((0..40_u8).map(|at| ([vec![at], vec![b'k'; 30_000]].concat(), vec![1])));
    content.insert(b"keys longer than a page".to_vec(), long);
    let nested = Node::Bucket([(b"inner".to_vec(), numbered(2, 5))].into());
    content.insert(b"a bucket in a bucket".to_vec(), nested);
    let bytes = write(&content);
    assert!(read(&bytes) == content, "read back");
    assert_eq!(Digest::of(&bytes), Digest::of(&write(&content)), "the same content, the same bytes");
}

#[test]
fn what_cannot_be_a_database_is_refused() {
    let mut writer = Writer::new(Cursor::new(Vec::new())).expect("a writer");
    assert!(matches!(writer.put(b"k", b"v"), Err(WriteError::Nesting(_))), "a value outside of all buckets");
    assert!(matches!(writer.end(), Err(WriteError::Nesting(_))));
    writer.begin(b"b").expect("opened");
    writer.put(b"k", b"v").expect("written");
    for key in [&b"k"[..], b"a"] {
        assert!(matches!(writer.put(key, b"v"), Err(WriteError::Order { .. })));
    }
    assert!(matches!(writer.put(b"", b"v"), Err(WriteError::Key { .. })));
    assert!(matches!(writer.put(&[b'l'; 32_769], b"v"), Err(WriteError::Key { .. })));
    assert!(matches!(writer.put(b"l", b""), Err(WriteError::Value { .. })), "Trivy passes over an empty value");
    assert!(matches!(writer.finish(), Err(WriteError::Nesting(_))), "a bucket is still open");
}

fn node() -> impl Strategy<Value = Node> {
    let key = || prop::collection::vec(any::<u8>(), 1..40);
    let value = prop_oneof![
        8 => prop::collection::vec(any::<u8>(), 1..200),
        1 => (1_usize..20_000).prop_map(|length| vec![7; length]),
    ];
    let leaf = value.prop_map(Node::Value);
    leaf.prop_recursive(3, 200, 20, move |inner| {
        prop::collection::btree_map(key(), inner, 0..20).prop_map(Node::Bucket)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_written_is_read_back(
        content in prop::collection::btree_map(prop::collection::vec(any::<u8>(), 1..20), node(), 0..12)
    ) {
        let content: BTreeMap<_, _> =
            content.into_iter().filter(|(_, node)| matches!(node, Node::Bucket(_))).collect();
        prop_assert!(read(&write(&content)) == content);
    }
}

fn advisory(id: &str, affected: Vec<Affected>) -> Advisory {
    let source = SourceId::new("ghsa");
    Advisory {
        id: id.to_owned(),
        aliases: Default::default(),
        related: Default::default(),
        title: None,
        description: None,
        published: None,
        modified: None,
        withdrawn: None,
        ratings: Vec::new(),
        cwes: Default::default(),
        references: Vec::new(),
        affected,
        members: vec![Member { source, id: id.to_owned(), modified: None, withdrawn: None }],
    }
}

fn affected(source: &str, record: &str, ecosystem: &str, name: &str, ranges: Vec<Interval>) -> Affected {
    let package = PackageKey::new(ecosystem.parse().expect("an ecosystem"), name);
    let mut affected = Affected::new(SourceId::new(source), record, package);
    affected.ranges = ranges;
    affected
}

fn export(advisories: &[Advisory]) -> (BTreeMap<Vec<u8>, Node>, Exported) {
    let mut export = Export::new();
    advisories.iter().for_each(|advisory| export.add(advisory));
    let (out, exported) = export.write(Cursor::new(Vec::new())).expect("written");
    assert_eq!(out.get_ref().len() as u64, exported.bytes);
    (read(out.get_ref()), exported)
}

/// The value at a path of names.
fn at(content: &BTreeMap<Vec<u8>, Node>, path: &[&str]) -> Option<Value> {
    let (last, buckets) = path.split_last().expect("a path");
    let mut content = content;
    for name in buckets {
        match content.get(name.as_bytes())? {
            Node::Bucket(inner) => content = inner,
            Node::Value(_) => return None,
        }
    }
    match content.get(last.as_bytes())? {
        Node::Value(value) => Some(serde_json::from_slice(value).expect("JSON")),
        Node::Bucket(_) => None,
    }
}

fn between(from: &str, fixed: &str) -> Interval {
    Interval { lower: Lower::Introduced(from.to_owned()), upper: Upper::Fixed(fixed.to_owned()) }
}

#[test]
fn a_language_advisory_is_written_as_trivy_db_writes_osv() {
    let mut one = affected(
        "ghsa",
        "GHSA-aaaa-bbbb-cccc",
        "npm",
        "lodash",
        vec![Interval::below("4.17.21"), between("5.0.0", "5.0.2")],
    );
    one.versions = ["6.0.0".to_owned(), "4.0.0".to_owned()].into();
    let all = affected("ghsa", "GHSA-aaaa-bbbb-cccc", "npm", "left", vec![Interval::all()]);
    let (content, exported) = export(&[advisory("CVE-2021-23337", vec![one, all])]);
    let bucket = "npm::GitHub Security Advisory npm";
    assert_eq!(
        at(&content, &[bucket, "lodash", "CVE-2021-23337"]).expect("there"),
        json!({
            "VendorIDs": ["GHSA-aaaa-bbbb-cccc"],
            "VulnerableVersions": ["<4.17.21", "=6.0.0", ">=5.0.0, <5.0.2"],
            "PatchedVersions": ["4.17.21", "5.0.2"],
        })
    );
    // The empty element is Trivy's word for "always".
    let always = at(&content, &[bucket, "left", "CVE-2021-23337"]).expect("there");
    assert_eq!(always["VulnerableVersions"], json!([""]));
    assert_eq!(at(&content, &["data-source", bucket]).expect("there")["ID"], "ghsa");
    assert!(at(&content, &["vulnerability", "CVE-2021-23337"]).is_some(), "or Trivy warns at every finding");
    assert_eq!((exported.advisories, exported.vulnerabilities), (2, 1));
}

#[test]
fn a_fix_of_one_source_does_not_clear_a_version_that_another_one_calls_affected() {
    let (content, _) = export(&[advisory(
        "CVE-1",
        vec![
            affected("ghsa", "GHSA-1", "PyPI", "foo", vec![Interval::below("1.4.2")]),
            affected("pypa", "PYSEC-1", "PyPI", "foo", vec![Interval::below("1.5")]),
        ],
    )]);
    let written = at(&content, &["pip::GitHub Security Advisory pip", "foo", "CVE-1"]).expect("there");
    assert_eq!(written["VulnerableVersions"], json!(["<1.4.2", "<1.5"]));
    assert_eq!(written["PatchedVersions"], json!(["1.5"]), "1.4.2 would clear whoever has 1.4.2");
}

#[test]
fn the_place_before_all_prereleases_of_a_gem_is_written_so_that_trivy_can_read_it() {
    let (content, _) = export(&[advisory(
        "CVE-7",
        vec![affected("rubysec", "CVE-7", "RubyGems", "activesupport", vec![between("5.3~", "6.1.7.1")])],
    )]);
    let written = at(&content, &["rubygems::Ruby Advisory Database", "activesupport", "CVE-7"]).expect("there");
    assert_eq!(written["VulnerableVersions"], json!([">=5.3.a, <6.1.7.1"]));
    let scheme = domain::version::Scheme::Gem;
    let parse = |text: &str| scheme.parse_bound(text).expect("a version");
    for prerelease in ["5.3.0.beta1", "5.3.alpha", "5.3.0.a"] {
        assert!(parse("5.3.a").compare(&parse(prerelease)).is_le(), "{prerelease}");
    }
}

#[test]
fn a_go_module_is_found_under_the_path_that_its_registry_spells() {
    let mut one = affected("go", "GO-8", "Go", "github.com/Azure/go-ntlmssp", vec![Interval::below("0.1.1")]);
    one.spelling = Some("github.com/Azure/go-ntlmssp".to_owned());
    let (content, _) = export(&[advisory("CVE-8", vec![one])]);
    for path in ["github.com/Azure/go-ntlmssp", "github.com/azure/go-ntlmssp"] {
        assert!(at(&content, &["go::The Go Vulnerability Database", path, "CVE-8"]).is_some(), "{path}");
    }
}

#[test]
fn an_authority_is_believed_alone_as_in_our_matcher() {
    let (content, _) = export(&[advisory(
        "CVE-2",
        vec![
            affected("ghsa", "GHSA-2", "Go", "example.org/m", vec![Interval::all()]),
            affected("go", "GO-2", "Go", "example.org/m", vec![Interval::below("1.2.0")]),
        ],
    )]);
    let written = at(&content, &["go::The Go Vulnerability Database", "example.org/m", "CVE-2"]).expect("there");
    assert_eq!(written["VulnerableVersions"], json!(["<1.2.0"]));
    assert!(!content.contains_key(&b"go::GitHub Security Advisory Go"[..]));
}

#[test]
fn a_distributions_advisory_has_the_fix_or_a_status() {
    let mut unfixed = affected("debian", "CVE-3", "Debian:12", "glibc", vec![Interval::all()]);
    (unfixed.status, unfixed.severity) = (Status::WillNotFix, Some(Severity::Low));
    let fixed = affected(
        "debian",
        "DSA-5555-1",
        "Debian:11",
        "glibc",
        vec![Interval::below("2.31-13+deb11u7"), Interval::below("2.31-13+deb11u10")],
    );
    let mut not = affected("wolfi", "CVE-3", "Wolfi", "glibc", Vec::new());
    not.status = Status::NotAffected;
    let bounds = affected("alpine", "CVE-3", "Alpine:v3.19", "musl", vec![between("1.2.4-r1", "1.2.4-r3")]);
    let rocky = affected("rocky", "RLSA-2024:1", "Rocky Linux:9", "glibc", vec![Interval::below("0:2.34-83.el9")]);
    let mut module = affected("alma", "ALSA-2024:2", "AlmaLinux:8", "nodejs", vec![Interval::below("1:18.9-1")]);
    module.module = Some("nodejs:18".to_owned());
    let (content, exported) = export(&[advisory("CVE-3", vec![unfixed, fixed, not, bounds, rocky, module])]);
    let at = |path: &[&str]| at(&content, path).unwrap_or_else(|| panic!("{path:?}"));
    assert_eq!(at(&["debian 12", "glibc", "CVE-3"]), json!({ "Status": 5, "Severity": 1 }));
    assert_eq!(
        at(&["debian 11", "glibc", "CVE-3"]),
        json!({ "VendorIDs": ["DSA-5555-1"], "FixedVersion": "2.31-13+deb11u10" }),
        "of two fixes the later one, in the order of dpkg"
    );
    assert_eq!(at(&["wolfi", "glibc", "CVE-3"]), json!({ "FixedVersion": "0" }));
    assert_eq!(
        at(&["alpine 3.19", "musl", "CVE-3"]),
        json!({ "FixedVersion": "1.2.4-r3", "AffectedVersion": "1.2.4-r1" })
    );
    let entries = at(&["rocky 9", "glibc", "CVE-3"]);
    assert_eq!(entries["FixedVersion"], "0:2.34-83.el9");
    assert!(entries["Entries"][0]["Arches"].as_array().expect("a list").contains(&json!("x86_64")));
    assert_eq!(at(&["alma 8", "nodejs:18::nodejs", "CVE-3"])["FixedVersion"], "1:18.9-1");
    assert_eq!(exported.left_out, BTreeMap::new());
}

#[test]
fn red_hats_statements_are_of_streams_and_its_table_leads_to_them() {
    let of = |record: &str, stream: &str, fixed: &str, arches: &[&str]| {
        let ecosystem = format!("Red Hat:enterprise_linux:9{stream}");
        let mut one = affected("redhat", record, &ecosystem, "openssl", vec![Interval::below(fixed)]);
        one.arches = arches.iter().map(|&arch| arch.to_owned()).collect();
        one.severity = Some(Severity::High);
        one
    };
    let binary = ["x86_64", "aarch64"];
    let mut open = affected("redhat", "CVE-2", "Red Hat:enterprise_linux:9", "openssl-libs", vec![Interval::all()]);
    (open.status, open.severity) = (Status::WillNotFix, Some(Severity::Low));
    let mut not = open.clone();
    (not.status, not.package.name) = (Status::NotAffected, "compat-openssl11".to_owned());
    let mut module = of("RHSA-2024:3", "::appstream", "1:20.1-1.module+el9", &["noarch"]);
    (module.module, module.package.name) = (Some("nodejs:20".to_owned()), "nodejs-docs".to_owned());
    let (content, exported) = export(&[
        advisory(
            "CVE-1",
            vec![
                of("RHSA-2024:1", "::baseos", "1:3.0.7-27.el9", &binary),
                of("RHSA-2024:1", "::appstream", "1:3.0.7-27.el9", &binary),
                of("RHSA-2024:1", "::baseos", "1:3.0.7-27.el9", &["src"]),
            ],
        ),
        advisory("CVE-2", vec![of("RHSA-2024:1", "::baseos", "1:3.0.7-27.el9", &binary), open, not, module]),
    ]);
    let at = |path: &[&str]| at(&content, path).unwrap_or_else(|| panic!("{path:?}"));
    let streams = |repository: &str| -> Vec<String> {
        let places = at(&["Red Hat CPE", "repository", repository]);
        let name = |place: &Value| at(&["Red Hat CPE", "cpe", &place.to_string()]);
        let names = places.as_array().expect("places").iter().map(name);
        names.map(|name| name.as_str().expect("a name").to_owned()).collect()
    };
    let base = ["cpe:/:redhat:enterprise_linux:9", "cpe:/:redhat:enterprise_linux:9::baseos"];
    assert_eq!(streams("rhel-9-for-x86_64-baseos-rpms"), base);
    let apps = ["cpe:/:redhat:enterprise_linux:9", "cpe:/:redhat:enterprise_linux:9::appstream"];
    assert_eq!(streams("rhel-9-for-aarch64-appstream-rpms"), apps);

    let places = |repository| at(&["Red Hat CPE", "repository", repository]);
    let (whole, baseos) =
        (places("rhel-9-for-x86_64-baseos-rpms")[0].clone(), places("rhel-9-for-x86_64-baseos-rpms")[1].clone());
    let appstream = places("rhel-9-for-x86_64-appstream-rpms")[1].clone();
    let (fixed, arches) = ("1:3.0.7-27.el9", ["aarch64", "x86_64"]);
    assert_eq!(
        at(&["Red Hat", "openssl", "RHSA-2024:1"]),
        json!({ "Entries": [
            { "FixedVersion": fixed, "Cves": [{ "ID": "CVE-1", "Severity": 3 }], "Arches": arches,
              "Affected": [appstream, baseos] },
            { "FixedVersion": fixed, "Cves": [{ "ID": "CVE-2", "Severity": 3 }], "Arches": arches,
              "Affected": [baseos] },
        ]}),
        "an erratum fixes several vulnerabilities, not all of them in the same streams"
    );
    assert_eq!(
        at(&["Red Hat", "openssl-libs", "CVE-2"]),
        json!({ "Entries": [{ "Cves": [{ "Severity": 1 }], "Affected": [whole], "Status": 5 }] }),
        "without an erratum the key is the vulnerability"
    );
    let docs = at(&["Red Hat", "nodejs:20::nodejs-docs", "RHSA-2024:3"]);
    assert!(docs["Entries"][0].get("Arches").is_none(), "noarch is of every architecture");
    assert!(
        matches!(&content[&b"Red Hat"[..]], Node::Bucket(packages) if packages.len() == 3),
        "not affected: nothing"
    );
    assert_eq!(exported.left_out, [((EcosystemKind::RedHat, LeftOut::SourcePackage), 1)].into());
}

#[test]
fn without_red_hats_statements_its_table_is_left_out_so_that_trivy_ends_with_an_error_and_not_with_nothing_found() {
    let (content, _) =
        export(&[advisory("CVE-1", vec![affected("ghsa", "GHSA-1", "npm", "a", vec![Interval::all()])])]);
    assert!(content.keys().all(|bucket| !bucket.starts_with(b"Red Hat")));
}

#[test]
fn a_module_stream_that_cannot_be_said_takes_no_other_along() {
    let of = |stream: &str, range| {
        let mut one = affected("alma", "ALSA-1", "AlmaLinux:8", "nodejs", vec![range]);
        one.module = Some(stream.to_owned());
        one
    };
    let streams = [
        of("nodejs:10", Interval { lower: Lower::Start, upper: Upper::LastAffected("1:10.1-1".to_owned()) }),
        of("nodejs:18", Interval::below("1:18.9-1")),
        of("nodejs:20", between("1:20.1-1", "1:20.9-1")),
        of("nodejs:22", Interval::below("1:22.9-1")),
    ];
    let (content, exported) = export(&[advisory("CVE-1", streams.to_vec())]);
    for (stream, fixed) in [("nodejs:18", "1:18.9-1"), ("nodejs:22", "1:22.9-1")] {
        let found = at(&content, &["alma 8", &format!("{stream}::nodejs"), "CVE-1"]).expect(stream);
        assert_eq!(found["FixedVersion"], fixed);
    }
    let alma = |reason| exported.left_out.get(&(EcosystemKind::AlmaLinux, reason)).copied();
    assert_eq!((alma(LeftOut::LastAffected), alma(LeftOut::LowerBound)), (Some(1), Some(1)));
    assert_eq!(exported.advisories, 2);
}

#[test]
fn what_the_form_cannot_say_is_counted_with_its_reason_and_never_bent() {
    let last = Interval { lower: Lower::Start, upper: Upper::LastAffected("1-1".to_owned()) };
    let (content, exported) = export(&[
        advisory(
            "CVE-4",
            vec![
                affected("debian", "CVE-4", "Debian:12", "a", vec![between("1-1", "2-1")]),
                affected("debian", "CVE-4", "Debian:12", "b", vec![last]),
                affected("wolfi", "CVE-4", "Wolfi", "c", vec![Interval::below("1-r0"), between("2-r0", "3-r0")]),
                affected("suse", "CVE-4", "SUSE:Linux Enterprise 15 SP5", "f", vec![Interval::all()]),
                affected("mageia", "MGASA-1", "Mageia:9", "d", vec![Interval::below("1-1")]),
            ],
        ),
        Advisory {
            withdrawn: Some(Timestamp::UNIX_EPOCH),
            ..advisory("CVE-5", vec![affected("ghsa", "GHSA-5", "npm", "e", vec![Interval::all()])])
        },
    ]);
    let left_out = |kind, reason| exported.left_out.get(&(kind, reason)).copied();
    assert_eq!(left_out(EcosystemKind::Debian, LeftOut::LowerBound), Some(1));
    assert_eq!(left_out(EcosystemKind::Debian, LeftOut::LastAffected), Some(1));
    assert_eq!(left_out(EcosystemKind::Wolfi, LeftOut::SeveralRanges), Some(1));
    assert_eq!(left_out(EcosystemKind::Suse, LeftOut::Unfixed), Some(1));
    assert_eq!(left_out(EcosystemKind::Mageia, LeftOut::NoDriver), Some(1));
    assert_eq!(left_out(EcosystemKind::Npm, LeftOut::Withdrawn), Some(1));
    assert_eq!((exported.advisories, exported.vulnerabilities), (0, 0));
    let names: Vec<_> = content.keys().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    assert_eq!(names, ["data-source", "vulnerability"], "Trivy crashes without the second one");
}

#[test]
fn a_description_has_its_ratings_by_source_and_the_newest_of_each() {
    let rating = |source: &str, scheme, vector: Option<&str>, score_tenths, severity| Rating {
        source: SourceId::new(source),
        scheme,
        vector: vector.map(str::to_owned),
        score_tenths,
        severity,
    };
    let v3 = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";
    let v4 = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N";
    let mut described = advisory("CVE-6", vec![affected("ghsa", "GHSA-6", "npm", "f", vec![Interval::all()])]);
    described.ratings = vec![
        rating("ghsa", RatingScheme::CvssV31, Some(v3), Some(98), Severity::Critical),
        rating("ghsa", RatingScheme::CvssV40, Some(v4), Some(90), Severity::Critical),
        rating("debian", RatingScheme::Vendor, None, None, Severity::Medium),
    ];
    let (content, _) = export(&[described]);
    let description = at(&content, &["vulnerability", "CVE-6"]).expect("there");
    assert_eq!(description["VendorSeverity"], json!({ "debian": 2, "ghsa": 4 }));
    assert_eq!(
        description["CVSS"],
        json!({ "ghsa": { "V3Vector": v3, "V40Vector": v4, "V3Score": 9.8, "V40Score": 9 } })
    );
    assert_eq!(description["Severity"], "CRITICAL");
}

#[test]
fn the_order_of_advisories_changes_no_byte_and_the_check_of_kits_takes_the_result() {
    let advisories: Vec<Advisory> = (0..500)
        .map(|number| {
            let name = format!("package-{}", number % 37);
            advisory(
                &format!("CVE-2026-{number:04}"),
                vec![
                    affected("ghsa", &format!("GHSA-{number}"), "npm", &name, vec![Interval::below("1.0.0")]),
                    affected("debian", "DSA-1", "Debian:12", &name, vec![Interval::below("1-1")]),
                ],
            )
        })
        .collect();
    let bytes = |advisories: &[&Advisory]| {
        let mut export = Export::new();
        advisories.iter().for_each(|advisory| export.add(advisory));
        export.write(Cursor::new(Vec::new())).expect("written").0.into_inner()
    };
    let forwards: Vec<&Advisory> = advisories.iter().collect();
    let backwards: Vec<&Advisory> = advisories.iter().rev().collect();
    let written = bytes(&forwards);
    assert_eq!(Digest::of(&written), Digest::of(&bytes(&backwards)));
    let at = Timestamp::parse_strict("2026-11-24T00:00:00Z").expect("a time");
    let metadata = Metadata::parse(&metadata(at)).expect("metadata");
    let contents = check(&written[..], Limits::default(), &metadata, at).expect("a Trivy DB");
    assert_eq!((contents.platforms, contents.advisories, contents.vulnerabilities), (2, 1000, 500));
}

#[test]
fn other_bytes_for_the_same_records_are_another_form_or_sites_refuse_what_a_vendor_has_signed() {
    let below = || vec![Interval::below("1.2-3")];
    let mut redhat = affected("redhat", "RHSA-2024:1", "Red Hat:enterprise_linux:9::baseos", "a", below());
    redhat.severity = Some(Severity::High);
    let mut open = affected("debian", "CVE-1", "Debian:12", "a", vec![Interval::all()]);
    (open.status, open.severity) = (Status::FixDeferred, Some(Severity::Low));
    let mut of_each = advisory("CVE-1", vec![redhat, open]);
    for (source, ecosystem) in [
        ("ghsa", "npm"),
        ("pypa", "PyPI"),
        ("rubysec", "RubyGems"),
        ("go", "Go"),
        ("rocky", "Rocky Linux:9"),
        ("wolfi", "Wolfi"),
        ("ubuntu", "Ubuntu:22.04:LTS"),
        ("suse", "SUSE:Linux Enterprise 15 SP5"),
        ("azure-linux", "Azure Linux:3"),
    ] {
        of_each.affected.push(affected(source, "RECORD-1", ecosystem, "a-b", below()));
    }
    of_each.ratings = vec![Rating {
        source: SourceId::new("nvd"),
        scheme: RatingScheme::CvssV31,
        vector: Some("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H".to_owned()),
        score_tenths: Some(98),
        severity: Severity::Critical,
    }];
    let mut export = Export::new();
    export.add(&of_each);
    let written = export.write(Cursor::new(Vec::new())).expect("written").0.into_inner();
    let known = (2, "5ca87ed86c456febece4833b1c777dc2ecd47a6b25d8c2caea325f425c0c9696");
    let found = Digest::of(&written).to_string();
    assert_eq!((FORM, found.as_str()), known, "raise FORM (also when Red Hat's table changes), and write both here");
}
