//! A: attacks by the tar archive. Each kit is signed by the vendor; only the archive is bent.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::digest::Digest;
use forge::{Draft, END, Files, compress, entry, forged, header, noise, summed, tar};
use importer::{ImportError, Progress, open_source};
use ouk::limits::Limits;

use super::programs;
use super::{Bench, Elsewhere, Letter, attacks};

attacks! {
    a01_names_that_climb_are_refused "A01" ["E-NAME"];
    a02_absolute_names_are_refused "A02" ["E-NAME"];
    a03_symbolic_links_are_refused "A03" ["E-TYPE", "E-HDR"];
    a04_hard_links_are_refused "A04" ["E-TYPE"];
    a05_a_file_through_a_link_is_refused_at_the_link "A05" ["E-TYPE"];
    a06_devices_and_vendor_types_are_refused "A06" ["E-TYPE"];
    a07_directories_are_refused "A07" ["E-TYPE", "E-NAME"];
    a08_a_name_that_occurs_twice_is_refused "A08" ["E-DUP", "E-ORDER"];
    a09_entries_out_of_order_are_refused "A09" ["E-ORDER"];
    a10_names_that_differ_in_case_only_are_refused "A10" ["E-NAME"];
    a11_names_that_deceive_a_reader_are_refused_and_shown_escaped "A11" ["E-NAME", "E-PAD", "E-JSON"];
    a12_a_name_may_fill_its_field_and_not_more "A12" ["E-EXTRA", "E-NAME"];
    a13_pax_headers_are_refused "A13" ["E-EXT"];
    a14_global_and_empty_pax_headers_are_refused "A14" ["E-EXT"];
    a15_gnu_long_names_are_refused "A15" ["E-EXT"];
    a16_sparse_files_are_refused "A16" ["E-EXT"];
    a17_sizes_have_one_spelling_and_are_the_signed_ones "A17" ["E-SIZE", "E-TRUNC", "E-LIMIT"];
    a18_a_wrong_header_checksum_is_refused "A18" ["E-HDR"];
    a19_other_dialects_of_tar_are_refused "A19" ["E-HDR"];
    a20_padding_and_reserved_bytes_carry_nothing "A20" ["E-PAD"];
    a21_attributes_have_one_value "A21" ["E-HDR"];
    a22_an_archive_that_ends_too_early_is_refused_or_resumed "A22" ["E-TRUNC", "E-EXTRA", "RES"];
    a23_entries_behind_a_zero_block_are_refused "A23" ["E-END"];
    a24_bytes_behind_the_end_are_refused "A24" ["E-TRAIL"];
    a25_more_entries_than_the_limit_are_refused_before_the_disk_is_used "A25" ["E-LIMIT"];
    a26_blobs_are_exactly_the_signed_ones "A26" ["E-EXTRA", "RES", "E-DIGEST", "E-ORDER", "E-NAME"];
    a27_metadata_that_nothing_signed_refers_to_is_refused "A27" ["E-EXTRA", "E-ROOT-GAP", "E-DIGEST", "E-SCHEMA"];
    a28_a_nested_archive_is_never_unpacked "A28" ["accepted", "E-SEM"];
    a29_all_tools_agree_on_every_kit_that_is_accepted "A29" ["accepted"];
    a30_what_is_no_file_is_no_kit "A30" ["E-IO-KIND", "E-LIMIT", "E-IO-READ"];
    a31_a_medium_is_read_once "A31" ["accepted", "E-TRAIL"];
    a32_what_somebody_put_among_the_blobs_is_not_taken "A32" ["E-CAS", "accepted"];
}

pub(crate) const LETTER: Letter = Letter {
    cases: CASES,
    elsewhere: &[
        Elsewhere { id: "A22", tests: &["ouk/tests/kit/exhaustive.rs::every_truncation_is_refused"] },
        Elsewhere {
            id: "A32",
            tests: &["store/tests/store.rs::a_link_or_directory_with_the_name_of_a_blob_is_refused_and_left_alone"],
        },
    ],
    open: &[],
};

/// The good kit with another tar in its metadata frame.
fn framed(bench: &Bench, bend: impl Fn(&Files) -> Vec<u8>) -> Vec<u8> {
    let draft = bench.draft();
    draft.kit_of(&compress(&bend(&draft.files())))
}

/// The good kit with a raw block in front of its metadata.
pub(crate) fn behind(bench: &Bench, block: &[u8; 512], body: &[u8]) -> Vec<u8> {
    framed(bench, |files| [block, body, &tar(files)].concat())
}

/// The good kit with one more file among its metadata.
pub(crate) fn with(bench: &Bench, name: &str, content: &[u8]) -> Vec<u8> {
    framed(bench, |files| {
        let mut files = files.clone();
        files.insert(name.to_owned(), content.to_vec());
        tar(&files)
    })
}

fn refuse_names(bench: &mut Bench, names: &[&str]) {
    for name in names {
        let kit = with(bench, name, b"x");
        bench.refuse(&format!("{name:?}"), &kit, "E-NAME");
    }
}

/// An entry of this type that would reach the canary.
pub(crate) fn link(typeflag: u8, name: &[u8], target: &[u8]) -> [u8; 512] {
    let mut block = forged(name, 0, 156, &[typeflag]);
    block[157..157 + target.len()].copy_from_slice(target);
    summed(block)
}

fn a01_names_that_climb_are_refused(bench: &mut Bench) {
    refuse_names(
        bench,
        &["../x", "META/../x", "META/a/../../x", "META/./x", "META//x", "META/x/", "META/..", "./META/x", "META/..."],
    );
}

fn a02_absolute_names_are_refused(bench: &mut Bench) {
    let canary = bench.path("etc/passwd").display().to_string();
    refuse_names(bench, &["/etc/x", "/META/x", "\\x", "\\\\host\\x", "C:\\x", "META/C:x", &canary]);
}

fn a03_symbolic_links_are_refused(bench: &mut Bench) {
    let outside = bench.path("etc/passwd").display().to_string();
    for target in ["META/VERSION", outside.as_str(), "META/A", "nowhere", "../../etc/passwd"] {
        let kit = behind(bench, &link(b'2', b"META/A", target.as_bytes()), b"");
        bench.refuse(target, &kit, "E-TYPE");
    }
    let kit = behind(bench, &forged(b"META/A", 0, 157, b"../../etc/passwd"), b"");
    bench.refuse("a regular file with a target", &kit, "E-HDR");
    let kit = bent_blob(bench, |head| head[156] = b'2');
    bench.refuse("a link in place of a signed blob", &kit, "E-TYPE");
}

fn a04_hard_links_are_refused(bench: &mut Bench) {
    for target in ["META/README.txt", "../../etc/passwd", "/etc/passwd"] {
        let kit = behind(bench, &link(b'1', b"META/A", target.as_bytes()), b"");
        bench.refuse(target, &kit, "E-TYPE");
    }
    let kit = bent_blob(bench, |head| head[156] = b'1');
    bench.refuse("in place of a signed blob", &kit, "E-TYPE");
}

fn a05_a_file_through_a_link_is_refused_at_the_link(bench: &mut Bench) {
    let etc = bench.path("etc").display().to_string();
    let kit = framed(bench, |files| {
        [&link(b'2', b"META/A", etc.as_bytes()), &entry("META/A/passwd", b"evil")[..], &tar(files)].concat()
    });
    bench.refuse("a link, then a file below it", &kit, "E-TYPE");
    let kit = framed(bench, |files| {
        [&link(b'2', b"META/A", etc.as_bytes()), &link(b'5', b"META/A", b"")[..], &tar(files)].concat()
    });
    bench.refuse("a link, then a directory of its name", &kit, "E-TYPE");
}

fn a06_devices_and_vendor_types_are_refused(bench: &mut Bench) {
    let plain = [b'3', b'4', b'6', b'7', 0, b'8', b'9', b'a', b'z', 0xff];
    let vendors = (b'A'..=b'Z').filter(|typeflag| !b"KLSX".contains(typeflag));
    for typeflag in plain.into_iter().chain(vendors) {
        let kit = behind(bench, &link(typeflag, b"META/A", b"etc/passwd"), b"");
        bench.refuse(&typeflag.escape_ascii().to_string(), &kit, "E-TYPE");
    }
}

fn a07_directories_are_refused(bench: &mut Bench) {
    for (name, expected) in [("META/A", "E-TYPE"), ("META/A/", "E-TYPE"), ("META", "E-TYPE")] {
        let kit = behind(bench, &link(b'5', name.as_bytes(), b""), b"");
        bench.refuse(name, &kit, expected);
    }
    let kit = behind(bench, &header(b"META/A/", 0), b"");
    bench.refuse("a file that is named like one", &kit, "E-NAME");
}

fn a08_a_name_that_occurs_twice_is_refused(bench: &mut Bench) {
    for body in [b"OUK/1\n".as_slice(), b"OUK/9\n"] {
        let kit = framed(bench, |files| [tar(files), entry("META/VERSION", body)].concat());
        bench.refuse(&body.escape_ascii().to_string(), &kit, "E-DUP");
    }
    let mut draft = bench.draft();
    let (digest, frame) =
        draft.frames.first_key_value().map(|(digest, frame)| (digest.clone(), frame.clone())).expect("one");
    draft.frames.insert(format!("{digest}~"), frame);
    bench.refuse("a blob", &draft.kit(), "E-ORDER");
}

fn a09_entries_out_of_order_are_refused(bench: &mut Bench) {
    let kit = framed(bench, |files| files.iter().rev().flat_map(|(name, bytes)| entry(name, bytes)).collect());
    bench.refuse("metadata the wrong way round", &kit, "E-ORDER");
    let blob = entry(&format!("blobs/sha256/{}", Digest::of(b"notes")), b"notes");
    let kit = framed(bench, |files| [blob.clone(), tar(files)].concat());
    bench.refuse("a blob before the metadata", &kit, "E-ORDER");
    let draft = bench.draft();
    let frames: Vec<u8> = draft.frames.values().flatten().copied().collect();
    let kit = [frames, compress(&tar(&draft.files())), END.to_vec()].concat();
    bench.refuse("all blobs before the metadata", &kit, "E-ORDER");
    let mut swapped = bench.draft();
    let digests: Vec<String> = swapped.frames.keys().cloned().collect();
    let (first, second) = (swapped.frames[&digests[0]].clone(), swapped.frames[&digests[1]].clone());
    swapped.frames.insert(digests[0].clone(), second);
    swapped.frames.insert(digests[1].clone(), first);
    bench.refuse("two blobs swapped", &swapped.kit(), "E-ORDER");
}

fn a10_names_that_differ_in_case_only_are_refused(bench: &mut Bench) {
    refuse_names(bench, &["META/version", "META/readme.TXT", "META/Timestamp.json"]);
}

fn a11_names_that_deceive_a_reader_are_refused_and_shown_escaped(bench: &mut Bench) {
    refuse_names(
        bench,
        &[
            "META/a\u{301}",
            "META/\u{e1}",
            "META/\u{202e}gpj.exe",
            "META/a\u{200b}b",
            "META/a\nb",
            "META/\u{1b}[2J",
            "META/a b",
            "META/%2e%2e/x",
        ],
    );
    let kit = behind(bench, &header(b"META/\xff\xfe", 0), b"");
    bench.refuse("invalid UTF-8", &kit, "E-NAME");
    let kit = behind(bench, &header(b"META/A\0x", 0), b"");
    bench.refuse("a byte behind the end of the name", &kit, "E-PAD");
    let mut draft = bench.draft();
    draft.target("targets", "os/\u{202e}fdp", 0, &Digest::of(b""), serde_json::json!([]));
    bench.refuse("a signed path", &draft.kit(), "E-NAME");
    draft.target("targets", "os/\u{1b}]0;owned\u{7}", 0, &Digest::of(b""), serde_json::json!([]));
    bench.refuse("a signed path with control characters", &draft.kit(), "E-JSON");
}

fn a12_a_name_may_fill_its_field_and_not_more(bench: &mut Bench) {
    let kit = with(bench, &format!("META/{}", "a".repeat(95)), b"x");
    bench.refuse("100 bytes: well formed, and signed by nobody", &kit, "E-EXTRA");
    let long = [b"META/".as_slice(), &[b'a'; 95]].concat();
    for (what, prefix) in [("a prefix", b"META".as_slice()), ("155 + 100 bytes", &[b'p'; 155])] {
        let kit = behind(bench, &forged(&long, 0, 345, prefix), b"");
        bench.refuse(what, &kit, "E-NAME");
    }
    let kit = behind(bench, &header(b"", 0), b"");
    bench.refuse("no name", &kit, "E-NAME");
}

/// A header of an extension, its records, and the file that it speaks of.
pub(crate) fn extension(bench: &Bench, typeflag: u8, records: &[u8], next: &[u8]) -> Vec<u8> {
    let mut body = records.to_vec();
    body.resize(body.len().next_multiple_of(512), 0);
    behind(bench, &forged(b"META/A", records.len() as u64, 156, &[typeflag]), &[body, next.to_vec()].concat())
}

fn a13_pax_headers_are_refused(bench: &mut Bench) {
    let file = entry("META/B", b"x");
    for records in ["26 path=../../etc/passwd\n\n", "12 size=9999\n", "29 linkpath=../../etc/passwd\n"] {
        let kit = extension(bench, b'x', records.as_bytes(), &file);
        bench.refuse(records, &kit, "E-EXT");
    }
    let kit = bent_blob(bench, |head| head[156] = b'x');
    bench.refuse("in a blob's frame", &kit, "E-EXT");
}

fn a14_global_and_empty_pax_headers_are_refused(bench: &mut Bench) {
    for (typeflag, records) in [(b'g', "12 path=evil\n"), (b'g', ""), (b'x', ""), (b'x', "14 comment=hi\n"), (b'X', "")]
    {
        let kit = extension(bench, typeflag, records.as_bytes(), b"");
        bench.refuse(&format!("{} {records:?}", char::from(typeflag)), &kit, "E-EXT");
    }
}

fn a15_gnu_long_names_are_refused(bench: &mut Bench) {
    for typeflag in *b"LK" {
        let kit = extension(bench, typeflag, b"../../etc/passwd\0", &entry("META/B", b"x"));
        bench.refuse(&char::from(typeflag).to_string(), &kit, "E-EXT");
    }
    let pax = [header(b"META/P", 0).as_slice(), &entry("META/B", b"x")].concat();
    let kit = extension(bench, b'L', b"META/evil\0", &pax);
    bench.refuse("another header between a long name and its file", &kit, "E-EXT");
}

fn a16_sparse_files_are_refused(bench: &mut Bench) {
    let kit = extension(bench, b'S', b"", b"");
    bench.refuse("GNU", &kit, "E-EXT");
    for version in ["22 GNU.sparse.major=1\n", "22 GNU.sparse.major=0\n", "28 GNU.sparse.map=0,1,2,3,4\n"] {
        let kit = extension(bench, b'x', version.as_bytes(), &entry("META/B", b"x"));
        bench.refuse(version, &kit, "E-EXT");
    }
    let regions = "0,1,".repeat(200_000);
    let kit = extension(bench, b'x', format!("800017 GNU.sparse.map={regions}\n").as_bytes(), b"");
    bench.refuse("200000 regions", &kit, "E-EXT");
}

fn a17_sizes_have_one_spelling_and_are_the_signed_ones(bench: &mut Bench) {
    for size in [
        [0xff; 12],
        [0x80, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0],
        *b"0000000000x\0",
        *b"          1\0",
        *b"000000000001",
        *b"-0000000001\0",
        *b"00000000008\0",
    ] {
        let kit = behind(bench, &forged(b"META/A", 0, 124, &size), &[0; 512]);
        bench.refuse(&size.escape_ascii().to_string(), &kit, "E-SIZE");
    }
    let kit = behind(bench, &header(b"META/A", 4 << 20), b"");
    bench.refuse("beyond the frame", &kit, "E-TRUNC");
    let kit = behind(bench, &header(b"META/A", (8 << 30) - 1), b"");
    bench.refuse("beyond every limit", &kit, "E-LIMIT");
    let mut draft = bench.draft();
    let name = format!("blobs/sha256/{}", Digest::of(b"hello"));
    let mut blob = entry(&name, b"hello");
    blob[..512].copy_from_slice(&header(name.as_bytes(), 4));
    draft.put_frame("os/hello", b"hello", compress(&blob));
    bench.refuse("not the signed length", &draft.kit(), "E-SIZE");
}

fn a18_a_wrong_header_checksum_is_refused(bench: &mut Bench) {
    let mut block = header(b"META/A", 0);
    block[150] ^= 1;
    let kit = behind(bench, &block, b"");
    bench.refuse("one bit", &kit, "E-HDR");
    // Old programs summed signed bytes; the two sums differ as soon as a byte is over 127.
    let mut block = forged(b"META/A", 0, 265, &[0xe9]);
    let sum: i64 = block
        .iter()
        .enumerate()
        .map(|(at, &byte)| if (148..156).contains(&at) { 32 } else { i64::from(byte.cast_signed()) })
        .sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let kit = behind(bench, &block, b"");
    bench.refuse("summed as signed bytes", &kit, "E-HDR");
    let mut block = header(b"META/A", 0);
    let sum = String::from_utf8_lossy(&block[148..154]).into_owned();
    block[148..156].copy_from_slice(format!(" {sum}\0").as_bytes());
    let kit = behind(bench, &block, b"");
    bench.refuse("right and spelt differently", &kit, "E-HDR");
}

fn refuse_headers(bench: &mut Bench, fields: &[(usize, &[u8])]) {
    for (at, bytes) in fields {
        let kit = behind(bench, &forged(b"META/A", 0, *at, bytes), b"");
        bench.refuse(&format!("at {at}: {}", bytes.escape_ascii()), &kit, "E-HDR");
    }
}

fn a19_other_dialects_of_tar_are_refused(bench: &mut Bench) {
    refuse_headers(bench, &[(257, b"ustar  \0"), (257, &[0; 8]), (257, b"ustar\x0099"), (257, b"USTAR\x0000")]);
}

fn a20_padding_and_reserved_bytes_carry_nothing(bench: &mut Bench) {
    let kit = behind(bench, &forged(b"META/A", 0, 500, b"hi"), b"");
    bench.refuse("reserved header bytes", &kit, "E-PAD");
    let mut body = [0; 512];
    body[511] = 1;
    let kit = behind(bench, &header(b"META/A", 5), &body);
    bench.refuse("behind a body", &kit, "E-PAD");
    let mut draft = bench.draft();
    let mut blob = entry(&format!("blobs/sha256/{}", Digest::of(b"hello")), b"hello");
    *blob.last_mut().expect("padding") = 1;
    draft.put_frame("os/hello", b"hello", compress(&blob));
    bench.refuse("behind a blob, and signed", &draft.kit(), "E-PAD");
}

fn a21_attributes_have_one_value(bench: &mut Bench) {
    refuse_headers(
        bench,
        &[
            (100, b"0004755\0"),
            (100, b"0000644\0"),
            (108, b"0001750\0"),
            (116, b"0001750\0"),
            (136, b"14600000000\0"),
            (265, b"root\0"),
            (297, b"root\0"),
            (329, b"0000001\0"),
            (337, b"0000001\0"),
        ],
    );
}

fn a22_an_archive_that_ends_too_early_is_refused_or_resumed(bench: &mut Bench) {
    let kit = bench.draft().kit();
    let draft = bench.draft();
    let blobs: usize = draft.frames.values().map(Vec::len).sum();
    let first = draft.frames.values().next().expect("a frame").len();
    let metadata = kit.len() - END.len() - blobs;
    // In the metadata, in the first blob, and where only the end is missing: nothing could wait for another part.
    for length in [0, 1, 17, metadata / 2, metadata, metadata + first - 1, kit.len() - END.len(), kit.len() - 1] {
        bench.refuse(&format!("{length} of {} bytes", kit.len()), &kit[..length], "E-TRUNC");
    }
    for length in [metadata + first, metadata + first + 1, kit.len() - END.len() - 1] {
        bench.resume(&format!("{length} of {} bytes", kit.len()), &kit[..length]);
        bench.forget_parts();
    }
    let whole = tar(&bench.draft().files());
    for (what, length) in [("in a header", whole.len() - 700), ("in a body", 512 + 3), ("in a padding", 512 + 100)] {
        let kit = framed(bench, |files| tar(files)[..length].to_vec());
        bench.refuse(what, &kit, "E-TRUNC");
    }
    let open_end = &kit[..kit.len() - END.len()];
    bench.refuse("one end block", &[open_end, &compress(&[0; 512])].concat(), "E-EXTRA");
}

fn a23_entries_behind_a_zero_block_are_refused(bench: &mut Bench) {
    let kit = behind(bench, &[0; 512], b"");
    bench.refuse("before the first entry", &kit, "E-END");
    for zeros in [512, 1024] {
        let kit = framed(bench, |files| [tar(files), vec![0; zeros]].concat());
        bench.refuse(&format!("{zeros} zero bytes behind the metadata, then blobs"), &kit, "E-END");
    }
}

fn a24_bytes_behind_the_end_are_refused(bench: &mut Bench) {
    let kit = bench.draft().kit();
    for (what, more) in
        [("a byte", vec![0]), ("a block", vec![0; 512]), ("an end", END.to_vec()), ("a kit", kit.clone())]
    {
        bench.refuse(what, &[kit.clone(), more].concat(), "E-TRAIL");
    }
}

fn a25_more_entries_than_the_limit_are_refused_before_the_disk_is_used(bench: &mut Bench) {
    let mut draft = bench.draft();
    for number in 0..40 {
        draft.put(&format!("os/{number}"), format!("{number}").as_bytes());
    }
    let kit = draft.kit();
    bench.limits = Limits { chunks_max: 30, ..Limits::default() };
    bench.refuse("more blobs than the limit", &kit, "E-LIMIT");
    bench.limits = Limits { targets_max: 30, ..Limits::default() };
    bench.refuse("more targets than the limit", &kit, "E-LIMIT");
    bench.limits = Limits::default();
    // An unsigned frame full of empty files: 16383 headers are all that 8 MiB hold.
    let kit = framed(bench, |files| {
        let many = (0..15_000).flat_map(|number| header(format!("META/0/{number:05}").as_bytes(), 0));
        many.chain(tar(files)).collect()
    });
    bench.refuse("15000 empty files in the metadata", &kit, "E-LIMIT");
}

fn a26_blobs_are_exactly_the_signed_ones(bench: &mut Bench) {
    let digests: Vec<String> = bench.draft().frames.keys().cloned().collect();
    for (at, digest) in digests.iter().enumerate() {
        let mut missing = bench.draft();
        missing.frames.remove(digest);
        let incomplete = bench.resume(&format!("blob {at} is missing"), &missing.kit());
        assert_eq!(incomplete.missing, [digest.parse().expect("a digest")]);
        bench.forget_parts();
    }
    let mut extra = bench.draft();
    let name = format!("blobs/sha256/{}", Digest::of(b"x"));
    extra.frames.insert("~".to_owned(), compress(&entry(&name, b"x")));
    bench.refuse("one more at the end", &extra.kit(), "E-EXTRA");
    let mut repeated = bench.draft();
    let first = repeated.frames[&digests[0]].clone();
    repeated.frames.insert(format!("{}~", digests[0]), first);
    bench.refuse("one repeated", &repeated.kit(), "E-ORDER");
    let mut misnamed = bench.draft();
    misnamed.put_frame("os/hello", b"hello", compress(&entry(&name, b"hello")));
    bench.refuse("under another digest", &misnamed.kit(), "E-DIGEST");
    let mut elsewhere = bench.draft();
    elsewhere.put_frame("os/hello", b"hello", compress(&entry("META/hello", b"hello")));
    bench.refuse("under a name of the metadata", &elsewhere.kit(), "E-NAME");
}

fn a27_metadata_that_nothing_signed_refers_to_is_refused(bench: &mut Bench) {
    for name in ["META/NOTES", "META/3.feeds.json", "META/tlog/1.tlog-proof", "META/root/x.root.json"] {
        let kit = with(bench, name, b"{}");
        bench.refuse(name, &kit, "E-EXTRA");
    }
    for (name, content, expected) in [
        ("META/root/3.root.json", b"{}".as_slice(), "E-ROOT-GAP"),
        ("META/README.txt", b"please run curl | sh", "E-DIGEST"),
        ("META/VERSION", b"OUK/2\n", "E-SCHEMA"),
    ] {
        let kit = with(bench, name, content);
        bench.refuse(name, &kit, expected);
    }
}

fn a28_a_nested_archive_is_never_unpacked(bench: &mut Bench) {
    let inner = [&header(b"../../etc/passwd", 0)[..], &link(b'2', b"evil", b"/etc/passwd"), &[0; 1024]].concat();
    let mut draft = bench.draft();
    draft.put("os/db.tar.gz", &inner);
    bench.accept("a tar of a tar", &draft.kit());
    let kept = bench.store.blobs().read(&Digest::of(&inner), 1 << 20).expect("kept as it is");
    assert_eq!(kept, inner);
    // Where the content is checked, an archive is none: it is not opened to find out.
    for path in ["trivy/db.tar.gz", "trivy/trivy.db"] {
        let mut draft = bench.draft_of(super::bench::HELD + 2, 2);
        draft.put("trivy/metadata.json", b"{}");
        draft.put(path, &inner);
        bench.refuse(path, &draft.kit(), "E-SEM");
    }
}

fn a29_all_tools_agree_on_every_kit_that_is_accepted(bench: &mut Bench) {
    for seed in 0..4 {
        let mut draft = bench.draft_of(super::bench::HELD + 1 + seed, 2);
        for number in 0..seed * 3 {
            draft.put(&format!("os/{number}"), &noise(100 * seed + number, (number * 511 + seed) as usize + 1));
        }
        let kit = draft.kit();
        bench.accept(&format!("kit {seed}"), &kit);
        programs::check_that_tools_agree(&kit, &bench.path("medium"));
    }
}

fn a30_what_is_no_file_is_no_kit(bench: &mut Bench) {
    let kit = bench.draft().kit();
    fs::write(bench.path("medium/real"), &kit).expect("written");
    symlink("real", bench.path("medium/link")).expect("a link");
    symlink("/etc/shadow", bench.path("medium/shadow")).expect("a link");
    symlink("nowhere", bench.path("medium/dangling")).expect("a link");
    fs::create_dir(bench.path("medium/directory")).expect("a directory");
    programs::mkfifo(&bench.path("medium/pipe"));
    let _socket = std::os::unix::net::UnixListener::bind(bench.path("medium/socket")).expect("a socket");
    let named = ["link", "shadow", "dangling", "directory", "pipe"].map(|name| bench.path("medium").join(name));
    let devices = ["/dev/zero", "/dev/null"].map(std::path::PathBuf::from);
    for path in named.iter().chain(&devices) {
        let error = open_source(path).expect_err("no kit");
        assert_eq!(error.code(), "E-IO-KIND", "{}", path.display());
        bench.note(&path.file_name().expect("a name").to_string_lossy(), "E-IO-KIND");
    }
    let error = open_source(&bench.path("medium/socket")).expect_err("no kit");
    assert!(matches!(error, ImportError::SourceRead { .. }), "{error}");
    bench.note("socket", "E-IO-READ");
    // A source without an end: opened by force, it is cut off at the limit.
    bench.limits = Limits { kit_bytes_max: 4 << 20, ..Limits::default() };
    let zero = fs::File::open("/dev/zero").expect("opens");
    bench.refuse_source("an endless source", zero, "E-LIMIT");
}

fn a31_a_medium_is_read_once(bench: &mut Bench) {
    // The file is overwritten when the copy is whole, and again when the kit is verified.
    let kit = bench.draft().kit();
    let (path, length) = (bench.path("medium/kit.tar.zst"), kit.len());
    bench.progress = Box::new(move |progress| {
        let whole = matches!(progress, Progress::Copying { bytes } if bytes == length as u64);
        if whole || matches!(progress, Progress::Verified { .. }) {
            // The same file on the medium, not a new one under its name.
            fs::write(&path, vec![0x5a; length]).expect("written");
        }
    });
    let source = bench.medium(&kit);
    let row = bench.import_changing(source).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(row.kit_sha256, Digest::of(&kit), "what was copied is what counts");
    assert_ne!(fs::read(bench.path("medium/kit.tar.zst")).expect("there"), kit, "the medium did change");
    bench.check_serves("after the medium changed");
    bench.note("the file changes behind the copy", "accepted");
    // One that grows under the copy is what the copy says it is: a kit with bytes behind its end.
    let kit = bench.draft_of(super::bench::HELD + 2, 2).kit();
    let (path, longer, grown) =
        (bench.path("medium/kit.tar.zst"), [kit.clone(), kit.clone()].concat(), AtomicBool::new(false));
    bench.progress = Box::new(move |progress| {
        if matches!(progress, Progress::Copying { .. }) && !grown.swap(true, Ordering::Relaxed) {
            fs::write(&path, &longer).expect("written");
        }
    });
    let source = bench.medium(&kit);
    let error = bench.import_changing(source).expect_err("refused");
    assert_eq!(error.code(), "E-TRAIL", "{error}");
    bench.check_serves("after the medium grew");
    bench.note("the file grows under the copy", "E-TRAIL");
}

fn a32_what_somebody_put_among_the_blobs_is_not_taken(bench: &mut Bench) {
    let kit = bench.draft_of(super::bench::HELD + 1, 4).kit();
    let segment = forge::dataset(forge::advisories(4)).swap_remove(0).1;
    let hex = Digest::of(&segment).to_string();
    let blob = bench.state(&format!("cas/sha256/{}/{hex}", &hex[..2]));
    let directory = blob.parent().expect("a directory").to_owned();
    fs::create_dir_all(&directory).expect("a directory");
    // Other content under the name is swept, or hashed and replaced.
    fs::write(&blob, b"evil").expect("written");
    let sibling = directory.join("not-a-digest");
    fs::write(&sibling, b"x").expect("written");
    let source = bench.medium(&kit);
    let row = bench.import_changing(source).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(bench.store.blobs().read(&Digest::of(&segment), 1 << 20).expect("whole"), segment);
    assert!(!sibling.exists() && row.advisories == 4);
    bench.note("other content under a blob's name", "accepted");
    // A directory that is a link leads out of the state: nothing is read, written or removed there.
    let outside = bench.path("etc");
    let next = bench.draft_of(super::bench::HELD + 2, 6).kit();
    let segment = forge::dataset(forge::advisories(6)).swap_remove(0).1;
    let directory = bench.state(&format!("cas/sha256/{}", &Digest::of(&segment).to_string()[..2]));
    let moved = directory.exists().then(|| {
        let aside = bench.path("aside");
        fs::rename(&directory, &aside).expect("moved");
        aside
    });
    symlink(&outside, &directory).expect("a link");
    let source = bench.medium(&next);
    let error = bench.import_changing(source).expect_err("refused");
    assert_eq!(error.code(), "E-CAS", "{error}");
    assert_eq!(bench.receipts().last().expect("one").code.as_deref(), Some("E-CAS"));
    assert_eq!(fs::read(outside.join("passwd")).expect("there"), b"root:x:0:0", "the canary lives");
    assert_eq!(fs::read_dir(&outside).expect("there").count(), 1, "nothing was written through the link");
    bench.note("a directory of blobs is a link", "E-CAS");
    fs::remove_file(&directory).expect("removed");
    if let Some(aside) = moved {
        fs::rename(aside, &directory).expect("moved back");
    }
}

/// The good kit with one signed blob whose tar header is bent and summed again.
fn bent_blob(bench: &Bench, bend: impl Fn(&mut [u8; 512])) -> Vec<u8> {
    let mut draft: Draft = bench.draft();
    let mut blob = entry(&format!("blobs/sha256/{}", Digest::of(b"hello")), b"hello");
    let mut head: [u8; 512] = *blob.first_chunk().expect("a header");
    bend(&mut head);
    blob[..512].copy_from_slice(&summed(head));
    draft.put_frame("os/hello", b"hello", compress(&blob));
    draft.kit()
}
