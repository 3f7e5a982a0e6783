//! Text to parts: where one component of a package URL ends and the next begins.
//!
//! The order of the cuts is the one of the specification: subpath, qualifiers,
//! scheme, type, version, name, namespace. Tools write purls that are slightly
//! wrong, and a component whose purl is refused cannot be judged, so these pass:
//!
//! - blanks around the text, `PKG:` and `pkg://`;
//! - `+`, `@` of an npm scope, blanks and other characters that should be
//!   percent-encoded, and a `%` that encodes nothing: they stand for themselves;
//! - `/` encoded in a namespace, empty namespace segments, an empty version;
//! - `?` inside a qualifier's value, empty qualifiers, and `&` in place of the
//!   first `?` (`pkg:rpm/openeuler/zlib&distro=…`).
//!
//! What could be read in two ways, such as a qualifier given twice, is refused.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::canonical::check_key;
use super::percent::decode;
use super::{Purl, Reason};

/// The longest real one seen has under 1,000 bytes.
pub(super) const MAX_LENGTH: usize = 16 * 1024;

/// Cuts and decodes; the rules of the types are applied by the caller.
pub(super) fn split(text: &str) -> Result<Purl, Reason> {
    if text.len() > MAX_LENGTH {
        return Err(Reason::TooLong);
    }
    let (rest, subpath) = cut_subpath(text.trim());
    let (rest, qualifiers) = cut_qualifiers(rest);
    let rest = cut_scheme(rest)?;
    let (package_type, rest) = rest.split_once('/').ok_or(Reason::MissingType)?;
    let (rest, version) = cut_version(rest);
    let (namespace, name) = rest.rsplit_once('/').map_or((None, rest), |(namespace, name)| (Some(namespace), name));
    Ok(Purl {
        package_type: package_type.to_owned(),
        namespace: namespace.map(decode).transpose()?,
        name: decode(name)?,
        version: version.map(decode).transpose()?,
        qualifiers: read_qualifiers(qualifiers)?,
        subpath: subpath.map(decode).transpose()?,
    })
}

/// The part that is written and left empty. As a name it is the same as one without the part; whoever says something of all
/// packages that a purl covers may have meant fewer.
pub(super) fn empty_part(text: &str) -> Option<String> {
    let (rest, subpath) = cut_subpath(text.trim());
    let (rest, qualifiers) = cut_qualifiers(rest);
    let (_, version) = cut_version(rest);
    let mut pairs = qualifiers.into_iter().flat_map(|text| text.split('&')).filter(|pair| !pair.is_empty());
    let valueless = pairs.find_map(|pair| match pair.split_once('=') {
        Some((key, "")) => Some(key),
        Some(_) => None,
        None => Some(pair),
    });
    if version.is_some_and(str::is_empty) {
        Some("version".to_owned())
    } else if let Some(key) = valueless {
        Some(format!("qualifier {key}"))
    } else {
        subpath.filter(|subpath| subpath.is_empty()).map(|_| "subpath".to_owned())
    }
}

fn cut_subpath(text: &str) -> (&str, Option<&str>) {
    text.rsplit_once('#').map_or((text, None), |(rest, subpath)| (rest, Some(subpath)))
}

// The specification cuts at the last `?`. One that is not encoded can only come before the last
// inside a qualifier's value, mostly a URL with a query, so cutting at the first keeps the value whole.
fn cut_qualifiers(text: &str) -> (&str, Option<&str>) {
    if let Some((rest, qualifiers)) = text.split_once('?') {
        return (rest, Some(qualifiers));
    }
    match text.split_once('&') {
        Some((rest, qualifiers)) if qualifiers.contains('=') => (rest, Some(qualifiers)),
        _ => (text, None),
    }
}

fn cut_scheme(text: &str) -> Result<&str, Reason> {
    let (scheme, rest) = text.split_once(':').ok_or(Reason::MissingScheme)?;
    if scheme.eq_ignore_ascii_case("pkg") { Ok(rest.trim_start_matches('/')) } else { Err(Reason::MissingScheme) }
}

// The last `@` begins the version, unless it begins a segment that is not the last: a scope.
fn cut_version(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once('@') {
        Some((before, after)) if is_scope(before, after) => (text, None),
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

fn is_scope(before: &str, after: &str) -> bool {
    (before.is_empty() || before.ends_with('/')) && after.contains('/')
}

fn read_qualifiers(text: Option<&str>) -> Result<BTreeMap<String, String>, Reason> {
    let mut qualifiers = BTreeMap::new();
    for pair in text.into_iter().flat_map(|text| text.split('&')).filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        check_key(key)?;
        if value.is_empty() {
            // The specification: a key without a value is the same as no key.
            continue;
        }
        match qualifiers.entry(key.to_ascii_lowercase()) {
            Entry::Vacant(slot) => slot.insert(decode(value)?),
            Entry::Occupied(slot) => return Err(Reason::DuplicateKey(slot.key().clone())),
        };
    }
    Ok(qualifiers)
}
