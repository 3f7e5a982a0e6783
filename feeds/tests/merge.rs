//! The stories that a merge must tell right; the laws that it must keep for any records are
//! in `laws`.

#[path = "merge/laws.rs"]
mod laws;

use std::collections::BTreeSet;

use domain::advisory::{Advisory, Affected, Interval, PackageKey, Record, Reference};
use domain::ecosystem::{Ecosystem, EcosystemKind};
use domain::severity::{Rating, RatingScheme, Severity};
use domain::source::SourceId;
use domain::time::Timestamp;
use feeds::merge::{Conflict, MergeRules, Merged, explain, merge};

fn record(source: &str, id: &str, aliases: &[&str]) -> Record {
    Record { aliases: set(aliases), ..Record::new(SourceId::new(source), id) }
}

fn bundle(source: &str, id: &str, upstream: &[&str]) -> Record {
    Record { upstream: set(upstream), ..Record::new(SourceId::new(source), id) }
}

fn set(items: &[&str]) -> BTreeSet<String> {
    items.iter().map(|item| (*item).to_owned()).collect()
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse_lenient(text).expect("a date")
}

fn affects(mut record: Record, kind: EcosystemKind, package: &str, fixed: &str) -> Record {
    let key = PackageKey::new(Ecosystem::rolling(kind), package);
    let mut affected = Affected::new(record.source.clone(), record.id.clone(), key);
    affected.ranges.push(Interval::below(fixed));
    record.affected.push(affected);
    record
}

fn merged(records: &[Record]) -> Merged {
    merge(records.to_vec(), &MergeRules::default())
}

fn ids(merged: &Merged) -> Vec<&str> {
    merged.advisories.iter().map(|advisory| advisory.id.as_str()).collect()
}

fn only(records: &[Record]) -> Advisory {
    let merged = merged(records);
    assert_eq!(merged.advisories.len(), 1, "{:?}", ids(&merged));
    merged.advisories.into_iter().next().expect("one advisory")
}

fn advisory<'m>(merged: &'m Merged, id: &str) -> &'m Advisory {
    merged.advisories.iter().find(|advisory| advisory.id == id).expect(id)
}

fn members(advisory: &Advisory) -> Vec<&str> {
    advisory.members.iter().map(|member| member.id.as_str()).collect()
}

fn claims(advisory: &Advisory) -> Vec<(&str, &str)> {
    advisory.affected.iter().map(|affected| (affected.record.as_str(), affected.package.name.as_str())).collect()
}

#[test]
fn aliases_join_transitively_under_the_cve_even_when_no_record_carries_it() {
    let advisory = only(&[
        affects(record("ghsa", "GHSA-jfh8-c2jp-5v3q", &["CVE-2021-44228"]), EcosystemKind::Maven, "a:b", "2.15.0"),
        record("bitnami", "BIT-logstash-2021-44228", &["GHSA-jfh8-c2jp-5v3q"]),
    ]);
    assert_eq!(advisory.id, "CVE-2021-44228");
    assert_eq!(advisory.aliases, set(&["BIT-logstash-2021-44228", "GHSA-jfh8-c2jp-5v3q"]));
    assert_eq!(claims(&advisory), [("GHSA-jfh8-c2jp-5v3q", "a:b")]);
}

#[test]
fn a_record_without_cve_heads_its_own_advisory() {
    assert_eq!(only(&[record("rustsec", "RUSTSEC-2021-0145", &["GHSA-g98v-hv3f-hcfr"])]).id, "GHSA-g98v-hv3f-hcfr");
    assert_eq!(only(&[record("rustsec", "RUSTSEC-2023-0001", &[])]).id, "RUSTSEC-2023-0001");
}

#[test]
fn an_erratum_brings_its_packages_to_each_of_its_cves_and_joins_none() {
    let erratum = bundle("almalinux", "ALSA-2022:1065", &["CVE-2022-0778", "CVE-2099-0001"]);
    let merged = merged(&[
        record("cve", "CVE-2022-0778", &[]),
        affects(erratum, EcosystemKind::AlmaLinux, "openssl", "1:1.1.1k-6.el8_5"),
    ]);
    assert_eq!(ids(&merged), ["CVE-2022-0778", "CVE-2099-0001"]);
    for advisory in &merged.advisories {
        assert_eq!(claims(advisory), [("ALSA-2022:1065", "openssl")]);
        assert!(members(advisory).contains(&"ALSA-2022:1065"));
        assert!(advisory.aliases.is_empty());
    }
}

#[test]
fn an_erratum_about_nothing_stands_for_itself() {
    assert_eq!(only(&[bundle("almalinux", "ALBA-2022:1", &[])]).id, "ALBA-2022:1");
    // Two notices that only name each other are two advisories, not none.
    let merged = merged(&[bundle("ubuntu", "USN-1-1", &["USN-1-2"]), bundle("ubuntu", "USN-1-2", &["USN-1-1"])]);
    assert_eq!(ids(&merged), ["USN-1-1", "USN-1-2"]);
}

#[test]
fn upstream_is_followed_through_the_distributions_own_view_of_a_cve() {
    let advisory = only(&[
        bundle("ubuntu", "USN-5328-1", &["UBUNTU-CVE-2022-0778", "CVE-2022-0778"]),
        bundle("ubuntu", "UBUNTU-CVE-2022-0778", &["CVE-2022-0778"]),
    ]);
    assert_eq!(advisory.id, "CVE-2022-0778");
    assert_eq!(members(&advisory), ["UBUNTU-CVE-2022-0778", "USN-5328-1"]);
}

#[test]
fn an_absent_view_of_a_cve_is_known_by_its_name() {
    let advisory = only(&[bundle("ubuntu", "USN-6330-1", &["UBUNTU-CVE-2022-40982", "CVE-2022-40982"])]);
    assert_eq!(advisory.id, "CVE-2022-40982");
}

#[test]
fn a_bundle_that_somebody_takes_for_an_alias_is_seated_there_too() {
    let merged = merged(&[
        bundle("ubuntu", "USN-5328-1", &["UBUNTU-CVE-2022-0778"]),
        bundle("ubuntu", "UBUNTU-CVE-2022-0778", &["CVE-2022-0778"]),
        record("bitnami", "BIT-openssl-2022-0778", &["UBUNTU-CVE-2022-0778"]),
    ]);
    assert_eq!(ids(&merged), ["BIT-openssl-2022-0778", "CVE-2022-0778"]);
    for advisory in &merged.advisories {
        assert!(["UBUNTU-CVE-2022-0778", "USN-5328-1"].iter().all(|id| members(advisory).contains(id)));
    }
}

#[test]
fn a_record_that_names_several_cves_as_aliases_is_taken_as_containing_them() {
    let rustsec = record("rustsec", "RUSTSEC-2021-0052", &["CVE-2021-30455", "CVE-2021-30456", "GHSA-8gmx-cpcg-f8h5"]);
    let merged = merged(&[
        record("ghsa", "GHSA-8gmx-cpcg-f8h5", &["CVE-2021-30455"]),
        affects(rustsec, EcosystemKind::CratesIo, "id-map", "0.2.2"),
    ]);
    assert_eq!(ids(&merged), ["CVE-2021-30455", "CVE-2021-30456"]);
    for advisory in &merged.advisories {
        assert_eq!(claims(advisory), [("RUSTSEC-2021-0052", "id-map")]);
    }
    assert!(advisory(&merged, "CVE-2021-30455").related.contains("CVE-2021-30456"));
    assert_eq!(merged.conflicts.iter().map(Conflict::kind).collect::<Vec<_>>(), ["several-cves"]);
}

#[test]
fn the_least_trusted_edge_is_dropped_before_two_cves_become_one() {
    let records = [
        record("ghsa", "GHSA-aaaa", &["CVE-2020-0001"]),
        record("go", "GO-2020-0001", &["CVE-2020-0002"]),
        // The national entry links both; the ecosystem's and GitHub's links stand.
        record("jvndb", "JVNDB-2020-000001", &["GHSA-aaaa", "GO-2020-0001"]),
    ];
    let merged = merged(&records);
    assert_eq!(ids(&merged), ["CVE-2020-0001", "CVE-2020-0002"]);
    let [Conflict::TwoCves { edge, cves }] = merged.conflicts.as_slice() else {
        panic!("{:?}", merged.conflicts);
    };
    assert_eq!((edge.from.as_str(), edge.to.as_str()), ("JVNDB-2020-000001", "GO-2020-0001"));
    assert_eq!(cves, &["CVE-2020-0001", "CVE-2020-0002"]);
    // The link is not followed, and still visible.
    assert!(advisory(&merged, "CVE-2020-0001").related.contains("GO-2020-0001"));

    let explanations = explain(records.to_vec(), &MergeRules::default(), "GHSA-aaaa");
    let [explanation] = explanations.as_slice() else { panic!("{explanations:?}") };
    assert_eq!(explanation.names, ["CVE-2020-0001", "GHSA-aaaa", "JVNDB-2020-000001"]);
    assert_eq!(explanation.edges.len(), 2);
    assert_eq!(explanation.dropped.iter().collect::<Vec<_>>(), [edge]);
}

#[test]
fn a_vetoed_edge_is_not_followed() {
    let records = [record("ghsa", "GHSA-aaaa", &["CVE-2020-0001"]), record("cve", "CVE-2020-0001", &[])];
    let mut rules = MergeRules::default();
    rules.vetoed.insert(("CVE-2020-0001".into(), "GHSA-aaaa".into()));
    assert_eq!(merge(records.to_vec(), &rules).advisories.len(), 2);
    assert_eq!(merged(&records).advisories.len(), 1);
}

#[test]
fn a_rejected_cve_gives_way_to_the_live_one() {
    let mut rejected = record("cve", "CVE-2020-0001", &[]);
    rejected.withdrawn = Some(at("2021-01-01"));
    let advisory = only(&[rejected, record("ghsa", "GHSA-aaaa", &["CVE-2020-0001", "CVE-2020-0002"])]);
    assert_eq!(advisory.id, "CVE-2020-0002");
    assert_eq!(advisory.withdrawn, None);
    assert_eq!(advisory.members.len(), 2);
}

#[test]
fn the_numbering_authority_decides_whether_a_cve_is_rejected() {
    let mut rejected = record("osv-cve", "CVE-2020-0001", &[]);
    rejected.withdrawn = Some(at("2021-01-01"));
    let late = record("nvd", "CVE-2020-0001", &[]);
    let ghsa = record("ghsa", "GHSA-aaaa", &["CVE-2020-0001", "CVE-2020-0002"]);
    assert_eq!(only(&[rejected.clone(), late, ghsa.clone()]).id, "CVE-2020-0002");

    let mut mistaken = rejected;
    mistaken.source = SourceId::new("nvd");
    let merged = merged(&[mistaken, record("osv-cve", "CVE-2020-0001", &[]), ghsa]);
    assert_eq!(ids(&merged), ["CVE-2020-0001", "CVE-2020-0002"]);
}

#[test]
fn a_withdrawn_record_links_nothing_and_claims_nothing() {
    let mut withdrawn = affects(record("ghsa", "GHSA-dupe", &["CVE-2020-0001"]), EcosystemKind::Npm, "a", "1.0.0");
    withdrawn.withdrawn = Some(at("2021-01-01"));
    let merged = merged(&[withdrawn, record("cve", "CVE-2020-0001", &[])]);
    assert_eq!(ids(&merged), ["CVE-2020-0001", "GHSA-dupe"]);
    let alone = advisory(&merged, "GHSA-dupe");
    assert_eq!(alone.withdrawn, Some(at("2021-01-01")));
    assert!(alone.affected.is_empty() && alone.related.contains("CVE-2020-0001"));
}

#[test]
fn an_advisory_is_withdrawn_only_when_all_who_speak_for_it_are() {
    let mut pysec = affects(record("pypa", "PYSEC-2020-1", &[]), EcosystemKind::PyPi, "a", "1.0");
    pysec.withdrawn = Some(at("2021-01-01"));
    pysec.title = Some("A mistake".into());
    let ghsa = affects(record("ghsa", "GHSA-aaaa", &["PYSEC-2020-1"]), EcosystemKind::PyPi, "a", "1.1");
    let advisory = only(&[pysec, ghsa]);
    assert_eq!(advisory.withdrawn, None);
    assert_eq!(advisory.title, None, "a withdrawn member is not asked");
    assert_eq!(claims(&advisory), [("GHSA-aaaa", "a")]);
    assert_eq!(advisory.members.iter().filter(|member| member.withdrawn.is_some()).count(), 1);
}

#[test]
fn lists_are_not_followed_as_names() {
    let many = ["X-1", "X-2", "X-3", "X-4", "X-5", "X-6"];
    let merged = merged(&[record("osv", "OSV-1", &many), record("osv", "X-1", &[])]);
    assert_eq!(ids(&merged), ["OSV-1", "X-1"]);
    assert_eq!(merged.conflicts.iter().map(Conflict::kind).collect::<Vec<_>>(), ["too-many-aliases"]);
    assert_eq!(advisory(&merged, "OSV-1").related, set(&many));

    let mut rules = MergeRules::default();
    rules.many_aliases_allowed.insert("OSV-1".into());
    assert_eq!(merge(vec![record("osv", "OSV-1", &many)], &rules).advisories.len(), 1);
}

#[test]
fn the_only_cve_in_a_list_is_followed() {
    let many = ["BIT-1", "BIT-2", "BIT-3", "BIT-4", "CVE-2023-44487", "GHSA-m425-mq94-257g"];
    let ghsa = record("ghsa", "GHSA-qppj-fm5r-hxr3", &many);
    let advisory = only(&[ghsa, record("bitnami", "BIT-9", &["CVE-2023-44487"])]);
    assert_eq!(advisory.id, "CVE-2023-44487");
    assert_eq!(advisory.aliases, set(&["BIT-9", "GHSA-qppj-fm5r-hxr3"]));
    assert!(advisory.related.contains("GHSA-m425-mq94-257g"));
}

#[test]
fn a_group_of_more_than_32_names_is_taken_apart() {
    let chain = |names: usize| -> Vec<Record> {
        let id = |number: usize| format!("X-{number:02}");
        (1..names).map(|number| record("osv", &id(number), &[id(number - 1).as_str()])).collect()
    };
    assert_eq!(merged(&chain(32)).advisories.len(), 1);
    let apart = merged(&chain(33));
    // The first name has no record of its own, so no advisory either.
    assert_eq!(apart.advisories.len(), 32);
    assert_eq!(apart.conflicts, [Conflict::GroupTooLarge { head: "X-00".into(), names: 33 }]);
}

#[test]
fn fields_are_elected_by_role_and_keep_their_source() {
    let described = |source: &str, id: &str, title: Option<&str>, description: &str| Record {
        title: title.map(str::to_owned),
        description: Some(description.into()),
        ..record(source, id, &["CVE-2020-0001"])
    };
    let cve = Record { title: Some("CNA title".into()), ..described("cve", "CVE-2020-0001", None, "CNA text") };
    let ghsa = described("ghsa", "GHSA-aaaa", Some("Summary"), "GitHub text");
    let nvd = described("nvd", "CVE-2020-0001", None, "NVD text. And more");
    let titles = |records: &[Record]| {
        let advisory = only(records);
        let field = |field: Option<domain::advisory::Sourced<String>>| {
            field.map(|field| (field.source.to_string(), field.value)).expect("a value")
        };
        (field(advisory.title), field(advisory.description))
    };
    let pair = |source: &str, value: &str| (source.to_owned(), value.to_owned());
    assert_eq!(titles(&[nvd.clone(), ghsa.clone(), cve.clone()]), (pair("ghsa", "Summary"), pair("cve", "CNA text")));
    assert_eq!(titles(&[nvd.clone(), cve]), (pair("cve", "CNA title"), pair("cve", "CNA text")));
    assert_eq!(titles(&[nvd.clone(), ghsa]), (pair("ghsa", "Summary"), pair("ghsa", "GitHub text")));
    assert_eq!(titles(&[nvd]), (pair("nvd", "NVD text"), pair("nvd", "NVD text. And more")));
}

#[test]
fn a_bundle_is_asked_only_for_what_no_direct_member_gives() {
    let mut erratum = bundle("debian", "DSA-1-1", &["CVE-2020-0001"]);
    erratum.title = Some("openssl - security update".into());
    erratum.description = Some("Two problems were fixed".into());
    erratum.published = Some(at("2020-01-01"));
    erratum.cwes = set(&["CWE-79"]);
    let mut cve = record("cve", "CVE-2020-0001", &[]);
    cve.description = Some("One problem".into());
    cve.published = Some(at("2020-02-01"));
    let advisory = only(&[erratum, cve]);
    assert_eq!(advisory.title.map(|title| title.value).as_deref(), Some("One problem"));
    assert_eq!(advisory.published, Some(at("2020-02-01")));
    assert_eq!(advisory.cwes, set(&["CWE-79"]));
}

#[test]
fn an_erratum_does_not_bring_the_links_of_its_other_cves() {
    let link = |kind: &str, url: &str| Reference { kind: kind.into(), url: url.into() };
    let mut erratum = bundle("alma", "ALSA-2023:7077", &["CVE-2022-40982", "CVE-2022-3594"]);
    erratum.references = vec![
        link("ADVISORY", "https://errata.example/ALSA-2023-7077.html"),
        link("REPORT", "https://security.example/cve/CVE-2022-3594"),
        link("REPORT", "https://security.example/cve/CVE-2022-40982"),
    ];
    let merged = merged(&[erratum.clone()]);
    assert_eq!(
        advisory(&merged, "CVE-2022-40982").references,
        [erratum.references[0].clone(), erratum.references[2].clone()]
    );
    assert_eq!(advisory(&merged, "CVE-2022-3594").references, erratum.references[..2]);
}

#[test]
fn dates_are_the_earliest_credible_and_the_latest() {
    let dated = |id: &str, published: &str, modified: &str| Record {
        published: Some(at(published)),
        modified: Some(at(modified)),
        ..record("x", id, &["CVE-2020-0001"])
    };
    let advisory = only(&[
        dated("A-1", "1970-01-01", "2020-03-01"),
        dated("A-2", "2020-02-02", "2024-01-01"),
        dated("A-3", "2020-02-01", "2021-01-01"),
    ]);
    assert_eq!((advisory.published, advisory.modified), (Some(at("2020-02-01")), Some(at("2024-01-01"))));
}

#[test]
fn ratings_are_all_kept_and_placeholder_cwes_give_way_to_real_ones() {
    let rating = |source: &str, severity| Rating {
        source: SourceId::new(source),
        scheme: RatingScheme::Vendor,
        vector: None,
        score_tenths: None,
        severity,
    };
    let mut ghsa = record("ghsa", "GHSA-aaaa", &["CVE-2020-0001"]);
    ghsa.ratings = vec![rating("ghsa", Severity::High), rating("ghsa", Severity::High)];
    ghsa.cwes = set(&["CWE-79", "NVD-CWE-noinfo"]);
    let mut ubuntu = bundle("ubuntu", "UBUNTU-CVE-2020-0001", &["CVE-2020-0001"]);
    ubuntu.ratings = vec![rating("ubuntu", Severity::Low)];
    let advisory = only(&[ghsa, ubuntu]);
    assert_eq!(advisory.ratings, [rating("ghsa", Severity::High), rating("ubuntu", Severity::Low)]);
    assert_eq!(advisory.cwes, set(&["CWE-79"]));
    let mut nvd = record("nvd", "CVE-2020-0002", &[]);
    nvd.cwes = set(&["NVD-CWE-Other"]);
    assert_eq!(only(&[nvd]).cwes, set(&["NVD-CWE-Other"]));
}

#[test]
fn disagreeing_ranges_are_both_kept() {
    let advisory = only(&[
        affects(record("ghsa", "GHSA-aaaa", &["CVE-2020-0001"]), EcosystemKind::PyPi, "a", "1.0"),
        affects(record("pypa", "PYSEC-2020-1", &["CVE-2020-0001"]), EcosystemKind::PyPi, "a", "1.1"),
    ]);
    assert_eq!(claims(&advisory), [("GHSA-aaaa", "a"), ("PYSEC-2020-1", "a")]);
}

#[test]
fn fragments_of_one_record_are_united() {
    let fragment = |package: &str, published: &str, modified: &str| Record {
        fragment: true,
        published: Some(at(published)),
        modified: Some(at(modified)),
        ..affects(record("alpine", "CVE-2020-0001", &[]), EcosystemKind::Alpine, package, "1.0-r0")
    };
    let advisory =
        only(&[fragment("curl", "2020-01-02", "2020-01-02"), fragment("openssl", "2020-01-01", "2020-01-03")]);
    assert_eq!(claims(&advisory), [("CVE-2020-0001", "curl"), ("CVE-2020-0001", "openssl")]);
    assert_eq!((advisory.published, advisory.modified), (Some(at("2020-01-01")), Some(at("2020-01-03"))));
    assert_eq!(advisory.members.len(), 1);
}

#[test]
fn of_two_versions_of_a_record_the_newest_wins_and_the_other_is_reported() {
    let version = |modified: &str, fixed: &str| Record {
        modified: Some(at(modified)),
        ..affects(record("go", "GO-2020-0001", &[]), EcosystemKind::Go, "example.org/a", fixed)
    };
    let (old, new) = (version("2020-01-01", "1.0.0"), version("2021-01-01", "1.0.1"));
    let merged = merged(&[new.clone(), old.clone(), new]);
    let fixed: Vec<_> = advisory(&merged, "GO-2020-0001").affected.iter().flat_map(|one| one.ranges.clone()).collect();
    assert_eq!(fixed, [Interval::below("1.0.1")]);
    assert_eq!(merged.conflicts.len(), 1);
    assert_eq!(
        merged.conflicts[0].to_string(),
        "go GO-2020-0001: kept the record of 2021-01-01T00:00:00Z, not the one of 2020-01-01T00:00:00Z"
    );
}
