//! Why a kit is refused.
//!
//! Each variant names the object at fault, and [`KitError::code`] gives the type of attack
//! or damage as a stable word for receipts, alerts and manuals. The table of codes stands
//! in `docs/kit-format.md`; a test compares the two.

use domain::digest::Digest;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Who must act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Blame {
    /// The kit is damaged, forged or wrong: its maker must act.
    Kit,
    /// The kit is sound, but does not fit this site as it stands.
    Operator,
    /// The program that called this room broke its contract.
    Caller,
    /// The remembered state, or this program.
    Us,
}

/// A refused kit.
#[derive(Debug, thiserror::Error)]
pub enum KitError {
    #[error("the minisign seal {0}")]
    Seal(String),
    #[error("reading the kit failed: {0}")]
    Io(#[source] std::io::Error),

    #[error("{place}: {reason}")]
    Frame { place: String, reason: &'static str },
    #[error("{place}: the kit ends too early")]
    Truncated { place: String },
    #[error("{place}: bytes follow where nothing may follow")]
    Trailing { place: String },
    #[error("{what}: {found} is over the limit of {max}")]
    Limit { what: String, found: u64, max: u64 },
    #[error("{place}: the zstd window has {found} bytes, over the limit of {max}")]
    Window { place: String, found: u64, max: u64 },

    #[error("the name {name} {reason}")]
    Name { name: String, reason: &'static str },
    #[error("{entry}: entry type {typeflag} where only regular files may be")]
    EntryType { entry: String, typeflag: String },
    #[error("{entry}: extension header of type {typeflag}")]
    Extension { entry: String, typeflag: String },
    #[error("{entry}: occurs twice")]
    Duplicate { entry: String },
    #[error("{entry}: {reason}")]
    Order { entry: String, reason: &'static str },
    #[error("{entry}: {reason}")]
    Size { entry: String, reason: &'static str },
    #[error("{entry}: {reason}")]
    Header { entry: String, reason: &'static str },
    #[error("{entry}: bytes that must be zero are not")]
    Padding { entry: String },
    #[error("{0}")]
    End(&'static str),
    #[error("{entry}: nothing that is signed refers to it")]
    Extra { entry: String },
    #[error("{count} signed parts are missing, the first is {first}")]
    Incomplete { first: String, count: usize },
    #[error("{what}: its SHA-256 is {found}, not {expected} as signed")]
    Digest { what: String, expected: Digest, found: Digest },

    #[error("{file}: not canonical JSON: {reason}")]
    Json { file: String, reason: String },
    #[error("{file}: {reason}")]
    Schema { file: String, reason: String },
    #[error("{file}: key {key} {reason}")]
    Algorithm { file: String, key: String, reason: String },

    #[error("{role}: no valid signature of this role's keys{hint}")]
    Signature { role: String, hint: &'static str },
    #[error("{role}: {found} valid signatures of distinct keys, {threshold} are needed")]
    Threshold { role: String, found: usize, threshold: usize },
    #[error("{role}: key {key} signs twice")]
    RepeatedSignature { role: String, key: String },
    #[error("root {name} says that it is version {found}")]
    RootVersion { name: u64, found: u64 },
    #[error("the chain of roots lacks version {missing}")]
    RootGap { missing: u64 },
    #[error("the kit ends at root {found}, older than the trusted root {trusted}")]
    RootOld { found: u64, trusted: u64 },
    #[error("{role}: version {found} is older than {floor}, which was accepted before")]
    Rollback { role: String, found: u64, floor: u64 },
    #[error("{role}: version {version} was accepted before with other content")]
    Equivocation { role: String, version: u64 },
    #[error("{role}: expired at {expires}, and it is {now}")]
    Expired { role: String, expires: Timestamp, now: Timestamp },
    #[error("snapshot: the role {role}, which was accepted before, is no longer listed")]
    Removed { role: String },
    #[error("{file}: {reason}; parts of two kits are mixed")]
    Mix { file: String, reason: String },
    #[error("the role {role} {reason}")]
    Delegation { role: String, reason: String },
    #[error("{role} may not sign {path}: {reason}")]
    Scope { role: String, path: String, reason: &'static str },

    #[error("the kit is for the product {found}, this is {expected}")]
    GateProduct { found: String, expected: String },
    #[error("the kit is of the channel {found}, this site takes {expected}")]
    GateChannel { found: String, expected: String },
    #[error("the kit needs appliance version {needed} or newer, this is {present}")]
    GateVersion { needed: String, present: String },
    #[error("{path} has schema {found}, this appliance reads up to {max}")]
    GateSchema { path: String, found: u32, max: u32 },

    #[error("the remembered trust is damaged: {0}")]
    State(String),
    #[error("{0}")]
    Caller(&'static str),
}

impl KitError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Seal(_) => "E-SEAL",
            Self::Io(_) => "E-IO-READ",
            Self::Frame { .. } => "E-FRAME",
            Self::Truncated { .. } => "E-TRUNC",
            Self::Trailing { .. } => "E-TRAIL",
            Self::Limit { .. } => "E-LIMIT",
            Self::Window { .. } => "E-WINDOW",
            Self::Name { .. } => "E-NAME",
            Self::EntryType { .. } => "E-TYPE",
            Self::Extension { .. } => "E-EXT",
            Self::Duplicate { .. } => "E-DUP",
            Self::Order { .. } => "E-ORDER",
            Self::Size { .. } => "E-SIZE",
            Self::Header { .. } => "E-HDR",
            Self::Padding { .. } => "E-PAD",
            Self::End(_) => "E-END",
            Self::Extra { .. } => "E-EXTRA",
            Self::Incomplete { .. } => "E-INCOMPLETE",
            Self::Digest { .. } => "E-DIGEST",
            Self::Json { .. } => "E-JSON",
            Self::Schema { .. } => "E-SCHEMA",
            Self::Algorithm { .. } => "E-ALG",
            Self::Signature { role, .. } => by_role(role, ["E-ROOT-SIG", "E-TS-SIG", "E-SNAP-SIG", "E-TGT-SIG"]),
            Self::Threshold { .. } | Self::RepeatedSignature { .. } => "E-THRESHOLD",
            Self::RootVersion { .. } => "E-ROOT-VERSION",
            Self::RootGap { .. } => "E-ROOT-GAP",
            Self::RootOld { .. } => "E-ROOT-OLD",
            Self::Rollback { role, .. } => {
                by_role(role, ["E-ROOT-OLD", "E-TS-ROLLBACK", "E-SNAP-ROLLBACK", "E-TGT-ROLLBACK"])
            }
            Self::Equivocation { role, .. } => {
                by_role(role, ["E-ROOT-SIG", "E-TS-EQUIVOCATION", "E-SNAP-EQUIVOCATION", "E-TGT-EQUIVOCATION"])
            }
            Self::Expired { role, .. } => by_role(role, ["E-EXPIRED", "E-TS-EXPIRED", "E-EXPIRED", "E-EXPIRED"]),
            Self::Removed { .. } => "E-SNAP-REMOVED",
            Self::Mix { .. } => "E-MIX",
            Self::Delegation { .. } => "E-TGT-DELEGATION",
            Self::Scope { .. } => "E-TGT-SCOPE",
            Self::GateProduct { .. } => "E-GATE-PRODUCT",
            Self::GateChannel { .. } => "E-GATE-CHANNEL",
            Self::GateVersion { .. } => "E-GATE-VERSION",
            Self::GateSchema { .. } => "E-GATE-SCHEMA",
            Self::State(_) => "E-STATE",
            Self::Caller(_) => "E-CALLER",
        }
    }

    /// Who must act.
    pub fn blame(&self) -> Blame {
        match self {
            Self::Io(_)
            | Self::Expired { .. }
            | Self::Incomplete { .. }
            | Self::GateProduct { .. }
            | Self::GateChannel { .. }
            | Self::GateVersion { .. }
            | Self::GateSchema { .. } => Blame::Operator,
            Self::State(_) => Blame::Us,
            Self::Caller(_) => Blame::Caller,
            _ => Blame::Kit,
        }
    }

    /// What to do next.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Seal(_) => "compare the kit's SHA-256 and the minisign key with the vendor's release note",
            Self::Io(_) | Self::Truncated { .. } => "copy the kit again from its medium and compare its SHA-256",
            Self::Incomplete { .. } => {
                "put its volumes together with `stella kit join`, or copy the kit again from its source"
            }
            Self::Limit { .. } | Self::Window { .. } => {
                "do not import this kit; if the vendor confirms its size, raise the limit knowingly"
            }
            Self::Frame { .. }
            | Self::Trailing { .. }
            | Self::End(_)
            | Self::Digest { .. }
            | Self::Extra { .. }
            | Self::Padding { .. } => "the file was changed or damaged on its way: fetch it again, compare its SHA-256",
            Self::Name { .. }
            | Self::EntryType { .. }
            | Self::Extension { .. }
            | Self::Duplicate { .. }
            | Self::Order { .. }
            | Self::Size { .. }
            | Self::Header { .. } => "this archive was not made by the kit builder: do not import it, tell the vendor",
            Self::Json { .. } | Self::Schema { .. } | Self::Algorithm { .. } | Self::Delegation { .. } => {
                "the metadata is not what the kit builder writes: keep the file as evidence, tell the vendor"
            }
            Self::Signature { .. } | Self::Threshold { .. } | Self::RepeatedSignature { .. } | Self::Scope { .. } => {
                "treat the kit as forged: keep it as evidence, get one from the vendor by another way"
            }
            Self::RootVersion { .. } | Self::RootGap { .. } => "get a kit that carries every root since the first",
            Self::RootOld { .. } | Self::Rollback { .. } | Self::Removed { .. } => {
                "this kit is older than what the site has: get a newer one"
            }
            Self::Equivocation { .. } => {
                "two different kits bear one version: keep both as evidence and alert the vendor"
            }
            Self::Mix { .. } => "take all parts from one kit; if they are, keep it as evidence and tell the vendor",
            Self::Expired { .. } => "get a newer kit; if this one is new, check the machine's clock",
            Self::GateProduct { .. } | Self::GateChannel { .. } => "get the kit that is meant for this site",
            Self::GateVersion { .. } | Self::GateSchema { .. } => "update the appliance first, then import the kit",
            Self::State(_) => "see docs/runbooks/recovery.md; the active generation keeps serving",
            Self::Caller(_) => "this is a defect of stella: report it",
        }
    }

    pub(crate) fn frame(place: &str, reason: &'static str) -> Self {
        Self::Frame { place: place.to_owned(), reason }
    }

    pub(crate) fn schema(file: &str, reason: impl ToString) -> Self {
        Self::Schema { file: file.to_owned(), reason: reason.to_string() }
    }

    pub(crate) fn delegation(role: &str, reason: impl ToString) -> Self {
        Self::Delegation { role: shown(role.as_bytes()), reason: reason.to_string() }
    }
}

/// Fails with [`KitError::Limit`] when `found` is over `max`.
pub(crate) fn within(what: impl ToString, found: u64, max: u64) -> Result<(), KitError> {
    if found > max { Err(KitError::Limit { what: what.to_string(), found, max }) } else { Ok(()) }
}

/// Bytes from outside, safe for a log line or a terminal.
pub(crate) fn shown(bytes: &[u8]) -> String {
    const BYTES_MAX: usize = 120;
    let mut text = String::new();
    for &byte in bytes.iter().take(BYTES_MAX) {
        match byte {
            b'\\' => text.push_str("\\\\"),
            b' '..=b'~' => text.push(char::from(byte)),
            _ => text.push_str(&format!("\\x{byte:02x}")),
        }
    }
    if bytes.len() > BYTES_MAX {
        text.push_str("...");
    }
    text
}

fn by_role(role: &str, [root, timestamp, snapshot, targets]: [&'static str; 4]) -> &'static str {
    match role {
        "root" => root,
        "timestamp" => timestamp,
        "snapshot" => snapshot,
        _ => targets,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_outside_cannot_reach_a_terminal_unescaped() {
        // A11: newline, escape code, right-to-left override, backslash.
        assert_eq!(shown("a\n\x1b[2J\u{202e}\\".as_bytes()), "a\\x0a\\x1b[2J\\xe2\\x80\\xae\\\\");
        assert_eq!(shown(&[b'x'; 200]).len(), 123);
    }

    #[test]
    fn the_code_of_a_bad_signature_names_the_role() {
        let code = |role: &str| KitError::Signature { role: role.into(), hint: "" }.code();
        assert_eq!(code("root"), "E-ROOT-SIG");
        assert_eq!(code("timestamp"), "E-TS-SIG");
        assert_eq!(code("snapshot"), "E-SNAP-SIG");
        assert_eq!(code("targets"), "E-TGT-SIG");
        assert_eq!(code("feeds"), "E-TGT-SIG");
    }
}
