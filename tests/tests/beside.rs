//! Scans beside an import: they wait for none of its steps, and get their share of the processors.

mod within;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use importer::Progress;
use ouk::limits::Limits;
use tests::{Server, Site, repository};

/// What kit-trust allows a scan beside an import.
const PATIENCE: Duration = Duration::from_secs(5);

/// A site that serves kit 1, with kit 2 at hand.
fn site() -> Site {
    let site = Site::new();
    site.vendor();
    site.dataset("smaller", &["rustsec.jsonl"]);
    site.kit("1.kit", "smaller", "1");
    site.kit("2.kit", "dataset", "2");
    let ran = site.import("1.kit");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    site
}

/// The generation that answers a scan; None when not all of the answer comes in time.
fn scan(address: &str, document: &[u8]) -> Option<u64> {
    let (answer, answered) = mpsc::channel();
    let (address, document) = (address.to_owned(), document.to_vec());
    // Whoever has waited long enough is not there any more.
    thread::spawn(move || answer.send(ask(&address, &document)));
    answered.recv_timeout(PATIENCE).ok().flatten()
}

fn ask(address: &str, document: &[u8]) -> Option<u64> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let length = document.len();
    let head =
        format!("POST /api/v1/scan HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(document).ok()?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    assert!(line.contains(" 200 "), "{line}");
    let mut rest = String::new();
    reader.read_to_string(&mut rest).ok()?;
    let body = rest.split_once("\r\n\r\n")?.1;
    let report: serde_json::Value = serde_json::from_str(body).expect("a report");
    report["data"]["generation"].as_u64()
}

fn sbom() -> Vec<u8> {
    std::fs::read(repository().join("tests/data/demo/app.cdx.json")).expect("an SBOM")
}

#[test]
fn r06_a_scan_waits_for_no_step_of_an_import_and_uses_the_old_data_until_the_last() {
    let site = site();
    let server = Server::start(&site, &["--plain-http"]);
    let document = sbom();
    let steps = Mutex::new(Vec::new());
    // The import stands still while the scan is answered: had they a lock in common, no answer would come.
    let progress = |progress: Progress| {
        steps.lock().expect("nobody panicked").push((progress, scan(&server.address, &document)));
    };
    within::import(&site, "state", "2.kit", &Limits::default(), &progress).expect("imported");
    let steps = steps.into_inner().expect("nobody panicked");
    for (progress, generation) in &steps {
        let expected = if *progress == Progress::Done { 2 } else { 1 };
        assert_eq!(*generation, Some(expected), "at {progress:?}");
    }
    let seen = |wanted: fn(&Progress) -> bool| steps.iter().any(|(progress, _)| wanted(progress));
    assert!(seen(|step| matches!(step, Progress::Copying { .. })), "{steps:?}");
    assert!(seen(|step| matches!(step, Progress::Verified { .. })), "{steps:?}");
    assert!(seen(|step| matches!(step, Progress::Loading { .. })), "{steps:?}");
    for step in [Progress::Sealed, Progress::Indexing, Progress::Keeping, Progress::Activating, Progress::Done] {
        assert!(steps.iter().any(|(progress, _)| *progress == step), "{step:?}: {steps:?}");
    }
}

#[test]
fn r06_scans_are_answered_in_time_while_imports_keep_every_processor_busy() {
    let site = site();
    let server = Server::start(&site, &["--plain-http"]);
    let document = sbom();
    let over = AtomicBool::new(false);
    let importers = 2 * thread::available_parallelism().map_or(2, usize::from);
    let answered = thread::scope(|scope| {
        let (finished, finishes) = mpsc::channel();
        let import = |number: usize, finished: mpsc::Sender<()>| {
            let state = format!("other-{number}");
            while !over.load(Ordering::Relaxed) {
                let _ = std::fs::remove_dir_all(site.path(&state));
                let root = ["--trust-root", "keys/1.root.json", "--no-seal"];
                site.ok(&[&["--state-dir", &state, "kit", "import", "2.kit"], &root[..]].concat());
                // Nobody asks any more after the last scan.
                let _ = finished.send(());
            }
        };
        for number in 0..importers {
            let finished = finished.clone();
            scope.spawn(move || import(number, finished));
        }
        // All of them run when the first scan comes, and go on while the last one does.
        assert_eq!(finishes.iter().take(importers).count(), importers);
        let (mut answered, mut beside) = (Vec::new(), 0);
        while answered.len() < 40 || beside < importers {
            answered.push(scan(&server.address, &document));
            beside += finishes.try_iter().count();
        }
        over.store(true, Ordering::Relaxed);
        answered
    });
    let in_time = answered.iter().filter(|answer| **answer == Some(1)).count();
    assert!(in_time * 100 >= answered.len() * 95, "{in_time} of {} scans in {PATIENCE:?}", answered.len());
}
