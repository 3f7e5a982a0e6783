//! Ratings as feeds state them: CVSS vectors and vendors' words, each kept as what it is.

use domain::cvss;
use domain::severity::{Rating, RatingScheme, Severity};
use domain::source::SourceId;

/// A rating that cannot be read, as the source wrote it.
pub(super) struct Unreadable(pub(super) String);

/// A CVSS vector, scored anew.
pub(super) fn vector(source: &SourceId, text: &str) -> Result<Rating, Unreadable> {
    let score = cvss::score(text).map_err(|error| Unreadable(error.to_string()))?;
    Ok(Rating {
        source: source.clone(),
        scheme: score.scheme,
        vector: Some(score.vector),
        score_tenths: Some(score.score_tenths),
        severity: score.severity,
    })
}

/// A vendor's word; None when it says "not rated" in one way or another.
pub(super) fn word(source: &SourceId, text: &str) -> Result<Option<Rating>, Unreadable> {
    let severity: Severity = text.parse().map_err(|_| Unreadable(text.to_owned()))?;
    let (source, scheme) = (source.clone(), RatingScheme::Vendor);
    let rated = severity != Severity::Unknown;
    Ok(rated.then_some(Rating { source, scheme, vector: None, score_tenths: None, severity }))
}

/// Enterprise distributions state their rating as the first word of the title
/// (`Moderate: container-tools security update`), and AlmaLinux nowhere else.
pub(super) fn in_title(source: &SourceId, title: &str) -> Option<Rating> {
    let (first, _) = title.split_once(':')?;
    word(source, first).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::{Severity, SourceId, in_title, word};

    #[test]
    fn the_word_before_the_colon_rates_an_erratum_and_no_other_word_does() {
        let alma = SourceId::new("alma");
        let severity = |title| in_title(&alma, title).map(|rating| rating.severity);
        assert_eq!(severity("Moderate: container-tools security update"), Some(Severity::Medium));
        assert_eq!(severity("Important: kernel security update"), Some(Severity::High));
        assert_eq!(severity("nodejs:18 bug fix update"), None);
        assert_eq!(severity("tzdata enhancement update"), None);
    }

    #[test]
    fn not_rated_is_no_rating_and_nonsense_is_an_error() {
        let bitnami = SourceId::new("bitnami");
        assert!(matches!(word(&bitnami, "Unknown"), Ok(None)));
        assert!(word(&bitnami, "rather bad").is_err());
    }
}
