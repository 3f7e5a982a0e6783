//! SPDX 2 as lines of `Tag: value`.
//!
//! A package goes on until the next element starts. Some writers put `SPDXID` before the element
//! that it belongs to, against the specification; an identifier that comes when the current element
//! has one already is therefore kept for the next.

use domain::component::Inventory;

use super::{Package, Roots};
use crate::SbomError;
use crate::draft::{Draft, Place};
use crate::error::excerpt;
use crate::limits::Limits;
use crate::text::{Text, meaningful};
use crate::version::SPDX;

pub(crate) fn read(text: &str, limits: &Limits) -> Result<Inventory, SbomError> {
    let mut reader = Reader::new(Draft::new(limits));
    let mut lines = Lines { text, at: 0, line: 1 };
    while let Some(content) = lines.next()? {
        match content {
            Content::Tag { line, tag, value } => reader.tag(line, tag, value)?,
            Content::Stray { line, text } => reader.stray(line, text),
        }
    }
    reader.finish()
}

/// What one line, or one multi-line value, holds.
#[derive(Debug, PartialEq, Eq)]
enum Content<'a> {
    Tag { line: usize, tag: &'a str, value: &'a str },
    Stray { line: usize, text: &'a str },
}

/// The lines of a document, ended by LF, CR LF or CR.
struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

const OPEN: &str = "<text>";
const CLOSE: &str = "</text>";

impl<'a> Lines<'a> {
    fn next(&mut self) -> Result<Option<Content<'a>>, SbomError> {
        while self.at < self.text.len() {
            let (start, line) = (self.at, self.line);
            let raw = self.take_line();
            let text = raw.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let Some((tag, value)) = text.split_once(':').filter(|(tag, _)| is_tag(tag)) else {
                return Ok(Some(Content::Stray { line, text }));
            };
            let value = match value.trim_start().strip_prefix(OPEN) {
                Some(_) => self.multi_line(start, line)?,
                None => value.trim(),
            };
            return Ok(Some(Content::Tag { line, tag: tag.trim(), value }));
        }
        Ok(None)
    }

    fn rest(&self, from: usize) -> &'a str {
        self.text.get(from..).unwrap_or_default()
    }

    fn take_line(&mut self) -> &'a str {
        let rest = self.rest(self.at);
        let length = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let line = rest.get(..length).unwrap_or_default();
        let end = rest.get(length..).unwrap_or_default();
        let ending = if end.starts_with("\r\n") { 2 } else { usize::from(!end.is_empty()) };
        self.at += length + ending;
        self.line += 1;
        line
    }

    /// The value between `<text>` on the line at `start` and the next `</text>`.
    fn multi_line(&mut self, start: usize, line: usize) -> Result<&'a str, SbomError> {
        let open = start + self.rest(start).find(OPEN).unwrap_or_default() + OPEN.len();
        let Some(length) = self.rest(open).find(CLOSE) else {
            let reason = "<text> is never closed by </text>, so the document is cut off or damaged".to_owned();
            return Err(SbomError::Malformed { syntax: "SPDX tag-value", line, column: 1, reason });
        };
        let end = open + length;
        // The line of `<text>` is taken already; those up to `</text>` follow.
        while self.at <= end && self.at < self.text.len() {
            self.take_line();
        }
        Ok(self.text.get(open..end).unwrap_or_default().trim())
    }
}

fn is_tag(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// The element that the tags at hand belong to.
enum Section<'a> {
    Package(Box<Open<'a>>),
    /// The document itself, a file, a snippet, a licence: only whether it has its identifier.
    Other {
        identified: bool,
    },
}

struct Open<'a> {
    slot: usize,
    line: usize,
    package: Package<'a>,
}

struct Reader<'l, 'a> {
    draft: Draft<'l>,
    roots: Roots,
    section: Section<'a>,
    next_id: Option<&'a str>,
    annotated: &'a str,
    version: Text<'a>,
    name: Option<&'a str>,
    stray: Option<(usize, String)>,
    strays: usize,
}

impl<'l, 'a> Reader<'l, 'a> {
    fn new(draft: Draft<'l>) -> Self {
        Self {
            draft,
            roots: Roots::default(),
            section: Section::Other { identified: false },
            next_id: None,
            annotated: "",
            version: Text::Missing,
            name: None,
            stray: None,
            strays: 0,
        }
    }

    fn tag(&mut self, line: usize, tag: &str, value: &'a str) -> Result<(), SbomError> {
        match tag {
            "SPDXVersion" => self.version = Text::from(value),
            "DocumentName" => self.name = meaningful(value),
            "Creator" => self.draft.tool(super::tool(value), None)?,
            "SPDXID" => self.identify(value),
            "PackageName" => self.open_package(line, value)?,
            "FileName" => {
                self.roots.files += 1;
                let identified = self.next_id.take().is_some();
                self.close_into(Section::Other { identified })?;
            }
            "SnippetSPDXID" | "SnippetSPDXIdentifier" | "LicenseID" => {
                self.close_into(Section::Other { identified: true })?;
            }
            "Relationship" => self.relate(line, value),
            "SPDXREF" => self.annotated = value,
            _ => self.package_tag(line, tag, value),
        }
        Ok(())
    }

    fn identify(&mut self, id: &'a str) {
        match &mut self.section {
            Section::Package(open) if open.package.id == Text::Missing => open.package.id = Text::from(id),
            Section::Other { identified } if !*identified => *identified = true,
            _ => self.next_id = Some(id),
        }
    }

    fn open_package(&mut self, line: usize, name: &'a str) -> Result<(), SbomError> {
        let id = self.next_id.take().map_or(Text::Missing, Text::from);
        self.close_into(Section::Other { identified: true })?;
        let slot = self.draft.reserve()?;
        let package = Package { id, name: Text::from(name), ..Package::default() };
        self.section = Section::Package(Box::new(Open { slot, line, package }));
        Ok(())
    }

    fn close_into(&mut self, next: Section<'a>) -> Result<(), SbomError> {
        if let Section::Package(open) = std::mem::replace(&mut self.section, next) {
            let component = open.package.settle(&Place::Line(open.line), &mut self.draft)?;
            self.draft.fill(open.slot, component);
        }
        Ok(())
    }

    fn package_tag(&mut self, line: usize, tag: &str, value: &'a str) {
        let Section::Package(open) = &mut self.section else { return };
        let package = &mut open.package;
        match tag {
            "PackageVersion" => package.version = Text::from(value),
            "PrimaryPackagePurpose" => package.purpose = Text::from(value),
            "PackageComment" => package.comment = Text::from(value),
            "PackageSourceInfo" => package.source_info = Text::from(value),
            "PackageAttributionText" => package.facts.trivy_line(value),
            "AnnotationComment" if package.id.as_str() == Some(self.annotated) => package.facts.trivy_line(value),
            "ExternalRef" => {
                let mut words = value.split_whitespace();
                match (words.next(), words.next(), words.next()) {
                    (Some(_category), Some(kind), Some(locator)) => package.external(kind, Text::from(locator)),
                    _ => self.draft.warn(|| {
                        format!("line {line}: ExternalRef {:?} is not category, type and locator", excerpt(value))
                    }),
                }
            }
            _ => {}
        }
    }

    fn relate(&mut self, line: usize, value: &str) {
        let mut words = value.split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some(from), Some(kind), Some(to)) => self.roots.relate(from, kind, to),
            _ => self.draft.warn(|| {
                format!("line {line}: Relationship {:?} is not an element, a type and an element", excerpt(value))
            }),
        }
    }

    fn stray(&mut self, line: usize, text: &str) {
        self.strays += 1;
        self.stray.get_or_insert_with(|| (line, excerpt(text)));
    }

    fn finish(mut self) -> Result<Inventory, SbomError> {
        self.close_into(Section::Other { identified: true })?;
        self.draft.specify(&SPDX, &self.version)?;
        if let Some((line, text)) = self.stray.take() {
            let strays = self.strays;
            self.draft
                .warn(|| format!("{strays} lines are no tags and were left out, the first at line {line}: {text:?}"));
        }
        let name = self.name.map_or(Text::Missing, Text::from);
        let name = self.draft.keep(&Place::Named("the document"), "DocumentName", &name)?;
        self.roots.settle(name, &mut self.draft);
        Ok(self.draft.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::SbomError;
    use crate::limits::Limits;

    fn inventory(text: &str) -> domain::component::Inventory {
        read(text, &Limits::default()).expect("readable")
    }

    #[test]
    fn all_three_line_endings_are_read() {
        for ending in ["\n", "\r\n", "\r"] {
            let lines = ["SPDXVersion: SPDX-2.3", "", "# x", "PackageName: a", "PackageVersion: 1", "PackageName: b"];
            let inventory = inventory(&lines.join(ending));
            assert_eq!(inventory.components.len(), 2, "{ending:?}");
            assert_eq!(inventory.components[0].version.as_deref(), Some("1"));
        }
    }

    #[test]
    fn tags_inside_a_multi_line_text_are_text() {
        let inventory = inventory(
            "SPDXVersion: SPDX-2.3\nPackageName: a\nPackageComment: <text>one\nPackageName: not me\n</text>\nPackageVersion: 2\n",
        );
        assert_eq!(inventory.components.len(), 1);
        assert_eq!(inventory.components[0].version.as_deref(), Some("2"));
    }

    #[test]
    fn a_text_that_is_never_closed_refuses_the_document_at_its_line() {
        let error =
            read("SPDXVersion: SPDX-2.3\nPackageComment: <text>one\ntwo", &Limits::default()).expect_err("cut off");
        assert!(matches!(error, SbomError::Malformed { line: 2, .. }), "{error}");
    }

    #[test]
    fn an_identifier_before_its_element_belongs_to_it() {
        let inventory = inventory(
            "SPDXVersion: SPDX-2.2\nSPDXID: SPDXRef-DOCUMENT\n\nSPDXID: SPDXRef-f\nFileName: ./f\n\nSPDXID: SPDXRef-p\nPackageName: p\n",
        );
        assert_eq!(inventory.components[0].reference, "SPDXRef-p");
    }

    #[test]
    fn lines_that_are_no_tags_are_counted_once_with_their_place() {
        let inventory = inventory("SPDXVersion: SPDX-2.3\nwhat is this\nand this\nPackageName: a");
        assert!(
            inventory
                .warnings
                .iter()
                .any(|warning| warning.starts_with("2 lines are no tags") && warning.contains("line 2"))
        );
    }
}
