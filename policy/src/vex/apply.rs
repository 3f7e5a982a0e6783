//! Statements held against all findings of an evaluation.

use std::collections::BTreeSet;

use domain::component::Inventory;
use domain::finding::{Evaluation, Finding};
use domain::vex::{VexDocument, VexEffect};

use super::index::{Claims, Library, Subject};
use super::read::{Document, VexError};
use super::weigh::{Standing, Weighing};

/// Far above what real documents and SBOMs need: a few million.
pub const COMPARISONS_MAX: u64 = 200_000_000;
/// Contradictions that are told one by one.
const CONTRADICTIONS_MAX: usize = 20;
/// Statements of a document of which it is told why they concern nothing.
const UNMATCHED_MAX: usize = 20;

/// What came of some documents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    pub documents: Vec<DocumentUse>,
    /// For people, beside the report.
    pub warnings: Vec<String>,
}

/// What came of one document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentUse {
    pub about: VexDocument,
    pub statements: usize,
    /// Findings that a statement of it suppresses.
    pub suppressed: usize,
    pub annotated: usize,
    pub contradicted: usize,
    /// Statements that concern none of the findings.
    pub without_effect: usize,
    /// Parts of it that do not count.
    pub unusable: usize,
    /// What these are, with the place of the first of each kind.
    pub problems: Vec<String>,
    /// Statements that are nearly about a finding, and what is missing.
    pub unmatched: Vec<String>,
}

/// Holds the documents against the evaluation: what is cleared moves to the suppressed findings.
///
/// An SBOM and a document that were made for it could keep a machine busy for ever: past a bound the scan is refused,
/// and the evaluation is to be thrown away.
pub fn apply(
    evaluation: &mut Evaluation,
    inventory: &Inventory,
    libraries: &[&Library],
    comparisons_max: u64,
) -> Result<Applied, VexError> {
    let claims = Claims::of(libraries);
    let mut tally = Tally::new(&claims);
    let findings = std::mem::take(&mut evaluation.findings);
    for mut finding in findings {
        if let Some(component) = inventory.components.get(finding.component) {
            let weighing = claims.weigh(&Subject::of(&finding, component, &inventory.identity));
            if claims.compared() > comparisons_max {
                let value = usize::try_from(comparisons_max).unwrap_or(usize::MAX);
                return Err(VexError::Limit { value, what: "comparisons of products in VEX statements with findings" });
            }
            tally.note(&finding, &weighing);
            finding.vex = weighing.decision.map(Box::new);
        }
        let suppressed = finding.vex.as_ref().is_some_and(|decision| decision.effect == VexEffect::Suppressed);
        if suppressed {
            evaluation.suppressed.push(finding);
        } else {
            evaluation.findings.push(finding);
        }
    }
    Ok(tally.finish(&claims))
}

struct Tally {
    uses: Vec<DocumentUse>,
    /// Statements that concern some finding, by position.
    concerned: BTreeSet<(usize, usize)>,
    /// Statements of which a near miss was told.
    near: BTreeSet<(usize, usize)>,
    unmatched: Vec<((usize, usize), String)>,
    contradictions: Vec<String>,
    more_contradictions: usize,
}

impl Tally {
    fn new(claims: &Claims<'_>) -> Self {
        let new = |document: &Document| DocumentUse {
            about: document.about.clone(),
            statements: document.statements.len(),
            suppressed: 0,
            annotated: 0,
            contradicted: 0,
            without_effect: 0,
            unusable: document.unusable(),
            problems: document.problems.iter().map(ToString::to_string).collect(),
            unmatched: Vec::new(),
        };
        Self {
            uses: claims.documents().map(new).collect(),
            concerned: BTreeSet::new(),
            near: BTreeSet::new(),
            unmatched: Vec::new(),
            contradictions: Vec::new(),
            more_contradictions: 0,
        }
    }

    fn note(&mut self, finding: &Finding, weighing: &Weighing<'_>) {
        self.concerned.extend(weighing.weighed.iter().map(|one| one.claim.position));
        for (claim, miss) in &weighing.near {
            if self.near.insert(claim.position) {
                let place = &claim.statement.place;
                self.unmatched.push((claim.position, format!("{place}: {}: {miss}", claim.statement.vulnerability)));
            }
        }
        let Some(decision) = &weighing.decision else { return };
        let counts = weighing.weighed.iter().filter(|one| one.standing == Standing::Counts);
        let documents: BTreeSet<usize> = counts.map(|one| one.claim.position.0).collect();
        for at in documents {
            let Some(used) = self.uses.get_mut(at) else { continue };
            match decision.effect {
                VexEffect::Suppressed => used.suppressed += 1,
                VexEffect::Annotated => used.annotated += 1,
                VexEffect::Contradicted => used.contradicted += 1,
            }
        }
        if decision.effect == VexEffect::Contradicted {
            self.contradiction(finding, weighing);
        }
    }

    fn contradiction(&mut self, finding: &Finding, weighing: &Weighing<'_>) {
        if self.contradictions.len() >= CONTRADICTIONS_MAX {
            self.more_contradictions += 1;
            return;
        }
        let told =
            weighing.weighed.iter().filter(|one| matches!(one.standing, Standing::Counts | Standing::Contradicts));
        let said: Vec<String> = told
            .map(|one| {
                let (statement, document) = (one.claim.statement, &one.claim.document.about);
                format!("{} ({} {})", statement.status, document.name, statement.place)
            })
            .collect();
        self.contradictions.push(format!(
            "VEX statements about {} in {} {} contradict each other, so the finding stays: {}",
            finding.vulnerability,
            finding.package,
            finding.version,
            said.join(", ")
        ));
    }

    fn finish(mut self, claims: &Claims<'_>) -> Applied {
        for (at, used) in self.uses.iter_mut().enumerate() {
            used.without_effect = used.statements - self.concerned.range((at, 0)..(at + 1, 0)).count();
        }
        for (position, text) in self.unmatched {
            if self.concerned.contains(&position) {
                continue;
            }
            if let Some(used) = self.uses.get_mut(position.0).filter(|used| used.unmatched.len() < UNMATCHED_MAX) {
                used.unmatched.push(text);
            }
        }
        let mut warnings = claims.warnings();
        warnings.append(&mut self.contradictions);
        if self.more_contradictions > 0 {
            warnings.push(format!(
                "{} more findings stay because VEX statements contradict each other",
                self.more_contradictions
            ));
        }
        Applied { documents: self.uses, warnings }
    }
}

impl Claims<'_> {
    /// What is to be said of the documents, whatever they are asked.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings: Vec<String> = self.documents().flat_map(document_warnings).collect();
        for (old, new) in self.superseded() {
            let version = |document: &Document| document.about.version.clone().unwrap_or_default();
            warnings.push(format!(
                "VEX {}: version {} is not applied, because {} is version {} of the same document",
                old.about.name,
                version(old),
                new.about.name,
                version(new)
            ));
        }
        warnings
    }
}

fn document_warnings(document: &Document) -> Vec<String> {
    let name = &document.about.name;
    let mut warnings = Vec::new();
    if let Some(attestation) = &document.attestation {
        warnings.push(format!("VEX {name}: {attestation}"));
    }
    let unusable = document.unusable();
    if let Some(first) = document.problems.first() {
        let count = if unusable == 1 { "1 part of it does".to_owned() } else { format!("{unusable} parts of it do") };
        warnings.push(format!("VEX {name}: {count} not count, first {first}"));
    }
    if document.statements.is_empty() {
        warnings.push(format!("VEX {name}: it has no statement that counts"));
    }
    warnings
}
