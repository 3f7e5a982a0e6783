//! A repository cannot make the client work without end.

use ouk::client::ClientLimits;

use crate::support::{Memory, Plan, Site, content, key, now, root, sign};

fn code(site: &mut Site, limits: &ClientLimits) -> String {
    match content(&mut Memory::pinned(), site, "feeds/a", now(), limits) {
        Ok(_) => "accepted".to_owned(),
        Err(error) => error.code().to_owned(),
    }
}

#[test]
fn every_file_has_a_greatest_length() {
    let limits = ClientLimits::default();
    for (name, max) in [
        ("2.root.json", limits.root_bytes_max),
        ("timestamp.json", limits.timestamp_bytes_max),
        ("5.snapshot.json", limits.snapshot_bytes_max),
        ("5.targets.json", limits.targets_bytes_max),
    ] {
        let mut site = Plan::all(5).site();
        site.metadata.insert(name.to_owned(), vec![b' '; usize::try_from(max).expect("fits") + 1]);
        assert_eq!(code(&mut site, &limits), "E-LIMIT", "{name}");
    }
}

#[test]
fn a_chain_of_roots_ends() {
    let mut site = Plan::all(5).site();
    for version in 2..=4 {
        site.metadata.insert(format!("{version}.root.json"), sign(&root(version, &[]), &[&key("root")]));
    }
    assert_eq!(code(&mut site, &ClientLimits { root_hops_max: 3, ..ClientLimits::default() }), "accepted");
    assert_eq!(code(&mut site, &ClientLimits { root_hops_max: 2, ..ClientLimits::default() }), "E-LIMIT");
}

#[test]
fn a_version_cannot_end_the_range_of_numbers() {
    let limits = ClientLimits::default();
    assert_eq!(code(&mut Plan { timestamp: limits.version_max, ..Plan::all(5) }.site(), &limits), "accepted");
    assert_eq!(code(&mut Plan { timestamp: limits.version_max + 1, ..Plan::all(5) }.site(), &limits), "E-LIMIT");
}

#[test]
fn content_is_the_signed_one_or_refused() {
    let limits = ClientLimits::default();
    for (bend, want) in [(b"content 6".as_slice(), "E-MIX"), (b"content", "E-MIX"), (b"content 5 and more", "E-LIMIT")]
    {
        let mut site = Plan::all(5).site();
        site.targets.values_mut().for_each(|content| *content = bend.to_vec());
        assert_eq!(code(&mut site, &limits), want);
    }
}
