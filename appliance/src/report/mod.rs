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
mod vex;

/// For what other modules show of a document beside a report.
pub(crate) use escape::{visible as escape, write_json};
pub(crate) use impact::{json as impact_json, table as impact_table};
pub(crate) use vex::Author;

use std::io::{self, Write};
use std::str::FromStr;

use domain::component::Inventory;
use domain::finding::{Evaluation, Finding};
use policy::Verdict;
use policy::vex::DocumentUse;

/// Everything that is known about one scan.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) scan_id: String,
    /// The file name, or what the document says that it describes.
    pub(crate) artifact: String,
    pub(crate) inventory: Inventory,
    pub(crate) evaluation: Evaluation,
    pub(crate) verdict: Verdict,
    /// The VEX documents that were held against it.
    pub(crate) vex: Vec<DocumentUse>,
    /// Who signs for VEX that is written.
    pub(crate) author: Author,
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
        Self { scan_id, artifact, inventory, evaluation, verdict, vex: Vec::new(), author: Author::default() }
    }

    /// Findings that count and those that VEX clears, for formats that tell both in one list.
    pub(crate) fn all_findings(&self) -> impl Iterator<Item = &Finding> {
        self.evaluation.findings.iter().chain(&self.evaluation.suppressed)
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
    /// OpenVEX 0.2.0: the findings as statements.
    OpenVex,
    /// CSAF 2.0, profile VEX.
    CsafVex,
    /// CycloneDX with `vulnerabilities` and their analysis alone, linked to the SBOM.
    CycloneDxVex,
}

impl Format {
    pub(crate) const ALL: [Self; 7] =
        [Self::Table, Self::Json, Self::Sarif, Self::CycloneDx, Self::OpenVex, Self::CsafVex, Self::CycloneDxVex];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Sarif => "sarif",
            Self::CycloneDx => "cyclonedx",
            Self::OpenVex => "openvex",
            Self::CsafVex => "csaf-vex",
            Self::CycloneDxVex => "cyclonedx-vex",
        }
    }
}

/// No format has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a report format: use table, json, sarif, cyclonedx, openvex, csaf-vex or cyclonedx-vex")]
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
    /// List the findings that VEX clears, too.
    pub(crate) suppressed: bool,
}

/// Writes `report` to `out`.
pub(crate) fn render(report: &Report, format: Format, style: &Style, out: &mut impl Write) -> io::Result<()> {
    match format {
        Format::Table => table::write(report, style, out),
        Format::Json => escape::write_json(&json::Document::new(report), out),
        Format::Sarif => escape::write_json(&sarif::log(report), out),
        Format::CycloneDx => cyclonedx::write(report, cyclonedx::Kind::Inventory, out),
        Format::CycloneDxVex => cyclonedx::write(report, cyclonedx::Kind::Vex, out),
        Format::OpenVex => escape::write_json(&vex::openvex(report), out),
        Format::CsafVex => escape::write_json(&vex::csaf(report), out),
    }
}

/// The version alone of an engine that is called `stella 1.2.3`, for formats with a field for the name.
fn tool_version(engine: &str) -> &str {
    engine.strip_prefix("stella ").unwrap_or(engine)
}
