//! The findings as a table, one row each.
//!
//! The table is laid out without colours and coloured afterwards: widths are then counted on
//! plain text, and only the program's own severity words are ever coloured.

use comfy_table::{ColumnConstraint, ContentArrangement, Table, TableStyle};
use comfy_table::{ContentLineStyle, LineStyle};
use domain::advisory::Status;
use domain::finding::{Confidence, Finding};
use domain::severity::Severity;
use domain::vex::{VexEffect, VexSource};

use super::Style;
use super::escape::{shortened, visible};

const COLUMNS: [&str; 7] = ["PACKAGE", "INSTALLED", "VULNERABILITY", "SEVERITY", "FIXED IN", "STATUS", "EXPLOIT"];
const SUPPRESSED_COLUMNS: [&str; 7] =
    ["PACKAGE", "INSTALLED", "VULNERABILITY", "SEVERITY", "VEX STATUS", "WHY", "SAID BY"];
const TITLE: &str = "TITLE";
const VULNERABILITY_COLUMN: usize = 2;
const SEVERITY_COLUMN: usize = 3;
/// Real ids are shorter, and stay in one piece so that they can be copied.
const VULNERABILITY_CELLS_MAX: usize = 26;
const SEPARATOR: char = '│';
/// What a title takes beside its text: the separator and a space at each side.
const TITLE_FRAME_CELLS: usize = 3;
/// A title shorter than this says nothing.
const TITLE_CELLS_MIN: usize = 16;
/// Longer names and versions are cut: nobody reads them, and somebody made them up.
const CELL_CELLS_MAX: usize = 100;

/// The table, and whether there was no room for the titles.
pub(crate) struct Rendered {
    pub(crate) text: String,
    pub(crate) without_titles: bool,
}

/// Renders at least one finding.
pub(crate) fn render(findings: &[Finding], style: &Style) -> Rendered {
    let rows: Vec<_> = findings.iter().map(cells).collect();
    let bare = table(&rows, COLUMNS.iter().copied(), style).to_string();
    let titles = findings.iter().any(|finding| finding.title.is_some());
    let room = title_room(&bare, style);
    let fits = room.is_none_or(|cells| cells >= TITLE_CELLS_MIN);
    if !titles || !fits {
        return Rendered { text: painted(&bare, style), without_titles: titles };
    }
    let with_titles: Vec<Vec<_>> = rows
        .into_iter()
        .zip(findings)
        .map(|(row, finding)| {
            let title = finding.title.as_deref().unwrap_or_default();
            row.into_iter().chain([cell(title, room.unwrap_or(usize::MAX))]).collect()
        })
        .collect();
    let text = table(&with_titles, COLUMNS.iter().copied().chain([TITLE]), style).to_string();
    Rendered { text: painted(&text, style), without_titles: false }
}

/// Renders the findings that VEX clears: who says so, and why.
pub(crate) fn render_suppressed(findings: &[Finding], style: &Style) -> String {
    let rows: Vec<_> = findings.iter().map(suppressed_cells).collect();
    painted(&table(&rows, SUPPRESSED_COLUMNS.iter().copied(), style).to_string(), style)
}

fn suppressed_cells(finding: &Finding) -> Vec<String> {
    let decision = finding.vex.as_deref();
    let why = decision.map(|decision| match (decision.justification, &decision.impact) {
        (Some(justification), _) => justification.to_string(),
        (None, Some(impact)) => impact.clone(),
        (None, None) => "-".to_owned(),
    });
    let document = decision.map(|decision| match decision.document.source {
        VexSource::Kit => format!("the kit: {}", decision.document.author.as_deref().unwrap_or("not named")),
        VexSource::Distribution => format!("advisory {}", decision.document.name),
        VexSource::File | VexSource::Sbom => format!("{} {}", decision.document.name, decision.place),
    });
    vec![
        cell(&finding.package, CELL_CELLS_MAX),
        cell(&finding.version, CELL_CELLS_MAX),
        cell(&finding.vulnerability, CELL_CELLS_MAX),
        label(finding.severity),
        decision.map(|decision| decision.status.to_string()).unwrap_or_default(),
        cell(&why.unwrap_or_default(), CELL_CELLS_MAX),
        cell(&document.unwrap_or_default(), CELL_CELLS_MAX),
    ]
}

fn cells(finding: &Finding) -> Vec<String> {
    vec![
        cell(&finding.package, CELL_CELLS_MAX),
        cell(&finding.version, CELL_CELLS_MAX),
        cell(&finding.vulnerability, CELL_CELLS_MAX),
        label(finding.severity),
        cell(&fixed_in(&finding.fixed_versions), CELL_CELLS_MAX),
        [Some(status(finding)), vex(finding)].into_iter().flatten().collect::<Vec<_>>().join(", "),
        exploitation(finding),
    ]
}

// The separator is the one printable character that has a meaning here.
fn cell(text: &str, cells_max: usize) -> String {
    shortened(text, cells_max).replace(SEPARATOR, "|")
}

fn label(severity: Severity) -> String {
    severity.as_str().to_uppercase()
}

fn fixed_in(versions: &[String]) -> String {
    match versions {
        [] => "-".to_owned(),
        [only] => only.clone(),
        [first, more @ ..] => format!("{first} +{}", more.len()),
    }
}

fn status(finding: &Finding) -> String {
    let disputed = finding.confidence == Confidence::Disputed;
    let status = match finding.status {
        Status::Affected if disputed => return "disputed".to_owned(),
        Status::Affected => "affected",
        Status::NotAffected => "not affected",
        Status::UnderInvestigation => "investigating",
        Status::FixDeferred => "fix deferred",
        Status::WillNotFix => "will not fix",
        Status::EndOfLife => "end of life",
    };
    if disputed { format!("{status}, disputed") } else { status.to_owned() }
}

/// What VEX says of a finding that counts.
fn vex(finding: &Finding) -> Option<String> {
    let decision = finding.vex.as_ref()?;
    Some(match decision.effect {
        VexEffect::Contradicted => "VEX contradictory".to_owned(),
        VexEffect::Annotated | VexEffect::Suppressed => format!("VEX: {}", decision.status),
    })
}

fn exploitation(finding: &Finding) -> String {
    let known = finding.known_exploited.map(|_| "KEV".to_owned());
    let likely = finding.epss_probability.map(|probability| format!("EPSS {:.1}%", probability * 100.0));
    known.into_iter().chain(likely).collect::<Vec<_>>().join(" ")
}

fn table<'a>(rows: &[Vec<String>], columns: impl Iterator<Item = &'a str>, style: &Style) -> Table {
    const LINES: TableStyle = TableStyle::new()
        .header_lines(ContentLineStyle::none().junction(SEPARATOR))
        .header_separator(LineStyle::none().fill('─').junction('┼'))
        .content_lines(ContentLineStyle::none().junction(SEPARATOR));
    let mut table = Table::new();
    table.load_style(LINES).set_content_arrangement(ContentArrangement::Dynamic);
    if let Some(width) = style.width {
        table.set_width(width);
    }
    table.set_header(columns.collect::<Vec<_>>());
    table.add_rows(rows.iter().cloned());
    // A severity that is broken over two lines could not be recognised.
    keep_whole(&mut table, SEVERITY_COLUMN);
    let ids = rows.iter().filter_map(|row| row.get(VULNERABILITY_COLUMN));
    if ids.map(|id| id.chars().count()).max() <= Some(VULNERABILITY_CELLS_MAX) {
        keep_whole(&mut table, VULNERABILITY_COLUMN);
    }
    table
}

fn keep_whole(table: &mut Table, column: usize) {
    if let Some(column) = table.column_mut(column) {
        column.set_constraint(ColumnConstraint::ContentWidth);
    }
}

/// How many cells of the terminal the bare table leaves for titles; `None` is "any number".
fn title_room(bare: &str, style: &Style) -> Option<usize> {
    let width = usize::from(style.width?);
    let used = bare.lines().map(|line| line.chars().count()).max().unwrap_or(0);
    Some(width.saturating_sub(used + TITLE_FRAME_CELLS))
}

fn painted(table: &str, style: &Style) -> String {
    table.lines().map(|line| painted_line(line, style) + "\n").collect()
}

fn painted_line(line: &str, style: &Style) -> String {
    let line = line.trim_end();
    let mut cells: Vec<_> = line.split(SEPARATOR).map(str::to_owned).collect();
    if style.colour
        && let Some(cell) = cells.get_mut(SEVERITY_COLUMN)
        && let Some(severity) = Severity::ALL.into_iter().find(|severity| label(*severity) == cell.trim())
    {
        let word = label(severity);
        *cell = cell.replace(&word, &paint(&word, colour(severity)));
    }
    cells.join(&SEPARATOR.to_string())
}

/// `text` between the escape sequences for `code`.
pub(crate) fn paint(text: &str, code: &str) -> String {
    format!("\u{1b}[{code}m{}\u{1b}[0m", visible(text))
}

/// The colours that Trivy and Grype have taught people to read.
pub(crate) const fn colour(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "1;31",
        Severity::High => "31",
        Severity::Medium => "33",
        Severity::Low => "36",
        Severity::Negligible => "2",
        Severity::Unknown => "35",
    }
}
