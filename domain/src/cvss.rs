//! CVSS vectors: version, score and level.
//!
//! A score that a source prints is not believed; it is computed again from the
//! vector, so that all sources are measured alike.
//!
//! What is scored: for CVSS 2.0, 3.0 and 3.1 the **base** score, also when the
//! vector has temporal or environmental metrics, because that is the number
//! that NVD, vendors and other scanners publish and compare. CVSS 4.0 has one
//! score only; threat and environmental metrics of the vector take part in it
//! (supplemental ones never do).
//!
//! The arithmetic is that of the `cvss` crate, which agrees with all reference
//! vectors (`tests/cvss.rs`). This module adds the spellings of the sources, and
//! refuses version 3 vectors that lack a base metric, which the crate would score.

use cvss::{v2, v3, v4};

use crate::severity::{RatingScheme, Severity};

/// A vector and what follows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Score {
    pub scheme: RatingScheme,
    /// As the source wrote it, without blanks, parentheses and, for CVSS 2.0, any prefix.
    pub vector: String,
    /// Tenths of a point, 0 to 100.
    pub score_tenths: u8,
    pub severity: Severity,
}

/// The text is no CVSS vector that can be scored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{vector:?} is not a CVSS vector: {reason}")]
pub struct InvalidVector {
    /// The text, or its first 200 characters.
    pub vector: String,
    pub reason: String,
}

/// All metrics of all groups of CVSS 4.0 take 186 bytes.
const MAX_LENGTH: usize = 512;

/// Scores a vector of CVSS 2.0, 3.0, 3.1 or 4.0.
///
/// CVSS 2.0 vectors have no prefix of their own; `CVSS:2.0/` and `CVSS2#`, which
/// some sources put in front, and the parentheses of NVD's old feeds are let pass.
/// So are metrics in another order than the standard's and a slash at the end.
pub fn score(vector: &str) -> Result<Score, InvalidVector> {
    let error = |reason: String| InvalidVector { vector: vector.chars().take(200).collect(), reason };
    if vector.len() > MAX_LENGTH {
        return Err(error(format!("it is longer than {MAX_LENGTH} bytes")));
    }
    let (version, text) = recognise(bare(vector)).ok_or_else(|| error(NO_VERSION.to_owned()))?;
    version.score(text).map_err(error)
}

const NO_VERSION: &str = "it starts neither with CVSS:3.0/, CVSS:3.1/ or CVSS:4.0/ nor has the Au metric of CVSS 2.0";

fn bare(vector: &str) -> &str {
    let vector = vector.trim();
    let inner = vector.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    inner.unwrap_or(vector).trim().trim_end_matches('/')
}

#[derive(Clone, Copy)]
enum Version {
    V2,
    V30,
    V31,
    V40,
}

/// The version, and the text that the vector consists of.
fn recognise(text: &str) -> Option<(Version, &str)> {
    const PREFIXES: [(&str, Version); 3] =
        [("CVSS:3.0/", Version::V30), ("CVSS:3.1/", Version::V31), ("CVSS:4.0/", Version::V40)];
    if let Some((_, version)) = PREFIXES.into_iter().find(|(prefix, _)| starts_with(text, prefix)) {
        return Some((version, text));
    }
    let rest = ["CVSS:2.0/", "CVSS2#"].iter().find(|prefix| starts_with(text, prefix));
    let text = rest.and_then(|prefix| text.get(prefix.len()..)).unwrap_or(text);
    text.split('/').any(|metric| metric.starts_with("Au:")).then_some((Version::V2, text))
}

fn starts_with(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

impl Version {
    fn score(self, text: &str) -> Result<Score, String> {
        let value = self.value(text)?;
        // Scores are decimal fractions with one digit; the float is the nearest one.
        let score_tenths = (value * 10.0).round().clamp(0.0, 100.0) as u8;
        let severity = match self {
            Self::V2 => level_v2(score_tenths),
            _ => Severity::from_score(f64::from(score_tenths) / 10.0),
        };
        Ok(Score { scheme: self.scheme(), vector: text.to_owned(), score_tenths, severity })
    }

    fn value(self, text: &str) -> Result<f64, String> {
        // The crate reads no prefix in lower case.
        let upper = || text.to_ascii_uppercase();
        let message = |error: cvss::Error| error.to_string();
        match self {
            Self::V2 => Ok(text.parse::<v2::Vector>().map_err(message)?.score().value()),
            Self::V30 | Self::V31 => base_value(&upper().parse().map_err(message)?),
            Self::V40 => Ok(upper().parse::<v4::Vector>().map_err(message)?.score().value()),
        }
    }

    fn scheme(self) -> RatingScheme {
        match self {
            Self::V2 => RatingScheme::CvssV2,
            Self::V30 => RatingScheme::CvssV30,
            Self::V31 => RatingScheme::CvssV31,
            Self::V40 => RatingScheme::CvssV40,
        }
    }
}

fn base_value(vector: &v3::Vector) -> Result<f64, String> {
    let given = [
        ("AV", vector.av.is_some()),
        ("AC", vector.ac.is_some()),
        ("PR", vector.pr.is_some()),
        ("UI", vector.ui.is_some()),
        ("S", vector.s.is_some()),
        ("C", vector.c.is_some()),
        ("I", vector.i.is_some()),
        ("A", vector.a.is_some()),
    ];
    match given.into_iter().find(|(_, given)| !given) {
        Some((metric, _)) => Err(format!("it lacks the metric {metric}")),
        None => Ok(vector.base_score().value()),
    }
}

/// The standard has no levels; these are NVD's, which know no "critical".
fn level_v2(score_tenths: u8) -> Severity {
    match score_tenths {
        0..40 => Severity::Low,
        40..70 => Severity::Medium,
        _ => Severity::High,
    }
}
