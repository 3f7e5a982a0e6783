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

#[cfg(test)]
mod tests {
    use super::*;

    fn rating(source: &str, scheme: RatingScheme, severity: Severity) -> RatingRow {
        let vector = (scheme != RatingScheme::Vendor).then(|| format!("of {source}"));
        RatingRow { source: SourceId::new(source), scheme, severity, score_tenths: vector.as_ref().map(|_| 50), vector }
    }

    fn shown(evidence: &[(&str, Option<Severity>)], ratings: &[RatingRow]) -> (Severity, Option<String>) {
        let evidence: Vec<_> = evidence.iter().map(|(source, level)| (SourceId::new(*source), *level)).collect();
        let effective = effective(&evidence, ratings);
        (effective.severity, effective.source.map(|source| source.as_str().to_owned()))
    }

    // docs/matching.md: the vendor's rating of this package, the sources that made the finding, GitHub, the CVE list and CISA,
    // NVD, others.
    #[test]
    fn whoever_is_nearer_to_the_finding_is_heard_first() {
        let order = ["debian", "ghsa", "cve", "nvd", "bdu"];
        let severities = [Severity::Low, Severity::Critical, Severity::Medium, Severity::High, Severity::Critical];
        let mut ratings: Vec<RatingRow> =
            order.iter().zip(severities).map(|(source, level)| rating(source, RatingScheme::CvssV31, level)).collect();
        ratings.reverse();
        let of_package = [("debian", Some(Severity::Negligible))];
        assert_eq!(shown(&of_package, &ratings), (Severity::Negligible, Some("debian".to_owned())));
        for (source, severity) in order.into_iter().zip(severities) {
            assert_eq!(shown(&[("debian", None)], &ratings), (severity, Some(source.to_owned())));
            ratings.retain(|rating| rating.source.as_str() != source);
        }
        assert_eq!(shown(&[("debian", None)], &ratings), (Severity::Unknown, None));
        let same = ["cve", "osv-cve", "cisa-adp"].map(|source| rating(source, RatingScheme::CvssV31, Severity::High));
        for one in same {
            let nvd = rating("nvd", RatingScheme::CvssV40, Severity::Low);
            assert_eq!(shown(&[("osv", None)], &[nvd, one]).0, Severity::High, "before NVD");
        }
    }

    #[test]
    fn of_one_source_its_own_word_counts_before_scores_and_a_newer_score_before_an_older_one() {
        use RatingScheme::{CvssV2, CvssV30, CvssV31, CvssV40, Vendor};
        let order = [Vendor, CvssV40, CvssV31, CvssV30, CvssV2];
        let severities = [Severity::Low, Severity::Medium, Severity::High, Severity::Critical, Severity::Negligible];
        let mut ratings: Vec<RatingRow> =
            order.iter().zip(severities).map(|(scheme, level)| rating("ghsa", *scheme, level)).collect();
        ratings.reverse();
        for (scheme, severity) in order.into_iter().zip(severities) {
            assert_eq!(shown(&[], &ratings).0, severity, "{scheme:?}");
            ratings.retain(|rating| rating.scheme != scheme);
        }
        let unknown = [rating("ghsa", Vendor, Severity::Unknown), rating("nvd", CvssV2, Severity::High)];
        assert_eq!(shown(&[], &unknown), (Severity::High, Some("nvd".to_owned())), "who says nothing is not heard");
    }
}
