//! The whole way of a kit through `ouk`, for tests that need no store.

use std::collections::BTreeMap;

use domain::digest::Digest;
use domain::time::Timestamp;
use ouk::blobs::blobs;
use ouk::error::KitError;
use ouk::limits::Limits;
use ouk::read::open;
use ouk::verify::{Gates, TrustState, VerifiedKit, verify};

use crate::now;

pub fn gates() -> Gates {
    Gates {
        product: "stella".to_owned(),
        channels: vec!["stable".to_owned()],
        appliance_version: "0.1.0".to_owned(),
        schema_max: 1,
    }
}

/// The whole way of a kit: metadata, every blob, the end.
pub fn import(kit: &[u8], trust: &TrustState) -> Result<(VerifiedKit, BTreeMap<Digest, Vec<u8>>), KitError> {
    import_at(kit, trust, &gates(), now(), &Limits::default())
}

pub fn import_at(
    kit: &[u8],
    trust: &TrustState,
    gates: &Gates,
    now: Timestamp,
    limits: &Limits,
) -> Result<(VerifiedKit, BTreeMap<Digest, Vec<u8>>), KitError> {
    let opened = open(kit, limits)?;
    let verified = verify(&opened.metadata, trust, gates, now, limits)?;
    let mut reader = blobs(opened, &verified);
    let mut found = BTreeMap::new();
    while let Some(frame) = reader.next_frame()? {
        let blob = frame.open()?;
        found.insert(blob.digest, blob.bytes);
    }
    reader.finish()?;
    Ok((verified, found))
}

/// The code a kit is refused with.
pub fn code(kit: &[u8], trust: &TrustState) -> String {
    match import(kit, trust) {
        Ok(_) => "accepted".to_owned(),
        Err(error) => error.code().to_owned(),
    }
}

/// The trust after a kit was activated.
pub fn after(kit: &VerifiedKit) -> TrustState {
    TrustState { root: kit.root().to_vec(), floors: kit.floors().clone() }
}
