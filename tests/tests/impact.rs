//! Stored SBOMs and the preview of what another kit changes for them, as operators use them.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;
use tests::{Server, Site, repository};

const LANG_A: &str = "tests/data/sboms/cyclonedx/syft-langA-1.6.json";

fn document(path: &str) -> String {
    repository().join(path).display().to_string()
}

/// Generation 1 knows PyPI and crates.io, generation 2 npm as well, without anything of crates.io.
fn two_generations() -> Site {
    let site = Site::new();
    site.vendor();
    site.dataset("first", &["pypa.jsonl", "rustsec.jsonl"]);
    site.dataset("second", &["ghsa.jsonl", "pypa.jsonl", "kev.json"]);
    site.kit("one.kit", "first", "1");
    let ran = site.import("one.kit");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    site.kit("two.kit", "second", "2");
    site.import_accepting_loss("two.kit");
    site
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Vulnerability and package of every finding of a scan by one generation.
fn scanned(site: &Site, path: &str, generation: &str) -> BTreeSet<(String, String)> {
    let report = json(&site.run(&["scan", &document(path), "-f", "json", "--generation", generation]).stdout);
    let text = |value: &Value| value.as_str().expect("a string").to_owned();
    let findings = report["findings"].as_array().expect("a list").iter();
    findings.map(|finding| (text(&finding["vulnerability"]), text(&finding["package"]))).collect()
}

fn changed(impact: &Value, kind: &str) -> BTreeSet<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let documents = impact["documents"].as_array().expect("a list").iter();
    let changes = documents.flat_map(|document| document["changes"].as_array().expect("a list"));
    let of_kind = changes.filter(|change| change["kind"] == kind);
    of_kind.map(|change| (text(&change["vulnerability"]), text(&change["package"]))).collect()
}

#[test]
fn the_preview_of_a_real_image_is_the_difference_of_its_two_scans() {
    let site = two_generations();
    site.ok(&["sbom", "add", &document(LANG_A)]);
    let impact = json(&site.ok(&["kit", "impact", "-f", "json"]));
    assert_eq!(
        (&impact["schema"], &impact["from"]["generation"], &impact["to"]["generation"]),
        (&"stella.impact/v1".into(), &1.into(), &2.into())
    );
    let (before, after) = (scanned(&site, LANG_A, "1"), scanned(&site, LANG_A, "2"));
    let appeared = changed(&impact, "appeared");
    assert_eq!(appeared, after.difference(&before).cloned().collect());
    // GHSA-jf85-cpcp-j695: lodash below 4.17.12; the image has 4.17.4, and generation 1 knows nothing of npm.
    assert!(appeared.contains(&("CVE-2019-10744".into(), "lodash".into())));
    // crates.io is not complete any more: what it lost is not gone, it is not judged.
    let count = |kind: &str| impact["totals"]["by_kind"][kind].as_u64().expect("a count");
    assert_eq!(count("vanished"), 0);
    assert_eq!(count("unjudged") as usize, before.difference(&after).count());
    assert!(count("no-longer-evaluated") > 0, "its crates");
    let concerns = impact["concerns"].to_string();
    assert!(concerns.contains("rustsec") && concerns.contains("ecosystem-incomplete"), "{concerns}");
}

#[test]
fn the_preview_says_aloud_that_there_is_a_reason_to_hold_and_exits_by_it_when_asked() {
    let site = two_generations();
    site.ok(&["sbom", "add", &document(LANG_A)]);
    let table = site.ok(&["kit", "impact"]);
    assert!(table.contains("HOLD: the new data has much less"), "{table}");
    assert!(table.contains("records of rustsec: 59 before, 0 now"), "{table}");
    assert!(table.contains("Impact: LOOK FIRST: the data shrank"), "{table}");
    assert!(table.lines().all(|line| line.chars().count() <= 100), "{table}");
    assert_eq!(site.run(&["kit", "impact", "--exit-code"]).code, 1);
    assert_eq!(site.run(&["kit", "impact", "--exit-code=9"]).code, 9);
    let same = site.run(&["kit", "impact", "2", "--against", "2", "--exit-code"]);
    assert_eq!(same.code, 0, "{}", same.stdout);
    assert!(same.stdout.contains("Impact: no reason to hold"), "{}", same.stdout);
    assert_eq!(site.run(&["kit", "impact", "7"]).code, 5, "generation 7 is not kept");
}

#[test]
fn the_stored_policy_decides_which_verdicts_flip() {
    let site = two_generations();
    // Generation 1 knows nothing of npm, generation 2 has findings of lodash 4.17.4 up to critical.
    let sbom = r#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[
        {"type":"library","name":"lodash","version":"4.17.4","purl":"pkg:npm/lodash@4.17.4"}]}"#;
    fs::write(site.path("app.json"), sbom).expect("written");
    let verdict = |site: &Site| json(&site.ok(&["kit", "impact", "-f", "json"]))["documents"][0]["verdict"].clone();
    site.run(&["scan", "app.json", "--store"]);
    let flip = verdict(&site);
    assert_eq!((flip["before"].as_str(), flip["after"].as_str()), (Some("indeterminate"), Some("fail")));
    site.ok(&["sbom", "add", "app.json", "--on-unevaluated", "ignore", "--fail-on", "high", "--name", "app"]);
    let flip = verdict(&site);
    assert_eq!((flip["before"].as_str(), flip["after"].as_str()), (Some("pass"), Some("fail")));
    site.ok(&["sbom", "add", "app.json", "--on-unevaluated", "ignore", "--fail-on", "never"]);
    assert_eq!(verdict(&site), Value::Null);
}

/// A record of OSV about one package.
fn osv(id: &str, cve: (&str, &str), ecosystem: &str, fixed: &str) -> String {
    let (relation, cve) = cve;
    format!(
        r#"{{"id":"{id}","modified":"2024-01-01T00:00:00Z","{relation}":["{cve}"],"affected":[{{"package":
        {{"ecosystem":"{ecosystem}","name":"requests"}},"ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}},{{"fixed":"{fixed}"}}]}}]}}]}}"#
    )
}

#[test]
fn what_the_distribution_comes_to_clear_of_a_package_that_it_owns_vanishes_in_the_preview_as_in_the_scan() {
    let site = Site::new();
    site.vendor();
    fs::write(site.path("pypi.json"), osv("PYSEC-2023-74", ("aliases", "CVE-2023-32681"), "PyPI", "2.31.0"))
        .expect("written");
    let debian = osv("DEBIAN-CVE-2023-32681", ("upstream", "CVE-2023-32681"), "Debian:12", "2.28.1+dfsg-1");
    fs::write(site.path("debian.json"), debian).expect("written");
    // Of which Debian spoke before.
    let other = osv("DEBIAN-CVE-2020-0001", ("upstream", "CVE-2020-0001"), "Debian:12", "1.0-1");
    fs::write(site.path("other.json"), other).expect("written");
    let sbom = r#"{"artifacts":[
        {"id":"a","name":"python3-requests","version":"2.28.1+dfsg-1","type":"deb",
         "purl":"pkg:deb/debian/python3-requests@2.28.1%2Bdfsg-1?upstream=requests&distro=debian-12"},
        {"id":"b","name":"requests","version":"2.28.1","type":"python","purl":"pkg:pypi/requests@2.28.1"}],
        "artifactRelationships":[{"parent":"a","child":"b","type":"ownership-by-file-overlap"}],"schema":{"version":"16.0.0"}}"#;
    fs::write(site.path("image.json"), sbom).expect("written");
    let ingest = |into: &str, feeds: &[&str]| {
        let complete = ["--complete", "PyPI", "--complete", "Debian:12"];
        site.ok(&[&["feeds", "ingest", "--into", into][..], &complete, feeds].concat());
    };
    ingest("first", &["pypi.json", "other.json"]);
    ingest("second", &["pypi.json", "other.json", "debian.json"]);
    for (kit, dataset, version) in [("one.kit", "first", "1"), ("two.kit", "second", "2")] {
        site.kit(kit, dataset, version);
        let ran = site.import(kit);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    }
    let report =
        |generation: &str| json(&site.run(&["scan", "image.json", "-f", "json", "--generation", generation]).stdout);
    let (before, after) = (report("1"), report("2"));
    assert_eq!((before["findings"].as_array().map(Vec::len), &before["suppressed"]), (Some(1), &serde_json::json!([])));
    assert_eq!((&after["findings"], &after["verdict"]["outcome"]), (&serde_json::json!([]), &"pass".into()));
    let decision = &after["suppressed"][0]["vex"];
    assert_eq!((&decision["source"], &decision["status"]), (&"distribution".into(), &"fixed".into()));
    assert_eq!(decision["document"], "DEBIAN-CVE-2023-32681");
    let table = site.run(&["scan", "image.json"]).stdout;
    assert!(table.contains("Owned: 1 finding cleared by advisories of the distribution"), "{table}");
    site.run(&["sbom", "add", "image.json"]);
    let impact = json(&site.ok(&["kit", "impact", "-f", "json"]));
    assert_eq!(changed(&impact, "vanished"), [("CVE-2023-32681".into(), "requests".into())].into());
    assert_eq!(changed(&impact, "appeared"), BTreeSet::new());
}

#[test]
fn documents_are_listed_and_removed_by_name_or_digest() {
    let site = Site::new();
    site.ok(&["sbom", "add", &document(LANG_A), "--name", "registry/a:1"]);
    site.ok(&["sbom", "add", &document("tests/data/sboms/cyclonedx/trivy-go-1.6.json"), "--name", "registry/b:1"]);
    let rows: Vec<Value> = site.ok(&["sbom", "list", "-f", "json"]).lines().map(json).collect();
    let names: BTreeSet<_> = rows.iter().map(|row| row["name"].as_str().expect("a name")).collect();
    assert_eq!(names, ["registry/a:1", "registry/b:1"].into());
    site.ok(&["sbom", "remove", "registry/a:1"]);
    assert_eq!(site.run(&["sbom", "remove", "registry/a:1"]).code, 2);
    let digest = rows.iter().find(|row| row["name"] == "registry/b:1").expect("there")["digest"].as_str().expect("hex");
    site.ok(&["sbom", "remove", &digest[..12]]);
    assert!(site.ok(&["sbom", "list"]).contains("no SBOM is stored"));
    assert_eq!(site.run(&["kit", "impact"]).code, 5, "without a generation there is nothing to compare");
}

#[test]
fn documents_are_stored_over_http_while_the_command_line_reads_them() {
    let site = two_generations();
    let server = Server::start(&site, &["--plain-http"]);
    let sbom = fs::read(document(LANG_A)).expect("a file");
    let first = server.request("POST", "/api/v1/sboms?name=app&fail_on=high", &sbom);
    assert_eq!((first.status, first.json()["name"].as_str()), (201, Some("app")), "{}", first.body);
    assert_eq!(server.request("POST", "/api/v1/sboms?name=app&fail_on=low", &sbom).status, 200);
    let list = server.request("GET", "/api/v1/sboms?limit=10", b"").json();
    assert_eq!((&list["stored"], &list["next"]), (&1.into(), &Value::Null));
    assert_eq!(list["sboms"][0]["gate"]["fail_on"], "low");
    assert!(site.ok(&["sbom", "list"]).contains("app"));
    let impact = json(&site.ok(&["kit", "impact", "-f", "json"]));
    assert_eq!(impact["sboms"]["stored"], 1);
    let location = first.header("location").expect("an address").to_owned();
    assert_eq!(server.request("DELETE", &location, b"").status, 204);
    let gone = server.request("DELETE", &location, b"");
    assert_eq!((gone.status, gone.json()["code"].as_str()), (404, Some("unknown-sbom")));
    for (target, body) in [("/api/v1/sboms?generation=1", sbom.as_slice()), ("/api/v1/sboms?fail_on=purple", b"{}")] {
        assert_eq!(server.request("POST", target, body).status, 400, "{target}");
    }
    assert_eq!(server.request("POST", "/api/v1/sboms", b"no SBOM").status, 422);
}
