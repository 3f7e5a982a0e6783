//! The checks and the normal form that all types share.
//!
//! Applied to parsed text and to values put together from parts alike, so that
//! there is one notion of a valid purl. Applying it twice changes nothing.

use std::collections::BTreeMap;

use super::types::{self, Namespace};
use super::{Purl, Reason};

pub(super) fn canonical(mut purl: Purl) -> Result<Purl, Reason> {
    check_type(&purl.package_type)?;
    purl.package_type.make_ascii_lowercase();
    purl.namespace = purl.namespace.and_then(|path| clean_path(path, |segment| !segment.is_empty()));
    purl.subpath = purl.subpath.and_then(|path| clean_path(path, |segment| !matches!(segment, "" | "." | "..")));
    purl.version = purl.version.filter(|version| !version.is_empty());
    purl.qualifiers = clean_qualifiers(purl.qualifiers)?;
    if purl.name.is_empty() {
        return Err(Reason::MissingName);
    }
    types::normalise(&mut purl);
    check_rules(&purl)?;
    Ok(purl)
}

fn check_type(package_type: &str) -> Result<(), Reason> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    match package_type.as_bytes() {
        [] => Err(Reason::MissingType),
        [first, rest @ ..] if first.is_ascii_alphabetic() && rest.iter().all(|&byte| allowed(byte)) => Ok(()),
        _ => Err(Reason::InvalidType(package_type.to_owned())),
    }
}

pub(super) fn check_key(key: &str) -> Result<(), Reason> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    match key.as_bytes() {
        [first, rest @ ..] if first.is_ascii_alphabetic() && rest.iter().all(|&byte| allowed(byte)) => Ok(()),
        _ => Err(Reason::InvalidKey(key.to_owned())),
    }
}

/// Drops segments that say nothing; None when none is left. Mostly nothing is to be done.
fn clean_path(path: String, keep: impl Fn(&str) -> bool) -> Option<String> {
    if path.split('/').all(&keep) {
        return Some(path);
    }
    let kept = path.split('/').filter(|segment| keep(segment)).collect::<Vec<_>>().join("/");
    Some(kept).filter(|path| !path.is_empty())
}

fn clean_qualifiers(qualifiers: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, Reason> {
    let is_clean = |(key, value): (&String, &String)| !value.is_empty() && !key.bytes().any(|b| b.is_ascii_uppercase());
    qualifiers.keys().try_for_each(|key| check_key(key))?;
    if qualifiers.iter().all(is_clean) {
        return Ok(qualifiers);
    }
    let mut clean = BTreeMap::new();
    for (mut key, value) in qualifiers.into_iter().filter(|(_, value)| !value.is_empty()) {
        key.make_ascii_lowercase();
        if clean.contains_key(&key) {
            return Err(Reason::DuplicateKey(key));
        }
        clean.insert(key, value);
    }
    Ok(clean)
}

fn check_rules(purl: &Purl) -> Result<(), Reason> {
    let rules = types::rules(&purl.package_type);
    let package_type = || purl.package_type.clone();
    match (rules.namespace, &purl.namespace) {
        (Namespace::Required, None) => return Err(Reason::MissingNamespace(package_type())),
        (Namespace::Prohibited, Some(_)) => return Err(Reason::ProhibitedNamespace(package_type())),
        _ => {}
    }
    match rules.qualifier {
        Some(key) if !purl.qualifiers.contains_key(key) => Err(Reason::MissingQualifier(package_type(), key)),
        _ => Ok(()),
    }
}
