//! Going back to a generation that was active before.

use domain::clock::Reading;
use store::audit::Logged;
use store::{GenerationRow, Site, Store, StoreError};

use crate::receipt::{Account, Circumstances};
use crate::trust;

/// What the operator asks for.
#[derive(Clone, Debug)]
pub struct Rollback {
    /// The generation before, when none is named.
    pub to: Option<u64>,
    pub reason: Option<String>,
    pub operator: String,
    pub engine: String,
}

/// Makes an earlier generation active and writes that down. The floors stay: a rollback opens no door for
/// older kits.
pub fn roll_back(
    store: &Store,
    site: &Site,
    rollback: &Rollback,
    reading: &Reading,
) -> Result<(GenerationRow, Logged), StoreError> {
    let _lock = store.lock_import()?;
    let row = store.rollback_target(rollback.to)?;
    let (time, operator, engine) = (trust::time(store)?, &rollback.operator, &rollback.engine);
    let mut account = Account::new("rollback", "", &Circumstances { site, time: &time, reading, operator, engine });
    account.rolls_back_to(&row);
    account.import.result = "activated".to_owned();
    account.import.reason.clone_from(&rollback.reason);
    let floors = store.trust()?.map(|trust| trust.floors).unwrap_or_default();
    account.import.floors_before = floors.iter().map(|floor| (floor.role.clone(), floor.version)).collect();
    account.import.floors_after.clone_from(&account.import.floors_before);
    let logged = store.roll_back(site, &row, &account.entry())?;
    Ok((row, logged))
}
