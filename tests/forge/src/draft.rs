//! A builder of kits that no honest builder makes.

use std::collections::BTreeMap;

use domain::digest::Digest;
use ouk::keys::{KeyPair, Role};
use serde_json::{Map, Value, json};
use sigstore_tuf::canonical_json::to_canonical_bytes;

use crate::bytes::{END, compress, entry, tar};
use crate::vendor::{Vendor, now};

/// A kit in the making. Every part may be bent before it is signed.
pub struct Draft {
    pub roots: Vec<Vec<u8>>,
    /// The signed part of each role's document.
    pub roles: BTreeMap<String, Value>,
    pub signers: BTreeMap<String, Vec<KeyPair>>,
    /// Blob digest to frame.
    pub frames: BTreeMap<String, Vec<u8>>,
    pub readme: Vec<u8>,
}

pub type Files = BTreeMap<String, Vec<u8>>;

impl Draft {
    pub fn new(vendor: &Vendor, version: u64, targets: &[(&str, &[u8])]) -> Self {
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
    pub fn put(&mut self, path: &str, content: &[u8]) {
        let frame = compress(&entry(&format!("blobs/sha256/{}", Digest::of(content)), content));
        self.put_frame(path, content, frame);
    }

    /// Adds a target whose frame is any bytes, and signs just these.
    pub fn put_frame(&mut self, path: &str, content: &[u8], frame: Vec<u8>) {
        let role = Role::of_path(path).as_str().to_owned();
        let digest = Digest::of(content);
        let chunk = json!({
            "sha256": digest, "len": content.len(), "csha256": Digest::of(&frame), "clen": frame.len(),
        });
        self.target(&role, path, content.len(), &digest, json!([chunk]));
        self.frames.insert(digest.to_string(), frame);
    }

    /// Adds a target as `role` claims it.
    pub fn target(&mut self, role: &str, path: &str, length: usize, digest: &Digest, chunks: Value) {
        self.role(role)["targets"][path] = json!({
            "custom": { "ouk": { "media": "text/plain", "schema": 1, "chunks": chunks } },
            "hashes": { "sha256": digest },
            "length": length,
        });
    }

    pub fn role(&mut self, role: &str) -> &mut Value {
        self.roles.get_mut(role).expect("the role")
    }

    pub fn sign_with(&mut self, role: &str, signers: Vec<KeyPair>) {
        self.signers.insert(role.to_owned(), signers);
    }

    /// Signs everything. `bend` may change the documents of targets roles and the snapshot
    /// after they are signed, before they are pinned.
    pub fn files_with(&self, bend: &dyn Fn(&str, Vec<u8>) -> Vec<u8>) -> Files {
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

    pub fn files(&self) -> Files {
        self.files_with(&|_, bytes| bytes)
    }

    pub fn kit(&self) -> Vec<u8> {
        self.kit_of(&compress(&tar(&self.files())))
    }

    /// The kit with another metadata frame.
    pub fn kit_of(&self, metadata_frame: &[u8]) -> Vec<u8> {
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

pub fn pin(version: &Value, bytes: &[u8]) -> Value {
    json!({ "version": version, "length": bytes.len(), "hashes": { "sha256": Digest::of(bytes) } })
}

pub fn canonical(value: &Value) -> Vec<u8> {
    to_canonical_bytes(value).expect("canonical")
}

pub fn sign(signed: &Value, signers: &[&KeyPair]) -> Vec<u8> {
    let message = canonical(signed);
    let signature = |key: &&KeyPair| json!({ "keyid": key.public().id(), "sig": key.sign(&message) });
    let signatures: Vec<Value> = signers.iter().map(signature).collect();
    canonical(&json!({ "signatures": signatures, "signed": signed }))
}

/// Kit 4 of the vendor: one delegated and one top-level target.
pub fn draft(vendor: &Vendor) -> Draft {
    Draft::new(vendor, 4, &[("feeds/a", b"hello"), ("os/b", b"b")])
}

/// The kit with one file of its metadata bent after signing, unpinned roles only.
pub fn with_file(draft: &Draft, name: &str, bend: impl Fn(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
    let mut files: Files = draft.files();
    let bytes = files.remove(name).expect("the file");
    files.insert(name.to_owned(), bend(bytes));
    draft.kit_of(&compress(&tar(&files)))
}

pub fn bend_json(bytes: &[u8], bend: impl Fn(&mut Value)) -> Vec<u8> {
    let mut value: Value = serde_json::from_slice(bytes).expect("JSON");
    bend(&mut value);
    canonical(&value)
}

/// The vendor's last root with its signed part bent, signed again by all its root keys.
pub fn bend_root(vendor: &Vendor, bend: impl Fn(&mut Value)) -> Vec<u8> {
    let mut value: Value = serde_json::from_slice(vendor.roots.last().expect("a root")).expect("JSON");
    bend(&mut value["signed"]);
    sign(&value["signed"], &vendor.pairs("root").iter().collect::<Vec<_>>())
}

/// Replaces the keys of the entitlements role (threshold 1) with one bent key; returns its id.
pub fn replace_entitlement_key(draft: &mut Draft, bend: impl Fn(&mut Value)) -> String {
    let delegations = &mut draft.role("targets")["delegations"];
    let old = delegations["roles"][2]["keyids"][0].as_str().expect("an id").to_owned();
    let mut key = delegations["keys"][&old].clone();
    bend(&mut key);
    let id = Digest::of(&canonical(&key)).to_string();
    delegations["keys"][&id] = key;
    delegations["roles"][2]["keyids"] = json!([id]);
    id
}

/// A kit whose entitlements key is bent, with signatures under the bent key's id.
pub fn relabelled(mut draft: Draft, bend: impl Fn(&mut Value)) -> Vec<u8> {
    let id = replace_entitlement_key(&mut draft, bend);
    let files = draft.files_with(&|role, bytes| match role {
        "entitlements" => bend_json(&bytes, |value| {
            value["signatures"][0]["keyid"] = id.clone().into();
            value["signatures"] = json!([value["signatures"][0].clone()]);
        }),
        _ => bytes,
    });
    draft.kit_of(&compress(&tar(&files)))
}
