//! S16: attacks by delegations.

use ouk::keys::KeyPair;
use serde_json::{Value, json};

use forge::{Vendor, code, draft, rng};

#[test]
fn delegations_outside_the_profile_are_refused() {
    // S16.
    let vendor = Vendor::new(1);
    for (what, bend) in [
        ("not terminating", (|role| role["terminating"] = false.into()) as fn(&mut Value)),
        ("hash prefixes", |role| role["path_hash_prefixes"] = json!(["00"])),
        ("no paths", |role| role["paths"] = json!([])),
        ("a broken pattern", |role| role["paths"] = json!(["feeds/[a"])),
        ("a top-level name", |role| role["name"] = "root".into()),
        ("a climbing name", |role| role["name"] = "../../x".into()),
        ("a dotted name", |role| role["name"] = "1.root".into()),
        ("an empty name", |role| role["name"] = "".into()),
        ("an upper-case name", |role| role["name"] = "Feeds".into()),
        ("another role's name", |role| role["name"] = "trivydb".into()),
        ("an unpinned name", |role| role["name"] = "feeds2".into()),
    ] {
        let mut draft = draft(&vendor);
        bend(&mut draft.role("targets")["delegations"]["roles"][0]);
        assert_eq!(code(&draft.kit(), &vendor.trust()), "E-TGT-DELEGATION", "{what}");
    }
}

#[test]
fn a_delegated_role_cannot_delegate_further() {
    // S16: cycles (GHSA-j8x2-777p-23fc) and depth end here.
    let vendor = Vendor::new(1);
    let mut draft = draft(&vendor);
    let cycle = draft.role("targets")["delegations"].clone();
    draft.role("feeds")["delegations"] = cycle;
    assert_eq!(code(&draft.kit(), &vendor.trust()), "E-TGT-DELEGATION");
}

#[test]
fn too_many_roles_or_keys_are_refused() {
    // S16, S17.
    let vendor = Vendor::new(1);
    let mut many = draft(&vendor);
    let delegations = &mut many.role("targets")["delegations"];
    let role = delegations["roles"][0].clone();
    let roles = delegations["roles"].as_array_mut().expect("roles");
    roles.extend((0..1000).map(|number| {
        let mut role = role.clone();
        role["name"] = format!("r{number}").into();
        role
    }));
    assert_eq!(code(&many.kit(), &vendor.trust()), "E-LIMIT");
    let mut many = draft(&vendor);
    let keys = many.role("targets")["delegations"]["keys"].as_object_mut().expect("keys");
    let mut rng = rng(3);
    keys.extend((0..300).map(|_| {
        let key = KeyPair::generate(&mut rng);
        (key.public().id().to_owned(), key.public().to_value())
    }));
    assert_eq!(code(&many.kit(), &vendor.trust()), "E-LIMIT");
}

#[test]
fn a_role_signs_inside_its_paths_only() {
    // S16, P05: an appliance image signed by the feeds role; `*` does not cross a slash.
    let vendor = Vendor::new(1);
    let content = domain::digest::Digest::of(b"");
    for path in ["os/image.raw", "feeds", "feeds/a/b/c", "trivy/trivy.db", "jwt/x", "revocations.json"] {
        let mut draft = draft(&vendor);
        draft.target("feeds", path, 0, &content, json!([]));
        assert_eq!(code(&draft.kit(), &vendor.trust()), "E-TGT-SCOPE", "{path}");
    }
    let mut fine = draft(&vendor);
    fine.target("feeds", "feeds/a/b", 0, &content, json!([]));
    assert_eq!(code(&fine.kit(), &vendor.trust()), "accepted");
}

#[test]
fn two_roles_cannot_sign_one_path() {
    // S16 (CVE-2025-2886): no shadowing, in either direction.
    let vendor = Vendor::new(1);
    let content = domain::digest::Digest::of(b"");
    let mut twice = draft(&vendor);
    twice.target("targets", "feeds/a", 0, &content, json!([]));
    assert_eq!(code(&twice.kit(), &vendor.trust()), "E-TGT-SCOPE");
    // trivydb is given the paths of feeds too; feeds is searched first and terminates.
    let mut shadowed = draft(&vendor);
    shadowed.role("targets")["delegations"]["roles"][1]["paths"] = json!(["feeds/*"]);
    shadowed.target("trivydb", "feeds/z", 0, &content, json!([]));
    assert_eq!(code(&shadowed.kit(), &vendor.trust()), "E-TGT-SCOPE");
}
