//! A vendor with real keys, and a builder of kits that no honest builder makes.
//!
//! [`Draft`] writes every byte itself (tar headers, JSON, frames) and signs whatever it is
//! told to, so that the code under test does not also make its own test data.

use std::collections::BTreeMap;
use std::io::Cursor;

use domain::digest::Digest;
use domain::time::Timestamp;
use ouk::blobs::blobs;
use ouk::build::{BuildInput, BuiltKit, Expiries, KitTarget, build};
use ouk::error::KitError;
use ouk::keys::{CeremonyConfig, KeyPair, KeySet, NextRoot, Role, RootRoles, ceremony, sign_next_root};
use ouk::limits::Limits;
use ouk::read::open;
use ouk::verify::{Floors, Gates, TrustState, VerifiedKit, verify};
use serde_json::{Map, Value, json};
use sigstore_tuf::canonical_json::to_canonical_bytes;

pub(crate) const END: [u8; 15] = [40, 181, 47, 253, 100, 0, 3, 3, 32, 0, 0, 205, 172, 133, 240];

pub(crate) fn now() -> Timestamp {
    Timestamp::parse_strict("2026-11-24T00:00:00Z").expect("a time")
}

/// Bytes that differ by seed and call, the same in every run.
pub(crate) fn rng(seed: u64) -> impl FnMut(&mut [u8]) {
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
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    rng(seed)(&mut bytes);
    bytes
}

pub(crate) struct Vendor {
    pub(crate) keys: KeySet,
    pub(crate) roots: Vec<Vec<u8>>,
    pub(crate) seal_key: (String, String),
    seed: u64,
}

impl Vendor {
    pub(crate) fn new(seed: u64) -> Self {
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

    pub(crate) fn trust(&self) -> TrustState {
        TrustState { root: self.roots[0].clone(), floors: Floors::default() }
    }

    /// Gives a role new keys, all but the first `kept` of them, by signing the next root.
    pub(crate) fn rotate(&mut self, role: Role, kept: usize) {
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

    pub(crate) fn build(&self, version: u64, targets: &[(&str, &[u8])]) -> (Vec<u8>, BuiltKit) {
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

    pub(crate) fn input(&self, version: u64) -> BuildInput<'_> {
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

    pub(crate) fn pairs(&self, role: &str) -> Vec<KeyPair> {
        self.keys.of(role.parse().expect("a role")).to_vec()
    }
}

pub(crate) fn gates() -> Gates {
    Gates {
        product: "stella".to_owned(),
        channels: vec!["stable".to_owned()],
        appliance_version: "0.1.0".to_owned(),
        schema_max: 1,
    }
}

/// The whole way of a kit: metadata, every blob, the end.
pub(crate) fn import(kit: &[u8], trust: &TrustState) -> Result<(VerifiedKit, BTreeMap<Digest, Vec<u8>>), KitError> {
    import_at(kit, trust, &gates(), now(), &Limits::default())
}

pub(crate) fn import_at(
    kit: &[u8],
    trust: &TrustState,
    gates: &Gates,
    now: Timestamp,
    limits: &Limits,
) -> Result<(VerifiedKit, BTreeMap<Digest, Vec<u8>>), KitError> {
    let opened = open(kit, limits)?;
    let verified = verify(&opened.metadata, trust, gates, now, limits)?;
    let mut reader = blobs(opened, &verified);
    let mut found = BTreeMap::new();
    while let Some(frame) = reader.next_frame()? {
        let blob = frame.open()?;
        found.insert(blob.digest, blob.bytes);
    }
    reader.finish()?;
    Ok((verified, found))
}

/// The code a kit is refused with.
pub(crate) fn code(kit: &[u8], trust: &TrustState) -> String {
    match import(kit, trust) {
        Ok(_) => "accepted".to_owned(),
        Err(error) => error.code().to_owned(),
    }
}

/// The trust after a kit was activated.
pub(crate) fn after(kit: &VerifiedKit) -> TrustState {
    TrustState { root: kit.root().to_vec(), floors: kit.floors().clone() }
}

/// A kit in the making. Every part may be bent before it is signed.
pub(crate) struct Draft {
    pub(crate) roots: Vec<Vec<u8>>,
    /// The signed part of each role's document.
    pub(crate) roles: BTreeMap<String, Value>,
    pub(crate) signers: BTreeMap<String, Vec<KeyPair>>,
    /// Blob digest to frame.
    pub(crate) frames: BTreeMap<String, Vec<u8>>,
    pub(crate) readme: Vec<u8>,
}

pub(crate) type Files = BTreeMap<String, Vec<u8>>;

impl Draft {
    pub(crate) fn new(vendor: &Vendor, version: u64, targets: &[(&str, &[u8])]) -> Self {
        let readme = b"read me\n".to_vec();
        let mut roles = BTreeMap::new();
        let mut signers = BTreeMap::new();
        for (role, days) in [
            ("targets", 180),
            ("feeds", 60),
            ("trivydb", 60),
            ("entitlements", 60),
            ("snapshot", 45),
            ("timestamp", 45),
        ] {
            let kind = if matches!(role, "snapshot" | "timestamp") { role } else { "targets" };
            let mut signed = json!({
                "_type": kind, "expires": now().plus_days(days), "spec_version": "1.0.34", "version": version,
            });
            if kind == "targets" {
                signed["targets"] = json!({});
            }
            roles.insert(role.to_owned(), signed);
            signers.insert(role.to_owned(), vendor.pairs(role));
        }
        let targets_role = roles.get_mut("targets").expect("targets");
        targets_role["ouk"] = json!({
            "spec": "OUK/1", "product": "stella", "channel": "stable", "kit_version": version, "notes": "",
            "signed_at": now(), "min_appliance_version": "0.1.0",
            "readme": { "length": readme.len(), "sha256": Digest::of(&readme) },
        });
        targets_role["delegations"] = delegations(vendor);
        let mut draft = Self { roots: vendor.roots.clone(), roles, signers, frames: BTreeMap::new(), readme };
        for (path, content) in targets {
            draft.put(path, content);
        }
        draft
    }

    /// Adds a target of one chunk.
    pub(crate) fn put(&mut self, path: &str, content: &[u8]) {
        let frame = compress(&entry(&format!("blobs/sha256/{}", Digest::of(content)), content));
        self.put_frame(path, content, frame);
    }

    /// Adds a target whose frame is any bytes, and signs just these.
    pub(crate) fn put_frame(&mut self, path: &str, content: &[u8], frame: Vec<u8>) {
        let role = Role::of_path(path).as_str().to_owned();
        let digest = Digest::of(content);
        let chunk = json!({
            "sha256": digest, "len": content.len(), "csha256": Digest::of(&frame), "clen": frame.len(),
        });
        self.target(&role, path, content.len(), &digest, json!([chunk]));
        self.frames.insert(digest.to_string(), frame);
    }

    /// Adds a target as `role` claims it.
    pub(crate) fn target(&mut self, role: &str, path: &str, length: usize, digest: &Digest, chunks: Value) {
        self.role(role)["targets"][path] = json!({
            "custom": { "ouk": { "media": "text/plain", "schema": 1, "chunks": chunks } },
            "hashes": { "sha256": digest },
            "length": length,
        });
    }

    pub(crate) fn role(&mut self, role: &str) -> &mut Value {
        self.roles.get_mut(role).expect("the role")
    }

    pub(crate) fn sign_with(&mut self, role: &str, signers: Vec<KeyPair>) {
        self.signers.insert(role.to_owned(), signers);
    }

    /// Signs everything. `bend` may change the documents of targets roles and the snapshot
    /// after they are signed, before they are pinned.
    pub(crate) fn files_with(&self, bend: &dyn Fn(&str, Vec<u8>) -> Vec<u8>) -> Files {
        let mut files = Files::new();
        let document = |role: &str, signed: &Value| {
            let signers = self.signers.get(role).expect("signers");
            bend(role, sign(signed, &signers.iter().collect::<Vec<_>>()))
        };
        let mut meta = Map::new();
        for role in self.roles.keys().filter(|role| !matches!(role.as_str(), "snapshot" | "timestamp")) {
            let bytes = document(role, &self.roles[role]);
            let version = &self.roles[role]["version"];
            meta.insert(format!("{role}.json"), pin(version, &bytes));
            files.insert(format!("META/{version}.{role}.json"), bytes);
        }
        let mut snapshot = self.roles["snapshot"].clone();
        for (name, pin) in meta {
            let open = snapshot["meta"].is_null() || snapshot["meta"].is_object();
            if open && snapshot["meta"][&name].is_null() {
                snapshot["meta"][name] = pin;
            }
        }
        // A pin that was set to false is left out.
        if let Some(meta) = snapshot["meta"].as_object_mut() {
            meta.retain(|_, pin| *pin != Value::Bool(false));
        }
        let bytes = document("snapshot", &snapshot);
        let mut timestamp = self.roles["timestamp"].clone();
        if timestamp["meta"].is_null() {
            timestamp["meta"] = json!({ "snapshot.json": pin(&snapshot["version"], &bytes) });
        }
        files.insert(format!("META/{}.snapshot.json", snapshot["version"]), bytes);
        files.insert("META/timestamp.json".to_owned(), document("timestamp", &timestamp));
        for (at, root) in self.roots.iter().enumerate() {
            files.insert(format!("META/root/{}.root.json", at + 1), root.clone());
        }
        files.insert("META/VERSION".to_owned(), b"OUK/1\n".to_vec());
        files.insert("META/README.txt".to_owned(), self.readme.clone());
        files
    }

    pub(crate) fn files(&self) -> Files {
        self.files_with(&|_, bytes| bytes)
    }

    pub(crate) fn kit(&self) -> Vec<u8> {
        self.kit_of(&compress(&tar(&self.files())))
    }

    /// The kit with another metadata frame.
    pub(crate) fn kit_of(&self, metadata_frame: &[u8]) -> Vec<u8> {
        let frames = self.frames.values().flatten();
        metadata_frame.iter().chain(frames).chain(&END).copied().collect()
    }
}

fn delegations(vendor: &Vendor) -> Value {
    let mut keys = Map::new();
    let mut roles = Vec::new();
    for (role, folder, threshold) in [("feeds", "feeds", 2), ("trivydb", "trivy", 2), ("entitlements", "jwt", 1)] {
        let pairs = vendor.pairs(role);
        let ids: Vec<&str> = pairs.iter().map(|pair| pair.public().id()).collect();
        keys.extend(pairs.iter().map(|pair| (pair.public().id().to_owned(), pair.public().to_value())));
        let paths = [format!("{folder}/*"), format!("{folder}/*/*")];
        roles.push(json!({
            "name": role, "keyids": ids, "threshold": threshold, "terminating": true, "paths": paths,
        }));
    }
    json!({ "keys": keys, "roles": roles })
}

pub(crate) fn pin(version: &Value, bytes: &[u8]) -> Value {
    json!({ "version": version, "length": bytes.len(), "hashes": { "sha256": Digest::of(bytes) } })
}

pub(crate) fn canonical(value: &Value) -> Vec<u8> {
    to_canonical_bytes(value).expect("canonical")
}

pub(crate) fn sign(signed: &Value, signers: &[&KeyPair]) -> Vec<u8> {
    let message = canonical(signed);
    let signature = |key: &&KeyPair| json!({ "keyid": key.public().id(), "sig": key.sign(&message) });
    let signatures: Vec<Value> = signers.iter().map(signature).collect();
    canonical(&json!({ "signatures": signatures, "signed": signed }))
}

/// A tar header, byte by byte as POSIX draws it.
pub(crate) fn header(name: &[u8], size: u64) -> [u8; 512] {
    let mut block = [0_u8; 512];
    block[..name.len()].copy_from_slice(name);
    for (at, text) in [
        (100, "0000444\0"),
        (108, "0000000\0"),
        (116, "0000000\0"),
        (136, "00000000000\0"),
        (156, "0"),
        (257, "ustar\x0000"),
        (329, "0000000\0"),
        (337, "0000000\0"),
    ] {
        block[at..at + text.len()].copy_from_slice(text.as_bytes());
    }
    block[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    summed(block)
}

/// Writes the checksum that fits.
pub(crate) fn summed(mut block: [u8; 512]) -> [u8; 512] {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

/// Header, body and padding.
pub(crate) fn entry(name: &str, content: &[u8]) -> Vec<u8> {
    let mut bytes = header(name.as_bytes(), content.len() as u64).to_vec();
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

pub(crate) fn tar(files: &Files) -> Vec<u8> {
    files.iter().flat_map(|(name, content)| entry(name, content)).collect()
}

pub(crate) fn compress(content: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::bulk::Compressor::new(3).expect("an encoder");
    encoder.set_parameter(zstd::zstd_safe::CParameter::ChecksumFlag(true)).expect("a checksum");
    encoder.compress(content).expect("compresses")
}

/// Kit 4 of the vendor: one delegated and one top-level target.
pub(crate) fn draft(vendor: &Vendor) -> Draft {
    Draft::new(vendor, 4, &[("feeds/a", b"hello"), ("os/b", b"b")])
}

/// The kit with one file of its metadata bent after signing, unpinned roles only.
pub(crate) fn with_file(draft: &Draft, name: &str, bend: impl Fn(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
    let mut files: Files = draft.files();
    let bytes = files.remove(name).expect("the file");
    files.insert(name.to_owned(), bend(bytes));
    draft.kit_of(&compress(&tar(&files)))
}

pub(crate) fn bend_json(bytes: &[u8], bend: impl Fn(&mut Value)) -> Vec<u8> {
    let mut value: Value = serde_json::from_slice(bytes).expect("JSON");
    bend(&mut value);
    canonical(&value)
}

/// The vendor's last root with its signed part bent, signed again by all its root keys.
pub(crate) fn bend_root(vendor: &Vendor, bend: impl Fn(&mut Value)) -> Vec<u8> {
    let mut value: Value = serde_json::from_slice(vendor.roots.last().expect("a root")).expect("JSON");
    bend(&mut value["signed"]);
    sign(&value["signed"], &vendor.pairs("root").iter().collect::<Vec<_>>())
}
