//! The walk through an input: containers are opened, documents handed to their parsers.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Cursor, Read};

use super::meter::{Meter, is_exhausted};
use super::pipeline::{Feed, Job, Parse};
use super::{Ingested, Limits, Progress};
use crate::error::FeedError;
use crate::source::{PARSERS, Reading, Shape, is_not_data, osv, sniff, unsupported_format};

/// JSON-lines are cut into pieces of about this size, to be parsed in parallel.
const LINES_BYTES: usize = 1 << 20;
/// The largest window that a zstd frame may ask for, 128 MiB (`--long=27`).
const ZSTD_WINDOW_LOG: u32 = 27;
const HEAD: usize = crate::source::HEAD;

/// What a stream of bytes turns out to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Packing {
    Zstd,
    Gzip,
    Zip,
    Tar,
    /// Known, and not unpacked here: distributions publish in these too.
    Foreign(&'static str),
    None,
}

impl Packing {
    fn of(head: &[u8]) -> Self {
        match head {
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            [0x1f, 0x8b, ..] => Self::Gzip,
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Self::Zip,
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, ..] => Self::Foreign("bzip2: unpack it first"),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Foreign("xz: unpack it first"),
            _ if head.get(257..262) == Some(b"ustar") => Self::Tar,
            _ => Self::None,
        }
    }
}

pub(crate) struct Walk<'a> {
    input: &'a str,
    limits: Limits,
    budget: &'a Cell<u64>,
    progress: &'a dyn Fn(Progress<'_>),
    feed: &'a mut Feed,
    entries: u64,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(
        input: &'a str,
        limits: Limits,
        budget: &'a Cell<u64>,
        progress: &'a dyn Fn(Progress<'_>),
        feed: &'a mut Feed,
    ) -> Self {
        Self { input, limits, budget, progress, feed, entries: 0 }
    }

    /// Reads `bytes`, packed `depth` times, called `document`.
    pub(crate) fn open(&mut self, document: &str, bytes: &mut dyn Read, depth: u32) -> Result<(), FeedError> {
        let mut head = Vec::new();
        bytes.take(HEAD as u64).read_to_end(&mut head).map_err(|error| self.failed(document, error))?;
        let packing = Packing::of(&head);
        if packing != Packing::None && depth >= self.limits.nesting {
            return Err(FeedError::NestedTooDeep { document: document.to_owned(), limit: self.limits.nesting });
        }
        let short = head.len() < HEAD;
        let mut whole = Cursor::new(head).chain(bytes);
        match packing {
            Packing::Zstd => self.open_zstd(document, &mut whole, depth),
            Packing::Gzip => {
                let plain = flate2::bufread::MultiGzDecoder::new(BufReader::new(whole));
                self.open(strip_ending(document, &[".gz"]), &mut Meter::new(plain, self.budget), depth + 1)
            }
            Packing::Foreign(format) => {
                self.feed.aside().leave_out(format.to_owned(), document);
                Ok(())
            }
            Packing::Zip => self.open_zip(document, &mut whole, depth),
            Packing::Tar => self.open_tar(document, &mut whole, depth),
            Packing::None => {
                let (head, rest) = whole.into_inner();
                self.document(document, head.into_inner(), rest, short)
            }
        }
    }

    fn open_zstd(&mut self, document: &str, bytes: &mut dyn Read, depth: u32) -> Result<(), FeedError> {
        let mut plain = zstd::stream::read::Decoder::new(bytes).map_err(|error| self.failed(document, error))?;
        plain.window_log_max(ZSTD_WINDOW_LOG).map_err(|error| self.failed(document, error))?;
        self.open(strip_ending(document, &[".zst", ".zstd"]), &mut Meter::new(plain, self.budget), depth + 1)
    }

    // Raw iteration, because extension entries are then ours to limit; all that is wanted of
    // them is the name.
    fn open_tar(&mut self, document: &str, bytes: &mut dyn Read, depth: u32) -> Result<(), FeedError> {
        let mut archive = tar::Archive::new(bytes);
        let mut long_name = None;
        for entry in archive.entries().map_err(|error| self.failed(document, error))?.raw(true) {
            let mut entry = entry.map_err(|error| self.failed(document, error))?;
            let kind = entry.header().entry_type();
            if kind.is_gnu_longname() || kind.is_pax_local_extensions() {
                long_name =
                    extended_name(kind, &mut entry).map_err(|error| self.failed(document, error))?.or(long_name);
                continue;
            }
            if kind.is_dir() || kind.is_pax_global_extensions() || kind.is_gnu_longlink() {
                continue;
            }
            let short_name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let name = long_name.take().unwrap_or(short_name);
            self.count_entry()?;
            if kind.is_file() {
                self.open(&name, &mut entry, depth + 1)?;
            } else {
                self.feed.aside().leave_out("archive entry that is no regular file".to_owned(), &name);
            }
        }
        Ok(())
    }

    // A zip archive has its index at the end, so it must be in memory; nothing here may seek.
    fn open_zip(&mut self, document: &str, bytes: &mut dyn Read, depth: u32) -> Result<(), FeedError> {
        let mut packed = Vec::new();
        let mut metered = Meter::new(bytes, self.budget);
        metered.read_to_end(&mut packed).map_err(|error| self.failed(document, error))?;
        let invalid =
            |error: zip::result::ZipError| FeedError::Zip { document: document.to_owned(), reason: error.to_string() };
        let mut archive = zip::ZipArchive::new(Cursor::new(packed)).map_err(invalid)?;
        for index in 0..archive.len() {
            let entry = archive.by_index(index).map_err(invalid)?;
            let name = entry.name().map_err(invalid)?.into_owned();
            self.count_entry()?;
            if entry.is_file() {
                self.open(&name, &mut Meter::new(entry, self.budget), depth + 1)?;
            } else if !entry.is_dir() {
                self.feed.aside().leave_out("archive entry that is no regular file".to_owned(), &name);
            }
        }
        Ok(())
    }

    fn document(&mut self, document: &str, head: Vec<u8>, rest: &mut dyn Read, short: bool) -> Result<(), FeedError> {
        let bytes = self.limits.total_bytes - self.budget.get();
        (self.progress)(Progress { document, documents: self.entries, bytes });
        if is_not_data(document) {
            self.feed.aside().not_data += 1;
            return Ok(());
        }
        let shape = sniff(&head);
        match PARSERS.iter().find(|parser| (parser.recognises)(&shape)).map(|parser| parser.read) {
            Some(Reading::Whole(_)) if is_lines(document, &shape) => {
                self.lines(document, &mut BufReader::new(Cursor::new(head).chain(rest)))
            }
            Some(Reading::Whole(parse)) => self.whole(document, head, rest, short, parse),
            Some(Reading::Stream(parse)) => {
                let mut ingested = Ingested::new();
                let read = parse(document, &mut Cursor::new(head).chain(rest), &mut ingested);
                read.map_err(|error| self.failed(document, error))?;
                ingested.expect_something(document);
                self.feed.done(ingested);
                Ok(())
            }
            None => {
                self.feed.aside().leave_out(unsupported_format(&shape), document);
                Ok(())
            }
        }
    }

    fn whole(
        &mut self,
        document: &str,
        head: Vec<u8>,
        rest: &mut dyn Read,
        short: bool,
        parse: Parse,
    ) -> Result<(), FeedError> {
        let mut bytes = head;
        if !short {
            let room = self.limits.document_bytes.saturating_add(1).saturating_sub(bytes.len() as u64);
            rest.take(room).read_to_end(&mut bytes).map_err(|error| self.failed(document, error))?;
        }
        self.check_length(document, bytes.len())?;
        self.feed.parse(Job { document: document.to_owned(), bytes, parse });
        Ok(())
    }

    fn lines(&mut self, document: &str, bytes: &mut dyn BufRead) -> Result<(), FeedError> {
        let mut line_number = 1;
        loop {
            let (mut piece, mut lines, mut ended) = (Vec::new(), 0, false);
            while piece.len() < LINES_BYTES && !ended {
                let before = piece.len();
                let room = self.limits.document_bytes.saturating_add(1);
                let read = bytes.take(room).read_until(b'\n', &mut piece).map_err(|error| self.failed(document, error));
                ended = read? == 0;
                self.check_length(document, piece.len() - before)?;
                lines += usize::from(!ended);
            }
            if lines > 0 {
                let from = format!("{document}:{line_number}");
                self.feed.parse(Job { document: from, bytes: piece, parse: osv::read_lines });
            }
            line_number += lines;
            if ended {
                return Ok(());
            }
        }
    }

    fn count_entry(&mut self) -> Result<(), FeedError> {
        self.entries += 1;
        if self.entries > self.limits.entries {
            let (input, limit) = (self.input.to_owned(), self.limits.entries);
            return Err(FeedError::TooManyEntries { input, limit });
        }
        Ok(())
    }

    fn check_length(&self, document: &str, length: usize) -> Result<(), FeedError> {
        let limit = self.limits.document_bytes;
        if length as u64 > limit {
            return Err(FeedError::DocumentTooLarge { document: document.to_owned(), limit });
        }
        Ok(())
    }

    fn failed(&self, document: &str, source: io::Error) -> FeedError {
        if is_exhausted(&source) {
            return FeedError::TotalTooLarge { input: self.input.to_owned(), limit: self.limits.total_bytes };
        }
        FeedError::Read { document: document.to_owned(), source }
    }
}

fn strip_ending<'n>(name: &'n str, endings: &[&str]) -> &'n str {
    endings.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name)
}

// A first line longer than the head does not look like a line; then the name decides.
fn is_lines(document: &str, shape: &Shape) -> bool {
    let named = document.ends_with(".jsonl") || document.ends_with(".ndjson");
    matches!(shape, Shape::JsonLines { .. }) || (named && matches!(shape, Shape::Json { .. }))
}

/// The name in a GNU long-name entry or in a pax header, when it has one.
fn extended_name(kind: tar::EntryType, entry: &mut dyn Read) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    entry.take(HEAD as u64).read_to_end(&mut bytes)?;
    if kind.is_gnu_longname() {
        let name = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
        return Ok(Some(String::from_utf8_lossy(name).into_owned()));
    }
    let mut paths = bytes.split(|&byte| byte == b'\n').filter_map(|line| {
        let space = line.iter().position(|&byte| byte == b' ')?;
        line.get(space + 1..)?.strip_prefix(b"path=")
    });
    Ok(paths.next_back().map(|path| String::from_utf8_lossy(path).into_owned()))
}
