//! Between the rows of the store and the trust state that verification takes.

use domain::clock::TimeFloor;
use domain::time::Timestamp;
use ouk::verify::{Floor, Floors, TrustState, VerifiedKit};
use store::{Store, StoreError, TrustRow};

/// 2026-11-24: no present lies before the program that asks for it. Moved with each release.
const BUILD_EPOCH_SECONDS: i64 = 1_795_478_400;

/// The stored trust, as the verifier wants it.
pub(crate) fn state(row: &TrustRow) -> TrustState {
    TrustState { root: row.root.clone(), floors: floors(&row.floors) }
}

pub(crate) fn floors(rows: &[store::Floor]) -> Floors {
    let floor = |floor: &store::Floor| (floor.role.clone(), Floor { version: floor.version, sha256: floor.sha256 });
    Floors { roles: rows.iter().map(floor).collect() }
}

pub(crate) fn floor_rows(floors: &Floors) -> Vec<store::Floor> {
    let row = |(role, floor): (&String, &Floor)| store::Floor {
        role: role.clone(),
        version: floor.version,
        sha256: floor.sha256,
    };
    floors.roles.iter().map(row).collect()
}

/// The trust that is stored once the kit is active. What is remembered of a site is in `row` already.
pub(crate) fn after(row: &TrustRow, kit: &VerifiedKit, revocations: Option<String>) -> TrustRow {
    TrustRow {
        factory_root: row.factory_root.clone(),
        root: kit.root().to_vec(),
        floors: floor_rows(kit.floors()),
        site: row.site.clone(),
        revocations,
    }
}

/// The trust of a state that has none: the root that the operator vouches for, and nothing else.
/// It is kept only together with the first kit that it verifies.
pub(crate) fn pin(root: &[u8]) -> TrustRow {
    TrustRow { factory_root: root.to_vec(), root: root.to_vec(), floors: Vec::new(), site: None, revocations: None }
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
