//! What a client shows: is it a token of this site, good here and now?

use domain::time::Timestamp;
use ouk::tokens::{SiteKeys, SiteToken, TokenError, TokenKey, TokenLimits, verify_site_token};
use store::{Identity, Store};

use super::withdrawn;
use crate::error::ImportError;

/// Verifies a token of this site against the list that is in force. `now` is the lower bound of the present, so a
/// clock that is set back revives nothing.
pub fn verify_token(
    store: &Store,
    identity: &Identity,
    compact: &str,
    now: Timestamp,
) -> Result<SiteToken, ImportError> {
    let list = withdrawn::in_force(store)?;
    let id = identity.id().parse().map_err(|error| ImportError::SiteName(format!("{error}")))?;
    let keys = SiteKeys::of(token_keys(identity, now)?);
    Ok(verify_site_token(compact, &keys, &id, now, &list, &TokenLimits::default())?)
}

/// The keys that the site's tokens are verified by: the present one, and those whose time is not over yet.
pub(super) fn token_keys(identity: &Identity, now: Timestamp) -> Result<Vec<TokenKey>, TokenError> {
    let retired = identity.retired().iter().filter(|retired| retired.until > now).map(|retired| &retired.key);
    [identity.token()].into_iter().chain(retired).map(|key| TokenKey::from_bytes(key.as_bytes())).collect()
}

/// The serial of the revocation list in force, and the generations that it ends.
pub fn revocations(store: &Store) -> Result<Option<(u64, Vec<u64>)>, ImportError> {
    let list = withdrawn::in_force(store)?;
    let withdrawn = store.generations()?.into_iter().filter(|row| withdrawn::of_generation(&list, row).is_some());
    Ok((list.serial() > 0).then(|| (list.serial(), withdrawn.map(|row| row.number).collect())))
}
