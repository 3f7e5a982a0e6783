//! Why a document was refused.

/// Every variant says what to change: the document, how it was exported, or a limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SbomError {
    #[error("the document is empty")]
    Empty,
    #[error("the document is written in {encoding}: only UTF-8 is read, so convert it first")]
    Encoding { encoding: String },
    #[error("byte 0x{byte:02x} at line {line} column {column} is not UTF-8: only UTF-8 is read")]
    NotUtf8 { byte: u8, line: usize, column: usize },
    #[error("malformed {syntax} at line {line} column {column}: {reason}")]
    Malformed { syntax: &'static str, line: usize, column: usize, reason: String },
    #[error("malformed protobuf at byte {offset}: {reason}")]
    MalformedBinary { offset: usize, reason: String },
    /// Well formed, but a part that must be a list or an object is something else.
    #[error("{place} is {found}, not {expected}")]
    Structure { place: String, found: &'static str, expected: &'static str },
    /// A DTD or an entity of its own: a way to read files or to fill the memory, and never needed.
    #[error("{what} at line {line} column {column}: refused, because an SBOM needs none and attacks use them")]
    Forbidden { what: String, line: usize, column: usize },
    /// A format with a name, but without a reader.
    #[error("{format} is not read yet: {advice}")]
    Unsupported { format: &'static str, advice: &'static str },
    #[error("no SBOM can be taken out of the attestation: {reason}")]
    Attestation { reason: String },
    #[error("{format} version {version:?} is not read: this program reads {range}")]
    Version { format: &'static str, version: String, range: &'static str },
    #[error("this is no SBOM of a known format, but {found}")]
    Unrecognised { found: String },
    #[error("more than {value} {what}: if the document is trusted, raise the limit {limit}")]
    Limit { limit: &'static str, value: usize, what: &'static str },
}

impl SbomError {
    pub(crate) const fn limit(limit: &'static str, value: usize, what: &'static str) -> Self {
        Self::Limit { limit, value, what }
    }

    pub(crate) fn unsupported(format: &'static str) -> Self {
        Self::Unsupported { format, advice: "export CycloneDX, or SPDX as JSON or tag-value" }
    }

    /// At a byte offset, shown as line and column.
    pub(crate) fn malformed(syntax: &'static str, text: &str, offset: usize, reason: impl Into<String>) -> Self {
        let (line, column) = position(text.as_bytes(), offset);
        Self::Malformed { syntax, line, column, reason: reason.into() }
    }

    pub(crate) fn forbidden(what: impl Into<String>, text: &str, offset: usize) -> Self {
        let (line, column) = position(text.as_bytes(), offset);
        Self::Forbidden { what: what.into(), line, column }
    }
}

/// Line and column (in bytes) of an offset, both from 1.
pub(crate) fn position(bytes: &[u8], offset: usize) -> (usize, usize) {
    let before = bytes.get(..offset).unwrap_or(bytes);
    let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
    let column = 1 + before.iter().rev().take_while(|&&byte| byte != b'\n').count();
    (line, column)
}

/// At most 80 characters of outside text, for use in a message.
pub(crate) fn excerpt(text: &str) -> String {
    let mut short: String = text.chars().take(80).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::{excerpt, position};

    #[test]
    fn an_offset_becomes_line_and_column_from_one() {
        assert_eq!(position(b"ab\ncd", 0), (1, 1));
        assert_eq!(position(b"ab\ncd", 4), (2, 2));
        assert_eq!(position(b"ab", 99), (1, 3));
    }

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        assert_eq!(excerpt("short"), "short");
        assert_eq!(excerpt(&"ü".repeat(81)), format!("{}…", "ü".repeat(80)));
    }
}
