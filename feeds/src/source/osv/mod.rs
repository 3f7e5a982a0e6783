//! OSV, the format of some forty advisory databases, in JSON, JSON-lines and YAML.
//!
//! The record id says whose record it is (`GHSA-` GitHub's, `ALSA-` AlmaLinux's), whichever
//! archive it came in. A withdrawn record is kept with the date: that it is withdrawn is what
//! it has to say. A record that affects no package that can be matched is kept too, for its
//! text, its ratings and its names.

mod affected;
mod events;
mod model;
mod ratings;
mod relations;

use std::collections::BTreeSet;

use domain::advisory::{Record, Reference};
use domain::severity::{Rating, Severity};
use domain::source::SourceId;
use domain::time::Timestamp;

use super::lenient::Text;
use super::registry::{Relation, SourceInfo, by_prefix};
use super::shape::{Shape, has};
use crate::ingest::Ingested;
use affected::{Owner, assertions};
use model::{OsvAffected, OsvRecord, OsvReference, OsvSeverity};
use ratings::Unreadable;
use relations::Relations;

pub(super) fn is_json(shape: &Shape) -> bool {
    shape.json_keys().is_some_and(is_osv)
}

pub(super) fn is_yaml(shape: &Shape) -> bool {
    shape.yaml_keys().is_some_and(is_osv)
}

// `id` and `modified` alone would be any STIX object.
fn is_osv(keys: &[String]) -> bool {
    let prose = ["details", "summary", "schema_version", "published", "withdrawn", "aliases"];
    has(keys, &["id", "affected"]) || prose.iter().any(|&part| has(keys, &["id", "modified", part]))
}

pub(super) fn read_json(document: &str, bytes: &[u8], into: &mut Ingested) {
    match serde_json::from_slice(bytes) {
        Ok(record) => convert(document, record, into),
        Err(error) => into.reject(by_document(document), document, None, error.to_string()),
    }
}

pub(super) fn read_yaml(document: &str, bytes: &[u8], into: &mut Ingested) {
    match yaml_serde::from_slice(bytes) {
        Ok(record) => convert(document, record, into),
        Err(error) => into.reject(by_document(document), document, None, error.to_string()),
    }
}

/// Reads a piece of a JSON-lines file; `document` ends with the number of its first line. A
/// line that cannot be read does not cost the others.
pub(crate) fn read_lines(document: &str, bytes: &[u8], into: &mut Ingested) {
    let (file, first) = document.rsplit_once(':').unwrap_or((document, "1"));
    let first: usize = first.parse().unwrap_or(1);
    for (index, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
        if !line.trim_ascii().is_empty() {
            read_json(&format!("{file}:{}", first + index), line, into);
        }
    }
}

// When the content does not say whose record it is, the file name may.
fn by_document(document: &str) -> Option<SourceId> {
    by_prefix(document.rsplit('/').next()?).map(SourceInfo::source_id)
}

fn convert(document: &str, osv: OsvRecord, into: &mut Ingested) {
    let Some(id) = osv.id.0 else {
        return into.reject(by_document(document), document, None, "record without an id".to_owned());
    };
    let Some(info) = by_prefix(&id) else {
        let reason = "the id has no prefix of a known database".to_owned();
        return into.reject(None, document, Some(&id), reason);
    };
    let source = info.source_id();
    let withdrawn = match osv.withdrawn.as_deref().map(Timestamp::parse_lenient).transpose() {
        Ok(withdrawn) => withdrawn,
        // Whether the record stands is its most important word: no guessing.
        Err(error) => return into.reject(Some(source), document, Some(&id), format!("withdrawn: {error}")),
    };
    let mut reader = Reader { source: &source, id: &id, into };
    let (published, modified) = (reader.date(&osv.published), reader.date(&osv.modified));
    let mut ratings = reader.ratings(&osv.severity.list);
    let words = [osv.severity.word.as_deref(), osv.database_specific.0.severity.as_deref()];
    ratings.extend(words.into_iter().flatten().filter_map(|word| reader.rating(ratings::word(&source, word))));
    if info.relation == Relation::Derived && ratings.is_empty() {
        ratings.extend(osv.summary.as_deref().and_then(|title| ratings::in_title(&source, title)));
    }
    let mut cwes: BTreeSet<String> = osv.database_specific.0.cwe_ids.0.into_iter().collect();
    let entries = reader.entries(osv.affected.unwrap_or_default(), &mut ratings, &mut cwes);
    let title = osv.summary.as_deref();
    let affected = assertions(&Owner { source: &source, record: &id, title }, entries, into);
    let relations = Relations::of(&id, info.relation, osv.aliases.0, osv.upstream.0, osv.related.0);
    dedup(&mut ratings);
    into.accept(Record {
        source,
        id,
        aliases: relations.aliases,
        upstream: relations.upstream,
        related: relations.related,
        title: osv.summary.0,
        description: osv.details.0,
        published,
        modified,
        withdrawn,
        ratings,
        cwes,
        references: osv.references.unwrap_or_default().into_iter().filter_map(reference).collect(),
        affected,
        fragment: false,
    });
}

struct Reader<'a> {
    source: &'a SourceId,
    id: &'a str,
    into: &'a mut Ingested,
}

impl Reader<'_> {
    /// A date after 1970: databases write zero for "not known".
    fn date(&mut self, text: &Text) -> Option<Timestamp> {
        match Timestamp::parse_lenient(text.as_deref()?) {
            Ok(at) => (at > Timestamp::UNIX_EPOCH).then_some(at),
            Err(error) => {
                self.into.note(self.source, "date that cannot be read: ignored", || format!("{}: {error}", self.id));
                None
            }
        }
    }

    fn rating<T>(&mut self, rating: Result<Option<T>, Unreadable>) -> Option<T> {
        rating.unwrap_or_else(|Unreadable(text)| {
            self.into.note(self.source, "rating that cannot be read: ignored", || format!("{}: {text}", self.id));
            None
        })
    }

    fn ratings(&mut self, stated: &[OsvSeverity]) -> Vec<Rating> {
        stated.iter().filter_map(|severity| self.rating(ratings::stated(self.source, severity))).collect()
    }

    /// Pairs the entries with the levels of their own vectors, where packages differ; the
    /// vectors themselves join the record's.
    fn entries(
        &mut self,
        entries: Vec<OsvAffected>,
        ratings: &mut Vec<Rating>,
        cwes: &mut BTreeSet<String>,
    ) -> Vec<(OsvAffected, Option<Severity>)> {
        let several = entries.len() > 1;
        let mut rated = Vec::with_capacity(entries.len());
        for mut entry in entries {
            let own = self.ratings(&entry.severity.list);
            let level = own.iter().map(|rating| rating.severity).max().filter(|_| several);
            ratings.extend(own);
            let listed = entry.database_specific.0.cwes.take().unwrap_or_default();
            cwes.extend(listed.into_iter().filter_map(|cwe| cwe.0.id.0));
            rated.push((entry, level));
        }
        rated
    }
}

fn dedup(ratings: &mut Vec<Rating>) {
    let mut seen: Vec<Rating> = Vec::with_capacity(ratings.len());
    for rating in ratings.drain(..) {
        if !seen.contains(&rating) {
            seen.push(rating);
        }
    }
    *ratings = seen;
}

fn reference(reference: OsvReference) -> Option<Reference> {
    Some(Reference { kind: reference.kind.0.unwrap_or_else(|| "WEB".to_owned()), url: reference.url.0? })
}
