//! Packages of languages that a package of the distribution has brought.

use domain::component::{Component, Inventory};
use domain::finding::{Evaluation, Unevaluated};
use domain::vex::{VexEffect, VexSource, VexStatus};

use super::{Index, Interval, between, component, found, key, reasons, scan};

const CVE: &str = "CVE-2023-32681";
const LOOKUP: &str = "python3-requests of Debian 12, and the same from PyPI";

fn owned_by(owner: &str) -> [Component; 2] {
    let owner = Component { reference: "owner".into(), ..component(owner) };
    let owned = component("pkg:pypi/requests@2.28.1");
    [owner, Component { reference: "owned".into(), owners: vec!["owner".into()], ..owned }]
}

fn debian(version: &str) -> [Component; 2] {
    owned_by(&format!("pkg:deb/debian/python3-requests@{version}?upstream=requests&distro=debian-12"))
}

/// PyPI's word, and a Debian whose data are complete.
fn pypi() -> Index {
    let index = Index::default().says(
        CVE,
        "ghsa",
        "GHSA-j8r2-6x86-q33q",
        key("PyPI", "requests"),
        &[between("2.3.0", "2.31.0")],
    );
    index.covering("Debian:12")
}

fn fixed_in_debian() -> Index {
    pypi().says(CVE, "debian", "CVE-2023-32681", key("Debian:12", "requests"), &[Interval::below("2.28.1+dfsg-1")])
}

fn cleared(evaluation: &Evaluation) -> Option<VexStatus> {
    assert_eq!(evaluation.findings.len() + evaluation.suppressed.len(), 1, "{LOOKUP}: nothing is lost");
    evaluation.suppressed.first().map(|finding| finding.vex.as_ref().expect("why").status)
}

#[test]
fn what_the_distribution_has_mended_is_told_and_does_not_count() {
    let evaluation = scan(&fixed_in_debian(), debian("2.28.1+dfsg-1").to_vec());
    assert_eq!((found(&evaluation), evaluation.coverage.evaluated), (vec![], 2));
    let [finding] = &evaluation.suppressed[..] else { panic!("one") };
    assert_eq!((finding.package.as_str(), finding.vulnerability.as_str()), ("requests", CVE));
    let decision = finding.vex.as_ref().expect("why");
    assert_eq!((decision.effect, decision.status), (VexEffect::Suppressed, VexStatus::Fixed));
    assert_eq!((decision.document.source, decision.document.name.as_str()), (VexSource::Distribution, CVE));
    assert_eq!((decision.place.as_str(), decision.document.author.as_deref()), ("owner", Some("debian")));
    let impact = decision.impact.as_deref().expect("words");
    assert_eq!(
        impact,
        "owned by python3-requests 2.28.1+dfsg-1 of the distribution, of which debian says: not in: < 2.28.1+dfsg-1"
    );
    let denied = pypi().denies(CVE, "debian", key("Debian:12", "requests"));
    assert_eq!(cleared(&scan(&denied, debian("2.28.1-1").to_vec())), Some(VexStatus::NotAffected));
}

#[test]
fn where_the_distribution_is_silent_or_says_affected_the_finding_counts() {
    assert_eq!(
        cleared(&scan(&pypi(), debian("2.28.1+dfsg-1").to_vec())),
        None,
        "of another vulnerability nobody speaks"
    );
    let other =
        pypi().says("CVE-2099-1", "debian", "CVE-2099-1", key("Debian:12", "requests"), &[Interval::below("1")]);
    assert_eq!(cleared(&scan(&other, debian("2.28.1+dfsg-1").to_vec())), None);
    let affected = scan(&fixed_in_debian(), debian("2.28.0-1").to_vec());
    assert_eq!(found(&affected), [("python3-requests", CVE), ("requests", CVE)]);
}

#[test]
fn an_owner_that_is_not_judged_whole_or_is_none_of_a_distribution_clears_nobody() {
    let partial = Index { partial: true, ..fixed_in_debian() };
    assert_eq!(cleared(&scan(&partial, debian("2.28.1+dfsg-1").to_vec())), None);
    let elsewhere = owned_by("pkg:deb/debian/python3-requests@2.28.1+dfsg-1?upstream=requests&distro=debian-11");
    let evaluation = scan(&fixed_in_debian(), elsewhere.to_vec());
    assert_eq!(cleared(&evaluation), None);
    assert_eq!(reasons(&evaluation), [Unevaluated::NoData { ecosystem: "Debian:11".into() }]);
    // Who only looks like the owner, and nobody at all.
    let mut unowned = debian("2.28.1+dfsg-1");
    unowned[1].owners.clear();
    assert_eq!(cleared(&scan(&fixed_in_debian(), unowned.to_vec())), None);
    let mut nobody = debian("2.28.1+dfsg-1");
    nobody[1].owners = vec!["nobody".into(), "owned".into()];
    assert_eq!(cleared(&scan(&fixed_in_debian(), nobody.to_vec())), None);
    let language = fixed_in_debian().says(CVE, "x", "X-1", key("npm", "requests"), &[Interval::below("1")]);
    assert_eq!(cleared(&scan(&language, owned_by("pkg:npm/requests@2.0.0").to_vec())), None);
}

#[test]
fn one_owner_that_is_affected_outweighs_another_one_that_is_not() {
    let [fixed, mut owned] = debian("2.28.1+dfsg-1");
    let affected = Component { reference: "other".into(), ..debian("2.27-1")[0].clone() };
    owned.owners.push("other".into());
    for components in [[fixed.clone(), affected.clone(), owned.clone()], [owned, affected, fixed]] {
        let evaluation = scan(&fixed_in_debian(), components.to_vec());
        assert_eq!(evaluation.findings.len(), 2, "the affected one, and what both own");
        assert_eq!(evaluation.suppressed, []);
    }
}

#[test]
fn an_inventory_without_owners_is_stored_as_before() {
    let inventory = Inventory { components: debian("1")[..1].to_vec(), ..Inventory::default() };
    let text = serde_json::to_string(&inventory).expect("plain data");
    assert!(!text.contains("owners"), "{text}");
    assert_eq!(serde_json::from_str::<Inventory>(&text).expect("read back"), inventory);
}
