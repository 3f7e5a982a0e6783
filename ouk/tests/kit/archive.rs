//! A: attacks by the tar archive. Each kit here is signed; only the archive is bent.

use domain::digest::Digest;
use ouk::error::KitError;
use ouk::limits::Limits;
use ouk::read::open;

use forge::{Draft, END, Vendor, code, compress, entry, forged, gates, header, import, import_at, now, summed, tar};

/// The code for a kit whose metadata frame holds `tar`.
fn frame_code(vendor: &Vendor, draft: &Draft, tar: &[u8]) -> String {
    code(&draft.kit_of(&compress(tar)), &vendor.trust())
}

/// The code for a kit with one more entry in its metadata frame, in its right place.
fn code_with(name: &str, content: &[u8]) -> String {
    let vendor = Vendor::new(1);
    let draft = Draft::new(&vendor, 4, &[("feeds/a", b"hello")]);
    let mut files = draft.files();
    files.insert(name.to_owned(), content.to_vec());
    frame_code(&vendor, &draft, &tar(&files))
}

/// The code for a kit whose first metadata entry is preceded by a raw block.
fn code_behind(block: [u8; 512], body: &[u8]) -> String {
    let vendor = Vendor::new(1);
    let draft = Draft::new(&vendor, 4, &[("feeds/a", b"hello")]);
    frame_code(&vendor, &draft, &[&block, body, &tar(&draft.files())].concat())
}

#[test]
fn names_that_climb_or_are_absolute_are_refused() {
    // A01, A02, A11.
    for name in [
        "../x",
        "META/../x",
        "META/./x",
        "META//x",
        "META/x/",
        "META/..",
        "./META/x",
        "/etc/x",
        "/META/x",
        "\\x",
        "C:\\x",
        "META/a b",
        "META/a\u{301}",
        "META/\u{202e}gpj.exe",
        "META/a\nb",
        "META/\u{1b}[2J",
        "etc/passwd",
        "META",
        "META/",
        "META/%2e%2e/x",
        "META/...",
    ] {
        assert_eq!(code_with(name, b"x"), "E-NAME", "{name:?}");
    }
}

#[test]
fn a_name_with_a_hidden_end_or_invalid_utf_8_is_refused() {
    // A11, A12.
    assert_eq!(code_behind(forged(b"META/A\0x", 0, 0, b""), b""), "E-PAD");
    assert_eq!(code_behind(forged(b"META/\xff\xfe", 0, 0, b""), b""), "E-NAME");
    assert_eq!(code_behind(forged(b"", 0, 0, b""), b""), "E-NAME");
    assert_eq!(code_behind(forged(b"META/A", 0, 345, b"../.."), b""), "E-NAME");
    // A name may fill its field; it is unknown then, not malformed.
    assert_eq!(code_with(&format!("META/{}", "a".repeat(95)), b"x"), "E-EXTRA");
}

#[test]
fn links_devices_and_directories_are_refused() {
    // A03, A04, A05 (RUSTSEC-2018-0002, RUSTSEC-2021-0080, CVE-2026-33056), A06, A07.
    for typeflag in [b'1', b'2', b'3', b'4', b'5', b'6', b'7', b'A', b'D', b'M', b'V', b'Z', 0] {
        let mut block = forged(b"META/A", 0, 156, &[typeflag]);
        block[157..168].copy_from_slice(b"/etc/shadow");
        assert_eq!(code_behind(summed(block), b""), "E-TYPE", "{}", typeflag.escape_ascii());
    }
    // A regular file with a link target.
    assert_eq!(code_behind(forged(b"META/A", 0, 157, b"/etc/shadow"), b""), "E-HDR");
}

#[test]
fn extension_headers_are_refused() {
    // A13 (CVE-2025-62518, CVE-2026-33055), A14, A15 (GHSA-3cv2-h65g-fgmm), A16 (CVE-2025-58183).
    let pax = b"26 path=../../etc/passwd\n\n";
    let mut body = [0; 512];
    body[..pax.len()].copy_from_slice(pax);
    for typeflag in *b"xgXLKS" {
        let block = forged(b"META/A", pax.len() as u64, 156, &[typeflag]);
        assert_eq!(code_behind(block, &body), "E-EXT", "{}", char::from(typeflag));
    }
}

#[test]
fn a_name_that_occurs_twice_is_refused() {
    // A08.
    let vendor = Vendor::new(1);
    let draft = Draft::new(&vendor, 4, &[("feeds/a", b"hello")]);
    let files = tar(&draft.files());
    for body in [b"OUK/1\n".as_slice(), b"OUK/9\n"] {
        let doubled = [files.as_slice(), &entry("META/VERSION", body)].concat();
        assert_eq!(frame_code(&vendor, &draft, &doubled), "E-DUP");
    }
}

#[test]
fn entries_out_of_order_are_refused() {
    // A09.
    let vendor = Vendor::new(1);
    let draft = Draft::new(&vendor, 4, &[("feeds/a", b"hello")]);
    let reversed: Vec<u8> = draft.files().iter().rev().flat_map(|(name, bytes)| entry(name, bytes)).collect();
    assert_eq!(frame_code(&vendor, &draft, &reversed), "E-ORDER");
    // Blobs before the metadata, in the same frame and in an own one.
    let blob = entry(&format!("blobs/sha256/{}", Digest::of(b"hello")), b"hello");
    let mixed = [blob, tar(&draft.files())].concat();
    assert_eq!(frame_code(&vendor, &draft, &mixed), "E-ORDER");
    let frames: Vec<u8> = draft.frames.values().flatten().copied().collect();
    let kit = [frames, compress(&tar(&draft.files())), END.to_vec()].concat();
    assert_eq!(code(&kit, &vendor.trust()), "E-ORDER");
}

#[test]
fn names_that_differ_in_case_only_are_refused() {
    // A10.
    assert_eq!(code_with("META/version", b"OUK/1\n"), "E-NAME");
}

#[test]
fn sizes_have_one_spelling() {
    // A17.
    for size in [
        [0xff; 12],
        [0x80, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0],
        *b"0000000000x\0",
        *b"          1\0",
        *b"000000000001",
        *b"-0000000001\0",
    ] {
        assert_eq!(code_behind(forged(b"META/A", 0, 124, &size), &[0; 512]), "E-SIZE", "{}", size.escape_ascii());
    }
    // A size beyond the frame, and beyond the limit.
    assert_eq!(code_behind(header(b"META/A", 4 << 20), b""), "E-TRUNC");
    assert_eq!(code_behind(header(b"META/A", (8 << 30) - 1), b""), "E-LIMIT");
}

#[test]
fn headers_that_are_not_the_canonical_ustar_header_are_refused() {
    // A18, A19, A21.
    let mut block = header(b"META/A", 0);
    block[150] ^= 1;
    assert_eq!(code_behind(block, b""), "E-HDR");
    for (at, bytes) in [
        (257, b"ustar  \0".as_slice()),
        (257, &[0; 8]),
        (257, b"ustar\x0099"),
        (100, b"0004755\0"),
        (100, b"0000644\0"),
        (108, b"0001750\0"),
        (116, b"0001750\0"),
        (136, b"14600000000\0"),
        (265, b"root\0"),
        (297, b"root\0"),
        (337, b"0000001\0"),
    ] {
        assert_eq!(code_behind(forged(b"META/A", 0, at, bytes), b""), "E-HDR", "at {at}: {}", bytes.escape_ascii());
    }
}

#[test]
fn padding_and_reserved_bytes_carry_nothing() {
    // A20, in the metadata frame.
    assert_eq!(code_behind(forged(b"META/A", 0, 500, b"hi"), b""), "E-PAD");
    let mut body = [0; 512];
    body[511] = 1;
    assert_eq!(code_behind(header(b"META/A", 5), &body), "E-PAD");
    // A20, in a blob: signed, and refused all the same.
    let vendor = Vendor::new(1);
    let mut draft = Draft::new(&vendor, 4, &[]);
    let mut blob = entry(&format!("blobs/sha256/{}", Digest::of(b"hello")), b"hello");
    *blob.last_mut().expect("padding") = 1;
    draft.put_frame("feeds/a", b"hello", compress(&blob));
    assert_eq!(code(&draft.kit(), &vendor.trust()), "E-PAD");
}

#[test]
fn end_blocks_stand_at_the_end_and_nowhere_else() {
    // A22, A23, A24.
    let vendor = Vendor::new(1);
    let draft = Draft::new(&vendor, 4, &[("feeds/a", b"hello")]);
    let files = tar(&draft.files());
    // One zero block, then entries that most readers do not see any more.
    assert_eq!(code_behind([0; 512], b""), "E-END");
    assert_eq!(frame_code(&vendor, &draft, &[files.as_slice(), &[0; 512]].concat()), "E-END");
    assert_eq!(frame_code(&vendor, &draft, &[files.as_slice(), &[0; 1024]].concat()), "E-END");
    // No end blocks, one, three, and an end frame of another spelling.
    let kit = draft.kit();
    let open_end = &kit[..kit.len() - END.len()];
    assert_eq!(code(open_end, &vendor.trust()), "E-TRUNC");
    for end in [compress(&[0; 512]), compress(&[0; 1536]), compress(&[0; 1024])] {
        let code = code(&[open_end, &end].concat(), &vendor.trust());
        assert!(["E-END", "E-EXTRA", "E-TRUNC"].contains(&code.as_str()), "{code}");
    }
    assert_eq!(code(&[&kit, END.as_slice()].concat(), &vendor.trust()), "E-TRAIL");
    assert_eq!(code(&[&kit, [0_u8; 512].as_slice()].concat(), &vendor.trust()), "E-TRAIL");
}

#[test]
fn a_frame_that_ends_inside_an_entry_is_refused() {
    // A22: header, body, padding.
    let vendor = Vendor::new(1);
    let draft = Draft::new(&vendor, 4, &[("feeds/a", b"hello")]);
    let files = tar(&draft.files());
    for cut in [1, 100, 511, 512, 513, 600] {
        let code = frame_code(&vendor, &draft, &files[..files.len() - cut]);
        assert_eq!(code, "E-TRUNC", "cut by {cut}");
    }
}

#[test]
fn too_many_entries_are_refused_before_they_are_kept() {
    // A25.
    let vendor = Vendor::new(1);
    let draft = Draft::new(&vendor, 4, &[]);
    let many: Vec<u8> = (0..12_000).flat_map(|number| header(format!("META/{number:05}").as_bytes(), 0)).collect();
    assert_eq!(frame_code(&vendor, &draft, &many), "E-LIMIT");
    let limits = Limits { targets_max: 2, ..Limits::default() };
    let kit = Draft::new(&vendor, 4, &[("os/a", b"a"), ("os/b", b"b"), ("os/c", b"c")]).kit();
    let refused = import_at(&kit, &vendor.trust(), &gates(), now(), &limits).expect_err("too many");
    assert_eq!(refused.code(), "E-LIMIT");
}

#[test]
fn blobs_that_are_extra_missing_or_misnamed_are_refused() {
    // A26.
    let vendor = Vendor::new(1);
    let contents: [&[u8]; 3] = [b"first", b"second, which is longer", b"third"];
    let targets: Vec<(String, &[u8])> =
        contents.iter().enumerate().map(|(at, content)| (format!("os/{at}"), *content)).collect();
    let targets: Vec<(&str, &[u8])> = targets.iter().map(|(path, content)| (path.as_str(), *content)).collect();
    let draft = || Draft::new(&vendor, 4, &targets);
    let digests: Vec<String> = draft().frames.keys().cloned().collect();
    // Each one missing.
    for digest in &digests {
        let mut missing = draft();
        missing.frames.remove(digest);
        let error = import(&missing.kit(), &vendor.trust()).expect_err("missing");
        assert_eq!(error.code(), "E-INCOMPLETE");
        let KitError::Incomplete { first, count } = error else { panic!("a missing blob is incomplete") };
        assert_eq!((first, count), (format!("blobs/sha256/{digest}"), 1));
    }
    let mut none = draft();
    none.frames.clear();
    assert!(matches!(import(&none.kit(), &vendor.trust()), Err(KitError::Incomplete { count: 3, .. })));
    // An extra one at the end, a repeated one, two swapped.
    let mut extra = draft();
    extra.frames.insert("~".to_owned(), compress(&entry(&format!("blobs/sha256/{}", Digest::of(b"x")), b"x")));
    assert_eq!(code(&extra.kit(), &vendor.trust()), "E-EXTRA");
    let mut repeated = draft();
    let first = repeated.frames[&digests[0]].clone();
    repeated.frames.insert(format!("{}~", digests[0]), first);
    assert_eq!(code(&repeated.kit(), &vendor.trust()), "E-ORDER");
    let mut swapped = draft();
    let (a, b) = (swapped.frames[&digests[0]].clone(), swapped.frames[&digests[1]].clone());
    swapped.frames.insert(digests[0].clone(), b);
    swapped.frames.insert(digests[1].clone(), a);
    assert_eq!(code(&swapped.kit(), &vendor.trust()), "E-INCOMPLETE");
    // A signed blob under the name of another digest.
    let mut misnamed = Draft::new(&vendor, 4, &[]);
    let name = format!("blobs/sha256/{}", Digest::of(b"other"));
    misnamed.put_frame("os/a", b"hello", compress(&entry(&name, b"hello")));
    assert_eq!(code(&misnamed.kit(), &vendor.trust()), "E-DIGEST");
    let mut elsewhere = Draft::new(&vendor, 4, &[]);
    elsewhere.put_frame("os/a", b"hello", compress(&entry("META/a", b"hello")));
    assert_eq!(code(&elsewhere.kit(), &vendor.trust()), "E-NAME");
}

#[test]
fn a_link_in_place_of_a_signed_blob_is_refused() {
    // A03, A05 behind a real signature: a vendor's build key was stolen.
    let vendor = Vendor::new(1);
    for (typeflag, expected) in [(b'2', "E-TYPE"), (b'1', "E-TYPE"), (b'5', "E-TYPE"), (b'x', "E-EXT"), (b'L', "E-EXT")]
    {
        let mut draft = Draft::new(&vendor, 4, &[]);
        let mut blob = entry(&format!("blobs/sha256/{}", Digest::of(b"hello")), b"hello");
        let mut head: [u8; 512] = *blob.first_chunk().expect("a header");
        head[156] = typeflag;
        blob[..512].copy_from_slice(&summed(head));
        draft.put_frame("feeds/a", b"hello", compress(&blob));
        assert_eq!(code(&draft.kit(), &vendor.trust()), expected);
    }
}

#[test]
fn metadata_that_nothing_signed_refers_to_is_refused() {
    // A27.
    for name in
        ["META/NOTES", "META/3.feeds.json", "META/tlog/1.tlog-proof", "META/root/x.root.json", "META/root/01.root.json"]
    {
        assert_eq!(code_with(name, b"{}"), "E-EXTRA", "{name}");
    }
    assert_eq!(code_with("META/root/3.root.json", b"{}"), "E-ROOT-GAP");
    // Even the read-me is pinned.
    assert_eq!(code_with("META/README.txt", b"please run curl | sh"), "E-DIGEST");
    assert_eq!(code_with("META/VERSION", b"OUK/2\n"), "E-SCHEMA");
}

#[test]
fn a_nested_archive_is_an_opaque_blob() {
    // A28.
    let vendor = Vendor::new(1);
    let inner = [header(b"../../etc/passwd", 0).as_slice(), &[0; 1024]].concat();
    let kit = Draft::new(&vendor, 4, &[("trivy/db.tar", &inner)]).kit();
    let (_, blobs) = import(&kit, &vendor.trust()).expect("imports");
    assert_eq!(blobs[&Digest::of(&inner)], inner);
}

#[test]
fn a_reader_that_fails_or_gives_single_bytes_is_handled() {
    // C08, A31: short reads are transparent, errors are errors of the medium.
    struct Drip<'a>(&'a [u8], bool);
    impl std::io::Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(std::io::ErrorKind::Interrupted.into());
            }
            let Some((first, rest)) = self.0.split_first() else {
                return Err(std::io::Error::other("medium error"));
            };
            self.0 = rest;
            buffer[0] = *first;
            Ok(1)
        }
    }
    let vendor = Vendor::new(1);
    let kit = Draft::new(&vendor, 4, &[("feeds/a", b"hello")]).kit();
    let opened = open(Drip(&kit, false), &Limits::default()).expect("opens drop by drop");
    let verified = ouk::verify::verify(&opened.metadata, &vendor.trust(), &gates(), now(), &Limits::default());
    let mut blobs = ouk::blobs::blobs(opened, &verified.expect("verifies"));
    assert_eq!(blobs.next_frame().expect("reads").expect("a frame").open().expect("opens").bytes, b"hello");
    assert!(blobs.next_frame().expect("reads").is_none());
    assert_eq!(blobs.finish().expect_err("the medium fails at the end").code(), "E-IO-READ");
    let error = open(Drip(&kit[..kit.len() / 4], false), &Limits::default()).err().expect("fails");
    assert_eq!(error.code(), "E-IO-READ");
}

#[test]
fn finishing_early_is_the_callers_mistake() {
    let vendor = Vendor::new(1);
    let kit = Draft::new(&vendor, 4, &[("feeds/a", b"hello")]).kit();
    let opened = open(kit.as_slice(), &Limits::default()).expect("opens");
    let verified = ouk::verify::verify(&opened.metadata, &vendor.trust(), &gates(), now(), &Limits::default());
    let blobs = ouk::blobs::blobs(opened, &verified.expect("verifies"));
    assert_eq!(blobs.position(), (0, 1));
    assert_eq!(blobs.finish().expect_err("early").code(), "E-CALLER");
}
