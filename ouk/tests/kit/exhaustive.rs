//! Every bit and every length of a small kit.

use std::collections::BTreeMap;

use domain::digest::Digest;
use ouk::verify::VerifiedKit;

use forge::{Vendor, import, noise};

fn small_kit(vendor: &Vendor) -> Vec<u8> {
    let (kit, _) = vendor.build(7, &[("feeds/a.ndjson", &noise(3, 300)), ("os/b", b"hello hello hello")]);
    kit
}

fn same(a: &(VerifiedKit, BTreeMap<Digest, Vec<u8>>), b: &(VerifiedKit, BTreeMap<Digest, Vec<u8>>)) -> bool {
    a.0.metadata_digest() == b.0.metadata_digest()
        && a.0.targets() == b.0.targets()
        && a.0.floors() == b.0.floors()
        && a.0.root() == b.0.root()
        && a.1 == b.1
}

#[test]
fn every_single_flipped_bit_is_refused_or_changes_nothing() {
    // Z08.
    let vendor = Vendor::new(1);
    let kit = small_kit(&vendor);
    let trust = vendor.trust();
    let good = import(&kit, &trust).expect("the kit is good");
    let mut accepted = 0;
    for bit in 0..kit.len() * 8 {
        let mut bad = kit.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        if let Ok(result) = import(&bad, &trust) {
            assert!(same(&good, &result), "bit {bit} changes the content unseen");
            accepted += 1;
        }
    }
    // Only spare bits of the metadata frame's entropy coding can be neutral.
    assert!(accepted * 1000 < kit.len() * 8, "{accepted} of {} bits are neutral", kit.len() * 8);
}

#[test]
fn every_truncation_is_refused() {
    // A22, Z06.
    let vendor = Vendor::new(1);
    let kit = small_kit(&vendor);
    let trust = vendor.trust();
    for length in 0..kit.len() {
        let code = import(&kit[..length], &trust).expect_err("too short").code();
        assert_eq!(code, "E-TRUNC", "{length} of {} bytes", kit.len());
    }
}

#[test]
fn every_appended_byte_is_refused() {
    // A24.
    let vendor = Vendor::new(1);
    let kit = small_kit(&vendor);
    let trust = vendor.trust();
    for byte in 0..=255 {
        let code = import(&[kit.as_slice(), &[byte]].concat(), &trust).expect_err("too long").code();
        assert_eq!(code, "E-TRAIL");
    }
    let twice = [kit.as_slice(), &kit].concat();
    assert_eq!(import(&twice, &trust).expect_err("two kits").code(), "E-TRAIL");
}
