//! OpenVEX 0.2.0.

use std::collections::BTreeSet;

use domain::finding::Finding;
use domain::time::Timestamp;
use domain::vex::{Justification, VexStatus};
use serde::Serialize;

use super::{Said, component, grouped, root};
use crate::report::Report;
use crate::report::cyclonedx::serial_number;

#[derive(Serialize)]
pub(crate) struct Document<'a> {
    #[serde(rename = "@context")]
    context: &'static str,
    #[serde(rename = "@id")]
    id: String,
    author: &'a str,
    timestamp: Timestamp,
    version: u32,
    tooling: &'a str,
    statements: Vec<Statement<'a>>,
}

#[derive(Serialize)]
struct Statement<'a> {
    vulnerability: Vulnerability<'a>,
    products: Vec<Product>,
    status: VexStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_notes: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    justification: Option<Justification>,
    #[serde(skip_serializing_if = "Option::is_none")]
    impact_statement: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action_statement: Option<String>,
}

#[derive(Serialize)]
struct Vulnerability<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    aliases: BTreeSet<&'a str>,
}

#[derive(Serialize)]
struct Product {
    #[serde(rename = "@id")]
    id: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subcomponents: Vec<Component>,
}

#[derive(Serialize)]
struct Component {
    #[serde(rename = "@id")]
    id: String,
}

pub(crate) fn openvex(report: &Report) -> Document<'_> {
    let root = root(report);
    let mut statements = Vec::new();
    for (name, groups) in grouped(report) {
        for (said, findings) in groups {
            statements.push(statement(name, said, &findings, root.as_deref()));
        }
    }
    Document {
        context: "https://openvex.dev/ns/v0.2.0",
        id: serial_number(report),
        author: &report.author.name,
        timestamp: report.verdict.evaluated_at,
        version: 1,
        tooling: &report.verdict.engine,
        statements,
    }
}

fn statement<'a>(name: &'a str, said: Said, findings: &[&'a Finding], root: Option<&str>) -> Statement<'a> {
    let components: BTreeSet<String> = findings.iter().map(|finding| component(finding)).collect();
    let products = match root {
        Some(root) => {
            let subcomponents = components.into_iter().map(|id| Component { id }).collect();
            vec![Product { id: root.to_owned(), subcomponents }]
        }
        None => components.into_iter().map(|id| Product { id, subcomponents: Vec::new() }).collect(),
    };
    let aliases = findings.iter().flat_map(|finding| finding.aliases.iter().map(String::as_str));
    let aliases = aliases.filter(|alias| *alias != name).collect();
    let Said { status, justification, impact, action, notes, .. } = said;
    // The schema takes a justification or an impact statement, and for this status alone.
    let (justification, impact, more) = match (status, justification) {
        (VexStatus::NotAffected, Some(justification)) => (Some(justification), None, impact),
        // CycloneDX and others need not give a reason; OpenVEX does.
        (VexStatus::NotAffected, None) => {
            (None, Some(impact.unwrap_or_else(|| "The author gives no reason.".to_owned())), None)
        }
        _ => (None, None, impact),
    };
    let notes: Vec<String> = notes.into_iter().chain(more).collect();
    Statement {
        vulnerability: Vulnerability { name, aliases },
        products,
        status,
        status_notes: (!notes.is_empty()).then(|| notes.join(" ")),
        justification,
        impact_statement: impact,
        action_statement: action,
    }
}
