//! A walk through XML as its bytes come, which refuses what no feed needs.
//!
//! No declaration of types or entities is followed, nesting is limited, and so is what one tag or
//! one text may hold; the document as a whole may have any length. Names are local names: the
//! vocabularies here do not share any.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;

use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

const DEEPEST: usize = 64;
/// A description of 10 MB is read, a text without an end is not.
const LONGEST: u64 = 64 << 20;

/// Why reading ended.
#[derive(Debug)]
pub(super) enum XmlError {
    /// The bytes could not be read: an error of the whole input.
    Read(io::Error),
    /// The document is not what it should be.
    Malformed(String),
}

/// A start tag.
#[derive(Debug)]
pub(super) struct Element {
    pub(super) name: String,
    attributes: Vec<(String, String)>,
}

impl Element {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(attribute, _)| attribute == name);
        found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }
}

enum Node {
    Open(Element),
    Text(String),
    Close,
    End,
}

pub(super) struct Xml<R> {
    reader: Reader<Bounded<BufReader<R>>>,
    buffer: Vec<u8>,
    depth: usize,
}

impl<R: Read> Xml<R> {
    pub(super) fn new(bytes: R) -> Self {
        let mut reader = Reader::from_reader(Bounded { inner: BufReader::with_capacity(1 << 16, bytes), since: 0 });
        reader.config_mut().expand_empty_elements = true;
        Self { reader, buffer: Vec::new(), depth: 0 }
    }

    /// The root element.
    pub(super) fn root(&mut self) -> Result<Element, XmlError> {
        loop {
            match self.next()? {
                Node::Open(element) => return Ok(element),
                Node::Text(text) if text.trim().is_empty() => {}
                _ => return Err(malformed("no root element")),
            }
        }
    }

    /// The next child of the element at hand; None at its end. A child is to be read to its own
    /// end: by [`Self::text`], by [`Self::skip`] or by its children.
    pub(super) fn child(&mut self) -> Result<Option<Element>, XmlError> {
        loop {
            match self.next()? {
                Node::Open(element) => return Ok(Some(element)),
                Node::Close => return Ok(None),
                Node::Text(_) => {}
                Node::End => return Err(cut_off()),
            }
        }
    }

    /// The text of the element at hand, trimmed.
    pub(super) fn text(&mut self) -> Result<String, XmlError> {
        let mut whole = String::new();
        loop {
            match self.next()? {
                Node::Text(text) => whole.push_str(&text),
                Node::Open(_) => self.skip()?,
                Node::Close => return Ok(whole.trim().to_owned()),
                Node::End => return Err(cut_off()),
            }
            if whole.len() as u64 > LONGEST {
                return Err(malformed("a text is too long"));
            }
        }
    }

    /// Steps over the rest of the element at hand.
    pub(super) fn skip(&mut self) -> Result<(), XmlError> {
        let outside = self.depth.saturating_sub(1);
        while self.depth > outside {
            if matches!(self.next()?, Node::End) {
                return Err(cut_off());
            }
        }
        Ok(())
    }

    fn next(&mut self) -> Result<Node, XmlError> {
        loop {
            self.buffer.clear();
            self.reader.get_mut().since = 0;
            let event = self.reader.read_event_into(&mut self.buffer).map_err(failed)?;
            return Ok(match event {
                Event::Start(start) | Event::Empty(start) => {
                    self.depth += 1;
                    if self.depth > DEEPEST {
                        return Err(malformed(&format!("elements are nested deeper than {DEEPEST}")));
                    }
                    Node::Open(element(&start)?)
                }
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    Node::Close
                }
                Event::Text(text) => Node::Text(text.xml10_content().map_err(failed)?.into_owned()),
                Event::CData(text) => Node::Text(text.xml10_content().map_err(failed)?.into_owned()),
                Event::GeneralRef(reference) => Node::Text(character(&reference)?),
                Event::DocType(_) => return Err(malformed("a document type declaration, which no feed needs")),
                Event::Decl(_) | Event::Comment(_) | Event::PI(_) => continue,
                Event::Eof if self.depth > 0 => return Err(cut_off()),
                Event::Eof => Node::End,
            });
        }
    }
}

fn element(start: &BytesStart<'_>) -> Result<Element, XmlError> {
    let name = local(start.local_name().into_inner());
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| malformed(&error.to_string()))?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(failed)?;
        attributes.push((local(attribute.key.local_name().into_inner()), value.into_owned()));
    }
    Ok(Element { name, attributes })
}

fn local(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

fn character(reference: &BytesRef<'_>) -> Result<String, XmlError> {
    if let Some(character) = reference.resolve_char_ref().map_err(failed)? {
        return Ok(character.to_string());
    }
    let name: &[u8] = reference;
    let character = match name {
        b"amp" => "&",
        b"lt" => "<",
        b"gt" => ">",
        b"quot" => "\"",
        b"apos" => "'",
        _ => return Err(malformed("a reference to an entity that XML does not have")),
    };
    Ok(character.to_owned())
}

fn failed(error: impl Into<quick_xml::Error>) -> XmlError {
    match error.into() {
        quick_xml::Error::Io(error) => {
            let error =
                Arc::try_unwrap(error).unwrap_or_else(|shared| io::Error::new(shared.kind(), shared.to_string()));
            if error.get_ref().is_some_and(|inner| inner.is::<TooLong>()) {
                return malformed("a tag or text is too long");
            }
            XmlError::Read(error)
        }
        error => malformed(&error.to_string()),
    }
}

fn cut_off() -> XmlError {
    malformed("the document ends inside an element, so it is cut off")
}

fn malformed(reason: &str) -> XmlError {
    XmlError::Malformed(reason.to_owned())
}

#[derive(Debug, thiserror::Error)]
#[error("too long")]
struct TooLong;

/// Counts what one event takes.
struct Bounded<R> {
    inner: R,
    since: u64,
}

impl<R: BufRead> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.since += count as u64;
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Bounded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.since > LONGEST { Err(io::Error::other(TooLong)) } else { self.inner.fill_buf() }
    }

    fn consume(&mut self, count: usize) {
        self.since += count as u64;
        self.inner.consume(count);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::{Xml, XmlError};

    fn refused(bytes: impl Read) -> String {
        let mut xml = Xml::new(bytes);
        match xml.root().and_then(|_| xml.skip()) {
            Err(XmlError::Malformed(reason)) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_no_feed_needs_is_refused() {
        assert!(refused(&b"<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>"[..]).contains("declaration"));
        assert!(refused(&b"<a>&b;</a>"[..]).contains("entity"));
        assert!(refused(&b"<a><b>"[..]).contains("cut off"));
        assert!(refused("<a>".repeat(100).as_bytes()).contains("nested"));
        assert!(refused(&b"<a></b>"[..]).len() > 3);
    }

    #[test]
    fn a_text_without_an_end_does_not_fill_the_memory() {
        assert!(refused((&b"<a><b c=\""[..]).chain(std::io::repeat(b'x'))).contains("too long"));
        assert!(refused((&b"<a>"[..]).chain(std::io::repeat(b'x'))).contains("too long"));
    }

    #[test]
    fn texts_and_attributes_are_read_with_their_references() {
        let mut xml = Xml::new(&b"<?xml version=\"1.0\"?><o:a b=' 1 &amp; 2 '>x &lt; <c/>y<![CDATA[<z>]]></o:a>"[..]);
        let root = xml.root().expect("a root");
        assert_eq!((root.name.as_str(), root.attribute("b")), ("a", Some("1 & 2")));
        assert_eq!(xml.text().expect("a text"), "x < y<z>");
    }
}
