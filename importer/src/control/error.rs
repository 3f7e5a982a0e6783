//! Why an action under dual control is not carried out.

use attest::approval::Action;
use domain::time::Timestamp;

use super::rules::Void;
use crate::error::Blame;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    #[error("the approval is void: {0}")]
    Void(#[from] Void),
    #[error("request {number} has {found} of {needed} approvals{}", if *proven { "" } else { ", and whoever asked has not signed for it" })]
    Missing { number: u64, found: usize, needed: u32, proven: bool },
    #[error("{0:?} is no person of the control policy, and under dual control only they may ask and act")]
    Stranger(String),
    #[error("this key belongs to nobody in the control policy")]
    ForeignKey,
    #[error("the control policy cannot be used: {0}")]
    Policy(String),
    #[error("request {number} ended at {at} without enough approvals")]
    Expired { number: u64, at: Timestamp },
    #[error("request {number} cannot be carried out any more: {reason}")]
    Stale { number: u64, reason: &'static str },
    #[error("what request {0} has staged is damaged")]
    Damaged(u64),
    #[error("doing without approval needs somebody at the console of this machine")]
    Presence,
    #[error("{by} did without approval at {at}; that is possible once in 24 hours")]
    Repeated { by: String, at: Timestamp },
    #[error("request {number}: {summary}")]
    Loss { number: u64, summary: String },
    #[error("doing without it needs a reason")]
    Reason,
    #[error("request {number} ({}) {why}", action.as_str())]
    Kind { number: u64, action: Action, why: &'static str },
}

impl ControlError {
    pub fn code(&self) -> &'static str {
        match self {
            Self::Void(void) => void.code(),
            Self::Missing { .. } => "E-APPROVAL-MISSING",
            Self::Stranger(_) => "E-CONTROL-STRANGER",
            Self::ForeignKey => "E-APPROVAL-KEY",
            Self::Policy(_) => "E-CONTROL-POLICY",
            Self::Expired { .. } => "E-APPROVAL-EXPIRED",
            Self::Stale { .. } => "E-CONTROL-STALE",
            Self::Damaged(_) => "E-CONTROL-DAMAGED",
            Self::Presence => "E-CONTROL-PRESENCE",
            Self::Repeated { .. } => "E-CONTROL-REPEATED",
            Self::Loss { .. } => "E-CONTROL-LOSS",
            Self::Reason => "E-CONTROL-REASON",
            Self::Kind { .. } => "E-CONTROL-KIND",
        }
    }

    /// Always the people of the site: neither kit nor program is at fault.
    pub fn blame(&self) -> Blame {
        Blame::Operator
    }

    pub fn advice(&self) -> &'static str {
        match self {
            Self::Void(void) => void.advice(),
            Self::Missing { proven: false, .. } => {
                "whoever asked signs with `stella kit approve N --key FILE`; that proves who it was and is no approval"
            }
            Self::Missing { .. } => "other people approve with `stella kit approve N --key FILE`",
            Self::Stranger(_) => "give --operator with a name of `stella admin approver list`",
            Self::ForeignKey => "give the private key of a person of `stella admin approver list`",
            Self::Policy(_) => "correct it and try again; the present policy stays in force",
            Self::Expired { .. } | Self::Stale { .. } => {
                "look at the present state, and ask again if it is still wanted"
            }
            Self::Damaged(_) => "stage the kit again; see docs/runbooks/recovery.md if that happens twice",
            Self::Presence => "go to the machine's own console (or its serial line), or wait for the approvals",
            Self::Repeated { .. } => "wait, or get the approvals; tell whoever watches this site",
            Self::Loss { .. } => {
                "look at `stella kit impact N` and ask the vendor; then `stella kit activate N --accept-loss WHY`, or withdraw it"
            }
            Self::Reason => "say why; it stands in the receipt, and in the alarm where there is one",
            Self::Kind { .. } => "see `stella kit pending` for what waits, and docs/dual-control.md",
        }
    }

    /// Has the request itself become worthless, so that it waits no longer?
    pub(crate) fn ends_request(&self) -> bool {
        match self {
            Self::Expired { .. } | Self::Stale { .. } | Self::Damaged(_) => true,
            Self::Void(_)
            | Self::Missing { .. }
            | Self::Stranger(_)
            | Self::ForeignKey
            | Self::Policy(_)
            | Self::Presence
            | Self::Repeated { .. }
            | Self::Loss { .. }
            | Self::Reason
            | Self::Kind { .. } => false,
        }
    }
}
