//! SQLite itself, by way of Python.

use std::process::{Command, Stdio};

/// What it answers to each question, one an answer; None where there is no Python with it, which is said.
#[expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "SQLite reads files, and a test that is skipped says so"
)]
pub(crate) fn ask(database: &[u8], questions: &[&str]) -> Option<Vec<String>> {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("database");
    std::fs::write(&path, database).expect("written");
    let python = |arguments: &[&str]| Command::new("python3").args(arguments).stdin(Stdio::null()).output().ok();
    if python(&["-c", "import sqlite3"]).is_none_or(|ran| !ran.status.success()) {
        println!("skipped: there is no python3 with sqlite3");
        return None;
    }
    let script = "import sqlite3, sys\nat = sqlite3.connect(sys.argv[1])\nfor sql in sys.argv[2:]: print(at.execute(sql).fetchall())";
    let ran = python(&[&["-c", script, path.to_str().expect("text")], questions].concat()).expect("it ran before");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    Some(String::from_utf8(ran.stdout).expect("text").lines().map(str::to_owned).collect())
}
