//! A vendor with real keys, made anew from a seed in every run.

use std::io::Cursor;

use domain::digest::Digest;
use domain::time::Timestamp;
use ouk::build::{BuildInput, BuiltKit, Expiries, KitTarget, build};
use ouk::keys::{CeremonyConfig, KeyPair, KeySet, NextRoot, Role, RootRoles, ceremony, sign_next_root};
use ouk::verify::{Floors, TrustState};

pub fn now() -> Timestamp {
    Timestamp::parse_strict("2026-11-24T00:00:00Z").expect("a time")
}

/// Bytes that differ by seed and call, the same in every run.
pub fn rng(seed: u64) -> impl FnMut(&mut [u8]) {
    let mut counter = 0_u64;
    move |bytes: &mut [u8]| {
        for piece in bytes.chunks_mut(32) {
            counter += 1;
            let digest = Digest::of(format!("{seed} {counter}").as_bytes());
            piece.copy_from_slice(&digest.as_bytes()[..piece.len()]);
        }
    }
}

/// Content that does not compress well.
pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    rng(seed)(&mut bytes);
    bytes
}

pub struct Vendor {
    pub keys: KeySet,
    pub roots: Vec<Vec<u8>>,
    pub seal_key: (String, String),
    seed: u64,
}

impl Vendor {
    pub fn new(seed: u64) -> Self {
        let made = ceremony(&CeremonyConfig::new(now()), &mut rng(seed)).expect("a ceremony");
        let secret = made.files.iter().map(|(name, secret)| (name.as_str(), secret.expose()));
        let public = made.public_files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
        let keys = KeySet::from_files(secret.chain(public)).expect("keys");
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
        let secret = made.files.iter().find(|(name, _)| name == "minisign.key").expect("a secret key");
        let public = made.public_files.iter().find(|(name, _)| name == "minisign.pub").expect("a public key");
        let seal_key = (text(secret.1.expose()), text(&public.1));
        Self { keys, roots: vec![made.root_json], seal_key, seed }
    }

    pub fn trust(&self) -> TrustState {
        TrustState { root: self.roots[0].clone(), floors: Floors::default() }
    }

    /// Gives a role new keys, all but the first `kept` of them, by signing the next root.
    pub fn rotate(&mut self, role: Role, kept: usize) {
        let current = self.roots.last().expect("a root").clone();
        let mut roles = RootRoles::of(&current).expect("roles");
        let (keys, _) = roles.roles.get_mut(&role).expect("the role");
        let mut rng = rng(self.seed + 1000 * self.roots.len() as u64);
        let fresh: Vec<KeyPair> = (kept..keys.len()).map(|_| KeyPair::generate(&mut rng)).collect();
        keys.truncate(kept);
        keys.extend(fresh.iter().map(|pair| pair.public().clone()));
        let keys = keys.clone();
        let mut signers = self.keys.of(Role::Root).to_vec();
        if role == Role::Root {
            signers.extend(fresh.iter().cloned());
        }
        let next = NextRoot { current: &current, roles, expires: now().plus_days(730), signers: &signers };
        self.roots.push(sign_next_root(&next).expect("the next root"));
        let mut set = KeySet::new();
        for other in Role::ALL {
            let pairs = self.keys.of(other).iter().filter(|pair| other != role || keys.contains(pair.public()));
            pairs.for_each(|pair| set.add(other, pair.clone()));
        }
        fresh.into_iter().for_each(|pair| set.add(role, pair));
        self.keys = set;
    }

    pub fn build(&self, version: u64, targets: &[(&str, &[u8])]) -> (Vec<u8>, BuiltKit) {
        let targets = targets.iter().map(|(path, content)| KitTarget {
            path: (*path).to_owned(),
            media_type: "application/octet-stream".to_owned(),
            schema: 1,
            content: Box::new(*content),
            length_hint: None,
        });
        let (mut spool, mut out) = (Cursor::new(Vec::new()), Vec::new());
        let built = build(self.input(version), targets.collect(), &mut spool, &mut out, &mut |_| {});
        (out, built.expect("a kit"))
    }

    pub fn input(&self, version: u64) -> BuildInput<'_> {
        BuildInput {
            product: "stella".to_owned(),
            channel: "stable".to_owned(),
            version,
            roots: self.roots.clone(),
            keys: &self.keys,
            expiries: Expiries::default(),
            signed_at: now(),
            min_appliance_version: "0.1.0".to_owned(),
            compression_level: 3,
            notes: "November".to_owned(),
            base: None,
        }
    }

    pub fn pairs(&self, role: &str) -> Vec<KeyPair> {
        self.keys.of(role.parse().expect("a role")).to_vec()
    }
}
