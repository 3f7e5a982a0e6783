//! The National Vulnerability Database (JSON 2.0), and corrections of it.
//!
//! Pages of the API and the yearly files have one form; archives hold one record a file, and the
//! corrections that Anchore publishes hold configurations alone.

mod configuration;

pub(super) use configuration::{Configuration, Said, Statements};

use std::fmt;
use std::io::{self, BufReader, Read};

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use domain::advisory::Record;
use domain::severity::Rating;
use domain::source::SourceId;
use domain::time::Timestamp;

use super::lenient::{Object, Text};
use super::shape::{Shape, has};
use super::words::{Link, Vector, Words, date, english};
use crate::ingest::Ingested;

/// How NVD signs its own ratings, and CISA its.
const NVD: &str = "nvd@nist.gov";
const CISA: &str = "134c704f-9b21-4f2e-91b3-4a467353bcc0";

pub(super) fn is_page(shape: &Shape) -> bool {
    matches!(shape, Shape::Json { keys, .. } if has(keys, &["resultsPerPage", "vulnerabilities"]))
}

/// One record, alone or as the API wraps it; a correction.
pub(super) fn is_record(shape: &Shape) -> bool {
    let bare = |keys: &[String]| has(keys, &["sourceIdentifier", "vulnStatus"]);
    let Shape::Json { keys, nested } = shape else { return false };
    bare(keys) || (has(keys, &["cve"]) && (bare(nested) || has(keys, &["_annotation"])))
}

#[derive(Deserialize, Default)]
struct Entry {
    #[serde(default)]
    cve: Object<Cve>,
    #[serde(default, rename = "_annotation")]
    annotation: Object<Annotation>,
}

#[derive(Deserialize, Default)]
struct Annotation {
    #[serde(default)]
    cve_id: Text,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Cve {
    #[serde(default)]
    id: Text,
    #[serde(default)]
    published: Text,
    #[serde(default)]
    last_modified: Text,
    #[serde(default)]
    vuln_status: Text,
    #[serde(default)]
    descriptions: Vec<Object<Words>>,
    #[serde(default)]
    metrics: Object<Metrics>,
    #[serde(default)]
    weaknesses: Vec<Object<Weakness>>,
    #[serde(default)]
    configurations: Vec<Object<Configuration>>,
    #[serde(default)]
    references: Vec<Object<Link>>,
}

#[derive(Deserialize, Default)]
struct Metrics {
    #[serde(default, rename = "cvssMetricV40")]
    v40: Vec<Object<Metric>>,
    #[serde(default, rename = "cvssMetricV31")]
    v31: Vec<Object<Metric>>,
    #[serde(default, rename = "cvssMetricV30")]
    v30: Vec<Object<Metric>>,
    #[serde(default, rename = "cvssMetricV2")]
    v2: Vec<Object<Metric>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Metric {
    #[serde(default)]
    source: Text,
    #[serde(default)]
    cvss_data: Object<Vector>,
}

#[derive(Deserialize, Default)]
struct Weakness {
    #[serde(default)]
    description: Vec<Object<Words>>,
}

pub(super) fn read_page(document: &str, bytes: &mut dyn Read, into: &mut Ingested) -> io::Result<()> {
    let mut page = Page { document, read: Ingested::new(), timestamp: None };
    let mut deserializer = serde_json::Deserializer::from_reader(BufReader::with_capacity(1 << 16, bytes));
    match page.deserialize(&mut deserializer).and_then(|()| deserializer.end()) {
        Ok(()) => {
            into.absorb(page.read);
            if let Some(at) = page.timestamp {
                into.state_date(&SourceId::new("nvd"), at);
            }
            Ok(())
        }
        Err(error) if error.is_io() => Err(error.into()),
        // Half a page would make the other half look like software without vulnerabilities.
        Err(error) => {
            let reason = format!("the whole document is left out: {error}");
            into.reject(Some(SourceId::new("nvd")), document, None, reason);
            Ok(())
        }
    }
}

pub(super) fn read_record(document: &str, bytes: &[u8], into: &mut Ingested) {
    let wrapped = match serde_json::from_slice::<Object<Entry>>(bytes) {
        Ok(Object(entry)) => entry,
        Err(error) => return into.reject(Some(SourceId::new("nvd")), document, None, error.to_string()),
    };
    match (wrapped.annotation.0.cve_id.0, wrapped.cve.0) {
        (Some(id), cve) => take(SourceId::new("anchore-nvd"), document, Cve { id: Text(Some(id)), ..cve }, into),
        (None, cve) if cve.id.0.is_some() => take(SourceId::new("nvd"), document, cve, into),
        (None, _) => match serde_json::from_slice::<Object<Cve>>(bytes) {
            Ok(Object(cve)) => take(SourceId::new("nvd"), document, cve, into),
            Err(error) => into.reject(Some(SourceId::new("nvd")), document, None, error.to_string()),
        },
    }
}

fn take(source: SourceId, document: &str, cve: Cve, into: &mut Ingested) {
    let Some(id) = cve.id.0.filter(|id| id.starts_with("CVE-")) else {
        return into.reject(Some(source), document, None, "record without a CVE id".to_owned());
    };
    let mut record = Record::new(source.clone(), &id);
    record.published = date(&cve.published);
    record.modified = date(&cve.last_modified);
    if cve.vuln_status.as_deref().is_some_and(|status| status.eq_ignore_ascii_case("rejected")) {
        record.withdrawn = record.modified.or(record.published).or(Some(Timestamp::UNIX_EPOCH));
    }
    record.description = english(cve.descriptions);
    record.cwes = cve.weaknesses.into_iter().filter_map(|Object(weakness)| english(weakness.description)).collect();
    record.ratings = rated(&source, &id, cve.metrics.0, into);
    record.references = cve.references.into_iter().filter_map(|Object(link)| link.reference()).collect();
    let mut statements = Statements::new(source, &id);
    for Object(configuration) in &cve.configurations {
        configuration.each(&mut |one, sign| statements.add(one, sign, into));
    }
    record.affected = statements.finish();
    into.accept(record);
}

fn rated(source: &SourceId, id: &str, metrics: Metrics, into: &mut Ingested) -> Vec<Rating> {
    let Metrics { v40, v31, v30, v2 } = metrics;
    let mut rated = Vec::new();
    for Object(metric) in v40.into_iter().chain(v31).chain(v30).chain(v2) {
        let by = match metric.source.as_deref() {
            Some(NVD) => SourceId::new("nvd"),
            Some(CISA) => SourceId::new("cisa-adp"),
            // NVD passes on what the numbering authority says.
            _ => SourceId::new("cve"),
        };
        rated.extend(metric.cvss_data.0.rated(source, id, &by, into));
    }
    rated
}

/// A page that is being read, record by record.
struct Page<'d> {
    document: &'d str,
    read: Ingested,
    timestamp: Option<Timestamp>,
}

impl Page<'_> {
    fn deserialize<'de, D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(Top(self))
    }
}

struct Top<'p, 'd>(&'p mut Page<'d>);

impl<'de> Visitor<'de> for Top<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an NVD page")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "vulnerabilities" => map.next_value_seed(Records(self.0))?,
                "timestamp" => {
                    let text: Text = map.next_value()?;
                    self.0.timestamp = date(&text);
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

struct Records<'p, 'd>(&'p mut Page<'d>);

impl<'de> DeserializeSeed<'de> for Records<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Records<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(Object(entry)) = seq.next_element::<Object<Entry>>()? {
            take(SourceId::new("nvd"), self.0.document, entry.cve.0, &mut self.0.read);
        }
        Ok(())
    }
}
