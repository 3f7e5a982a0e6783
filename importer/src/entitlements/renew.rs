//! Minting again from the evidence that is kept.
//!
//! A vendor token may be good for 45 days and a site token for 30. What ends in between is minted
//! anew from the vendor token, which is verified again for that, as if it had just come in. The same
//! happens when the site changes the key that its tokens are signed with.

use domain::digest::Digest;
use domain::time::Timestamp;
use ouk::tokens::{Audience, Jwks, Revocations, SiteId, TokenError, TokenLimits, VendorToken, verify_vendor_token};
use store::audit::Logged;
use store::{Entropy, ImportLock, Site, SiteTokenRow, Store, StoreError, VendorTokenRow};

use super::{Ruling, accept, mint, site_id, withdrawn};
use crate::control::Acting;
use crate::error::ImportError;
use crate::receipt::{Account, Circumstances};
use crate::trust;

/// What came of it.
#[derive(Debug)]
pub struct Renewed {
    pub minted: u64,
    pub ended: u64,
    /// Why a vendor token gives nothing any more.
    pub warnings: Vec<String>,
    pub logged: Logged,
}

/// What becomes of the tokens that the present key has signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// They stay good until they end.
    Overlap,
    /// Somebody else has the key: they end now.
    Compromised,
}

/// Mints what the kept vendor tokens still give, and drops the site tokens that ended.
pub fn renew(store: &Store, acting: &Acting<'_>) -> Result<Renewed, ImportError> {
    let lock = store.lock_import()?;
    let mut renewal = Renewal::begin(store, acting)?;
    renewal.mint(acting.site)?;
    let account = renewal.account("renew", "renewed");
    let logged = store.renew_tokens(&lock, &renewal.ruling.change, acting.site, &account.entry())?;
    Ok(renewal.done(logged))
}

/// Gives the site another token key, and mints under it what the kept vendor tokens still give.
pub fn rotate(
    store: &Store,
    acting: &Acting<'_>,
    rotation: Rotation,
    entropy: Entropy<'_>,
) -> Result<Renewed, ImportError> {
    let lock = store.lock_import()?;
    let mut renewal = Renewal::begin(store, acting)?;
    let next = renewal.next_key(&lock, rotation, entropy)?;
    renewal.mint(&next)?;
    let account = renewal.account("rotate-token-key", "rotated");
    let logged = store.rotate_token_key(&lock, &next, &renewal.ruling.change, &account.entry())?;
    Ok(renewal.done(logged))
}

struct Renewal<'a> {
    store: &'a Store,
    acting: &'a Acting<'a>,
    now: Timestamp,
    list: Revocations,
    id: SiteId,
    alive: Vec<SiteTokenRow>,
    ruling: Ruling,
}

impl<'a> Renewal<'a> {
    fn begin(store: &'a Store, acting: &'a Acting<'a>) -> Result<Self, ImportError> {
        let now = trust::time(store)?.judge(acting.reading).at;
        let list = withdrawn::in_force(store)?;
        let id = site_id(acting.site).map_err(|error| ImportError::SiteName(error.to_string()))?;
        let mut ruling = Ruling::default();
        let keys = accept::token_keys(acting.site.identity(), now)?;
        let alive = ruling.end(store.site_tokens()?, &list, &keys, now);
        Ok(Self { store, acting, now, list, id, alive, ruling })
    }

    fn next_key(&mut self, lock: &ImportLock, rotation: Rotation, entropy: Entropy<'_>) -> Result<Site, ImportError> {
        let last = self.alive.iter().map(|row| row.expires).max();
        let until = last.filter(|_| rotation == Rotation::Overlap);
        let next = self.store.with_next_token_key(lock, self.now, until, entropy)?;
        let keys = accept::token_keys(next.identity(), self.now)?;
        let ended = self.alive.extract_if(.., |row| !keys.iter().any(|key| key.kid() == row.kid));
        self.ruling.change.ended.extend(ended.map(|row| row.jti));
        self.ruling.told.ended = self.ruling.change.ended.len() as u64;
        Ok(next)
    }

    fn mint(&mut self, site: &Site) -> Result<(), ImportError> {
        for row in self.store.vendor_tokens()? {
            let token = match self.verify(&row)? {
                Ok(token) => token,
                Err(error) => {
                    self.ruling.warnings.push(format!("vendor token {}: {error} [{}]", row.jti, error.code()));
                    continue;
                }
            };
            require_same(&row, token.claims_digest())?;
            let minting = mint::Minting { site, id: &self.id, kit: row.kit, now: self.now, nonce: self.acting.nonce };
            self.ruling.change.minted.extend(minting.mint(&token, &self.alive)?);
        }
        self.ruling.told.minted = self.ruling.change.minted.len() as u64;
        Ok(())
    }

    /// The evidence as if it came in now. A key list that is missing is damage, and no reason to go on.
    fn verify(&self, row: &VendorTokenRow) -> Result<Result<VendorToken, TokenError>, ImportError> {
        let limits = TokenLimits::default();
        let list = self.store.token_keys(&row.keys)?;
        let verified = Jwks::parse(list.as_bytes(), &limits).and_then(|keys| {
            self.list.check_kit(&row.kit)?;
            let (compact, audience) = (row.compact.expose(), Audience::Site(&self.id));
            verify_vendor_token(compact, &keys, audience, self.now, &self.list, &limits)
        });
        Ok(verified)
    }

    fn account(&mut self, action: &str, result: &str) -> Account {
        let Acting { site, reading, operator, engine, .. } = *self.acting;
        // The time was readable a moment ago.
        let time = trust::time(self.store).unwrap_or_else(|_| trust::program_time());
        let by = Circumstances { site, time: &time, reading, operator, engine };
        let mut account = Account::new(action, "tokens", &by);
        result.clone_into(&mut account.import.result);
        self.ruling.told.revocations_serial = Some(self.list.serial()).filter(|serial| *serial > 0);
        account.rule(&self.ruling);
        account
    }

    fn done(self, logged: Logged) -> Renewed {
        let Ruling { told, warnings, .. } = self.ruling;
        Renewed { minted: told.minted, ended: told.ended, warnings, logged }
    }
}

/// The evidence is what was judged when it came in.
fn require_same(row: &VendorTokenRow, claims: Digest) -> Result<(), StoreError> {
    if row.claims == claims {
        return Ok(());
    }
    Err(StoreError::Damaged { what: format!("vendor token {} is not the one that was kept", row.jti) })
}
