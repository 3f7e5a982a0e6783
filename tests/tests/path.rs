//! The complete path, as operators walk it: feeds, keys, kit, import, scan, verdict.

use std::collections::BTreeSet;
use std::fs;

use tests::{Ran, Site, digest_of, repository};

fn sbom() -> String {
    repository().join("tests/data/demo/app.cdx.json").display().to_string()
}

/// A site with the demo kit imported.
fn imported() -> Site {
    let site = Site::new();
    site.vendor();
    site.kit("kit.tar.zst", "dataset", "1");
    let ran = site.import("kit.tar.zst");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    site
}

fn json(ran: &Ran) -> serde_json::Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", ran.stdout, ran.stderr))
}

#[test]
fn the_findings_are_exactly_those_that_the_reference_tools_compute() {
    let site = imported();
    let report = json(&site.run(&["scan", &sbom(), "-f", "json"]));
    let mut found = BTreeSet::new();
    for finding in report["findings"].as_array().expect("a list") {
        for evidence in finding["evidence"].as_array().expect("a list") {
            let text = |value: &serde_json::Value| value.as_str().expect("a string").to_owned();
            found.insert((text(&finding["matched_name"]), text(&finding["version"]), text(&evidence["record"])));
        }
    }
    let expected = fs::read_to_string(repository().join("tests/data/demo/expected-findings.csv")).expect("a file");
    let expected: BTreeSet<_> = expected
        .lines()
        .skip(1)
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            let name =
                if fields[1] == "PyPI" { fields[2].to_lowercase().replace(['_', '.'], "-") } else { fields[2].into() };
            (name, fields[3].to_owned(), fields[4].to_owned())
        })
        .collect();
    // RustSec is the authority for crates.io: these two GHSA records are about vulnerabilities
    // that RustSec records too, so they are no evidence. Nothing else may differ.
    let by_authority = ["GHSA-m5pq-gvj9-9vr8", "GHSA-43w2-9j62-hq99"];
    let missing: Vec<_> =
        expected.difference(&found).filter(|(_, _, record)| !by_authority.contains(&record.as_str())).collect();
    let extra: Vec<_> = found.difference(&expected).collect();
    assert!(missing.is_empty() && extra.is_empty(), "missing: {missing:#?}\nextra: {extra:#?}");
}

#[test]
fn findings_fail_the_scan_with_exit_code_1_and_the_gate_can_be_moved() {
    let site = imported();
    assert_eq!(site.run(&["scan", &sbom()]).code, 1);
    assert_eq!(site.run(&["scan", &sbom(), "--exit-code", "42"]).code, 42);
    assert_eq!(site.run(&["scan", &sbom(), "--fail-on", "nonsense"]).code, 2);
    let lenient = site.run(&["scan", &sbom(), "--fail-on", "never", "--on-unevaluated", "ignore", "-f", "json"]);
    assert_eq!((lenient.code, json(&lenient)["verdict"]["outcome"].as_str()), (0, Some("pass")), "{}", lenient.stderr);
}

#[test]
fn a_severity_filter_says_how_much_it_hides_and_leaves_the_verdict_alone() {
    let site = imported();
    let all = json(&site.run(&["scan", &sbom(), "-f", "json"]));
    let ran = site.run(&["scan", &sbom(), "-f", "json", "--severity", "critical"]);
    let shown = json(&ran);
    let count = |report: &serde_json::Value| report["findings"].as_array().expect("a list").len();
    let hidden = count(&all) - count(&shown);
    assert!(hidden > 0 && count(&shown) > 0);
    assert!(ran.stdout.contains(&format!("{hidden} findings of other severities are not shown")), "{}", ran.stdout);
    assert_eq!(all["verdict"]["reasons"], shown["verdict"]["reasons"]);
}

#[test]
fn a_document_on_standard_input_gives_the_same_findings() {
    let site = imported();
    let by_file = json(&site.run(&["scan", &sbom(), "-f", "json"]));
    let by_pipe = json(&site.pipe(&["scan", "-", "-f", "json"], &fs::read(sbom()).expect("a file")));
    assert_eq!(by_file["findings"], by_pipe["findings"]);
    assert_eq!(by_file["coverage"], by_pipe["coverage"]);
}

#[test]
fn without_data_the_exit_code_is_5_and_the_sentence_says_what_to_do() {
    let site = Site::new();
    for arguments in [vec!["scan", "app.cdx.json"], vec!["db", "status"]] {
        let ran = site.run(&arguments);
        assert_eq!(ran.code, 5, "{arguments:?}");
        assert!(ran.stderr.contains("stella kit import"), "{}", ran.stderr);
        assert_eq!(ran.stdout, "");
    }
}

#[test]
fn two_builds_of_a_kit_have_one_digest_and_two_sites_get_one_content_root() {
    let vendor = Site::new();
    vendor.vendor();
    // The second build is told the time at which the first was signed.
    let said = vendor.ok(&[
        "kit",
        "build",
        "--keys",
        "keys",
        "--dataset",
        "dataset",
        "--kit-version",
        "1",
        "--output",
        "one.tar.zst",
    ]);
    let signed_at = said.split("signed ").nth(1).and_then(|rest| rest.get(..20)).expect("a time");
    let epoch = signed_at.parse::<domain::time::Timestamp>().expect("a time").unix().to_string();
    vendor.ok(&[
        "kit",
        "build",
        "--keys",
        "keys",
        "--dataset",
        "dataset",
        "--kit-version",
        "1",
        "--output",
        "two.tar.zst",
        "--source-date-epoch",
        &epoch,
    ]);
    assert_eq!(digest_of(&vendor.path("one.tar.zst")), digest_of(&vendor.path("two.tar.zst")));

    let root_of = |state: &str| {
        let state = vendor.path(state).display().to_string();
        let import = ["--state-dir", &state, "kit", "import", "one.tar.zst", "--trust-root", "keys/1.root.json"];
        vendor.ok(&import);
        let status: serde_json::Value =
            serde_json::from_str(&vendor.ok(&["--state-dir", &state, "db", "status", "-f", "json"])).expect("JSON");
        status["content_root"].clone()
    };
    let root = root_of("site-a");
    assert!(root.is_string());
    assert_eq!(root, root_of("site-b"));
}

#[test]
fn an_export_has_the_bytes_that_were_signed() {
    let site = imported();
    site.ok(&["feeds", "export", "--output", "exported"]);
    let manifest = fs::read(site.path("dataset/feeds/manifest.json")).expect("a manifest");
    assert_eq!(fs::read(site.path("exported/feeds/manifest.json")).expect("a manifest"), manifest);
    let segment = "feeds/advisories/00000.ndjson";
    assert_eq!(digest_of(&site.path("exported").join(segment)), digest_of(&site.path("dataset").join(segment)));
}

#[test]
fn a_rollback_brings_the_earlier_findings_back() {
    let site = imported();
    let before = json(&site.run(&["scan", &sbom(), "-f", "json"]));
    site.dataset("smaller", &["rustsec.jsonl"]);
    site.kit("second.tar.zst", "smaller", "2");
    site.import_accepting_loss("second.tar.zst");
    let second = json(&site.run(&["scan", &sbom(), "-f", "json"]));
    assert_ne!(before["findings"], second["findings"]);
    // PyPI and npm have no data now: unevaluated, never silently clean.
    assert!(second["coverage"]["unevaluated"].to_string().contains("no advisories for PyPI"));
    let pinned = json(&site.run(&["scan", &sbom(), "-f", "json", "--generation", "1"]));
    assert_eq!(pinned["findings"], before["findings"]);
    site.ok(&["kit", "rollback"]);
    let after = json(&site.run(&["scan", &sbom(), "-f", "json"]));
    assert_eq!(after["findings"], before["findings"]);
    assert_eq!(after["data"]["generation"], 1);
}

#[test]
fn p03_a_kit_with_suspiciously_less_ends_with_a_code_of_its_own_until_the_loss_is_accepted() {
    let site = imported();
    let active = |site: &Site| json(&site.run(&["db", "status", "-f", "json"]))["generation"].clone();
    site.dataset("smaller", &["rustsec.jsonl"]);
    site.kit("second.tar.zst", "smaller", "2");
    for _ in 0..2 {
        let held = site.import("second.tar.zst");
        assert_eq!(held.code, 9, "a script must see that it is not active: {}{}", held.stdout, held.stderr);
        assert!(held.stdout.contains("HELD: it has much less than the data that were active"), "{}", held.stdout);
        assert!(held.stdout.contains("records of pypa: 233 before, 0 now"), "{}", held.stdout);
        assert!(held.stdout.contains("next: stella kit activate 2 --accept-loss WHY"), "{}", held.stdout);
        assert_eq!(active(&site), 1);
    }
    let refused = site.run(&["kit", "activate", "2"]);
    assert_eq!(refused.code, 9, "{}", refused.stderr);
    assert!(refused.stderr.contains("[E-CONTROL-LOSS]") && refused.stderr.contains("next: "), "{}", refused.stderr);
    assert_eq!(site.run(&["kit", "activate", "2", "--accept-loss", " "]).code, 7, "a reason is some words");
    assert_eq!(active(&site), 1);
    assert!(site.ok(&["kit", "pending"]).contains("records of pypa"));
    site.ok(&["kit", "activate", "2", "--accept-loss", "ticket 4711"]);
    assert_eq!(active(&site), 2);
    assert!(site.ok(&["admin", "audit", "list"]).contains("ticket 4711"), "the log has the reason");
    // Whoever only staged it is not surprised: staging is no alarm.
    let staged = Site::new();
    staged.vendor();
    staged.kit("one.kit", "dataset", "1");
    staged.dataset("smaller", &["rustsec.jsonl"]);
    staged.kit("two.kit", "smaller", "2");
    assert_eq!(staged.import("one.kit").code, 0);
    let ran = staged.run(&["kit", "stage", "two.kit", "--no-seal"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("HELD: "), "{}", ran.stdout);
    assert_eq!(staged.run(&["kit", "activate", "2"]).code, 9);
}

#[test]
fn every_output_format_is_written_in_one_run() {
    let site = imported();
    let ran = site.run(&[
        "scan",
        &sbom(),
        "-f",
        "table",
        "-o",
        "sarif=out.sarif",
        "-o",
        "cyclonedx=out.cdx.json",
        "-o",
        "json=out.json",
    ]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stdout.contains("FAIL") || ran.stdout.contains("fail"), "{}", ran.stdout);
    let read = |name: &str| -> serde_json::Value {
        serde_json::from_slice(&fs::read(site.path(name)).expect("a file")).expect("JSON")
    };
    assert_eq!(read("out.sarif")["version"], "2.1.0");
    let count = read("out.json")["findings"].as_array().expect("a list").len();
    assert_eq!(read("out.sarif")["runs"][0]["results"].as_array().expect("a list").len(), count);
    assert!(!read("out.cdx.json")["vulnerabilities"].as_array().expect("a list").is_empty());
    // What we write, we read.
    assert_eq!(site.run(&["scan", "out.cdx.json"]).code, 1);
}

#[test]
fn explain_shows_the_reasoning_and_why_not() {
    let site = imported();
    let why = site.ok(&["db", "explain", "CVE-2021-33503", "pkg:pypi/urllib3@1.26.4"]);
    assert!(why.contains("=> pkg:pypi/urllib3@1.26.4 is affected"), "{why}");
    let why_not = site.ok(&["db", "explain", "CVE-2021-33503", "pkg:pypi/urllib3@1.26.5"]);
    assert!(why_not.contains("is not affected"), "{why_not}");
    assert_eq!(site.run(&["db", "explain", "CVE-1999-9999", "pkg:pypi/urllib3@1"]).code, 3);
}
