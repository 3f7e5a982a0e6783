//! VEX end to end: documents beside a scan, in the SBOM, on the server, and out again.

use std::fs;

use serde_json::Value;
use tests::{Ran, Server, Site, repository};

fn sbom() -> Vec<u8> {
    fs::read(repository().join("tests/data/demo/app.cdx.json")).expect("a file")
}

/// A site with the demo kit, and the SBOM in its directory.
fn imported() -> Site {
    let site = Site::new();
    site.vendor();
    site.kit("kit.tar.zst", "dataset", "1");
    assert_eq!(site.import("kit.tar.zst").code, 0);
    fs::write(site.path("bom.json"), sbom()).expect("a file");
    site
}

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", ran.stdout, ran.stderr))
}

fn count(report: &Value, list: &str) -> usize {
    report[list].as_array().expect("a list").len()
}

/// An OpenVEX document that clears every finding of a report.
fn clearing(report: &Value) -> Value {
    let statements: Vec<Value> = report["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|finding| {
            serde_json::json!({
                "vulnerability": { "name": finding["vulnerability"] },
                "products": [{ "@id": finding["purl"] }],
                "status": "not_affected",
                "justification": "vulnerable_code_not_in_execute_path",
            })
        })
        .collect();
    serde_json::json!({
        "@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://site.example/vex/1", "author": "Site security",
        "timestamp": "2026-11-01T00:00:00Z", "version": 1, "statements": statements,
    })
}

fn write(site: &Site, name: &str, value: &Value) {
    fs::write(site.path(name), value.to_string()).expect("a file");
}

#[test]
fn what_vex_clears_stays_in_the_report_and_does_not_fail_the_scan() {
    let site = imported();
    let before = json(&site.run(&["scan", "bom.json", "-f", "json"]));
    let found = count(&before, "findings");
    assert!(found > 3 && count(&before, "suppressed") == 0);
    write(&site, "all.openvex.json", &clearing(&before));
    let ran = site.run(&["scan", "bom.json", "-f", "json", "--vex", "all.openvex.json", "--on-unevaluated", "ignore"]);
    let after = json(&ran);
    assert_eq!((ran.code, after["verdict"]["outcome"].as_str()), (0, Some("pass")), "{}", ran.stderr);
    assert_eq!((count(&after, "findings"), count(&after, "suppressed")), (0, found));
    assert_eq!(after["summary"]["suppressed"], found);
    let decision = &after["suppressed"][0]["vex"];
    assert_eq!((decision["effect"].as_str(), decision["author"].as_str()), (Some("suppressed"), Some("Site security")));
    let digest = tests::digest_of(&site.path("all.openvex.json"));
    assert_eq!(
        (after["vex"][0]["document_digest"].as_str(), after["vex"][0]["without_effect"].as_u64()),
        (Some(digest.as_str()), Some(0))
    );
    // One statement less, one finding more.
    let mut most = clearing(&before);
    most["statements"].as_array_mut().expect("a list").pop();
    write(&site, "most.openvex.json", &most);
    let ran = site.run(&["scan", "bom.json", "-f", "json", "--vex", "most.openvex.json"]);
    assert_eq!((ran.code, count(&json(&ran), "findings")), (1, 1));
    // A contradiction hides nothing.
    let mut against = clearing(&before);
    against["@id"] = "https://vendor.example/vex/1".into();
    against["author"] = "Vendor".into();
    for statement in against["statements"].as_array_mut().expect("a list") {
        statement["status"] = "affected".into();
        statement.as_object_mut().expect("an object").remove("justification");
    }
    write(&site, "against.openvex.json", &against);
    let both = ["scan", "bom.json", "-f", "json", "--vex", "all.openvex.json", "--vex", "against.openvex.json"];
    let ran = site.run(&both);
    assert_eq!((ran.code, count(&json(&ran), "findings")), (1, found));
    assert_eq!(json(&ran)["findings"][0]["vex"]["effect"], "contradicted");
}

#[test]
fn the_table_lists_suppressed_findings_when_asked_to() {
    let site = imported();
    let before = json(&site.run(&["scan", "bom.json", "-f", "json"]));
    write(&site, "all.openvex.json", &clearing(&before));
    let id = before["findings"][0]["vulnerability"].as_str().expect("an id");
    let table = site.run(&["scan", "bom.json", "--vex", "all.openvex.json"]).stdout;
    assert!(table.contains("suppressed (--show-suppressed lists them)") && !table.contains(id), "{table}");
    let table = site.run(&["scan", "bom.json", "--vex", "all.openvex.json", "--show-suppressed"]).stdout;
    assert!(table.contains("Suppressed by VEX:") && table.contains(id), "{table}");
}

#[test]
fn what_an_sbom_says_of_itself_counts_only_when_somebody_asks_for_it() {
    let site = imported();
    let before = json(&site.run(&["scan", "bom.json", "-f", "json"]));
    let finding = &before["findings"][0];
    let mut bom: Value = serde_json::from_slice(&sbom()).expect("JSON");
    bom["vulnerabilities"] = serde_json::json!([{
        "id": finding["vulnerability"], "affects": [{ "ref": finding["reference"] }],
        "analysis": { "state": "not_affected", "justification": "code_not_reachable" },
    }]);
    write(&site, "own.json", &bom);
    let without = json(&site.run(&["scan", "own.json", "-f", "json"]));
    assert_eq!(without["findings"], before["findings"]);
    let warnings = without["artifact"]["warnings"].to_string();
    assert!(warnings.contains("--vex sbom applies them"), "{warnings}");
    let with = json(&site.run(&["scan", "own.json", "-f", "json", "--vex", "sbom"]));
    assert_eq!((count(&with, "findings") + 1, count(&with, "suppressed")), (count(&before, "findings"), 1));
    assert_eq!(with["suppressed"][0]["vex"]["source"], "sbom");
    assert!(!with["artifact"]["warnings"].to_string().contains("--vex sbom applies them"));
}

#[test]
fn analyses_in_an_sbom_that_is_no_text_are_a_warning() {
    let site = imported();
    // specVersion, and a vulnerability whose analysis has a detail that is no UTF-8 (fields 1, 10, 16 and 4 of CycloneDX 1.6).
    let sbom = b"\x0a\x031.6\x52\x07\x82\x01\x04\x22\x02\xff\xfe";
    fs::write(site.path("bom.pb"), sbom).expect("a file");
    let ran = site.run(&["scan", "bom.pb", "-f", "json", "--vex", "sbom"]);
    let warnings = json(&ran)["artifact"]["warnings"].to_string();
    assert!(
        warnings.contains("analysis of 1 vulnerabilities") && warnings.contains("from JSON in UTF-8 only"),
        "{warnings}"
    );
}

#[test]
fn a_directory_may_hold_other_files_and_a_named_file_must_be_vex() {
    let site = imported();
    let before = json(&site.run(&["scan", "bom.json", "-f", "json"]));
    fs::create_dir(site.path("vex")).expect("a directory");
    write(&site, "vex/all.openvex.json", &clearing(&before));
    fs::write(site.path("vex/README.md"), "ours").expect("a file");
    let report = json(&site.run(&["scan", "bom.json", "-f", "json", "--vex", "vex"]));
    assert_eq!(count(&report, "findings"), 0);
    assert!(report["artifact"]["warnings"].to_string().contains("1 files are no VEX documents"));
    let ran = site.run(&["scan", "bom.json", "--vex", "vex/README.md"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("cannot apply the VEX document vex/README.md"), "{}", ran.stderr);
    fs::create_dir(site.path("empty")).expect("a directory");
    assert_eq!(site.run(&["scan", "bom.json", "--vex", "empty"]).code, 2);
}

#[test]
fn vex_that_is_written_clears_the_next_scan_once_somebody_has_judged_it() {
    let site = imported();
    let before = json(&site.run(&["scan", "bom.json", "-f", "json"]));
    let args = [
        "scan",
        "bom.json",
        "-o",
        "openvex=a.json",
        "-o",
        "csaf-vex=b.json",
        "-o",
        "cyclonedx-vex=c.json",
        "--vex-author",
        "us",
    ];
    site.run(&args);
    for file in ["a.json", "b.json", "c.json"] {
        let report = json(&site.run(&["scan", "bom.json", "-f", "json", "--vex", file]));
        let effect =
            |finding: &Value| finding["vex"]["effect"] == "annotated" && finding["vex"]["status"] == "affected";
        let findings = report["findings"].as_array().expect("a list");
        assert!(findings.iter().all(effect), "{file}: {}", report["findings"][0]);
        assert_eq!(
            (report["vex"][0]["without_effect"].as_u64(), findings.len()),
            (Some(0), count(&before, "findings")),
            "{file}"
        );
    }
    let openvex = fs::read_to_string(site.path("a.json")).expect("a file");
    assert!(openvex.contains("\"author\": \"us\""), "{openvex}");
    fs::write(site.path("judged.json"), openvex.replace("\"affected\"", "\"fixed\"")).expect("a file");
    let report = json(&site.run(&["scan", "bom.json", "-f", "json", "--vex", "judged.json"]));
    assert_eq!((count(&report, "findings"), count(&report, "suppressed")), (0, count(&before, "findings")));
}

#[test]
fn explain_weighs_vex_and_says_why_a_statement_is_not_about_the_package() {
    let site = imported();
    let before = json(&site.run(&["scan", "bom.json", "-f", "json"]));
    let finding = &before["findings"][0];
    let (id, purl) = (finding["vulnerability"].as_str().expect("an id"), finding["purl"].as_str().expect("a purl"));
    write(&site, "all.openvex.json", &clearing(&before));
    let said = site.run(&["db", "explain", id, purl, "--vex", "all.openvex.json"]).stdout;
    assert!(said.contains("is affected") && said.contains("=> VEX suppresses the finding"), "{said}");
    let (package, _) = purl.rsplit_once('@').expect("a version");
    let other = format!("{package}@0.0.1");
    let said = site.run(&["db", "explain", id, &other, "--vex", "all.openvex.json"]).stdout;
    assert!(said.contains("VEX does not apply") && said.contains("it is stated for version"), "{said}");
    let answer = json(&site.run(&["db", "explain", id, purl, "--vex", "all.openvex.json", "-f", "json"]));
    assert_eq!(answer["vex"]["statements"][0]["standing"], "counts");
}

#[test]
fn explain_tells_what_of_the_documents_does_not_count() {
    let site = imported();
    let before = json(&site.run(&["scan", "bom.json", "-f", "json"]));
    let finding = &before["findings"][0];
    let (id, purl) = (finding["vulnerability"].as_str().expect("an id"), finding["purl"].as_str().expect("a purl"));
    let mut vex = clearing(&before);
    vex["statements"][0].as_object_mut().expect("an object").remove("justification");
    fs::create_dir(site.path("vex")).expect("a directory");
    write(&site, "vex/1.json", &vex);
    vex["version"] = 2.into();
    let attested = serde_json::json!({
        "_type": "https://in-toto.io/Statement/v1", "predicateType": "https://openvex.dev/ns/v0.2.0", "subject": [], "predicate": vex,
    });
    write(&site, "vex/2.json", &attested);
    fs::write(site.path("vex/README.md"), "ours").expect("a file");
    let answer = json(&site.run(&["db", "explain", id, purl, "--vex", "vex", "-f", "json"]));
    let (warnings, text) =
        (answer["vex"]["warnings"].to_string(), site.run(&["db", "explain", id, purl, "--vex", "vex"]).stdout);
    for told in ["does not count", "it is not signed", "version 1 is not applied", "1 files are no VEX documents"] {
        assert!(warnings.contains(told) && text.contains(told), "{told}: {warnings}\n{text}");
    }
}

#[test]
fn a_server_applies_the_site_s_vex_to_every_scan_and_the_sbom_s_own_when_asked() {
    let site = imported();
    let before = json(&site.run(&["scan", "bom.json", "-f", "json"]));
    let found = count(&before, "findings");
    let mut one = clearing(&before);
    one["statements"].as_array_mut().expect("a list").truncate(1);
    write(&site, "one.openvex.json", &one);
    let server = Server::start(&site, &["--plain-http", "--vex", "one.openvex.json"]);
    let report = server.request("POST", "/api/v1/scan", &sbom()).json();
    let suppressed = count(&report, "suppressed");
    assert!(suppressed >= 1 && count(&report, "findings") + suppressed == found);
    let finding = &report["findings"][0];
    let mut bom: Value = serde_json::from_slice(&sbom()).expect("JSON");
    bom["vulnerabilities"] = serde_json::json!([{
        "id": finding["vulnerability"], "affects": [{ "ref": finding["reference"] }], "analysis": { "state": "resolved" },
    }]);
    let body = bom.to_string();
    assert_eq!(count(&server.request("POST", "/api/v1/scan", body.as_bytes()).json(), "suppressed"), suppressed);
    let asked = server.request("POST", "/api/v1/scan?vex=sbom", body.as_bytes()).json();
    assert_eq!(count(&asked, "suppressed"), suppressed + 1);
    assert_eq!(server.request("POST", "/api/v1/scan?vex=all", body.as_bytes()).status, 400);
}
