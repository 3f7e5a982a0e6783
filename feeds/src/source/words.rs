//! What records of CVEs have in common, whoever publishes them: texts in languages, vectors, tagged links.

use serde::Deserialize;

use domain::advisory::Reference;
use domain::severity::Rating;
use domain::source::SourceId;
use domain::time::Timestamp;

use super::lenient::{Object, Text, Texts};
use super::ratings;
use crate::ingest::Ingested;

#[derive(Deserialize, Default)]
pub(super) struct Words {
    #[serde(default)]
    lang: Text,
    #[serde(default)]
    value: Text,
}

/// The first text in English.
pub(super) fn english(words: impl IntoIterator<Item = Object<Words>>) -> Option<String> {
    let is_english =
        |words: &Words| words.lang.as_deref().is_some_and(|lang| lang.to_ascii_lowercase().starts_with("en"));
    words.into_iter().map(|Object(words)| words).filter(is_english).find_map(|words| words.value.0)
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct Vector {
    #[serde(default)]
    vector_string: Text,
}

impl Vector {
    /// None without a vector, and for one that cannot be read, of which the report of `source` tells.
    pub(super) fn rated(&self, source: &SourceId, id: &str, by: &SourceId, into: &mut Ingested) -> Option<Rating> {
        let read = ratings::vector(by, self.vector_string.as_deref()?);
        let note = |unreadable: ratings::Unreadable| {
            into.note(source, "CVSS vector that cannot be read: ignored", || format!("{id}: {}", unreadable.0));
        };
        read.map_err(note).ok()
    }
}

#[derive(Deserialize, Default)]
pub(super) struct Link {
    #[serde(default)]
    url: Text,
    #[serde(default)]
    tags: Texts,
}

impl Link {
    /// NVD writes `Vendor Advisory`, the CVE list `vendor-advisory`.
    pub(super) fn reference(self) -> Option<Reference> {
        let tagged = |tag: &str| self.tags.0.iter().any(|other| other.replace(' ', "-").eq_ignore_ascii_case(tag));
        let kind = match () {
            () if tagged("patch") => "FIX",
            () if tagged("vendor-advisory") => "ADVISORY",
            () if tagged("exploit") => "EVIDENCE",
            () => "WEB",
        };
        self.url.0.map(|url| Reference { kind: kind.to_owned(), url })
    }
}

pub(super) fn date(text: &Text) -> Option<Timestamp> {
    text.as_deref().and_then(|text| Timestamp::parse_lenient(text).ok())
}
