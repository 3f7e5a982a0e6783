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

/// The demo kit with what is in `vex/`, as version `version`.
fn build(site: &Site, output: &str, version: &str, more: &[&str]) -> Ran {
    let common = ["kit", "build", "--keys", "keys", "--dataset", "dataset", "--kit-version", version, "-o", output];
    site.run(&[&common[..], more].concat())
}

#[test]
fn vex_in_a_kit_is_applied_by_every_scan_and_says_where_it_is_from() {
    let site = imported();
    let before = json(&site.run(&["scan", "bom.json", "-f", "json"]));
    let (found, finding) = (count(&before, "findings"), &before["findings"][0]);
    fs::create_dir_all(site.path("vex/sub")).expect("a directory");
    write(&site, "vex/sub/vendor.openvex.json", &clearing(&before));
    fs::write(site.path("vex/README.md"), "ours").expect("a file");
    let built = build(&site, "2.tar.zst", "2", &["--vex", "vex"]);
    assert_eq!(built.code, 0, "{}", built.stderr);
    assert!(built.stderr.contains("vex/README.md is not carried: malformed JSON"), "{}", built.stderr);
    let ran = site.import("2.tar.zst");
    assert_eq!(ran.code, 0, "{}", ran.stderr);

    let scan = |more: &[&str]| json(&site.run(&[&["scan", "bom.json", "-f", "json"][..], more].concat()));
    let after = scan(&[]);
    assert_eq!((count(&after, "findings"), count(&after, "suppressed")), (0, found));
    let (used, decision) = (&after["vex"][0], &after["suppressed"][0]["vex"]);
    assert_eq!((used["source"].as_str(), decision["source"].as_str()), (Some("kit"), Some("kit")));
    assert_eq!(used["document"], "sub/vendor.openvex.json");
    let digest = tests::digest_of(&site.path("vex/sub/vendor.openvex.json"));
    assert_eq!(used["document_digest"], digest, "the document is the vendor's, byte for byte");

    // The site knows better.
    let mut against = clearing(&before);
    for statement in against["statements"].as_array_mut().expect("a list") {
        statement["status"] = "affected".into();
        statement.as_object_mut().expect("an object").remove("justification");
    }
    write(&site, "site.json", &against);
    assert_eq!(count(&scan(&["--vex", "site.json"]), "findings"), found);
    // A generation of before has none.
    assert_eq!(scan(&["--generation", "1"])["findings"], before["findings"]);

    let (id, purl) = (finding["vulnerability"].as_str().expect("an id"), finding["purl"].as_str().expect("a purl"));
    let said = site.ok(&["db", "explain", id, purl]);
    assert!(said.contains("in the kit's sub/vendor.openvex.json") && said.contains("VEX suppresses"), "{said}");
    assert!(site.ok(&["db", "status"]).contains("VEX           1 documents"));
    assert_eq!(json(&site.run(&["db", "status", "-f", "json"]))["vex_documents"], 1);
    let server = Server::start(&site, &["--plain-http"]);
    let report = server.request("POST", "/api/v1/scan", &sbom()).json();
    assert_eq!((count(&report, "findings"), count(&report, "suppressed")), (0, found));
}

#[test]
fn a_delta_with_vex_gives_the_same_as_the_full_kit_and_both_are_passed_on() {
    let site = imported();
    let before = json(&site.run(&["scan", "bom.json", "-f", "json"]));
    let found = count(&before, "findings");
    fs::create_dir(site.path("one")).expect("a directory");
    fs::create_dir(site.path("two")).expect("a directory");
    let mut some = clearing(&before);
    some["statements"].as_array_mut().expect("a list").truncate(1);
    write(&site, "one/gone.json", &clearing(&before));
    write(&site, "one/kept.json", &some);
    write(&site, "one/changed.json", &some);
    write(&site, "two/kept.json", &some);
    some["version"] = 2.into();
    write(&site, "two/changed.json", &some);
    for (output, version, more) in [
        ("base.tar.zst", "2", &["--vex", "one"][..]),
        ("full.tar.zst", "3", &["--vex", "two"]),
        ("delta.tar.zst", "3", &["--vex", "two", "--base", "base.tar.zst"]),
    ] {
        let built = build(&site, output, version, more);
        assert_eq!(built.code, 0, "{}", built.stderr);
        if output == "delta.tar.zst" {
            assert!(built.stdout.contains("vex       1 new or changed, 1 deleted, 2 in all"), "{}", built.stdout);
        }
    }
    let state = |name: &str, arguments: &[&str]| site.run(&[&["--state-dir", name][..], arguments].concat());
    let import = |name: &str, kit: &str| {
        let ran = state(name, &["kit", "import", kit, "--trust-root", "keys/1.root.json", "--no-seal"]);
        assert_eq!(ran.code, 0, "{kit}: {}", ran.stderr);
    };
    import("stacked", "base.tar.zst");
    let all = json(&state("stacked", &["scan", "bom.json", "-f", "json"]));
    assert_eq!(count(&all, "suppressed"), found);
    import("stacked", "delta.tar.zst");
    import("whole", "full.tar.zst");
    let told = |name: &str| {
        let status = json(&state(name, &["db", "status", "-f", "json"]));
        let report = json(&state(name, &["scan", "bom.json", "-f", "json"]));
        (
            status["content_root"].clone(),
            status["vex_documents"].clone(),
            report["suppressed"].clone(),
            report["vex"].clone(),
        )
    };
    let (stacked, whole) = (told("stacked"), told("whole"));
    assert_eq!(stacked, whole);
    assert!(whole.1 == 2 && whole.2.as_array().is_some_and(|rows| rows.len() == 1), "{whole:?}");

    // What the vendor has signed comes out again, and makes the same kit; so does what the site passes on.
    state("stacked", &["feeds", "export", "-o", "exported"]);
    let common =
        ["kit", "build", "--keys", "keys", "--dataset", "exported", "--kit-version", "4", "-o", "again.tar.zst"];
    site.ok(&common);
    import("again", "again.tar.zst");
    assert_eq!(told("again"), whole);
    let made = state("whole", &["admin", "site-root", "init", "-o", "custodians"]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    write(&site, "receipt.json", &Value::Null);
    let passed = ["kit", "export", "--kit", "full.tar.zst", "--receipt", "receipt.json", "-o", "onward.tar.zst"];
    let passed = state("whole", &passed);
    assert_eq!(passed.code, 0, "{}", passed.stderr);
    import("behind", "onward.tar.zst");
    assert_eq!(told("behind"), whole);
}

#[test]
fn a_kit_is_not_built_with_vex_that_no_site_could_read() {
    let site = Site::new();
    site.vendor();
    fs::create_dir(site.path("vex")).expect("a directory");
    let refused = |more: &[&str], code: i32, told: &str| {
        let ran = build(&site, "x.tar.zst", "1", more);
        assert_eq!(ran.code, code, "{}", ran.stderr);
        assert!(ran.stderr.contains(told) && !site.path("x.tar.zst").exists(), "{told}: {}", ran.stderr);
    };
    refused(&["--vex", "vex"], 2, "there is no VEX document in it");
    fs::write(site.path("vex/bad.json"), "{\"statements\":").expect("a file");
    refused(&["--vex", "vex"], 3, "a kit cannot carry the VEX document vex/bad.json");
    refused(&["--vex", "vex/bad.json"], 3, "a kit cannot carry the VEX document vex/bad.json");
    fs::remove_file(site.path("vex/bad.json")).expect("removed");
    let one = r#"{"@context":"https://openvex.dev/ns/v0.2.0","statements":[{"status":"fixed"}]}"#;
    fs::write(site.path("vex/a.json"), one).expect("a file");
    fs::write(site.path("a.json"), one).expect("a file");
    refused(&["--vex", "vex", "--vex", "a.json"], 2, "two documents have the name a.json");
    fs::write(site.path("big.json"), one.to_owned() + &" ".repeat(8 << 20)).expect("a file");
    refused(&["--vex", "big.json"], 2, "big.json is too large for a kit");
    // What does not count of a document is told to whoever can mend it.
    let built = build(&site, "x.tar.zst", "1", &["--vex", "a.json"]);
    assert_eq!(built.code, 0, "{}", built.stderr);
    assert!(
        built.stderr.contains("a.json: does not count: statements[0]: it names no vulnerability"),
        "{}",
        built.stderr
    );
}
