//! The preview says what two whole scans of every document would say.

use std::collections::{BTreeMap, BTreeSet};

use domain::component::{Component, ComponentKind, Inventory};
use domain::finding::{Evaluation, Finding};
use domain::matching::evaluate;
use domain::severity::Severity;
use importer::impact::ChangeKind;
use policy::{Gate, GenerationRef, OnUnevaluated, Outcome};
use proptest::prelude::*;
use store::Generation;

use super::world::{Data, ENGINE, Fact, NOW, World, document};

const ECOSYSTEMS: [&str; 3] = ["PyPI", "npm", "crates.io"];
const TYPES: [&str; 3] = ["pypi", "npm", "cargo"];

fn facts() -> impl Strategy<Value = Vec<Fact>> {
    let fact = (0..6usize, 0..3usize, 0..3usize, prop::option::of(1..4u32), 0..6usize, any::<bool>(), 0..4u32);
    let fact = fact.prop_map(|(id, ecosystem, package, fixed, severity, exploited, epss)| Fact {
        id: format!("CVE-{id}"),
        aliases: Vec::new(),
        ecosystem: ECOSYSTEMS[ecosystem].into(),
        package: format!("p{package}"),
        fixed: fixed.map(|major| format!("{major}.0.0")),
        severity: Severity::ALL[severity],
        exploited,
        epss_e5: (epss > 0).then_some(epss * 6_000),
    });
    prop::collection::vec(fact, 0..12)
}

fn generation() -> impl Strategy<Value = Data> {
    (facts(), prop::sample::subsequence(ECOSYSTEMS.to_vec(), 0..=3), 0..4i64).prop_map(|(facts, complete, age_days)| {
        Data { facts, complete: complete.into_iter().map(str::to_owned).collect(), age_days, vex: Vec::new() }
    })
}

/// Two data sets, of which the second has most of the first.
fn generations() -> impl Strategy<Value = (Data, Data)> {
    (generation(), generation(), any::<prop::sample::Index>()).prop_map(|(old, new, kept)| {
        let count = kept.index(old.facts.len() + 1);
        let facts = old.facts.iter().take(count).chain(&new.facts).cloned().collect();
        let complete = if count % 2 == 0 { old.complete.clone() } else { new.complete };
        let after = Data { facts, complete, age_days: new.age_days, vex: Vec::new() };
        (old, after)
    })
}

fn inventory() -> impl Strategy<Value = Inventory> {
    let component = (0..3usize, 0..4usize, 0..5u32, 0..12u32).prop_map(|(kind, package, major, odd)| {
        let purl = format!("pkg:{}/p{package}@{major}.1.0", TYPES[kind]);
        let mut component = document(&[&purl]).components.remove(0);
        match odd {
            0 => component.purl = None,
            1 => component.kind = ComponentKind::File,
            2 => component.purl.iter_mut().for_each(|purl| purl.version = Some("not a version".into())),
            3 => component.purl.iter_mut().for_each(|purl| purl.package_type = "generic".into()),
            _ => {}
        }
        component
    });
    prop::collection::vec(component, 0..6).prop_map(|components| Inventory { components, ..Inventory::default() })
}

fn gate() -> impl Strategy<Value = Gate> {
    let on_unevaluated =
        prop::sample::select(vec![OnUnevaluated::Indeterminate, OnUnevaluated::Ignore, OnUnevaluated::Fail]);
    (prop::option::of(0..6usize), any::<bool>(), on_unevaluated, any::<bool>(), prop::option::of(0..4u32)).prop_map(
        |(fail_on, ignore_unfixed, on_unevaluated, allow_empty, data_age_days_max)| Gate {
            fail_on: fail_on.map(|level| Severity::ALL[level]),
            ignore_unfixed,
            on_unevaluated,
            allow_empty,
            data_age_days_max,
        },
    )
}

type Changes = BTreeMap<(ChangeKind, String, Option<String>), u64>;

fn outcome(evaluation: &Evaluation, gate: &Gate, generation: &Generation) -> Outcome {
    let row = generation.row();
    let reference = GenerationRef { number: row.number, kit: row.kit_sha256, content_root: row.content_root };
    policy::judge(evaluation, gate, reference, &row.sources, ENGINE, NOW).outcome
}

/// A component alone: its findings, and whether it was evaluated (None: there is nothing to match).
fn alone(component: &Component, generation: &Generation) -> (BTreeMap<String, Finding>, Option<bool>) {
    let inventory = Inventory { components: vec![component.clone()], ..Inventory::default() };
    let evaluation = evaluate(&inventory, &generation.view().expect("a view")).expect("evaluated");
    let evaluated = (evaluation.coverage.components == 1).then_some(evaluation.coverage.evaluated == 1);
    let by_id = |finding: Finding| (finding.vulnerability.clone(), finding);
    (evaluation.findings.into_iter().map(by_id).collect(), evaluated)
}

fn brute_force(inventory: &Inventory, old: &Generation, new: &Generation) -> Changes {
    let mut changes = Changes::new();
    for component in &inventory.components {
        let mut count = |kind, id: Option<&String>| {
            *changes.entry((kind, component.name.clone(), id.cloned())).or_default() += 1;
        };
        let ((before, was), (after, is)) = (alone(component, old), alone(component, new));
        match (was, is) {
            (Some(true), Some(false)) => count(ChangeKind::NoLongerEvaluated, None),
            (Some(false), Some(true)) => count(ChangeKind::EvaluatedNow, None),
            _ => {}
        }
        let ids: BTreeSet<_> = before.keys().chain(after.keys()).collect();
        for id in ids {
            match (before.get(id), after.get(id)) {
                (None, Some(_)) => count(ChangeKind::Appeared, Some(id)),
                (Some(_), None) if is == Some(true) => count(ChangeKind::Vanished, Some(id)),
                (Some(_), None) => count(ChangeKind::Unjudged, Some(id)),
                (Some(old), Some(new)) => {
                    if new.severity > old.severity {
                        count(ChangeKind::SeverityRaised, Some(id));
                    }
                    if new.severity < old.severity {
                        count(ChangeKind::SeverityLowered, Some(id));
                    }
                    if new.known_exploited.is_some() && old.known_exploited.is_none() {
                        count(ChangeKind::KnownExploited, Some(id));
                    }
                    let rise = new.epss_probability.unwrap_or(0.0) - old.epss_probability.unwrap_or(0.0);
                    // The estimates here are multiples of six points.
                    if rise > 0.09 {
                        count(ChangeKind::ExploitationLikelier, Some(id));
                    }
                    if old.fixed_versions.is_empty() && !new.fixed_versions.is_empty() {
                        count(ChangeKind::FixKnown, Some(id));
                    }
                }
                (None, None) => {}
            }
        }
    }
    changes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_preview_equals_two_whole_scans_of_every_document(
        (old, new) in generations(),
        documents in prop::collection::vec((inventory(), gate()), 10..20),
    ) {
        let world = World::new();
        let (old, new) = (world.generation(&old), world.generation(&new));
        world.add_all(documents.iter().enumerate().map(|(number, (inventory, gate))| (number, inventory, gate)));
        let impact = world.impact(&old, &new);
        let mut changed = 0;
        for (number, (inventory, gate)) in documents.iter().enumerate() {
            let name = number.to_string();
            let said = impact.documents.iter().find(|document| document.name == name);
            let whole = |generation: &Generation| {
                outcome(&evaluate(inventory, &generation.view().expect("a view")).expect("evaluated"), gate, generation)
            };
            let (before, after) = (whole(&old), whole(&new));
            let flip = said.and_then(|document| document.verdict).map(|flip| (flip.before, flip.after));
            prop_assert_eq!(flip, (before != after).then_some((before, after)), "document {}: {:?}", number, said);
            let want = brute_force(inventory, &old, &new);
            let mut found = Changes::new();
            for change in said.iter().flat_map(|document| &document.changes) {
                let key = (change.kind, change.package.clone(), change.vulnerability.clone());
                *found.entry(key).or_default() += 1;
            }
            prop_assert_eq!(&found, &want, "document {}", number);
            changed += u64::from(!want.is_empty() || before != after);
        }
        prop_assert_eq!(impact.sboms.changed, changed);
    }
}
