//! What people do at a site, one by one.

use importer::ImportError;
use store::{Store, Task};
use tests::simulation::SimDisk;

use crate::bench::{
    BENCH, Kit, approve, break_glass, carry_out, open, policy, roll_back, rotate_token_key, set_policy, withdraw,
};

/// What is done when the power goes, before that, or after it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    Import(Kit),
    Stage(Kit),
    /// At once, or asked for, as the policy says.
    RollBack,
    Policy(u32),
    Approve(u64, &'static str),
    Withdraw(u64),
    CarryOut(u64),
    BreakGlass(u64),
    RotateTokenKey,
}

impl Act {
    /// Ends well or with an error, and tells so before the state is closed.
    pub(crate) fn run(self, disk: &SimDisk) -> Result<(), ImportError> {
        let store = open(disk)?;
        let result = self.run_on(&store);
        disk.mark();
        result
    }

    pub(crate) fn run_on(self, store: &Store) -> Result<(), ImportError> {
        match self {
            Self::Import(kit) => BENCH.import(store, kit).map(drop),
            Self::Stage(kit) => BENCH.hand_in(store, kit, importer::stage).map(drop),
            Self::RollBack => roll_back(store),
            Self::Policy(approvals) => set_policy(store, approvals),
            Self::Approve(number, person) => approve(store, number, person),
            Self::Withdraw(number) => withdraw(store, number),
            Self::CarryOut(number) => carry_out(store, number),
            Self::BreakGlass(number) => break_glass(store, number),
            Self::RotateTokenKey => rotate_token_key(store),
        }
    }

    pub(crate) fn must_succeed(self) -> bool {
        !matches!(self, Self::Import(Kit::Damaged))
    }

    /// Removes what nothing refers to.
    pub(crate) fn sweeps(self) -> bool {
        matches!(self, Self::Import(_) | Self::Stage(_))
    }

    /// Does it, unless it was done; says whether that is on record once more.
    pub(crate) fn run_again(self, store: &Store) -> Result<bool, String> {
        if self.is_done(store).map_err(|error| error.to_string())? {
            return Ok(false);
        }
        match self.run_on(store) {
            Ok(()) if self.must_succeed() => Ok(true),
            Ok(()) => Err("a damaged kit was accepted".to_owned()),
            Err(_) if !self.must_succeed() => Ok(true),
            // It was carried out or withdrawn before the power went.
            Err(error) if error.code() == "E-CONTROL-UNKNOWN" => Ok(false),
            Err(error) => Err(error.to_string()),
        }
    }

    /// What people see in the list of what waits, before they ask once more.
    fn is_done(self, store: &Store) -> Result<bool, store::StoreError> {
        let waits = |like: fn(&Task) -> bool| Ok(store.pending()?.iter().any(|row| like(&row.task)));
        match self {
            Self::RollBack => waits(|task| matches!(task, Task::Rollback { .. })),
            Self::Policy(approvals) if store.control_policy()? == policy(approvals) => Ok(true),
            Self::Policy(_) => waits(|task| matches!(task, Task::Policy { .. })),
            _ => Ok(false),
        }
    }
}
