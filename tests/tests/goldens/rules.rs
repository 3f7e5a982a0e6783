//! Why findings differ: every reason that was found and checked, as a predicate.
//!
//! A difference that no rule recognises is a defect until the contrary is shown, and a rule
//! that recognises nothing any more must go. Examples are in `docs/matching-differences.md`.

use domain::finding::Unevaluated;
use domain::matching::Step;

use crate::compare::{Difference, Side};

pub(crate) struct Rule {
    /// As the document names it.
    pub(crate) id: &'static str,
    pub(crate) reason: &'static str,
    pub(crate) explains: fn(&Difference) -> bool,
}

pub(crate) const RULES: &[Rule] = &[
    Rule {
        id: "peer-matched-by-cpe",
        reason: "the peer guessed a CPE and took an NVD entry; the ecosystem's own advisory has a range, \
                 and the version is outside",
        explains: |d| {
            let reason = theirs(d).1;
            d.side == Side::Theirs && (reason.ends_with("by CPE") || reason == "by NVD") && is_outside(d)
        },
    },
    Rule {
        id: "record-of-another-day",
        reason: "the peer's database held another state of the same record, with other ranges",
        explains: |d| {
            let changed = |record: &str| CHANGED.contains(&record);
            d.document.starts_with("OSV-Scanner")
                && match d.side {
                    Side::Ours => affected(d).all(|step| changed(&step.evidence.record)),
                    Side::Theirs => changed(theirs(d).0) && is_outside(d),
                }
        },
    },
    Rule {
        id: "source-package",
        reason: "OSV-Scanner looked the binary package up under its own name, Debian's advisories are about \
                 its source package",
        explains: |d| {
            let of_debian = affected(d).all(|step| step.evidence.source.as_str() == "debian");
            let own_name = d.place.contains(&format!("/{}@", d.package.name));
            d.side == Side::Ours && d.document.starts_with("OSV-Scanner") && of_debian && !own_name
        },
    },
    Rule {
        id: "source-unknown-to-peer",
        reason: "OSV does not import the Ruby advisory database, and only that has the advisory",
        explains: |d| {
            let of_rubysec = affected(d).all(|step| step.evidence.source.as_str() == "rubysec");
            d.side == Side::Ours && d.document.starts_with("OSV-Scanner") && of_rubysec
        },
    },
    Rule {
        id: "labels-end-earlier",
        reason: "the labels were computed from a PyPA archive of October 2024, the corpus has newer records too",
        explains: |d| {
            let newer = |record: &str| record.starts_with("PYSEC-") && record > "PYSEC-2024-~";
            let newer_only = affected(d).all(|step| newer(&step.evidence.record));
            d.side == Side::Ours && d.document.starts_with("Labels") && newer_only
        },
    },
    Rule {
        id: "unreadable-fixed-version",
        reason: "Alpine's file says `2.15.r-r1` where 2.15.3-r0 was meant: the component is unevaluated and says so",
        explains: |d| {
            let said = matches!(d.explanation.unevaluated, Some(Unevaluated::InvalidAdvisory { .. }));
            d.side == Side::Theirs && said
        },
    },
];

/// Records of which the corpus has another state than api.osv.dev had in July 2026. Of the first
/// five it has copies of 2024 or before, of the last one a newer: Go added `stdlib` in August.
const CHANGED: &[&str] = &[
    "GHSA-8x94-hmjh-97hq",
    "GHSA-crjg-w57m-rqqf",
    "GHSA-v6rh-hp5x-86rv",
    "GHSA-xxj9-f6rv-m3x4",
    "PYSEC-2021-108",
    "GO-2026-5026",
];

/// The rule that explains a difference.
pub(crate) fn rule_for(difference: &Difference) -> Option<&'static Rule> {
    RULES.iter().find(|rule| (rule.explains)(difference))
}

/// The peer's id and reason.
fn theirs(difference: &Difference) -> (&str, &str) {
    difference.theirs.as_ref().map_or(("", ""), |theirs| (&theirs.id, &theirs.reason))
}

/// The statements by which we call the component affected.
fn affected(difference: &Difference) -> impl Iterator<Item = &Step> {
    difference.explanation.steps.iter().filter(|step| step.affected && step.decisive)
}

/// The component was judged, and no source calls it affected.
fn is_outside(difference: &Difference) -> bool {
    let explanation = &difference.explanation;
    explanation.unevaluated.is_none() && !explanation.steps.is_empty() && !explanation.affected
}
