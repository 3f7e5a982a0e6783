//! SUSE's advisories in CSAF and OVAL, and the packages of its systems.

use domain::advisory::{Affected, Record, Status};
use domain::severity::Severity;

use crate::documents::{fixture, read};
use crate::index::{Index, brief};

#[test]
fn opensuse_is_a_source_and_a_system_of_its_own() {
    let feed = fixture("csaf/suse-small.json");
    assert_eq!(feed.records[0].source.as_str(), "opensuse");
    let index = Index::of([feed]);
    let want = [("CVE-2024-0002".to_owned(), Status::Affected, "1-2".to_owned())];
    assert_eq!(index.found("pkg:rpm/opensuse/a@1-1?arch=x86_64&distro=opensuse-leap-15.6"), want);
}

#[test]
fn all_products_of_a_service_pack_are_the_system_of_that_service_pack() {
    let index = Index::of([fixture("csaf/suse-su-2015_0011-2.json")]);
    let old = "pkg:rpm/suse/bind@9.9.4P1-0.6.1?arch=x86_64&distro=sles-11.2";
    let evaluation = index.scan(&[old]);
    assert!(evaluation.findings.iter().all(|finding| finding.severity == Severity::High));
    assert!(evaluation.findings.iter().all(|finding| finding.evidence[0].record == "SUSE-SU-2015:0011-2"));
    let found: Vec<_> = evaluation.findings.into_iter().map(brief).collect();
    let want =
        ["CVE-2012-1667", "CVE-2014-8500"].map(|cve| (cve.to_owned(), Status::Affected, "9.9.4P2-0.6.1".to_owned()));
    assert_eq!(found, want);
    assert!(index.found("pkg:rpm/suse/bind@9.9.4P2-0.6.1?arch=x86_64&distro=sles-11.2").is_empty());
    let other = index.scan(&["pkg:rpm/suse/bind@9.9.4P1-0.6.1?arch=x86_64&distro=sles-11.4"]);
    assert_eq!((other.findings.len(), other.coverage.evaluated), (0, 0), "another service pack has no data");
}

#[test]
fn suses_oval_names_products_in_words_and_says_what_is_open_and_what_is_not_affected() {
    let feed = fixture("oval/suse.linux.enterprise.15-affected.xml");
    assert_eq!(feed.problems, []);
    let at = |id: &str| feed.records.iter().find(|record| record.id == id).expect(id);
    let vim = at("CVE-2009-0316");
    assert_eq!(vim.source.as_str(), "suse-oval");
    assert_eq!(vim.modified.map(|at| at.date()).as_deref(), Some("2025-08-06"));
    assert_eq!(vim.references[0].url, "https://www.suse.example/security/cve/CVE-2009-0316");
    let said = |record: &Record| -> Vec<String> {
        let one = |affected: &Affected| {
            let ranges: Vec<_> = affected.ranges.iter().map(ToString::to_string).collect();
            format!(
                "{} {} {:?} {}",
                affected.package.ecosystem,
                affected.package.name,
                affected.status,
                ranges.join(" ")
            )
        };
        record.affected.iter().map(one).collect()
    };
    assert_eq!(
        said(vim),
        [
            "SUSE:Linux Enterprise 15 SP3 vim-small Affected < 8.0.1568-5.14.1",
            "SUSE:Linux Enterprise 15 SP4 kernel-default NotAffected ",
            "SUSE:Linux Enterprise 15 SP4 vim-small Affected < 9.0.0313-150000.5.25.1",
            "SUSE:Linux Enterprise Micro 5.1 kernel-default NotAffected ",
            "SUSE:Linux Enterprise Micro 5.1 vim-small Affected < 9.0.0313-150000.5.25.1",
        ]
    );
    assert_eq!(vim.affected[0].arches.iter().collect::<Vec<_>>(), ["aarch64", "x86_64"]);
    assert_eq!(said(at("CVE-2026-24869")), ["SUSE:Linux Enterprise 16.0 MozillaFirefox Affected every version"]);
    assert_eq!(said(at("CVE-2022-0330")), ["openSUSE:Tumbleweed tar Affected < 1.34-2.2"]);
    assert_eq!(feed.records.len(), 3, "the patch is none");
    let notes: Vec<_> = feed.notes.iter().map(|((_, reason), note)| (reason.as_str(), note.count)).collect();
    assert_eq!(
        notes,
        [
            ("comparison with one version or of an unknown kind: ignored", 1),
            ("definition of a patch: left out, its vulnerabilities have definitions of their own", 1),
            ("product that is no release of SUSE or openSUSE: ignored", 1),
        ]
    );
}

#[test]
fn suses_advisories_decide_before_its_oval_and_the_oval_where_they_are_silent() {
    let bind = "pkg:rpm/suse/bind@9.9.4P1-0.6.1?arch=x86_64&distro=sles-11.2";
    let oval = |operation: &str, evr: &str| {
        let document = format!(
            r#"<oval_definitions><definitions><definition id="oval:org.opensuse.security:def:1" class="vulnerability">
            <metadata><title>CVE-2014-8500</title></metadata><criteria operator="AND">
            <criterion test_ref="r" comment="SUSE Linux Enterprise Server 11 SP2-LTSS is installed"/>
            <criterion test_ref="t" comment="bind is installed"/></criteria></definition></definitions>
            <tests><t id="r"><object object_ref="r"/></t><t id="t"><object object_ref="o"/><state state_ref="s"/></t></tests>
            <objects><o id="r"><name>sles-release</name></o><o id="o"><name>bind</name></o></objects>
            <states><s id="s"><evr operation="{operation}">{evr}</evr></s></states></oval_definitions>"#
        );
        read("suse.xml", document.as_bytes())
    };
    let csaf = || fixture("csaf/suse-su-2015_0011-2.json");
    let fixed = |index: &Index| -> Vec<String> {
        index.found(bind).into_iter().filter(|(cve, ..)| cve == "CVE-2014-8500").map(|(.., fixed)| fixed).collect()
    };
    assert_eq!(fixed(&Index::of([oval("less than", "0:9.9.5-1")])), ["9.9.5-1"], "alone it decides");
    let both = Index::of([oval("less than", "0:9.9.5-1"), csaf()]);
    assert_eq!(fixed(&both), ["9.9.4P2-0.6.1"]);
    assert!(both.found("pkg:rpm/suse/bind@9.9.4P2-0.6.1?arch=x86_64&distro=sles-11.2").is_empty());
}
