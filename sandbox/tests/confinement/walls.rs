//! Each wall stops what it is there for, and only it does: without it the same probe gets through.

use sandbox::{Confinement, Level, Limits, WorkerError};

use crate::probe::{Said, Wall};
use crate::{LIMITS, PATIENCE, Site, Test};

pub(crate) const TESTS: &[Test] = &[
    ("a worker touches nothing but the files that are named", files),
    ("a worker reaches no network and starts no program", calls),
    ("memory, file length and descriptors have limits", limits),
    ("processor time has a limit", processor_time),
    ("the report says what is in force", report),
    ("a path that is not there is an error", missing_path),
    ("a process with threads cannot confine itself", threads),
    ("a socket that was inherited is an error where confinement is required", inherited_socket),
];

/// What is tried, and what comes of it behind all walls, without files, without calls, and without any.
type Row = (&'static str, [&'static str; 4]);

/// Depends on the kernel, the user or the network of the machine.
const VARIES: &str = "";

const FILES: &[Row] = &[
    ("read what it may", ["done", "done", "done", "done"]),
    ("write what it may", ["done", "done", "done", "done"]),
    ("move from folder to folder", ["done", "done", "done", "done"]),
    ("read outside", ["EACCES", "done", "EACCES", "done"]),
    ("read outside through a link", ["EACCES", "done", "EACCES", "done"]),
    ("read a system file", ["EACCES", "done", "EACCES", "done"]),
    ("read its parent's memory", ["EACCES", VARIES, "EACCES", VARIES]),
    ("list outside", ["EACCES", "done", "EACCES", "done"]),
    ("write outside", ["EACCES", "done", "EACCES", "done"]),
    ("overwrite what it may only read", ["EACCES", "done", "EACCES", "done"]),
    ("delete outside", ["EACCES", "done", "EACCES", "done"]),
    ("move a file outside", ["EACCES", "done", "EACCES", "done"]),
    ("link a file from outside", ["EXDEV", "done", "EXDEV", "done"]),
    ("make a symbolic link", ["EPERM", "EPERM", "EACCES", "done"]),
];

const CALLS: &[Row] = &[
    ("make a TCP connection", ["SIGSYS", "SIGSYS", "EACCES", VARIES]),
    ("listen on TCP", ["SIGSYS", "SIGSYS", "EACCES", "done"]),
    ("make a UDP socket", ["SIGSYS", "SIGSYS", VARIES, "done"]),
    ("make a unix socket", ["SIGSYS", "SIGSYS", "done", "done"]),
    ("listen on an abstract unix socket", ["SIGSYS", "SIGSYS", "done", "done"]),
    ("run a program in its place", ["SIGSYS", "SIGSYS", "EACCES", VARIES]),
    ("start a process", ["EPERM", "EPERM", "EACCES", "done"]),
    ("signal its parent", ["EPERM", "EPERM", "EPERM", "done"]),
    ("change its root", ["SIGSYS", "SIGSYS", VARIES, VARIES]),
    ("change a mode outside", ["EPERM", "EPERM", "done", "done"]),
    ("make a file in memory", ["EPERM", "EPERM", "done", "done"]),
    ("raise a limit", ["EPERM", "EPERM", "done", "done"]),
];

fn files() {
    check(FILES);
}

fn calls() {
    check(CALLS);
}

fn check(rows: &[Row]) {
    let walls = [None, Some(Wall::Files), Some(Wall::Calls), Some(Wall::All)];
    let mut wrong = Vec::new();
    for (what, wanted) in rows {
        for (without, wanted) in walls.into_iter().zip(wanted) {
            let found = outcome(Site::furnished().probe(what, without));
            if *wanted != VARIES && found != *wanted {
                wrong.push(format!("{what}, without {without:?}: {found}, not {wanted}"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

impl Site {
    /// With a link that leads out.
    fn furnished() -> Self {
        let site = Self::new();
        std::os::unix::fs::symlink("../outside/secret", site.path().join("state/link")).expect("a link");
        site
    }
}

/// One word for how the probe ended.
fn outcome(ended: Result<Said, WorkerError>) -> String {
    match ended {
        Ok(said) => said.outcome,
        Err(WorkerError::Signal { name, .. }) => name,
        Err(error) => error.to_string(),
    }
}

fn limits() {
    let rows = [
        ("take too much memory", "ENOMEM"),
        ("take too much memory in threads", "ENOMEM"),
        ("take too much memory and do not ask", "SIGABRT"),
        ("write too long a file", "SIGXFSZ"),
        ("open too many files", "EMFILE"),
    ];
    for (what, wanted) in rows {
        assert_eq!(outcome(Site::new().probe(what, None)), wanted, "{what}");
        assert_eq!(outcome(Site::new().probe(what, Some(Wall::Limits))), "done", "{what}, without limits");
    }
}

fn processor_time() {
    let site = Site::new();
    let confinement = || Confinement { limits: Limits { cpu_seconds: 1, ..LIMITS }, ..site.confinement() };
    let burn = |without| outcome(site.probe_with("burn processor time", without, confinement(), PATIENCE));
    assert_eq!(burn(None), "SIGXCPU");
    assert_eq!(burn(Some(Wall::Limits)), "done");
}

fn report() {
    let site = Site::new();
    let report = |without| site.probe("read what it may", without).expect("it may").report.expect("a report");
    let whole = report(None);
    assert!(whole.landlock_abi >= 3 && whole.system_calls, "{whole:?}");
    assert_eq!(whole.limits, LIMITS);
    // A newer kernel has less to miss.
    assert_eq!(whole.missing.is_empty(), whole.landlock_abi >= 6, "{whole:?}");
    assert_eq!(report(Some(Wall::Files)).landlock_abi, 0);
    assert!(!report(Some(Wall::Calls)).system_calls);
}

fn missing_path() {
    let site = Site::new();
    let mut confinement = site.confinement();
    confinement.read_only.push(site.path().join("not there"));
    for level in [Level::Required, Level::BestEffort] {
        let confinement = Confinement { level, ..confinement.clone() };
        let said = site.probe_with("read what it may", None, confinement, PATIENCE).expect("it says so");
        assert!(said.report.is_none() && said.outcome.contains("not there"), "{said:?}");
    }
}

fn threads() {
    let said = Site::new().probe("confine after starting a thread", None).expect("it says so");
    assert!(said.outcome.contains("2 threads"), "{said:?}");
}

fn inherited_socket() {
    // To the worker, a socket of its own is like one that it was left.
    let site = Site::new();
    let said = site.probe("confine with a socket open", None).expect("it says so");
    assert!(said.outcome.contains("is a socket"), "{said:?}");
    let lenient = Confinement { level: Level::BestEffort, ..site.confinement() };
    let said = site.probe_with("confine with a socket open", None, lenient, PATIENCE).expect("it says so");
    assert!(said.report.is_some_and(|report| report.inherited.iter().any(|it| it.contains("socket:"))));
}
