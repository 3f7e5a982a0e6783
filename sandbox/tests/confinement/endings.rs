//! Whatever a worker does, the parent goes on and can say what happened.

use std::time::Duration;

use sandbox::{Input, Spec, Worker, WorkerError};

use crate::probe::Said;
use crate::{OUTPUT, PATIENCE, Site, Test};

pub(crate) const TESTS: &[Test] = &[
    ("every way to end has its own error, and the parent goes on", every_end),
    ("a worker that hangs is stopped at the deadline", deadline),
    ("a worker that is killed from outside is named so", killed),
    ("a worker that is dropped is gone", dropped),
    ("progress arrives in order before the result", progress),
    ("a worker reads an open file that it has no path to", open_file),
    ("a worker has nothing of the parent's environment", environment),
    ("what a worker says cannot move a terminal", said),
];

type Is = fn(&WorkerError) -> bool;

fn every_end() {
    let rows: [(&str, Is); 12] = [
        ("abort", |error| matches!(error, WorkerError::Signal { name, .. } if name == "SIGABRT")),
        ("overflow the stack", |error| matches!(error, WorkerError::Signal { name, .. } if name == "SIGABRT")),
        ("panic", |error| matches!(error, WorkerError::Panicked { said } if said.text().contains("at the disco"))),
        ("panic in a thread", |error| matches!(error, WorkerError::Panicked { .. })),
        ("exit early", |error| matches!(error, WorkerError::NoResult { .. })),
        ("exit with 3", |error| matches!(error, WorkerError::Exit { code: 3, .. })),
        ("exit with 3 after the result", |error| matches!(error, WorkerError::Exit { code: 3, .. })),
        ("print garbage", |error| matches!(error, WorkerError::Garbage { number: 1, .. })),
        ("end in the middle of a message", |error| matches!(error, WorkerError::Garbage { number: 2, .. })),
        ("go on after the result", |error| matches!(error, WorkerError::Garbage { number: 2, .. })),
        ("print without end", |error| matches!(error, WorkerError::TooMuch { what: "messages", .. })),
        ("print one endless line", |error| matches!(error, WorkerError::TooMuch { what: "one message", .. })),
    ];
    let site = Site::new();
    for (what, wanted) in rows {
        let error = site.probe(what, None).expect_err(what);
        assert!(wanted(&error), "{what}: {error:?}");
        assert_eq!(error.code(), "E-WORKER");
    }
    // Standard error may be of any length.
    let said = site.probe("complain without measure", None).expect("complaints are no failure");
    assert_eq!(said.outcome, "done");
    assert_eq!(site.probe("read what it may", None).expect("the parent goes on").outcome, "done");
}

fn deadline() {
    let site = Site::new();
    let short = Duration::from_millis(200);
    for what in ["hang", "hang with standard output closed", "hang after the result"] {
        let error = site.probe_with(what, None, site.confinement(), short).expect_err(what);
        assert!(matches!(error, WorkerError::Deadline { deadline, .. } if deadline == short), "{what}: {error:?}");
    }
}

fn killed() {
    let site = Site::new();
    let worker = site.start("report and hang", None, site.confinement());
    let pid = rustix::process::Pid::from_raw(worker.id().cast_signed()).expect("a process");
    let kill = |_: u32| rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it lives");
    let error = worker.wait::<u32, Said>(PATIENCE, kill).expect_err("it was killed");
    assert!(matches!(&error, WorkerError::Signal { name, .. } if name == "SIGKILL"), "{error:?}");
}

fn dropped() {
    let site = Site::new();
    let worker = site.start("hang", None, site.confinement());
    let pid = rustix::process::Pid::from_raw(worker.id().cast_signed()).expect("a process");
    rustix::process::test_kill_process(pid).expect("it lives");
    drop(worker);
    assert_eq!(rustix::process::test_kill_process(pid), Err(rustix::io::Errno::SRCH));
}

fn progress() {
    let site = Site::new();
    let mut heard = Vec::new();
    let worker = site.start("report ten times", None, site.confinement());
    let said: Said = worker.wait(PATIENCE, |number: u32| heard.push(number)).expect("it ends well");
    assert_eq!((said.outcome.as_str(), heard), ("done", (0..10).collect::<Vec<_>>()));
}

fn open_file() {
    let site = Site::new();
    let file = std::fs::File::open(site.path().join("outside/secret")).expect("a file");
    let said: Said = plain(&site, "count", Input::File(file.into())).wait(PATIENCE, |_: u32| ()).expect("it ends well");
    assert_eq!(said.outcome, "7 bytes");
}

fn environment() {
    assert!(std::env::var_os("PATH").is_some(), "else the test shows nothing");
    let said: Said =
        plain(&Site::new(), "environment", Input::Nothing).wait(PATIENCE, |_: u32| ()).expect("it ends well");
    assert_eq!(said.outcome, "");
}

fn plain(site: &Site, what: &str, input: Input) -> Worker {
    let arguments = vec!["probe".into(), what.into()];
    Worker::start(Spec { arguments, directory: site.path().into(), input, output: OUTPUT }).expect("it starts")
}

fn said() {
    let error = Site::new().probe("complain in colour", None).expect_err("it ends badly");
    let WorkerError::Exit { said, .. } = &error else { panic!("{error:?}") };
    assert_eq!(said.text(), " [31mred");
    assert!(error.to_string().ends_with("; it said:  [31mred"), "{error}");
}
