//! What makes a scan fail.

use domain::digest::Digest;
use domain::severity::Severity;
use serde::{Deserialize, Serialize};

/// The built-in policy: thresholds, without rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Gate {
    /// A finding at or above this level fails the scan. `None`: no finding fails it.
    pub fail_on: Option<Severity>,
    /// Findings that no version fixes do not fail the scan (they are still shown).
    pub ignore_unfixed: bool,
    pub on_unevaluated: OnUnevaluated,
    /// A document without any component to judge passes only when this is set.
    pub allow_empty: bool,
    /// Data older than this makes the verdict indeterminate, in days. `None`: any age will do.
    pub data_age_days_max: Option<u32>,
}

/// What components that could not be judged do to the verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnUnevaluated {
    /// The verdict is indeterminate unless it fails anyway.
    #[default]
    Indeterminate,
    /// They are listed and change nothing. To be chosen with open eyes.
    Ignore,
    /// They fail the scan.
    Fail,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            fail_on: Some(Severity::Unknown),
            ignore_unfixed: false,
            on_unevaluated: OnUnevaluated::default(),
            allow_empty: false,
            data_age_days_max: None,
        }
    }
}

impl Gate {
    /// The digest that a verdict names, so that anyone can tell which policy spoke.
    pub fn digest(&self) -> Digest {
        Digest::of(&serde_json::to_vec(self).expect("a gate is plain data"))
    }
}
