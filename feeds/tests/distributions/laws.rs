//! Laws that hold for real feeds: neither the order in which data comes nor how it is divided changes a result.

use std::sync::LazyLock;

use domain::advisory::{Advisory, Affected, Interval, PackageKey, Record};
use domain::digest::Digest;
use domain::finding::{Evaluation, Finding};
use domain::matching::deciding;
use domain::source::SourceId;
use feeds::dataset::Row as _;
use feeds::ingest::Ingested;
use feeds::merge::{MergeRules, merge};
use proptest::prelude::{Just, ProptestConfig, Strategy, any};
use proptest::{prop_assert, prop_assert_eq, proptest};

use crate::documents::fixture;
use crate::index::Index;

/// Every feed that the fixtures have.
const FEEDS: [&str; 34] = [
    "alpine/edge.yaml",
    "alpine/main.json",
    "arch/all.json",
    "csaf/redhat-cve-2022-24834.json",
    "csaf/redhat-cve-2023-28484.json",
    "csaf/redhat-cve-2026-11611.json",
    "csaf/redhat-newer-form.json",
    "csaf/suse-small.json",
    "csaf/suse-su-2015_0011-2.json",
    "cve/CVE-2023-0392.json",
    "debian/tracker.json",
    "errata/alma.json",
    "errata/rocky.json",
    "nvd/override.json",
    "nvd/page.json",
    "osv/ALSA-2021_4319.json",
    "osv/BIT-node-2025-23088.json",
    "osv/GHSA-vvfq-8hwr-qm4m.json",
    "osv/GHSA-w4cc-pc2h-whcj.json",
    "osv/GO-2024-3228.json",
    "osv/MAL-2024-10238.json",
    "osv/PYSEC-2019-26.yaml",
    "osv/RUSTSEC-2020-0055.json",
    "osv/RUSTSEC-2023-0090.json",
    "oval/azurelinux-3.0-oval.xml",
    "oval/cbl-mariner-2.0-preview-oval.xml",
    "oval/oracle.xml",
    "oval/suse.linux.enterprise.15-affected.xml",
    "photon/cve_data_photon4.0.json",
    "rubysec/CVE-2023-50725.yml",
    "updateinfo/alma.xml",
    "updateinfo/amazon.xml",
    "updateinfo/rocky-fedora.xml",
    "wolfi/security.json",
];

/// Of distributions and languages, affected and not.
const PURLS: [&str; 10] = [
    "pkg:rpm/amzn/rsyslog@8.2204.0-3.amzn2023.0.1?arch=x86_64&distro=amzn-2023",
    "pkg:rpm/almalinux/xz@5.2.5-7.el9?arch=x86_64&distro=almalinux-9.3",
    "pkg:rpm/fedora/nginx@1.25.3-1.fc40?arch=x86_64&epoch=2&distro=fedora-40",
    "pkg:rpm/ol/openssl@1.0.2k-25.el7_9?arch=x86_64&epoch=1&distro=ol-7.9",
    "pkg:rpm/mariner/unzip@6.0-19.cm2?arch=x86_64&distro=mariner-2.0",
    "pkg:rpm/suse/bind@9.9.4P1-0.6.1?arch=x86_64&distro=sles-11.2",
    "pkg:rpm/suse/vim-small@8.0-1?arch=x86_64&distro=sles-15.4",
    "pkg:gem/resque@2.0.0",
    "pkg:npm/nothing@1.0.0",
    "pkg:rpm/suse/vim-small@9.1-1?arch=x86_64&distro=sles-15.4",
];

static RECORDS: LazyLock<Vec<Record>> = LazyLock::new(|| FEEDS.iter().flat_map(|name| fixture(name).records).collect());

fn merged(records: Vec<Record>) -> Vec<Advisory> {
    merge(records, &MergeRules::default()).advisories
}

/// Over the lines in which a data set holds them.
fn digest(advisories: &[Advisory]) -> Digest {
    let lines: Vec<Vec<u8>> = advisories.iter().map(Advisory::to_line).collect();
    Digest::of(&lines.join(&b"\n"[..]))
}

fn index(records: Vec<Record>) -> Index {
    Index::of([Ingested { records, ..Ingested::default() }])
}

fn found(index: &Index) -> Evaluation {
    index.scan(&PURLS)
}

fn shuffled(count: usize) -> impl Strategy<Value = Vec<usize>> {
    Just((0..count).collect::<Vec<_>>()).prop_shuffle()
}

#[test]
fn the_feeds_hold_enough_to_try_the_laws_on() {
    let advisories = merged(RECORDS.clone());
    assert!(RECORDS.len() > 60 && advisories.len() > 50, "{} {}", RECORDS.len(), advisories.len());
    assert!(advisories.iter().any(|advisory| advisory.members.len() > 2), "some of them meet");
    let found = found(&index(RECORDS.clone())).findings;
    assert!(found.len() >= 8, "{:?}", found.iter().map(|one| &one.package).collect::<Vec<_>>());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn feeds_in_any_order_and_any_batches_give_the_same_advisories_and_the_same_digest(
        order in shuffled(FEEDS.len()),
        cuts in proptest::collection::vec(0..FEEDS.len(), 0..5),
        again in any::<proptest::sample::Index>(),
    ) {
        let want = merged(RECORDS.clone());
        // Batches are read one by one, each into a result of its own, and then put together from the last to the first.
        let mut bounds = [vec![0, FEEDS.len()], cuts].concat();
        bounds.sort_unstable();
        let batch = |part: &[usize]| part.iter().flat_map(|at| fixture(FEEDS[*at]).records).collect::<Vec<_>>();
        let mut batches: Vec<Vec<Record>> = bounds.windows(2).map(|pair| batch(&order[pair[0]..pair[1]])).collect();
        batches.reverse();
        batches.push(batch(&[again.index(FEEDS.len())]));
        let got = merged(batches.concat());
        prop_assert_eq!(digest(&got), digest(&want));
        prop_assert!(got == want);
    }

    #[test]
    fn records_in_any_order_give_the_same_advisories(order in shuffled(RECORDS.len())) {
        let got = merged(order.into_iter().map(|at| RECORDS[at].clone()).collect());
        prop_assert_eq!(digest(&got), digest(&merged(RECORDS.clone())));
    }

    #[test]
    fn an_unrelated_advisory_changes_no_finding(at in any::<proptest::sample::Index>(), name in "[a-z]{1,9}", is_fixed in any::<bool>()) {
        let before = found(&index(RECORDS.clone()));
        // Of an ecosystem that is there, about a package that nobody has.
        let known: Vec<&PackageKey> =
            RECORDS.iter().flat_map(|record| &record.affected).map(|affected| &affected.package).collect();
        let package = PackageKey::new(at.get(&known).ecosystem.clone(), &format!("unrelated-{name}"));
        let source = SourceId::new("ghsa");
        let mut affected = Affected::new(source.clone(), "GHSA-2099-0000-0000", package);
        affected.ranges.push(if is_fixed { Interval::below("1") } else { Interval::all() });
        let mut newcomer = Record::new(source, "GHSA-2099-0000-0000");
        newcomer.aliases.insert("CVE-2099-99999".to_owned());
        newcomer.affected.push(affected);
        let after = found(&index([RECORDS.clone(), vec![newcomer]].concat()));
        prop_assert!(before == after);
    }

    #[test]
    fn neither_the_order_of_records_nor_that_of_components_changes_a_finding(
        records in shuffled(RECORDS.len()),
        components in shuffled(PURLS.len()),
    ) {
        let want = found(&index(RECORDS.clone()));
        let shuffled = index(records.into_iter().map(|at| RECORDS[at].clone()).collect());
        let purls: Vec<&str> = components.iter().map(|at| PURLS[*at]).collect();
        let mut got = shuffled.scan(&purls);
        // Where a component stands in its document is not a matter of the finding.
        for finding in &mut got.findings {
            finding.component = components[finding.component];
        }
        prop_assert_eq!(&got.findings, &want.findings);
        prop_assert_eq!(got.coverage, want.coverage);
        prop_assert!(got.findings.iter().all(decided_by_who_decides));
    }
}

/// No evidence is of a source that is not heard beside the others.
fn decided_by_who_decides(finding: &Finding) -> bool {
    let Ok(ecosystem) = finding.ecosystem.parse::<domain::ecosystem::Ecosystem>() else { return false };
    let sources: Vec<&str> = finding.evidence.iter().map(|evidence| evidence.source.as_str()).collect();
    let deciding = deciding(ecosystem.kind, sources.iter().copied());
    sources.iter().all(|source| deciding.contains(source))
}
