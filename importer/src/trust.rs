//! Between the rows of the store and the trust state that verification takes.

use domain::time::Timestamp;
use ouk::verify::{Floor, Floors, TrustState, VerifiedKit};
use store::TrustRow;

/// The stored trust, as the verifier wants it.
pub(crate) fn state(row: &TrustRow) -> TrustState {
    let floor = |floor: &store::Floor| (floor.role.clone(), Floor { version: floor.version, sha256: floor.sha256 });
    TrustState { root: row.root.clone(), floors: Floors { roles: row.floors.iter().map(floor).collect() } }
}

/// The trust that is stored once the kit is active. Time only moves forward, and only to
/// what threshold-signed metadata states: a clock that ran ahead is not believed.
pub(crate) fn after(row: &TrustRow, kit: &VerifiedKit) -> TrustRow {
    let floor = |(role, floor): (&String, &Floor)| store::Floor {
        role: role.clone(),
        version: floor.version,
        sha256: floor.sha256,
    };
    TrustRow {
        factory_root: row.factory_root.clone(),
        root: kit.root().to_vec(),
        floors: kit.floors().roles.iter().map(floor).collect(),
        time_floor: row.time_floor.max(kit.signed_at()),
    }
}

/// The time that expiry is judged by: never before the floor.
pub(crate) fn present(row: &TrustRow, wall: Timestamp) -> Timestamp {
    wall.max(row.time_floor)
}
