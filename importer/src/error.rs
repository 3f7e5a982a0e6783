//! Why an import did not happen, and who must act.

use domain::digest::Digest;
pub use ouk::error::Blame;
use ouk::error::KitError;
use ouk::site::SiteError;
use serde::{Deserialize, Serialize};
use store::StoreError;

use crate::control::ControlError;

/// Enough to find the place; a record of tens of megabytes must not come back in its own refusal.
const REASON_CHARS_MAX: usize = 400;

/// Every refusal has one stable code, which `docs/kit-format.md` lists.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    Kit(#[from] KitError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{path}: {reason}")]
    SourceKind { path: String, reason: &'static str },
    #[error("{path}: {source}")]
    SourceRead { path: String, source: std::io::Error },
    #[error("the kit has {length} bytes or more, over the limit of {length_max}")]
    TooLarge { length: u64, length_max: u64 },
    #[error("a minisign seal is required and there is none beside the kit")]
    SealMissing,
    #[error("a minisign seal lies beside the kit, but no public key to check it was given")]
    SealKeyMissing,
    #[error("the kit's SHA-256 is {found}, not {expected} as the operator expects")]
    Unexpected { found: Digest, expected: Digest },
    #[error("the kit was signed at {signed_at}, more than two days after the present ({now})")]
    Future { signed_at: String, now: String },
    #[error("{target}: {reason}")]
    Semantic { target: String, reason: String },
    #[error("this is a delta to kit {kit_version}, whose data (content root {content_root}) is not here")]
    BaseMissing { kit_version: u64, content_root: Digest },
    #[error("the content root of the records is {found}, but the kit signs {signed}")]
    ContentRoot { found: Digest, signed: Digest },
    #[error(transparent)]
    Site(#[from] SiteError),
    #[error("the site's root that was given cannot be used: {0}")]
    SiteRoot(#[source] SiteError),
    #[error("the trust root that was given cannot be used: {0}")]
    TrustRoot(#[source] KitError),
    /// What the worker found, word for word.
    #[error(transparent)]
    Found(Refusal),
    #[error(transparent)]
    Control(#[from] ControlError),
    /// The worker ended without an answer. What it was given to read may have done that.
    #[error("the verification worker failed: {message}")]
    Worker { message: String, is_about_the_kit: bool },
    /// The refusal stands, and could not be written down.
    #[error("{cause}; and no record of that could be kept: {failure}")]
    Unrecorded { cause: Box<ImportError>, failure: String },
}

/// An error as it crosses from the worker's process to ours: what it says, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{message}")]
pub struct Refusal {
    pub code: String,
    pub message: String,
    pub blame: Blame,
    pub advice: String,
    pub is_rejection: bool,
}

impl From<&ImportError> for Refusal {
    fn from(error: &ImportError) -> Self {
        Self {
            code: error.code().to_owned(),
            message: error.to_string(),
            blame: error.blame(),
            advice: error.advice().to_owned(),
            is_rejection: error.is_rejection(),
        }
    }
}

impl From<sandbox::WorkerError> for ImportError {
    fn from(error: sandbox::WorkerError) -> Self {
        Self::Worker { message: error.to_string(), is_about_the_kit: error.is_about_the_input() }
    }
}

impl ImportError {
    pub(crate) fn worker(message: impl ToString) -> Self {
        Self::Worker { message: message.to_string(), is_about_the_kit: true }
    }

    pub(crate) fn semantic(target: &str, reason: impl ToString) -> Self {
        // A reader's words quote what it has read: nothing in them may move a terminal or fill a receipt.
        let escape = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
        let reason = reason.to_string().chars().take(REASON_CHARS_MAX).map(escape).collect();
        Self::Semantic { target: target.to_owned(), reason }
    }

    /// The stable code: the type of attack or fault.
    pub fn code(&self) -> &str {
        match self {
            Self::Kit(error) => error.code(),
            Self::Found(refusal) => &refusal.code,
            Self::Store(error) if error.is_out_of_space() => "E-SPACE",
            Self::Store(error) if error.is_read_only() => "E-ROFS",
            Self::Store(StoreError::ImportRunning) => "E-BUSY",
            Self::Store(StoreError::Io { .. }) => "E-IO-STATE",
            Self::Store(StoreError::UnknownPending(_)) => "E-CONTROL-UNKNOWN",
            Self::Store(StoreError::PendingChanged(_) | StoreError::PolicyChanged) => "E-CONTROL-CHANGED",
            Self::Store(StoreError::PendingFull(_)) => "E-CONTROL-FULL",
            Self::Control(error) => error.code(),
            Self::Store(StoreError::ForeignEntry { .. }) => "E-CAS",
            Self::Store(StoreError::StateRolledBack { .. }) => "E-STATE-ROLLED-BACK",
            Self::Store(error) if error.is_about_the_log() => "E-AUDIT",
            Self::Store(_) => "E-STATE",
            Self::SourceKind { .. } => "E-IO-KIND",
            Self::SourceRead { .. } => "E-IO-READ",
            Self::TooLarge { .. } => "E-LIMIT",
            Self::SealMissing | Self::SealKeyMissing => "E-SEAL",
            Self::Unexpected { .. } => "E-EXPECT",
            Self::Future { .. } => "E-FUTURE",
            Self::Semantic { .. } => "E-SEM",
            Self::BaseMissing { .. } => "E-INCOMPLETE",
            Self::ContentRoot { .. } => "E-SEM-ROOT",
            Self::TrustRoot(error) => error.code(),
            Self::Site(error) | Self::SiteRoot(error) => error.code(),
            Self::Worker { .. } => "E-WORKER",
            Self::Unrecorded { cause, .. } => cause.code(),
        }
    }

    /// Who must act.
    pub fn blame(&self) -> Blame {
        match self {
            Self::BaseMissing { .. } => Blame::Operator,
            Self::Kit(error) => error.blame(),
            Self::Found(refusal) => refusal.blame,
            Self::Control(error) => error.blame(),
            Self::Site(error) => error.blame(),
            Self::Store(_) | Self::SourceRead { .. } | Self::TrustRoot(_) | Self::SiteRoot(_) => Blame::Operator,
            Self::SourceKind { .. } | Self::SealMissing | Self::SealKeyMissing | Self::Unexpected { .. } => {
                Blame::Operator
            }
            Self::TooLarge { .. } | Self::Future { .. } | Self::Semantic { .. } | Self::ContentRoot { .. } => {
                Blame::Kit
            }
            Self::Worker { .. } => Blame::Us,
            Self::Unrecorded { cause, .. } => cause.blame(),
        }
    }

    /// Is the kit itself refused? Otherwise the import could not be carried out.
    pub fn is_rejection(&self) -> bool {
        match self {
            // Our state, our copy of the kit and our calls are not the kit's fault.
            Self::Kit(error) => !matches!(error, KitError::State(_) | KitError::Io(_) | KitError::Caller(_)),
            Self::Site(SiteError::Metadata(error)) => {
                !matches!(error, KitError::State(_) | KitError::Io(_) | KitError::Caller(_))
            }
            Self::Site(error) => !matches!(error, SiteError::Keys(_) | SiteError::Compress(_)),
            Self::Unrecorded { cause, .. } => cause.is_rejection(),
            Self::Found(refusal) => refusal.is_rejection,
            Self::TooLarge { .. }
            | Self::SealMissing
            | Self::SealKeyMissing
            | Self::Unexpected { .. }
            | Self::Future { .. }
            | Self::Semantic { .. }
            | Self::BaseMissing { .. }
            | Self::ContentRoot { .. }
            | Self::SourceKind { .. } => true,
            Self::Store(_) | Self::SourceRead { .. } | Self::TrustRoot(_) | Self::SiteRoot(_) | Self::Control(_) => {
                false
            }
            Self::Worker { is_about_the_kit, .. } => *is_about_the_kit,
        }
    }

    /// What to do next.
    pub fn advice(&self) -> &str {
        match self {
            Self::BaseMissing { .. } => "import the kit that it builds on first, or a full kit",
            Self::Kit(error) => error.advice(),
            Self::Found(refusal) => &refusal.advice,
            Self::Store(error) if error.is_out_of_space() => {
                "free space on the state directory's file system and import again; nothing was lost"
            }
            Self::Store(error) if error.is_read_only() => {
                "the active generation keeps serving; find out why the file system takes no writes (see the kernel's log, and \
                 the disk), then import again"
            }
            Self::Store(StoreError::NoTrustRoot) => {
                "get the vendor's 1.root.json by a way you trust and give it with --trust-root"
            }
            Self::Store(StoreError::TrustRootPinned) => {
                "leave --trust-root out, or give the root that was pinned; see docs/runbooks/recovery.md to change it"
            }
            Self::Store(StoreError::ImportRunning) => "wait for the other import to end, then try again",
            Self::Store(StoreError::ForeignEntry { .. }) => {
                "find out who writes to the state directory, remove the entry and import again"
            }
            Self::Store(error) if error.is_about_the_log() => {
                "nothing was changed; see docs/audit-log.md, and `stella admin audit verify`"
            }
            Self::Store(error) if error.may_be_in_force() => {
                "look at `stella kit status` before you try again, and see to the disk"
            }
            Self::Store(StoreError::UnknownPending(_)) => {
                "it was carried out, withdrawn, or has expired: see the receipts"
            }
            Self::Store(StoreError::PendingChanged(_) | StoreError::PolicyChanged) => {
                "somebody else acted at the same time: look at `stella kit pending` and try again"
            }
            Self::Store(StoreError::PendingFull(_)) => "activate or withdraw one of `stella kit pending` first",
            Self::Control(error) => error.advice(),
            Self::Store(_) => "see docs/runbooks/recovery.md; the active generation keeps serving",
            Self::SourceKind { .. } => "give the path of the kit file itself",
            Self::SourceRead { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                "check the path; is the medium mounted?"
            }
            Self::SourceRead { .. } => "the medium may be failing: copy the kit again and check its SHA-256",
            Self::TooLarge { .. } => "ask the vendor for a smaller kit, or raise the limit knowingly",
            Self::SealMissing => "copy the .minisig file beside the kit, or allow kits without a seal",
            Self::SealKeyMissing => "give the vendor's minisign public key with --seal-key",
            Self::Unexpected { .. } => "compare the digest with the vendor's release note; do not import this file",
            Self::Future { .. } => "check this machine's clock; if it is right, do not trust the kit",
            Self::Semantic { .. } | Self::ContentRoot { .. } => {
                "the kit is signed but its content is wrong: report it to the vendor, keep the present data"
            }
            Self::Site(error) => error.advice(),
            Self::SiteRoot(_) => {
                "give the site's root file, such as 1.root.json of `stella admin site-root init`, unchanged"
            }
            Self::TrustRoot(_) => "give the vendor's root metadata file, such as 1.root.json, unchanged",
            Self::Unrecorded { cause, .. } => cause.advice(),
            Self::Worker { is_about_the_kit: false, .. } => {
                "the machine could not run the worker: see its memory and process limits, then import again"
            }
            Self::Worker { .. } => "this is a defect of stella: report it with the quarantined kit",
        }
    }
}
