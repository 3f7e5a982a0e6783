//! H02, H03, H04 of the hardening list, and a parent that survives every worker.
//!
//! This program is its own worker, as the appliance is: started with `probe` it confines itself and
//! tries one thing. So it brings its own `main`, and a small runner in place of the standard one.

mod endings;
mod probe;
mod walls;
mod work;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use probe::{Job, Said, Wall};
use sandbox::{Confinement, Input, Level, Limits, OutputLimits, Spec, Worker, WorkerError};

/// A test and what it shows.
pub(crate) type Test = (&'static str, fn());

/// Far more than any probe needs: it is met only when something hangs that must not.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) const LIMITS: Limits = Limits {
    memory_bytes: 256 << 20,
    address_space_bytes: 8 << 30,
    cpu_seconds: 60,
    file_bytes: 8 << 20,
    open_files: 64,
};

pub(crate) const OUTPUT: OutputLimits =
    OutputLimits { line_bytes_max: 64 << 10, total_bytes_max: 1 << 20, stderr_bytes_max: 4 << 10 };

#[expect(clippy::print_stdout, reason = "the runner's own report")]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|verb| verb == "probe") {
        return probe::run();
    }
    let wanted: Vec<_> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let tests = [walls::TESTS, endings::TESTS, work::TESTS].concat();
    let chosen = tests.iter().filter(|(name, _)| wanted.iter().all(|wanted| name.contains(wanted.as_str())));
    let mut failed = 0;
    for (name, test) in chosen {
        let passed = std::panic::catch_unwind(test).is_ok();
        println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
        failed += usize::from(!passed);
    }
    ExitCode::from(u8::from(failed > 0))
}

/// A folder with what a worker may read and change, and what it may not.
pub(crate) struct Site(tempfile::TempDir);

impl Site {
    pub(crate) fn new() -> Self {
        let site = Self(tempfile::tempdir().expect("a folder"));
        for folder in ["readable", "state", "state/staging", "state/cas", "outside"] {
            std::fs::create_dir(site.path().join(folder)).expect("a folder");
        }
        for file in ["readable/kit", "outside/secret", "state/own"] {
            std::fs::write(site.path().join(file), "content").expect("a file");
        }
        site
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn confinement(&self) -> Confinement {
        let at = |folder| self.path().join(folder);
        Confinement {
            read_only: vec![at("readable")],
            read_write: vec![at("state")],
            limits: LIMITS,
            level: Level::Required,
        }
    }

    /// Tries `what` behind all walls but one.
    pub(crate) fn probe(&self, what: &str, without: Option<Wall>) -> Result<Said, WorkerError> {
        self.probe_with(what, without, self.confinement(), PATIENCE)
    }

    pub(crate) fn probe_with(
        &self,
        what: &str,
        without: Option<Wall>,
        confinement: Confinement,
        deadline: Duration,
    ) -> Result<Said, WorkerError> {
        self.start(what, without, confinement).wait(deadline, |_: u32| ())
    }

    pub(crate) fn start(&self, what: &str, without: Option<Wall>, confinement: Confinement) -> Worker {
        let job = Job { what: what.to_owned(), without, confinement };
        let spec = Spec {
            arguments: vec![OsString::from("probe")],
            directory: self.path().join("state"),
            input: Input::Bytes(serde_json::to_vec(&job).expect("a job is JSON")),
            output: OUTPUT,
        };
        Worker::start(spec).expect("this program can be started")
    }
}
