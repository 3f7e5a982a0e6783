//! Exchanging the key that signs the site's tokens.
//!
//! ```text
//! the next key is made beside the present one -> one transaction: the state names it, the one before retires,
//!   tokens are minted anew -> the key is copied to its place -> the file beside it goes
//! ```
//!
//! The state decides which key is the site's. After a crash behind the transaction it still lies beside its place,
//! where whoever loads the keys finds it, until the next rotation puts it there; after one before it, it has signed
//! nothing that anybody holds, and the next rotation takes it. It is copied and not renamed: a power cut that takes
//! only half of a rename would take the only copy.

use std::io;

use attest::keys::{Purpose, SigningKey, Token, VerifyingKey};
use domain::time::Timestamp;

use crate::audit::{AUDIT, Entry, Logged};
use crate::durable::{remove_file, sync_directory, write_file};
use crate::entitlements::{EntitlementChange, write_entitlements};
use crate::error::StoreError;
use crate::rows::encode;
use crate::site::{Entropy, RetiredTokenKey, Site};
use crate::state::{ImportLock, Store};

/// Whoever rotates faster than tokens end would keep every client verifying against a long list.
const RETIRED_MAX: usize = 8;

impl Store {
    /// The site as it is after a rotation. Nothing has changed before [`Store::rotate_token_key`]. The present
    /// key verifies `until` then; without that it verifies nothing any more.
    pub fn with_next_token_key(
        &self,
        _lock: &ImportLock,
        now: Timestamp,
        until: Option<Timestamp>,
        entropy: Entropy<'_>,
    ) -> Result<Site, StoreError> {
        let mut site =
            self.site(&mut |_: &mut [u8]| Err(io::Error::other("a site without keys has none to rotate")))?;
        let path = self.layout().next_key(Token::NAME);
        if self.read_key_at::<Token>(&path)?.is_some_and(|key| key.public() == site.token.public()) {
            self.place_token_key(&site.token)?;
        }
        let next = self.new_key_at::<Token>(path, entropy)?;
        sync_directory(self.disk(), &self.layout().keys())?;
        let before = std::mem::replace(&mut site.identity.token, next.public());
        site.token = next;
        let retired = &mut site.identity.retired;
        retired.retain(|retired| retired.until > now);
        retired.extend(until.filter(|until| *until > now).map(|until| RetiredTokenKey { key: before, until }));
        if retired.len() > RETIRED_MAX {
            return Err(StoreError::TokenKeys { max: RETIRED_MAX });
        }
        self.refuse_shared_keys(&site)?;
        Ok(site)
    }

    /// Makes it so.
    pub fn rotate_token_key(
        &self,
        _lock: &ImportLock,
        next: &Site,
        change: &EntitlementChange,
        entry: &Entry,
    ) -> Result<Logged, StoreError> {
        let logged = self.act(next, entry, |write| {
            write.open_table(AUDIT)?.insert("site", encode(&next.identity.row()).as_slice())?;
            write_entitlements(write, change)
        })?;
        self.place_token_key(&next.token)?;
        Ok(logged)
    }

    /// The private half of the token key that the state names.
    pub(crate) fn token_key(&self, public: &VerifyingKey<Token>) -> Result<SigningKey<Token>, StoreError> {
        // In this order: it goes from there when it is in its place.
        let next = self.read_key_at::<Token>(&self.layout().next_key(Token::NAME))?;
        next.filter(|next| next.public() == *public).map_or_else(|| self.key(public), Ok)
    }

    fn place_token_key(&self, key: &SigningKey<Token>) -> Result<(), StoreError> {
        let (keys, place) = (self.layout().keys(), self.layout().key(Token::NAME));
        write_file(self.disk(), &keys.join("partial"), &place, key.to_pem().as_bytes())?;
        sync_directory(self.disk(), &keys)?;
        remove_file(self.disk(), &self.layout().next_key(Token::NAME))?;
        sync_directory(self.disk(), &keys)
    }
}
