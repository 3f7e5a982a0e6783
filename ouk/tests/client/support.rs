//! A small repository whose every byte is made here, and memories that fail.

use std::collections::BTreeMap;
use std::io::{self, Read};

use domain::digest::Digest;
use domain::time::Timestamp;
use ouk::client::{ClientLimits, Fetch, Place, Remember, init, refresh};
use ouk::error::KitError;
use ouk::keys::KeyPair;
use serde_json::{Map, Value, json};
use sigstore_tuf::canonical_json::to_canonical_bytes;

pub(crate) fn now() -> Timestamp {
    Timestamp::parse_strict("2026-11-24T00:00:00Z").expect("a time")
}

pub(crate) fn key(name: &str) -> KeyPair {
    let seed = Digest::of(name.as_bytes());
    KeyPair::generate(&mut |bytes: &mut [u8]| bytes.copy_from_slice(seed.as_bytes()))
}

pub(crate) fn sign(signed: &Value, signers: &[&KeyPair]) -> Vec<u8> {
    let message = to_canonical_bytes(signed).expect("canonical");
    let signature = |key: &&KeyPair| json!({ "keyid": key.public().id(), "sig": key.sign(&message) });
    let signatures: Vec<Value> = signers.iter().map(signature).collect();
    // Not the canonical spelling: what is kept must be these bytes and no other ones.
    serde_json::to_vec_pretty(&json!({ "signed": signed, "signatures": signatures })).expect("JSON")
}

/// The files of a repository, by place and name.
#[derive(Clone, Default)]
pub(crate) struct Site {
    pub(crate) metadata: BTreeMap<String, Vec<u8>>,
    pub(crate) targets: BTreeMap<String, Vec<u8>>,
}

impl Fetch for Site {
    fn fetch(&mut self, place: Place, name: &str, _: u64) -> io::Result<Option<Box<dyn Read + '_>>> {
        let files = if place == Place::Metadata { &self.metadata } else { &self.targets };
        Ok(files.get(name).map(|bytes| Box::new(bytes.as_slice()) as Box<dyn Read>))
    }
}

/// What a repository says. Versions are chosen freely, so that attacks can be written.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) timestamp: u64,
    pub(crate) snapshot: u64,
    pub(crate) targets: u64,
    pub(crate) content: Vec<u8>,
    /// Name of the timestamp key of each root, in order.
    pub(crate) timestamp_keys: Vec<&'static str>,
    /// A delegated role `extra` for `extra/*`, in this version.
    pub(crate) extra: Option<u64>,
}

impl Plan {
    pub(crate) fn all(version: u64) -> Self {
        Self {
            timestamp: version,
            snapshot: version,
            targets: version,
            content: format!("content {version}").into_bytes(),
            timestamp_keys: vec!["timestamp"],
            extra: None,
        }
    }

    pub(crate) fn site(&self) -> Site {
        let mut site = Site::default();
        for (at, name) in self.timestamp_keys.iter().enumerate() {
            let version = at as u64 + 1;
            let root = root(version, &[("timestamp", name)]);
            site.metadata.insert(format!("{version}.root.json"), sign(&root, &[&key("root")]));
        }
        let mut targets = role("targets", self.targets);
        targets["targets"] = json!({ "feeds/a": target(&self.content) });
        let mut meta = Map::new();
        if let Some(version) = self.extra {
            let key = key("extra");
            targets["delegations"] = json!({
                "keys": { key.public().id(): key.public().to_value() },
                "roles": [{
                    "name": "extra", "keyids": [key.public().id()], "threshold": 1, "terminating": true,
                    "paths": ["extra/*"],
                }],
            });
            let mut extra = role("targets", version);
            extra["targets"] = json!({ "extra/b": target(b"b") });
            let bytes = sign(&extra, &[&key]);
            meta.insert("extra.json".to_owned(), pin(version, &bytes));
            site.metadata.insert(format!("{version}.extra.json"), bytes);
        }
        let targets = sign(&targets, &[&key("targets")]);
        meta.insert("targets.json".to_owned(), pin(self.targets, &targets));
        site.metadata.insert(format!("{}.targets.json", self.targets), targets);
        let mut snapshot = role("snapshot", self.snapshot);
        snapshot["meta"] = meta.into();
        let snapshot = sign(&snapshot, &[&key("snapshot")]);
        let mut timestamp = role("timestamp", self.timestamp);
        timestamp["meta"] = json!({ "snapshot.json": pin(self.snapshot, &snapshot) });
        site.metadata.insert(format!("{}.snapshot.json", self.snapshot), snapshot);
        let last = self.timestamp_keys.last().expect("a key");
        site.metadata.insert("timestamp.json".to_owned(), sign(&timestamp, &[&key(last)]));
        site.targets.insert(format!("feeds/{}.a", Digest::of(&self.content)), self.content.clone());
        site.targets.insert(format!("extra/{}.b", Digest::of(b"b")), b"b".to_vec());
        site
    }
}

fn role(kind: &str, version: u64) -> Value {
    json!({ "_type": kind, "expires": now().plus_days(30), "spec_version": "1.0.34", "version": version })
}

pub(crate) fn root(version: u64, names: &[(&str, &str)]) -> Value {
    let mut root = role("root", version);
    root["consistent_snapshot"] = true.into();
    root["keys"] = json!({});
    for role in ["root", "timestamp", "snapshot", "targets"] {
        let name = names.iter().find(|(other, _)| *other == role).map_or(role, |(_, name)| name);
        let key = key(name);
        root["keys"][key.public().id()] = key.public().to_value();
        root["roles"][role] = json!({ "keyids": [key.public().id()], "threshold": 1 });
    }
    root
}

fn pin(version: u64, bytes: &[u8]) -> Value {
    json!({ "version": version, "length": bytes.len(), "hashes": { "sha256": Digest::of(bytes) } })
}

fn target(content: &[u8]) -> Value {
    json!({ "length": content.len(), "hashes": { "sha256": Digest::of(content) } })
}

/// A memory that stops taking anything after some saves, as a machine without power does.
#[derive(Clone, Default)]
pub(crate) struct Memory {
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    pub(crate) saves_left: Option<usize>,
    pub(crate) unreadable: Option<&'static str>,
}

pub(crate) const RECORD: &str = "floors.record";

impl Memory {
    /// Pinned to the first root of every [`Plan`] that begins with the usual key.
    pub(crate) fn pinned() -> Self {
        let mut memory = Self::default();
        init(&Plan::all(1).site().metadata["1.root.json"], &mut memory, &ClientLimits::default()).expect("pins");
        memory
    }

    /// Pinned, and refreshed with this plan.
    pub(crate) fn with(plan: &Plan) -> Self {
        let mut memory = Self::pinned();
        assert_eq!(visit(&mut memory, plan), "accepted");
        memory
    }

    pub(crate) fn forget_cache(&mut self) {
        self.files.retain(|name, _| name == RECORD || name == "root.json");
    }
}

impl Remember for Memory {
    fn load(&mut self, name: &str, _: u64) -> io::Result<Option<Vec<u8>>> {
        match self.unreadable {
            Some(unreadable) if unreadable == name => Err(io::Error::other("unreadable")),
            _ => Ok(self.files.get(name).cloned()),
        }
    }

    fn save(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        if let Some(left) = &mut self.saves_left {
            *left = left.checked_sub(1).ok_or_else(|| io::Error::other("no power"))?;
        }
        self.files.insert(name.to_owned(), bytes.to_vec());
        Ok(())
    }
}

/// Refreshes, downloads the target; the code of the refusal, or `accepted`.
pub(crate) fn visit(memory: &mut Memory, plan: &Plan) -> String {
    visit_site(memory, plan.site(), now())
}

pub(crate) fn visit_site(memory: &mut Memory, mut site: Site, now: Timestamp) -> String {
    match content(memory, &mut site, "feeds/a", now, &ClientLimits::default()) {
        Ok(_) => "accepted".to_owned(),
        Err(error) => error.code().to_owned(),
    }
}

pub(crate) fn content(
    memory: &mut Memory,
    site: &mut Site,
    path: &str,
    now: Timestamp,
    limits: &ClientLimits,
) -> Result<Vec<u8>, KitError> {
    let mut repository = refresh(site, memory, now, limits)?;
    let target = repository.target(path)?;
    let mut out = Vec::new();
    repository.download(&target, &mut out)?;
    Ok(out)
}
