//! SARIF 2.1.0: the report for code-scanning services.
//!
//! One rule per vulnerability, one result per finding. SARIF has no word for "could not be
//! judged", so components that were not evaluated and an indeterminate verdict are tool
//! execution notifications: a service that shows them shows the gap, and none may drop the run.

mod model;
mod rules;
mod text;

use domain::finding::{Confidence, Finding};
use domain::severity::Severity;
use domain::vex::{VexDecision, VexEffect, VexSource};
use policy::Outcome;

use super::json::{Data, DecisionView, VerdictView, reason};
use super::{Report, tool_version};
use model::{
    ArtifactLocation, Descriptor, Driver, Fingerprints, Invocation, Level, Location, Log, Message, Notification,
    PhysicalLocation, Region, ResultProperties, Run, RunProperties, SarifResult, Suppression, Tool,
};
use rules::Rules;

pub(crate) fn log(report: &Report) -> Log<'_> {
    let rules = Rules::new(report.all_findings());
    let uri = text::uri(&report.artifact);
    // SARIF 2.1.0, section 3.27.23: either every result says whether it is suppressed, or none.
    let any = !report.evaluation.suppressed.is_empty();
    let results = report.all_findings().map(|finding| result(finding, &rules, &uri, any)).collect();
    let run = Run {
        tool: Tool {
            driver: Driver { name: "Stella", version: tool_version(&report.verdict.engine), rules: rules.into_sarif() },
        },
        invocations: [Invocation {
            execution_successful: true,
            end_time_utc: report.verdict.evaluated_at,
            tool_execution_notifications: notifications(report),
        }],
        results,
        properties: RunProperties {
            scan_id: &report.scan_id,
            verdict: VerdictView::new(&report.verdict),
            data: Data::new(&report.verdict),
        },
    };
    Log::new(run)
}

fn result<'a>(finding: &'a Finding, rules: &Rules, uri: &str, say_suppressed: bool) -> SarifResult<'a> {
    SarifResult {
        rule_id: &finding.vulnerability,
        rule_index: rules.index(&finding.vulnerability),
        level: level(finding.severity),
        message: Message::new(text::plain(&sentence(finding))),
        locations: [Location {
            physical_location: PhysicalLocation {
                artifact_location: ArtifactLocation { uri: uri.to_owned() },
                // An SBOM has no lines that mean anything, but services refuse a result without one.
                region: Region { start_line: 1 },
            },
        }],
        partial_fingerprints: Fingerprints { finding: &finding.id },
        suppressions: say_suppressed.then(|| finding.vex.as_deref().and_then(suppression).into_iter().collect()),
        properties: ResultProperties {
            package: &finding.package,
            version: &finding.version,
            purl: finding.purl.as_deref(),
            severity: finding.severity,
            fixed_versions: &finding.fixed_versions,
            status: finding.status,
            confidence: finding.confidence,
            known_exploited: finding.known_exploited,
            epss_probability: finding.epss_probability,
            vex: finding.vex.as_deref().map(DecisionView::new),
        },
    }
}

/// Only what does not count is suppressed; other statements are told in the properties.
fn suppression(decision: &VexDecision) -> Option<Suppression> {
    if decision.effect != VexEffect::Suppressed {
        return None;
    }
    let why = [decision.justification.map(|it| it.to_string()), decision.impact.clone()];
    let why = why.into_iter().flatten().collect::<Vec<_>>().join(": ");
    let author = decision.document.author.as_deref().unwrap_or("an author not named");
    let VexDecision { status, place, document, .. } = decision;
    let said = match document.source {
        VexSource::Distribution => format!("{status} by advisory {} of {author}", document.name),
        VexSource::File | VexSource::Sbom | VexSource::Kit => {
            format!("VEX status {status} by {author} ({} {place})", document.name)
        }
    };
    let justification = if why.is_empty() { said } else { format!("{said}: {why}") };
    Some(Suppression { kind: "external", status: "accepted", justification: text::plain(&justification) })
}

fn sentence(finding: &Finding) -> String {
    let fix = match finding.fixed_versions.as_slice() {
        [] => "No version that fixes it is known.".to_owned(),
        versions => format!("Fixed in {}.", versions.join(", ")),
    };
    let dispute = match finding.confidence {
        Confidence::Agreed => "",
        Confidence::Disputed => " Sources of equal rank disagree about this version.",
    };
    let Finding { package, version, vulnerability, severity, .. } = finding;
    format!("{package} {version} has {vulnerability} (severity {severity}). {fix}{dispute}")
}

/// Unrated is a warning: nobody has said that it is harmless.
fn level(severity: Severity) -> Level {
    match severity {
        Severity::Critical | Severity::High => Level::Error,
        Severity::Medium | Severity::Unknown => Level::Warning,
        Severity::Low | Severity::Negligible => Level::Note,
    }
}

fn notifications(report: &Report) -> Vec<Notification> {
    let unevaluated = report.evaluation.coverage.unevaluated.iter().map(|group| {
        let (code, _) = reason(&group.reason);
        let noun = if group.count == 1 { "component" } else { "components" };
        let said = format!("{} {noun} not evaluated: {}", group.count, group.message);
        notification(format!("unevaluated/{code}"), Level::Warning, &said)
    });
    let verdict = (report.verdict.outcome == Outcome::Indeterminate).then(|| {
        let said = format!("The verdict is indeterminate: {}.", report.verdict.reasons.join("; "));
        notification("verdict/indeterminate".to_owned(), Level::Warning, &said)
    });
    let warnings = report.inventory.warnings.iter();
    let warnings = warnings.map(|warning| notification("document/warning".to_owned(), Level::Note, warning));
    unevaluated.chain(verdict).chain(warnings).collect()
}

fn notification(id: String, level: Level, said: &str) -> Notification {
    Notification { descriptor: Descriptor { id }, level, message: Message::new(text::plain(said)) }
}
