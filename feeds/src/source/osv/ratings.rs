//! Ratings in an OSV record.

use domain::severity::Rating;
use domain::source::SourceId;

use super::model::OsvSeverity;

pub(super) use crate::source::ratings::{Unreadable, in_title, vector, word};

/// The rating that one `severity` element states; None for an explicit "not rated".
pub(super) fn stated(source: &SourceId, severity: &OsvSeverity) -> Result<Option<Rating>, Unreadable> {
    let Some(score) = severity.score.as_deref() else { return Ok(None) };
    match severity.kind.as_deref() {
        Some(kind) if kind.starts_with("CVSS") => vector(source, score).map(Some),
        _ => word(source, score),
    }
}
