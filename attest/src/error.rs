//! Why evidence is refused, or cannot be made.

/// Who must act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Blame {
    /// The document is damaged, forged or not for us: who handed it in must act.
    Document,
    /// The keys or the rules that somebody configured.
    Operator,
    /// The audit log on this machine is no longer the one that was signed.
    Log,
    /// The program that called this room broke its contract.
    Caller,
}

/// Refused evidence. [`AttestError::code`] is a stable word for logs, alerts and manuals.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttestError {
    #[error("{what}: {found} is over the limit of {max}")]
    Limit { what: &'static str, found: u64, max: u64 },

    #[error("the {purpose} key cannot be read: {reason}")]
    Key { purpose: &'static str, reason: String },
    #[error("the {purpose} key is of small order or has a second spelling: anyone could sign with it")]
    WeakKey { purpose: &'static str },
    #[error("one key is used both as {first} key and as {second} key")]
    SharedKey { first: &'static str, second: &'static str },

    #[error("not a DSSE envelope: {0}")]
    Envelope(String),
    #[error("the envelope holds {found}, not {expected}")]
    PayloadType { found: String, expected: &'static str },
    #[error("{found} valid signatures of distinct keys, {threshold} are needed")]
    Threshold { found: usize, threshold: usize },
    #[error("a threshold of {threshold} signatures cannot be asked of {keys} distinct keys")]
    Policy { threshold: usize, keys: usize },
    #[error("not a statement of this kind: {0}")]
    Statement(String),

    #[error("not a signed note: {0}")]
    Note(&'static str),
    #[error("the signature of {name} on the note is invalid")]
    NoteSignature { name: String },
    #[error("the note carries no signature of a trusted key")]
    NoteUnsigned,
    #[error("not a checkpoint of this log: {0}")]
    Checkpoint(&'static str),

    #[error("{path}: {reason}")]
    Tile { path: String, reason: &'static str },
    #[error("the tiles of the log at size {size} do not hash to the root that was signed")]
    Fork { size: u64 },
    #[error("{what} {index} lies outside of a log of {size} entries")]
    Range { what: &'static str, index: u64, size: u64 },
    #[error("the log proof is invalid: {0}")]
    Proof(&'static str),
}

impl AttestError {
    /// A stable word for the kind of failure.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Limit { .. } => "E-LIMIT",
            Self::Key { .. } => "E-KEY",
            Self::WeakKey { .. } => "E-KEY-WEAK",
            Self::SharedKey { .. } => "E-KEY-SHARED",
            Self::Envelope(_) => "E-DSSE",
            Self::PayloadType { .. } => "E-DSSE-TYPE",
            Self::Threshold { found: 0, .. } => "E-DSSE-SIG",
            Self::Threshold { .. } => "E-DSSE-THRESHOLD",
            Self::Policy { .. } => "E-DSSE-POLICY",
            Self::Statement(_) => "E-STATEMENT",
            Self::Note(_) => "E-NOTE",
            Self::NoteSignature { .. } => "E-NOTE-SIG",
            Self::NoteUnsigned => "E-NOTE-UNSIGNED",
            Self::Checkpoint(_) => "E-CHECKPOINT",
            Self::Tile { .. } => "E-LOG-TILE",
            Self::Fork { .. } => "E-LOG-FORK",
            Self::Range { .. } => "E-LOG-RANGE",
            Self::Proof(_) => "E-LOG-PROOF",
        }
    }

    pub fn blame(&self) -> Blame {
        match self {
            Self::Limit { .. }
            | Self::Envelope(_)
            | Self::PayloadType { .. }
            | Self::Threshold { .. }
            | Self::Statement(_)
            | Self::Note(_)
            | Self::NoteSignature { .. }
            | Self::NoteUnsigned
            | Self::Checkpoint(_)
            | Self::Proof(_) => Blame::Document,
            Self::Key { .. } | Self::WeakKey { .. } | Self::SharedKey { .. } | Self::Policy { .. } => Blame::Operator,
            Self::Tile { .. } | Self::Fork { .. } => Blame::Log,
            Self::Range { .. } => Blame::Caller,
        }
    }

    /// What to do about it.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Limit { .. } => "no evidence of ours is this big: do not trust it, ask who handed it in",
            Self::Key { .. } | Self::WeakKey { .. } => "restore the key file from its backup, or make a new key",
            Self::SharedKey { .. } => "each purpose has its own key: make a new one for one of the two",
            Self::Policy { .. } => "set a threshold of at least one and at most the number of keys",
            Self::Envelope(_) | Self::Statement(_) | Self::Note(_) | Self::Checkpoint(_) => {
                "the file is damaged or of another kind: get it again from where it was made"
            }
            Self::PayloadType { .. } => "this document was made for another use: get the one that is meant",
            Self::Threshold { .. } | Self::NoteSignature { .. } | Self::NoteUnsigned => {
                "treat it as forged unless the trusted key is the wrong one: compare the key with its owner"
            }
            Self::Proof(_) => "the proof does not belong to this entry and checkpoint: export it again",
            Self::Tile { .. } | Self::Fork { .. } => {
                "the audit log was changed or damaged: keep the disk as evidence, compare it with an exported checkpoint"
            }
            Self::Range { .. } => {
                "ask for an entry that the log has; if no one typed the number, report this as a defect"
            }
        }
    }
}
