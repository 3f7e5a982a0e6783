//! Verifying the active generation again before it is served.
//!
//! The state directory may have been restored, copied or edited since the import. The kit's
//! metadata frame is small and was kept, so its signatures are checked again, from the root
//! that was pinned first, at every start. Expiry is judged at the time of signing: a
//! verified generation may be old, which its age says, but not forged.

use domain::time::Timestamp;
use ouk::limits::Limits;
use ouk::read::SealedMetadata;
use ouk::verify::{Floors, Gates, TrustState, VerifiedKit};
use store::{GenerationRow, Store, StoreError};

use crate::entitlements::withdrawn;
use crate::error::ImportError;
use crate::manifest;

/// Checks that `row` is a kit of the vendor whose root was pinned first.
pub fn recheck(
    store: &Store,
    row: &GenerationRow,
    appliance_version: &str,
    limits: &Limits,
) -> Result<(), ImportError> {
    reverify(store, row, appliance_version, row.signed_at, limits).map(drop)
}

/// The same, judging expiry at another time: whoever passes the kit on wants it to be good still.
pub fn reverify(
    store: &Store,
    row: &GenerationRow,
    appliance_version: &str,
    present: Timestamp,
    limits: &Limits,
) -> Result<VerifiedKit, ImportError> {
    let trust = store.trust()?.ok_or(StoreError::NoTrustRoot)?;
    withdrawn::refuse_generation(&withdrawn::known(&trust)?, row)?;
    let frame = store.blobs().read(&row.metadata_frame, limits.metadata_frame_bytes_max)?;
    let metadata = SealedMetadata::from_frame(&frame, limits)?;
    let pinned = TrustState { root: trust.factory_root, floors: Floors::default() };
    let gates = Gates {
        product: row.product.clone(),
        channels: vec![row.channel.clone()],
        appliance_version: appliance_version.to_owned(),
        schema_max: feeds::dataset::DELTA_SCHEMA,
    };
    let kit = ouk::verify::verify(&metadata, &pinned, &gates, present, limits)?;
    if !is_kit_of(row, &kit) {
        let what = format!("generation {} is not the kit that its row names", row.number);
        return Err(StoreError::Damaged { what }.into());
    }
    Ok(kit)
}

/// Is this the kit that the row was made from?
pub(crate) fn is_kit_of(row: &GenerationRow, kit: &VerifiedKit) -> bool {
    kit.metadata_digest() == row.metadata_digest && manifest::signed_digest(kit) == Some(row.manifest)
}
