//! The Ruby advisory database, in its own YAML.
//!
//! It states which versions are *not* vulnerable (patched or never affected); the rest is. One
//! advisory stands in a file per gem, so records are fragments, named after the file.

use serde::Deserialize;

use domain::advisory::{Affected, PackageKey, Record, Reference};
use domain::ecosystem::{Ecosystem, EcosystemKind};
use domain::severity::{Rating, RatingScheme, Severity};
use domain::source::SourceId;
use domain::time::Timestamp;
use domain::version::{Scheme, complement, parse_constraints};

use super::lenient::{Object, Text, Texts, Versions};
use super::shape::{Shape, has};
use crate::ingest::Ingested;

#[derive(Deserialize)]
struct GemAdvisory {
    gem: Text,
    #[serde(default)]
    platform: Text,
    #[serde(default)]
    cve: Text,
    #[serde(default)]
    ghsa: Text,
    #[serde(default)]
    osvdb: Text,
    #[serde(default)]
    url: Text,
    #[serde(default)]
    title: Text,
    #[serde(default)]
    date: Text,
    #[serde(default)]
    description: Text,
    #[serde(default)]
    cvss_v2: Option<f64>,
    #[serde(default)]
    cvss_v3: Option<f64>,
    #[serde(default)]
    cvss_v4: Option<f64>,
    #[serde(default)]
    patched_versions: Versions,
    #[serde(default)]
    unaffected_versions: Versions,
    #[serde(default)]
    related: Object<Related>,
}

#[derive(Deserialize, Default)]
struct Related {
    #[serde(default)]
    cve: Texts,
    #[serde(default)]
    ghsa: Texts,
    #[serde(default)]
    url: Texts,
}

pub(super) fn is_yaml(shape: &Shape) -> bool {
    shape.yaml_keys().is_some_and(|keys| has(keys, &["gem", "title"]))
}

pub(super) fn read_yaml(document: &str, bytes: &[u8], into: &mut Ingested) {
    let source = SourceId::new("rubysec");
    let id = file_stem(document);
    let record = yaml_serde::from_slice(bytes)
        .map_err(|error| error.to_string())
        .and_then(|advisory| convert(&source, id, advisory, into));
    match record {
        Ok(record) => into.accept(record),
        Err(reason) => into.reject(Some(source), document, Some(id), reason),
    }
}

fn file_stem(document: &str) -> &str {
    let name = document.rsplit('/').next().unwrap_or(document);
    name.strip_suffix(".yml").or_else(|| name.strip_suffix(".yaml")).unwrap_or(name)
}

fn convert(source: &SourceId, id: &str, advisory: GemAdvisory, into: &mut Ingested) -> Result<Record, String> {
    if !["CVE-", "GHSA-", "OSVDB-"].iter().any(|prefix| id.starts_with(prefix)) {
        return Err("the file is not named after a CVE, GHSA or OSVDB id".to_owned());
    }
    let ratings = ratings(source, &advisory);
    let gem = advisory.gem.0.ok_or("names no gem")?;
    let safe = constraints(&advisory.patched_versions)?.chain(constraints(&advisory.unaffected_versions)?);
    let mut not_vulnerable = Vec::new();
    for text in safe {
        not_vulnerable.extend(parse_constraints(Scheme::Gem, text).map_err(|error| format!("{text:?}: {error}"))?);
    }
    let key = PackageKey::new(Ecosystem::rolling(EcosystemKind::RubyGems), &gem);
    let mut affected = Affected::new(source.clone(), id, key);
    affected.ranges = complement(Scheme::Gem, &not_vulnerable).map_err(|error| error.to_string())?;
    if let Some(platform) = advisory.platform.0 {
        into.note(source, "limited to one platform: taken for all", || format!("{id}: {gem} on {platform}"));
    }
    let mut record = Record { fragment: true, ..Record::new(source.clone(), id) };
    // Kept for its text: that every version is safe is a statement too, if a strange one.
    if affected.ranges.is_empty() {
        into.note(source, "no version is vulnerable", || format!("{id}: {gem}"));
    } else {
        record.affected.push(affected);
    }
    let names = [("CVE-", advisory.cve.0), ("GHSA-", advisory.ghsa.0), ("OSVDB-", advisory.osvdb.0)];
    let names = names.into_iter().filter_map(|(prefix, name)| Some(format!("{prefix}{}", name?)));
    record.aliases = names.filter(|name| name != id).collect();
    let related = advisory.related.0;
    let cves = related.cve.0.into_iter().map(|cve| format!("CVE-{cve}"));
    record.related = cves.chain(related.ghsa.0.into_iter().map(|ghsa| format!("GHSA-{ghsa}"))).collect();
    record.title = advisory.title.0;
    record.description = advisory.description.0;
    record.published = advisory.date.as_deref().and_then(|date| Timestamp::parse_lenient(date).ok());
    record.ratings = ratings;
    let home = advisory.url.0.map(|url| Reference { kind: "ADVISORY".to_owned(), url });
    let others = related.url.0.into_iter().map(|url| Reference { kind: "WEB".to_owned(), url });
    record.references = home.into_iter().chain(others).collect();
    Ok(record)
}

fn constraints(versions: &Versions) -> Result<impl Iterator<Item = &str>, String> {
    // Leaving one out would call patched versions vulnerable.
    if !versions.complete {
        return Err("patched or unaffected versions are no list of texts".to_owned());
    }
    Ok(versions.list.iter().map(String::as_str))
}

// Only scores are given, without their vectors. Which minor version of CVSS 3 is not said.
fn ratings(source: &SourceId, advisory: &GemAdvisory) -> Vec<Rating> {
    let scores = [
        (RatingScheme::CvssV2, advisory.cvss_v2),
        (RatingScheme::CvssV31, advisory.cvss_v3),
        (RatingScheme::CvssV40, advisory.cvss_v4),
    ];
    let rating = |(scheme, score): (RatingScheme, Option<f64>)| {
        let score = score.filter(|score| (0.0..=10.0).contains(score))?;
        let severity = match (scheme, Severity::from_score(score)) {
            // CVSS 2 has no "critical".
            (RatingScheme::CvssV2, Severity::Critical) => Severity::High,
            (_, severity) => severity,
        };
        let score_tenths = Some((score * 10.0).round() as u8);
        Some(Rating { source: source.clone(), scheme, vector: None, score_tenths, severity })
    };
    scores.into_iter().filter_map(rating).collect()
}

#[cfg(test)]
mod tests {
    use super::file_stem;

    #[test]
    fn an_advisory_is_named_after_its_file() {
        assert_eq!(file_stem("gems/rack/CVE-2026-1.yml"), "CVE-2026-1");
        assert_eq!(file_stem("GHSA-a.b-c.yaml"), "GHSA-a.b-c");
    }
}
