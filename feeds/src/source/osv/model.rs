//! The OSV document as it is written, read leniently.
//!
//! Databases fill the free-form parts (`database_specific`, `ecosystem_specific`) with anything,
//! and some write a word where the schema has a list. Such a part is read as absent, so that it
//! does not cost the record; what has a meaning and cannot be read is reported by the caller.

use serde::{Deserialize, Deserializer};

use crate::source::lenient::{Any, Object, Text, Texts, Versions};

#[derive(Deserialize)]
pub(super) struct OsvRecord {
    #[serde(default)]
    pub(super) id: Text,
    #[serde(default)]
    pub(super) modified: Text,
    #[serde(default)]
    pub(super) published: Text,
    #[serde(default)]
    pub(super) withdrawn: Text,
    #[serde(default)]
    pub(super) aliases: Texts,
    #[serde(default)]
    pub(super) upstream: Texts,
    #[serde(default)]
    pub(super) related: Texts,
    #[serde(default)]
    pub(super) summary: Text,
    #[serde(default)]
    pub(super) details: Text,
    #[serde(default)]
    pub(super) severity: Severities,
    #[serde(default)]
    pub(super) affected: Option<Vec<OsvAffected>>,
    #[serde(default)]
    pub(super) references: Option<Vec<OsvReference>>,
    #[serde(default)]
    pub(super) database_specific: Object<DatabaseSpecific>,
}

#[derive(Deserialize)]
pub(super) struct OsvReference {
    #[serde(default, rename = "type")]
    pub(super) kind: Text,
    #[serde(default)]
    pub(super) url: Text,
}

#[derive(Deserialize, Default)]
pub(super) struct DatabaseSpecific {
    #[serde(default)]
    pub(super) severity: Text,
    #[serde(default)]
    pub(super) cwe_ids: Texts,
}

#[derive(Deserialize)]
pub(super) struct OsvAffected {
    #[serde(default)]
    pub(super) package: Object<OsvPackage>,
    #[serde(default)]
    pub(super) severity: Severities,
    #[serde(default)]
    pub(super) ranges: Option<Vec<OsvRange>>,
    #[serde(default)]
    pub(super) versions: Versions,
    #[serde(default)]
    pub(super) ecosystem_specific: Object<EcosystemSpecific>,
    #[serde(default)]
    pub(super) database_specific: Object<AffectedSpecific>,
}

#[derive(Deserialize, Default)]
pub(super) struct OsvPackage {
    #[serde(default)]
    pub(super) ecosystem: Text,
    #[serde(default)]
    pub(super) name: Text,
}

#[derive(Deserialize, Default)]
pub(super) struct EcosystemSpecific {
    #[serde(default)]
    pub(super) severity: Text,
    #[serde(default)]
    pub(super) urgency: Text,
    #[serde(default)]
    pub(super) ubuntu_priority: Text,
    #[serde(default)]
    pub(super) rpm_modularity: Text,
}

#[derive(Deserialize, Default)]
pub(super) struct AffectedSpecific {
    #[serde(default)]
    pub(super) last_known_affected_version_range: Text,
    #[serde(default)]
    pub(super) cwes: Option<Vec<Object<Cwe>>>,
}

#[derive(Deserialize, Default)]
pub(super) struct Cwe {
    #[serde(default, rename = "cweId")]
    pub(super) id: Text,
}

#[derive(Deserialize)]
pub(super) struct OsvRange {
    #[serde(default, rename = "type")]
    pub(super) kind: Text,
    #[serde(default)]
    pub(super) events: Option<Vec<OsvEvent>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct OsvEvent {
    #[serde(default)]
    pub(super) introduced: Text,
    #[serde(default)]
    pub(super) fixed: Text,
    #[serde(default)]
    pub(super) last_affected: Text,
    #[serde(default)]
    pub(super) limit: Text,
}

#[derive(Deserialize)]
pub(super) struct OsvSeverity {
    #[serde(default, rename = "type")]
    pub(super) kind: Text,
    #[serde(default)]
    pub(super) score: Text,
}

/// Ratings, or the lone word that some tools write instead.
#[derive(Default)]
pub(super) struct Severities {
    pub(super) list: Vec<OsvSeverity>,
    pub(super) word: Option<String>,
}

impl<'de> Deserialize<'de> for Severities {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Any::<OsvSeverity>::deserialize(deserializer)? {
            Any::List(list) => Self { list, word: None },
            Any::Text(word) => Self { list: Vec::new(), word: Some(word) },
            Any::Exact(_) | Any::Other => Self::default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::OsvRecord;

    #[test]
    fn a_word_where_a_list_or_an_object_belongs_does_not_cost_the_record() {
        let text = r#"{"id": "GHSA-1", "severity": "High", "database_specific": "<Any value>", "aliases": null,
            "affected": [{"package": {"ecosystem": "npm", "name": "a"}, "versions": 19, "database_specific": 1,
            "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}]}]}"#;
        let record: OsvRecord = serde_json::from_str(text).expect("lenient");
        assert_eq!(record.severity.word.as_deref(), Some("High"));
        assert_eq!(record.database_specific.0.severity.0, None);
        let affected = record.affected.expect("a list");
        assert!(!affected[0].versions.complete, "the count in place of the list is noticed");
        assert_eq!(affected[0].ranges.as_ref().map(Vec::len), Some(1));
    }

    #[test]
    fn an_unquoted_fraction_in_yaml_is_no_version_because_its_digits_are_lost() {
        let record: OsvRecord =
            yaml_serde::from_str("id: PYSEC-1\naffected:\n- versions: [1.10, 2, '3.0']\n").expect("yaml");
        let affected = record.affected.expect("a list");
        assert_eq!(affected[0].versions.list, ["2", "3.0"]);
        assert!(!affected[0].versions.complete);
    }
}
