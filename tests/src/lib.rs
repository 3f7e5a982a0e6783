//! The bench of the end-to-end tests: the real binary, real files, a directory per test.

pub mod simulation;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// The root of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

/// The real data beside the checkout, or a printed reason for its absence.
pub fn shared() -> Option<PathBuf> {
    let beside = || repository().join("../shared");
    let directory = std::env::var_os("STELLA_SHARED").map_or_else(beside, PathBuf::from);
    if directory.join("data").is_dir() {
        return Some(directory);
    }
    #[expect(clippy::print_stderr, reason = "a skipped test says so")]
    {
        eprintln!("skipped: ../shared is absent");
    }
    None
}

/// The binary under test, beside the test's own executable.
pub fn binary() -> PathBuf {
    let own = std::env::current_exe().expect("a test has a path");
    let directory = own.ancestors().nth(2).expect("target/PROFILE/deps/TEST");
    let binary = directory.join("stella");
    assert!(binary.is_file(), "{} is missing: run `make build` first", binary.display());
    binary
}

/// A directory with a state directory in it.
pub struct Site {
    directory: tempfile::TempDir,
}

impl Default for Site {
    fn default() -> Self {
        Self::new()
    }
}

impl Site {
    pub fn new() -> Self {
        Self { directory: tempfile::tempdir().expect("a directory") }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn state(&self) -> PathBuf {
        self.path("state")
    }

    /// A command with this site's state directory, and nothing else of the environment that matters.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command
            .args(arguments)
            .current_dir(self.directory.path())
            .env("STELLA_STATE_DIR", self.state())
            .env_remove("SOURCE_DATE_EPOCH")
            .stdin(Stdio::null());
        command
    }

    /// Runs to the end.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        Ran::from(self.command(arguments).output().expect("the binary starts"))
    }

    /// Runs, with this on standard input.
    pub fn pipe(&self, arguments: &[&str], input: &[u8]) -> Ran {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        // A program that does not want its input closes the pipe.
        let _ = child.stdin.take().expect("piped").write_all(input);
        Ran::from(child.wait_with_output().expect("it ends"))
    }

    /// Runs and expects success.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.code, 0, "{arguments:?}: {}{}", ran.stdout, ran.stderr);
        ran.stdout
    }

    /// A vendor: demo keys and the demo data set in this directory.
    pub fn vendor(&self) {
        self.ok(&["kit", "keys", "--out", "keys"]);
        self.dataset("dataset", &["ghsa.jsonl", "pypa.jsonl", "rustsec.jsonl", "kev.json"]);
    }

    /// A data set of some of the demo feeds.
    pub fn dataset(&self, into: &str, feeds: &[&str]) {
        let demo = repository().join("tests/data/demo");
        let paths: Vec<String> = feeds.iter().map(|feed| demo.join(feed).display().to_string()).collect();
        let mut arguments = vec!["feeds", "ingest", "--into", into];
        for (feed, ecosystem) in [("ghsa.jsonl", "npm"), ("pypa.jsonl", "PyPI"), ("rustsec.jsonl", "crates.io")] {
            if feeds.contains(&feed) {
                arguments.extend(["--complete", ecosystem]);
            }
        }
        arguments.extend(paths.iter().map(String::as_str));
        self.ok(&arguments);
    }

    /// Builds a kit of a data set.
    pub fn kit(&self, output: &str, dataset: &str, version: &str) {
        let arguments =
            ["kit", "build", "--keys", "keys", "--dataset", dataset, "--kit-version", version, "--output", output];
        self.ok(&arguments);
    }

    pub fn import(&self, kit: &str) -> Ran {
        self.run(&["kit", "import", kit, "--trust-root", "keys/1.root.json", "--seal-key", "keys/minisign.pub"])
    }

    /// Imports a kit that has less than the active one, and accepts that.
    pub fn import_accepting_loss(&self, kit: &str) {
        let ran = self.import(kit);
        assert_eq!(ran.code, 9, "{}{}", ran.stdout, ran.stderr);
        let pending: serde_json::Value =
            serde_json::from_str(&self.ok(&["kit", "pending", "-f", "json"])).expect("JSON");
        let number = pending.as_array().and_then(|rows| rows.last()).expect("a request")["number"].to_string();
        self.ok(&["kit", "activate", &number, "--accept-loss", "a test"]);
    }

    /// Every file of the state that the active generation rests on, with its content: the
    /// same before and after a refusal.
    pub fn fingerprint(&self) -> Vec<(PathBuf, String)> {
        let mut files = Vec::new();
        for below in ["cas", "generations"] {
            walk(&self.state().join(below), &mut files);
        }
        files.sort();
        files.into_iter().map(|path| (path.clone(), digest_of(&path))).collect()
    }

    /// Files that an import has left in staging.
    pub fn staged(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        walk(&self.state().join("staging"), &mut files);
        files
    }
}

fn walk(directory: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries {
        let path = entry.expect("an entry").path();
        if path.is_dir() { walk(&path, files) } else { files.push(path) }
    }
}

pub fn digest_of(path: &Path) -> String {
    domain::digest::Digest::of(&std::fs::read(path).expect("a file")).to_string()
}

/// How a command ended.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            // None is a signal; no exit code of ours is negative.
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// A running appliance, stopped when dropped.
pub struct Server {
    child: Child,
    pub address: String,
    log: BufReader<std::process::ChildStderr>,
}

impl Server {
    /// Starts on a free port and waits until it listens.
    pub fn start(site: &Site, arguments: &[&str]) -> Self {
        Self::start_logging(site, arguments, "info")
    }

    /// The same with a log of this level.
    pub fn start_logging(site: &Site, arguments: &[&str], level: &str) -> Self {
        let mut all = vec!["serve", "--listen", "127.0.0.1:0"];
        all.extend(arguments);
        let mut child = site
            .command(&all)
            .env("STELLA_LOG", level)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let log = BufReader::new(child.stderr.take().expect("piped"));
        // Owned before anything can fail, so that it is stopped in any case.
        let mut server = Self { child, address: String::new(), log };
        let mut seen = String::new();
        while server.address.is_empty() {
            let mut line = String::new();
            assert!(server.log.read_line(&mut line).expect("a log") > 0, "the server ended: {seen}");
            seen.push_str(&line);
            if let Some((_, url)) = line.split_once("listening on ") {
                url.trim().split("://").nth(1).expect("a URL").clone_into(&mut server.address);
            }
        }
        server
    }

    /// One request over plain HTTP.
    pub fn request(&self, method: &str, target: &str, body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).expect("sent");
        // The server may answer and close before it has read a body that is too large.
        let _ = stream.write_all(body);
        let mut raw = Vec::new();
        let _ = stream.read_to_end(&mut raw);
        Answer::parse(&raw)
    }

    /// The memory that the process holds now.
    pub fn memory_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("Linux");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a number");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as an operator does, and returns what it logged since it listened.
    pub fn stop(mut self) -> (i32, String) {
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().expect("kill");
        let mut log = String::new();
        self.log.read_to_string(&mut log).expect("a log");
        (self.child.wait().expect("it ends").code().unwrap_or(-1), log)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An HTTP answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    fn parse(raw: &[u8]) -> Self {
        let text = String::from_utf8_lossy(raw);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_default();
        let body = if head.to_lowercase().contains("transfer-encoding: chunked") { unchunk(body) } else { body.into() };
        Self { status, head: head.to_owned(), body }
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

fn unchunk(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or_default();
        whole.push_str(rest.get(..size).unwrap_or_default());
        body = rest.get(size + 2..).unwrap_or_default();
    }
    whole
}
