//! A document while it is being read: counts against the limits and collects what cannot be used.

use std::collections::BTreeMap;

use domain::purl::Purl;
use domain::time::Timestamp;
use domain::vex::{BomElement, BomId, Product, Statement};
use serde::Deserialize;

use super::{Limits, Problem, VexError, excerpt};

/// Free text beyond this is cut: nobody reads it, and it would be repeated with every finding.
const TEXT_CHARACTERS_MAX: usize = 4_000;
/// Real names of vulnerabilities are shorter.
const NAME_BYTES_MAX: usize = 256;

pub(super) struct Draft<'l> {
    limits: &'l Limits,
    statements: Vec<Statement>,
    targets: usize,
    /// The document's time, which statements without one of their own have.
    inherited: Option<Timestamp>,
    /// By reason, in the order in which they came.
    problems: Vec<Problem>,
    by_reason: BTreeMap<String, usize>,
    unlisted: usize,
}

impl<'l> Draft<'l> {
    pub(super) fn new(limits: &'l Limits) -> Self {
        Self {
            limits,
            statements: Vec::new(),
            targets: 0,
            inherited: None,
            problems: Vec::new(),
            by_reason: BTreeMap::new(),
            unlisted: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.statements.is_empty() && self.problems.is_empty()
    }

    pub(super) fn problem(&mut self, place: impl Into<String>, reason: impl Into<String>) {
        let reason = reason.into();
        if let Some(problem) = self.by_reason.get(&reason).and_then(|at| self.problems.get_mut(*at)) {
            problem.count += 1;
        } else if self.problems.len() < self.limits.problems_max {
            self.by_reason.insert(reason.clone(), self.problems.len());
            self.problems.push(Problem { place: place.into(), reason, count: 1 });
        } else {
            self.unlisted += 1;
        }
    }

    /// Takes a statement that has all that it needs; one without a product to match says nothing.
    pub(super) fn push(&mut self, statement: Statement) -> Result<(), VexError> {
        if statement.targets.is_empty() {
            return Ok(());
        }
        if statement.vulnerability.len() > NAME_BYTES_MAX {
            self.problem(statement.place, "the name of the vulnerability is too long to be one");
            return Ok(());
        }
        self.targets += statement.targets.len();
        if self.statements.len() >= self.limits.statements_max {
            return Err(VexError::Limit { value: self.limits.statements_max, what: "statements" });
        }
        if self.targets > self.limits.targets_max {
            return Err(VexError::Limit { value: self.limits.targets_max, what: "products in statements" });
        }
        self.statements.push(statement);
        Ok(())
    }

    /// The product that a text names, if findings can be matched with it.
    pub(super) fn product(&mut self, place: &str, text: &str) -> Option<Product> {
        match named_product(text) {
            Ok(product) => Some(product),
            Err(reason) => {
                self.problem(place, format!("{:?} {reason}", excerpt(text)));
                None
            }
        }
    }

    /// The time that a text says.
    pub(super) fn time(&mut self, place: &str, text: Option<&str>) -> Option<Timestamp> {
        let text = text?;
        let time = Timestamp::parse_lenient(text).ok();
        if time.is_none() {
            self.problem(place, format!("the time {:?} cannot be read, so it is not known", excerpt(text)));
        }
        time
    }

    /// To be called before the first statement is read.
    pub(super) fn inherit(&mut self, time: Option<Timestamp>) {
        self.inherited = time;
    }

    /// The time of a statement, of the texts that may say it the first. One that cannot be read must not be taken for
    /// another: it decides which statement replaces which.
    pub(super) fn stated(&mut self, place: &str, texts: [Option<&str>; 2]) -> Option<Timestamp> {
        let said = texts.map(|text| text.map(|text| self.time(place, Some(text))));
        if said.contains(&Some(None)) { None } else { said.into_iter().flatten().next().unwrap_or(self.inherited) }
    }

    pub(super) fn finish(mut self) -> (Vec<Statement>, Vec<Problem>) {
        if self.unlisted > 0 {
            let (place, reason) = ("the document".to_owned(), "problems past the limit are not listed".to_owned());
            self.problems.push(Problem { place, reason, count: self.unlisted });
        }
        (self.statements, self.problems)
    }
}

fn named_product(text: &str) -> Result<Product, String> {
    let text = text.trim();
    if let Some(link) = bom_link(text) {
        return Ok(Product::Element(link));
    }
    let purl = Purl::parse(text).map_err(|_| "is no package URL, and only these are matched".to_owned())?;
    match Purl::empty_part(text) {
        // The template of a tool, in which a value was missing. Without it the statement would be of every version.
        Some(part) => Err(format!("leaves its {part} empty, so what it is about is not known")),
        None => Ok(Product::Purl(purl)),
    }
}

/// `urn:cdx:serial/version#bom-ref`.
pub(super) fn bom_link(text: &str) -> Option<BomElement> {
    let rest = text.get(..8).filter(|scheme| scheme.eq_ignore_ascii_case("urn:cdx:")).and_then(|_| text.get(8..))?;
    let (bom, reference) = rest.split_once('#')?;
    let (serial, version) = bom.split_once('/')?;
    let bom = BomId { serial: serial.to_ascii_lowercase(), version: version.parse().ok()? };
    (!reference.is_empty()).then(|| BomElement { bom: Some(bom), reference: reference.to_owned() })
}

/// Free text that says something.
pub(super) fn words(text: Option<String>) -> Option<String> {
    let text = text?;
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return None;
    }
    let mut kept: String = trimmed.chars().take(TEXT_CHARACTERS_MAX).collect();
    if kept.len() < trimmed.len() {
        kept.push('…');
    }
    Some(kept)
}

/// A version that may be a number or a text.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Scalar {
    Number(u64),
    Text(String),
}

impl Scalar {
    pub(super) fn into_text(self) -> Option<String> {
        match self {
            Self::Number(number) => Some(number.to_string()),
            Self::Text(text) => words(Some(text)),
        }
    }
}
