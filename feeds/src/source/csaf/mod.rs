//! CSAF 2.0, advisories and VEX, of the vendors whose products are matched: Red Hat and SUSE.
//!
//! A document makes one record for each vulnerability in it, under the CVE id and as a fragment,
//! because an erratum and the vendor's VEX document speak of the same one. A document is held in
//! memory while it is read (the largest, of the kernel, have some 100 MB), so it is bound by the
//! limit on documents.

mod model;
mod products;
mod redhat;
mod suse;

use std::collections::HashMap;

use domain::advisory::{Affected, Record, Reference, Status};
use domain::severity::{Rating, Severity};
use domain::source::SourceId;
use domain::time::Timestamp;

use super::lenient::Text;
use super::ratings;
use super::rpm::Statements;
use super::shape::{Shape, has};
use crate::ingest::Ingested;
use model::{Csaf, Header, Vulnerability};
use products::{Part, Products};

pub(super) fn is_json(shape: &Shape) -> bool {
    let csaf =
        |keys: &[String]| has(keys, &["document", "vulnerabilities"]) || has(keys, &["document", "product_tree"]);
    // The header may be longer than the part of the document that is looked at.
    let header = |nested: &[String]| has(nested, &["category", "csaf_version"]);
    shape.json_keys().is_some_and(csaf)
        || matches!(shape, Shape::Json { keys, nested } if has(keys, &["document"]) && header(nested))
}

/// How a vendor writes.
struct Vendor {
    source: fn(id: &str) -> &'static str,
    statements: fn(&Reader<'_>, &mut Ingested) -> Statements,
}

fn vendor(header: &Header) -> Option<&'static Vendor> {
    match header.publisher.0.namespace.as_deref()?.trim_end_matches('/') {
        "https://www.redhat.com" => Some(&redhat::VENDOR),
        "https://www.suse.com" => Some(&suse::VENDOR),
        _ => None,
    }
}

pub(super) fn read_json(document: &str, bytes: &[u8], into: &mut Ingested) {
    let csaf: Csaf = match serde_json::from_slice(bytes) {
        Ok(csaf) => csaf,
        Err(error) => return into.reject(None, document, None, error.to_string()),
    };
    let header = &csaf.document.0;
    let Some(vendor) = vendor(header) else {
        let publisher = header.publisher.0.name.as_deref().unwrap_or("nobody");
        return into.leave_out(format!("CSAF of {}", publisher.chars().take(40).collect::<String>()), document);
    };
    let Some(id) = header.tracking.0.id.as_deref() else {
        return into.reject(None, document, None, "CSAF document without a tracking id".to_owned());
    };
    let source = SourceId::new((vendor.source)(id));
    let vulnerabilities = csaf.vulnerabilities.as_deref().unwrap_or_default();
    if vulnerabilities.is_empty() {
        into.note(&source, "document without a vulnerability: ignored", || id.to_owned());
    }
    let products = Products::of(&csaf.product_tree.0);
    for vulnerability in vulnerabilities {
        let Some(cve) = vulnerability.cve.as_deref() else {
            into.note(&source, "vulnerability without a CVE id: ignored", || id.to_owned());
            continue;
        };
        let reader = Reader { source: &source, document: id, cve, header, vulnerability, products: &products };
        let record = reader.record((vendor.statements)(&reader, into).all(&source), into);
        into.accept(record);
    }
}

/// One vulnerability of a document, and what it is read with.
struct Reader<'d> {
    source: &'d SourceId,
    /// The document's id.
    document: &'d str,
    cve: &'d str,
    header: &'d Header,
    vulnerability: &'d Vulnerability,
    products: &'d Products<'d>,
}

impl<'d> Reader<'d> {
    /// The products of each status that says something, with the status.
    fn statuses(&self, into: &mut Ingested) -> Vec<(Said, &'d str)> {
        let status = &self.vulnerability.product_status.0;
        for (name, ids) in [
            ("first_affected", &status.first_affected),
            ("first_fixed", &status.first_fixed),
            ("last_affected", &status.last_affected),
        ] {
            if !ids.0.is_empty() {
                into.note(self.source, "product status that no vendor here uses: ignored", || {
                    format!("{} {}: {name}", self.document, self.cve)
                });
            }
        }
        let lists = [
            (Said::Fixed, &status.fixed),
            (Said::Fixed, &status.recommended),
            (Said::Affected, &status.known_affected),
            (Said::NotAffected, &status.known_not_affected),
            (Said::UnderInvestigation, &status.under_investigation),
        ];
        lists.into_iter().flat_map(|(said, ids)| ids.0.iter().map(move |id| (said, id.as_str()))).collect()
    }

    fn part(&self, id: &str, into: &mut Ingested) -> Option<Part<'d>> {
        let part = self.products.part(id);
        if part.is_none() {
            into.note(self.source, "status of something that is no component of a product: ignored", || {
                format!("{} {}: {id}", self.document, self.cve)
            });
        }
        part
    }

    /// The vendor's rating by product; None for the one of all products.
    fn impacts(&self) -> HashMap<Option<&'d str>, Severity> {
        let mut impacts = HashMap::new();
        for threat in self.vulnerability.threats.iter().flatten() {
            let level = threat.details.as_deref().and_then(level);
            let Some(level) = level.filter(|_| threat.category.as_deref() == Some("impact")) else { continue };
            if threat.product_ids.0.is_empty() {
                impacts.insert(None, level);
            }
            impacts.extend(threat.product_ids.0.iter().map(|id| (Some(id.as_str()), level)));
        }
        if impacts.is_empty() {
            let whole = self.header.aggregate_severity.0.text.as_deref().and_then(level);
            impacts.extend(whole.map(|level| (None, level)));
        }
        impacts
    }

    fn record(&self, affected: Vec<Affected>, into: &mut Ingested) -> Record {
        let vulnerability = self.vulnerability;
        let mut record = Record { fragment: true, affected, ..Record::new(self.source.clone(), self.cve) };
        let tracking = &self.header.tracking.0;
        record.published = self.date(&vulnerability.release_date, into);
        if record.published.is_none() {
            record.published = self.date(&tracking.initial_release_date, into);
        }
        record.modified = self.date(&tracking.current_release_date, into);
        record.title = vulnerability.title.0.clone().filter(|title| title != self.cve);
        if record.title.is_none() && tracking.id.as_deref() == Some(self.cve) {
            record.title.clone_from(&self.header.title.0);
        }
        let described = |note: &&model::Note| {
            note.category.as_deref() == Some("description") || note.title.as_deref() == Some("CVE description")
        };
        record.description = vulnerability.notes.iter().flatten().find(described).and_then(|note| note.text.0.clone());
        record.cwes.extend(vulnerability.cwe.0.id.0.clone());
        record.ratings = self.ratings(into);
        record.references = vulnerability.references.iter().flatten().filter_map(reference).collect();
        record
    }

    fn ratings(&self, into: &mut Ingested) -> Vec<Rating> {
        let mut all = Vec::new();
        let worst = self.impacts().into_values().max();
        all.extend(worst.and_then(|level| ratings::word(self.source, level.as_str()).ok().flatten()));
        for score in self.vulnerability.scores.iter().flatten() {
            for cvss in [&score.cvss_v2, &score.cvss_v3, &score.cvss_v4] {
                let Some(vector) = cvss.0.vector.as_deref() else { continue };
                match ratings::vector(self.source, vector) {
                    Ok(rating) if !all.contains(&rating) => all.push(rating),
                    Ok(_) => {}
                    Err(ratings::Unreadable(text)) => {
                        into.note(self.source, "rating that cannot be read: ignored", || {
                            format!("{} {}: {text}", self.document, self.cve)
                        });
                    }
                }
            }
        }
        all
    }

    fn date(&self, text: &Text, into: &mut Ingested) -> Option<Timestamp> {
        let read = Timestamp::parse_lenient(text.as_deref()?);
        if let Err(error) = &read {
            into.note(self.source, "date that cannot be read: ignored", || format!("{}: {error}", self.document));
        }
        read.ok()
    }
}

/// What a status says of a product.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    Fixed,
    Affected,
    NotAffected,
    UnderInvestigation,
}

impl Said {
    const fn status(self) -> Status {
        match self {
            Self::Fixed | Self::Affected => Status::Affected,
            Self::NotAffected => Status::NotAffected,
            Self::UnderInvestigation => Status::UnderInvestigation,
        }
    }
}

fn level(word: &str) -> Option<Severity> {
    word.parse().ok().filter(|level| *level != Severity::Unknown)
}

/// The rating of one product, where products differ; else the record's own says it.
fn own_level(impacts: &HashMap<Option<&str>, Severity>, id: &str) -> Option<Severity> {
    let mut levels = impacts.values();
    let first = levels.next();
    if levels.all(|level| Some(level) == first) {
        return None;
    }
    impacts.get(&Some(id)).or_else(|| impacts.get(&None)).copied()
}

fn reference(link: &model::Link) -> Option<Reference> {
    let kind = if link.category.as_deref() == Some("self") { "ADVISORY" } else { "WEB" };
    Some(Reference { kind: kind.to_owned(), url: link.url.0.clone()? })
}
