//! Tokens: the vendor's, kept as evidence, and the site's own, which clients show.
//!
//! Written only by the transaction that makes their kit active, or by one that renews them. What is in a token
//! is not judged here: rows come from whoever verified it.

use std::fmt;

use domain::digest::Digest;
use domain::time::Timestamp;
use redb::{ReadableTable, TableDefinition, TableError, WriteTransaction};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::audit::{Entry, Logged};
use crate::error::StoreError;
use crate::rows::{decode, encode};
use crate::site::Site;
use crate::state::{ImportLock, Store};

const VENDOR_TOKENS: TableDefinition<&str, &[u8]> = TableDefinition::new("vendor-tokens");
const SITE_TOKENS: TableDefinition<&str, &[u8]> = TableDefinition::new("site-tokens");
/// The vendor's key lists that the evidence is verified with, by their digest.
const TOKEN_KEYS: TableDefinition<&str, &[u8]> = TableDefinition::new("token-keys");

/// A token as it is shown to whoever accepts it. Its debug form does not show it: rows end up in messages.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compact(String);

impl Compact {
    pub fn new(token: &str) -> Self {
        Self(token.to_owned())
    }

    /// The token itself. Never for a log.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Compact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Compact(…)")
    }
}

/// A token of the vendor. Its id stands for these claims for as long as the row is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VendorTokenRow {
    pub jti: String,
    pub compact: Compact,
    /// The digest of what it says, whoever signed it.
    pub claims: Digest,
    /// The metadata digest of the newest kit that carried it.
    pub kit: Digest,
    /// The digest of the key list of that kit.
    pub keys: Digest,
    pub expires: Timestamp,
}

/// A token of the site, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteTokenRow {
    pub jti: String,
    /// The site's key that signed it.
    pub kid: String,
    pub compact: Compact,
    pub subject: String,
    pub tier: String,
    pub scans_per_day_max: u32,
    pub not_before: Timestamp,
    pub expires: Timestamp,
    /// The vendor token's id and key, and the metadata digest of the kit that carried it.
    pub source_jti: String,
    pub source_kid: String,
    pub source_kit: Digest,
}

/// What one kit changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntitlementChange {
    /// The key list that the tokens of `seen` were verified with.
    pub keys: Option<String>,
    pub seen: Vec<VendorTokenRow>,
    pub minted: Vec<SiteTokenRow>,
    /// Ids of site tokens that are no longer good.
    pub ended: Vec<String>,
    /// Ids of vendor tokens that ended so long ago that they prove nothing any more.
    pub forgotten: Vec<String>,
}

impl Store {
    /// The vendor's tokens, in the order of their ids.
    pub fn vendor_tokens(&self) -> Result<Vec<VendorTokenRow>, StoreError> {
        self.token_rows(VENDOR_TOKENS, "the vendor token")
    }

    /// The site's tokens, in the order of their ids.
    pub fn site_tokens(&self) -> Result<Vec<SiteTokenRow>, StoreError> {
        self.token_rows(SITE_TOKENS, "the site token")
    }

    /// The vendor's key list with this digest.
    pub fn token_keys(&self, digest: &Digest) -> Result<String, StoreError> {
        let missing = || StoreError::damaged(format!("the vendor's key list {digest} is missing"));
        let read = self.begin_read()?;
        let table = match read.open_table(TOKEN_KEYS) {
            Err(TableError::TableDoesNotExist(_)) => return Err(missing()),
            table => table?,
        };
        let row = table.get(digest.to_string().as_str())?.ok_or_else(missing)?;
        decode(&format!("the vendor's key list {digest}"), row.value())
    }

    /// Writes down what was renewed between two kits. Whoever imports has judged all rows, and nobody else
    /// writes any.
    pub fn renew_tokens(
        &self,
        _lock: &ImportLock,
        change: &EntitlementChange,
        site: &Site,
        entry: &Entry,
    ) -> Result<Logged, StoreError> {
        self.act(site, entry, |write| write_entitlements(write, change))
    }

    fn token_rows<T: DeserializeOwned>(
        &self,
        table: TableDefinition<&str, &[u8]>,
        what: &str,
    ) -> Result<Vec<T>, StoreError> {
        let read = self.begin_read()?;
        let table = match read.open_table(table) {
            // No kit with tokens has come yet.
            Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            table => table?,
        };
        let row = |entry: Result<(redb::AccessGuard<'_, &str>, redb::AccessGuard<'_, &[u8]>), redb::StorageError>| {
            let (jti, row) = entry?;
            decode(&format!("{what} {}", jti.value()), row.value())
        };
        table.iter()?.map(row).collect()
    }
}

pub(crate) fn write_entitlements(write: &WriteTransaction, change: &EntitlementChange) -> Result<(), StoreError> {
    let (mut vendor, mut site) = (write.open_table(VENDOR_TOKENS)?, write.open_table(SITE_TOKENS)?);
    for jti in &change.ended {
        site.remove(jti.as_str())?;
    }
    for jti in &change.forgotten {
        vendor.remove(jti.as_str())?;
    }
    for row in &change.seen {
        vendor.insert(row.jti.as_str(), encode(row).as_slice())?;
    }
    for row in &change.minted {
        // Ids are random: the same one again is a broken source of random numbers.
        if site.insert(row.jti.as_str(), encode(row).as_slice())?.is_some() {
            return Err(StoreError::damaged(format!("the site token {} was minted before", row.jti)));
        }
    }
    let mut keys = write.open_table(TOKEN_KEYS)?;
    if let Some(list) = &change.keys {
        keys.insert(Digest::of(list.as_bytes()).to_string().as_str(), encode(list).as_slice())?;
    }
    // A key list goes with the last token that needs it.
    let needed = vendor.iter()?.map(|entry| {
        let (jti, row) = entry?;
        decode::<VendorTokenRow>(&format!("the vendor token {}", jti.value()), row.value())
    });
    let needed = needed.map(|row| row.map(|row| row.keys.to_string())).collect::<Result<Vec<_>, StoreError>>()?;
    keys.retain(|digest, _| needed.iter().any(|needed| needed == digest))?;
    Ok(())
}
