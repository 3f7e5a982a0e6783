//! Who this site is: its name, and a key for each purpose that it signs for.
//!
//! Name and keys are made once, at the first start. `state.redb` then holds the name and the public
//! keys, so a key file that is missing, damaged or exchanged later is an error and never a
//! reason to make a new one: receipts and checkpoints that were given out would stop verifying,
//! and whoever removed a file could make this site sign under a key that nobody knows.

use std::io;
use std::path::{Path, PathBuf};

use attest::AttestError;
use attest::keys::{self, Log, Purpose, Receipt, SigningKey, SiteTargets, Token, VerifyingKey};
use attest::note::{NoteSigner, NoteVerifier};
use attest::tlog::TreeHead;
use domain::time::Timestamp;
use redb::ReadableTable;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::audit::{AUDIT, LogFiles, encode_head};
use crate::durable::{read_file, sync_directory, write_file};
use crate::error::StoreError;
use crate::rows::{decode, encode};
use crate::state::Store;

const KEY_BYTES_MAX: u64 = 1024;
const NAME_BYTES_MAX: usize = 63;

/// Where random bytes come from.
pub type Entropy<'a> = &'a mut dyn FnMut(&mut [u8]) -> io::Result<()>;

/// The site's name and private keys. Only [`Store::site`] makes one.
#[derive(Debug)]
pub struct Site {
    pub(crate) identity: Identity,
    receipt: SigningKey<Receipt>,
    log: NoteSigner,
    pub(crate) token: SigningKey<Token>,
    targets: SigningKey<SiteTargets>,
}

/// What others may know of the site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    id: String,
    receipt: VerifyingKey<Receipt>,
    log: NoteVerifier,
    pub(crate) token: VerifyingKey<Token>,
    pub(crate) retired: Vec<RetiredTokenKey>,
    targets: VerifyingKey<SiteTargets>,
}

/// A key that signs no token any more, and verifies those that it has signed for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetiredTokenKey {
    pub key: VerifyingKey<Token>,
    pub until: Timestamp,
}

/// The identity as the state holds it.
#[derive(Serialize, Deserialize)]
pub(crate) struct SiteRow {
    id: String,
    receipt: String,
    log: String,
    token: String,
    /// Key and end of those before, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    retired: Vec<(String, Timestamp)>,
    targets: String,
}

impl Site {
    pub fn id(&self) -> &str {
        &self.identity.id
    }

    /// `urn:stella:site:ID`.
    pub fn urn(&self) -> String {
        self.identity.urn()
    }

    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    pub fn receipt(&self) -> &SigningKey<Receipt> {
        &self.receipt
    }

    /// Signs heads of the log of this site.
    pub(crate) fn log(&self) -> &NoteSigner {
        &self.log
    }

    /// Signs access tokens.
    pub fn token(&self) -> &SigningKey<Token> {
        &self.token
    }

    /// Signs the site's own TUF metadata.
    pub fn targets(&self) -> &SigningKey<SiteTargets> {
        &self.targets
    }
}

impl Identity {
    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn urn(&self) -> String {
        format!("urn:stella:site:{}", self.id)
    }

    pub fn receipt(&self) -> &VerifyingKey<Receipt> {
        &self.receipt
    }

    /// The log's key, named after the log's origin `stella/ID/audit`.
    pub fn log(&self) -> &NoteVerifier {
        &self.log
    }

    pub fn token(&self) -> &VerifyingKey<Token> {
        &self.token
    }

    /// The token keys before that one, oldest first.
    pub fn retired(&self) -> &[RetiredTokenKey] {
        &self.retired
    }

    pub fn targets(&self) -> &VerifyingKey<SiteTargets> {
        &self.targets
    }

    fn read(row: &SiteRow) -> Result<Self, AttestError> {
        Ok(Self {
            id: row.id.clone(),
            receipt: VerifyingKey::parse(&row.receipt)?,
            log: NoteVerifier::new(&origin(&row.id), VerifyingKey::parse(&row.log)?)?,
            token: VerifyingKey::parse(&row.token)?,
            retired: row.retired.iter().map(RetiredTokenKey::read).collect::<Result<_, _>>()?,
            targets: VerifyingKey::parse(&row.targets)?,
        })
    }

    pub(crate) fn row(&self) -> SiteRow {
        SiteRow {
            id: self.id.clone(),
            receipt: self.receipt.to_base64(),
            log: self.log.key().to_base64(),
            token: self.token.to_base64(),
            retired: self.retired.iter().map(|retired| (retired.key.to_base64(), retired.until)).collect(),
            targets: self.targets.to_base64(),
        }
    }
}

impl RetiredTokenKey {
    fn read((key, until): &(String, Timestamp)) -> Result<Self, AttestError> {
        Ok(Self { key: VerifyingKey::parse(key)?, until: *until })
    }
}

fn origin(id: &str) -> String {
    format!("stella/{id}/audit")
}

/// The site that the state belongs to, as its row tells.
pub(crate) fn identity(row: Option<&[u8]>) -> Result<Option<Identity>, StoreError> {
    let damaged = |error: AttestError| StoreError::damaged(format!("the identity of the site: {error}"));
    let row = row.map(|row| decode::<SiteRow>("the identity of the site", row)).transpose()?;
    row.map(|row| Identity::read(&row).map_err(damaged)).transpose()
}

impl Store {
    /// The site with its keys; makes them at the first start. Also signs the log's checkpoint when a
    /// crash has left that undone, so whoever holds a [`Site`] holds one whose log is in order.
    pub fn site(&self, entropy: Entropy<'_>) -> Result<Site, StoreError> {
        self.provision(None, entropy)
    }

    /// As [`Store::site`], for a site that is given a name instead of a random one.
    pub fn site_named(&self, name: &str, entropy: Entropy<'_>) -> Result<Site, StoreError> {
        let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c);
        if !name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            || name.len() > NAME_BYTES_MAX
            || !name.chars().all(known)
        {
            return Err(StoreError::SiteName(name.to_owned()));
        }
        self.provision(Some(name), entropy)
    }

    /// The public half, without touching a private key. None before the first start of [`Store::site`].
    pub fn identity(&self) -> Result<Option<Identity>, StoreError> {
        let read = self.begin_read()?;
        let row = read.open_table(AUDIT)?.get("site")?;
        identity(row.as_ref().map(|row| row.value()))
    }

    // Key files are written before the row that names them. A crash between the two leaves keys that
    // have signed nothing, and the next start takes them.
    fn provision(&self, name: Option<&str>, entropy: Entropy<'_>) -> Result<Site, StoreError> {
        let write = self.begin_write()?;
        let known = {
            let audit = write.open_table(AUDIT)?;
            let row = audit.get("site")?;
            identity(row.as_ref().map(|row| row.value()))?
        };
        if let Some(known) = known {
            if name.is_some_and(|name| name != known.id) {
                return Err(StoreError::SiteNamed { found: known.id });
            }
            let site = self.load(known)?;
            self.publish_in(&write, &site)?;
            return Ok(site);
        }
        if LogFiles::new(self, 0).checkpoint()?.is_some() {
            return Err(StoreError::damaged("there is an audit log, and the state knows nothing of it"));
        }
        let site = self.make(name, entropy)?;
        {
            let mut audit = write.open_table(AUDIT)?;
            audit.insert("site", encode(&site.identity.row()).as_slice())?;
            audit.insert("head", encode_head(&TreeHead::empty()).as_slice())?;
        }
        write.commit()?;
        self.publish(&site)?;
        Ok(site)
    }

    fn load(&self, identity: Identity) -> Result<Site, StoreError> {
        let log = NoteSigner::new(identity.log.name(), self.key(identity.log.key())?)?;
        let site = Site {
            receipt: self.key(&identity.receipt)?,
            log,
            token: self.token_key(&identity.token)?,
            targets: self.key(&identity.targets)?,
            identity,
        };
        self.refuse_shared_keys(&site)?;
        Ok(site)
    }

    fn make(&self, name: Option<&str>, entropy: Entropy<'_>) -> Result<Site, StoreError> {
        let id = match name {
            Some(name) => name.to_owned(),
            None => random_id(entropy).map_err(StoreError::io(&self.layout().keys()))?,
        };
        let receipt = self.new_key::<Receipt>(entropy)?;
        let log = NoteSigner::new(&origin(&id), self.new_key::<Log>(entropy)?)?;
        let token = self.new_key::<Token>(entropy)?;
        let targets = self.new_key::<SiteTargets>(entropy)?;
        sync_directory(self.disk(), &self.layout().keys())?;
        let identity = Identity {
            id,
            receipt: receipt.public(),
            log: log.verifier().clone(),
            token: token.public(),
            retired: Vec::new(),
            targets: targets.public(),
        };
        let site = Site { identity, receipt, log, token, targets };
        self.refuse_shared_keys(&site)?;
        Ok(site)
    }

    pub(crate) fn refuse_shared_keys(&self, site: &Site) -> Result<(), StoreError> {
        let Identity { receipt, log, token, retired, targets, .. } = &site.identity;
        let now = [
            (Receipt::NAME, receipt.id()),
            (Log::NAME, log.key().id()),
            (Token::NAME, token.id()),
            (SiteTargets::NAME, targets.id()),
        ];
        keys::refuse_shared(now.into_iter().chain(retired.iter().map(|retired| ("retired token", retired.key.id()))))
            .map_err(|error| StoreError::Keys { path: self.layout().keys(), reason: error.to_string() })
    }

    /// The private half of a key that this site has used before.
    pub(crate) fn key<P: Purpose>(&self, public: &VerifyingKey<P>) -> Result<SigningKey<P>, StoreError> {
        let path = self.layout().key(P::NAME);
        let refuse = |reason: &str| StoreError::Keys { path: path.clone(), reason: reason.to_owned() };
        let key = self.read_key()?.ok_or_else(|| refuse("the key file is missing: restore it from a backup"))?;
        if key.public() != *public {
            return Err(refuse("this is not the key that the site has used so far: restore it from a backup"));
        }
        Ok(key)
    }

    fn new_key<P: Purpose>(&self, entropy: Entropy<'_>) -> Result<SigningKey<P>, StoreError> {
        self.new_key_at(self.layout().key(P::NAME), entropy)
    }

    /// The key in this file; a crash may have left it there, and it has signed nothing then.
    pub(crate) fn new_key_at<P: Purpose>(
        &self,
        path: PathBuf,
        entropy: Entropy<'_>,
    ) -> Result<SigningKey<P>, StoreError> {
        if let Some(key) = self.read_key_at(&path)? {
            return Ok(key);
        }
        let mut seed = Zeroizing::new([0; 32]);
        entropy(seed.as_mut_slice()).map_err(StoreError::io(&path))?;
        let key = SigningKey::from_seed(&seed);
        // A source of zeros is none, and a key from it is known to everybody.
        if *seed == [0; 32] {
            return Err(StoreError::Keys { path, reason: "there are no random numbers to make a key of".to_owned() });
        }
        write_file(self.disk(), &self.layout().keys().join("partial"), &path, key.to_pem().as_bytes())?;
        Ok(key)
    }

    fn read_key<P: Purpose>(&self) -> Result<Option<SigningKey<P>>, StoreError> {
        self.read_key_at(&self.layout().key(P::NAME))
    }

    pub(crate) fn read_key_at<P: Purpose>(&self, path: &Path) -> Result<Option<SigningKey<P>>, StoreError> {
        let Some(bytes) = read_file(self.disk(), path, KEY_BYTES_MAX)?.map(Zeroizing::new) else { return Ok(None) };
        let refuse = |reason: String| StoreError::Keys { path: path.to_owned(), reason };
        let text = std::str::from_utf8(&bytes).map_err(|_| refuse("the key file is not text".to_owned()))?;
        SigningKey::from_pem(text).map(Some).map_err(|error| refuse(error.to_string()))
    }
}

/// 128 random bits, because two sites must never get one name.
fn random_id(entropy: Entropy<'_>) -> io::Result<String> {
    let mut bytes = [0; 16];
    entropy(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
