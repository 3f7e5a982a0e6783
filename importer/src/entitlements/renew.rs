//! Minting again from the evidence that is kept.
//!
//! A vendor token may be good for 45 days and a site token for 30. What ends in between is minted
//! anew from the vendor token, which is verified again for that, as if it had just come in.

use ouk::tokens::{Audience, Jwks, TokenLimits, verify_vendor_token};
use store::{StoreError, VendorTokenRow};

use super::{Ruling, mint, site_id, withdrawn};
use crate::control::Acting;
use crate::error::ImportError;
use crate::receipt::{Account, Circumstances};
use crate::trust;
use store::Store;
use store::audit::Logged;

/// What came of it.
#[derive(Debug)]
pub struct Renewed {
    pub minted: u64,
    pub ended: u64,
    /// Why a vendor token gives nothing any more.
    pub warnings: Vec<String>,
    pub logged: Logged,
}

/// Mints what the kept vendor tokens still give, and drops the site tokens that ended.
pub fn renew(store: &Store, acting: &Acting<'_>) -> Result<Renewed, ImportError> {
    let lock = store.lock_import()?;
    let time = trust::time(store)?;
    let now = time.judge(acting.reading).at;
    let list = withdrawn::in_force(store)?;
    let id = site_id(acting.site).map_err(|error| ImportError::SiteName(error.to_string()))?;
    let mut ruling = Ruling::default();
    let alive = ruling.end(store.site_tokens()?, &list, now);
    for row in store.vendor_tokens()? {
        let verified = Jwks::parse(store.token_keys(&row.keys)?.as_bytes(), &TokenLimits::default()).and_then(|keys| {
            list.check_kit(&row.kit)?;
            let (compact, audience) = (row.compact.expose(), Audience::Site(&id));
            verify_vendor_token(compact, &keys, audience, now, &list, &TokenLimits::default())
        });
        match verified {
            Ok(token) => {
                require_same(&row, token.claims_digest())?;
                let kit = row.kit;
                let minting = mint::Minting { site: acting.site, id: &id, kit, now, nonce: acting.nonce };
                ruling.change.minted.extend(minting.mint(&token, &alive)?);
            }
            Err(error) => ruling.warnings.push(format!("vendor token {}: {error} [{}]", row.jti, error.code())),
        }
    }
    let Acting { site, reading, operator, engine, .. } = *acting;
    let mut account = Account::new("renew", "tokens", &Circumstances { site, time: &time, reading, operator, engine });
    "renewed".clone_into(&mut account.import.result);
    ruling.told.minted = ruling.change.minted.len() as u64;
    ruling.told.revocations_serial = Some(list.serial()).filter(|serial| *serial > 0);
    account.rule(&ruling);
    let logged = store.renew_tokens(&lock, &ruling.change, acting.site, &account.entry())?;
    let Ruling { told, warnings, .. } = ruling;
    Ok(Renewed { minted: told.minted, ended: told.ended, warnings, logged })
}

/// The evidence is what was judged when it came in.
fn require_same(row: &VendorTokenRow, claims: domain::digest::Digest) -> Result<(), StoreError> {
    if row.claims == claims {
        return Ok(());
    }
    Err(StoreError::Damaged { what: format!("vendor token {} is not the one that was kept", row.jti) })
}
