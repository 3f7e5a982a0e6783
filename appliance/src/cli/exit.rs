//! Exit codes, and what an error says on its way out. The only place that maps one to the other.

use std::io::Write;
use std::process::ExitCode;

use importer::ImportError;
use importer::control::ControlError;
use policy::Outcome;
use store::StoreError;

const LOG_ADVICE: &str = "see docs/audit-log.md; nothing more is signed before this is settled, and scans go on";

/// The meaning of an exit code; listed in `docs/cli.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Clean,
    Findings,
    /// A gate that the caller gave another number with `--exit-code`.
    Chosen(u8),
    Usage,
    Runtime,
    Indeterminate,
    Data,
    KitRejected,
    /// Others must approve first, or this person may not.
    Approval,
    /// The kit waits, because it has suspiciously less than the active data.
    Held,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Clean => 0,
            Exit::Findings => 1,
            Exit::Chosen(code) => code,
            Exit::Usage => 2,
            Exit::Runtime => 3,
            Exit::Indeterminate => 4,
            Exit::Data => 5,
            Exit::KitRejected => 6,
            Exit::Approval => 7,
            Exit::Held => 9,
        })
    }
}

impl From<Outcome> for Exit {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Pass => Self::Clean,
            Outcome::Fail => Self::Findings,
            Outcome::Indeterminate => Self::Indeterminate,
        }
    }
}

/// A mistake in what was typed that the argument parser cannot see.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UsageError(pub(crate) String);

/// Writes the error and what to do next to stderr; says how the process ends.
pub(crate) fn explain(error: &anyhow::Error) -> Exit {
    let mut stderr = std::io::stderr().lock();
    if error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe) {
        return Exit::Clean;
    }
    let (exit, code, advice) = classify(error);
    let code = code.map(|code| format!(" [{code}]")).unwrap_or_default();
    // Standard error may be closed; there is nobody left to tell then.
    let _ = writeln!(stderr, "error{code}: {}", sentence(error));
    if let Some(advice) = advice {
        let _ = writeln!(stderr, "  next: {advice}");
    }
    exit
}

/// The chain of causes as one sentence. Some errors repeat their cause in their own words; that is said once.
fn sentence(error: &anyhow::Error) -> String {
    let mut sentence = String::new();
    for cause in error.chain().map(ToString::to_string).filter(|cause| !cause.is_empty()) {
        if sentence.is_empty() {
            sentence = cause;
        } else if !sentence.contains(&cause) {
            sentence = format!("{sentence}: {cause}");
        }
    }
    sentence
}

fn classify(error: &anyhow::Error) -> (Exit, Option<&str>, Option<&str>) {
    if let Some(error) = error.downcast_ref::<ImportError>() {
        let exit = match error {
            ImportError::Control(ControlError::Loss { .. }) => Exit::Held,
            ImportError::Control(_) => Exit::Approval,
            error if error.is_rejection() => Exit::KitRejected,
            _ => Exit::Runtime,
        };
        return (exit, Some(error.code()), Some(error.advice()));
    }
    if let Some(error) = error.downcast_ref::<ouk::error::KitError>() {
        return (Exit::KitRejected, Some(error.code()), Some(error.advice()));
    }
    if let Some(error) = error.downcast_ref::<ControlError>() {
        return (Exit::Approval, Some(error.code()), Some(error.advice()));
    }
    if let Some(error) = error.downcast_ref::<ouk::site::SiteError>() {
        return (Exit::Runtime, Some(error.code()), Some(error.advice()));
    }
    if let Some(error) = error.downcast_ref::<attest::AttestError>() {
        return (Exit::Runtime, Some(error.code()), Some(error.advice()));
    }
    if let Some(error) = error.downcast_ref::<ouk::tokens::TokenError>() {
        return (Exit::Runtime, Some(error.code()), Some(error.advice()));
    }
    if error.downcast_ref::<UsageError>().is_some() {
        return (Exit::Usage, None, None);
    }
    let store = error.downcast_ref::<StoreError>().or_else(|| match error.downcast_ref::<crate::scan::ScanError>() {
        Some(crate::scan::ScanError::Store(error)) => Some(error),
        _ => None,
    });
    match store {
        Some(StoreError::Evidence(error)) => (Exit::Runtime, Some(error.code()), Some(error.advice())),
        Some(error) if error.is_about_the_log() => (Exit::Runtime, Some("E-AUDIT"), Some(LOG_ADVICE)),
        Some(StoreError::NoGeneration) => (Exit::Data, None, None),
        Some(StoreError::SiteName(_) | StoreError::SiteNamed { .. }) => (Exit::Usage, None, None),
        Some(StoreError::UnknownGeneration(_) | StoreError::DamagedGeneration(_)) => (Exit::Data, None, None),
        _ => (Exit::Runtime, None, None),
    }
}
