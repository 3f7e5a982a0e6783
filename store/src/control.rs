//! The rows of dual control: who approves what, what waits for approval, and what was done without it.
//!
//! Plain data. Who counts and what voids an approval is decided in the importer, by a pure
//! function of these rows.

use std::collections::BTreeMap;

use attest::approval::{Action, Subject};
use domain::digest::Digest;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::rows::{GenerationRow, SiteTrustRow};

/// Long enough for a weekend, short enough that nobody approves what nobody remembers.
pub const APPROVAL_HOURS: u32 = 72;

/// Who approves what at this site. Without a row, nothing needs approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlPolicy {
    /// How many people, beside the one who asks, must agree. An action that is not named needs nobody.
    pub needed: BTreeMap<Action, u32>,
    pub people: Vec<Person>,
    /// How long a request waits.
    pub hours: u32,
}

/// Somebody who may ask and approve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub name: String,
    /// Public approval keys, as the base64 of their 32 bytes.
    pub keys: Vec<String>,
}

impl Default for ControlPolicy {
    fn default() -> Self {
        Self { needed: BTreeMap::new(), people: Vec::new(), hours: APPROVAL_HOURS }
    }
}

impl ControlPolicy {
    /// How many people must agree to an action. An emergency is confirmed by as many as it went round.
    pub fn needed(&self, action: Action) -> u32 {
        let action = if action == Action::ConfirmEmergency { Action::Activate } else { action };
        self.needed.get(&action).copied().unwrap_or_default()
    }

    /// What an approver of this policy signs, and what tells one policy from another.
    pub fn digest(&self) -> Digest {
        Digest::of(&serde_json::to_vec(self).expect("rows are plain data"))
    }

    pub fn person(&self, name: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.name == name)
    }
}

/// What is done once enough people agree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Task {
    /// Make a staged kit active.
    Activate {
        /// Its blobs and its index are kept already; nothing serves them.
        generation: Box<GenerationRow>,
        /// The root that the operator vouches for, when none was pinned at the time.
        trust_root: Option<Vec<u8>>,
        /// What is to be remembered of the site that passed the kit on, as it was verified then.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        site: Option<SiteTrustRow>,
        /// What the data have suspiciously less of than those that were active, in words.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        concerns: Vec<String>,
    },
    ConfirmEmergency(EmergencyRow),
    /// Go back to an earlier generation.
    Rollback {
        to: u64,
        metadata_digest: Digest,
    },
    /// Vouch for the wall clock, which showed this when it was asked.
    Clock {
        wall: Timestamp,
    },
    /// Replace the policy with this digest by another one.
    Policy {
        replaces: Digest,
        policy: ControlPolicy,
    },
}

impl Task {
    pub fn action(&self) -> Action {
        match self {
            Self::Activate { .. } => Action::Activate,
            Self::ConfirmEmergency(_) => Action::ConfirmEmergency,
            Self::Rollback { .. } => Action::Rollback,
            Self::Clock { .. } => Action::Clock,
            Self::Policy { .. } => Action::Policy,
        }
    }

    /// All that an approval is bound to.
    pub fn subject(&self) -> Subject {
        let pairs = match self {
            Self::Activate { generation, trust_root, site, concerns } => {
                let mut pairs = vec![
                    ("content-root", generation.content_root.to_string()),
                    ("kit", generation.kit_sha256.to_string()),
                    ("kit-version", generation.kit_version.to_string()),
                    ("metadata", generation.metadata_digest.to_string()),
                ];
                pairs.extend((!concerns.is_empty()).then(|| ("less", concerns.join("; "))));
                pairs.extend(site.as_ref().map(|site| ("site-root", Digest::of(&site.root).to_string())));
                pairs.extend(trust_root.as_ref().map(|root| ("trust-root", Digest::of(root).to_string())));
                pairs
            }
            Self::ConfirmEmergency(row) => vec![
                ("generation", row.generation.to_string()),
                ("kit", row.kit_sha256.to_string()),
                ("reason", row.reason.clone()),
            ],
            Self::Rollback { to, metadata_digest } => {
                vec![("generation", to.to_string()), ("metadata", metadata_digest.to_string())]
            }
            Self::Clock { wall } => vec![("time", wall.to_string())],
            Self::Policy { replaces, policy } => {
                vec![("policy", policy.digest().to_string()), ("replaces", replaces.to_string())]
            }
        };
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// A request that waits for approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingRow {
    /// Never given twice. That of the generation, when a kit waits.
    pub number: u64,
    pub task: Task,
    pub requested_by: String,
    pub requested_at: Timestamp,
    pub expires_at: Timestamp,
    /// Random, and signed by every approver: an approval is good for this request only.
    pub nonce: Digest,
    pub approvals: Vec<ApprovalRow>,
}

/// An approval as it was handed in. It is judged anew whenever it is to count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalRow {
    pub person: String,
    /// The DSSE envelope, which is JSON.
    pub envelope: String,
}

/// A kit that one person at the console activated without approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmergencyRow {
    pub generation: u64,
    pub kit_sha256: Digest,
    pub by: String,
    pub at: Timestamp,
    pub reason: String,
    /// Until then other people should have confirmed it.
    pub confirm_by: Timestamp,
    pub confirmed: bool,
}
