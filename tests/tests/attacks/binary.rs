//! A few attacks through the program itself: its exit code, its words, and nothing raw on a terminal.

use std::fs;

use forge::{Draft, Vendor, compress, entry, forged, header, tar};
use tests::Site;

/// Kits that are refused before anybody asks who signed them, and one that is refused then.
fn hostile() -> Vec<(&'static str, Vec<u8>)> {
    let draft = Draft::new(&Vendor::new(9), 50, &[("feeds/a", b"hello")]);
    let behind = |block: [u8; 512]| draft.kit_of(&compress(&[block.to_vec(), tar(&draft.files())].concat()));
    let mut bomb = zstd::bulk::compress(&vec![0; 64 << 20], 1).expect("compresses");
    bomb[4] |= 4;
    bomb.extend_from_slice(&[0; 4]);
    vec![
        ("E-NAME", behind(header(b"../../etc/passwd", 0))),
        ("E-NAME", behind(header(b"META/\x1b[2J\x1b]0;owned\x07", 0))),
        ("E-NAME", behind(header("META/\u{202e}fdp".as_bytes(), 0))),
        ("E-TYPE", behind(forged(b"META/A", 0, 156, b"2"))),
        ("E-EXT", behind(forged(b"META/A", 0, 156, b"x"))),
        ("E-LIMIT", draft.kit_of(&bomb)),
        ("E-DUP", draft.kit_of(&compress(&[tar(&draft.files()), entry("META/VERSION", b"OUK/1\n")].concat()))),
        ("E-TRUNC", draft.kit()[..100].to_vec()),
        ("E-ROOT-SIG", draft.kit()),
    ]
}

#[test]
fn a_hostile_kit_ends_the_program_with_its_code_and_shows_nothing_raw() {
    let site = Site::new();
    site.vendor();
    site.kit("kit.tar.zst", "dataset", "1");
    assert_eq!(site.import("kit.tar.zst").code, 0);
    let before = site.fingerprint();
    for (code, kit) in hostile() {
        fs::write(site.path("hostile.tar.zst"), kit).expect("written");
        let ran = site.run(&["kit", "import", "hostile.tar.zst", "--no-seal"]);
        assert_eq!(ran.code, 6, "{code}: {}", ran.stderr);
        assert!(ran.stderr.contains(code) && ran.stderr.contains("next: "), "{code}: {}", ran.stderr);
        for text in [ran.stdout, ran.stderr, site.ok(&["kit", "status"])] {
            let raw = text.chars().find(|c| c.is_control() && *c != '\n' || *c == '\u{202e}');
            assert_eq!(raw, None, "{code}: {text:?}");
        }
        assert_eq!(site.fingerprint(), before, "{code}");
    }
}
