//! What a Trivy DB says of a vulnerability, whatever package it is in.

use std::collections::{BTreeMap, BTreeSet};

use domain::advisory::Advisory;
use domain::severity::{Rating, RatingScheme, Severity};
use serde::Serialize;
use serde_json::Number;

use super::advisory::severity_number;
use super::platform::rating_id;

/// Fields in the order in which Go writes them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Description<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    severity: &'static str,
    #[serde(rename = "CweIDs", skip_serializing_if = "BTreeSet::is_empty")]
    cwe_ids: &'a BTreeSet<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    vendor_severity: BTreeMap<&'a str, u8>,
    #[serde(rename = "CVSS", skip_serializing_if = "BTreeMap::is_empty")]
    cvss: BTreeMap<&'a str, Cvss<'a>>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    references: BTreeSet<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    published_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_modified_date: Option<String>,
}

#[derive(Debug, Default, Serialize)]
struct Cvss<'a> {
    #[serde(rename = "V2Vector", skip_serializing_if = "Option::is_none")]
    v2_vector: Option<&'a str>,
    #[serde(rename = "V3Vector", skip_serializing_if = "Option::is_none")]
    v3_vector: Option<&'a str>,
    #[serde(rename = "V40Vector", skip_serializing_if = "Option::is_none")]
    v40_vector: Option<&'a str>,
    #[serde(rename = "V2Score", skip_serializing_if = "Option::is_none")]
    v2_score: Option<Number>,
    #[serde(rename = "V3Score", skip_serializing_if = "Option::is_none")]
    v3_score: Option<Number>,
    #[serde(rename = "V40Score", skip_serializing_if = "Option::is_none")]
    v40_score: Option<Number>,
}

pub(super) fn description(advisory: &Advisory) -> Vec<u8> {
    let newest_first = newest_first(&advisory.ratings);
    let description = Description {
        title: advisory.title.as_ref().map(|title| title.value.as_str()),
        description: advisory.description.as_ref().map(|text| text.value.as_str()),
        severity: word(overall(&newest_first)),
        cwe_ids: &advisory.cwes,
        vendor_severity: vendor_severity(&newest_first),
        cvss: cvss(&newest_first),
        references: advisory.references.iter().map(|reference| reference.url.as_str()).collect(),
        published_date: advisory.published.map(|at| at.to_string()),
        last_modified_date: advisory.modified.map(|at| at.to_string()),
    };
    serde_json::to_vec(&description).expect("a description holds only strings, numbers and lists")
}

/// Trivy takes a source's newest kind of rating.
fn newest_first(ratings: &[Rating]) -> Vec<&Rating> {
    let mut sorted: Vec<&Rating> = ratings.iter().collect();
    sorted.sort_by_key(|rating| (std::cmp::Reverse(newness(rating.scheme)), &rating.source));
    sorted
}

const fn newness(scheme: RatingScheme) -> u8 {
    match scheme {
        RatingScheme::Vendor => 5,
        RatingScheme::CvssV40 => 4,
        RatingScheme::CvssV31 => 3,
        RatingScheme::CvssV30 => 2,
        RatingScheme::CvssV2 => 1,
    }
}

fn vendor_severity<'a>(ratings: &[&'a Rating]) -> BTreeMap<&'a str, u8> {
    let mut levels = BTreeMap::new();
    for rating in ratings {
        if let Some(number) = severity_number(rating.severity) {
            levels.entry(rating_id(rating.source.as_str())).or_insert(number);
        }
    }
    levels
}

fn cvss<'a>(ratings: &[&'a Rating]) -> BTreeMap<&'a str, Cvss<'a>> {
    let mut all: BTreeMap<&str, Cvss<'a>> = BTreeMap::new();
    for rating in ratings {
        let Some(vector) = rating.vector.as_deref() else { continue };
        let score = rating.score_tenths.map(tenths);
        let of = all.entry(rating_id(rating.source.as_str())).or_default();
        let (place, number) = match rating.scheme {
            RatingScheme::Vendor => continue,
            RatingScheme::CvssV2 => (&mut of.v2_vector, &mut of.v2_score),
            RatingScheme::CvssV30 | RatingScheme::CvssV31 => (&mut of.v3_vector, &mut of.v3_score),
            RatingScheme::CvssV40 => (&mut of.v40_vector, &mut of.v40_score),
        };
        if place.is_none() {
            (*place, *number) = (Some(vector), score);
        }
    }
    all.retain(|_, cvss| cvss.v2_vector.is_some() || cvss.v3_vector.is_some() || cvss.v40_vector.is_some());
    all
}

/// Whole numbers are written without a fraction, as Go does.
fn tenths(tenths: u8) -> Number {
    if tenths.is_multiple_of(10) {
        return Number::from(tenths / 10);
    }
    Number::from_f64(f64::from(tenths) / 10.0).unwrap_or_else(|| Number::from(0))
}

/// The word that Trivy falls back to when no rating is of the source that it asks for.
fn overall(ratings: &[&Rating]) -> Severity {
    let of = |source: &str| ratings.iter().find(|rating| rating.source.as_str() == source);
    let preferred = ["nvd", "ghsa"].into_iter().find_map(of).or(ratings.first());
    preferred.map(|rating| rating.severity).unwrap_or_default()
}

const fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Unknown => "UNKNOWN",
        Severity::Negligible | Severity::Low => "LOW",
        Severity::Medium => "MEDIUM",
        Severity::High => "HIGH",
        Severity::Critical => "CRITICAL",
    }
}
