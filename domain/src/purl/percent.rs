//! Percent-encoding as package URLs use it.
//!
//! Letters, digits, `.`, `-`, `_`, `~` and `:` stand for themselves, every other
//! byte is written as `%XX`; in paths `/` separates. The colon is what sets
//! purls apart from the usual encoding sets of URL libraries.

use std::fmt;

use super::Reason;

/// Decodes `%XX`. A `%` without two hexadecimal digits is itself: it cannot mean anything else.
pub(super) fn decode(text: &str) -> Result<String, Reason> {
    let decoded = match text.find('%') {
        None => text.to_owned(),
        Some(first) => decode_from(text.as_bytes(), first)?,
    };
    // They have no business in a name, and they would spoil logs and terminals.
    if decoded.bytes().any(|byte| byte.is_ascii_control()) { Err(Reason::ControlCharacter) } else { Ok(decoded) }
}

fn decode_from(text: &[u8], first: usize) -> Result<String, Reason> {
    let (plain, mut rest) = text.split_at(first);
    let mut bytes = Vec::with_capacity(text.len());
    bytes.extend_from_slice(plain);
    while let Some((&byte, after)) = rest.split_first() {
        match (byte, after) {
            (b'%', [high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                bytes.push(nibble(*high) << 4 | nibble(*low));
                rest = after;
            }
            _ => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).map_err(|_| Reason::InvalidEncoding)
}

/// Callers have checked that it is a hexadecimal digit.
fn nibble(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}

/// Writes a name, version or value.
pub(super) fn write_text(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    write_encoded(f, text, is_plain)
}

/// Writes a namespace or subpath, whose slashes separate segments.
pub(super) fn write_path(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    write_encoded(f, text, |byte| byte == b'/' || is_plain(byte))
}

fn write_encoded(f: &mut fmt::Formatter<'_>, mut text: &str, plain: impl Fn(u8) -> bool) -> fmt::Result {
    while let Some(at) = text.bytes().position(|byte| !plain(byte)) {
        // A byte that is not plain may be the first of several: all of the character is encoded.
        let end = (at + 1..text.len()).find(|&end| text.is_char_boundary(end)).unwrap_or(text.len());
        let (before, rest) = text.split_at(at);
        let (character, rest) = rest.split_at(end - at);
        f.write_str(before)?;
        character.bytes().try_for_each(|byte| write!(f, "%{byte:02X}"))?;
        text = rest;
    }
    f.write_str(text)
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'~' | b':')
}
