//! S13 to S15: attacks on the chain of roots.

use ouk::keys::{KeyPair, NextRoot, Role, RootRoles, sign_next_root};
use ouk::limits::Limits;
use ouk::verify::{Floors, TrustState, check_root};
use serde_json::Value;

use forge::{Vendor, after, bend_root, code, compress, draft, import, now, rng, sign, tar};

#[test]
fn a_chain_of_three_roots_is_walked() {
    // S13: a site that missed two rotations, one that missed one, one that has the last.
    let mut vendor = Vendor::new(1);
    vendor.rotate(Role::Root, 2);
    vendor.rotate(Role::Timestamp, 1);
    for root in &vendor.roots {
        let trust = TrustState { root: root.clone(), floors: Floors::default() };
        let (verified, _) = import(&draft(&vendor).kit(), &trust).expect("chains");
        assert_eq!((verified.root_version(), verified.root()), (3, vendor.roots[2].as_slice()));
    }
}

#[test]
fn a_root_needs_the_thresholds_of_both_sides() {
    // S13: signed only by the new keys, only by the old ones, by one too few.
    let vendor = Vendor::new(1);
    let mut rng = rng(77);
    let fresh: Vec<KeyPair> = (0..5).map(|_| KeyPair::generate(&mut rng)).collect();
    let mut roles = RootRoles::of(&vendor.roots[0]).expect("roles");
    roles.roles.get_mut(&Role::Root).expect("root").0 = fresh.iter().map(|pair| pair.public().clone()).collect();
    let old = vendor.pairs("root");
    let all: Vec<KeyPair> = old.iter().chain(&fresh).cloned().collect();
    let expires = now().plus_days(700);
    let order = |signers: &'_ [KeyPair]| {
        sign_next_root(&NextRoot { current: &vendor.roots[0], roles: roles.clone(), expires, signers })
    };
    let good = order(&all).expect("both thresholds");
    assert!(order(&old).is_err() && order(&fresh).is_err(), "the ceremony refuses to make a bad root");
    let signed: Value = serde_json::from_slice::<Value>(&good).expect("JSON")["signed"].clone();
    for (signers, expected) in [
        (fresh.iter().collect::<Vec<_>>(), "E-ROOT-SIG"),
        (old.iter().collect(), "E-ROOT-SIG"),
        (old.iter().take(2).chain(&fresh).collect(), "E-THRESHOLD"),
        (old.iter().chain(fresh.iter().take(2)).collect(), "E-THRESHOLD"),
        (old.iter().take(3).chain(fresh.iter().take(3)).collect(), "accepted"),
    ] {
        let mut draft = draft(&vendor);
        draft.roots.push(sign(&signed, &signers));
        assert_eq!(code(&draft.kit(), &vendor.trust()), expected);
    }
}

#[test]
fn root_versions_follow_each_other() {
    // S13: a gap, a version that is not its name's, 0, beyond the cap; S17: 10,000 roots.
    let mut vendor = Vendor::new(1);
    let trust = vendor.trust();
    vendor.rotate(Role::Root, 5);
    vendor.rotate(Role::Root, 5);
    let mut gap = draft(&vendor).files();
    gap.remove("META/root/2.root.json");
    assert_eq!(code(&draft(&vendor).kit_of(&compress(&tar(&gap))), &trust), "E-ROOT-GAP");
    let mut none = draft(&vendor).files();
    none.retain(|name, _| !name.starts_with("META/root/"));
    assert_eq!(code(&draft(&vendor).kit_of(&compress(&tar(&none))), &trust), "E-ROOT-OLD");
    let mut repeated = draft(&vendor);
    repeated.roots[2] = repeated.roots[1].clone();
    assert_eq!(code(&repeated.kit(), &trust), "E-ROOT-VERSION");
    for version in [0, 1_u64 << 63] {
        let mut odd = draft(&vendor);
        odd.roots[1] = bend_root(&vendor, |signed| signed["version"] = version.into());
        assert!(["E-SCHEMA", "E-LIMIT"].contains(&code(&odd.kit(), &trust).as_str()), "{version}");
    }
    let mut many = draft(&vendor).files();
    for version in 4..=1100 {
        many.insert(format!("META/root/{version}.root.json"), b"{}".to_vec());
    }
    assert_eq!(code(&draft(&vendor).kit_of(&compress(&tar(&many))), &trust), "E-LIMIT");
    let mut far = draft(&vendor).files();
    far.insert("META/root/9223372036854775808.root.json".to_owned(), b"{}".to_vec());
    assert_eq!(code(&draft(&vendor).kit_of(&compress(&tar(&far))), &trust), "E-LIMIT");
}

#[test]
fn a_kit_that_ends_at_an_older_root_than_the_sites_is_refused() {
    // S14.
    let mut vendor = Vendor::new(1);
    let old = draft(&vendor).kit();
    vendor.rotate(Role::Root, 5);
    let (verified, _) = import(&draft(&vendor).kit(), &vendor.trust()).expect("imports");
    assert_eq!(code(&old, &after(&verified)), "E-ROOT-OLD");
}

#[test]
fn a_bad_root_leaves_nothing_behind() {
    // S15 (CVE-2020-15163): root 3 is bad; afterwards the good kit goes through from root 1.
    let mut vendor = Vendor::new(1);
    let trust = vendor.trust();
    vendor.rotate(Role::Root, 5);
    let mut bad = draft(&vendor);
    bad.roots.push(bend_root(&vendor, |signed| signed["version"] = 3.into()));
    bad.roots[2] = sign(&serde_json::from_slice::<Value>(&bad.roots[2]).expect("JSON")["signed"], &[]);
    let before = trust.clone();
    assert_eq!(code(&bad.kit(), &trust), "E-ROOT-SIG");
    assert_eq!(trust, before);
    assert_eq!(code(&draft(&vendor).kit(), &trust), "accepted");
}

#[test]
fn a_root_of_the_same_version_with_more_signatures_is_the_same_root() {
    let vendor = Vendor::new(1);
    let signed = serde_json::from_slice::<Value>(&vendor.roots[0]).expect("JSON")["signed"].clone();
    let fewer = sign(&signed, &vendor.pairs("root").iter().take(3).collect::<Vec<_>>());
    assert_ne!(fewer, vendor.roots[0]);
    let trust = TrustState { root: fewer.clone(), floors: Floors::default() };
    let (verified, _) = import(&draft(&vendor).kit(), &trust).expect("imports");
    assert_eq!(verified.root(), fewer, "the pinned bytes stay");
}

#[test]
fn a_root_to_pin_must_be_signed_by_its_own_keys() {
    let vendor = Vendor::new(1);
    let limits = Limits::default();
    assert_eq!(check_root(&vendor.roots[0], &limits).expect("good").version, 1);
    let signed = serde_json::from_slice::<Value>(&vendor.roots[0]).expect("JSON")["signed"].clone();
    let pairs = vendor.pairs("root");
    let code = |root: &[u8]| check_root(root, &limits).expect_err("refused").code();
    assert_eq!(code(&sign(&signed, &pairs.iter().take(2).collect::<Vec<_>>())), "E-THRESHOLD");
    assert_eq!(code(&sign(&signed, &[])), "E-ROOT-SIG");
    assert_eq!(code(b"{}"), "E-SCHEMA");
    assert_eq!(code(&vec![b' '; 70_000]), "E-LIMIT");
    assert_eq!(code(&bend_root(&vendor, |signed| signed["consistent_snapshot"] = false.into())), "E-SCHEMA");
    assert_eq!(
        code(&bend_root(&vendor, |signed| signed["roles"]["mirrors"] = signed["roles"]["root"].clone())),
        "E-SCHEMA"
    );
    assert_eq!(code(&bend_root(&vendor, |signed| signed["_type"] = "targets".into())), "E-SCHEMA");
    assert_eq!(code(&bend_root(&vendor, |signed| signed["spec_version"] = "2.0.0".into())), "E-SCHEMA");
}
