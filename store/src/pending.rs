//! What waits for approval, beside the state that it would change.
//!
//! Every step (ask, approve, withdraw, carry out) is one write transaction that first looks
//! whether the row is still the one that was judged. redb lets one writer in at a time, so of an
//! approval and a withdrawal in the same second one comes first, and the other one sees it.

use domain::clock::TimeFloor;
use redb::{ReadableTable, TableDefinition, TableError, WriteTransaction};

use crate::audit::{Entry, Logged};
use crate::control::{ApprovalRow, ControlPolicy, EmergencyRow, PendingRow};
use crate::error::StoreError;
use crate::rows::{GenerationRow, decode, encode};
use crate::site::Site;
use crate::state::{Activation, ImportLock, Store, point_at, write_activation, write_time};

/// Each kit that waits takes as much disk as an active one.
const PENDING_MAX: usize = 4;

const PENDING: TableDefinition<u64, &[u8]> = TableDefinition::new("pending");
const CONTROL: TableDefinition<&str, &[u8]> = TableDefinition::new("control");
/// The last number that a request was given, so that none is given twice.
const NUMBERS: TableDefinition<&str, u64> = TableDefinition::new("control-numbers");

/// What carrying out a request changes. The request itself is removed in the same transaction.
#[derive(Debug)]
pub enum Effect<'a> {
    /// With the mark of an emergency and the request to confirm it, when nobody approved.
    Activate {
        activation: &'a Activation,
        emergency: Option<(&'a EmergencyRow, &'a PendingRow)>,
    },
    ConfirmEmergency(&'a EmergencyRow),
    Rollback(u64),
    Clock(&'a TimeFloor),
    Policy(&'a ControlPolicy),
    /// It was withdrawn, has expired or was refused.
    Nothing,
}

impl Store {
    /// Who approves what; nobody anything, when that was never said.
    pub fn control_policy(&self) -> Result<ControlPolicy, StoreError> {
        Ok(self.control("policy", "the control policy")?.unwrap_or_default())
    }

    /// The last kit that was activated without approval.
    pub fn emergency(&self) -> Result<Option<EmergencyRow>, StoreError> {
        self.control("emergency", "the mark of an emergency")
    }

    fn control<T: serde::de::DeserializeOwned>(&self, key: &str, what: &str) -> Result<Option<T>, StoreError> {
        let read = self.begin_read()?;
        let table = match read.open_table(CONTROL) {
            Ok(table) => table,
            Err(error) => return absent(error, None),
        };
        table.get(key)?.map(|row| decode(what, row.value())).transpose()
    }

    /// All that waits, oldest first.
    pub fn pending(&self) -> Result<Vec<PendingRow>, StoreError> {
        let read = self.begin_read()?;
        let table = match read.open_table(PENDING) {
            Ok(table) => table,
            Err(error) => return absent(error, Vec::new()),
        };
        let row = |entry: Result<(redb::AccessGuard<'_, u64>, redb::AccessGuard<'_, &[u8]>), redb::StorageError>| {
            let (number, row) = entry?;
            decode(&format!("pending request {}", number.value()), row.value())
        };
        table.iter()?.map(row).collect()
    }

    pub fn pending_row(&self, number: u64) -> Result<PendingRow, StoreError> {
        let found = self.pending()?.into_iter().find(|row| row.number == number);
        found.ok_or(StoreError::UnknownPending(number))
    }

    /// Staged generations: their files are kept as those of active ones are.
    pub(crate) fn pending_generations(&self) -> Result<Vec<GenerationRow>, StoreError> {
        Ok(self.pending()?.into_iter().filter_map(|row| row.staged().cloned()).collect())
    }

    /// Is the index of a staged generation there, with the content that its row says?
    pub fn open_staged(&self, row: &GenerationRow) -> Result<crate::Generation, StoreError> {
        self.open_row(row.clone())
    }

    /// The last number that was given to a request.
    pub(crate) fn last_pending_number(&self) -> Result<u64, StoreError> {
        let read = self.begin_read()?;
        match read.open_table(NUMBERS) {
            Ok(table) => Ok(table.get("last")?.map_or(0, |number| number.value())),
            Err(error) => absent(error, 0),
        }
    }

    /// Lets a request wait. Its number is that of [`Store::next_generation`], which nobody else is given
    /// while the lock is held. With it the time is remembered, so that setting the clock back does not make it wait any longer.
    pub fn hold(
        &self,
        _lock: &ImportLock,
        row: &PendingRow,
        time: &TimeFloor,
        site: &Site,
        entry: &Entry,
    ) -> Result<Logged, StoreError> {
        crate::durable::sync_directory(self.disk(), &self.layout().generations())?;
        self.act(site, entry, |write| {
            insert(write, row)?;
            write_time(write, time)
        })
    }

    /// Keeps an approval that was judged against `judged`. A person's later one replaces the earlier one.
    pub fn add_approval(
        &self,
        judged: &PendingRow,
        approval: ApprovalRow,
        site: &Site,
        entry: &Entry,
    ) -> Result<(PendingRow, Logged), StoreError> {
        let mut approved = None;
        let logged = self.act(site, entry, |write| {
            // Not the whole row: two approvers in the same second are both right.
            let mut row = current(write, judged.number)?.ok_or(StoreError::UnknownPending(judged.number))?;
            if row.nonce != judged.nonce || row.task != judged.task {
                return Err(StoreError::PendingChanged(judged.number));
            }
            row.approvals.retain(|other| other.person != approval.person);
            row.approvals.push(approval);
            write.open_table(PENDING)?.insert(row.number, encode(&row).as_slice())?;
            approved = Some(row);
            Ok(())
        })?;
        let row = approved.ok_or(StoreError::UnknownPending(judged.number))?;
        Ok((row, logged))
    }

    /// Carries out a request, if the request and the policy are still those that were judged.
    pub fn resolve(
        &self,
        judged: &PendingRow,
        policy: &ControlPolicy,
        effect: &Effect<'_>,
        site: &Site,
        entry: &Entry,
    ) -> Result<Logged, StoreError> {
        let number = judged.number;
        self.act(site, entry, |write| {
            let row = current(write, number)?.ok_or(StoreError::UnknownPending(number))?;
            if row != *judged || current_policy(write)? != *policy {
                return Err(StoreError::PendingChanged(number));
            }
            write.open_table(PENDING)?.remove(number)?;
            effect.write(write)
        })
    }

    /// Changes the policy at once, for a site whose present policy asks nobody.
    pub fn replace_policy(
        &self,
        old: &ControlPolicy,
        new: &ControlPolicy,
        site: &Site,
        entry: &Entry,
    ) -> Result<Logged, StoreError> {
        self.act(site, entry, |write| {
            if current_policy(write)? != *old {
                return Err(StoreError::PolicyChanged);
            }
            write.open_table(CONTROL)?.insert("policy", encode(new).as_slice())?;
            Ok(())
        })
    }

    /// Remembers the time, with the reason in a receipt.
    pub fn confirm_time(&self, time: &TimeFloor, site: &Site, entry: &Entry) -> Result<Logged, StoreError> {
        self.act(site, entry, |write| write_time(write, time))
    }
}

impl Effect<'_> {
    fn write(&self, write: &WriteTransaction) -> Result<(), StoreError> {
        match self {
            Self::Activate { activation, emergency } => {
                write_activation(write, activation)?;
                if let Some((mark, confirmation)) = emergency {
                    write.open_table(CONTROL)?.insert("emergency", encode(mark).as_slice())?;
                    insert(write, confirmation)?;
                }
            }
            Self::ConfirmEmergency(mark) => {
                write.open_table(CONTROL)?.insert("emergency", encode(mark).as_slice())?;
            }
            Self::Rollback(to) => point_at(write, *to)?,
            Self::Clock(time) => write_time(write, time)?,
            Self::Policy(policy) => {
                write.open_table(CONTROL)?.insert("policy", encode(policy).as_slice())?;
            }
            Self::Nothing => {}
        }
        Ok(())
    }
}

impl PendingRow {
    /// Why a kit waits although nobody has to approve it, if it does.
    pub fn concerns(&self) -> &[String] {
        match &self.task {
            crate::control::Task::Activate { concerns, .. } => concerns,
            _ => &[],
        }
    }

    /// The generation that waits, when it is a kit.
    pub fn staged(&self) -> Option<&GenerationRow> {
        match &self.task {
            crate::control::Task::Activate { generation, .. } => Some(generation),
            _ => None,
        }
    }
}

fn insert(write: &WriteTransaction, row: &PendingRow) -> Result<(), StoreError> {
    let mut table = write.open_table(PENDING)?;
    let waiting = table.iter()?.count();
    if waiting >= PENDING_MAX {
        return Err(StoreError::PendingFull(waiting));
    }
    if table.insert(row.number, encode(row).as_slice())?.is_some() {
        return Err(StoreError::PendingChanged(row.number));
    }
    let mut numbers = write.open_table(NUMBERS)?;
    let last = numbers.get("last")?.map_or(0, |number| number.value());
    numbers.insert("last", last.max(row.number))?;
    Ok(())
}

fn current(write: &WriteTransaction, number: u64) -> Result<Option<PendingRow>, StoreError> {
    let table = write.open_table(PENDING)?;
    let row = table.get(number)?;
    row.map(|row| decode(&format!("pending request {number}"), row.value())).transpose()
}

fn current_policy(write: &WriteTransaction) -> Result<ControlPolicy, StoreError> {
    let table = write.open_table(CONTROL)?;
    let row = table.get("policy")?;
    Ok(row.map(|row| decode("the control policy", row.value())).transpose()?.unwrap_or_default())
}

/// A site that never held anything has no such table.
fn absent<T>(error: TableError, empty: T) -> Result<T, StoreError> {
    match error {
        TableError::TableDoesNotExist(_) => Ok(empty),
        error => Err(error.into()),
    }
}
