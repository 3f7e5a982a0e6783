//! Z: attacks by the zstd frames. The signer is honest about digests here, so that the
//! frame itself has to be refused.

use domain::digest::Digest;
use ouk::limits::Limits;

use forge::{Draft, END, Vendor, code, compress, compress_with, entry, gates, import_at, now, tar};

const SKIPPABLE: [u8; 12] = [0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, b'h', b'i', 0, 0];

/// The code for a kit with one signed blob whose frame is `frame`.
fn blob_code(frame: Vec<u8>) -> String {
    let vendor = Vendor::new(1);
    let mut draft = Draft::new(&vendor, 4, &[]);
    draft.put_frame("feeds/a", b"hello", frame);
    code(&draft.kit(), &vendor.trust())
}

fn blob() -> Vec<u8> {
    entry(&format!("blobs/sha256/{}", Digest::of(b"hello")), b"hello")
}

/// The code for a kit whose metadata frame is bent.
fn metadata_code(bend: impl Fn(Vec<u8>) -> Vec<u8>) -> String {
    let vendor = Vendor::new(1);
    let draft = Draft::new(&vendor, 4, &[("feeds/a", b"hello")]);
    code(&draft.kit_of(&bend(compress(&tar(&draft.files())))), &vendor.trust())
}

#[test]
fn the_honest_frame_is_accepted() {
    assert_eq!(blob_code(compress(&blob())), "accepted");
}

#[test]
fn a_bomb_is_refused_by_its_stated_size() {
    // Z01: 1 GiB of zeros, signed as five bytes.
    let bomb = zstd::bulk::compress(&vec![0; 256 << 20], 1).expect("compresses");
    let mut summed = bomb;
    summed[4] |= 4;
    summed.extend_from_slice(&[0; 4]);
    let code = blob_code(summed.clone());
    // It is even over the length that a compressed chunk of five bytes may have.
    assert_eq!(code, "E-LIMIT");
    assert_eq!(metadata_code(|_| summed.clone()), "E-LIMIT");
    // A small one that lies in the length limits.
    let mut small = compress_with(&[0; 60_000], &[zstd::zstd_safe::CParameter::ChecksumFlag(true)]);
    assert!(small.len() < 100);
    assert_eq!(blob_code(small.clone()), "E-LIMIT");
    // The same, with a stated size that is the signed one: the decoder stops at it.
    small[5..7].copy_from_slice(&(1024_u16 - 256).to_le_bytes());
    assert_eq!(blob_code(small), "E-FRAME");
}

#[test]
fn a_large_window_is_refused_unopened() {
    // Z02: a window of 2^31 in a frame that would need nothing of it.
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x44, (31 - 10) << 3, 0, 3];
    frame.extend_from_slice(&[0x03, 0x20, 0x00, 0x00, 0xcd, 0xac, 0x85, 0xf0]);
    assert_eq!(blob_code(frame.clone()), "E-WINDOW");
    assert_eq!(metadata_code(|_| frame.clone()), "E-WINDOW");
    // A content size of 2^62 with and without a window of its own.
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0xe4, 0, 0, 0, 0, 0, 0, 0, 0x40, 1, 0, 0, 0, 0, 0, 0];
    assert_eq!(metadata_code(|_| frame.to_vec()), "E-WINDOW");
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0xc4, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 1, 0, 0, 0, 0, 0, 0];
    assert_eq!(metadata_code(|_| frame.to_vec()), "E-LIMIT");
}

#[test]
fn skippable_and_retired_frames_are_refused_anywhere() {
    // Z03.
    assert_eq!(metadata_code(|frame| [SKIPPABLE.to_vec(), frame].concat()), "E-FRAME");
    assert_eq!(metadata_code(|frame| [frame, SKIPPABLE.to_vec()].concat()), "E-FRAME");
    assert_eq!(blob_code([SKIPPABLE.to_vec(), compress(&blob())].concat()), "E-FRAME");
    let vendor = Vendor::new(1);
    let kit = Draft::new(&vendor, 4, &[("feeds/a", b"hello")]).kit();
    let (body, end) = kit.split_at(kit.len() - END.len());
    assert_eq!(code(&[body, &SKIPPABLE, end].concat(), &vendor.trust()), "E-END");
    assert_eq!(code(&[body, end, &SKIPPABLE].concat(), &vendor.trust()), "E-TRAIL");
    for magic in [0x1e, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27] {
        let mut frame = compress(&blob());
        frame[0] = magic;
        assert_eq!(blob_code(frame), "E-FRAME", "{magic:#x}");
    }
}

#[test]
fn the_content_size_must_be_there_and_true() {
    // Z04.
    use zstd::zstd_safe::CParameter::{ChecksumFlag, ContentSizeFlag};
    let absent = compress_with(&blob(), &[ChecksumFlag(true), ContentSizeFlag(false)]);
    assert_eq!(blob_code(absent), "E-FRAME");
    let absent = compress_with(&tar(&Draft::new(&Vendor::new(1), 4, &[]).files()), &[ContentSizeFlag(false)]);
    assert_eq!(metadata_code(|_| absent.clone()), "E-FRAME");
    let mut short = compress(&blob());
    short[5..7].copy_from_slice(&(1000_u16 - 256).to_le_bytes());
    assert_eq!(blob_code(short), "E-FRAME");
    let mut long = compress(&blob());
    long[5..7].copy_from_slice(&(1025_u16 - 256).to_le_bytes());
    assert_eq!(blob_code(long), "E-LIMIT");
}

#[test]
fn the_checksum_must_be_there_and_true() {
    let bare = compress_with(&blob(), &[]);
    assert_eq!(blob_code(bare), "E-FRAME");
    let mut wrong = compress(&blob());
    *wrong.last_mut().expect("a checksum") ^= 1;
    assert_eq!(blob_code(wrong), "E-FRAME");
}

#[test]
fn a_dictionary_is_refused() {
    // Z05.
    let dictionary = b"hello hello hello hello blobs/sha256/ 0000444 0000000 ustar";
    let mut encoder = zstd::bulk::Compressor::with_dictionary(3, dictionary).expect("an encoder");
    encoder.set_parameter(zstd::zstd_safe::CParameter::ChecksumFlag(true)).expect("a checksum");
    let raw = encoder.compress(&blob()).expect("compresses");
    // A raw-content dictionary has no id; without it the frame does not decode to the signed content.
    assert_eq!(blob_code(raw), "E-FRAME");
    for flag in 1..=3 {
        let mut named = compress(&blob());
        named[4] |= flag;
        assert_eq!(blob_code(named), "E-FRAME");
    }
}

#[test]
fn a_blob_is_one_frame_and_nothing_else() {
    // Z06.
    let frame = compress(&blob());
    assert_eq!(blob_code([frame.as_slice(), &frame].concat()), "E-TRAIL");
    assert_eq!(blob_code([frame.as_slice(), b"junk"].concat()), "E-TRAIL");
    assert_eq!(blob_code(frame[..frame.len() - 1].to_vec()), "E-TRUNC");
    let (head, body) = (compress(&blob()[..512]), compress(&blob()[512..]));
    // Header and body in two frames: tar reads it, and the stated size is short.
    let code = blob_code([head, body].concat());
    assert_eq!(code, "E-TRAIL");
    assert_eq!(metadata_code(|frame| [frame.as_slice(), &frame].concat()), "E-DIGEST");
    // Cut in the middle, the frame swallows what follows, until that ends or makes no sense.
    let cut = metadata_code(|frame| frame[..frame.len() / 2].to_vec());
    assert!(["E-TRUNC", "E-FRAME"].contains(&cut.as_str()), "{cut}");
    assert_eq!(blob_code(Vec::new()), "E-TRUNC");
    assert_eq!(blob_code(b"BZh9".to_vec()), "E-FRAME");
}

#[test]
fn a_metadata_frame_over_its_limit_is_refused() {
    // Z07: by the stated size, before anything is expanded.
    let vendor = Vendor::new(1);
    let draft = Draft::new(&vendor, 4, &[]);
    let large = compress(&vec![0; (8 << 20) + 512]);
    assert_eq!(code(&draft.kit_of(&large), &vendor.trust()), "E-LIMIT");
    let limits = Limits { metadata_frame_bytes_max: 4096, ..Limits::default() };
    let refused = import_at(&draft.kit(), &vendor.trust(), &gates(), now(), &limits).expect_err("over");
    assert_eq!(refused.code(), "E-LIMIT");
}

#[test]
fn a_frame_that_is_padded_with_empty_blocks_is_bounded() {
    // An unsigned metadata frame of endless empty blocks: read no further than its content allows.
    let mut endless = vec![0x28, 0xb5, 0x2f, 0xfd, 0x64, 0, 3];
    endless.extend(std::iter::repeat_n([0_u8, 0, 0], 100_000).flatten());
    assert_eq!(metadata_code(|_| endless.clone()), "E-LIMIT");
}

#[test]
fn a_right_compressed_digest_does_not_excuse_a_wrong_content() {
    // Z09: the signer made a mistake.
    let vendor = Vendor::new(1);
    let mut draft = Draft::new(&vendor, 4, &[]);
    let named = format!("blobs/sha256/{}", Digest::of(b"hello"));
    draft.put_frame("feeds/a", b"hello", compress(&entry(&named, b"hullo")));
    assert_eq!(code(&draft.kit(), &vendor.trust()), "E-DIGEST");
    // And a wrong size in the header of the entry.
    let mut draft = Draft::new(&vendor, 4, &[]);
    let mut blob = entry(&named, b"hello");
    blob[..512].copy_from_slice(&forge::header(named.as_bytes(), 4));
    draft.put_frame("feeds/a", b"hello", compress(&blob));
    assert_eq!(code(&draft.kit(), &vendor.trust()), "E-SIZE");
}

#[test]
fn a_changed_blob_is_refused_before_it_is_expanded() {
    let vendor = Vendor::new(1);
    let mut draft = Draft::new(&vendor, 4, &[("feeds/a", b"hello")]);
    // A perfectly sound frame, of another content.
    let frame = draft.frames.values_mut().next().expect("a frame");
    *frame = compress(&entry(&format!("blobs/sha256/{}", Digest::of(b"hello")), b"hullo"));
    assert_eq!(code(&draft.kit(), &vendor.trust()), "E-DIGEST");
}
