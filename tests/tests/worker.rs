//! The process that reads a kit may be killed or hang: the import is refused and everything else goes on.

use std::fs;
use std::process::{Child, Command, Stdio};

use tests::{Ran, Server, Site, repository, shared};

/// A site that serves kit 1, and kit 2, which takes long enough to be caught at it.
fn site() -> Option<Site> {
    let shared = shared()?;
    let site = Site::new();
    site.ok(&["kit", "keys", "--out", "keys"]);
    site.dataset("small", &["rustsec.jsonl"]);
    site.kit("1.kit", "small", "1");
    let feed = |name| shared.join("data/feeds/osv").join(name).display().to_string();
    let [alma, bitnami] = ["almalinux8-9-osv.tar.zst", "bitnami-osv.tar.zst"].map(feed);
    let rustsec = repository().join("tests/data/demo/rustsec.jsonl").display().to_string();
    site.ok(&["feeds", "ingest", "--into", "large", "--complete", "crates.io", &rustsec, &alma, &bitnami]);
    site.kit("2.kit", "large", "2");
    let ran = site.import("1.kit");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    Some(site)
}

/// Sends a signal to the worker of an import as soon as there is one.
fn signal_worker(import: &mut Child, signal: &str) {
    let parent = import.id();
    while import.try_wait().expect("a child").is_none() {
        if let Some(worker) = child_of(parent) {
            let sent = Command::new("kill").args([signal, &worker.to_string()]).stderr(Stdio::null()).status();
            if sent.expect("kill").success() {
                return;
            }
        }
    }
    panic!("the import ended before its worker was seen");
}

/// A process whose parent is this one, and which runs a program of its own already: before that its parent waits for it
/// in the kernel, and if it is stopped there, for ever.
fn child_of(parent: u32) -> Option<u32> {
    let arguments = |pid: u32| fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let entries = fs::read_dir("/proc").expect("Linux").filter_map(Result::ok);
    entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()).find(|pid| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // The name stands in parentheses and may hold anything; behind it come the state and the parent.
        let behind = stat.rsplit_once(") ").map(|(_, behind)| behind).unwrap_or_default();
        let is_child = behind.split(' ').nth(1).and_then(|found| found.parse().ok()) == Some(parent);
        is_child && arguments(*pid) != arguments(parent)
    })
}

fn import(site: &Site, signal: &str) -> Ran {
    let arguments = ["kit", "import", "2.kit", "--no-seal", "--no-progress", "--worker-patience", "1"];
    let mut command = site.command(&arguments);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
    signal_worker(&mut child, signal);
    Ran::from(child.wait_with_output().expect("it ends"))
}

fn refused_and_serving(signal: &str, said: &str) {
    let Some(site) = site() else { return };
    let server = Server::start(&site, &["--plain-http"]);
    let before = site.fingerprint();
    let ran = import(&site, signal);
    assert!(ran.code == 6 && ran.stderr.contains("E-WORKER"), "{} {}", ran.code, ran.stderr);
    assert!(ran.stderr.contains(said) && ran.stderr.contains("next: "), "{}", ran.stderr);
    assert_eq!(site.fingerprint(), before, "the active generation is what it was");
    let sbom = fs::read(repository().join("tests/data/demo/app.cdx.json")).expect("a document");
    assert_eq!(server.request("POST", "/api/v1/scan", &sbom).status, 200, "the appliance goes on");
    let again = site.run(&["kit", "import", "2.kit", "--no-seal"]);
    assert_eq!(again.code, 0, "{}", again.stderr);
}

#[test]
fn z10_a_worker_that_is_killed_is_a_refusal_and_the_appliance_goes_on() {
    refused_and_serving("-KILL", "SIGKILL");
}

#[test]
fn c11_a_worker_that_aborts_is_a_refusal_and_the_appliance_goes_on() {
    refused_and_serving("-ABRT", "SIGABRT");
}

#[test]
fn c15_a_worker_that_hangs_is_stopped_when_its_time_is_over() {
    refused_and_serving("-STOP", "no result after");
}

#[test]
fn h02_h03_the_worker_runs_behind_all_walls() {
    let Some(site) = site() else { return };
    let mut command = site.command(&["kit", "import", "2.kit", "--no-seal", "--sandbox", "required"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the binary starts");
    let (mut walls, mut niceness) = (String::new(), String::new());
    while child.try_wait().expect("a child").is_none() && !walls.contains("Seccomp:\t2") {
        if let Some(worker) = child_of(child.id()) {
            walls = fs::read_to_string(format!("/proc/{worker}/status")).unwrap_or_default();
            let stat = fs::read_to_string(format!("/proc/{worker}/stat")).unwrap_or_default();
            let behind = stat.rsplit_once(") ").map(|(_, behind)| behind).unwrap_or_default();
            behind.split(' ').nth(16).unwrap_or_default().clone_into(&mut niceness);
        }
    }
    let ran = Ran::from(child.wait_with_output().expect("it ends"));
    if ran.code == 3 && ran.stderr.contains("Landlock") {
        #[expect(clippy::print_stderr, reason = "a skipped test says so")]
        {
            eprintln!("skipped: this kernel has no Landlock");
        }
        return;
    }
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for wall in ["NoNewPrivs:\t1", "Seccomp:\t2"] {
        assert!(walls.contains(wall), "{wall} was never seen: {walls}");
    }
    assert_eq!(niceness, "10", "it yields to scans");
}
