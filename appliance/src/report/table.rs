//! The report for people: what was scanned, what was found, what could not be judged, how old
//! the data is, and the verdict as the last line, where the eye is when the program ends.

use std::io::{self, Write};

use domain::finding::{Confidence, Coverage, Finding, UnevaluatedGroup};
use domain::severity::Severity;
use domain::vex::{VexEffect, VexSource};
use policy::vex::DocumentUse;
use policy::{DataAge, Outcome, SourceAge, Verdict};

use super::escape::{shortened, visible};
use super::findings::{self, colour, paint};
use super::{Report, Style};

/// Component names shown for a reason; the rest is counted.
const EXAMPLES_MAX: usize = 3;
const WARNINGS_MAX: usize = 10;
/// Any one text from a document takes at most this many cells of a line.
const TEXT_CELLS_MAX: usize = 200;
/// Enough digits of a digest to compare by eye.
const DIGEST_DIGITS: usize = 12;

pub(crate) fn write(report: &Report, style: &Style, out: &mut impl Write) -> io::Result<()> {
    header(report, out)?;
    writeln!(out)?;
    if !report.evaluation.findings.is_empty() {
        let rendered = findings::render(&report.evaluation.findings, style);
        out.write_all(rendered.text.as_bytes())?;
        if rendered.without_titles {
            writeln!(out, "(no room for titles at this width)")?;
        }
        writeln!(out)?;
    }
    if style.suppressed {
        suppressed(report, style, out)?;
    }
    summary(report, style, out)?;
    owned(report, style, out)?;
    vex(report, style, out)?;
    coverage(&report.evaluation.coverage, out)?;
    data(&report.verdict, out)?;
    writeln!(out)?;
    verdict(&report.verdict, style, out)
}

fn header(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let inventory = &report.inventory;
    writeln!(out, "{}", shortened(&report.artifact, TEXT_CELLS_MAX))?;
    let tools = match inventory.tools.as_slice() {
        [] => "tool not stated".to_owned(),
        tools => format!("by {}", shortened(&tools.join(", "), TEXT_CELLS_MAX)),
    };
    writeln!(out, "  format      {} {}, {tools}", visible(&inventory.format), visible(&inventory.spec_version))?;
    if let Some(subject) = inventory.subject.as_deref().filter(|subject| *subject != report.artifact) {
        writeln!(out, "  subject     {}", shortened(subject, TEXT_CELLS_MAX))?;
    }
    if let Some(system) = &inventory.distribution {
        let version = system.version.as_deref().unwrap_or("release not stated");
        writeln!(out, "  system      {} {}", visible(&system.id), visible(version))?;
    }
    writeln!(out, "  components  {}", inventory.components.len())?;
    writeln!(out, "  scan        {}", visible(&report.scan_id))?;
    for warning in inventory.warnings.iter().take(WARNINGS_MAX) {
        writeln!(out, "  warning     {}", shortened(warning, TEXT_CELLS_MAX))?;
    }
    match inventory.warnings.len().checked_sub(WARNINGS_MAX) {
        None | Some(0) => Ok(()),
        Some(more) => writeln!(out, "  warning     and {more} more"),
    }
}

fn summary(report: &Report, style: &Style, out: &mut impl Write) -> io::Result<()> {
    let found = &report.evaluation.findings;
    let levels = Severity::ALL.iter().rev().map(|level| {
        let count = found.iter().filter(|finding| finding.severity == *level).count();
        let text = format!("{count} {level}");
        if style.colour && count > 0 { paint(&text, colour(*level)) } else { text }
    });
    writeln!(out, "Findings: {} ({})", found.len(), levels.collect::<Vec<_>>().join(", "))?;
    if found.is_empty() {
        return Ok(());
    }
    let fixable = found.iter().filter(|finding| !finding.fixed_versions.is_empty()).count();
    let exploited = found.iter().filter(|finding| finding.known_exploited.is_some()).count();
    let disputed = found.iter().filter(|finding| finding.confidence == Confidence::Disputed).count();
    writeln!(out, "  {fixable} with a fix, {exploited} known to be exploited, {disputed} disputed between sources")
}

/// What does not count, by who clears it.
fn suppressed(report: &Report, style: &Style, out: &mut impl Write) -> io::Result<()> {
    let (owned, by_vex): (Vec<_>, Vec<_>) = report.evaluation.suppressed.iter().cloned().partition(is_owned);
    for (title, findings) in [("Suppressed by VEX:", by_vex), ("Cleared by the distribution that owns them:", owned)] {
        if !findings.is_empty() {
            writeln!(out, "{title}")?;
            out.write_all(findings::render_suppressed(&findings, style).as_bytes())?;
            writeln!(out)?;
        }
    }
    Ok(())
}

fn is_owned(finding: &Finding) -> bool {
    finding.vex.as_ref().is_some_and(|decision| decision.document.source == VexSource::Distribution)
}

/// What is left to packages of the distribution.
fn owned(report: &Report, style: &Style, out: &mut impl Write) -> io::Result<()> {
    let left = report.evaluation.suppressed.iter().filter(|finding| is_owned(finding)).count() as u64;
    let hint = if style.suppressed { "" } else { " (--show-suppressed lists them)" };
    match left {
        0 => Ok(()),
        left => writeln!(out, "Owned: {} cleared by advisories of the distribution{hint}", counted(left, "finding")),
    }
}

/// What VEX has done, also when it has done nothing: a document that concerns nothing is a surprise to tell.
fn vex(report: &Report, style: &Style, out: &mut impl Write) -> io::Result<()> {
    if report.vex.is_empty() {
        return Ok(());
    }
    let sum = |of: fn(&DocumentUse) -> usize| report.vex.iter().map(of).sum::<usize>();
    let findings = |effect: VexEffect| {
        let has = |finding: &&Finding| finding.vex.as_ref().is_some_and(|decision| decision.effect == effect);
        report.all_findings().filter(|finding| !is_owned(finding)).filter(has).count()
    };
    let hint = if style.suppressed { "" } else { " (--show-suppressed lists them)" };
    writeln!(
        out,
        "VEX: {} suppressed{hint}, {} annotated, {} contradicted",
        counted(findings(VexEffect::Suppressed) as u64, "finding"),
        findings(VexEffect::Annotated),
        findings(VexEffect::Contradicted)
    )?;
    let statements = counted(sum(|used| used.statements) as u64, "statement");
    let documents = counted(report.vex.len() as u64, "document");
    let (idle, bad) = (sum(|used| used.without_effect), sum(|used| used.unusable));
    writeln!(
        out,
        "  {statements} in {documents}, {idle} concern no finding; {} that cannot be used",
        counted(bad as u64, "part")
    )?;
    let unmatched = report.vex.iter().flat_map(|used| used.unmatched.iter().map(|text| (&used.about.name, text)));
    unmatched.take(EXAMPLES_MAX).try_for_each(|(name, text)| {
        writeln!(out, "  not applied: {} {}", visible(name), shortened(text, TEXT_CELLS_MAX))
    })
}

fn coverage(coverage: &Coverage, out: &mut impl Write) -> io::Result<()> {
    let Coverage { components, evaluated, not_applicable, unevaluated } = coverage;
    writeln!(
        out,
        "Coverage: {evaluated} of {} evaluated, {not_applicable} without anything to match",
        counted(*components, "component")
    )?;
    unevaluated.iter().try_for_each(|group| {
        writeln!(
            out,
            "  {} not evaluated: {} ({})",
            counted(group.count, "component"),
            shortened(&group.message, TEXT_CELLS_MAX),
            examples(group)
        )
    })
}

fn examples(group: &UnevaluatedGroup) -> String {
    let shown = group.components.iter().take(EXAMPLES_MAX);
    let mut examples: Vec<_> = shown.map(|name| shortened(name, TEXT_CELLS_MAX)).collect();
    let more = group.count.saturating_sub(examples.len() as u64);
    if more > 0 {
        examples.push(format!("{more} more"));
    }
    examples.join(", ")
}

fn data(verdict: &Verdict, out: &mut impl Write) -> io::Result<()> {
    let data = &verdict.generation;
    writeln!(
        out,
        "Data: generation {}, kit {}, content root {}",
        data.number,
        short(&data.kit.to_string()),
        short(&data.content_root.to_string())
    )?;
    if verdict.sources.is_empty() {
        writeln!(out, "  no source is named")?;
    }
    let name_width = verdict.sources.iter().map(|source| source.source.as_str().chars().count()).max().unwrap_or(0);
    for source in &verdict.sources {
        let name = visible(source.source.as_str());
        writeln!(out, "  {name:<name_width$}  {}", age(source))?;
    }
    let (engine, policy) = (visible(&verdict.engine), verdict.policy.to_string());
    writeln!(out, "  judged {} by {engine} under policy {}", verdict.evaluated_at, short(&policy))
}

fn age(source: &SourceAge) -> String {
    match (source.age, source.as_of) {
        (DataAge::Unknown, _) => "age unknown".to_owned(),
        (DataAge::Days(days), None) => format!("{} old", counted(days.unsigned_abs(), "day")),
        (DataAge::Days(days), Some(at)) => format!("{} old ({})", counted(days.unsigned_abs(), "day"), at.date()),
    }
}

fn verdict(verdict: &Verdict, style: &Style, out: &mut impl Write) -> io::Result<()> {
    let (word, code) = match verdict.outcome {
        Outcome::Pass => ("PASS", "1;32"),
        Outcome::Fail => ("FAIL", "1;31"),
        Outcome::Indeterminate => ("INDETERMINATE", "1;33"),
    };
    let word = if style.colour { paint(word, code) } else { word.to_owned() };
    let reasons: Vec<_> = verdict.reasons.iter().map(|reason| shortened(reason, TEXT_CELLS_MAX)).collect();
    match reasons.as_slice() {
        [] => writeln!(out, "Verdict: {word}"),
        reasons => writeln!(out, "Verdict: {word}: {}", reasons.join("; ")),
    }
}

fn short(digest: &str) -> &str {
    digest.get(..DIGEST_DIGITS).unwrap_or(digest)
}

fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}
