//! Changes of the container, after everything was signed.

use libfuzzer_sys::arbitrary::{self, Arbitrary};

use super::json::Word;
use super::support::{Files, entry, summed};

#[derive(Arbitrary, Debug)]
pub(crate) enum Shape {
    Entry { at: u8, how: EntryBend },
    Blob { at: u8, how: BlobBend },
    Flip { at: u16, mask: u8 },
    Cut { at: u16 },
    Append { byte: u8, count: u8 },
}

#[derive(Arbitrary, Debug)]
pub(crate) enum EntryBend {
    /// `repair`: the checksum fits again.
    Header {
        at: u16,
        mask: u8,
        repair: bool,
    },
    Body {
        at: u16,
        mask: u8,
    },
    Remove,
    Repeat,
    Swap,
    Rename(Word),
    Add(Word),
}

#[derive(Arbitrary, Debug)]
pub(crate) enum BlobBend {
    Remove,
    Repeat,
    Swap,
}

/// A kit in parts: raw tar entries, frames in order, and what is done to the whole.
pub(crate) struct Parts {
    pub(crate) entries: Vec<Vec<u8>>,
    pub(crate) frames: Vec<Vec<u8>>,
}

impl Parts {
    pub(crate) fn new(files: &Files, frames: impl Iterator<Item = Vec<u8>>) -> Self {
        Self {
            entries: files.iter().map(|(name, content)| tar_entry(name, content)).collect(),
            frames: frames.collect(),
        }
    }
}

/// A name longer than its field is cut.
fn tar_entry(name: &str, content: &[u8]) -> Vec<u8> {
    let end = name.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= 100).last().unwrap_or(0);
    entry(&name[..end], content)
}

impl Shape {
    pub(crate) fn apply(&self, parts: &mut Parts) {
        match self {
            Self::Entry { at, how } => how.apply(usize::from(*at), &mut parts.entries),
            Self::Blob { at, how } => how.apply(usize::from(*at), &mut parts.frames),
            Self::Flip { .. } | Self::Cut { .. } | Self::Append { .. } => {}
        }
    }

    pub(crate) fn apply_whole(&self, kit: &mut Vec<u8>) {
        match self {
            Self::Flip { at, mask } => flip(kit, usize::from(*at), *mask),
            Self::Cut { at } => kit.truncate(usize::from(*at) % kit.len().max(1)),
            Self::Append { byte, count } => kit.extend(std::iter::repeat_n(*byte, usize::from(*count))),
            Self::Entry { .. } | Self::Blob { .. } => {}
        }
    }
}

impl EntryBend {
    fn apply(&self, at: usize, entries: &mut Vec<Vec<u8>>) {
        if entries.is_empty() {
            return;
        }
        let at = at % entries.len();
        match self {
            Self::Header { at: byte, mask, repair } => {
                let header = &mut entries[at][..512];
                flip(header, usize::from(*byte), *mask);
                if *repair {
                    let fixed = summed(header.as_array().copied().expect("a header"));
                    header.copy_from_slice(&fixed);
                }
            }
            Self::Body { at: byte, mask } => flip(&mut entries[at][512..], usize::from(*byte), *mask),
            Self::Remove => drop(entries.remove(at)),
            Self::Repeat => entries.insert(at, entries[at].clone()),
            Self::Swap => {
                let other = (at + 1) % entries.len();
                entries.swap(at, other);
            }
            Self::Rename(word) => {
                let renamed = tar_entry(&word.text(), b"");
                let header: [u8; 512] = renamed[..512].as_array().copied().expect("a header");
                let mut header = header;
                header[124..136].copy_from_slice(&entries[at][124..136]);
                entries[at][..512].copy_from_slice(&summed(header));
            }
            Self::Add(word) => entries.insert(at, tar_entry(&word.text(), b"added")),
        }
    }
}

impl BlobBend {
    fn apply(&self, at: usize, frames: &mut Vec<Vec<u8>>) {
        if frames.is_empty() {
            return;
        }
        let at = at % frames.len();
        match self {
            Self::Remove => drop(frames.remove(at)),
            Self::Repeat => frames.insert(at, frames[at].clone()),
            Self::Swap => {
                let other = (at + 1) % frames.len();
                frames.swap(at, other);
            }
        }
    }
}

fn flip(bytes: &mut [u8], at: usize, mask: u8) {
    let at = at % bytes.len().max(1);
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= mask;
    }
}
