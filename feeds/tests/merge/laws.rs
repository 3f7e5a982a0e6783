//! Laws of a merge, tried on random records whose few ids make them collide often.

use std::collections::{BTreeMap, BTreeSet};

use domain::advisory::{Advisory, Record, Reference};
use domain::ecosystem::EcosystemKind;
use domain::time::Timestamp;
use feeds::merge::IdClass;
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::{Just, ProptestConfig, Strategy, any};
use proptest::{prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::{affects, at, merged, record, set};

const IDS: &[&str] = &[
    "CVE-2020-0001",
    "CVE-2020-0002",
    "CVE-2020-0003",
    "GHSA-aaaa",
    "GHSA-bbbb",
    "GHSA-cccc",
    "GO-2020-0001",
    "PYSEC-2020-1",
    "ALSA-2020:1",
    "USN-1-1",
    "UBUNTU-CVE-2020-0001",
    "JVNDB-2020-000001",
];
const SOURCES: &[&str] = &["cve", "ghsa", "go", "ubuntu", "jvndb"];

fn some_ids(count_max: usize) -> impl Strategy<Value = BTreeSet<String>> {
    btree_set(proptest::sample::select(IDS).prop_map(str::to_owned), 0..=count_max)
}

fn some_date() -> impl Strategy<Value = Option<Timestamp>> {
    option::of((0_i64..3).prop_map(|year| at("2020-01-01").plus_days(365 * year)))
}

fn some_record() -> impl Strategy<Value = Record> {
    let names = (
        proptest::sample::select(SOURCES),
        proptest::sample::select(IDS),
        prop_oneof![9 => some_ids(3), 1 => some_ids(7)],
        prop_oneof![7 => Just(BTreeSet::new()), 3 => some_ids(3)],
    );
    let facts = (
        some_date(),
        prop_oneof![4 => Just(None), 1 => some_date()],
        any::<bool>(),
        option::of("[ab]{1,2}"),
        vec(("[ab]", "[12]"), 0..3),
    );
    (names, facts).prop_map(|((source, id, aliases, upstream), (modified, withdrawn, fragment, text, packages))| {
        let mut record = record(source, id, &[]);
        record.aliases = aliases;
        record.upstream = upstream;
        record.modified = modified;
        record.published = modified;
        record.withdrawn = withdrawn;
        record.fragment = fragment;
        record.references =
            text.iter().map(|text| Reference { kind: "WEB".into(), url: format!("https://{text}/") }).collect();
        record.title.clone_from(&text);
        record.description = text;
        packages.iter().fold(record, |record, (package, fixed)| affects(record, EcosystemKind::Npm, package, fixed))
    })
}

fn some_records() -> impl Strategy<Value = Vec<Record>> {
    vec(some_record(), 0..14)
}

fn names(advisory: &Advisory) -> impl Iterator<Item = &str> {
    std::iter::once(&advisory.id).chain(&advisory.aliases).map(String::as_str)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn neither_order_nor_repetition_nor_batches_change_the_result(
        (records, shuffled) in some_records().prop_flat_map(|records| (Just(records.clone()), Just(records).prop_shuffle())),
        cut in 0_usize..14,
    ) {
        let want = merged(&records);
        prop_assert_eq!(&merged(&shuffled), &want);
        let (first, second) = records.split_at(cut.min(records.len()));
        let batches = [second, first, second].concat();
        // A repeated record is the same record; fragments unite with themselves.
        prop_assert_eq!(merged(&batches), want);
    }

    #[test]
    fn an_unrelated_record_changes_no_other_advisory(records in some_records(), newcomer in some_record(), links in any::<bool>()) {
        let newcomer = Record {
            id: "PYSEC-2099-1".into(),
            aliases: if links { set(&["CVE-2099-0001", "CVE-2099-0002"]) } else { set(&["CVE-2099-0001"]) },
            upstream: BTreeSet::new(),
            ..newcomer
        };
        let before = merged(&records);
        let mut after = merged(&[records, vec![newcomer]].concat());
        after.advisories.retain(|advisory| !names(advisory).any(|name| name.contains("-2099-")));
        prop_assert_eq!(after.advisories, before.advisories);
    }

    #[test]
    fn no_advisory_has_two_live_cves_and_no_name_is_in_two_advisories(records in some_records()) {
        let perhaps_rejected: BTreeSet<&str> =
            records.iter().filter(|record| record.withdrawn.is_some()).map(|record| record.id.as_str()).collect();
        let mut seen = BTreeSet::new();
        for advisory in &merged(&records).advisories {
            let cves = names(advisory).filter(|name| IdClass::of(name) == IdClass::Cve);
            prop_assert!(cves.filter(|cve| !perhaps_rejected.contains(cve)).count() <= 1, "{advisory:?}");
            for name in names(advisory) {
                prop_assert!(seen.insert(name.to_owned()), "{name} is in two advisories");
            }
        }
    }

    #[test]
    fn every_record_is_a_member_and_every_live_assertion_is_kept(records in some_records()) {
        // One version of each record, so that none is superseded.
        let records: BTreeMap<_, _> =
            records.into_iter().map(|record| ((record.source.clone(), record.id.clone()), record)).collect();
        let advisories = merged(&records.values().cloned().collect::<Vec<_>>()).advisories;
        for ((source, id), record) in &records {
            let seats: Vec<&Advisory> = advisories
                .iter()
                .filter(|advisory| advisory.members.iter().any(|member| member.source == *source && member.id == *id))
                .collect();
            prop_assert!(!seats.is_empty(), "{source} {id} is nowhere");
            for advisory in seats {
                let kept = record.affected.iter().all(|one| advisory.affected.contains(one));
                prop_assert_eq!(kept, record.withdrawn.is_none() || record.affected.is_empty());
            }
        }
        // Nothing is invented: each assertion is one that its record makes.
        for one in advisories.iter().flat_map(|advisory| &advisory.affected) {
            let record = &records[&(one.source.clone(), one.record.clone())];
            prop_assert!(record.withdrawn.is_none() && record.affected.contains(one));
        }
    }
}
