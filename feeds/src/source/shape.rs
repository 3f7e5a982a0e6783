//! What a document looks like from its first bytes: the syntax and the names at its top.
//!
//! Parsers are chosen by this alone. Only the head is looked at, so a file of 70 MB costs no
//! more than one of 1 kB, and a head that ends in the middle of a value is no error.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// How much of a document is looked at.
pub(crate) const HEAD: usize = 64 * 1024;
const MOST_KEYS: usize = 32;

/// The outline of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Empty,
    /// An object: its keys, and the keys of its first value, or of the first element of that.
    Json {
        keys: Vec<String>,
        nested: Vec<String>,
    },
    /// The keys of the first element, if it is an object.
    JsonArray {
        keys: Vec<String>,
    },
    /// One object a line: the keys of the first.
    JsonLines {
        keys: Vec<String>,
    },
    Yaml {
        keys: Vec<String>,
    },
    /// The first line, which may be a comment, and the second.
    Csv {
        first: String,
        second: String,
    },
    Xml {
        root: String,
    },
    Text,
    Binary,
}

impl Shape {
    /// The keys of a JSON object or of the objects of JSON-lines.
    pub(crate) fn json_keys(&self) -> Option<&[String]> {
        match self {
            Self::Json { keys, .. } | Self::JsonLines { keys } => Some(keys),
            _ => None,
        }
    }

    pub(crate) fn yaml_keys(&self) -> Option<&[String]> {
        match self {
            Self::Yaml { keys } => Some(keys),
            _ => None,
        }
    }
}

pub(crate) fn has(keys: &[String], wanted: &[&str]) -> bool {
    wanted.iter().all(|wanted| keys.iter().any(|key| key == wanted))
}

/// The outline of the document that begins with `head`.
pub(crate) fn sniff(head: &[u8]) -> Shape {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    match head.first() {
        None => Shape::Empty,
        Some(b'{') => json(head),
        Some(b'[') if is_array(head) => Shape::JsonArray { keys: Outline::of(head[1..].trim_ascii_start()).keys },
        Some(b'<') => Shape::Xml { root: xml_root(head) },
        Some(_) if head.contains(&0) => Shape::Binary,
        Some(_) => text(head),
    }
}

// Debian's lists begin with a date in brackets.
fn is_array(head: &[u8]) -> bool {
    head.get(1..).is_some_and(|rest| matches!(rest.trim_ascii_start().first(), None | Some(b'{' | b'[' | b'"' | b']')))
}

fn json(head: &[u8]) -> Shape {
    let first_line = head.split(|&byte| byte == b'\n').next().unwrap_or(head);
    let rest = head[first_line.len()..].trim_ascii_start();
    let outline = Outline::of(first_line);
    if outline.complete && rest.starts_with(b"{") {
        return Shape::JsonLines { keys: outline.keys };
    }
    let outline = Outline::of(head);
    Shape::Json { keys: outline.keys, nested: outline.nested }
}

#[derive(Default)]
struct Outline {
    keys: Vec<String>,
    nested: Vec<String>,
    complete: bool,
}

impl Outline {
    fn of(text: &[u8]) -> Self {
        let mut outline = Self::default();
        let mut deserializer = serde_json::Deserializer::from_slice(text);
        let read = TopKeys(&mut outline).deserialize(&mut deserializer);
        outline.complete = read.is_ok() && deserializer.end().is_ok();
        outline
    }
}

/// Reads the keys of an object into the outline; an error merely ends the reading.
struct TopKeys<'a>(&'a mut Outline);

impl<'de> DeserializeSeed<'de> for TopKeys<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for TopKeys<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            let first = self.0.keys.is_empty();
            if self.0.keys.len() < MOST_KEYS {
                self.0.keys.push(key);
            }
            if first {
                map.next_value_seed(NestedKeys(&mut self.0.nested))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

struct NestedKeys<'a>(&'a mut Vec<String>);

impl<'de> DeserializeSeed<'de> for NestedKeys<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for NestedKeys<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if self.0.len() < MOST_KEYS {
                self.0.push(key);
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }

    /// Of a list those of its first element.
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        seq.next_element_seed(NestedKeys(&mut *self.0))?;
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

fn xml_root(head: &[u8]) -> String {
    let text = String::from_utf8_lossy(head);
    let name =
        |tag: &str| tag.split(|c: char| c.is_whitespace() || c == '>' || c == '/').next().unwrap_or("").to_owned();
    text.split('<').skip(1).find(|tag| !tag.starts_with(['?', '!'])).map(name).unwrap_or_default()
}

fn text(head: &[u8]) -> Shape {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.lines().map(str::trim_end).filter(|line| !line.is_empty());
    let (first, second) = (lines.next().unwrap_or(""), lines.next().unwrap_or(""));
    let looks_like_csv = |line: &str| line.matches(',').count() >= 1 && !line.contains(": ") && !line.contains("://");
    if looks_like_csv(first) && (first.starts_with("#model_version") || !first.contains(' ')) {
        return Shape::Csv { first: first.to_owned(), second: second.to_owned() };
    }
    let keys: Vec<_> = text.lines().filter_map(yaml_key).take(MOST_KEYS).collect();
    let significant = text.lines().find(|line| !line.is_empty() && !line.starts_with(['#', '%']) && *line != "---");
    match significant {
        Some(line) if yaml_key(line).is_some() => Shape::Yaml { keys },
        _ => Shape::Text,
    }
}

// A key at the left margin, `name:`, is all that telling YAML documents apart needs.
fn yaml_key(line: &str) -> Option<String> {
    let (key, rest) = line.split_once(':')?;
    let word = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    // Ubuntu's tracker is no YAML and sometimes leaves out the space.
    let apart = rest.is_empty() || rest.starts_with([' ', '\t', '\r']) || key == "Candidate";
    (word && apart).then(|| key.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Shape, sniff};

    fn keys(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn a_head_that_ends_inside_a_value_still_tells_its_keys() {
        let want = Shape::Json { keys: keys(&["curl", "git"]), nested: keys(&["CVE-1"]) };
        assert_eq!(sniff(br#"{"curl": {"CVE-1": {"a": 1}}, "git": {"CV"#), want);
    }

    #[test]
    fn one_object_a_line_is_not_one_object() {
        assert_eq!(sniff(b"{\"id\":1}\n{\"id\":2}\n"), Shape::JsonLines { keys: keys(&["id"]) });
        assert_eq!(sniff(b"{\"id\":1}\n"), Shape::Json { keys: keys(&["id"]), nested: vec![] });
        assert_eq!(sniff(b"{\n\"id\":1}\n"), Shape::Json { keys: keys(&["id"]), nested: vec![] });
    }

    #[test]
    fn yaml_csv_xml_and_text_are_told_apart() {
        assert_eq!(sniff(b"---\n# hello\ngem: rack\ncve: 1\n"), Shape::Yaml { keys: keys(&["gem", "cve"]) });
        assert!(matches!(sniff(b"#model_version:v1,score_date:2026\ncve,epss,percentile\n"), Shape::Csv { .. }));
        assert!(matches!(sniff(b"# one, two\ngem: rack\n"), Shape::Yaml { .. }));
        assert!(matches!(sniff(b"cveID,vendorProject\nCVE-1,a\n"), Shape::Csv { .. }));
        assert_eq!(
            sniff(b"<?xml version=\"1.0\"?>\n<!-- x --><oval_definitions a='b'>"),
            Shape::Xml { root: "oval_definitions".into() }
        );
        assert_eq!(sniff(b"Once upon a time\n"), Shape::Text);
        assert_eq!(sniff(b"\xef\xbb\xbf  "), Shape::Empty);
        assert_eq!(sniff(b"ab\0c"), Shape::Binary);
    }
}
