//! Ubuntu's tracker and OSV records, with and without Ubuntu Pro.

use domain::advisory::{Affected, Status};
use domain::severity::Severity;

use crate::documents::{fixture, read};
use crate::index::Index;

const OSV: &str = r#"{"id":"UBUNTU-CVE-2024-0002","modified":"2024-02-01T00:00:00Z","upstream":["CVE-2024-0002"],
    "severity":[{"type":"Ubuntu","score":"low"}],
    "affected":[{"package":{"ecosystem":"Ubuntu:18.04:LTS","name":"netlib"},
        "ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]},
      {"package":{"ecosystem":"Ubuntu:Pro:18.04:LTS","name":"netlib"},
        "ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.0-1ubuntu1+esm2"}]}]}]}"#;

fn ubuntu() -> Index {
    Index::of([fixture("ubuntu/CVE-2024-0001"), read("UBUNTU-CVE-2024-0002.json", OSV.as_bytes())])
}

#[test]
fn a_tracker_file_states_each_package_of_each_release() {
    let ingested = fixture("ubuntu/CVE-2024-0001");
    let [record] = &ingested.records[..] else { panic!("one record") };
    assert_eq!((record.id.as_str(), record.source.as_str()), ("CVE-2024-0001", "ubuntu"));
    assert_eq!(record.description.as_deref(), Some("A buffer is read\ntoo far"));
    assert_eq!(record.published.map(|at| at.to_string()).as_deref(), Some("2024-01-02T15:15:00Z"));
    assert_eq!(record.references.len(), 1);
    assert_eq!(record.ratings[0].severity, Severity::Medium);
    let brief = |affected: &Affected| {
        let ranges = affected.ranges.iter().map(ToString::to_string).collect::<String>();
        let Affected { package, status, severity, .. } = affected;
        (format!("{} {}", package.ecosystem, package.name), *status, ranges, *severity)
    };
    let row = |at: &str, status, range: &str| (at.to_owned(), status, range.to_owned(), None);
    let mut want = vec![
        row("Ubuntu:18.04:LTS imagelib", Status::EndOfLife, "every version"),
        row("Ubuntu:Pro:18.04:LTS imagelib", Status::Affected, "< 0.6.1-2ubuntu0.18.04.2+esm1"),
        row("Ubuntu:20.04:LTS imagelib", Status::Affected, "< 0.6.1-2ubuntu0.20.04.3"),
        row("Ubuntu:22.04:LTS imagelib", Status::Affected, "every version"),
        row("Ubuntu:24.04:LTS imagelib", Status::NotAffected, ""),
        row("Ubuntu:24.04:LTS browser", Status::UnderInvestigation, "every version"),
        row("Ubuntu:22.04:LTS old_browser", Status::FixDeferred, "every version"),
    ];
    want[2].3 = Some(Severity::Low);
    assert_eq!(record.affected.iter().map(brief).collect::<Vec<_>>(), want);
    let notes: Vec<_> = ingested.notes.iter().map(|((_, reason), note)| (reason.as_str(), note.count)).collect();
    assert_eq!(notes, [("release that is not known: ignored", 1), ("status that says nothing: ignored", 1)]);
}

#[test]
fn packages_are_looked_up_by_their_source_and_its_version() {
    let ubuntu = ubuntu();
    let at = |rest: &str| ubuntu.found(&format!("pkg:deb/ubuntu/libimage1@{rest}"));
    let fixed = |version: &str| vec![("CVE-2024-0001".to_owned(), Status::Affected, version.to_owned())];
    let focal = at("0.6.1-2ubuntu0.20.04.2?upstream=imagelib&distro=ubuntu-20.04");
    assert_eq!(focal, fixed("0.6.1-2ubuntu0.20.04.3"));
    assert_eq!(at("0.6.1-2ubuntu0.20.04.3?upstream=imagelib&distro=ubuntu-20.04"), []);
    assert_eq!(at("1.2?upstream=imagelib&distro=ubuntu-22.04"), fixed(""));
    assert_eq!(at("1.2?upstream=imagelib&distro=ubuntu-24.04"), []);
}

#[test]
fn pro_is_asked_when_the_system_or_the_package_has_it_and_its_fix_settles_the_rest() {
    let ubuntu = ubuntu();
    let at = |package: &str, version: &str, distro: &str| {
        ubuntu.found(&format!("pkg:deb/ubuntu/{package}@{version}?distro={distro}"))
    };
    let one = |cve: &str, status, fixed: &str| vec![(cve.to_owned(), status, fixed.to_owned())];
    let (plain, fixed) = ("0.6.1-2ubuntu0.18.04.2", "0.6.1-2ubuntu0.18.04.2%2Besm1");
    let open = one("CVE-2024-0001", Status::EndOfLife, "");
    assert_eq!(at("imagelib", plain, "ubuntu-18.04"), open, "no fix that this system could have");
    let offered = one("CVE-2024-0001", Status::Affected, "0.6.1-2ubuntu0.18.04.2+esm1");
    assert_eq!(at("imagelib", plain, "ubuntu-18.04-ESM"), offered);
    assert_eq!(at("imagelib", fixed, "ubuntu-18.04"), [], "a build of Pro is judged by Pro");
    assert_eq!(at("netlib", "1.0-1ubuntu1", "ubuntu-18.04"), one("CVE-2024-0002", Status::Affected, ""));
    assert_eq!(at("netlib", "1.0-1ubuntu1%2Besm2", "ubuntu-18.04"), []);
    let evaluation = ubuntu.scan(&["pkg:deb/ubuntu/netlib@1.0-1ubuntu1?distro=ubuntu-18.04"]);
    assert_eq!(evaluation.findings[0].severity, Severity::Low, "the priority is Ubuntu's rating");
}

#[test]
fn what_is_no_tracker_file_is_reported() {
    assert_eq!(read("x", b"Candidate:\nPublicDate: 1\n").problems[0].reason, "record without a Candidate");
    assert_eq!(read("x", b"Candidate: CVE-1\nPriority: \xff\n").problems[0].reason, "the text is not UTF-8");
}
