//! The key ceremony: every key of a new vendor, and the root that names them.

use domain::time::Timestamp;
use minisign::KeyPair as MinisignPair;
use serde_json::{Map, Value, json};

use super::root::RootRoles;
use super::{DELEGATIONS_NAME, KEY_SUFFIX, KeyError, KeyPair, PublicKey, Rng, Role, SecretBytes, canonical, envelope};
use crate::schema::DEPTH_MAX;

/// How many keys a role gets, how many must sign, and for how long that is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoleConfig {
    pub keys: usize,
    pub threshold: usize,
    pub expiry_days: i64,
}

/// A ceremony's choices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CeremonyConfig {
    pub root: RoleConfig,
    pub targets: RoleConfig,
    pub feeds: RoleConfig,
    pub trivydb: RoleConfig,
    pub entitlements: RoleConfig,
    pub snapshot: RoleConfig,
    pub timestamp: RoleConfig,
    pub now: Timestamp,
}

impl CeremonyConfig {
    /// The standard roles. Kits travel by courier, so an expiry exceeds twice the monthly
    /// cadence or its role is quick to sign anew.
    pub fn new(now: Timestamp) -> Self {
        let role = |keys, threshold, expiry_days| RoleConfig { keys, threshold, expiry_days };
        Self {
            root: role(5, 3, 730),
            targets: role(3, 2, 180),
            feeds: role(3, 2, 60),
            trivydb: role(3, 2, 60),
            entitlements: role(2, 1, 60),
            snapshot: role(2, 1, 45),
            timestamp: role(2, 1, 45),
            now,
        }
    }

    pub fn role(&self, role: Role) -> RoleConfig {
        match role {
            Role::Root => self.root,
            Role::Targets => self.targets,
            Role::Feeds => self.feeds,
            Role::TrivyDb => self.trivydb,
            Role::Entitlements => self.entitlements,
            Role::Snapshot => self.snapshot,
            Role::Timestamp => self.timestamp,
        }
    }
}

/// What a ceremony yields.
pub struct Ceremony {
    /// Secret files, by name: `<role>-<n>.key.pem` and `minisign.key`.
    pub files: Vec<(String, SecretBytes)>,
    /// Public files, by name: `delegations.json`, `<role>-<n>.pub.json`, `minisign.pub`.
    pub public_files: Vec<(String, Vec<u8>)>,
    /// `1.root.json`, signed by every root key.
    pub root_json: Vec<u8>,
}

/// Makes all keys and the first root. The minisign pair takes its randomness from the
/// operating system, since its library offers no other way; the seal is for people and no
/// part of the trust that this module's keys carry.
pub fn ceremony(config: &CeremonyConfig, rng: &mut Rng<'_>) -> Result<Ceremony, KeyError> {
    let mut files = Vec::new();
    let mut public_files = Vec::new();
    let mut pairs: Vec<(Role, Vec<KeyPair>)> = Vec::new();
    for role in Role::ALL {
        let RoleConfig { keys, threshold, .. } = config.role(role);
        if threshold == 0 || threshold > keys {
            return Err(KeyError::Role { role, reason: "the threshold is 0 or over the number of keys" });
        }
        let made: Vec<KeyPair> = (0..keys).map(|_| KeyPair::generate(rng)).collect();
        for (at, pair) in made.iter().enumerate() {
            let number = at + 1;
            files.push((format!("{role}-{number}{KEY_SUFFIX}"), pair.to_pem()));
            public_files.push((format!("{role}-{number}.pub.json"), canonical(&pair.public().to_value())));
        }
        pairs.push((role, made));
    }
    let public = |role: Role| {
        let keys = pairs.iter().filter(|(other, _)| *other == role).flat_map(|(_, pairs)| pairs);
        keys.map(|pair| pair.public().clone()).collect::<Vec<_>>()
    };
    let delegated = Role::DELEGATED.map(|role| (role, public(role), config.role(role).threshold));
    public_files.push((DELEGATIONS_NAME.to_owned(), canonical(&delegations(&delegated))));
    let roles = Role::TOP_LEVEL.map(|role| (role, (public(role), config.role(role).threshold)));
    let signed = RootRoles { roles: roles.into() }.to_signed(1, config.now.plus_days(config.root.expiry_days));
    let signers: Vec<&KeyPair> =
        pairs.iter().filter(|(role, _)| *role == Role::Root).flat_map(|(_, pairs)| pairs).collect();
    let root_json = envelope(&signed, &signers);
    let (secret, public) = minisign_pair()?;
    files.push(("minisign.key".to_owned(), secret));
    public_files.push(("minisign.pub".to_owned(), public));
    Ok(Ceremony { files, public_files, root_json })
}

/// The `delegations` block of the top-level targets.
pub(super) fn delegations(roles: &[(Role, Vec<PublicKey>, usize)]) -> Value {
    let mut keys = Map::new();
    let mut entries = Vec::new();
    for (role, public, threshold) in roles {
        let mut ids: Vec<&str> = public.iter().map(PublicKey::id).collect();
        ids.sort_unstable();
        keys.extend(public.iter().map(|key| (key.id().to_owned(), key.to_value())));
        let folder = role.folder().unwrap_or(role.as_str());
        // In TUF `*` does not cross a slash, so each depth has its own pattern.
        let paths: Vec<String> = (1..DEPTH_MAX).map(|depth| format!("{folder}{}", "/*".repeat(depth))).collect();
        entries.push(json!({
            "keyids": ids, "name": role.as_str(), "paths": paths, "terminating": true, "threshold": threshold,
        }));
    }
    json!({ "keys": keys, "roles": entries })
}

fn minisign_pair() -> Result<(SecretBytes, Vec<u8>), KeyError> {
    let refuse = |error: minisign::PError| KeyError::Minisign(error.to_string());
    let pair = MinisignPair::generate_unencrypted_keypair().map_err(refuse)?;
    let secret = pair.sk.to_box(Some("stella kit seal, secret key")).map_err(refuse)?;
    let public = pair.pk.to_box().map_err(refuse)?;
    Ok((SecretBytes::new(secret.into_string().into_bytes()), public.into_string().into_bytes()))
}
