//! Text from documents, made safe to show.
//!
//! Package names and titles come from outside. Shown raw, an escape sequence can rewrite
//! the terminal, a line feed can forge a verdict line, and a bidirectional control can turn
//! `1.0.2` into `2.0.1`. In a table such characters are written out ([`visible`]); in JSON
//! they become `\u` escapes, which lose nothing ([`write_json`]).

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};

use serde::Serialize;

/// `text` with every character that a terminal would act on, or not show, written out.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            c if is_hidden(c) => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

/// `text`, visible, and cut to `cells_max` terminal cells with an ellipsis when it is longer.
pub(crate) fn shortened(text: &str, cells_max: usize) -> String {
    let text = visible(text);
    if text.chars().map(cells).sum::<usize>() <= cells_max {
        return text.into_owned();
    }
    let mut used = 1; // The ellipsis.
    let fits = |c: &char| {
        used += cells(*c);
        used <= cells_max
    };
    let kept: String = text.chars().take_while(fits).collect();
    format!("{}…", kept.trim_end())
}

/// Serialises with two spaces of indentation.
pub(crate) fn write_json(value: &impl Serialize, out: &mut impl Write) -> io::Result<()> {
    write_json_text(&serde_json::to_string_pretty(value)?, out)
}

/// Writes a JSON document with a final line feed, and without any raw character that a terminal acts
/// on: it may be read with `cat`.
pub(crate) fn write_json_text(text: &str, out: &mut impl Write) -> io::Result<()> {
    // Outside of strings JSON is plain ASCII, and inside of them the serialiser has escaped the
    // controls below the space: what is left to escape can only be part of a string.
    let mut rest = text;
    while let Some(at) = rest.find(|c| c >= '\u{7f}' && is_hidden(c)) {
        let (before, from) = rest.split_at(at);
        out.write_all(before.as_bytes())?;
        let mut escape = String::with_capacity(12);
        let mut chars = from.chars();
        if let Some(c) = chars.next() {
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(escape, "\\u{unit:04x}").map_err(io::Error::other)?;
            }
        }
        out.write_all(escape.as_bytes())?;
        rest = chars.as_str();
    }
    out.write_all(rest.as_bytes())?;
    out.write_all(b"\n")
}

/// Control characters, bidirectional controls, and what has no width: soft hyphens, fillers,
/// joiners, invisible operators, tags.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// An upper bound of the cells that a character takes: two for everything from the first
/// double-width block on. A title may be cut a little early, a line never gets too long.
fn cells(c: char) -> usize {
    if c < '\u{1100}' { 1 } else { 2 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_acts_on_is_written_out() {
        assert_eq!(visible("\u{1b}[2Jx\r\ny\tz"), "\\u{1b}[2Jx\\r\\ny\\tz");
        assert_eq!(visible("1.0\u{202e}2.0\u{2066}"), "1.0\\u{202e}2.0\\u{2066}");
        assert_eq!(visible("\u{9b}31m\u{7f}\u{200b}\u{feff}"), "\\u{9b}31m\\u{7f}\\u{200b}\\u{feff}");
    }

    #[test]
    fn letters_of_all_scripts_stay() {
        for text in ["naïve", "日本語", "Ελλάδα", "עברית", "⚠️ emoji"] {
            assert_eq!(visible(text), text);
        }
    }

    #[test]
    fn a_long_text_ends_in_an_ellipsis_within_the_limit() {
        assert_eq!(shortened("abcdef", 6), "abcdef");
        assert_eq!(shortened("abcdefg", 6), "abcde…");
        assert_eq!(shortened("ab cdefg", 4), "ab…");
        // Each of these takes two cells.
        assert_eq!(shortened("日本語版", 6), "日本…");
    }

    #[test]
    fn json_keeps_the_text_and_shows_no_control() {
        let hostile = "a\u{1b}\u{9b}\u{202e}\u{e0041}\u{7f}\"\\b";
        let mut out = Vec::new();
        write_json(&hostile, &mut out).expect("a vector takes all");
        let text = String::from_utf8(out).expect("UTF-8");
        assert_eq!(text, "\"a\\u001b\\u009b\\u202e\\udb40\\udc41\\u007f\\\"\\\\b\"\n");
        assert_eq!(serde_json::from_str::<String>(&text).expect("JSON"), hostile);
    }
}
