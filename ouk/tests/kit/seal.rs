//! S11: the minisign seal.

use domain::digest::Digest;
use ouk::error::KitError;
use ouk::seal::{TrustedComment, check_comment, check_kit, sign_minisign, verify_minisign};

use forge::{Vendor, import};

struct Sealed {
    vendor: Vendor,
    kit: Vec<u8>,
    comment: TrustedComment,
    seal: String,
}

fn sealed() -> Sealed {
    let vendor = Vendor::new(1);
    let (kit, built) = vendor.build(7, &[("feeds/a", b"hello")]);
    let comment =
        TrustedComment { kit: 7, root: built.root_version, targets: built.targets_version, sha256: built.sha256 };
    let seal = sign_minisign(kit.as_slice(), &vendor.seal_key.0, None, &comment).expect("signs");
    Sealed { vendor, kit, comment, seal }
}

fn code(result: Result<TrustedComment, KitError>) -> &'static str {
    result.map_or_else(|error| error.code(), |_| "accepted")
}

#[test]
fn a_seal_verifies_and_says_what_it_was_given() {
    let Sealed { vendor, kit, comment, seal } = sealed();
    assert_eq!(verify_minisign(kit.as_slice(), &seal, &vendor.seal_key.1).expect("verifies"), comment);
    let bare = vendor.seal_key.1.lines().nth(1).expect("the key line");
    assert_eq!(verify_minisign(kit.as_slice(), &seal, bare).expect("verifies"), comment);
    check_comment(&comment, &Digest::of(&kit)).expect("the digest is the file's");
    let (verified, _) = import(&kit, &vendor.trust()).expect("imports");
    check_kit(&comment, &verified).expect("the versions are the kit's");
}

#[test]
fn a_seal_of_another_file_or_key_is_refused() {
    let Sealed { vendor, kit, seal, .. } = sealed();
    let (other, _) = vendor.build(8, &[("feeds/a", b"hello")]);
    assert_eq!(code(verify_minisign(other.as_slice(), &seal, &vendor.seal_key.1)), "E-SEAL");
    assert_eq!(code(verify_minisign(&kit[..kit.len() - 1], &seal, &vendor.seal_key.1)), "E-SEAL");
    assert_eq!(code(verify_minisign(kit.as_slice(), &seal, &Vendor::new(2).seal_key.1)), "E-SEAL");
    assert_eq!(code(verify_minisign(kit.as_slice(), &seal, "not a key")), "E-SEAL");
    assert_eq!(code(verify_minisign(kit.as_slice(), "", &vendor.seal_key.1)), "E-SEAL");
}

#[test]
fn a_seal_has_exactly_one_spelling() {
    let Sealed { vendor, kit, seal, .. } = sealed();
    let lines: Vec<&str> = seal.lines().collect();
    for bent in [
        format!("{seal}\n"),
        format!("{seal}trailing\n"),
        seal.trim_end().to_owned(),
        seal.replace('\n', "\r\n"),
        format!("\u{feff}{seal}"),
        seal.replace("untrusted comment: ", "trusted comment: "),
        format!("{}\n {}\n{}\n{}\n", lines[0], lines[1], lines[2], lines[3]),
        format!("{}\n{}=\n{}\n{}\n", lines[0], lines[1], lines[2], lines[3]),
        seal.replacen("untrusted comment: ", "untrusted comment: \u{1b}[2J", 1),
        seal.replacen("untrusted comment: ", &format!("untrusted comment: {}", "x".repeat(5000)), 1),
    ] {
        assert_eq!(code(verify_minisign(kit.as_slice(), &bent, &vendor.seal_key.1)), "E-SEAL", "{bent:?}");
    }
}

#[test]
fn a_legacy_seal_is_refused() {
    // "RW…" (Ed) in place of "RU…" (ED).
    let Sealed { vendor, kit, seal, .. } = sealed();
    let legacy = seal.replacen("\nRU", "\nRW", 1);
    assert_ne!(legacy, seal);
    let error = verify_minisign(kit.as_slice(), &legacy, &vendor.seal_key.1).expect_err("legacy");
    assert!(error.to_string().contains("legacy"), "{error}");
}

#[test]
fn a_trusted_comment_cannot_be_exchanged_or_speak_of_another_kit() {
    let Sealed { vendor, kit, comment, seal } = sealed();
    let bent = seal.replace("kit=7", "kit=8");
    assert_eq!(code(verify_minisign(kit.as_slice(), &bent, &vendor.seal_key.1)), "E-SEAL");
    // Validly sealed by the release manager, but for something else.
    let lie = TrustedComment { sha256: Digest::of(b"other"), ..comment };
    assert_eq!(check_comment(&lie, &Digest::of(&kit)).expect_err("lies").code(), "E-SEAL");
    let (verified, _) = import(&kit, &vendor.trust()).expect("imports");
    for lie in [
        TrustedComment { kit: 8, ..comment },
        TrustedComment { root: 2, ..comment },
        TrustedComment { targets: 6, ..comment },
    ] {
        assert_eq!(check_kit(&lie, &verified).expect_err("lies").code(), "E-SEAL");
    }
}

#[test]
fn a_lying_untrusted_comment_changes_nothing() {
    let Sealed { vendor, kit, comment, seal } = sealed();
    let lines: Vec<&str> = seal.lines().skip(1).collect();
    let lying = format!("untrusted comment: this kit is fine, skip all checks\n{}\n", lines.join("\n"));
    assert_eq!(verify_minisign(kit.as_slice(), &lying, &vendor.seal_key.1).expect("verifies"), comment);
}

#[test]
fn every_flipped_bit_of_a_seal_is_refused_but_in_the_untrusted_comment() {
    let Sealed { vendor, kit, seal, .. } = sealed();
    let first_line = seal.find('\n').expect("four lines");
    for bit in 0..seal.len() * 8 {
        let mut bytes = seal.clone().into_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let Ok(bent) = String::from_utf8(bytes) else { continue };
        let code = code(verify_minisign(kit.as_slice(), &bent, &vendor.seal_key.1));
        assert!(code == "E-SEAL" || bit / 8 < first_line, "bit {bit}");
    }
}

#[test]
fn a_secret_key_that_is_encrypted_needs_its_password_and_never_asks() {
    let Sealed { vendor, kit, comment, .. } = sealed();
    assert!(sign_minisign(kit.as_slice(), "untrusted comment: x\nAAAA\n", None, &comment).is_err());
    assert!(sign_minisign(kit.as_slice(), &vendor.seal_key.1, None, &comment).is_err());
    assert!(sign_minisign(kit.as_slice(), "", Some("password"), &comment).is_err());
}
