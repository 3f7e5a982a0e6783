//! The severity that a finding shows, out of all that sources say.
//!
//! Order: the vendor's rating of this very package; then ratings of the sources that made
//! the finding; then GHSA; then the numbering authority and CISA, then NVD; then any other. Within one source the newest CVSS version
//! comes first. Never the maximum of all: one panicking source must not outvote the rest.

use super::index::RatingRow;
use crate::severity::{RatingScheme, Severity};
use crate::source::SourceId;

/// What is shown, and who says so.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Effective {
    pub(super) severity: Severity,
    pub(super) source: Option<SourceId>,
    pub(super) vector: Option<String>,
    pub(super) score: Option<f64>,
}

/// `evidence`: the sources that made the finding, with their package-specific rating.
pub(super) fn effective(evidence: &[(SourceId, Option<Severity>)], ratings: &[RatingRow]) -> Effective {
    let mut ranked: Vec<_> = ratings.iter().filter(|rating| rating.severity != Severity::Unknown).collect();
    ranked.sort_by_key(|rating| (rank(&rating.source, evidence), std::cmp::Reverse(newness(rating.scheme))));
    let scored = ranked.iter().find(|rating| rating.score_tenths.is_some());
    let vendor = evidence.iter().filter_map(|(source, level)| level.map(|level| (level, source))).max();
    let (severity, source) = match (vendor, ranked.first()) {
        (Some((level, source)), _) => (level, Some(source.clone())),
        (None, Some(rating)) => (rating.severity, Some(rating.source.clone())),
        (None, None) => (Severity::Unknown, None),
    };
    Effective {
        severity,
        source,
        vector: scored.and_then(|rating| rating.vector.clone()),
        score: scored.and_then(|rating| rating.score_tenths).map(|tenths| f64::from(tenths) / 10.0),
    }
}

fn rank(source: &SourceId, evidence: &[(SourceId, Option<Severity>)]) -> u8 {
    match source.as_str() {
        _ if evidence.iter().any(|(named, _)| named == source) => 0,
        "ghsa" => 1,
        "cve" | "osv-cve" | "cisa-adp" => 2,
        "nvd" => 3,
        _ => 4,
    }
}

const fn newness(scheme: RatingScheme) -> u8 {
    match scheme {
        // A vendor's word is its considered judgement, above the score it was derived from.
        RatingScheme::Vendor => 5,
        RatingScheme::CvssV40 => 4,
        RatingScheme::CvssV31 => 3,
        RatingScheme::CvssV30 => 2,
        RatingScheme::CvssV2 => 1,
    }
}
