//! Receipts: what was decided about a kit, by whose request, and why. One for refusals too.

use std::collections::BTreeMap;

use domain::digest::Digest;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The record of one decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// `import`, `rollback`.
    pub action: String,
    /// `activated`, `noop`, `rejected`, `failed`.
    pub result: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub at: Timestamp,
    pub operator: String,
    pub given_as: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kit_sha256: Option<Digest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kit_version: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_root: Option<Digest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
    /// What a person should know of a kit although it was taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Role to version, before and after.
    #[serde(default)]
    pub floors_before: BTreeMap<String, u64>,
    #[serde(default)]
    pub floors_after: BTreeMap<String, u64>,
    pub engine: String,
}

impl Receipt {
    pub fn new(action: &str, at: Timestamp, operator: &str, given_as: &str, engine: &str) -> Self {
        Self {
            action: action.to_owned(),
            result: String::new(),
            code: None,
            reason: None,
            at,
            operator: operator.to_owned(),
            given_as: given_as.to_owned(),
            kit_sha256: None,
            kit_version: None,
            content_root: None,
            generation: None,
            warnings: Vec::new(),
            floors_before: BTreeMap::new(),
            floors_after: BTreeMap::new(),
            engine: engine.to_owned(),
        }
    }

    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a receipt is plain data")
    }
}
