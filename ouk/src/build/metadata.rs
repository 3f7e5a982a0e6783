//! The metadata frame of a kit that is being built.

use std::collections::BTreeMap;

use domain::digest::Digest;
use serde_json::{Map, Value, json};

use super::spool::Spooled;
use super::{BuildError, BuildInput};
use crate::frame;
use crate::keys::{KeyError, KeyPair, KeySet, Role, envelope};
use crate::read::{README_NAME, VERSION, VERSION_NAME};
use crate::schema::{KitBase, KitInfo, OukTarget, Readme, SPEC};
use crate::ustar;

pub(crate) const SPEC_VERSION: &str = "1.0.34";
/// The metadata is small and is built once, so its level is fixed.
const LEVEL: i32 = 19;

/// Signs all roles and compresses the frame that carries them.
pub(super) fn frame(input: &BuildInput<'_>, targets: &[Spooled]) -> Result<Vec<u8>, BuildError> {
    let mut files = BTreeMap::new();
    let readme = readme(input);
    let info = kit_info(input, &readme);
    files.insert(VERSION_NAME.to_owned(), VERSION.to_vec());
    files.insert(README_NAME.to_owned(), readme);
    for (at, root) in input.roots.iter().enumerate() {
        files.insert(format!("META/root/{}.root.json", at + 1), root.clone());
    }
    let mut meta = Map::new();
    for role in [Role::Targets].into_iter().chain(Role::DELEGATED) {
        let mut signed = targets_of(input, role, targets);
        if role == Role::Targets {
            signed["delegations"] = input.keys.delegations();
            signed["ouk"] = serde_json::to_value(&info).map_err(|error| BuildError::Input(error.to_string()))?;
        }
        let bytes = envelope(&signed, &signers(input.keys, role)?);
        meta.insert(format!("{role}.json"), pin(input.version, &bytes));
        files.insert(format!("META/{}.{role}.json", input.version), bytes);
    }
    let mut signed = base(input, "snapshot", input.expiries.snapshot_days);
    signed["meta"] = meta.into();
    let snapshot = envelope(&signed, &signers(input.keys, Role::Snapshot)?);
    let mut signed = base(input, "timestamp", input.expiries.timestamp_days);
    signed["meta"] = json!({ "snapshot.json": pin(input.version, &snapshot) });
    let timestamp = envelope(&signed, &signers(input.keys, Role::Timestamp)?);
    files.insert(format!("META/{}.snapshot.json", input.version), snapshot);
    files.insert("META/timestamp.json".to_owned(), timestamp);
    frame::compress(&ustar::archive(&files), LEVEL).map_err(BuildError::Spool)
}

pub(crate) fn signers(keys: &KeySet, role: Role) -> Result<Vec<&KeyPair>, KeyError> {
    match keys.of(role) {
        [] => Err(KeyError::TooFew { role, needed: 1, found: 0 }),
        keys => Ok(keys.iter().collect()),
    }
}

fn base(input: &BuildInput<'_>, role: &str, days: i64) -> Value {
    json!({
        "_type": role,
        "expires": input.signed_at.plus_days(days),
        "spec_version": SPEC_VERSION,
        "version": input.version,
    })
}

pub(crate) fn pin(version: u64, bytes: &[u8]) -> Value {
    json!({ "hashes": { "sha256": Digest::of(bytes) }, "length": bytes.len(), "version": version })
}

fn targets_of(input: &BuildInput<'_>, role: Role, all: &[Spooled]) -> Value {
    let days = if role == Role::Targets { input.expiries.targets_days } else { input.expiries.delegated_days };
    let mut signed = base(input, "targets", days);
    let targets: Map<String, Value> = all
        .iter()
        .filter(|target| target.role() == role)
        .map(|target| (target.path.clone(), target_value(target)))
        .collect();
    signed["targets"] = targets.into();
    signed
}

fn target_value(target: &Spooled) -> Value {
    let ouk = OukTarget { media: target.media_type.clone(), schema: target.schema, chunks: target.chunks.clone() };
    json!({ "custom": { "ouk": ouk }, "hashes": { "sha256": target.sha256 }, "length": target.length })
}

fn kit_info(input: &BuildInput<'_>, readme: &[u8]) -> KitInfo {
    KitInfo {
        spec: SPEC.to_owned(),
        product: input.product.clone(),
        channel: input.channel.clone(),
        kit_version: input.version,
        signed_at: input.signed_at,
        min_appliance_version: input.min_appliance_version.clone(),
        notes: input.notes.clone(),
        readme: Readme { length: readme.len() as u64, sha256: Digest::of(readme) },
        base: input.base,
    }
}

/// For whoever lists the archive with a common tool.
fn readme(input: &BuildInput<'_>) -> Vec<u8> {
    let BuildInput { product, channel, version, signed_at, .. } = input;
    let base = match input.base {
        Some(KitBase { kit_version, .. }) => {
            format!("It is a delta: a site needs the data of kit {kit_version} first.\n")
        }
        None => String::new(),
    };
    format!(
        "Offline Update Kit of {product}, channel {channel}, version {version}, signed at {signed_at}.\n\
         {base}\
         \n\
         Do not unpack this archive to use it. Import it with `stella kit import FILE`, which\n\
         checks every signature and digest first. Look inside with `stella kit inspect FILE`.\n\
         META/ holds the signed metadata (TUF), blobs/sha256/ the content, named by digest.\n"
    )
    .into_bytes()
}
