//! Why a worker could not be confined, and every way in which one can end.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// The worker must not go on.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// Landlock binds one thread; another would stay free.
    #[error("the worker has {0} threads already; it must confine itself before it starts any")]
    Threads(usize),
    #[error("descriptor {descriptor} was inherited and is a socket ({target}); close it or mark it close-on-exec")]
    Inherited { descriptor: i32, target: String },
    #[error("{path}: {source}")]
    Path { path: PathBuf, source: std::io::Error },
    #[error("the limit on {what} cannot be set: {source}")]
    Limit { what: &'static str, source: std::io::Error },
    #[error("{what} cannot be set: {source}")]
    Process { what: &'static str, source: std::io::Error },
    #[error("Landlock cannot confine this process: {0}")]
    Files(#[source] landlock::RulesetError),
    #[error("seccomp cannot confine this process: {0}")]
    Calls(#[source] seccompiler::Error),
}

/// How a worker ended without a result. The parent goes on.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    #[error("the worker could not be started: {0}")]
    Start(#[source] std::io::Error),
    #[error("the worker had no result after {} seconds and was stopped{said}", .deadline.as_secs())]
    Deadline { deadline: Duration, said: Said },
    #[error("the worker was ended by {name} ({meaning}){said}")]
    Signal { name: String, meaning: &'static str, said: Said },
    #[error("the worker panicked{said}")]
    Panicked { said: Said },
    #[error("the worker ended with exit code {code}{said}")]
    Exit { code: i32, said: Said },
    #[error("the worker ended without a result{said}")]
    NoResult { said: Said },
    #[error("the worker's message {number} cannot be read ({reason}){said}")]
    Garbage { number: u64, reason: String, said: Said },
    #[error("the worker wrote more than {bytes_max} bytes of {what}{said}")]
    TooMuch { what: &'static str, bytes_max: u64, said: Said },
    #[error("the worker's messages cannot be read: {0}")]
    Read(#[source] std::io::Error),
}

impl WorkerError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        "E-WORKER"
    }

    /// Did the worker end over what it was given to read? Otherwise this machine could not run one.
    pub fn is_about_the_input(&self) -> bool {
        !matches!(self, Self::Start(_) | Self::Read(_))
    }
}

/// The beginning of what the worker wrote to standard error: a hint for people, never evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said(String);

impl Said {
    /// A worker that was taken over writes what it likes, so nothing that moves a terminal gets through.
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        Self(text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect())
    }

    pub fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, "; it said: {}", self.0) }
    }
}
