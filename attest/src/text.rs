//! Small texts with one spelling, shared by the formats of this room.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use domain::digest::Digest;

/// Standard base64 with padding.
pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Reads standard base64; padding must be there and unused bits must be zero.
pub(crate) fn unbase64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Reads standard or URL-safe base64, as DSSE demands, but no mixture of the two.
pub(crate) fn unbase64_either(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()
}

/// Reads the base64 of one SHA-256 digest.
pub(crate) fn hash(text: &str) -> Option<Digest> {
    Some(Digest::from_bytes(unbase64(text)?.try_into().ok()?))
}

/// Reads an ASCII decimal without sign and without leading zeros.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let value: u64 = text.parse().ok()?;
    (value.to_string() == text).then_some(value)
}

/// Text from outside, short and safe for a log line or a terminal.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(120).flat_map(char::escape_default).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_has_one_spelling() {
        assert_eq!(decimal("0"), Some(0));
        assert_eq!(decimal("18446744073709551615"), Some(u64::MAX));
        for text in ["", "00", "01", "+1", "-1", " 1", "1 ", "1_0", "0x1", "18446744073709551616", "\u{661}"] {
            assert_eq!(decimal(text), None, "{text:?}");
        }
    }

    #[test]
    fn base64_has_one_spelling_per_alphabet() {
        assert_eq!(unbase64("+/8="), Some(vec![0xfb, 0xff]));
        assert_eq!(unbase64_either("-_8="), Some(vec![0xfb, 0xff]));
        for text in ["+/8", "+/9=", "+/8=\n", " +/8=", "+/8==", "-/8="] {
            assert_eq!(unbase64_either(text), None, "{text:?}");
        }
        assert_eq!(unbase64("-_8="), None);
    }

    #[test]
    fn text_from_outside_cannot_reach_a_terminal_unescaped() {
        assert_eq!(shown("a\n\u{1b}[2J\u{202e}"), "a\\n\\u{1b}[2J\\u{202e}");
    }
}
