//! Between the rows of the store and the trust state that verification takes.

use domain::clock::TimeFloor;
use domain::time::Timestamp;
use ouk::verify::{Floor, Floors, TrustState, VerifiedKit};
use store::{Store, StoreError, TrustRow};

/// 2026-11-24: no present lies before the program that asks for it. Moved with each release.
const BUILD_EPOCH_SECONDS: i64 = 1_795_478_400;

/// The stored trust, as the verifier wants it.
pub(crate) fn state(row: &TrustRow) -> TrustState {
    let floor = |floor: &store::Floor| (floor.role.clone(), Floor { version: floor.version, sha256: floor.sha256 });
    TrustState { root: row.root.clone(), floors: Floors { roles: row.floors.iter().map(floor).collect() } }
}

/// The trust that is stored once the kit is active.
pub(crate) fn after(row: &TrustRow, kit: &VerifiedKit) -> TrustRow {
    let role_floor = |(role, floor): (&String, &Floor)| store::Floor {
        role: role.clone(),
        version: floor.version,
        sha256: floor.sha256,
    };
    TrustRow {
        factory_root: row.factory_root.clone(),
        root: kit.root().to_vec(),
        floors: kit.floors().roles.iter().map(role_floor).collect(),
    }
}

/// The trust of a state that has none: the root that the operator vouches for, and nothing else.
/// It is kept only together with the first kit that it verifies.
pub(crate) fn pin(root: &[u8]) -> TrustRow {
    TrustRow { factory_root: root.to_vec(), root: root.to_vec(), floors: Vec::new() }
}

/// What is remembered of time; at least when this program was made.
pub fn time(store: &Store) -> Result<TimeFloor, StoreError> {
    let program = program_time();
    let mut time = store.time()?.unwrap_or_else(|| program.clone());
    time.proven = time.proven.max(program.proven);
    Ok(time)
}

/// What the program knows of time by itself.
pub(crate) fn program_time() -> TimeFloor {
    TimeFloor::new(Timestamp::from_unix(BUILD_EPOCH_SECONDS))
}
