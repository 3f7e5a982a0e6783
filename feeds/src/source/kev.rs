//! CISA's catalogue of known exploited vulnerabilities, as JSON or as CSV.

use serde::Deserialize;
use serde_json::value::RawValue;

use domain::exploitation::KnownExploited;
use domain::source::SourceId;
use domain::time::{InvalidTimestamp, Timestamp};

use super::csv;
use super::lenient::Text;
use super::shape::{Shape, has};
use crate::ingest::Ingested;

const EMPTY: &str = "the catalogue has no entries: fetch it again";

#[derive(Deserialize)]
struct Catalogue<'a> {
    #[serde(rename = "dateReleased", default)]
    released: Text,
    count: Option<u64>,
    #[serde(borrow)]
    vulnerabilities: Vec<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Entry {
    #[serde(rename = "cveID")]
    cve: Text,
    vulnerability_name: Text,
    date_added: Text,
    due_date: Text,
    required_action: Text,
    known_ransomware_campaign_use: Text,
}

pub(super) fn is_json(shape: &Shape) -> bool {
    matches!(shape, Shape::Json { keys, .. } if has(keys, &["catalogVersion", "vulnerabilities"]))
}

pub(super) fn is_csv(shape: &Shape) -> bool {
    matches!(shape, Shape::Csv { first, .. } if first.starts_with("cveID,"))
}

pub(super) fn read_json(document: &str, bytes: &[u8], into: &mut Ingested) {
    let source = SourceId::new("kev");
    let catalogue: Catalogue<'_> = match serde_json::from_slice(bytes) {
        Ok(catalogue) => catalogue,
        Err(error) => return into.reject(Some(source), document, None, error.to_string()),
    };
    let found = catalogue.vulnerabilities.len() as u64;
    if found == 0 {
        return into.reject(Some(source), document, None, EMPTY.to_owned());
    }
    if let Some(count) = catalogue.count.filter(|count| *count != found) {
        let reason = format!("the catalogue says that it has {count} entries and has {found}: fetch it again");
        into.reject(Some(source.clone()), document, None, reason);
    }
    match catalogue.released.as_deref().map(Timestamp::parse_lenient) {
        Some(Ok(released)) => into.state_date(&source, released),
        _ => into.note(&source, "catalogue without a release date", || document.to_owned()),
    }
    for (index, entry) in catalogue.vulnerabilities.into_iter().enumerate() {
        let entry = serde_json::from_str(entry.get()).map_err(|error| error.to_string());
        accept(&source, &format!("{document} entry {}", index + 1), entry, into);
    }
}

pub(super) fn read_csv(document: &str, bytes: &[u8], into: &mut Ingested) {
    let source = SourceId::new("kev");
    let text = String::from_utf8_lossy(bytes);
    let mut rows = csv::records(text.strip_prefix('\u{feff}').unwrap_or(&text));
    let header = rows.next().map(|(_, header)| header).unwrap_or_default();
    for (line, mut row) in rows {
        let entry = if row.len() == header.len() {
            let mut field = |name: &str| {
                let index = header.iter().position(|column| column == name);
                Text(index.and_then(|index| row.get_mut(index)).map(std::mem::take).filter(|text| !text.is_empty()))
            };
            Ok(Entry {
                cve: field("cveID"),
                vulnerability_name: field("vulnerabilityName"),
                date_added: field("dateAdded"),
                due_date: field("dueDate"),
                required_action: field("requiredAction"),
                known_ransomware_campaign_use: field("knownRansomwareCampaignUse"),
            })
        } else {
            Err(format!("{} fields, but {} columns", row.len(), header.len()))
        };
        accept(&source, &format!("{document}:{line}"), entry, into);
    }
    if into.kev.is_empty() && into.problems.is_empty() {
        into.reject(Some(source.clone()), document, None, EMPTY.to_owned());
    }
    // The table has no date of its own: it speaks for the day of its newest entry.
    if let Some(newest) = into.kev.iter().map(|entry| entry.date_added).max() {
        into.state_date(&source, newest);
    }
}

fn accept(source: &SourceId, place: &str, entry: Result<Entry, String>, into: &mut Ingested) {
    let name = entry.as_ref().ok().and_then(|entry| entry.cve.0.clone());
    match entry.and_then(known_exploited) {
        Ok(known) => into.accept_exploited(source, known),
        Err(reason) => into.reject(Some(source.clone()), place, name.as_deref(), reason),
    }
}

fn known_exploited(entry: Entry) -> Result<KnownExploited, String> {
    let cve = entry.cve.0.filter(|cve| cve.starts_with("CVE-")).ok_or("no CVE id")?;
    let date = |text: &str| Timestamp::parse_lenient(text).map_err(|error: InvalidTimestamp| error.to_string());
    Ok(KnownExploited {
        cve,
        date_added: date(entry.date_added.as_deref().ok_or("no date added")?)?,
        due_date: entry.due_date.as_deref().map(date).transpose()?,
        name: entry.vulnerability_name.0.unwrap_or_default(),
        required_action: entry.required_action.0.unwrap_or_default(),
        ransomware: entry
            .known_ransomware_campaign_use
            .as_deref()
            .is_some_and(|used| used.eq_ignore_ascii_case("known")),
    })
}
