//! Points in time, to the second, in UTC.
//!
//! Nothing in this room knows what time it is: `now` is always an argument.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{DateTime, date};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const EPOCH: DateTime = date(1970, 1, 1).at(0, 0, 0, 0);

/// Seconds since 1970-01-01T00:00:00Z. Its text form is `YYYY-MM-DDThh:mm:ssZ`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Timestamp(i64);

/// The text is not a time this program reads.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a time of the form YYYY-MM-DDThh:mm:ssZ")]
pub struct InvalidTimestamp(String);

impl Timestamp {
    pub const UNIX_EPOCH: Self = Self(0);
    pub const DAY_SECONDS: i64 = 86_400;

    /// Clamps to the years 0001 to 9999, outside of which no text form exists.
    pub fn from_unix(seconds: i64) -> Self {
        Self(seconds.clamp(-62_135_596_800, 253_402_300_799))
    }

    pub const fn unix(self) -> i64 {
        self.0
    }

    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self::from_unix(self.0.saturating_add(seconds))
    }

    pub fn plus_days(self, days: i64) -> Self {
        self.plus_seconds(days.saturating_mul(Self::DAY_SECONDS))
    }

    /// How many seconds `self` lies after `earlier`; negative when before.
    pub const fn seconds_since(self, earlier: Self) -> i64 {
        self.0 - earlier.0
    }

    /// Reads the one strict form, `YYYY-MM-DDThh:mm:ssZ`, that signed documents use.
    pub fn parse_strict(text: &str) -> Result<Self, InvalidTimestamp> {
        let parsed = Self::parse_lenient(text)?;
        if parsed.to_string() == text { Ok(parsed) } else { Err(InvalidTimestamp(text.into())) }
    }

    /// Reads what feeds write: RFC 3339 with fractions and offsets, a time
    /// without a zone (taken as UTC), or a bare date.
    pub fn parse_lenient(text: &str) -> Result<Self, InvalidTimestamp> {
        let text = text.trim();
        let error = || InvalidTimestamp(text.chars().take(64).collect());
        if let Ok(at) = text.parse::<jiff::Timestamp>() {
            return Ok(Self::from_unix(at.as_second()));
        }
        // What is left is a time without a zone, or the last day of the year 9999, which
        // lies outside of what a time zone could shift.
        let civil = text.strip_suffix('Z').unwrap_or(text);
        civil
            .parse::<DateTime>()
            .or_else(|_| civil.parse::<jiff::civil::Date>().map(|date| date.at(0, 0, 0, 0)))
            .ok()
            .and_then(|civil| civil.since((jiff::Unit::Second, EPOCH)).ok())
            .map(|span| Self::from_unix(span.get_seconds()))
            .ok_or_else(error)
    }

    /// The day alone, `YYYY-MM-DD`.
    pub fn date(self) -> String {
        self.to_string()[..10].to_owned()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let civil = EPOCH.checked_add(jiff::SignedDuration::from_secs(self.0)).map_err(|_| fmt::Error)?;
        write!(f, "{}", civil.strftime("%Y-%m-%dT%H:%M:%SZ"))
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        Self::parse_strict(text)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse_strict(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strict_form_is_read_and_written_alike() {
        for text in ["1970-01-01T00:00:00Z", "2026-02-28T23:59:59Z", "9999-12-31T23:59:59Z"] {
            assert_eq!(Timestamp::parse_strict(text).expect("strict").to_string(), text);
        }
    }

    #[test]
    fn fractions_offsets_and_bare_dates_are_lenient_only() {
        for text in ["2026-01-01T00:00:00.5Z", "2026-01-01T01:00:00+01:00", "2026-01-01T00:00:00", "2026-01-01"] {
            assert!(Timestamp::parse_strict(text).is_err(), "{text}");
            let lenient = Timestamp::parse_lenient(text).expect(text);
            assert_eq!(lenient.to_string(), "2026-01-01T00:00:00Z", "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "yesterday", "2026-13-01T00:00:00Z", "2026-02-30"] {
            assert!(Timestamp::parse_lenient(text).is_err(), "{text}");
        }
    }
}
