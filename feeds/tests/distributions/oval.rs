//! OVAL of Oracle Linux and of Azure Linux.

use domain::advisory::{Lower, Status, Upper};
use domain::finding::Unevaluated;

use crate::documents::{bytes, fixture, read};
use crate::index::Index;

fn one(cve: &str, fixed: &str) -> Vec<(String, Status, String)> {
    vec![(cve.to_owned(), Status::Affected, fixed.to_owned())]
}

#[test]
fn a_tree_of_criteria_names_release_architecture_module_and_packages() {
    let feed = fixture("oval/oracle.xml");
    let erratum = &feed.records[0];
    assert_eq!((erratum.id.as_str(), erratum.title.as_deref()), ("ELSA-2024-0001", Some("nodejs:18 security update")));
    assert_eq!(erratum.upstream.iter().collect::<Vec<_>>(), ["CVE-2024-0001"]);
    let [affected] = &erratum.affected[..] else { panic!("one package") };
    assert_eq!(affected.package.ecosystem.to_string(), "Oracle Linux:8");
    assert_eq!(affected.arches.iter().collect::<Vec<_>>(), ["aarch64", "x86_64"]);
    assert_eq!(affected.module.as_deref(), Some("nodejs:18"));
    assert_eq!(affected.ranges[0].to_string(), "< 1:18.19.1-1.module+el8.9.0+90192+1a2b3c");
    assert_eq!(feed.problems[0].record.as_deref(), Some("oval:com.oracle.elsa:def:20243"));
    let notes: Vec<_> = feed.notes.iter().map(|((_, reason), note)| (reason.as_str(), note.count)).collect();
    let want =
        [("comparison without a release or an upper bound: ignored", 1), ("erratum that compares no package", 1)];
    assert_eq!(notes, want);
}

#[test]
fn flavours_of_oracle_are_compared_only_with_their_own() {
    let index = Index::of([fixture("oval/oracle.xml")]);
    let openssl = |version: &str, epoch: &str| {
        index.found(&format!("pkg:rpm/ol/openssl@{version}?arch=x86_64&epoch={epoch}&distro=ol-7.9"))
    };
    assert_eq!(openssl("1.0.2k-25.el7_9", "1"), one("CVE-2024-0002", "1:1.0.2k-26.el7_9"));
    assert_eq!(openssl("1.0.2k-26.el7_9", "1"), [], "the fix for FIPS has a greater epoch and is of another build");
    assert_eq!(openssl("1.0.2k-25.el7_9_fips", "10"), one("CVE-2024-0002", "10:1.0.2k-26.el7_9_fips"));
    assert_eq!(openssl("1.0.2k-25.ksplice1.el7_9", "2"), []);
    let node = index.scan(&["pkg:rpm/ol/nodejs@18.1.0-1.module%2Bel8.9.0%2B1?arch=x86_64&epoch=1&distro=ol-8.9"]);
    assert_eq!(node.coverage.unevaluated[0].reason, Unevaluated::UnknownModule);
}

#[test]
fn azure_is_judged_by_source_and_an_unfixed_package_stays_affected_when_it_moves_on() {
    let three = fixture("oval/azurelinux-3.0-oval.xml");
    let golang = three.records.iter().find(|record| record.id == "CVE-2023-29409").expect("golang");
    let interval = &golang.affected[0].ranges[0];
    assert_eq!(interval.lower, Lower::After("0.0.0.azl3".to_owned()), "Trivy drops this bound");
    assert_eq!(interval.upper, Upper::Fixed("1.20.7-1.azl3".to_owned()));
    let index = Index::of([three, fixture("oval/cbl-mariner-2.0-preview-oval.xml")]);
    let at = |purl: &str| index.found(purl);
    let binary = "pkg:rpm/azurelinux/golang-docs@1.20.6-1.azl3?arch=x86_64&distro=azurelinux-3.0";
    assert_eq!(at(&format!("{binary}&upstream=golang-1.20.6-1.azl3.src.rpm")), one("CVE-2023-29409", "1.20.7-1.azl3"));
    let unzip = |version: &str| format!("pkg:rpm/mariner/unzip@{version}?arch=x86_64&distro=mariner-2.0");
    assert_eq!(at(&unzip("6.0-19.cm2")), one("CVE-2014-8139", ""));
    assert_eq!(at(&unzip("6.0-21.cm2")), one("CVE-2014-8139", ""), "no fix has been published");
    let openssl = "pkg:rpm/mariner/openssl@1.1.1k-28.cm2?arch=x86_64&distro=mariner-2.0";
    assert_eq!(at(openssl), []);
}

#[test]
fn other_vendors_are_counted_and_half_a_document_is_a_problem() {
    let redhat = br#"<oval_definitions><generator/><definitions>
        <definition id="oval:com.redhat.rhsa:def:1"/></definitions></oval_definitions>"#;
    let ingested = read("rhsa.xml", redhat);
    assert_eq!(ingested.unsupported.keys().collect::<Vec<_>>(), ["OVAL of com.redhat.rhsa"]);
    let whole = bytes("oval/oracle.xml");
    let ingested = read("oracle.xml", &whole[..whole.len() - 30]);
    assert!(ingested.records.is_empty() && ingested.problems.len() == 1);
    let none = read("x.xml", b"<oval_definitions><definitions></definitions></oval_definitions>");
    assert_eq!(none.problems[0].reason, "OVAL without a definition");
}

/// A document of Oracle with one erratum, whose criteria these are, and these tests beside those for release and architectures.
fn oracle(criteria: &str, tests: &str) -> String {
    let test = |id: &str, object: &str, state: &str| {
        format!(
            r#"<rpminfo_test id="t:{id}"><object object_ref="o:{object}"/><state state_ref="s:{state}"/></rpminfo_test>"#
        )
    };
    let common = [test("8", "release", "8"), test("9", "release", "9"), test("fix", "p", "fix")].concat();
    let object = |name: &str| format!(r#"<rpminfo_object id="o:{name}"><name>{name}</name></rpminfo_object>"#);
    let state = |id: &str, inner: &str| format!(r#"<rpminfo_state id="s:{id}">{inner}</rpminfo_state>"#);
    let evr = |operation: &str, evr: &str| format!(r#"<evr datatype="evr_string" operation="{operation}">{evr}</evr>"#);
    let states = [
        state("8", r#"<version operation="pattern match">^8</version>"#),
        state("9", r#"<version operation="pattern match">^9</version>"#),
        state("fix", &evr("less than", "0:2-1")),
        state("other", &evr("less than", "0:3-1")),
        state("arm", r#"<arch operation="pattern match">aarch64</arch>"#),
    ];
    format!(
        r#"<oval_definitions><definitions><definition id="oval:com.oracle.elsa:def:1" class="patch"><metadata><title>T</title>
        <reference source="elsa" ref_id="ELSA-2030-0001"/></metadata>{criteria}</definition></definitions>
        <tests>{common}{tests}</tests><objects>{}{}</objects><states>{}</states></oval_definitions>"#,
        object("release"),
        object("p"),
        states.concat(),
    )
}

/// Package, module, architectures and ranges of what is stated, and the notes.
fn stated(document: &str) -> (Vec<String>, Vec<(String, u64)>) {
    let feed = read("oval.xml", document.as_bytes());
    assert_eq!(feed.problems, []);
    let one = |affected: &domain::advisory::Affected| {
        let arches: Vec<_> = affected.arches.iter().map(String::as_str).collect();
        let ranges: Vec<_> = affected.ranges.iter().map(ToString::to_string).collect();
        let module = affected.module.as_deref().unwrap_or("-");
        format!(
            "{} {} {module} [{}] {}",
            affected.package.ecosystem,
            affected.package.name,
            arches.join(" "),
            ranges.join(" ")
        )
    };
    let notes = feed.notes.iter().map(|((_, reason), note)| (reason.clone(), note.count)).collect();
    (feed.records[0].affected.iter().map(one).collect(), notes)
}

fn criterion(test: &str) -> String {
    format!(r#"<criterion test_ref="t:{test}" comment="c"/>"#)
}

fn all(parts: &[&str]) -> String {
    format!(r#"<criteria operator="AND">{}</criteria>"#, parts.concat())
}

const PLAIN: &str = "Oracle Linux:8 p - [] < 2-1";

#[test]
fn what_refers_to_nothing_and_what_is_negated_is_counted() {
    let [eight, fix] = [criterion("8"), criterion("fix")];
    assert_eq!(stated(&oracle(&all(&[&eight, &fix]), "")), (vec![PLAIN.to_owned()], vec![]));
    let dangling = |count| vec![("criterion that refers to what is not there: ignored".to_owned(), count)];
    // No test, no object, no state.
    let lost = r#"<rpminfo_test id="t:o"><object object_ref="o:none"/><state state_ref="s:fix"/></rpminfo_test>
        <rpminfo_test id="t:s"><object object_ref="o:p"/><state state_ref="s:none"/></rpminfo_test>"#;
    let parts = [criterion("none"), criterion("o"), criterion("s")];
    let with = all(&[&eight, &fix, &parts[0], &parts[1], &parts[2]]);
    assert_eq!(stated(&oracle(&with, lost)), (vec![PLAIN.to_owned()], dangling(3)));
    let negated = |count| vec![("negated criterion: ignored".to_owned(), count)];
    let not = r#"<criterion negate="true" test_ref="t:9" comment="c"/>"#;
    let nor = r#"<criteria negate="true" operator="OR"><criterion test_ref="t:9" comment="c"/></criteria>"#;
    assert_eq!(stated(&oracle(&all(&[&eight, not, &fix, nor]), "")), (vec![PLAIN.to_owned()], negated(2)));
    let whole = format!(r#"<criteria negate="true" operator="AND">{eight}{fix}</criteria>"#);
    let none = ("erratum that compares no package".to_owned(), 1);
    assert_eq!(stated(&oracle(&whole, "")), (vec![], [vec![none], negated(1)].concat()));
}

#[test]
fn each_state_of_a_test_and_each_module_of_a_criterion_counts() {
    let test = |id: &str, states: &[&str], operator: &str| {
        let states: String = states.iter().map(|state| format!(r#"<state state_ref="s:{state}"/>"#)).collect();
        format!(r#"<rpminfo_test id="t:{id}"{operator}><object object_ref="o:p"/>{states}</rpminfo_test>"#)
    };
    let eight = criterion("8");
    let several = all(&[&eight, &criterion("several")]);
    let both = stated(&oracle(&several, &test("several", &["fix", "other"], "")));
    assert_eq!(both.0, ["Oracle Linux:8 p - [] < 2-1", "Oracle Linux:8 p - [] < 3-1"], "the first one is not lost");
    let either = stated(&oracle(&several, &test("several", &["other", "arm"], r#" state_operator="OR""#)));
    assert_eq!(either.0[0], "Oracle Linux:8 p - [aarch64] < 3-1");
    let module = |name: &str| format!(r#"<criterion test_ref="t:m" comment="Module {name} is enabled"/>"#);
    let [one, two] = [module("nodejs:18"), module("nodejs:20")];
    let want = ["Oracle Linux:8 p nodejs:18 [] < 2-1", "Oracle Linux:8 p nodejs:20 [] < 2-1"];
    let alternatives = format!(r#"<criteria operator="OR">{one}{two}</criteria>"#);
    for modules in [format!("{one}{two}"), alternatives] {
        assert_eq!(stated(&oracle(&all(&[&eight, &modules, &criterion("fix")]), "")).0, want);
    }
}
