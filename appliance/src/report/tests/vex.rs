//! VEX in reports, and as a report: golden files, the facts of the published schemas, and our own reader.

use domain::finding::{Evaluation, Finding};
use domain::purl::Purl;
use domain::vex::{VexEffect, VexSource, VexStatus};
use policy::vex::{COMPARISONS_MAX, Library, Limits, apply, read};
use serde_json::Value;

use super::{PLAIN, assert_golden, json, rendered, samples};
use crate::report::{Format, Report, Style};

const VEX: [Format; 3] = [Format::OpenVex, Format::CsafVex, Format::CycloneDxVex];

#[test]
fn reports_with_vex_equal_their_golden_files() {
    let report = samples::with_vex();
    let all = Style { colour: false, width: None, suppressed: true };
    let table = rendered(&report, Format::Table, &all);
    assert_golden(&table, include_str!("../../../../tests/data/reports/vex.table.txt"));
    let golden = |format| rendered(&report, format, &PLAIN);
    assert_golden(&golden(Format::Json), include_str!("../../../../tests/data/reports/vex.json"));
    assert_golden(&golden(Format::Sarif), include_str!("../../../../tests/data/reports/vex.sarif"));
    assert_golden(&golden(Format::OpenVex), include_str!("../../../../tests/data/reports/vex.openvex.json"));
    assert_golden(&golden(Format::CsafVex), include_str!("../../../../tests/data/reports/vex.csaf.json"));
    assert_golden(&golden(Format::CycloneDxVex), include_str!("../../../../tests/data/reports/vex.cdx.json"));
}

#[test]
fn the_table_counts_what_vex_suppresses_and_lists_it_when_asked() {
    let report = samples::with_vex();
    let table = rendered(&report, Format::Table, &PLAIN);
    assert!(table.contains("VEX: 1 finding suppressed (--show-suppressed lists them), 1 annotated, 1 contradicted"));
    assert!(!table.contains("CVE-2025-26519"), "{table}");
    let all = rendered(&report, Format::Table, &Style { suppressed: true, ..PLAIN });
    assert!(all.contains("CVE-2025-26519") && all.contains("vulnerable_code_not_in_execute_path"), "{all}");
}

#[test]
fn sarif_says_of_every_result_whether_it_is_suppressed_or_of_none() {
    let results = |report: &Report| json(report, Format::Sarif)["runs"][0]["results"].clone();
    let without = results(&samples::with_findings());
    assert!(without.as_array().expect("a list").iter().all(|result| result.get("suppressions").is_none()));
    let with = results(&samples::with_vex());
    let counts: Vec<_> =
        with.as_array().expect("a list").iter().map(|it| it["suppressions"].as_array().map(Vec::len)).collect();
    assert_eq!(counts, [Some(0), Some(0), Some(0), Some(1)]);
    assert_eq!(with[3]["suppressions"][0]["kind"], "external");
    assert_eq!(with[3]["suppressions"][0]["status"], "accepted");
}

#[test]
fn what_the_distribution_clears_is_counted_and_listed_for_itself() {
    let mut report = samples::with_vex();
    let mut owned = report.evaluation.suppressed[0].clone();
    owned.vulnerability = "CVE-2023-32681".into();
    if let Some(decision) = &mut owned.vex {
        (decision.status, decision.justification) = (VexStatus::Fixed, None);
        decision.impact = Some("owned by python3-requests 2.28.1+dfsg-1".into());
        decision.document.source = VexSource::Distribution;
        (decision.document.name, decision.document.author) = ("DSA-1".into(), Some("debian".into()));
    }
    report.evaluation.suppressed.push(owned);
    let table = rendered(&report, Format::Table, &PLAIN);
    assert!(
        table.contains("Owned: 1 finding cleared by advisories of the distribution (--show-suppressed lists them)")
    );
    assert!(table.contains("VEX: 1 finding suppressed"), "and VEX has its own count: {table}");
    let all = rendered(&report, Format::Table, &Style { suppressed: true, ..PLAIN });
    let (by_vex, owned) = all.split_once("Cleared by the distribution that owns them:").expect("a list of its own");
    assert!(by_vex.contains("CVE-2025-26519") && !by_vex.contains("CVE-2023-32681"), "{all}");
    assert!(owned.contains("CVE-2023-32681") && owned.contains("advisory DSA-1"), "{all}");
    report.vex.clear();
    let without = rendered(&report, Format::Table, &PLAIN);
    assert!(without.contains("Owned: 1 finding") && !without.contains("VEX: 1 finding"), "{without}");
    let results = json(&report, Format::Sarif)["runs"][0]["results"].clone();
    let why = results[4]["suppressions"][0]["justification"].as_str().expect("why").to_owned();
    assert_eq!(why, "fixed by advisory DSA-1 of debian: owned by python3-requests 2.28.1+dfsg-1");
    assert_eq!(json(&report, Format::Json)["suppressed"][1]["vex"]["source"], "distribution");
}

#[test]
fn what_is_written_is_the_same_each_time() {
    for format in VEX {
        assert_eq!(rendered(&samples::with_vex(), format, &PLAIN), rendered(&samples::with_vex(), format, &PLAIN));
    }
}

/// `openvex_json_schema.json` of OpenVEX 0.2.0: required and allowed keys, and the conditions on statuses.
#[test]
fn openvex_keeps_the_rules_of_its_schema() {
    let document = json(&samples::with_vex(), Format::OpenVex);
    assert_eq!(keys(&document), ["@context", "@id", "author", "statements", "timestamp", "tooling", "version"]);
    let allowed = [
        "vulnerability",
        "products",
        "status",
        "status_notes",
        "justification",
        "impact_statement",
        "action_statement",
    ];
    let statements = document["statements"].as_array().expect("a list");
    assert_eq!(statements.len(), 4);
    for statement in statements {
        assert!(keys(statement).iter().all(|key| allowed.contains(key)), "{statement}");
        let has = |key: &str| statement.get(key).is_some();
        match statement["status"].as_str().expect("a status") {
            "not_affected" => assert!(has("justification") != has("impact_statement"), "{statement}"),
            "affected" => assert!(has("action_statement") && !has("justification"), "{statement}"),
            "fixed" | "under_investigation" => {
                assert!(!has("justification") && !has("impact_statement") && !has("action_statement"), "{statement}");
            }
            other => panic!("{other} is no status"),
        }
        for product in statement["products"].as_array().expect("a list") {
            assert!(keys(product).iter().all(|key| ["@id", "subcomponents"].contains(key)), "{product}");
            assert_eq!(product["@id"], "pkg:oci/shop@sha256:124c?repository_url=registry.example%2Fshop");
        }
    }
}

/// Section 4.5 of CSAF 2.0, and the mandatory tests 6.1.1, 6.1.6 and 6.1.27.7 to 6.1.27.11.
#[test]
fn csaf_keeps_the_rules_of_the_profile() {
    let document = json(&samples::with_vex(), Format::CsafVex);
    assert_eq!(document["document"]["category"], "csaf_vex");
    let tracking = &document["document"]["tracking"];
    assert_eq!(tracking["version"], tracking["revision_history"][0]["number"]);
    let names = document["product_tree"]["full_product_names"].as_array().expect("a list").iter();
    let relations = document["product_tree"]["relationships"].as_array().expect("a list").iter();
    let relations = relations.map(|relation| &relation["full_product_name"]);
    let known: Vec<&str> = names.chain(relations).filter_map(|name| name["product_id"].as_str()).collect();
    let listed =
        |part: &Value, id: &str| part["product_ids"].as_array().is_some_and(|ids| ids.iter().any(|it| it == id));
    let any = |list: &Value, id: &str| list.as_array().is_some_and(|parts| parts.iter().any(|part| listed(part, id)));
    let vulnerabilities = document["vulnerabilities"].as_array().expect("a list");
    assert_eq!(vulnerabilities.len(), 4);
    for vulnerability in vulnerabilities {
        assert!(vulnerability.get("cve").is_some() || vulnerability.get("ids").is_some(), "{vulnerability}");
        assert!(vulnerability["notes"].as_array().is_some_and(|notes| !notes.is_empty()), "{vulnerability}");
        let mut seen: Vec<&str> = Vec::new();
        for (status, ids) in vulnerability["product_status"].as_object().expect("an object") {
            for id in ids.as_array().expect("a list").iter().filter_map(Value::as_str) {
                assert!(known.contains(&id), "{id} is in no product tree");
                assert!(!seen.contains(&id), "{id} has two statuses");
                seen.push(id);
                match status.as_str() {
                    "known_affected" => assert!(any(&vulnerability["remediations"], id), "{vulnerability}"),
                    "known_not_affected" => {
                        assert!(
                            any(&vulnerability["flags"], id) || any(&vulnerability["threats"], id),
                            "{vulnerability}"
                        );
                    }
                    "fixed" | "under_investigation" => {}
                    other => panic!("{other} is no status"),
                }
            }
        }
        assert!(!seen.is_empty(), "{vulnerability}");
    }
}

#[test]
fn without_a_finding_csaf_is_of_the_base_profile() {
    let document = json(&samples::empty(), Format::CsafVex);
    assert_eq!(document["document"]["category"], "csaf_base");
    assert_eq!(keys(&document), ["document"]);
    assert_eq!(json(&samples::empty(), Format::OpenVex)["statements"], Value::Array(Vec::new()));
}

#[test]
fn software_without_a_purl_is_named_by_a_uri_that_nothing_else_has() {
    let mut report = samples::with_vex();
    report.inventory.identity.root = None;
    report.evaluation.findings[0].purl = None;
    let openvex = json(&report, Format::OpenVex);
    assert_eq!(openvex["statements"][0]["products"][0]["@id"], "urn:stella:finding:f-1111");
    let csaf = json(&report, Format::CsafVex);
    assert_eq!(csaf["product_tree"]["full_product_names"][0].get("product_identification_helper"), None);
}

#[test]
fn cyclonedx_links_to_the_sbom_when_it_has_a_serial_number_and_lists_the_components_when_not() {
    let mut report = samples::with_vex();
    for (number, component) in report.inventory.components.iter_mut().enumerate() {
        component.reference = format!("c{number}+1");
    }
    for finding in report.evaluation.findings.iter_mut().chain(&mut report.evaluation.suppressed) {
        finding.reference = format!("c{}+1", finding.component);
    }
    let linked = json(&report, Format::CycloneDxVex);
    assert_eq!(linked.get("components"), None);
    let states: Vec<_> =
        linked["vulnerabilities"].as_array().expect("a list").iter().map(|it| &it["analysis"]["state"]).collect();
    assert_eq!(states, ["exploitable", "in_triage", "not_affected", "in_triage"]);
    let link = &linked["vulnerabilities"][0]["affects"][0]["ref"];
    assert_eq!(link, "urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#c0%2B1");
    report.inventory.identity.serial_number = None;
    let alone = json(&report, Format::CycloneDxVex);
    assert_eq!(alone["components"].as_array().expect("a list").len(), 4);
    assert_eq!(alone["vulnerabilities"][0]["affects"][0]["ref"], alone["components"][0]["bom-ref"]);
}

/// Written by one half of the program and read by the other: every finding gets the status that it had.
#[test]
fn what_is_written_says_the_same_when_it_is_applied_again() {
    let report = report_with_purls();
    for format in VEX {
        let text = rendered(&report, format, &PLAIN);
        let documents = read("again", text.as_bytes(), &Limits::default()).expect("it is VEX");
        assert_eq!(documents[0].problems, Vec::new(), "{format:?}");
        let findings: Vec<Finding> =
            report.all_findings().map(|finding| Finding { vex: None, ..finding.clone() }).collect();
        let mut evaluation = Evaluation { findings, ..Evaluation::default() };
        let library = Library::of(documents);
        let applied =
            apply(&mut evaluation, &report.inventory, &[&library], COMPARISONS_MAX).expect("a small document");
        assert_eq!(applied.documents[0].without_effect, 0, "{format:?}: {applied:?}");
        let mut said: Vec<(String, VexEffect, VexStatus)> = evaluation
            .findings
            .iter()
            .chain(&evaluation.suppressed)
            .map(|finding| (finding, finding.vex.as_deref().expect("a statement")))
            .map(|(finding, decision)| (finding.package.clone(), decision.effect, decision.status))
            .collect();
        said.sort();
        let expected = [
            ("log4j-core", VexEffect::Annotated, VexStatus::Affected),
            ("musl", VexEffect::Suppressed, VexStatus::NotAffected),
            ("requests", VexEffect::Annotated, VexStatus::UnderInvestigation),
            ("zlib1g", VexEffect::Annotated, VexStatus::UnderInvestigation),
        ];
        let expected = expected.map(|(package, effect, status)| (package.to_owned(), effect, status));
        assert_eq!(said, expected, "{format:?}");
    }
}

/// A link to an element of an SBOM, or to a component in its product, is not to become a statement about the component everywhere.
#[test]
fn what_is_cleared_in_one_product_only_is_not_written_as_cleared_everywhere() {
    let mut report = report_with_purls();
    let musl = report.evaluation.suppressed[0].vex.as_mut().expect("a decision");
    (musl.bound, musl.target) = (true, "urn:cdx:1/1#musl".to_owned());
    let status = |report: &Report, format: Format| {
        let text = rendered(report, format, &PLAIN);
        let documents = read("again", text.as_bytes(), &Limits::default()).expect("it is VEX");
        let about = |it: &&domain::vex::Statement| it.vulnerability == report.evaluation.suppressed[0].vulnerability;
        let status = documents[0].statements.iter().find(about).expect("a statement").status;
        (status, text.contains("but only for urn:cdx:1/1#musl, which cannot be named here"))
    };
    for format in VEX {
        assert_eq!(status(&report, format), (VexStatus::NotAffected, false), "{format:?}");
    }
    (report.inventory.identity.root, report.inventory.identity.serial_number) = (None, None);
    for format in VEX {
        assert_eq!(status(&report, format), (VexStatus::UnderInvestigation, true), "{format:?}");
    }
    // Of a component as such it may be passed on.
    report.evaluation.suppressed[0].vex.as_mut().expect("a decision").bound = false;
    for format in VEX {
        assert_eq!(status(&report, format), (VexStatus::NotAffected, false), "{format:?}");
    }
}

/// The components of the sample have no purls, by which statements find them.
fn report_with_purls() -> Report {
    let mut report = samples::with_vex();
    let findings: Vec<Finding> = report.all_findings().cloned().collect();
    for finding in findings {
        let component = &mut report.inventory.components[finding.component];
        component.purl = finding.purl.as_deref().and_then(|purl| Purl::parse(purl).ok());
        component.reference.clone_from(&finding.reference);
    }
    report
}

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().expect("an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}
