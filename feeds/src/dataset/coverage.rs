//! What a data set claims to be complete for.
//!
//! "No advisory for this package" means "no known vulnerability" only where the data set was
//! made from a complete feed. A handful of stray records of a release must not make the rest
//! of that release look clean, so completeness is stated per ecosystem, signed with the
//! manifest, and silence outside of it counts as "not evaluated".

use std::collections::{BTreeMap, BTreeSet};

use domain::advisory::Advisory;
use domain::ecosystem::{Ecosystem, EcosystemKind, Releases};
use serde::{Deserialize, Serialize};

/// Below this many packages or advisories it is a sample, unless it is declared complete: a release of a
/// distribution, and an ecosystem without releases, of which samples are larger.
const RELEASE_MIN: usize = 25;
const ROLLING_MIN: usize = 200;
/// Of software by CPE: the whole of NVD has some 90,000 names, and its feed of recent changes some hundreds, which
/// must not make the rest of all software look clean.
const CPE_MIN: usize = 50_000;

/// Sources that speak of other people's ecosystems in passing. Their records count as findings and
/// never make an ecosystem complete.
const STRAY_SOURCES: &[&str] =
    &["anchore-nvd", "cisa-adp", "cve", "gsd", "malicious-packages", "oss-fuzz", "osv-cve", "root"];

/// One ecosystem (with release) of a data set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EcosystemCoverage {
    pub ecosystem: Ecosystem,
    /// Packages with at least one assertion.
    pub packages: u64,
    /// Advisories with at least one assertion.
    pub advisories: u64,
    /// May silence be taken for "no known vulnerability"?
    pub complete: bool,
}

fn complete_min(ecosystem: &Ecosystem) -> usize {
    match (ecosystem.kind, ecosystem.kind.releases()) {
        (EcosystemKind::Cpe, _) => CPE_MIN,
        (_, Releases::PerRelease) => RELEASE_MIN,
        (_, Releases::Rolling) => ROLLING_MIN,
    }
}

#[derive(Default)]
struct Seen<'a> {
    packages: BTreeSet<&'a str>,
    advisories: u64,
    last: Option<&'a str>,
    own_packages: BTreeSet<&'a str>,
    own_advisories: BTreeSet<&'a str>,
}

/// Counts, sorted by the name of the ecosystem. `declared` is what the maker of the data set vouches for.
pub fn coverage(advisories: &[Advisory], declared: &BTreeSet<Ecosystem>) -> Vec<EcosystemCoverage> {
    let mut seen: BTreeMap<String, (&Ecosystem, Seen<'_>)> = BTreeMap::new();
    for advisory in advisories {
        for affected in &advisory.affected {
            let ecosystem = &affected.package.ecosystem;
            let (_, seen) = seen.entry(ecosystem.to_string()).or_insert_with(|| (ecosystem, Seen::default()));
            seen.packages.insert(&affected.package.name);
            if seen.last != Some(&advisory.id) {
                seen.last = Some(&advisory.id);
                seen.advisories += 1;
            }
            if !STRAY_SOURCES.contains(&affected.source.as_str()) {
                seen.own_packages.insert(&affected.package.name);
                seen.own_advisories.insert(&affected.record);
            }
        }
    }
    let row = |(ecosystem, seen): (&Ecosystem, Seen<'_>)| EcosystemCoverage {
        ecosystem: ecosystem.clone(),
        packages: seen.packages.len() as u64,
        advisories: seen.advisories,
        complete: declared.contains(ecosystem)
            || seen.own_packages.len().min(seen.own_advisories.len()) >= complete_min(ecosystem),
    };
    seen.into_values().map(row).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use domain::advisory::{Affected, Interval, PackageKey, Record};
    use domain::source::SourceId;

    use super::coverage;
    use crate::merge::{MergeRules, merge};

    fn records(source: &str, ecosystem: &str, count: usize) -> Vec<Record> {
        let record = |number: usize| {
            let id = format!("X-{source}-{number:04}");
            let mut record = Record::new(SourceId::new(source), id.clone());
            let package = PackageKey::new(ecosystem.parse().expect("known"), &format!("p{number}"));
            let mut affected = Affected::new(SourceId::new(source), id, package);
            affected.ranges.push(Interval::all());
            record.affected.push(affected);
            record
        };
        (0..count).map(record).collect()
    }

    #[test]
    fn the_recent_part_of_nvd_is_not_the_whole() {
        let advisories = merge(records("nvd", "CPE", 2000), &MergeRules::default()).advisories;
        assert!(coverage(&advisories, &BTreeSet::new()).iter().all(|row| !row.complete));
        let declared = BTreeSet::from(["CPE".parse().expect("known")]);
        assert!(coverage(&advisories, &declared).iter().all(|row| row.complete), "whoever vouches for it");
    }

    #[test]
    fn names_of_software_are_all_there_from_fifty_thousand_on() {
        let is_complete = |count| {
            let advisories = merge(records("nvd", "CPE", count), &MergeRules::default()).advisories;
            coverage(&advisories, &BTreeSet::new()).iter().all(|row| row.complete)
        };
        assert!(!is_complete(49_999));
        assert!(is_complete(50_000));
    }

    #[test]
    fn a_feed_is_complete_a_handful_of_records_or_strays_are_not() {
        let mut all = records("debian", "Debian:11", 30);
        all.extend(records("debian", "Debian:12", 3));
        all.extend(records("osv-cve", "Debian:13", 30));
        let advisories = merge(all, &MergeRules::default()).advisories;
        let complete = |declared: &BTreeSet<_>| -> Vec<String> {
            let rows = coverage(&advisories, declared);
            assert_eq!(rows.len(), 3);
            rows.into_iter().filter(|row| row.complete).map(|row| row.ecosystem.to_string()).collect()
        };
        assert_eq!(complete(&BTreeSet::new()), ["Debian:11"]);
        let declared = BTreeSet::from(["Debian:12".parse().expect("known")]);
        assert_eq!(complete(&declared), ["Debian:11", "Debian:12"]);
    }
}
