//! Severity levels and the ratings that sources give.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How bad, in the words that all scanners share, least first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// No source has rated it. This is not "harmless".
    #[default]
    Unknown,
    Negligible,
    Low,
    Medium,
    High,
    Critical,
}

/// The text is not a severity word.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a severity: use unknown, negligible, low, medium, high or critical")]
pub struct InvalidSeverity(String);

impl Severity {
    pub const ALL: [Self; 6] = [Self::Unknown, Self::Negligible, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The level of a CVSS score by the bands of CVSS 3.1, section 5.
    pub fn from_score(score: f64) -> Self {
        match score {
            s if s >= 9.0 => Self::Critical,
            s if s >= 7.0 => Self::High,
            s if s >= 4.0 => Self::Medium,
            s if s > 0.0 => Self::Low,
            _ => Self::Negligible,
        }
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Negligible => "negligible",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Severity {
    type Err = InvalidSeverity;

    /// Reads the words of all vendors, in any case.
    fn from_str(text: &str) -> Result<Self, InvalidSeverity> {
        match text.trim().to_ascii_lowercase().as_str() {
            "unknown" | "none" | "untriaged" | "unspecified" => Ok(Self::Unknown),
            "negligible" | "unimportant" => Ok(Self::Negligible),
            "low" => Ok(Self::Low),
            "medium" | "moderate" => Ok(Self::Medium),
            "high" | "important" => Ok(Self::High),
            "critical" => Ok(Self::Critical),
            _ => Err(InvalidSeverity(text.chars().take(64).collect())),
        }
    }
}

/// In which system a rating is expressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RatingScheme {
    /// A vendor's own word.
    #[serde(rename = "vendor")]
    Vendor,
    #[serde(rename = "CVSS_V2")]
    CvssV2,
    #[serde(rename = "CVSS_V3.0")]
    CvssV30,
    #[serde(rename = "CVSS_V3.1")]
    CvssV31,
    #[serde(rename = "CVSS_V4.0")]
    CvssV40,
}

/// One source's judgement. All of them are kept; which one counts is decided when a finding is made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Rating {
    pub source: crate::source::SourceId,
    pub scheme: RatingScheme,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vector: Option<String>,
    /// Tenths of a point, 0 to 100, recomputed from the vector when there is one.
    /// An integer, so that canonical documents carry no floating point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score_tenths: Option<u8>,
    pub severity: Severity,
}
