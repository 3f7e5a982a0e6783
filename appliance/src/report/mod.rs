//! Reports: one scan, told to a person, to a program, to a code-scanning service or as an SBOM.
//!
//! The invariant: every format carries the verdict, the coverage and the age of the data,
//! also when there is nothing to find. A report that shows only findings would make "could
//! not look" and "nothing there" the same empty page.
//!
//! Rendering is a pure function of the [`Report`]: the same report gives the same bytes, so
//! that a stored scan can be shown again in any format and compared.

mod cyclonedx;
mod escape;
mod findings;
mod impact;
mod json;
mod sarif;
mod table;
#[cfg(test)]
mod tests;

/// For what other modules show of a document beside a report.
pub(crate) use escape::{visible as escape, write_json};
pub(crate) use impact::{json as impact_json, table as impact_table};

use std::io::{self, Write};
use std::str::FromStr;

use domain::component::Inventory;
use domain::finding::Evaluation;
use policy::Verdict;

/// Everything that is known about one scan.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) scan_id: String,
    /// The file name, or what the document says that it describes.
    pub(crate) artifact: String,
    pub(crate) inventory: Inventory,
    pub(crate) evaluation: Evaluation,
    pub(crate) verdict: Verdict,
}

impl Report {
    /// `artifact` is what the caller calls the document; `-` lets the document speak for itself.
    pub(crate) fn new(
        scan_id: String,
        artifact: &str,
        inventory: Inventory,
        evaluation: Evaluation,
        verdict: Verdict,
    ) -> Self {
        let artifact = match &inventory.subject {
            Some(subject) if artifact == "-" => subject.clone(),
            _ => artifact.to_owned(),
        };
        Self { scan_id, artifact, inventory, evaluation, verdict }
    }
}

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people at a terminal. Its layout is no interface and may change.
    Table,
    /// `stella.report/v1`, described in `docs/report-json.md`: also the answer of the HTTP API.
    Json,
    /// SARIF 2.1.0, for code-scanning services.
    Sarif,
    /// CycloneDX with `vulnerabilities`, for other SBOM tools.
    CycloneDx,
}

impl Format {
    pub(crate) const ALL: [Self; 4] = [Self::Table, Self::Json, Self::Sarif, Self::CycloneDx];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Sarif => "sarif",
            Self::CycloneDx => "cyclonedx",
        }
    }
}

/// No format has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a report format: use table, json, sarif or cyclonedx")]
pub(crate) struct UnknownFormat(String);

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        // Grype's users write `cyclonedx-json`.
        let name = if text == "cyclonedx-json" { "cyclonedx" } else { text };
        let unknown = || UnknownFormat(text.chars().take(64).collect());
        Self::ALL.into_iter().find(|format| format.name() == name).ok_or_else(unknown)
    }
}

/// How the table may look where it is shown. The other formats do not depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Style {
    /// ANSI colours: only when the reader is a terminal that wants them.
    pub(crate) colour: bool,
    /// Columns of the terminal. `None`: lines may be as long as they are.
    pub(crate) width: Option<u16>,
}

/// Writes `report` to `out`.
pub(crate) fn render(report: &Report, format: Format, style: &Style, out: &mut impl Write) -> io::Result<()> {
    match format {
        Format::Table => table::write(report, style, out),
        Format::Json => escape::write_json(&json::Document::new(report), out),
        Format::Sarif => escape::write_json(&sarif::log(report), out),
        Format::CycloneDx => cyclonedx::write(report, out),
    }
}

/// The version alone of an engine that is called `stella 1.2.3`, for formats with a field for the name.
fn tool_version(engine: &str) -> &str {
    engine.strip_prefix("stella ").unwrap_or(engine)
}
