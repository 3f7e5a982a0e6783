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

pub use act::{Approved, BreakGlass, Done, Presence, Waivers, approve, carry_out, sign, withdraw};
pub use ask::{Asked, ask, rollback};
pub(crate) use ask::{forget_expired, require_person, row};
pub use error::ControlError;

use domain::clock::{Reading, TimeFloor};
use domain::digest::Digest;
use ouk::limits::Limits;
use store::{GenerationRow, PendingRow, Site, Store, StoreError};

use crate::receipt::{Account, Circumstances};

/// Who acts, when, and by which program.
#[derive(Clone, Copy)]
pub struct Acting<'a> {
    /// Signs what is written down.
    pub site: &'a Site,
    pub operator: &'a str,
    pub engine: &'a str,
    pub appliance_version: &'a str,
    pub reading: &'a Reading,
    pub limits: &'a Limits,
    /// 32 random bytes, for a request that this makes.
    pub nonce: Digest,
}

/// The record of one step. The one place that makes it.
fn note(acting: &Acting<'_>, step: &str, row: &PendingRow, result: &str, time: &TimeFloor) -> Account {
    let subject = format!("request {} ({})", row.number, row.task.action().as_str());
    let Acting { site, reading, operator, engine, .. } = *acting;
    let mut account = Account::new(step, &subject, &Circumstances { site, time, reading, operator, engine });
    result.clone_into(&mut account.import.result);
    if let Some(generation) = row.staged() {
        account.import.kit_sha256 = Some(generation.kit_sha256);
        account.import.kit_version = Some(generation.kit_version);
        account.import.metadata_digest = Some(generation.metadata_digest);
        account.import.content_root = Some(generation.content_root);
    }
    account
}

/// Names the kit that becomes active again, as it stands in the state.
fn describe_rollback(store: &Store, to: u64, account: &mut Account) -> Result<GenerationRow, StoreError> {
    let row = store.rollback_target(Some(to))?;
    let floors = store.trust()?.map(|trust| trust.floors).unwrap_or_default();
    account.rolls_back_to(&row, &floors);
    Ok(row)
}
