//! What the bytes are, found out from the bytes.

use crate::SbomError;
use crate::error::{excerpt, position};

/// In which of the three syntaxes a document is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Syntax {
    Json,
    Xml,
    TagValue,
}

/// Checks the encoding and takes a byte order mark away.
pub(crate) fn decode(bytes: &[u8]) -> Result<&str, SbomError> {
    if let Some(encoding) = other_encoding(bytes) {
        return Err(SbomError::Encoding { encoding: encoding.into() });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let offset = error.valid_up_to();
        let (line, column) = position(bytes, offset);
        SbomError::NotUtf8 { byte: bytes.get(offset).copied().unwrap_or_default(), line, column }
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// Byte order marks, and the zero bytes that ASCII has in the wider encodings.
fn other_encoding(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] | [0, 0, 0, 1..=127, ..] | [1..=127, 0, 0, 0, ..] => {
            Some("UTF-32")
        }
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, 1..=127, ..] | [1..=127, 0, ..] => Some("UTF-16"),
        [0x1f, 0x8b, ..] => Some("gzip compression"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some("zstd compression"),
        _ => None,
    }
}

pub(crate) fn syntax(text: &str) -> Result<Syntax, SbomError> {
    let content = text.trim_start();
    match content.as_bytes().first() {
        None => Err(SbomError::Empty),
        Some(b'{' | b'[' | b'"') => Ok(Syntax::Json),
        Some(b'<') => Ok(Syntax::Xml),
        Some(_) => plain_text(content),
    }
}

/// Tag-value starts with its version in practice; the first lines are looked at, because the
/// specification allows comments and other tags before it.
fn plain_text(content: &str) -> Result<Syntax, SbomError> {
    let first_lines = || content.split(['\n', '\r']).map(str::trim).take(200);
    if first_lines().any(|line| line.starts_with("SPDXVersion:")) {
        return Ok(Syntax::TagValue);
    }
    if first_lines().any(|line| line.starts_with("spdxVersion:") || line.starts_with("\"spdxVersion\":")) {
        return Err(SbomError::unsupported("SPDX YAML"));
    }
    let found = content.lines().next().unwrap_or_default();
    Err(SbomError::Unrecognised { found: format!("text that starts with {:?}", excerpt(found)) })
}

#[cfg(test)]
mod tests {
    use super::{Syntax, decode, syntax};
    use crate::SbomError;

    #[test]
    fn a_byte_order_mark_of_utf8_is_taken_away() {
        assert_eq!(decode(b"\xef\xbb\xbf{}"), Ok("{}"));
    }

    #[test]
    fn wider_encodings_are_refused_by_name_with_and_without_mark() {
        let utf16: Vec<u8> = "{\"a\"".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [utf16.as_slice(), b"\xff\xfe{\0", b"\0{\0}"] {
            assert_eq!(decode(bytes), Err(SbomError::Encoding { encoding: "UTF-16".into() }));
        }
    }

    #[test]
    fn a_stray_latin1_byte_is_refused_with_its_place() {
        assert_eq!(decode(b"{\n \"\xe9"), Err(SbomError::NotUtf8 { byte: 0xe9, line: 2, column: 3 }));
    }

    #[test]
    fn the_syntax_is_seen_behind_white_space_and_comments() {
        assert_eq!(syntax(" \n\t{}"), Ok(Syntax::Json));
        assert_eq!(syntax("\n<!-- made by hand --><bom/>"), Ok(Syntax::Xml));
        assert_eq!(syntax("# made by hand\n\nSPDXVersion: SPDX-2.3"), Ok(Syntax::TagValue));
        assert_eq!(syntax(" \n"), Err(SbomError::Empty));
    }
}
