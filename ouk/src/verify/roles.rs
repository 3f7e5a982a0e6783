//! Timestamp and snapshot: which versions belong together.

use std::collections::BTreeMap;

use domain::digest::Digest;
use sigstore_tuf::{MetaFile, Role, Snapshot, Timestamp};

use super::roots::{Chain, authority};
use super::{Context, Floor, Floors};
use crate::document::{Document, hex, refused};
use crate::error::{KitError, shown};

/// What a parent signs of a child document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pin {
    pub(crate) version: u64,
    length: u64,
    sha256: Digest,
}

/// A verified timestamp or snapshot, and what it pins.
pub(crate) struct Pins {
    pub(crate) seen: Floor,
    pub(crate) pins: BTreeMap<String, Pin>,
}

pub(crate) fn timestamp(context: &mut Context<'_>, chain: &mut Chain, floors: &Floors) -> Result<Pins, KitError> {
    let name = context.name("timestamp.json");
    let missing = || KitError::Incomplete { first: name.clone(), count: 1 };
    let bytes = context.take(&name).ok_or_else(missing)?;
    let document = Document::<Timestamp>::parse(&name, bytes, context.limits)?;
    let seen = check_top_level(context, chain, floors, "timestamp", &document)?;
    let pins = pins(&name, &document.signed().meta)?;
    if !pins.keys().eq(["snapshot"]) {
        return Err(KitError::schema(&name, "it does not pin snapshot.json and nothing else"));
    }
    chain.set.update_timestamp(bytes, jiff(context.now)).map_err(|e| refused("timestamp", &name, &e))?;
    Ok(Pins { seen, pins })
}

pub(crate) fn snapshot(
    context: &mut Context<'_>,
    chain: &mut Chain,
    timestamp: &Pins,
    floors: &Floors,
) -> Result<Pins, KitError> {
    let (name, document) = pinned::<Snapshot>(context, "snapshot", timestamp)?;
    let seen = check_top_level(context, chain, floors, "snapshot", &document)?;
    let pins = pins(&name, &document.signed().meta)?;
    if !pins.contains_key("targets") {
        return Err(KitError::schema(&name, "it does not pin targets.json"));
    }
    if let Some(role) = floors.delegated().find(|role| !pins.contains_key(*role)) {
        return Err(KitError::Removed { role: role.clone() });
    }
    for (role, pin) in &pins {
        // The content is compared when the document itself is read.
        let floor = floors.roles.get(role).filter(|floor| pin.version < floor.version);
        if let Some(floor) = floor {
            return Err(KitError::Rollback { role: role.clone(), found: pin.version, floor: floor.version });
        }
    }
    chain.set.update_snapshot(document.bytes, jiff(context.now)).map_err(|e| refused("snapshot", &name, &e))?;
    Ok(Pins { seen, pins })
}

/// The document of `role`, exactly as its parent pins it.
pub(crate) fn pinned<'a, T: Role>(
    context: &mut Context<'a>,
    role: &str,
    parent: &Pins,
) -> Result<(String, Document<'a, T>), KitError> {
    let pin = parent.pins.get(role).ok_or_else(|| KitError::delegation(role, "is not pinned by the snapshot"))?;
    let (name, bytes) = context.take_pinned(role, pin.version)?;
    let mix = |reason: String| KitError::Mix { file: name.clone(), reason };
    if bytes.len() as u64 != pin.length {
        return Err(mix(format!("{} bytes, {} are signed", bytes.len(), pin.length)));
    }
    if Digest::of(bytes) != pin.sha256 {
        return Err(mix("the SHA-256 is not the signed one".to_owned()));
    }
    let document = Document::<T>::parse(&name, bytes, context.limits)?;
    if document.version() != pin.version {
        return Err(mix(format!("it says version {}, {} is signed", document.version(), pin.version)));
    }
    Ok((name, document))
}

/// Signature, floor, expiry of a role that the root names, in this order.
pub(crate) fn check_top_level<T: Role>(
    context: &mut Context<'_>,
    chain: &Chain,
    floors: &Floors,
    role: &str,
    document: &Document<'_, T>,
) -> Result<Floor, KitError> {
    document.check_signatures(&authority("the last root", &chain.root, role)?, &mut context.warnings)?;
    let seen = Floor { version: document.version(), sha256: document.digest };
    floors.check(role, seen)?;
    document.check_expiry(role, context.now)?;
    Ok(seen)
}

/// Reads `meta`: role to pin. TUF lets length and digest be left out; a kit does not.
fn pins(file: &str, meta: &BTreeMap<String, MetaFile>) -> Result<BTreeMap<String, Pin>, KitError> {
    let pin = |(name, meta): (&String, &MetaFile)| {
        let role =
            name.strip_suffix(".json").ok_or_else(|| KitError::schema(file, "it pins a file that is not JSON"))?;
        let digest = meta.hashes.as_ref().and_then(|hashes| hashes.get("sha256")).and_then(|text| hex(text));
        match (meta.length, digest) {
            (Some(length), Some(digest)) => {
                Ok((role.to_owned(), Pin { version: meta.version, length, sha256: Digest::from_bytes(digest) }))
            }
            _ => {
                Err(KitError::schema(file, format!("{} is pinned without length and SHA-256", shown(name.as_bytes()))))
            }
        }
    };
    meta.iter().map(pin).collect()
}

/// The time as the TUF library takes it.
pub(crate) fn jiff(now: domain::time::Timestamp) -> jiff::Timestamp {
    let edge = if now.unix() < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
    jiff::Timestamp::from_second(now.unix()).unwrap_or(edge)
}
