//! Why an import did not happen, and who must act.

use domain::digest::Digest;
pub use ouk::error::Blame;
use ouk::error::KitError;
use ouk::site::SiteError;
use ouk::tokens::TokenError;
use serde::{Deserialize, Serialize};
use store::StoreError;

use crate::control::ControlError;

/// Enough to find the place; a record of tens of megabytes must not come back in its own refusal.
const REASON_CHARS_MAX: usize = 400;
/// What is missing is listed, up to what fits a screen.
const DIGESTS_TOLD_MAX: usize = 16;

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
    #[error("{} of the base are missing or damaged: {}", blobs(.0.len()), listed(.0))]
    BaseIncomplete(Vec<Digest>),
    #[error("the delta changes {length} bytes of records, over the limit of {length_max}")]
    DeltaTooLarge { length: u64, length_max: u64 },
    #[error("the content root of the records is {found}, but the kit signs {signed}")]
    ContentRoot { found: Digest, signed: Digest },
    /// The key list, the token list or the revocation list. A single token that is wrong is a warning.
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error("the vendor has withdrawn {what} (revocation list {serial})")]
    Withdrawn { what: String, serial: u64 },
    #[error("no token can name this site: {0}")]
    SiteName(String),
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
            Self::Store(StoreError::PackageTooLarge { .. }) => "E-LIMIT",
            Self::Store(error) if error.is_read_only() => "E-ROFS",
            Self::Store(StoreError::ImportRunning) => "E-BUSY",
            Self::Store(StoreError::Io { .. }) => "E-IO-STATE",
            Self::Store(StoreError::UnknownPending(_)) => "E-CONTROL-UNKNOWN",
            Self::Store(StoreError::PendingChanged(_) | StoreError::PolicyChanged) => "E-CONTROL-CHANGED",
            Self::Store(StoreError::PendingFull(_)) => "E-CONTROL-FULL",
            Self::Store(StoreError::UnknownSet(_)) => "E-SET-UNKNOWN",
            Self::Store(StoreError::SetsFull { .. }) => "E-SETS-FULL",
            Self::Control(error) => error.code(),
            Self::Store(StoreError::ForeignEntry { .. }) => "E-CAS",
            Self::Store(StoreError::StateRolledBack { .. }) => "E-STATE-ROLLED-BACK",
            Self::Store(error) if error.is_about_the_log() => "E-AUDIT",
            Self::Store(_) => "E-STATE",
            Self::SourceKind { .. } => "E-IO-KIND",
            Self::SourceRead { .. } => "E-IO-READ",
            Self::TooLarge { .. } | Self::DeltaTooLarge { .. } => "E-LIMIT",
            Self::SealMissing | Self::SealKeyMissing => "E-SEAL",
            Self::Unexpected { .. } => "E-EXPECT",
            Self::Future { .. } => "E-FUTURE",
            Self::Semantic { .. } => "E-SEM",
            Self::BaseMissing { .. } | Self::BaseIncomplete(_) => "E-INCOMPLETE",
            Self::ContentRoot { .. } => "E-SEM-ROOT",
            Self::TrustRoot(error) => error.code(),
            Self::Token(error) => error.code(),
            Self::Withdrawn { .. } => "E-GATE-REVOKED",
            Self::SiteName(_) => "E-SITE-NAME",
            Self::Site(error) | Self::SiteRoot(error) => error.code(),
            Self::Worker { .. } => "E-WORKER",
            Self::Unrecorded { cause, .. } => cause.code(),
        }
    }

    /// Who must act.
    pub fn blame(&self) -> Blame {
        match self {
            Self::BaseMissing { .. } | Self::BaseIncomplete(_) => Blame::Operator,
            Self::DeltaTooLarge { .. } | Self::Store(StoreError::PackageTooLarge { .. }) => Blame::Kit,
            Self::Kit(error) => error.blame(),
            Self::Found(refusal) => refusal.blame,
            Self::Control(error) => error.blame(),
            Self::Site(error) => error.blame(),
            Self::Token(error) => error.blame(),
            Self::Withdrawn { .. } => Blame::Kit,
            Self::Store(_) | Self::SourceRead { .. } | Self::TrustRoot(_) | Self::SiteRoot(_) => Blame::Operator,
            Self::SourceKind { .. }
            | Self::SealMissing
            | Self::SealKeyMissing
            | Self::Unexpected { .. }
            | Self::SiteName(_) => Blame::Operator,
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
            Self::Token(error) => !matches!(error, TokenError::Signer),
            Self::Unrecorded { cause, .. } => cause.is_rejection(),
            Self::Found(refusal) => refusal.is_rejection,
            Self::TooLarge { .. }
            | Self::SealMissing
            | Self::SealKeyMissing
            | Self::Unexpected { .. }
            | Self::Future { .. }
            | Self::Semantic { .. }
            | Self::BaseMissing { .. }
            | Self::BaseIncomplete(_)
            | Self::DeltaTooLarge { .. }
            | Self::Store(StoreError::PackageTooLarge { .. })
            | Self::ContentRoot { .. }
            | Self::Withdrawn { .. }
            | Self::SourceKind { .. } => true,
            Self::Store(_)
            | Self::SourceRead { .. }
            | Self::TrustRoot(_)
            | Self::SiteRoot(_)
            | Self::SiteName(_)
            | Self::Control(_) => false,
            Self::Worker { is_about_the_kit, .. } => *is_about_the_kit,
        }
    }

    /// What to do next.
    pub fn advice(&self) -> &str {
        match self {
            Self::BaseMissing { .. } => "import the kit that it builds on first, or a full kit",
            Self::BaseIncomplete(_) => {
                "import a full kit, which brings them all; or the kit of the base again, and then the delta"
            }
            Self::Kit(error) => error.advice(),
            Self::Found(refusal) => &refusal.advice,
            Self::Control(error) => error.advice(),
            Self::Store(error) => store_advice(error),
            Self::SourceKind { .. } => "give the path of the kit file itself",
            Self::SourceRead { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                "check the path; is the medium mounted?"
            }
            Self::SourceRead { .. } => "the medium may be failing: copy the kit again and check its SHA-256",
            Self::DeltaTooLarge { .. } => "import the vendor's full kit of this version instead",
            Self::TooLarge { .. } => "ask the vendor for a smaller kit, or raise the limit knowingly",
            Self::SealMissing => "copy the .minisig file beside the kit, or allow kits without a seal",
            Self::SealKeyMissing => "give the vendor's minisign public key with --seal-key",
            Self::Unexpected { .. } => "compare the digest with the vendor's release note; do not import this file",
            Self::Future { .. } => "check this machine's clock; if it is right, do not trust the kit",
            Self::Semantic { .. } | Self::ContentRoot { .. } => {
                "the kit is signed but its content is wrong: report it to the vendor, keep the present data"
            }
            Self::Token(error) => error.advice(),
            Self::Withdrawn { .. } => {
                "do not use it: get the newest full kit, and scan again what was judged by the withdrawn data"
            }
            Self::SiteName(_) => "tokens need a site whose name has lower-case letters, digits, dots and hyphens only",
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

/// What to do about the state or its disk.
fn store_advice(error: &StoreError) -> &'static str {
    match error {
        error if error.is_out_of_space() => {
            "free space on the state directory's file system and import again; nothing was lost"
        }
        error if error.is_read_only() => {
            "the active generation keeps serving; find out why the file system takes no writes (see the kernel's log, and \
             the disk), then import again"
        }
        StoreError::NoTrustRoot => "get the vendor's 1.root.json by a way you trust and give it with --trust-root",
        StoreError::TrustRootPinned => {
            "leave --trust-root out, or give the root that was pinned; see docs/runbooks/recovery.md to change it"
        }
        StoreError::PackageTooLarge { .. } => {
            "the kit is signed but no data set looks like that: report it to the vendor, keep the present data"
        }
        StoreError::ImportRunning => "wait for the other import to end, then try again",
        StoreError::ForeignEntry { .. } => {
            "find out who writes to the state directory, remove the entry and import again"
        }
        error if error.is_about_the_log() => {
            "nothing was changed; see docs/audit-log.md, and `stella admin audit verify`"
        }
        error if error.may_be_in_force() => "look at `stella kit status` before you try again, and see to the disk",
        StoreError::UnknownPending(_) => "it was carried out, withdrawn, or has expired: see the receipts",
        StoreError::PendingChanged(_) | StoreError::PolicyChanged => {
            "somebody else acted at the same time: look at `stella kit pending` and try again"
        }
        StoreError::UnknownSet(_) => "it was finished, given up, or has expired: see the audit log",
        StoreError::SetsFull { .. } => {
            "import the missing parts of another kit, or give one up: `stella kit status`, `stella kit discard`"
        }
        StoreError::PendingFull(_) => "activate or withdraw one of `stella kit pending` first",
        _ => "see docs/runbooks/recovery.md; the active generation keeps serving",
    }
}

fn blobs(count: usize) -> String {
    if count == 1 { "1 blob".to_owned() } else { format!("{count} blobs") }
}

/// All of them, as far as somebody reads.
fn listed(digests: &[Digest]) -> String {
    let mut listed: Vec<String> = digests.iter().take(DIGESTS_TOLD_MAX).map(ToString::to_string).collect();
    if digests.len() > DIGESTS_TOLD_MAX {
        listed.push(format!("and {} more", digests.len() - DIGESTS_TOLD_MAX));
    }
    listed.join(", ")
}
