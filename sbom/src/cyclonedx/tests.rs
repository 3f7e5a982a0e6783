//! Reads back what was written, and holds it against the rules of the CycloneDX 1.6 schema.

use std::collections::BTreeSet;

use domain::advisory::Status;
use domain::component::{Component, ComponentKind, Distribution, Inventory, SourcePackage};
use domain::finding::{Confidence, Evidence, Finding};
use domain::purl::Purl;
use domain::severity::Severity;
use domain::source::SourceId;
use domain::time::Timestamp;
use serde_json::Value;

use super::{OutputContext, write_cyclonedx};
use crate::{Limits, read};

fn component(reference: &str, name: &str, purl: Option<&str>) -> Component {
    Component {
        reference: reference.into(),
        name: name.into(),
        version: Some("1.2.3".into()),
        purl: purl.map(|purl| Purl::parse(purl).expect(purl)),
        ..Component::default()
    }
}

fn inventory() -> Inventory {
    let mut openssl = component("ref-1", "libssl3", Some("pkg:deb/debian/libssl3@1.2.3?arch=amd64"));
    openssl.source_package = Some(SourcePackage { name: "openssl".into(), version: Some("1.2.3-1".into()) });
    openssl.module = Some("nodejs:18".into());
    openssl.cpes = vec!["cpe:2.3:a:openssl:openssl:1.2.3:*:*:*:*:*:*:*".into(), "cpe:2.3:a:x:y:1:*:*:*:*:*:*:*".into()];
    openssl.locations = vec!["/var/lib/dpkg/status".into()];
    let mut odd = component("", "odd", None);
    odd.invalid_purl = Some("not a purl".into());
    let image = Component { kind: ComponentKind::Container, ..component("ref-1", "registry/app:1", None) };
    Inventory {
        format: "SPDX".into(),
        spec_version: "2.3".into(),
        subject: Some("registry/app:1".into()),
        distribution: Some(Distribution { id: "debian".into(), version: Some("12".into()) }),
        components: vec![openssl, odd, image],
        ..Inventory::default()
    }
}

fn finding(component: usize, reference: &str, vulnerability: &str) -> Finding {
    let source = SourceId::new("debian");
    Finding {
        id: format!("{vulnerability}-{component}"),
        vulnerability: vulnerability.into(),
        aliases: vec![vulnerability.into(), "GHSA-xxxx-yyyy-zzzz".into()],
        component,
        reference: reference.into(),
        package: "openssl".into(),
        version: "1.2.3".into(),
        purl: None,
        ecosystem: "Debian:12".into(),
        matched_name: "openssl".into(),
        severity: Severity::Negligible,
        severity_source: Some(source.clone()),
        cvss_vector: Some("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H".into()),
        cvss_score: Some(9.8),
        status: Status::Affected,
        fixed_versions: vec!["1.2.4".into(), "1.3.0".into()],
        confidence: Confidence::Agreed,
        evidence: vec![Evidence { source, record: vulnerability.into(), reason: "below 1.2.4".into() }],
        title: Some("a title".into()),
        published: Some(Timestamp::UNIX_EPOCH),
        known_exploited: None,
        epss_probability: None,
        epss_percentile: None,
        vex: None,
    }
}

fn written(inventory: &Inventory, findings: &[Finding]) -> Vec<u8> {
    let context = OutputContext {
        serial_number: "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79".into(),
        timestamp: Timestamp::UNIX_EPOCH,
        tool_version: "0.1.0",
    };
    write_cyclonedx(inventory, findings, &context)
}

fn json(inventory: &Inventory, findings: &[Finding]) -> Value {
    serde_json::from_slice(&written(inventory, findings)).expect("JSON")
}

#[test]
fn what_is_written_reads_back_as_the_same_components() {
    let before = inventory();
    let after = read(&written(&before, &[]), &Limits::default()).expect("own output is readable");
    assert_eq!((after.format.as_str(), after.spec_version.as_str()), ("CycloneDX", "1.6"));
    assert_eq!((&after.subject, &after.distribution), (&before.subject, &before.distribution));
    assert_eq!(after.tools, ["stella 0.1.0"]);
    assert!(after.warnings.is_empty(), "{:?}", after.warnings);
    assert_eq!(after.components.len(), 4, "three and the operating system");
    for (before, after) in before.components.iter().zip(&after.components) {
        let same = Component { reference: after.reference.clone(), ..before.clone() };
        assert_eq!(&same, after);
    }
}

#[test]
fn an_operating_system_without_a_name_is_none_and_stays_none_when_it_is_written_and_read_again() {
    // Found by the fuzz target: it was written under its place in the document, `components[1]`, and that was read as
    // the name of a distribution; in SPDX at the first reading.
    let cyclonedx = r#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[
        {"type":"library","name":"a"},{"type":"operating-system","version":"12"},
        {"type":"operating-system","name":" ","bom-ref":"os"}]}"#;
    let spdx = r#"{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","packages":[
        {"SPDXID":"SPDXRef-a","name":"a"},
        {"SPDXID":"SPDXRef-OperatingSystem-1","versionInfo":"12","primaryPackagePurpose":"OPERATING-SYSTEM"}]}"#;
    for document in [cyclonedx, spdx] {
        let before = read(document.as_bytes(), &Limits::default()).expect("readable");
        assert_eq!(before.distribution, None, "{document}");
        assert!(before.warnings.iter().any(|warning| warning.contains("has no name")), "{:?}", before.warnings);
        let after = read(&written(&before, &[]), &Limits::default()).expect("own output is readable");
        assert_eq!(after.distribution, None, "{document}");
        let kinds = |inventory: &Inventory| inventory.components.iter().map(|each| each.kind).collect::<Vec<_>>();
        assert_eq!(kinds(&after), kinds(&before));
        assert!(!kinds(&before).contains(&ComponentKind::OperatingSystem), "what nobody names is no system");
    }
    // The properties of Syft name it where the component does not.
    let named = r#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"operating-system",
        "properties":[{"name":"syft:distro:id","value":"debian"},{"name":"syft:distro:versionID","value":"12"}]}]}"#;
    let before = read(named.as_bytes(), &Limits::default()).expect("readable");
    assert_eq!(before.distribution, Some(Distribution { id: "debian".into(), version: Some("12".into()) }));
    let after = read(&written(&before, &[]), &Limits::default()).expect("own output is readable");
    assert_eq!(after.distribution, before.distribution);
}

#[test]
fn what_calls_itself_a_system_and_has_only_a_purl_is_the_package_of_that_purl() {
    // Found by the fuzz target: it was neither matched nor told as not evaluated, and read again it was a package.
    let cyclonedx = r#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[
        {"type":"operating-system","purl":"pkg:rpm/centos/bash@4.2.46-31.el7"}]}"#;
    let spdx = r#"{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","packages":[
        {"SPDXID":"SPDXRef-OperatingSystem-1","primaryPackagePurpose":"OPERATING-SYSTEM","externalRefs":[
        {"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:rpm/centos/bash@4.2.46-31.el7"}]}]}"#;
    for document in [cyclonedx, spdx] {
        let before = read(document.as_bytes(), &Limits::default()).expect("readable");
        let after = read(&written(&before, &[]), &Limits::default()).expect("own output is readable");
        for inventory in [&before, &after] {
            let bash = &inventory.components[0];
            assert_eq!((bash.name.as_str(), bash.kind), ("bash", ComponentKind::Package), "{document}");
        }
    }
}

/// The `required`, `enum`, `format` and uniqueness rules of bom-1.6.schema.json for what is written.
#[test]
fn the_rules_of_the_schema_hold() {
    let findings = [finding(0, "ref-1", "CVE-2024-1"), finding(1, "", "CVE-2024-1"), finding(2, "ref-1", "CVE-2023-9")];
    let document = json(&inventory(), &findings);
    assert_eq!(document["bomFormat"], "CycloneDX");
    assert_eq!(document["specVersion"], "1.6");
    assert_eq!(document["version"], 1);
    let serial = document["serialNumber"].as_str().expect("string").strip_prefix("urn:uuid:").expect("urn:uuid:");
    assert_eq!(serial.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
    Timestamp::parse_strict(document["metadata"]["timestamp"].as_str().expect("string")).expect("date-time");

    let components = document["components"].as_array().expect("list");
    let all = || components.iter().chain([&document["metadata"]["component"]]);
    let kinds = ["application", "library", "container", "operating-system", "file", "data"];
    for component in all() {
        assert!(kinds.contains(&component["type"].as_str().expect("type is required")));
        assert!(component["name"].is_string(), "name is required");
    }
    let references: BTreeSet<&str> = all().map(|each| each["bom-ref"].as_str().expect("bom-ref")).collect();
    assert_eq!(references.len(), components.len() + 1, "bom-ref is unique");

    let severities = ["critical", "high", "medium", "low", "info", "none", "unknown"];
    let methods = ["CVSSv2", "CVSSv3", "CVSSv31", "CVSSv4", "OWASP", "SSVC", "other"];
    for vulnerability in document["vulnerabilities"].as_array().expect("list") {
        for rating in vulnerability["ratings"].as_array().expect("list") {
            assert!(severities.contains(&rating["severity"].as_str().expect("severity")));
            assert!(methods.contains(&rating["method"].as_str().expect("method")));
        }
        for reference in vulnerability["references"].as_array().expect("list") {
            assert!(reference["id"].is_string() && reference["source"].is_object(), "both are required");
        }
        for affected in vulnerability["affects"].as_array().expect("list") {
            assert!(references.contains(affected["ref"].as_str().expect("ref is required")));
            for version in affected["versions"].as_array().expect("list") {
                assert!(version["version"].is_string() && version["status"] == "affected");
            }
        }
    }
}

#[test]
fn one_vulnerability_of_two_components_is_one_entry() {
    let findings = [finding(0, "ref-1", "CVE-2024-1"), finding(1, "", "CVE-2024-1")];
    let document = json(&inventory(), &findings);
    let vulnerabilities = document["vulnerabilities"].as_array().expect("list");
    assert_eq!(vulnerabilities.len(), 1);
    let only = &vulnerabilities[0];
    assert_eq!(only["id"], "CVE-2024-1");
    assert_eq!(only["source"]["name"], "debian");
    assert_eq!(only["references"].as_array().map(Vec::len), Some(1), "its own name is no alias");
    assert_eq!(only["ratings"].as_array().map(Vec::len), Some(1));
    assert_eq!(only["ratings"][0]["method"], "CVSSv31");
    assert_eq!(only["ratings"][0]["severity"], "info");
    assert_eq!(only["recommendation"], "Upgrade openssl to 1.2.4 or 1.3.0.");
    assert_eq!(only["description"], "a title");
    assert_eq!(only["affects"][0]["ref"], "ref-1");
    assert_eq!(only["affects"][1]["ref"], "stella:component:1");
    assert!(only.get("analysis").is_none(), "affected needs no analysis");
}

#[test]
fn the_analysis_is_written_when_all_components_agree() {
    let with = |statuses: [Status; 2]| {
        let findings: Vec<Finding> = statuses
            .into_iter()
            .zip([(0, "ref-1"), (1, "")])
            .map(|(status, (index, reference))| Finding { status, ..finding(index, reference, "CVE-2024-1") })
            .collect();
        json(&inventory(), &findings)["vulnerabilities"][0].clone()
    };
    let triage = with([Status::UnderInvestigation; 2]);
    assert_eq!(triage["analysis"]["state"], "in_triage");
    assert_eq!(triage["affects"][0]["versions"][0]["status"], "unknown");
    assert_eq!(with([Status::WillNotFix; 2])["analysis"]["response"][0], "will_not_fix");
    assert!(with([Status::WillNotFix, Status::Affected]).get("analysis").is_none());
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let findings = [finding(0, "ref-1", "CVE-2024-1")];
    assert_eq!(written(&inventory(), &findings), written(&inventory(), &findings));
}
