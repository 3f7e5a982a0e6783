//! Between the rows of the store and the trust state that verification takes.

use domain::time::Timestamp;
use ouk::verify::{Floor, Floors, TrustState, VerifiedKit};
use store::TrustRow;

/// 2026-11-24: no present lies before the program that asks for it. Moved with each release.
const BUILD_EPOCH_SECONDS: i64 = 1_795_478_400;
/// One kit moves the floor no further than this, so that a stolen key cannot push it to the end of time.
const FLOOR_STEP_DAYS_MAX: i64 = 400;

/// The stored trust, as the verifier wants it.
pub(crate) fn state(row: &TrustRow) -> TrustState {
    let floor = |floor: &store::Floor| (floor.role.clone(), Floor { version: floor.version, sha256: floor.sha256 });
    TrustState { root: row.root.clone(), floors: Floors { roles: row.floors.iter().map(floor).collect() } }
}

/// The trust that is stored once the kit is active. Time only moves forward, and only to
/// what threshold-signed metadata states: a clock that ran ahead is not believed.
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
        time_floor: row.time_floor.max(kit.signed_at().min(floor(row).plus_days(FLOOR_STEP_DAYS_MAX))),
    }
}

/// The earliest time that the present can be: what signed data proved, and not before this
/// program was made.
pub(crate) fn floor(row: &TrustRow) -> Timestamp {
    row.time_floor.max(Timestamp::from_unix(BUILD_EPOCH_SECONDS))
}

/// The time that expiry is judged by: never before the floor.
pub(crate) fn present(row: &TrustRow, wall: Timestamp) -> Timestamp {
    wall.max(floor(row))
}

/// The trust of a state that has none: the root that the operator vouches for, and nothing else.
/// It is kept only together with the first kit that it verifies.
pub(crate) fn pin(root: &[u8]) -> TrustRow {
    let time_floor = Timestamp::UNIX_EPOCH;
    TrustRow { factory_root: root.to_vec(), root: root.to_vec(), floors: Vec::new(), time_floor }
}
