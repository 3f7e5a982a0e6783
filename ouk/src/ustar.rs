//! The one kind of tar entry a kit holds: a ustar regular file with fixed attributes.
//!
//! A header has one right spelling for a name and a size. So the check is to write the
//! header anew and compare all 512 bytes; what remains is to say which field is wrong.
//! Tar libraries are not used: they honour extension headers, links and duplicates, which
//! is how archives escape (RUSTSEC-2021-0080, CVE-2025-62518, CVE-2026-33055 and others).

use std::collections::BTreeMap;

use crate::error::{KitError, shown};

pub(crate) const BLOCK: usize = 512;
const NAME_BYTES: usize = 100;
const SIZE_MAX: u64 = 0o77_777_777_777;

/// The header of a regular file of `size` bytes. `name` has at most 100 bytes.
pub(crate) fn header(name: &str, size: u64) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let mut put = |at: usize, text: &[u8]| {
        for (to, from) in block.iter_mut().skip(at).zip(text) {
            *to = *from;
        }
    };
    put(0, name.as_bytes().get(..NAME_BYTES).unwrap_or(name.as_bytes()));
    put(100, b"0000444\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{size:011o}\0").as_bytes());
    put(136, b"00000000000\0");
    put(148, b"        ");
    put(156, b"0");
    put(257, b"ustar\x0000");
    put(329, b"0000000\0");
    put(337, b"0000000\0");
    let sum = checksum(&block);
    for (to, from) in block.iter_mut().skip(148).zip(format!("{sum:06o}\0 ").as_bytes()) {
        *to = *from;
    }
    block
}

/// How many zero bytes follow a body of `size` bytes.
pub(crate) fn padding(size: u64) -> usize {
    (BLOCK - (size % BLOCK as u64) as usize) % BLOCK
}

/// Header, body and padding of a file together.
pub(crate) fn entry_length(size: u64) -> u64 {
    size + (BLOCK + padding(size)) as u64
}

/// Name and size of a header, when it is exactly what [`header`] writes.
pub(crate) fn parse(block: &[u8; BLOCK]) -> Result<(String, u64), KitError> {
    let name = until_zero(&block[..NAME_BYTES]);
    let entry = shown(name);
    check_type(&entry, block[156])?;
    let refuse = |reason| Err(KitError::Header { entry: entry.clone(), reason });
    let stated = octal(until_zero(&block[148..155]).trim_ascii());
    if stated != Some(u64::from(checksum(block))) {
        return refuse("the header checksum is wrong");
    }
    if &block[257..265] != b"ustar\x0000" {
        return refuse("not a POSIX ustar header");
    }
    let text = match std::str::from_utf8(name) {
        Ok(text) if !name.is_empty() && name.iter().all(u8::is_ascii_graphic) => text,
        _ => return Err(KitError::Name { name: entry, reason: "is not plain printable ASCII" }),
    };
    if block[345..500].iter().any(|&byte| byte != 0) {
        return Err(KitError::Name { name: entry, reason: "has a prefix" });
    }
    let size = match (octal(&block[124..135]), block[135]) {
        (Some(size), 0) if size <= SIZE_MAX => size,
        _ => return Err(KitError::Size { entry, reason: "the size field is not eleven octal digits" }),
    };
    if block[name.len()..NAME_BYTES].iter().chain(&block[500..]).any(|&byte| byte != 0) {
        return Err(KitError::Padding { entry });
    }
    if header(text, size) != *block {
        return refuse("mode, owner, time or device is not the fixed one");
    }
    Ok((text.to_owned(), size))
}

fn check_type(entry: &str, typeflag: u8) -> Result<(), KitError> {
    let (entry, flag) = (entry.to_owned(), shown(&[typeflag]));
    match typeflag {
        b'0' => Ok(()),
        b'x' | b'g' | b'X' | b'L' | b'K' | b'S' => Err(KitError::Extension { entry, typeflag: flag }),
        _ => Err(KitError::EntryType { entry, typeflag: flag }),
    }
}

/// The sum of all bytes, with the checksum field itself taken as spaces.
fn checksum(block: &[u8; BLOCK]) -> u32 {
    let byte = |(at, &byte): (usize, &u8)| if (148..156).contains(&at) { 32 } else { u32::from(byte) };
    block.iter().enumerate().map(byte).sum()
}

fn until_zero(field: &[u8]) -> &[u8] {
    field.split(|&byte| byte == 0).next().unwrap_or_default()
}

fn octal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 11 {
        return None;
    }
    digits.iter().try_fold(0, |value, digit| match digit {
        b'0'..=b'7' => Some(value * 8 + u64::from(digit - b'0')),
        _ => None,
    })
}

/// Entries in ascending order, without an end: in a kit that is the last frame's.
pub(crate) fn archive(files: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let mut archive = Vec::new();
    for (name, bytes) in files {
        let size = bytes.len() as u64;
        archive.extend_from_slice(&header(name, size));
        archive.extend_from_slice(bytes);
        archive.resize(archive.len() + padding(size), 0);
    }
    archive
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes `bytes` at `at` and repairs the checksum, as an attacker would.
    fn forged(at: usize, bytes: &[u8]) -> [u8; BLOCK] {
        let mut block = header("META/VERSION", 6);
        block[at..at + bytes.len()].copy_from_slice(bytes);
        let sum = format!("{:06o}\0 ", checksum(&block));
        block[148..156].copy_from_slice(sum.as_bytes());
        block
    }

    fn code(block: &[u8; BLOCK]) -> &'static str {
        parse(block).expect_err("refused").code()
    }

    #[test]
    fn the_canonical_header_is_accepted() {
        assert_eq!(parse(&header("META/VERSION", 6)).expect("good"), ("META/VERSION".to_owned(), 6));
        let long = format!("META/{}", "a".repeat(95));
        assert_eq!(parse(&header(&long, SIZE_MAX)).expect("good"), (long, SIZE_MAX));
    }

    #[test]
    fn links_devices_and_directories_are_refused_by_type() {
        // A03, A04, A05, A06, A07.
        for typeflag in [b'1', b'2', b'3', b'4', b'5', b'6', b'7', b'A', b'V', b'Z', b's', 0] {
            assert_eq!(code(&forged(156, &[typeflag])), "E-TYPE", "{typeflag}");
        }
    }

    #[test]
    fn pax_gnu_and_sparse_extensions_are_refused() {
        // A13, A14, A15, A16.
        for typeflag in *b"xgLKSX" {
            assert_eq!(code(&forged(156, &[typeflag])), "E-EXT", "{typeflag}");
        }
    }

    #[test]
    fn sizes_have_one_spelling() {
        // A17: base-256 negative and 2^63, octal junk, spaces, missing end, nine.
        for size in [
            [0xff; 12],
            [0x80, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0],
            *b"0000000000x\0",
            *b"          6\0",
            *b"6\0\0\0\0\0\0\0\0\0\0\0",
            *b"000000000006",
            *b"00000000009\0",
            *b"0000000006 \0",
        ] {
            assert_eq!(code(&forged(124, &size)), "E-SIZE", "{size:?}");
        }
    }

    #[test]
    fn a_wrong_checksum_is_refused() {
        // A18: off by one, and the sum over signed bytes that old programs wrote.
        let mut block = header("META/VERSION", 6);
        block[0] += 1;
        assert_eq!(code(&block), "E-HDR");
        let mut block = forged(0, b"META/\xe9");
        let signed: i32 = block
            .iter()
            .enumerate()
            .map(|(at, &byte)| if (148..156).contains(&at) { 32 } else { i32::from(byte as i8) })
            .sum();
        block[148..156].copy_from_slice(format!("{signed:06o}\0 ").as_bytes());
        assert_eq!(code(&block), "E-HDR");
    }

    #[test]
    fn other_tar_dialects_are_refused() {
        // A19: GNU, v7, a garbage version.
        for magic in [*b"ustar  \0", [0; 8], *b"ustar\x0099"] {
            assert_eq!(code(&forged(257, &magic)), "E-HDR", "{magic:?}");
        }
    }

    #[test]
    fn no_byte_of_a_header_can_carry_a_message() {
        // A20 (reserved bytes, bytes behind the name), A21 (mode, ids, time, names, setuid), A12 (prefix).
        assert_eq!(code(&forged(500, b"hidden")), "E-PAD");
        assert_eq!(code(&forged(20, b"hidden")), "E-PAD");
        assert_eq!(code(&forged(345, b"..")), "E-NAME");
        for (at, bytes) in [
            (100, b"0004755\0".as_slice()),
            (100, b"0000644\0"),
            (108, b"0001750\0"),
            (116, b"0001750\0"),
            (136, b"14600000000\0"),
            (157, b"target"),
            (265, b"root"),
            (297, b"root"),
            (329, b"0000001\0"),
        ] {
            assert!(["E-HDR", "E-PAD"].contains(&code(&forged(at, bytes))), "at {at}");
        }
        // Exhaustive: any single changed byte is refused, with and without a repaired
        // checksum; only name and size may differ, and then they are read as such.
        let good = header("META/VERSION", 6);
        for at in 0..BLOCK {
            let mut plain = good;
            plain[at] ^= 0x01;
            assert!(parse(&plain).is_err(), "byte {at}");
            if !(0..12).contains(&at) && !(124..135).contains(&at) && !(148..156).contains(&at) {
                assert!(parse(&forged(at, &[plain[at]])).is_err(), "byte {at}");
            }
        }
    }

    #[test]
    fn names_are_plain_ascii() {
        // A11.
        for name in ["META/\u{202e}x".as_bytes(), b"META/\xff\xfe", b"\0"] {
            assert_eq!(code(&forged(0, &[name, &[0; 12][name.len().min(12)..]].concat())), "E-NAME", "{name:?}");
        }
    }
}
