//! OVAL definitions of Oracle Linux, Azure Linux (CBL-Mariner), SUSE and openSUSE.
//!
//! Documents have up to some hundred megabytes. They are read as their bytes come, but what they
//! say can only be put together at their end, so the parts that matter are kept, up to limits
//! (`model`). A document of another vendor is counted and left after its first definition.

mod azure;
mod flatten;
mod model;
mod oracle;
mod read;
mod suse;
#[cfg(test)]
mod tests;

use std::io::{self, Read};

use super::shape::Shape;
use super::xml::{Xml, XmlError};
use crate::ingest::Ingested;
use model::Oval;

pub(super) fn is_xml(shape: &Shape) -> bool {
    matches!(shape, Shape::Xml { root } if root == "oval_definitions")
}

/// Of what is kept of one document. Oracle's whole document has some 3 million parts, of which each takes some 300 bytes.
const MEMORY_MAX: usize = 2 << 30;

/// From the whole of a document to records.
type Convert = fn(document: &str, oval: &Oval, into: &mut Ingested);

fn vendor(definition: &str) -> Option<Convert> {
    let of = |prefix: &str| definition.strip_prefix("oval:").is_some_and(|rest| rest.starts_with(prefix));
    match () {
        () if of("com.oracle.elsa:") => Some(oracle::convert),
        () if of("com.microsoft.azurelinux:") || of("com.microsoft.cbl-mariner:") => Some(azure::convert),
        () if of("org.opensuse.security:") => Some(suse::convert),
        () => None,
    }
}

pub(super) fn read_xml(document: &str, bytes: &mut dyn Read, into: &mut Ingested) -> io::Result<()> {
    match read(document, &mut Xml::new(bytes), into) {
        Ok(()) => Ok(()),
        Err(XmlError::Read(error)) => Err(error),
        // Half a document would look like a distribution with few vulnerabilities.
        Err(XmlError::Malformed(reason)) => {
            into.reject(None, document, None, format!("the whole document is left out: {reason}"));
            Ok(())
        }
    }
}

fn read(document: &str, xml: &mut Xml<&mut dyn Read>, into: &mut Ingested) -> Result<(), XmlError> {
    let mut oval = Oval::within(MEMORY_MAX);
    let Some(first) = read::first_definition(xml, &mut oval)? else {
        into.reject(None, document, None, "OVAL without a definition".to_owned());
        return Ok(());
    };
    let Some(convert) = vendor(&first) else {
        // oval:com.redhat.rhsa:def:…
        let publisher: String = first.split(':').nth(1).unwrap_or("nobody").chars().take(40).collect();
        into.leave_out(format!("OVAL of {publisher}"), document);
        return Ok(());
    };
    read::rest(xml, &mut oval)?;
    convert(document, &oval, into);
    Ok(())
}
