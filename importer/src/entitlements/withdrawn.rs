//! The revocation list, held against what this site has or is given.

use ouk::tokens::{Revocations, TokenError, TokenLimits};
use ouk::verify::VerifiedKit;
use store::{GenerationRow, SiteTokenRow, Store, StoreError, TrustRow};

use crate::error::ImportError;

/// The list that is in force. That it cannot be read is damage, and never a reason to do without one.
pub(crate) fn known(trust: &TrustRow) -> Result<Revocations, StoreError> {
    let Some(list) = &trust.revocations else { return Ok(Revocations::none()) };
    Revocations::parse(list.as_bytes(), &TokenLimits::default())
        .map_err(|error| StoreError::Damaged { what: format!("the revocation list in the state: {error}") })
}

/// The same, from the store.
pub(crate) fn in_force(store: &Store) -> Result<Revocations, StoreError> {
    store.trust()?.map_or_else(|| Ok(Revocations::none()), |trust| known(&trust))
}

/// Refuses a kit that is withdrawn, or carries what is.
pub(crate) fn refuse_kit(list: &Revocations, kit: &VerifiedKit) -> Result<(), ImportError> {
    let withdrawn = |what: String| Err(ImportError::Withdrawn { what, serial: list.serial() });
    if list.withdraws_kit(&kit.metadata_digest(), kit.kit_version()) {
        return withdrawn(format!("kit version {}", kit.kit_version()));
    }
    let mut blobs =
        kit.targets().iter().map(|target| target.sha256).chain(kit.chunks().iter().map(|chunk| chunk.sha256));
    match blobs.find(|blob| list.withdraws_blob(blob)) {
        Some(blob) => withdrawn(format!("the blob {blob} of this kit")),
        None => Ok(()),
    }
}

/// Refuses the key of a seal that is withdrawn. `key` is the content of a `minisign.pub`.
pub(crate) fn refuse_seal_key(list: &Revocations, key: Option<&str>) -> Result<(), ImportError> {
    let lines = key.unwrap_or_default().lines();
    match lines.map(str::trim).find(|line| list.withdraws_minisign_key(line)) {
        Some(key) => Err(ImportError::Withdrawn { what: format!("the minisign key {key}"), serial: list.serial() }),
        None => Ok(()),
    }
}

/// Refuses a generation that rests on what is withdrawn: its own kit, or the base of its delta.
pub(crate) fn refuse_generation(list: &Revocations, row: &GenerationRow) -> Result<(), ImportError> {
    match of_generation(list, row) {
        Some(what) => Err(ImportError::Withdrawn { what, serial: list.serial() }),
        None => Ok(()),
    }
}

/// What of a generation is withdrawn.
pub(crate) fn of_generation(list: &Revocations, row: &GenerationRow) -> Option<String> {
    if list.withdraws_kit(&row.metadata_digest, row.kit_version) {
        return Some(format!("kit version {}", row.kit_version));
    }
    let mut blobs = row.blobs.iter().chain([&row.manifest]);
    blobs
        .find(|blob| list.withdraws_blob(blob))
        .map(|blob| format!("the blob {blob} of kit version {}", row.kit_version))
}

/// Is a token of this site, or what it comes from, withdrawn?
pub(crate) fn of_site_token(list: &Revocations, row: &SiteTokenRow) -> Result<(), TokenError> {
    list.check_jti(&row.jti)?;
    list.check_jti(&row.source_jti)?;
    list.check_kid(&row.source_kid)?;
    list.check_kit(&row.source_kit)
}
