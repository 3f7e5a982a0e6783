//! Intervals of versions. Every notation of every feed (OSV events, secdb's fixed versions,
//! RubySec's patched versions, …) is turned into these once, when the feed is read, and
//! only these are evaluated.

use std::cmp::Ordering;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::version::{InvalidVersion, Scheme, Version};

/// Where an interval begins.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Lower {
    /// Before every version there is (`introduced: "0"` in OSV).
    Start,
    /// At this version, which is inside.
    Introduced(String),
    /// Above this version, which is outside.
    After(String),
}

/// Where an interval ends.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Upper {
    /// Below this version, which is fixed.
    Fixed(String),
    /// At this version, which is still affected.
    LastAffected(String),
    /// Nowhere: no fix is known.
    Open,
}

/// A set of consecutive versions. In JSON: an object with at most one of `introduced` and
/// `after`, and at most one of `fixed` and `last_affected`; a missing bound is unbounded.
/// In binary formats, which cannot leave fields out: the pair of bounds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval {
    pub lower: Lower,
    pub upper: Upper,
}

/// Two bounds for the same end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an interval has one lower and one upper bound")]
pub struct InvalidInterval;

impl std::fmt::Display for Interval {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.lower, &self.upper) {
            (Lower::Start, Upper::Open) => return f.write_str("every version"),
            (Lower::Start, _) => {}
            (Lower::Introduced(at), _) => write!(f, ">= {at}")?,
            (Lower::After(after), _) => write!(f, "> {after}")?,
        }
        let comma = if self.lower == Lower::Start { "" } else { ", " };
        match &self.upper {
            Upper::Open => Ok(()),
            Upper::Fixed(at) => write!(f, "{comma}< {at}"),
            Upper::LastAffected(last) => write!(f, "{comma}<= {last}"),
        }
    }
}

impl Interval {
    /// Everything below `fixed`.
    pub fn below(fixed: impl Into<String>) -> Self {
        Self { lower: Lower::Start, upper: Upper::Fixed(fixed.into()) }
    }

    /// Every version.
    pub const fn all() -> Self {
        Self { lower: Lower::Start, upper: Upper::Open }
    }

    /// Is `version` inside? An error when a bound is no version of the scheme, because
    /// then nobody can tell.
    pub fn contains(&self, scheme: Scheme, version: &Version) -> Result<bool, InvalidVersion> {
        let below = |bound: &str| scheme.parse_bound(bound).map(|bound| version.compare(&bound));
        let after_lower = match &self.lower {
            Lower::Start => true,
            Lower::Introduced(bound) => below(bound)? != Ordering::Less,
            Lower::After(bound) => below(bound)? == Ordering::Greater,
        };
        let before_upper = match &self.upper {
            Upper::Open => true,
            Upper::Fixed(bound) => below(bound)? == Ordering::Less,
            Upper::LastAffected(bound) => below(bound)? != Ordering::Greater,
        };
        Ok(after_lower && before_upper)
    }

    /// The version that ends the interval by a fix, if there is one.
    pub fn fixed(&self) -> Option<&str> {
        match &self.upper {
            Upper::Fixed(version) => Some(version),
            Upper::LastAffected(_) | Upper::Open => None,
        }
    }
}

impl Serialize for Interval {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            Raw::from(self.clone()).serialize(serializer)
        } else {
            (&self.lower, &self.upper).serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Interval {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            Self::try_from(Raw::deserialize(deserializer)?).map_err(serde::de::Error::custom)
        } else {
            let (lower, upper) = Deserialize::deserialize(deserializer)?;
            Ok(Self { lower, upper })
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    introduced: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fixed: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_affected: Option<String>,
}

impl TryFrom<Raw> for Interval {
    type Error = InvalidInterval;

    fn try_from(raw: Raw) -> Result<Self, InvalidInterval> {
        let lower = match (raw.introduced, raw.after) {
            (None, None) => Lower::Start,
            (Some(at), None) => Lower::Introduced(at),
            (None, Some(after)) => Lower::After(after),
            (Some(_), Some(_)) => return Err(InvalidInterval),
        };
        let upper = match (raw.fixed, raw.last_affected) {
            (None, None) => Upper::Open,
            (Some(at), None) => Upper::Fixed(at),
            (None, Some(last)) => Upper::LastAffected(last),
            (Some(_), Some(_)) => return Err(InvalidInterval),
        };
        Ok(Self { lower, upper })
    }
}

impl From<Interval> for Raw {
    fn from(interval: Interval) -> Self {
        let (introduced, after) = match interval.lower {
            Lower::Start => (None, None),
            Lower::Introduced(at) => (Some(at), None),
            Lower::After(after) => (None, Some(after)),
        };
        let (fixed, last_affected) = match interval.upper {
            Upper::Open => (None, None),
            Upper::Fixed(at) => (Some(at), None),
            Upper::LastAffected(last) => (None, Some(last)),
        };
        Self { introduced, after, fixed, last_affected }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inside(interval: &Interval, version: &str) -> bool {
        let version = Scheme::SemVer.parse(version).expect("a version");
        interval.contains(Scheme::SemVer, &version).expect("valid bounds")
    }

    #[test]
    fn bounds_are_inclusive_or_exclusive_as_named() {
        let interval = Interval { lower: Lower::Introduced("1.0.0".into()), upper: Upper::Fixed("2.0.0".into()) };
        assert!(inside(&interval, "1.0.0") && inside(&interval, "1.9.9"));
        assert!(!inside(&interval, "0.9.9") && !inside(&interval, "2.0.0"));
        let interval = Interval { lower: Lower::After("1.0.0".into()), upper: Upper::LastAffected("2.0.0".into()) };
        assert!(!inside(&interval, "1.0.0") && inside(&interval, "2.0.0") && !inside(&interval, "2.0.1"));
    }

    #[test]
    fn the_start_lies_before_the_first_prerelease() {
        assert!(inside(&Interval::below("0.0.0"), "0.0.0-0"));
    }

    #[test]
    fn two_bounds_at_one_end_are_refused() {
        assert!(serde_json::from_str::<Interval>(r#"{"introduced":"1","after":"1"}"#).is_err());
        assert!(serde_json::from_str::<Interval>(r#"{"fixed":"1","last_affected":"1"}"#).is_err());
    }
}
