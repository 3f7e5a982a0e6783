//! Dual control: what one person asks for, others approve before it happens.
//!
//! ```text
//! ask (stage, rollback, clock, policy) -> a pending row -> approvals -> carry out -> removed
//!                                                \-> withdrawn, expired, void
//! ```
//!
//! One mechanism for all actions. A request is judged when it is carried out: under the policy, the
//! floors and the time of that moment, not of those when it was asked or approved. For a kit
//! this means that its signatures are verified again from the metadata that was kept.
//! Alternative rejected: an "approved" flag in the row. It would outlive the approver,
//! the policy and the floors that it was right under.

mod act;
mod ask;
mod error;
pub mod rules;

pub use act::{Approved, BreakGlass, Done, Presence, approve, carry_out, sign, withdraw};
pub use ask::{Asked, ask};
pub(crate) use ask::{forget_expired, require_person, row};
pub use error::ControlError;

use domain::clock::Reading;
use domain::digest::Digest;
use ouk::limits::Limits;
use store::PendingRow;

use crate::receipt::Receipt;

/// Who acts, when, and by which program.
#[derive(Clone, Copy, Debug)]
pub struct Acting<'a> {
    pub operator: &'a str,
    pub engine: &'a str,
    pub appliance_version: &'a str,
    pub reading: &'a Reading,
    pub limits: &'a Limits,
    /// 32 random bytes, for a request that this makes.
    pub nonce: Digest,
}

/// The record of one step. The one place that makes it.
fn note(acting: &Acting<'_>, step: &str, row: &PendingRow, result: &str) -> Receipt {
    let subject = format!("request {} ({})", row.number, row.task.action().as_str());
    let mut receipt = Receipt::new(step, acting.reading.wall, acting.operator, &subject, acting.engine);
    receipt.result = result.to_owned();
    if let Some(generation) = row.staged() {
        receipt.kit_sha256 = Some(generation.kit_sha256);
        receipt.kit_version = Some(generation.kit_version);
        receipt.content_root = Some(generation.content_root);
    }
    receipt
}
