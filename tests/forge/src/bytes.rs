//! Tar entries and zstd frames, byte by byte.

use std::collections::BTreeMap;

/// The end of a kit: two zero blocks in one frame.
pub const END: [u8; 15] = [40, 181, 47, 253, 100, 0, 3, 3, 32, 0, 0, 205, 172, 133, 240];

/// A tar header, byte by byte as POSIX draws it.
pub fn header(name: &[u8], size: u64) -> [u8; 512] {
    let mut block = [0_u8; 512];
    block[..name.len()].copy_from_slice(name);
    for (at, text) in [
        (100, "0000444\0"),
        (108, "0000000\0"),
        (116, "0000000\0"),
        (136, "00000000000\0"),
        (156, "0"),
        (257, "ustar\x0000"),
        (329, "0000000\0"),
        (337, "0000000\0"),
    ] {
        block[at..at + text.len()].copy_from_slice(text.as_bytes());
    }
    block[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    summed(block)
}

/// Writes the checksum that fits.
pub fn summed(mut block: [u8; 512]) -> [u8; 512] {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

/// Header, body and padding.
pub fn entry(name: &str, content: &[u8]) -> Vec<u8> {
    let mut bytes = header(name.as_bytes(), content.len() as u64).to_vec();
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

pub fn tar(files: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    files.iter().flat_map(|(name, content)| entry(name, content)).collect()
}

pub fn compress(content: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::bulk::Compressor::new(3).expect("an encoder");
    encoder.set_parameter(zstd::zstd_safe::CParameter::ChecksumFlag(true)).expect("a checksum");
    encoder.compress(content).expect("compresses")
}

/// A header of `name` with some bytes replaced and the checksum repaired.
pub fn forged(name: &[u8], size: u64, at: usize, bytes: &[u8]) -> [u8; 512] {
    let mut block = header(name, size);
    block[at..at + bytes.len()].copy_from_slice(bytes);
    summed(block)
}

/// A frame with exactly these parameters, and no checksum unless they say so.
pub fn compress_with(content: &[u8], parameters: &[zstd::zstd_safe::CParameter]) -> Vec<u8> {
    let mut encoder = zstd::bulk::Compressor::new(3).expect("an encoder");
    for &parameter in parameters {
        encoder.set_parameter(parameter).expect("a parameter");
    }
    encoder.compress(content).expect("compresses")
}
