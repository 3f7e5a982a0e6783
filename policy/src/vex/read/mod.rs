//! Bytes -> statements. The format is found out from the content, never from a file name.
//!
//! A document is refused whole when it is malformed or passes a limit. Inside of one, a statement that cannot be
//! used becomes a [`Problem`] and the others count: a vendor's file of thousands must not be lost to one typing
//! mistake, and a statement that does not count leaves a finding standing, which is the safe side.

mod csaf;
mod cyclonedx;
mod draft;
mod envelope;
mod openvex;

use domain::digest::Digest;
use domain::time::Timestamp;
use domain::vex::{Statement, VexDocument, VexSource};
use serde::Deserialize;
use serde_json::value::RawValue;

use draft::Draft;
use envelope::Opened;

/// How much of a document is believed before reading stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Size of a file.
    pub bytes_max: usize,
    /// Documents in one file of attestations.
    pub documents_max: usize,
    pub statements_max: usize,
    /// Products in all statements of a document.
    pub targets_max: usize,
    /// Different problems that are listed; later ones are only counted.
    pub problems_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes_max: 64 << 20,
            documents_max: 1_000,
            statements_max: 200_000,
            targets_max: 1_000_000,
            problems_max: 100,
        }
    }
}

/// Why a document was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VexError {
    #[error("the document is empty")]
    Empty,
    #[error("the document is not UTF-8 text")]
    NotUtf8,
    #[error("malformed JSON at line {line} column {column}: {reason}")]
    Malformed { line: usize, column: usize, reason: String },
    #[error("this is no VEX document (OpenVEX, CSAF or CycloneDX in JSON), but {found}")]
    Unrecognised { found: String },
    #[error("no VEX document can be taken out of the attestation: {reason}")]
    Envelope { reason: String },
    #[error("more than {value} {what}: if the document is trusted, give it in parts")]
    Limit { value: usize, what: &'static str },
}

/// Something in a document that does not count, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it stands; of several alike, the first.
    pub place: String,
    pub reason: String,
    pub count: usize,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.place, self.reason)?;
        match self.count.saturating_sub(1) {
            0 => Ok(()),
            more => write!(f, " (and {more} more like it)"),
        }
    }
}

/// A VEX document that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    pub about: VexDocument,
    pub statements: Vec<Statement>,
    pub problems: Vec<Problem>,
    /// Set when it came in an attestation: what is to be known about the signature, which nobody evaluated.
    pub attestation: Option<String>,
}

impl Document {
    /// Parts that do not count: all of them, of which the list of problems tells those that differ.
    pub fn unusable(&self) -> usize {
        self.problems.iter().map(|problem| problem.count).sum()
    }
}

/// Reads a file: one document, or attestations with documents in them.
pub fn read(name: &str, bytes: &[u8], limits: &Limits) -> Result<Vec<Document>, VexError> {
    Reader { name, source: VexSource::File, limits }.file(bytes)
}

/// Reads what an SBOM says of itself. One that says nothing, or is of another format, gives no document.
pub fn read_embedded(name: &str, bytes: &[u8], limits: &Limits) -> Result<Vec<Document>, VexError> {
    Reader { name, source: VexSource::Sbom, limits }.file(bytes)
}

struct Reader<'r> {
    name: &'r str,
    source: VexSource,
    limits: &'r Limits,
}

/// The fields that documents are known by.
#[derive(Deserialize)]
struct Marks<'a> {
    #[serde(borrow, rename = "@context")]
    context: Option<&'a RawValue>,
    #[serde(borrow, rename = "bomFormat")]
    bom_format: Option<&'a RawValue>,
    #[serde(borrow)]
    document: Option<&'a RawValue>,
    #[serde(borrow)]
    statements: Option<&'a RawValue>,
    #[serde(borrow)]
    vulnerabilities: Option<&'a RawValue>,
}

impl Reader<'_> {
    fn file(&self, bytes: &[u8]) -> Result<Vec<Document>, VexError> {
        if bytes.len() > self.limits.bytes_max {
            return Err(VexError::Limit { value: self.limits.bytes_max, what: "bytes in the document" });
        }
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
            // An SBOM may be of a binary format.
            Err(_) if self.source == VexSource::Sbom => return Ok(Vec::new()),
            Err(_) => return Err(VexError::NotUtf8),
        };
        if self.source == VexSource::Sbom && !text.trim_start().starts_with('{') {
            return Ok(Vec::new());
        }
        let mut documents = Vec::new();
        let mut strangers = Strangers::default();
        let mut values = 0;
        for value in serde_json::Deserializer::from_str(text).into_iter::<&RawValue>() {
            values += 1;
            if values > self.limits.documents_max {
                return Err(VexError::Limit { value: self.limits.documents_max, what: "documents in the file" });
            }
            match value.map_err(|error| malformed(&error)).and_then(|value| self.value(value.get(), bytes)) {
                Ok(Some(document)) => documents.push(document),
                Ok(None) => {}
                // Other attestations of the same file are no reason to stop; alone they are.
                Err(error @ VexError::Unrecognised { .. }) => strangers.note(values, error),
                Err(error) => return Err(error),
            }
        }
        let Some(first) = documents.first_mut() else {
            return match strangers.first {
                Some((_, error)) if self.source != VexSource::Sbom => Err(error),
                None if values == 0 => Err(VexError::Empty),
                _ => Ok(documents),
            };
        };
        first.problems.extend(strangers.problem());
        Ok(documents)
    }

    /// One value of the file. Nothing, when an SBOM says nothing of itself.
    fn value(&self, text: &str, file: &[u8]) -> Result<Option<Document>, VexError> {
        let Opened { text, attestation } = envelope::open(text)?;
        let marks: Marks<'_> = serde_json::from_str(&text).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => VexError::Unrecognised { found: "JSON of another shape".to_owned() },
            _ => malformed(&error),
        })?;
        let mut draft = Draft::new(self.limits);
        let embedded = self.source == VexSource::Sbom;
        let (format, header) = match kind(&marks) {
            Some(Kind::CycloneDx) => ("CycloneDX", cyclonedx::read(&text, embedded, &mut draft)?),
            Some(_) if embedded => return Ok(None),
            Some(Kind::OpenVex) => ("OpenVEX", openvex::read(&text, &mut draft)?),
            Some(Kind::Csaf) => ("CSAF", csaf::read(&text, &mut draft)?),
            None => return Err(VexError::Unrecognised { found: "a JSON object of another kind".to_owned() }),
        };
        if embedded && draft.is_empty() {
            return Ok(None);
        }
        let Header { id, version, author, timestamp } = header;
        let about = VexDocument {
            source: self.source,
            name: self.name.to_owned(),
            format: format.to_owned(),
            id,
            version,
            author,
            timestamp,
            // Of the file, so that anybody can compute it.
            digest: Digest::of(file),
        };
        let (statements, problems) = draft.finish();
        Ok(Some(Document { about, statements, problems, attestation }))
    }
}

/// Values of a file that are no VEX.
#[derive(Default)]
struct Strangers {
    /// The number of the first, and what is wrong with it.
    first: Option<(usize, VexError)>,
    count: usize,
}

impl Strangers {
    fn note(&mut self, number: usize, error: VexError) {
        self.first.get_or_insert((number, error));
        self.count += 1;
    }

    /// What is to be told beside documents that can be used.
    fn problem(self) -> Option<Problem> {
        let (number, error) = self.first?;
        Some(Problem { place: format!("value {number} of the file"), reason: error.to_string(), count: self.count })
    }
}

enum Kind {
    OpenVex,
    Csaf,
    CycloneDx,
}

fn kind(marks: &Marks<'_>) -> Option<Kind> {
    if marks.context.is_some_and(|context| context.get().contains("openvex")) {
        Some(Kind::OpenVex)
    } else if marks.bom_format.is_some() {
        Some(Kind::CycloneDx)
    } else if marks.document.is_some_and(|header| header.get().contains("csaf_version")) {
        Some(Kind::Csaf)
    } else if marks.statements.is_some() {
        // Written by hand, without its context.
        Some(Kind::OpenVex)
    } else {
        marks.vulnerabilities.map(|_| Kind::CycloneDx)
    }
}

/// What a document says of itself.
#[derive(Default)]
struct Header {
    id: Option<String>,
    version: Option<String>,
    author: Option<String>,
    timestamp: Option<Timestamp>,
}

fn malformed(error: &serde_json::Error) -> VexError {
    let (line, column) = (error.line(), error.column());
    VexError::Malformed { line, column, reason: without_place(error) }
}

/// The text of an error of a part, whose line and column would mislead.
fn without_place(error: &serde_json::Error) -> String {
    let (message, line, column) = (error.to_string(), error.line(), error.column());
    message.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&message).to_owned()
}

/// At most 80 characters of outside text, for use in a message.
fn excerpt(text: &str) -> String {
    let mut short: String = text.chars().take(80).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
