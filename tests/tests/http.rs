//! The appliance over HTTP.

use std::fs;
use std::process::Command;

use tests::{Server, Site, repository};

fn sbom() -> Vec<u8> {
    fs::read(repository().join("tests/data/demo/app.cdx.json")).expect("a file")
}

fn imported() -> Site {
    let site = Site::new();
    site.vendor();
    site.kit("kit.tar.zst", "dataset", "1");
    assert_eq!(site.import("kit.tar.zst").code, 0);
    site
}

#[test]
fn a_scan_over_http_says_what_the_command_line_says_and_is_kept() {
    let site = imported();
    let server = Server::start(&site, &["--plain-http"]);
    let answer = server.request("POST", "/api/v1/scan?fail_on=critical&artifact=app", &sbom());
    assert_eq!(answer.status, 200, "{}", answer.body);
    let report = answer.json();
    assert_eq!(report["verdict"]["outcome"], "fail");
    let by_command = site.pipe(&["scan", "-", "-f", "json"], &sbom());
    let by_command: serde_json::Value = serde_json::from_str(&by_command.stdout).expect("JSON");
    assert_eq!(report["findings"], by_command["findings"]);
    let location = answer.header("location").expect("an address").to_owned();
    assert_eq!(server.request("GET", &location, b"").body, answer.body);
    let (code, log) = server.stop();
    assert_eq!(code, 0, "{log}");
    // Kept means: still there for the next process.
    let server = Server::start(&site, &["--plain-http"]);
    assert_eq!(server.request("GET", &location, b"").status, 200);
}

#[test]
fn before_the_first_import_it_is_alive_but_not_ready() {
    let site = Site::new();
    let server = Server::start(&site, &["--plain-http"]);
    assert_eq!(server.request("GET", "/healthz", b"").status, 200);
    for (method, target) in [("GET", "/readyz"), ("GET", "/api/v1/feeds"), ("POST", "/api/v1/scan")] {
        let answer = server.request(method, target, &sbom());
        assert_eq!((answer.status, answer.json()["code"].as_str()), (503, Some("no-data")), "{target}");
    }
}

#[test]
fn damage_that_no_scan_has_met_yet_makes_the_server_unready() {
    let site = imported();
    let folder = site.state().join("generations");
    let index = fs::read_dir(&folder).expect("a directory").next().expect("an index").expect("an entry").path();
    let mut bytes = fs::read(&index).expect("an index");
    // The other names of an advisory, which nobody asks for in a scan.
    let name = b"\0RUSTSEC-";
    let alias = bytes.windows(name.len()).position(|window| window == name).expect("an alias");
    bytes[alias] ^= 1;
    fs::write(&index, &bytes).expect("written");
    let server = Server::start(&site, &["--plain-http"]);
    // It is found in the background.
    let answers = std::iter::repeat_with(|| server.request("GET", "/readyz", b""));
    let unready = answers.take(20_000).find(|answer| answer.status == 503).expect("found at last");
    assert_eq!(unready.json()["code"], "damaged-data");
    let detail = unready.json()["detail"].to_string();
    assert!(detail.contains("import the newest full kit"), "{detail}");
    let scan = server.request("POST", "/api/v1/scan", &sbom());
    assert_eq!(scan.status, 200, "what it needs is whole: {}", scan.body);
}

#[test]
fn a_kit_imported_beside_the_running_server_is_used_from_the_next_scan_on() {
    let site = imported();
    let server = Server::start(&site, &["--plain-http"]);
    let number = |server: &Server| server.request("POST", "/api/v1/scan", &sbom()).json()["data"]["generation"].clone();
    assert_eq!(number(&server), 1);
    site.dataset("smaller", &["rustsec.jsonl"]);
    site.kit("second.tar.zst", "smaller", "2");
    site.import_accepting_loss("second.tar.zst");
    assert_eq!(number(&server), 2);
    let feeds = server.request("GET", "/api/v1/feeds", b"").json();
    assert_eq!(feeds["generation"], 2);
    assert_eq!(feeds["sources"].as_array().expect("a list").len(), 1);
}

#[test]
fn errors_are_problem_documents_with_stable_codes() {
    let site = imported();
    let server = Server::start(&site, &["--plain-http", "--document-bytes-max", "300000"]);
    let cases: &[(&str, &str, &[u8], u16, &str)] = &[
        ("POST", "/api/v1/scan", b"not an SBOM", 422, "invalid-document"),
        ("POST", "/api/v1/scan", b"", 422, "invalid-document"),
        ("POST", "/api/v1/scan?fail_on=purple", b"{}", 400, "invalid-parameter"),
        ("POST", "/api/v1/scan?surprise=1", b"{}", 400, "invalid-parameter"),
        ("POST", "/api/v1/scan?generation=99", &sbom(), 404, "unknown-generation"),
        ("POST", "/api/v1/scan", &[b' '; 300_001], 413, "document-too-large"),
        ("GET", "/api/v1/scans/ffffffffffffffffffffffffffffffff", b"", 404, "unknown-scan"),
        ("GET", "/etc/passwd", b"", 404, "unknown-path"),
        ("DELETE", "/api/v1/scan", b"", 405, "method-not-allowed"),
    ];
    for (method, target, body, status, code) in cases {
        let answer = server.request(method, target, body);
        assert_eq!(answer.status, *status, "{method} {target}: {}", answer.body);
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{target}");
        assert_eq!(answer.json()["code"], *code, "{target}");
    }
}

#[test]
fn metrics_count_scans_by_outcome_and_show_the_age_of_each_source() {
    let site = imported();
    let server = Server::start(&site, &["--plain-http"]);
    server.request("POST", "/api/v1/scan", &sbom());
    server.request("POST", "/api/v1/scan", b"junk");
    let text = server.request("GET", "/metrics", b"").body;
    for line in
        ["stella_scans_total{outcome=\"fail\"} 1", "stella_scans_total{outcome=\"error\"} 1", "stella_generation 1"]
    {
        assert!(text.lines().any(|found| found == line), "{line} is not in:\n{text}");
    }
    assert!(text.contains("stella_source_age_seconds{source=\"rustsec\"}"), "{text}");
}

#[test]
fn tls_is_the_default_and_the_made_certificate_is_accepted_by_curl() {
    let site = imported();
    let server = Server::start(&site, &[]);
    let url = format!("https://localhost:{}/readyz", server.address.rsplit(':').next().expect("a port"));
    let certificate = site.state().join("keys/tls.crt.pem");
    let curl = |arguments: &[&str]| Command::new("curl").args(["--silent", "--show-error"]).args(arguments).output();
    let output = curl(&["--cacert", &certificate.display().to_string(), &url]).expect("curl is needed for this test");
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("ready"), "{output:?}");
    assert!(!curl(&[&url]).expect("curl").status.success(), "an unknown certificate is not accepted");
    let mode =
        std::os::unix::fs::MetadataExt::mode(&fs::metadata(site.state().join("keys/tls.key.pem")).expect("a key"));
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn data_that_the_vendors_signatures_do_not_cover_is_not_served() {
    let site = imported();
    let frame = site.fingerprint().into_iter().map(|(path, _)| path).find(|path| {
        let bytes = fs::read(path).expect("a file");
        // The metadata frame is the one blob that is kept compressed.
        path.to_string_lossy().contains("sha256") && bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])
    });
    fs::remove_file(frame.expect("the metadata frame")).expect("removed");
    let ran = site.run(&["serve", "--plain-http", "--listen", "127.0.0.1:0"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("missing from the store"), "{}", ran.stderr);
}

#[test]
fn plain_http_is_refused_on_an_address_that_others_can_reach() {
    let site = Site::new();
    let ran = site.run(&["serve", "--plain-http", "--listen", "0.0.0.0:0"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
}
