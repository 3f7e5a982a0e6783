//! The impact preview: for people on a terminal of 100 columns, and as `stella.impact/v1`.
//!
//! The table begins with what decides (reasons to hold, verdicts that flip) and names
//! the worst of everything; the JSON holds the rest.

use std::collections::BTreeMap;
use std::io::{self, Write};

use domain::severity::Severity;
use importer::impact::{
    AdvisoryImpact, Change, ChangeKind, DocumentImpact, Flip, GenerationFacts, Impact, Totals, VerdictCounts,
};

use super::Style;
use super::escape::{shortened, visible, write_json};
use super::findings::{colour, paint};

const ADVISORIES_SHOWN: usize = 10;
const DOCUMENTS_SHOWN: usize = 10;
const CHANGES_SHOWN: usize = 5;
const UNREADABLE_SHOWN: usize = 5;
/// With these a line keeps to 100 columns.
const NAME_CELLS_MAX: usize = 46;
const PACKAGE_CELLS_MAX: usize = 40;
const ID_CELLS_MAX: usize = 24;
const DETAIL_CELLS_MAX: usize = 60;
const KINDS_SHOWN: usize = 3;
const DIGEST_DIGITS: usize = 12;

pub(crate) fn json(impact: &Impact, out: &mut impl Write) -> io::Result<()> {
    write_json(impact, out)
}

pub(crate) fn table(impact: &Impact, style: &Style, out: &mut impl Write) -> io::Result<()> {
    let (from, to) = (&impact.from, &impact.to);
    writeln!(out, "Generation {} against generation {}", described(to), described(from))?;
    writeln!(out)?;
    concerns(impact, style, out)?;
    data(impact, out)?;
    sboms(impact, out)?;
    writeln!(out)?;
    findings(&impact.totals, style, out)?;
    advisories(impact, style, out)?;
    documents(impact, style, out)?;
    conclusion(impact, style, out)
}

fn described(facts: &GenerationFacts) -> String {
    format!("{} (kit {}, signed {})", facts.generation, facts.kit_version, facts.signed_at.date())
}

fn concerns(impact: &Impact, style: &Style, out: &mut impl Write) -> io::Result<()> {
    if impact.concerns.is_empty() {
        return Ok(());
    }
    writeln!(out, "{}: the new data has much less of what the old data had:", marked("HOLD", "1;31", style))?;
    for concern in &impact.concerns {
        writeln!(out, "  {}", visible(&concern.to_string()))?;
    }
    writeln!(out)
}

fn data(impact: &Impact, out: &mut impl Write) -> io::Result<()> {
    for (name, counts) in [("advisories", impact.data.advisories), ("packages", impact.data.packages)] {
        let (before, after, added, removed) = (counts.before, counts.after, counts.added, counts.removed);
        writeln!(
            out,
            "Data     {name:<10} {before:>8} -> {after:<8} {added} new, {removed} gone, {} changed",
            counts.changed
        )?;
    }
    for change in &impact.data.ecosystems {
        writeln!(out, "         {}: {} -> {}", visible(&change.ecosystem), change.before, change.after)?;
    }
    Ok(())
}

fn sboms(impact: &Impact, out: &mut impl Write) -> io::Result<()> {
    let counts = &impact.sboms;
    writeln!(
        out,
        "SBOMs    {} stored, {} ask about a changed package, {} change",
        counts.stored, counts.touched, counts.changed
    )?;
    if counts.stored == 0 {
        writeln!(out, "         none is stored, so nothing is foretold: `stella sbom add FILE`")?;
    }
    let VerdictCounts { worse, better, .. } = counts.verdicts;
    writeln!(out, "Verdicts {worse} get worse, {better} get better{}", flips(&counts.verdicts))?;
    for unreadable in impact.unreadable.iter().take(UNREADABLE_SHOWN) {
        let digest = unreadable.sbom.to_string();
        let reason = shortened(&unreadable.reason, DETAIL_CELLS_MAX);
        writeln!(out, "  not looked at  {}  {reason}", short(&digest))?;
    }
    match impact.unreadable.len().checked_sub(UNREADABLE_SHOWN) {
        None | Some(0) => Ok(()),
        Some(more) => writeln!(out, "  not looked at  {more} more"),
    }
}

fn flips(counts: &VerdictCounts) -> String {
    let all = [
        (counts.pass_fail, "pass -> fail"),
        (counts.pass_indeterminate, "pass -> indeterminate"),
        (counts.indeterminate_fail, "indeterminate -> fail"),
        (counts.fail_indeterminate, "fail -> indeterminate"),
        (counts.indeterminate_pass, "indeterminate -> pass"),
        (counts.fail_pass, "fail -> pass"),
    ];
    let some: Vec<_> =
        all.iter().filter(|(count, _)| *count > 0).map(|(count, name)| format!("\n         {count} {name}")).collect();
    some.concat()
}

fn findings(totals: &Totals, style: &Style, out: &mut impl Write) -> io::Result<()> {
    let levels = || Severity::ALL.into_iter().rev();
    let header: String = levels().map(|level| format!(" {level:>10}")).collect();
    writeln!(out, "Findings that …     all{header}")?;
    for (name, kind, by_level) in [
        ("appear", ChangeKind::Appeared, &totals.appeared),
        ("vanish", ChangeKind::Vanished, &totals.vanished),
        ("are not judged", ChangeKind::Unjudged, &totals.unjudged),
    ] {
        let cells: String = levels()
            .map(|level| {
                let count = by_level.get(&level).copied().unwrap_or_default();
                let cell = format!(" {count:>10}");
                if count > 0 { marked(&cell, colour(level), style) } else { cell }
            })
            .collect();
        writeln!(out, "  {name:<14} {:>7}{cells}", count(&totals.by_kind, kind))?;
    }
    if count(&totals.by_kind, ChangeKind::Unjudged) > 0 {
        writeln!(out, "  (not judged: their components cannot be evaluated any more; nobody says they are fixed)")?;
    }
    let of = |kind| count(&totals.by_kind, kind);
    writeln!(
        out,
        "  severity raised: {}, lowered: {}; newly known to be exploited: {}; EPSS up by 10 points: {}",
        of(ChangeKind::SeverityRaised),
        of(ChangeKind::SeverityLowered),
        of(ChangeKind::KnownExploited),
        of(ChangeKind::ExploitationLikelier),
    )?;
    writeln!(
        out,
        "  first fix known: {}; under another name: {}; components no longer evaluated: {}, evaluated now: {}",
        of(ChangeKind::FixKnown),
        of(ChangeKind::Renamed),
        of(ChangeKind::NoLongerEvaluated),
        of(ChangeKind::EvaluatedNow),
    )
}

fn advisories(impact: &Impact, style: &Style, out: &mut impl Write) -> io::Result<()> {
    if impact.advisories.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nVulnerabilities, worst first")?;
    for advisory in impact.advisories.iter().take(ADVISORIES_SHOWN) {
        let AdvisoryImpact { vulnerability, severity, known_exploited, sboms, by_kind } = advisory;
        let exploited = if *known_exploited { "KEV" } else { "" };
        writeln!(
            out,
            "  {:<ID_CELLS_MAX$} {} {exploited:<3} {sboms:>6} {}  {}",
            shortened(vulnerability, ID_CELLS_MAX),
            level(*severity, style),
            if *sboms == 1 { "SBOM " } else { "SBOMs" },
            kinds(by_kind)
        )?;
    }
    let more = impact.advisories.len().saturating_sub(ADVISORIES_SHOWN) as u64 + impact.advisories_omitted;
    if more > 0 { writeln!(out, "  and {more} more") } else { Ok(()) }
}

fn documents(impact: &Impact, style: &Style, out: &mut impl Write) -> io::Result<()> {
    if impact.documents.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nSBOMs, worst first")?;
    for document in impact.documents.iter().take(DOCUMENTS_SHOWN) {
        self::document(document, style, out)?;
    }
    let more = impact.documents.len().saturating_sub(DOCUMENTS_SHOWN) as u64 + impact.documents_omitted;
    if more > 0 { writeln!(out, "  and {more} more") } else { Ok(()) }
}

fn document(document: &DocumentImpact, style: &Style, out: &mut impl Write) -> io::Result<()> {
    let DocumentImpact { sbom, name, verdict, by_kind, changes, changes_omitted } = document;
    let digest = sbom.to_string();
    let verdict = verdict.map(|flip| format!("  {}", flipped(flip, style))).unwrap_or_default();
    let name = shortened(name, NAME_CELLS_MAX);
    writeln!(out, "  {}  {name}{verdict}", short(&digest))?;
    for change in changes.iter().take(CHANGES_SHOWN) {
        writeln!(out, "    {}", self::change(change, style))?;
    }
    let more = changes.len().saturating_sub(CHANGES_SHOWN) as u64 + changes_omitted;
    if more > 0 { writeln!(out, "    and {more} more; in all {}", kinds(by_kind)) } else { Ok(()) }
}

/// A sign, the level, the vulnerability and the component that it is found in.
fn change(change: &Change, style: &Style) -> String {
    let Change { kind, package, version, vulnerability, severity_before, severity_after, .. } = change;
    let package = match version {
        Some(version) => shortened(&format!("{package} {version}"), PACKAGE_CELLS_MAX),
        None => shortened(package, PACKAGE_CELLS_MAX),
    };
    let Some(vulnerability) = vulnerability else {
        let detail = change.detail.as_deref().map(|detail| format!(": {}", shortened(detail, DETAIL_CELLS_MAX)));
        return format!("{} {package} {}{}", sign(*kind), word(*kind), detail.unwrap_or_default());
    };
    let what = match (kind, severity_before, severity_after) {
        (ChangeKind::Appeared, ..) => String::new(),
        (ChangeKind::SeverityRaised | ChangeKind::SeverityLowered, Some(before), _) => format!("  was {before}"),
        (ChangeKind::Renamed, ..) => {
            format!("  was {}", shortened(change.detail.as_deref().unwrap_or_default(), ID_CELLS_MAX))
        }
        (kind, ..) => format!("  {}", word(*kind)),
    };
    let shown = severity_after.or(*severity_before).unwrap_or_default();
    let exploited = if change.known_exploited { " KEV" } else { "" };
    let id = shortened(vulnerability, ID_CELLS_MAX);
    format!("{} {} {id}{exploited} in {package}{what}", sign(*kind), level(shown, style))
}

const fn sign(kind: ChangeKind) -> char {
    match kind {
        ChangeKind::Appeared => '+',
        ChangeKind::Vanished => '-',
        ChangeKind::Unjudged | ChangeKind::NoLongerEvaluated => '?',
        ChangeKind::KnownExploited | ChangeKind::SeverityRaised | ChangeKind::ExploitationLikelier => '!',
        ChangeKind::SeverityLowered | ChangeKind::FixKnown | ChangeKind::EvaluatedNow | ChangeKind::Renamed => '~',
    }
}

const fn word(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Appeared => "appear",
        ChangeKind::KnownExploited => "now known to be exploited",
        ChangeKind::SeverityRaised => "raised",
        ChangeKind::Unjudged => "not judged",
        ChangeKind::NoLongerEvaluated => "no longer evaluated",
        ChangeKind::ExploitationLikelier => "exploitation likelier",
        ChangeKind::SeverityLowered => "lowered",
        ChangeKind::FixKnown => "first fix",
        ChangeKind::Vanished => "vanish",
        ChangeKind::EvaluatedNow => "evaluated now",
        ChangeKind::Renamed => "renamed",
    }
}

fn kinds(by_kind: &BTreeMap<ChangeKind, u64>) -> String {
    // The worst kinds come first; what is left out is in the JSON.
    let some: Vec<_> = by_kind.iter().map(|(kind, count)| format!("{count} {}", word(*kind))).collect();
    let more = if some.len() > KINDS_SHOWN { ", …" } else { "" };
    some.iter().take(KINDS_SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ") + more
}

fn count(by_kind: &BTreeMap<ChangeKind, u64>, kind: ChangeKind) -> u64 {
    by_kind.get(&kind).copied().unwrap_or_default()
}

fn level(severity: Severity, style: &Style) -> String {
    marked(&format!("{severity:<10}"), colour(severity), style)
}

fn flipped(flip: Flip, style: &Style) -> String {
    let text = format!("{} -> {}", flip.before.as_str(), flip.after.as_str());
    marked(&text, if flip.is_worse() { "1;31" } else { "1;32" }, style)
}

fn marked(text: &str, code: &str, style: &Style) -> String {
    if style.colour { paint(text, code) } else { text.to_owned() }
}

fn conclusion(impact: &Impact, style: &Style, out: &mut impl Write) -> io::Result<()> {
    writeln!(out)?;
    let mut reasons = Vec::new();
    if !impact.concerns.is_empty() {
        reasons.push("the data shrank".to_owned());
    }
    if impact.sboms.verdicts.worse > 0 {
        reasons.push(format!("verdicts that get worse: {}", impact.sboms.verdicts.worse));
    }
    if !impact.unreadable.is_empty() {
        reasons.push(format!("stored SBOMs that cannot be read: {}", impact.unreadable.len()));
    }
    if !impact.is_cause_to_hold() {
        return writeln!(out, "Impact: {}", marked("no reason to hold", "1;32", style));
    }
    writeln!(out, "Impact: {}: {}", marked("LOOK FIRST", "1;33", style), reasons.join("; "))
}

fn short(digest: &str) -> &str {
    digest.get(..DIGEST_DIGITS).unwrap_or(digest)
}
