//! What a kit says of tokens, and of what the vendor has withdrawn.
//!
//! ```text
//! offered    the three files of a kit, read within limits
//! withdrawn  the list in force, held against kits and generations
//! judge      -> the list in force from now on; vendor tokens seen, site tokens minted and ended
//! accept     is a token that a client shows good here and now?
//! renew      the same for the tokens that are here already, between two kits, and under another key
//! ```
//!
//! The files are read in the worker first, as everything that a kit carries; a site's key is needed to
//! mint, so they are read and verified here once more. Nothing of it takes effect before the kit is active:
//! all of it is part of the one transaction.
//!
//! A list or a key list that is wrong refuses the kit. A token that is wrong, late or for
//! somebody else does not: feeds are taken without an entitlement, never the reverse.

mod accept;
mod mint;
mod offered;
mod renew;
pub(crate) mod withdrawn;

use attest::statement::Entitlements as Told;
use domain::digest::Digest;
use domain::time::Timestamp;
use ouk::tokens::{
    Audience, Entitlements, InvalidSiteId, KnownJti, Revocations, SiteId, TokenKey, TokenLimits, VendorToken,
    verify_bundle,
};
use ouk::verify::VerifiedKit;
use store::{Compact, EntitlementChange, GenerationRow, Site, SiteTokenRow, Store, TrustRow, VendorTokenRow};

use crate::error::ImportError;

pub use accept::{revocations, verify_token};
pub(crate) use offered::Offered;
pub use renew::{Renewed, Rotation, renew, rotate};

/// An id stands for its claims for this long after the token has ended.
const REMEMBERED_SECONDS: i64 = 400 * Timestamp::DAY_SECONDS;
/// A person reads this many reasons; the rest is counted.
const REASONS_SHOWN: usize = 10;

/// A kit that is verified and lies ready, and the site that is to judge its tokens.
pub(crate) struct Asked<'a> {
    pub(crate) store: &'a Store,
    pub(crate) site: &'a Site,
    pub(crate) kit: &'a VerifiedKit,
    pub(crate) generation: &'a GenerationRow,
    pub(crate) trust: &'a TrustRow,
    /// The lower bound of the present.
    pub(crate) now: Timestamp,
    /// Random bytes, which the ids of new tokens are made of.
    pub(crate) nonce: Digest,
}

/// What is true of tokens once the kit is active.
#[derive(Debug, Default)]
pub(crate) struct Ruling {
    /// The list in force, when there ever was one.
    pub(crate) revocations: Option<String>,
    pub(crate) change: EntitlementChange,
    pub(crate) told: Told,
    pub(crate) warnings: Vec<String>,
}

/// Judges what the kit says. Nothing is changed by it.
pub(crate) fn judge(asked: &Asked<'_>) -> Result<Ruling, ImportError> {
    let limits = TokenLimits::default();
    let blobs = asked.store.blobs();
    let offered = Offered::read(asked.kit, &limits, |chunk| Ok(blobs.read(&chunk.sha256, chunk.len)?))?;
    let known = withdrawn::known(asked.trust)?;
    let in_force = offered.successor(&known, &limits)?;
    withdrawn::refuse_generation(&in_force, asked.generation)?;
    let mut ruling = Ruling::default();
    ruling.take_list(asked, &known, &in_force)?;
    let keys = accept::token_keys(asked.site.identity(), asked.now)?;
    let alive = ruling.end(asked.store.site_tokens()?, &in_force, &keys, asked.now);
    ruling.take_tokens(asked, &offered, &in_force, &alive, &limits)?;
    ruling.forget(&asked.store.vendor_tokens()?, asked.now);
    Ok(ruling)
}

impl Ruling {
    /// The list, and the generations that it ends.
    fn take_list(&mut self, asked: &Asked<'_>, known: &Revocations, in_force: &Revocations) -> Result<(), ImportError> {
        if in_force.serial() > 0 {
            self.revocations = Some(String::from_utf8_lossy(&in_force.to_json()).into_owned());
            self.told.revocations_serial = Some(in_force.serial());
        }
        for row in asked.store.generations()?.iter().filter(|row| row.number != asked.generation.number) {
            let Some(what) = withdrawn::of_generation(in_force, row) else { continue };
            self.told.withdrawn_generations.push(row.number);
            if withdrawn::of_generation(known, row).is_none() {
                self.warnings.push(format!(
                    "the vendor has withdrawn {what}: generation {} can never be active again; scan again what rests on it",
                    row.number
                ));
            }
        }
        Ok(())
    }

    /// Drops the site tokens that are no longer good and returns the others.
    fn end(
        &mut self,
        tokens: Vec<SiteTokenRow>,
        in_force: &Revocations,
        keys: &[TokenKey],
        now: Timestamp,
    ) -> Vec<SiteTokenRow> {
        let (withdrawn, rest): (Vec<_>, Vec<_>) =
            tokens.into_iter().partition(|row| withdrawn::of_site_token(in_force, row).is_err());
        if !withdrawn.is_empty() {
            self.warnings.push(format!("{} tokens of this site ended: the vendor has withdrawn them", withdrawn.len()));
        }
        let (ended, alive): (Vec<_>, Vec<_>) =
            rest.into_iter().partition(|row| row.expires <= now || !keys.iter().any(|key| key.kid() == row.kid));
        self.change.ended = withdrawn.into_iter().chain(ended).map(|row| row.jti).collect();
        self.told.ended = self.change.ended.len() as u64;
        alive
    }

    fn take_tokens(
        &mut self,
        asked: &Asked<'_>,
        offered: &Offered,
        in_force: &Revocations,
        alive: &[SiteTokenRow],
        limits: &TokenLimits,
    ) -> Result<(), ImportError> {
        let Some((keys, tokens)) = offered.tokens(limits)? else {
            self.warnings.push("the kit carries no token: clients keep what they have until it ends".to_owned());
            return Ok(());
        };
        let id = match site_id(asked.site) {
            Ok(id) => id,
            Err(error) => {
                self.warnings.push(format!("no token can be minted for {}: {error}", asked.site.id()));
                return Ok(());
            }
        };
        let known: Vec<KnownJti> = asked.store.vendor_tokens()?.into_iter().map(known_jti).collect();
        let found = verify_bundle(tokens, &keys, Audience::Site(&id), asked.now, in_force, &known, limits)?;
        self.tell(&found, &id);
        let keys = String::from_utf8_lossy(&keys.to_json()).into_owned();
        let digest = Digest::of(keys.as_bytes());
        let kit = asked.kit.metadata_digest();
        let minting = mint::Minting { site: asked.site, id: &id, kit, now: asked.now, nonce: asked.nonce };
        for token in &found.tokens {
            self.change.seen.push(evidence(token, kit, digest));
            self.change.minted.extend(minting.mint(token, alive)?);
        }
        self.change.keys = Some(keys).filter(|_| !self.change.seen.is_empty());
        self.told.minted = self.change.minted.len() as u64;
        Ok(())
    }

    /// What people should know of tokens that were not taken.
    fn tell(&mut self, found: &Entitlements, site: &SiteId) {
        (self.told.elsewhere, self.told.refused) = (found.elsewhere as u64, found.refused.len() as u64);
        for (line, error) in found.refused.iter().take(REASONS_SHOWN) {
            self.warnings.push(format!("the token on line {line} is not taken: {error} [{}]", error.code()));
        }
        if let Some(more @ 1..) = found.refused.len().checked_sub(REASONS_SHOWN) {
            self.warnings.push(format!("{more} more tokens are not taken"));
        }
        if found.tokens.is_empty() {
            self.warnings.push(format!(
                "no token of the kit is good for this site ({site}): clients keep what they have until it ends"
            ));
        }
    }

    fn forget(&mut self, known: &[VendorTokenRow], now: Timestamp) {
        let old = known.iter().filter(|row| row.expires.plus_seconds(REMEMBERED_SECONDS) <= now);
        self.change.forgotten = old.map(|row| row.jti.clone()).collect();
    }
}

fn site_id(site: &Site) -> Result<SiteId, InvalidSiteId> {
    site.id().parse()
}

fn known_jti(row: VendorTokenRow) -> KnownJti {
    KnownJti { jti: row.jti, claims: row.claims }
}

fn evidence(token: &VendorToken, kit: Digest, keys: Digest) -> VendorTokenRow {
    VendorTokenRow {
        jti: token.jti().to_owned(),
        compact: Compact::new(token.expose()),
        claims: token.claims_digest(),
        kit,
        keys,
        expires: token.good_until(),
    }
}
