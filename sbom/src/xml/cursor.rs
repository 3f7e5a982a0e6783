//! A walk through XML, one element at a time, that refuses what no SBOM needs.
//!
//! Invariant: no declaration of types or entities is ever followed, elements of other
//! namespaces are never mistaken for CycloneDX, and a document that ends early is an error.

use std::borrow::Cow;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::reader::NsReader;

use crate::SbomError;
use crate::limits::Limits;

const SYNTAX: &str = "XML";
const NAMESPACE: &str = "http://cyclonedx.org/schema/bom/";

/// A start tag.
pub(super) struct Element<'x> {
    start: BytesStart<'x>,
    ours: bool,
}

impl Element<'_> {
    /// Is it this element of CycloneDX?
    pub(super) fn is(&self, name: &str) -> bool {
        self.name() == name
    }

    /// The local name in CycloneDX; empty for elements of other vocabularies.
    pub(super) fn name(&self) -> &str {
        if self.ours { std::str::from_utf8(self.start.local_name().into_inner()).unwrap_or_default() } else { "" }
    }

    /// The name as written, prefix and all.
    pub(super) fn raw_name(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.start.name().into_inner())
    }
}

enum Node<'x> {
    Open(Element<'x>),
    Close,
    Text(Cow<'x, str>),
    End,
}

pub(super) struct Cursor<'x> {
    reader: NsReader<&'x [u8]>,
    text: &'x str,
    limits: &'x Limits,
    depth: usize,
    /// The namespace of the root, when it is one of CycloneDX.
    namespace: Option<String>,
}

impl<'x> Cursor<'x> {
    pub(super) fn new(text: &'x str, limits: &'x Limits) -> Self {
        let mut reader = NsReader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        Self { reader, text, limits, depth: 0, namespace: None }
    }

    /// The version that the namespace names.
    pub(super) fn version(&self) -> &str {
        self.namespace.as_deref().and_then(|namespace| namespace.strip_prefix(NAMESPACE)).unwrap_or_default()
    }

    pub(super) fn root(&mut self) -> Result<Element<'x>, SbomError> {
        loop {
            match self.next()? {
                Node::Open(element) => return Ok(element),
                Node::Text(text) if text.trim().is_empty() => {}
                Node::Text(_) | Node::Close => return Err(self.malformed("text before the root element")),
                Node::End => return Err(self.malformed("the document has no root element")),
            }
        }
    }

    /// The next child of the element at hand; None at its end tag.
    pub(super) fn child(&mut self) -> Result<Option<Element<'x>>, SbomError> {
        loop {
            match self.next()? {
                Node::Open(element) => return Ok(Some(element)),
                Node::Close => return Ok(None),
                Node::Text(_) => {}
                Node::End => return Err(self.cut_off()),
            }
        }
    }

    /// The text of the element at hand, up to its end tag.
    pub(super) fn text(&mut self) -> Result<String, SbomError> {
        let mut whole = String::new();
        loop {
            match self.next()? {
                Node::Text(text) => whole.push_str(&text),
                Node::Open(_) => self.skip()?,
                Node::Close => return Ok(whole),
                Node::End => return Err(self.cut_off()),
            }
        }
    }

    /// Steps over the element at hand.
    pub(super) fn skip(&mut self) -> Result<(), SbomError> {
        let outside = self.depth.saturating_sub(1);
        while self.depth > outside {
            if matches!(self.next()?, Node::End) {
                return Err(self.cut_off());
            }
        }
        Ok(())
    }

    /// Nothing may follow the root element.
    pub(super) fn end(&mut self) -> Result<(), SbomError> {
        loop {
            match self.next()? {
                Node::End => return Ok(()),
                Node::Text(text) if text.trim().is_empty() => {}
                _ => return Err(self.malformed("there is more after the root element")),
            }
        }
    }

    pub(super) fn attribute(&self, element: &Element<'_>, name: &str) -> Result<Option<String>, SbomError> {
        let attribute = element.start.try_get_attribute(name).map_err(|error| self.malformed(error.to_string()))?;
        let Some(attribute) = attribute else { return Ok(None) };
        let value = attribute.normalized_value(XmlVersion::Implicit1_0);
        value.map(|value| Some(value.into_owned())).map_err(|error| self.malformed(error.to_string()))
    }

    fn next(&mut self) -> Result<Node<'x>, SbomError> {
        loop {
            let (namespace, event) = match self.reader.read_resolved_event() {
                Ok(resolved) => resolved,
                Err(error) => {
                    let offset = offset(self.reader.error_position());
                    return Err(SbomError::malformed(SYNTAX, self.text, offset, error.to_string()));
                }
            };
            match event {
                Event::Start(start) | Event::Empty(start) => {
                    let ours = is_ours(&mut self.namespace, self.depth == 0, &namespace);
                    self.depth += 1;
                    self.limits.check_depth(self.depth)?;
                    return Ok(Node::Open(Element { start, ours }));
                }
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(Node::Close);
                }
                Event::Text(text) => {
                    return text.xml10_content().map(Node::Text).map_err(|error| self.malformed(error.to_string()));
                }
                Event::CData(text) => {
                    return text.xml10_content().map(Node::Text).map_err(|error| self.malformed(error.to_string()));
                }
                Event::GeneralRef(reference) => return self.reference(&reference).map(Node::Text),
                Event::DocType(_) => return Err(self.forbidden("a document type declaration")),
                Event::Decl(declaration) => self.check_encoding(&declaration)?,
                Event::Comment(_) | Event::PI(_) => {}
                Event::Eof if self.depth > 0 => return Err(self.cut_off()),
                Event::Eof => return Ok(Node::End),
            }
        }
    }

    /// A character reference or one of the five entities that XML itself has.
    fn reference(&self, reference: &BytesRef<'_>) -> Result<Cow<'x, str>, SbomError> {
        let character = reference.resolve_char_ref().map_err(|error| self.malformed(error.to_string()))?;
        if let Some(character) = character {
            return Ok(Cow::Owned(character.to_string()));
        }
        let name: &[u8] = reference;
        Ok(Cow::Borrowed(match name {
            b"amp" => "&",
            b"lt" => "<",
            b"gt" => ">",
            b"quot" => "\"",
            b"apos" => "'",
            _ => return Err(self.forbidden("a reference to an entity that XML does not have")),
        }))
    }

    fn check_encoding(&self, declaration: &BytesDecl<'_>) -> Result<(), SbomError> {
        let Some(encoding) = declaration.encoding() else { return Ok(()) };
        let encoding = encoding.map_err(|error| self.malformed(error.to_string()))?;
        match encoding.to_ascii_lowercase().as_slice() {
            b"utf-8" | b"utf8" | b"us-ascii" | b"ascii" => Ok(()),
            _ => Err(SbomError::Encoding { encoding: String::from_utf8_lossy(&encoding).chars().take(40).collect() }),
        }
    }

    fn cut_off(&self) -> SbomError {
        self.malformed("the document ends inside an element, so it is cut off")
    }

    fn malformed(&self, reason: impl Into<String>) -> SbomError {
        SbomError::malformed(SYNTAX, self.text, offset(self.reader.buffer_position()), reason)
    }

    fn forbidden(&self, what: &str) -> SbomError {
        SbomError::forbidden(what, self.text, offset(self.reader.buffer_position()))
    }
}

fn offset(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

/// Any version of CycloneDX for the root; then only the one that the root has.
fn is_ours(root: &mut Option<String>, at_root: bool, found: &ResolveResult<'_>) -> bool {
    let ResolveResult::Bound(Namespace(found)) = found else { return false };
    if at_root && root.is_none() && found.starts_with(NAMESPACE.as_bytes()) {
        *root = Some(String::from_utf8_lossy(found).into_owned());
    }
    root.as_deref().is_some_and(|root| root.as_bytes() == *found)
}
