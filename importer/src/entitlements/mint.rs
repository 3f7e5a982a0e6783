//! Site tokens out of vendor tokens.

use domain::digest::{Digest, Hasher};
use domain::time::Timestamp;
use ouk::tokens::{SITE_DAYS_MAX, SiteId, SiteToken, TokenKey, TokenSigner, VendorToken, mint};
use store::{Compact, Site, SiteTokenRow};

use crate::error::ImportError;

/// What every token of one step has in common.
pub(super) struct Minting<'a> {
    pub(super) site: &'a Site,
    pub(super) id: &'a SiteId,
    /// The metadata digest of the kit that carried the vendor tokens.
    pub(super) kit: Digest,
    pub(super) now: Timestamp,
    pub(super) nonce: Digest,
}

impl Minting<'_> {
    /// Mints a token, unless one of the same source is good for as long.
    pub(super) fn mint(
        &self,
        vendor: &VendorToken,
        alive: &[SiteTokenRow],
    ) -> Result<Option<SiteTokenRow>, ImportError> {
        let until = vendor.good_until().min(self.now.plus_days(SITE_DAYS_MAX));
        let key = TokenKey::from_bytes(self.site.identity().token().as_bytes())?;
        let is_as_good =
            |row: &SiteTokenRow| row.kid == key.kid() && row.source_jti == vendor.jti() && row.expires >= until;
        if alive.iter().any(is_as_good) {
            return Ok(None);
        }
        let signer = TokenSigner { key: &key, sign: &|message| self.site.token().sign(message) };
        Ok(Some(row(&key, &mint(&signer, vendor, self.id, self.kit, self.now, self.random(vendor))?)))
    }

    /// Sixteen bytes that nobody can know before, and that are others for each token of one step.
    fn random(&self, vendor: &VendorToken) -> [u8; 16] {
        let mut hasher = Hasher::new();
        for part in [&b"site token"[..], self.nonce.as_bytes(), self.kit.as_bytes(), vendor.jti().as_bytes()] {
            hasher.update(part);
        }
        let mut random = [0; 16];
        random.copy_from_slice(&hasher.finish().as_bytes()[..16]);
        random
    }
}

fn row(key: &TokenKey, token: &SiteToken) -> SiteTokenRow {
    SiteTokenRow {
        jti: token.jti().to_owned(),
        kid: key.kid().to_owned(),
        compact: Compact::new(token.expose()),
        subject: token.grant().subject.clone(),
        tier: token.grant().tier.clone(),
        scans_per_day_max: token.grant().scans_per_day_max,
        not_before: token.not_before(),
        expires: token.expires(),
        source_jti: token.source().jti.clone(),
        source_kid: token.source().kid.clone(),
        source_kit: token.source().kit,
    }
}
