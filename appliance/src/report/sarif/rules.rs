//! One rule per vulnerability, made from all of its findings.

use std::collections::{BTreeMap, BTreeSet};

use domain::finding::Finding;
use domain::severity::Severity;

use super::level;
use super::model::{Configuration, Message, Rule, RuleProperties};
use super::text;

/// The rules in the order of their ids, which is the order of the document.
pub(super) struct Rules<'a> {
    indices: BTreeMap<&'a str, usize>,
    sources: Vec<Vec<&'a Finding>>,
}

impl<'a> Rules<'a> {
    pub(super) fn new(findings: impl Iterator<Item = &'a Finding>) -> Self {
        let mut groups: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
        for finding in findings {
            groups.entry(&finding.vulnerability).or_default().push(finding);
        }
        let indices = groups.keys().enumerate().map(|(index, id)| (*id, index)).collect();
        Self { indices, sources: groups.into_values().collect() }
    }

    pub(super) fn index(&self, vulnerability: &str) -> usize {
        *self.indices.get(vulnerability).expect("each finding's vulnerability has a rule")
    }

    pub(super) fn into_sarif(self) -> Vec<Rule<'a>> {
        let groups = self.indices.into_keys().zip(self.sources);
        groups.map(|(id, findings)| rule(id, &findings)).collect()
    }
}

fn rule<'a>(id: &'a str, findings: &[&'a Finding]) -> Rule<'a> {
    // The same vulnerability may be rated differently per package: a rule says the worst.
    let severity = findings.iter().map(|finding| finding.severity).max().unwrap_or_default();
    let aliases: BTreeSet<&str> = findings.iter().flat_map(|it| it.aliases.iter().map(String::as_str)).collect();
    let packages: BTreeSet<&str> = findings.iter().map(|finding| finding.package.as_str()).collect();
    let title = findings.iter().find_map(|finding| finding.title.as_deref());
    let short = title.map_or_else(|| id.to_owned(), |title| format!("{id}: {title}"));
    let full = format!("{short}. Severity {severity}. Found in {}.", joined(&packages));
    let names = if aliases.is_empty() { String::new() } else { format!(" Also known as {}.", joined(&aliases)) };
    Rule {
        id,
        short_description: Message::new(text::plain(&short)),
        full_description: Message::new(text::plain(&full)),
        help_uri: text::advisory_url(std::iter::once(id).chain(aliases.iter().copied())),
        help: Message::new(text::plain(&format!("{full}{names}"))),
        default_configuration: Configuration { level: level(severity) },
        properties: RuleProperties {
            security_severity: security_severity(findings, severity),
            severity,
            aliases: aliases.into_iter().collect(),
            tags: vec!["security", "vulnerability", severity.as_str()],
        },
    }
}

fn joined(words: &BTreeSet<&str>) -> String {
    words.iter().copied().collect::<Vec<_>>().join(", ")
}

/// Services sort and label by this number alone, so it must not contradict the severity: the
/// highest score inside of the severity's band, else the band's foot. Unrated has no number.
fn security_severity(findings: &[&Finding], severity: Severity) -> Option<String> {
    let foot = match severity {
        Severity::Critical => 9.0,
        Severity::High => 7.0,
        Severity::Medium => 4.0,
        Severity::Low => 0.1,
        Severity::Negligible => 0.0,
        Severity::Unknown => return None,
    };
    let scores = findings.iter().filter_map(|finding| finding.cvss_score);
    let agreeing = scores.filter(|score| Severity::from_score(*score) == severity).reduce(f64::max);
    Some(format!("{:.1}", agreeing.unwrap_or(foot)))
}
