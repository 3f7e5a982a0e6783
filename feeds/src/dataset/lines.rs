//! Reads the lines of a segment without parsing them.
//!
//! The iterator hands out a line only after its place in the order is checked, and stops
//! at the first error: what follows a broken line has no meaning.

use std::io::BufRead;

use super::manifest::SegmentKind;
use super::{DatasetError, is_escaped_in_json};

/// What a segment may ask of its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Without the line feed.
    pub line_bytes_max: usize,
    pub lines_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { line_bytes_max: 16 << 20, lines_max: 4_000_000 }
    }
}

/// One record, not yet parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    pub key: &'a str,
    /// The line without its line feed.
    pub raw: &'a [u8],
}

/// The iterator behind [`lines`].
pub struct Lines<'a> {
    kind: SegmentKind,
    limits: Limits,
    /// What is left to read; empty at the end and after an error.
    rest: &'a [u8],
    /// Lines handed out or refused so far.
    number: u64,
    previous: Option<&'a str>,
}

/// The lines of a segment, checked to be sorted strictly by key.
pub fn lines(kind: SegmentKind, bytes: &[u8], limits: Limits) -> Lines<'_> {
    Lines { kind, limits, rest: bytes, number: 0, previous: None }
}

impl<'a> Lines<'a> {
    fn next_line(&mut self) -> Result<Line<'a>, DatasetError> {
        let line = self.number;
        if line > self.limits.lines_max {
            return Err(DatasetError::TooManyLines { limit: self.limits.lines_max });
        }
        // Looking no further than the limit keeps a missing line feed cheap.
        let window = self.rest.get(..=self.limits.line_bytes_max).unwrap_or(self.rest);
        let Some(end) = line_end(window) else {
            return Err(if window.len() > self.limits.line_bytes_max {
                DatasetError::LineTooLong { line, limit: self.limits.line_bytes_max }
            } else {
                DatasetError::NoLineFeed { line }
            });
        };
        let (raw, rest) = self.rest.split_at(end);
        self.rest = rest.get(1..).unwrap_or_default();
        if raw.is_empty() {
            return Err(DatasetError::EmptyLine { line });
        }
        let expected = self.kind.line_prefix();
        let key = key(raw, expected).ok_or(DatasetError::NoKey { line, expected })?;
        if let Some(previous) = self.previous.filter(|previous| *previous >= key) {
            return Err(DatasetError::NotSorted { line, previous: shown(previous), key: shown(key) });
        }
        self.previous = Some(key);
        Ok(Line { key, raw })
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Result<Line<'a>, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        self.number += 1;
        let line = self.next_line();
        if line.is_err() {
            self.rest = &[];
        }
        Some(line)
    }
}

/// Where the first line feed is. Here the standard library looks at several bytes at a time.
fn line_end(bytes: &[u8]) -> Option<usize> {
    let mut rest = bytes;
    let end = rest.skip_until(b'\n').ok()?.checked_sub(1)?;
    (bytes.get(end) == Some(&b'\n')).then_some(end)
}

/// The string that begins a line. The JSON parser refuses a second field of the same name,
/// so this is the key that a parsed record has.
fn key<'a>(raw: &'a [u8], prefix: &str) -> Option<&'a str> {
    let rest = raw.strip_prefix(prefix.as_bytes())?;
    let end = rest.iter().position(|byte| is_escaped_in_json(*byte))?;
    let (key, rest) = rest.split_at(end);
    let ends_well = matches!(rest, [b'"', b',' | b'}', ..]);
    std::str::from_utf8(key).ok().filter(|key| ends_well && !key.is_empty())
}

/// As much of a key as an error message needs.
fn shown(key: &str) -> String {
    key.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::{Limits, lines};
    use crate::dataset::SegmentKind;

    fn read(text: &str, limits: Limits) -> Result<Vec<String>, String> {
        lines(SegmentKind::Advisory, text.as_bytes(), limits)
            .map(|line| line.map(|line| line.key.to_owned()).map_err(|error| error.to_string()))
            .collect()
    }

    #[test]
    fn keys_are_read_without_parsing_the_line() {
        let text = "{\"id\":\"CVE-1\",\"x\":\n{\"id\":\"CVE-2\"}\n";
        assert_eq!(read(text, Limits::default()).expect("sorted lines"), ["CVE-1", "CVE-2"]);
        assert_eq!(read("", Limits::default()).expect("an empty segment"), [""; 0]);
    }

    #[test]
    fn every_kind_of_broken_line_is_refused_by_its_number() {
        let limits = Limits { line_bytes_max: 20, lines_max: 3 };
        for (text, want) in [
            ("{\"id\":\"B\"}\n{\"id\":\"A\"}\n", r#"line 2: "A" does not sort after "B""#),
            ("{\"id\":\"B\"}\n{\"id\":\"B\"}\n", r#"line 2: "B" does not sort after "B""#),
            ("{\"id\":\"B\"}", "line 1 does not end in a line feed"),
            ("{\"id\":\"B\"}\n\n", "line 2 is empty"),
            ("{\"id\": \"B\"}\n", "line 1 does not start with"),
            ("{\"id\":\"\"}\n", "line 1 does not start with"),
            ("{\"id\":\"A\\u0042\"}\n", "line 1 does not start with"),
            ("{\"id\":\"B\"x}\n", "line 1 does not start with"),
            ("{\"cve\":\"B\"}\n", "line 1 does not start with"),
            ("{\"id\":\"0123456789abc\"}\n", "line 1 is longer than 20 bytes"),
            ("{\"id\":\"0123456789abcdefghijk", "line 1 is longer than 20 bytes"),
            ("{\"id\":\"1\"}\n{\"id\":\"2\"}\n{\"id\":\"3\"}\n{\"id\":\"4\"}\n", "more than 3 lines"),
        ] {
            let error = read(text, limits).expect_err(text);
            assert!(error.contains(want), "{text}: {error}");
        }
    }

    #[test]
    fn a_line_of_exactly_the_limit_passes() {
        let limits = Limits { line_bytes_max: 10, lines_max: 1 };
        assert_eq!(read("{\"id\":\"B\"}\n", limits).expect("ten bytes"), ["B"]);
    }

    #[test]
    fn nothing_follows_an_error() {
        let text = "\n{\"id\":\"A\"}\n";
        assert_eq!(lines(SegmentKind::Advisory, text.as_bytes(), Limits::default()).count(), 1);
    }
}
