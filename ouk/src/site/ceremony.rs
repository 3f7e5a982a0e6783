//! The keys of a site, and the root that names them.

use domain::time::Timestamp;
use sigstore_tuf::{Root, TrustedMetadataSet};

use super::SiteError;
use crate::document::refused;
use crate::error::KitError;
use crate::keys::{KEY_SUFFIX, KeyError, KeyPair, Rng, Role, RootRoles, SecretBytes, envelope};
use crate::limits::Limits;
use crate::verify::{PinnedRoot, check_root};

/// Five years, one leap day included: a site's root lasts as long as its appliances.
const ROOT_DAYS: i64 = 5 * 365 + 1;
/// The roles whose keys stay on the machine.
const ONLINE: [Role; 3] = [Role::Targets, Role::Snapshot, Role::Timestamp];

/// A site's choices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SiteCeremonyConfig {
    /// People who hold a root key each.
    pub custodians: usize,
    /// How many of them sign a root.
    pub threshold: usize,
    pub root_days: i64,
    pub now: Timestamp,
}

impl SiteCeremonyConfig {
    /// Two of three: one custodian may be absent or lose a key, and none acts alone.
    pub fn new(now: Timestamp) -> Self {
        Self { custodians: 3, threshold: 2, root_days: ROOT_DAYS, now }
    }
}

/// What a site's ceremony yields. File names are those of [`crate::keys::KeySet::from_files`].
pub struct SiteCeremony {
    /// `root-<n>.key.pem`: one for each custodian, to be taken away.
    pub custodians: Vec<(String, SecretBytes)>,
    /// `targets-1.key.pem` and its like: these stay on the machine.
    pub online: Vec<(String, SecretBytes)>,
    /// `1.root.json`, signed by every custodian.
    pub root_json: Vec<u8>,
}

/// Makes all keys of a site and its first root.
pub fn site_ceremony(config: &SiteCeremonyConfig, rng: &mut Rng<'_>) -> Result<SiteCeremony, KeyError> {
    if config.threshold == 0 || config.threshold > config.custodians {
        let reason = "the threshold is 0 or over the number of custodians";
        return Err(KeyError::Role { role: Role::Root, reason });
    }
    let file = |role: Role, at: usize, pair: &KeyPair| (format!("{role}-{}{KEY_SUFFIX}", at + 1), pair.to_pem());
    let custodians: Vec<KeyPair> = (0..config.custodians).map(|_| KeyPair::generate(rng)).collect();
    let online = ONLINE.map(|role| (role, KeyPair::generate(rng)));
    let public = custodians.iter().map(|pair| pair.public().clone()).collect();
    let mut roles = RootRoles { roles: [(Role::Root, (public, config.threshold))].into() };
    roles.roles.extend(online.iter().map(|(role, pair)| (*role, (vec![pair.public().clone()], 1))));
    let signed = roles.to_signed(1, config.now.plus_days(config.root_days));
    let root_json = envelope(&signed, &custodians.iter().collect::<Vec<_>>());
    let refuse = |error: SiteError| KeyError::File { file: "the site's root".to_owned(), reason: error.to_string() };
    check_site_root(&root_json, &Limits::default()).map_err(refuse)?;
    Ok(SiteCeremony {
        custodians: custodians.iter().enumerate().map(|(at, pair)| file(Role::Root, at, pair)).collect(),
        online: online.iter().map(|(role, pair)| file(*role, 0, pair)).collect(),
        root_json,
    })
}

/// Checks a site's root that an operator wants to pin. Whether it is the right site's is for the
/// operator to know.
pub fn check_site_root(root: &[u8], limits: &Limits) -> Result<PinnedRoot, SiteError> {
    let pinned = check_root(root, limits)?;
    let file = "the site's root";
    let set = TrustedMetadataSet::from_root(root).map_err(|error| refused("root", file, &error))?;
    check_distinct(file, set.root())?;
    Ok(pinned)
}

/// A key that signs for two roles makes one theft of two.
pub(super) fn check_distinct(file: &str, root: &Root) -> Result<(), KitError> {
    let mut seen = std::collections::BTreeSet::new();
    match root.roles.values().flat_map(|role| &role.keyids).find(|id| !seen.insert(*id)) {
        Some(id) => Err(KitError::Algorithm {
            file: file.to_owned(),
            key: crate::error::shown(id.as_bytes()),
            reason: "signs for two roles; a site's roles have distinct keys".to_owned(),
        }),
        None => Ok(()),
    }
}
