//! Changes of what is signed: metadata, roots, chunks and who signs.

use domain::digest::Digest;
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use ouk::keys::{KeyPair, Role};
use serde_json::{Value, json};

use super::json::{Edit, Place, edit};
use super::support::{Draft, Vendor, compress, entry, sign};

#[derive(Arbitrary, Debug)]
pub(crate) enum Signed {
    Field {
        role: u8,
        place: Place,
        edit: Edit,
    },
    Signers {
        role: u8,
        how: SignerBend,
    },
    Root(RootBend),
    /// `follow`: the metadata names the new frame.
    Frame {
        which: u8,
        how: FrameBend,
        follow: bool,
    },
    /// Cuts a target into two chunks.
    Split {
        target: u8,
        at: u16,
    },
}

#[derive(Arbitrary, Debug)]
pub(crate) enum SignerBend {
    Few(u8),
    Twice,
    Foreign(u8),
    Also(u8),
}

#[derive(Arbitrary, Debug)]
pub(crate) enum RootBend {
    /// New keys for a role, properly signed.
    Rotate {
        role: u8,
        kept: u8,
    },
    /// A next root with a change, signed by all root keys.
    Next {
        place: Place,
        edit: Edit,
    },
    /// The last root with a change, signed by all root keys.
    Change {
        place: Place,
        edit: Edit,
    },
    /// The last root, signed by the keys of another role.
    Usurp {
        role: u8,
    },
    Remove {
        at: u8,
    },
    Repeat {
        at: u8,
    },
}

#[derive(Arbitrary, Debug)]
pub(crate) enum FrameBend {
    Flip { at: u16, mask: u8 },
    Level(u8),
    Swap { with: u8 },
    Cut { at: u16 },
    Extend { byte: u8 },
}

/// The roles that sign a kit's documents; the root is a chapter of its own.
pub(crate) const ROLES: [&str; 6] = ["targets", "feeds", "trivydb", "entitlements", "snapshot", "timestamp"];

fn role(number: u8) -> &'static str {
    ROLES[usize::from(number) % ROLES.len()]
}

impl Signed {
    /// Rotations change the vendor, before there is a draft.
    pub(crate) fn rotation(&self) -> Option<(Role, usize)> {
        let Self::Root(RootBend::Rotate { role, kept }) = self else { return None };
        Some((Role::TOP_LEVEL[usize::from(*role) % Role::TOP_LEVEL.len()], usize::from(kept % 6)))
    }

    pub(crate) fn apply(&self, vendor: &Vendor, draft: &mut Draft) {
        match self {
            Self::Field { role: number, place, edit: change } => {
                let signed = draft.role(role(*number));
                edit(signed, place, change);
                if !signed.is_object() {
                    *signed = json!({});
                }
            }
            Self::Signers { role: number, how } => {
                let signers = how.signers(draft.signers[role(*number)].clone(), vendor);
                draft.sign_with(role(*number), signers);
            }
            Self::Root(bend) => bend.apply(vendor, &mut draft.roots),
            Self::Frame { which, how, follow } => how.apply(draft, *which, *follow),
            Self::Split { target, at } => split(draft, *target, usize::from(*at)),
        }
    }
}

impl SignerBend {
    fn signers(&self, mut own: Vec<KeyPair>, vendor: &Vendor) -> Vec<KeyPair> {
        match self {
            Self::Few(count) => own.truncate(usize::from(*count) % 4),
            Self::Twice => own.extend(own.clone()),
            Self::Foreign(other) => own = vendor.pairs(role(*other)),
            Self::Also(other) => own.extend(vendor.pairs(role(*other))),
        }
        own
    }
}

impl RootBend {
    fn apply(&self, vendor: &Vendor, roots: &mut Vec<Vec<u8>>) {
        let signed = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).ok().map(|mut value| value["signed"].take());
        let with = |role: &str, value: &Value| sign(value, &vendor.pairs(role).iter().collect::<Vec<_>>());
        let Some(mut last) = roots.last().and_then(|bytes| signed(bytes)) else { return };
        match self {
            Self::Rotate { .. } => {}
            Self::Next { place, edit: change } => {
                last["version"] = (last["version"].as_u64().unwrap_or_default() + 1).into();
                edit(&mut last, place, change);
                roots.push(with("root", &last));
            }
            Self::Change { place, edit: change } => {
                edit(&mut last, place, change);
                roots.pop();
                roots.push(with("root", &last));
            }
            Self::Usurp { role: number } => {
                roots.pop();
                roots.push(with(role(*number), &last));
            }
            Self::Remove { at } => drop(roots.remove(usize::from(*at) % roots.len())),
            Self::Repeat { at } => {
                let at = usize::from(*at) % roots.len();
                roots.insert(at, roots[at].clone());
            }
        }
    }
}

impl FrameBend {
    fn apply(&self, draft: &mut Draft, which: u8, follow: bool) {
        let nth = |draft: &Draft, number: u8| {
            draft.frames.keys().nth(usize::from(number) % draft.frames.len().max(1)).cloned()
        };
        let Some(name) = nth(draft, which) else { return };
        let mut frame = draft.frames[&name].clone();
        match self {
            Self::Flip { at, mask } => {
                let at = usize::from(*at) % frame.len().max(1);
                if let Some(byte) = frame.get_mut(at) {
                    *byte ^= mask;
                }
            }
            Self::Level(level) => {
                let Ok(content) = zstd::stream::decode_all(frame.as_slice()) else { return };
                let mut encoder = zstd::bulk::Compressor::new(i32::from(level % 20) - 3).expect("a level");
                // Without content size or checksum, or with both, as the number has it.
                let (checksum, size) = (level & 32 == 0, level & 64 == 0);
                encoder.set_parameter(zstd::zstd_safe::CParameter::ChecksumFlag(checksum)).expect("a flag");
                encoder.set_parameter(zstd::zstd_safe::CParameter::ContentSizeFlag(size)).expect("a flag");
                frame = encoder.compress(&content).expect("compresses");
            }
            Self::Swap { with } => {
                let other = nth(draft, *with).expect("one is there");
                frame.clone_from(&draft.frames[&other]);
            }
            Self::Cut { at } => frame.truncate(usize::from(*at) % frame.len().max(1)),
            Self::Extend { byte } => frame.push(*byte),
        }
        if follow {
            name_frame(draft, &name, &frame);
        }
        draft.frames.insert(name, frame);
    }
}

/// Lets every chunk with this content name these bytes.
fn name_frame(draft: &mut Draft, digest: &str, frame: &[u8]) {
    for target in
        draft.roles.values_mut().filter_map(|role| role["targets"].as_object_mut()).flat_map(|map| map.values_mut())
    {
        let chunks = target.pointer_mut("/custom/ouk/chunks").and_then(Value::as_array_mut);
        for chunk in chunks.into_iter().flatten().filter(|chunk| chunk["sha256"] == digest) {
            (chunk["csha256"], chunk["clen"]) = (json!(Digest::of(frame)), frame.len().into());
        }
    }
}

fn split(draft: &mut Draft, number: u8, at: usize) {
    let mut targets: Vec<(String, String)> = Vec::new();
    for (role, signed) in &draft.roles {
        let paths = signed["targets"].as_object().into_iter().flat_map(|map| map.keys());
        targets.extend(paths.map(|path| (role.clone(), path.clone())));
    }
    let Some((role, path)) = targets.get(usize::from(number) % targets.len().max(1)) else { return };
    let target = &draft.roles[role]["targets"][path];
    let frame = target.pointer("/custom/ouk/chunks/0/sha256").and_then(Value::as_str);
    let Some(tar) = frame.and_then(|name| draft.frames.get(name)).map(|frame| zstd::stream::decode_all(&frame[..]))
    else {
        return;
    };
    let length = target["length"].as_u64().and_then(|length| usize::try_from(length).ok()).unwrap_or_default();
    let Some(content) = tar.ok().and_then(|tar| tar.get(512..512 + length).map(<[u8]>::to_vec)) else { return };
    let (one, other) = content.split_at(at % (content.len() + 1));
    let mut chunks = Vec::new();
    for part in [one, other].into_iter().filter(|part| !part.is_empty()) {
        let digest = Digest::of(part);
        let frame = compress(&entry(&format!("blobs/sha256/{digest}"), part));
        chunks.push(json!({ "sha256": digest, "len": part.len(), "csha256": Digest::of(&frame), "clen": frame.len() }));
        draft.frames.insert(digest.to_string(), frame);
    }
    let (role, path) = (role.clone(), path.clone());
    let whole = std::mem::replace(&mut draft.role(&role)["targets"][&path]["custom"]["ouk"]["chunks"], chunks.into());
    // The frame of the whole goes, unless another target has the same content.
    if let Some(name) = whole.pointer("/0/sha256").and_then(Value::as_str)
        && !draft
            .roles
            .values()
            .any(|signed| signed["targets"].to_string().contains(&format!("\"sha256\":\"{name}\",")))
    {
        draft.frames.remove(name);
    }
}
