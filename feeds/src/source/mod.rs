//! The parsers: one file per source or format, each from bytes to records.
//!
//! A new source is one file here, one line in [`PARSERS`] (when its format is new), one line in
//! [`registry::SOURCES`], and fixtures. What no line recognises is counted as unsupported,
//! never skipped in silence. Parsers are chosen by content: a file name may be anything.

mod alpine;
mod arch;
mod csaf;
mod csv;
mod cve;
mod debian_tracker;
mod epss;
mod errata;
mod kev;
mod lenient;
mod nvd;
pub(crate) mod osv;
mod oval;
mod photon;
mod ratings;
pub(crate) mod registry;
mod rpm;
mod rubysec;
mod secdb;
mod shape;
mod ubuntu_tracker;
mod unsupported;
mod updateinfo;
mod wolfi;
mod words;
mod xml;

pub use registry::{Relation, SOURCES, SourceInfo, by_prefix, source_info};
pub(crate) use shape::{HEAD, Shape, sniff};
pub(crate) use unsupported::{is_not_data, unsupported_format};

use std::io::{self, Read};

use crate::ingest::Ingested;

/// A parser and the documents that it takes.
pub(crate) struct Parser {
    pub(crate) recognises: fn(&Shape) -> bool,
    pub(crate) read: Reading,
}

/// How a parser wants its bytes.
#[derive(Clone, Copy)]
pub(crate) enum Reading {
    /// All at once: small documents, parsed in parallel.
    Whole(fn(document: &str, bytes: &[u8], into: &mut Ingested)),
    /// As they come: documents of tens of megabytes. Only a failure to read is an error.
    Stream(fn(document: &str, bytes: &mut dyn Read, into: &mut Ingested) -> io::Result<()>),
}

use Reading::{Stream, Whole};

/// One line per format, first match wins.
pub(crate) const PARSERS: &[Parser] = &[
    Parser { recognises: osv::is_json, read: Whole(osv::read_json) },
    Parser { recognises: osv::is_yaml, read: Whole(osv::read_yaml) },
    Parser { recognises: csaf::is_json, read: Whole(csaf::read_json) },
    Parser { recognises: secdb::is_json, read: Whole(secdb::read_json) },
    Parser { recognises: secdb::is_yaml, read: Whole(secdb::read_yaml) },
    Parser { recognises: debian_tracker::is_json, read: Stream(debian_tracker::read_json) },
    Parser { recognises: ubuntu_tracker::is_text, read: Whole(ubuntu_tracker::read) },
    Parser { recognises: errata::is_alma, read: Whole(errata::read_alma) },
    Parser { recognises: errata::is_apollo, read: Whole(errata::read_apollo) },
    Parser { recognises: photon::is_json, read: Whole(photon::read_json) },
    Parser { recognises: cve::is_json, read: Whole(cve::read_json) },
    Parser { recognises: nvd::is_page, read: Stream(nvd::read_page) },
    Parser { recognises: nvd::is_record, read: Whole(nvd::read_record) },
    Parser { recognises: arch::is_json, read: Whole(arch::read_json) },
    Parser { recognises: oval::is_xml, read: Stream(oval::read_xml) },
    Parser { recognises: updateinfo::is_xml, read: Stream(updateinfo::read_xml) },
    Parser { recognises: rubysec::is_yaml, read: Whole(rubysec::read_yaml) },
    Parser { recognises: kev::is_json, read: Whole(kev::read_json) },
    Parser { recognises: kev::is_csv, read: Whole(kev::read_csv) },
    Parser { recognises: epss::is_csv, read: Stream(epss::read_csv) },
];
