//! Damage that passes the checksums: the metadata is bent, and compressed anew.

use proptest::prelude::*;

use forge::{Draft, Vendor, after, code, compress, import, noise, tar};
use ouk::keys::Role;
use ouk::limits::Limits;
use ouk::read::{SealedMetadata, open};

#[test]
fn bent_bytes_of_the_expanded_metadata_are_refused_or_change_nothing() {
    // Z08 behind the checksum: what an attacker does who can run zstd.
    let mut vendor = Vendor::new(1);
    vendor.rotate(Role::Timestamp, 1);
    let draft = Draft::new(&vendor, 7, &[("feeds/a", b"hello"), ("os/b", b"b")]);
    let trust = vendor.trust();
    let plain = tar(&draft.files());
    let (good, good_blobs) = import(&draft.kit(), &trust).expect("the kit is good");
    let (mut refused, mut same) = (0, 0);
    for at in (0..plain.len()).step_by(5) {
        let mut bent = plain.clone();
        bent[at] ^= 1 << (at % 7);
        match import(&draft.kit_of(&compress(&bent)), &trust) {
            Err(_) => refused += 1,
            Ok((kit, blobs)) => {
                assert_eq!(kit.metadata_digest(), good.metadata_digest(), "byte {at}");
                assert_eq!((kit.targets(), kit.floors(), &blobs), (good.targets(), good.floors(), &good_blobs));
                same += 1;
            }
        }
    }
    // What may be bent: superfluous signatures of roots and timestamp (four signatures are not needed).
    assert!(refused > 10 * same, "{same} of {} bent bytes are neutral", refused + same);
}

#[test]
fn a_kit_verified_in_parts_never_lowers_a_floor() {
    // Property over a walk of kits: floors only rise, and each earlier kit is refused.
    let vendor = Vendor::new(1);
    let mut trust = vendor.trust();
    let mut earlier: Vec<Vec<u8>> = Vec::new();
    for version in [1, 2, 5, 9, 10] {
        let kit = Draft::new(&vendor, version, &[("feeds/a", format!("{version}").as_bytes())]).kit();
        let (verified, _) = import(&kit, &trust).expect("the next kit");
        let next = after(&verified);
        for (role, floor) in &trust.floors.roles {
            assert!(next.floors.roles[role].version >= floor.version, "{role}");
        }
        trust = next;
        for old in &earlier {
            assert_eq!(code(old, &trust), "E-TS-ROLLBACK");
        }
        earlier.push(kit);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_are_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(open(bytes.as_slice(), &Limits::default()).is_err());
        prop_assert!(SealedMetadata::from_frame(&bytes, &Limits::default()).is_err());
        // The same bytes inside a sound frame.
        prop_assert!(open(compress(&bytes).as_slice(), &Limits::default()).is_err());
    }

    #[test]
    fn arbitrary_json_in_a_role_is_refused_without_a_panic(role in 0..6_usize, field in ".{0,12}", value in json()) {
        const ROLES: [&str; 6] = ["timestamp", "snapshot", "targets", "feeds", "trivydb", "entitlements"];
        let vendor = Vendor::new(1);
        let mut draft = Draft::new(&vendor, 7, &[("feeds/a", b"hello")]);
        let known = ["meta", "targets", "delegations", "ouk", "version", "expires", "spec_version", "_type"];
        let name = known.get(field.len()).copied().unwrap_or(&field);
        draft.role(ROLES[role])[name] = value;
        // Signed by the right keys: whatever comes of it, it is a value and not a panic.
        let _ = code(&draft.kit(), &vendor.trust());
    }

    #[test]
    fn any_content_comes_back(contents in prop::collection::vec((0..5000_usize, any::<u64>()), 0..6)) {
        let vendor = Vendor::new(1);
        let contents: Vec<(String, Vec<u8>)> = contents
            .iter()
            .enumerate()
            .map(|(at, (length, seed))| (format!("feeds/{at}"), noise(*seed, *length)))
            .collect();
        let targets: Vec<(&str, &[u8])> = contents.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())).collect();
        let (kit, _) = vendor.build(3, &targets);
        let (verified, blobs) = import(&kit, &vendor.trust()).expect("imports");
        for (path, content) in &contents {
            let target = verified.target(path).expect("is there");
            let found: Vec<u8> = target.chunks.iter().flat_map(|chunk| blobs[&chunk.sha256].clone()).collect();
            prop_assert_eq!(&found, content);
        }
    }
}

/// Small JSON values of every kind.
fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        "[a-z0-9/.*\\[\\]]{0,20}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::btree_map("[a-z0-9.]{0,8}", inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}
