//! The Grype DB that is made of advisories, read back by SQLite itself where Python is at hand.

use std::io::Cursor;

use domain::advisory::{Advisory, Affected, Interval, Lower, Member, PackageKey, Status, Upper};
use domain::digest::Digest;
use domain::ecosystem::EcosystemKind;
use domain::exploitation::{Epss, KnownExploited};
use domain::source::SourceId;
use domain::time::Timestamp;
use feeds::grypedb::{Export, Exported, LeftOut};

use crate::ask::ask;

fn advisory(id: &str, affected: Vec<Affected>) -> Advisory {
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
        members: vec![Member { source: SourceId::new("ghsa"), id: id.to_owned(), modified: None, withdrawn: None }],
    }
}

fn affected(source: &str, record: &str, ecosystem: &str, name: &str, ranges: Vec<Interval>) -> Affected {
    let package = PackageKey::new(ecosystem.parse().expect("an ecosystem"), name);
    let mut affected = Affected::new(SourceId::new(source), record, package);
    affected.ranges = ranges;
    affected
}

fn at() -> Timestamp {
    Timestamp::parse_strict("2026-11-24T00:00:00Z").expect("a time")
}

fn export(advisories: &[Advisory]) -> (Vec<u8>, Exported) {
    let mut export = Export::new(Cursor::new(Vec::new())).expect("a database");
    advisories.iter().for_each(|advisory| export.add(advisory).expect("written"));
    let kev = KnownExploited {
        cve: "CVE-2024-1".to_owned(),
        date_added: at(),
        due_date: None,
        name: "A flaw".to_owned(),
        required_action: "Patch".to_owned(),
        ransomware: true,
    };
    export.add_known_exploited(&kev).expect("written");
    let epss = Epss { cve: "CVE-2024-1".to_owned(), probability_e5: 97_345, percentile_e5: 99_999 };
    export.add_epss(&epss).expect("written");
    let (out, exported) = export.finish(at()).expect("written");
    assert_eq!(out.get_ref().len() as u64, exported.bytes);
    (out.into_inner(), exported)
}

const OF_NAME: &str = "SELECT v.name, o.name, o.major_version, p.ecosystem, b.value FROM affected_package_handles a \
     JOIN vulnerability_handles v ON v.id = a.vulnerability_id LEFT JOIN operating_systems o ON o.id = a.operating_system_id \
     JOIN packages p ON p.id = a.package_id JOIN blobs b ON b.id = a.blob_id WHERE p.name = ";

#[test]
fn names_that_differ_by_case_are_one_package_because_its_index_allows_one_spelling() {
    let of = |name: &str| affected("rubysec", "CVE-2024-3", "RubyGems", name, vec![Interval::below("1.0")]);
    let (bytes, _) =
        export(&[advisory("CVE-2024-3", vec![of("RedCloth")]), advisory("CVE-2024-4", vec![of("redcloth")])]);
    if let Some(answers) =
        ask(&bytes, &["SELECT name FROM packages", "SELECT package_id FROM affected_package_handles"])
    {
        assert_eq!(answers, ["[('redcloth',)]", "[(1,), (1,)]"]);
    }
}

#[test]
fn rows_point_at_each_other_and_say_what_the_records_say() {
    let mut npm = affected(
        "ghsa",
        "GHSA-1",
        "npm",
        "lodash",
        vec![
            Interval::below("4.17.21"),
            Interval { lower: Lower::Introduced("5.0.0".into()), upper: Upper::LastAffected("5.0.2".into()) },
        ],
    );
    npm.versions = ["6.0.0".to_owned()].into();
    let mut open = affected("debian", "CVE-2024-1", "Debian:12", "glibc", vec![Interval::all()]);
    open.status = Status::WillNotFix;
    let mut not = affected("wolfi", "CVE-2024-1", "Wolfi", "musl", Vec::new());
    not.status = Status::NotAffected;
    let mut module = affected("alma", "ALSA-1", "AlmaLinux:8", "nodejs", vec![Interval::below("1:18.9-1")]);
    module.module = Some("nodejs:18".to_owned());
    let stream = |stream: &str, range| {
        affected("redhat", "RHSA-1", &format!("Red Hat:enterprise_linux:9{stream}"), "openssl", vec![range])
    };
    let streams = [stream("", Interval::all()), stream("::baseos", Interval::below("1:3.0.7-27.el9"))];
    let elsewhere = affected("redhat", "RHSA-2", "Red Hat:rhel_eus:9.2::baseos", "openssl", vec![Interval::all()]);
    let mut first = advisory("CVE-2024-1", [vec![npm, open, not, module, elsewhere], streams.to_vec()].concat());
    first.aliases = ["GHSA-1".to_owned()].into();
    let withdrawn = Advisory {
        withdrawn: Some(at()),
        ..advisory("CVE-2024-2", vec![affected("ghsa", "GHSA-2", "npm", "e", vec![Interval::all()])])
    };
    let (bytes, exported) = export(&[first.clone(), withdrawn.clone()]);
    assert_eq!((exported.advisories, exported.vulnerabilities), (4, 1));
    let left_out = [((EcosystemKind::Npm, LeftOut::Withdrawn), 1), ((EcosystemKind::RedHat, LeftOut::NoRelease), 1)];
    assert_eq!(exported.left_out, left_out.into());
    assert_eq!(Digest::of(&bytes), Digest::of(&export(&[first, withdrawn]).0), "the same records, the same bytes");
    let of = |name: &str| format!("{OF_NAME}'{name}'");
    let names = ["lodash", "glibc", "musl", "nodejs", "openssl"].map(of);
    let mut questions = vec!["PRAGMA integrity_check", "PRAGMA foreign_key_check"];
    questions.extend(names.iter().map(String::as_str));
    questions.extend([
        "SELECT * FROM db_metadata",
        "SELECT name, alias FROM vulnerability_aliases",
        "SELECT k.cve, b.value FROM known_exploited_vulnerability_handles k JOIN blobs b ON b.id = k.blob_id",
        "SELECT cve, epss, percentile FROM epss_handles",
        "SELECT codename FROM operating_systems WHERE name = 'debian'",
    ]);
    let Some(answers) = ask(&bytes, &questions) else { return };
    let want = [
        "[('ok',)]",
        "[]",
        r#"[('CVE-2024-1', None, None, 'npm', '{"ranges":[{"version":{"type":"semver","constraint":"<4.17.21"},"fix":{"version":"4.17.21","state":"fixed"}},{"version":{"type":"semver","constraint":"= 6.0.0"},"fix":{"state":"not-fixed"}},{"version":{"type":"semver","constraint":">=5.0.0,<=5.0.2"},"fix":{"state":"not-fixed"}}]}')]"#,
        r#"[('CVE-2024-1', 'debian', '12', 'deb', '{"ranges":[{"version":{"type":"dpkg"},"fix":{"state":"wont-fix"}}]}')]"#,
        "[]",
        r#"[('CVE-2024-1', 'almalinux', '8', 'rpm', '{"qualifiers":{"rpm_modularity":"nodejs:18"},"ranges":[{"version":{"type":"rpm","constraint":"<1:18.9-1"},"fix":{"version":"1:18.9-1","state":"fixed"}}]}')]"#,
        // What one stream fixes is not affected because another one leaves it open.
        r#"[('CVE-2024-1', 'redhat', '9', 'rpm', '{"ranges":[{"version":{"type":"rpm","constraint":"<1:3.0.7-27.el9"},"fix":{"version":"1:3.0.7-27.el9","state":"fixed"}}]}')]"#,
        "[('2026-11-24 00:00:00+00:00', 6, 1, 7)]",
        "[('CVE-2024-1', 'GHSA-1')]",
        r#"[('CVE-2024-1', '{"cve":"CVE-2024-1","date_added":"2026-11-24T00:00:00Z","due_date":null,"known_ransomware_campaign_use":"known","notes":"A flaw","required_action":"Patch"}')]"#,
        "[('CVE-2024-1', 0.97345, 0.99999)]",
        "[('bookworm',)]",
    ];
    for (answer, want) in answers.iter().zip(want) {
        assert_eq!(answer, want);
    }
    assert_eq!(answers.len(), want.len());
}
