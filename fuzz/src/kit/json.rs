//! Changes of JSON at a place that a few bytes name.

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use serde_json::{Value, json};

/// A walk from the top: each byte chooses a field or an element.
#[derive(Arbitrary, Debug)]
pub(crate) struct Place([u8; 5]);

/// The walk ends at a step of this kind.
const STOP: u8 = 0xc0;

#[derive(Arbitrary, Debug)]
pub(crate) enum Edit {
    Set(Leaf),
    Remove,
    /// Adds a little to a number, changes one character of a text.
    Nudge(i8),
    /// Lists an element twice, or adds a field of this name.
    Repeat(Word),
    /// Gives a field another name.
    Rename(Word),
    /// Exchanges with the neighbour.
    Swap,
}

#[derive(Arbitrary, Debug)]
pub(crate) enum Leaf {
    Null,
    Bool(bool),
    Small(i8),
    Integer(i64),
    Large(u64),
    Text(Word),
    List,
    Object,
}

/// A word that means something somewhere, or two characters of the input.
#[derive(Arbitrary, Debug)]
pub(crate) enum Word {
    Known(u8),
    Other(u8, u8),
}

const WORDS: &[&str] = &[
    "",
    "targets",
    "feeds",
    "trivydb",
    "entitlements",
    "snapshot",
    "timestamp",
    "root",
    "root.json",
    "targets.json",
    "snapshot.json",
    "feeds.json",
    "feeds/manifest.json",
    "feeds/advisories/00000.ndjson",
    "feeds/kev/00000.ndjson",
    "feeds/advisories/00009.ndjson",
    "feeds/epss/00000.ndjson",
    "jwt/a",
    "trivy/a",
    "os/a",
    "../a",
    "feeds/../a",
    "/a",
    "feeds//a",
    "feeds/*",
    "*",
    "**",
    "feeds/[",
    "META/VERSION",
    "META/README.txt",
    "META/root/1.root.json",
    "META/root/2.root.json",
    "META/root/02.root.json",
    "META/timestamp.json",
    "META/6.snapshot.json",
    "META/x",
    "blobs/sha256/x",
    "2026-11-24T00:00:00Z",
    "2026-11-26T00:00:01Z",
    "2030-01-01T00:00:00Z",
    "1970-01-01T00:00:00Z",
    "2026-11-24T00:00:00+00:00",
    "9999-12-31T23:59:59Z",
    "OUK/1",
    "OUK/2",
    "stella",
    "stable",
    "beta",
    "0.1.0",
    "9.0.0",
    "1.0.34",
    "2.0.0",
    "ed25519",
    "rsa",
    "custom",
    "ouk",
    "chunks",
    "hashes",
    "sha256",
    "sha512",
    "path_hash_prefixes",
    "delegations",
    "CVE-2021-44228",
    "CVE-9999-0001",
    "GHSA-vvfq-8hwr-qm4m",
    "advisory",
    "kev",
    "epss",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
];

impl Word {
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Known(number) => WORDS[usize::from(*number) % WORDS.len()].to_owned(),
            Self::Other(a, b) => [char::from(*a), char::from(*b)].iter().collect(),
        }
    }
}

impl Leaf {
    fn value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => (*value).into(),
            Self::Small(value) => (*value).into(),
            Self::Integer(value) => (*value).into(),
            Self::Large(value) => (*value).into(),
            Self::Text(word) => word.text().into(),
            Self::List => json!([]),
            Self::Object => json!({}),
        }
    }
}

/// Changes `value` at `place`; a place that does not exist is the nearest one that does.
pub(crate) fn edit(value: &mut Value, place: &Place, edit: &Edit) {
    descend(value, &place.0, edit);
}

fn descend(value: &mut Value, steps: &[u8], edit: &Edit) {
    let Some((&step, rest)) = steps.split_first() else { return };
    let ends = rest.first().is_none_or(|&next| next >= STOP);
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            let name = fields.keys().nth(usize::from(step) % fields.len()).cloned().expect("not empty");
            match fields.get_mut(&name) {
                Some(below) if !ends && (below.is_object() || below.is_array()) => descend(below, rest, edit),
                _ => edit_field(fields, &name, edit),
            }
        }
        Value::Array(list) if !list.is_empty() => {
            let at = usize::from(step) % list.len();
            match &mut list[at] {
                below if !ends && (below.is_object() || below.is_array()) => descend(below, rest, edit),
                _ => edit_element(list, at, edit),
            }
        }
        leaf => edit_leaf(leaf, edit),
    }
}

fn edit_field(fields: &mut serde_json::Map<String, Value>, name: &str, edit: &Edit) {
    match edit {
        Edit::Remove => drop(fields.remove(name)),
        Edit::Rename(word) => {
            if let Some(value) = fields.remove(name) {
                fields.insert(word.text(), value);
            }
        }
        Edit::Repeat(word) => {
            let value = fields[name].clone();
            fields.insert(word.text(), value);
        }
        Edit::Swap => {
            let other = fields.keys().find(|other| *other != name).cloned();
            if let Some(other) = other {
                let value = fields[name].take();
                let value = std::mem::replace(&mut fields[&other], value);
                fields[name] = value;
            }
        }
        Edit::Set(_) | Edit::Nudge(_) => edit_leaf(&mut fields[name], edit),
    }
}

fn edit_element(list: &mut Vec<Value>, at: usize, edit: &Edit) {
    match edit {
        Edit::Remove => drop(list.remove(at)),
        Edit::Repeat(_) => list.insert(at, list[at].clone()),
        Edit::Swap => {
            let other = (at + 1) % list.len();
            list.swap(at, other);
        }
        Edit::Set(_) | Edit::Nudge(_) | Edit::Rename(_) => edit_leaf(&mut list[at], edit),
    }
}

fn edit_leaf(value: &mut Value, edit: &Edit) {
    let by = match edit {
        Edit::Nudge(by) => *by,
        Edit::Set(leaf) => return *value = leaf.value(),
        _ => return,
    };
    match value {
        Value::Number(number) => {
            let number = number.as_u64().unwrap_or_default().wrapping_add_signed(by.into());
            *value = number.into();
        }
        Value::String(text) => {
            let mut bytes = std::mem::take(text).into_bytes();
            let at = usize::from(by.unsigned_abs()) % bytes.len().max(1);
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1;
            }
            *text = String::from_utf8_lossy(&bytes).into_owned();
        }
        Value::Bool(truth) => *truth = !*truth,
        _ => {}
    }
}
