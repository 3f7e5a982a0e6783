//! What a merge decided by a rule because the data did not decide it.
//!
//! None of these stops a merge. They are counted in the report of an ingest and shown
//! beside the advisory, so that a person can add a veto when the rule chose badly.

use std::collections::BTreeSet;
use std::fmt;

use domain::source::SourceId;
use domain::time::Timestamp;

use super::graph::Edge;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Conflict {
    /// A source delivered a record twice with different content; the newest was kept.
    Superseded { source: SourceId, record: String, kept: Option<Timestamp>, dropped: Option<Timestamp> },
    /// A record has so many aliases that it is taken for a list. It links nothing but
    /// itself to the one CVE among them, if there is exactly one.
    TooManyAliases { source: SourceId, record: String, aliases: usize, followed: Option<String> },
    /// A record names several CVEs as its aliases: it contains them and equals none.
    SeveralCves { source: SourceId, record: String, cves: BTreeSet<String> },
    /// Following this edge would make one vulnerability of two CVEs, so it was dropped.
    TwoCves { edge: Edge, cves: [String; 2] },
    /// The names linked to `head` are more than one vulnerability can have; all links
    /// between them were dropped.
    GroupTooLarge { head: String, names: usize },
}

impl Conflict {
    /// A stable word for counting.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Superseded { .. } => "superseded",
            Self::TooManyAliases { .. } => "too-many-aliases",
            Self::SeveralCves { .. } => "several-cves",
            Self::TwoCves { .. } => "two-cves",
            Self::GroupTooLarge { .. } => "group-too-large",
        }
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Superseded { source, record, kept, dropped } => {
                write!(f, "{source} {record}: kept the record of {}, not the one of {}", Date(kept), Date(dropped))
            }
            Self::TooManyAliases { source, record, aliases, followed } => {
                let followed = followed.as_deref().unwrap_or("none");
                write!(f, "{source} {record}: {aliases} aliases are taken for a list, followed is {followed}")
            }
            Self::SeveralCves { source, record, cves } => {
                let cves: Vec<&str> = cves.iter().map(String::as_str).collect();
                write!(f, "{source} {record}: contains {} and is an alias of none", cves.join(", "))
            }
            Self::TwoCves { edge, cves: [one, other] } => {
                write!(f, "{edge}: dropped, because it would join {one} and {other}")
            }
            Self::GroupTooLarge { head, names } => {
                write!(f, "{head}: {names} linked names are too many to be one vulnerability, all links are dropped")
            }
        }
    }
}

struct Date<'a>(&'a Option<Timestamp>);

impl fmt::Display for Date<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(at) => write!(f, "{at}"),
            None => f.write_str("an unknown date"),
        }
    }
}
