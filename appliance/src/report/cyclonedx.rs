//! CycloneDX: the inventory and the findings as one document for other SBOM tools.
//!
//! The document itself is written by `sbom`; here it gets its identity. The serial number is
//! derived, not drawn: the same scan of the same data is the same document.

use std::io::{self, Write};

use domain::digest::Hasher;
use domain::finding::Finding;
use sbom::cyclonedx::{OutputContext, write_cyclonedx, write_vex};

use super::escape::write_json_text;
use super::{Report, tool_version};

/// What is written of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The inventory and what was found in it.
    Inventory,
    /// What was found alone.
    Vex,
}

pub(crate) fn write(report: &Report, kind: Kind, out: &mut impl Write) -> io::Result<()> {
    let context = OutputContext {
        serial_number: serial_number(report),
        timestamp: report.verdict.evaluated_at,
        tool_version: tool_version(&report.verdict.engine),
    };
    let findings: Vec<Finding> = report.all_findings().cloned().collect();
    let document = match kind {
        Kind::Inventory => write_cyclonedx(&report.inventory, &findings, &context),
        Kind::Vex => write_vex(&report.inventory, &findings, &context),
    };
    write_json_text(std::str::from_utf8(&document).map_err(io::Error::other)?, out)
}

/// A UUID of version 8 (RFC 9562, section 5.8: made from a digest of our choice) over the scan
/// and the data that it was judged by.
pub(super) fn serial_number(report: &Report) -> String {
    let mut hasher = Hasher::new();
    hasher.update(report.verdict.generation.content_root.as_bytes());
    hasher.update(report.scan_id.as_bytes());
    let digest = hasher.finish();
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(digest.as_bytes()).for_each(|(byte, from)| *byte = *from);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("urn:uuid:{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::samples;

    #[test]
    fn the_serial_number_follows_the_scan_and_the_data() {
        let report = samples::with_findings();
        let serial = serial_number(&report);
        assert_eq!(serial, serial_number(&report));
        assert_eq!(serial.len(), "urn:uuid:".len() + 36);
        // Version 8, variant 10.
        assert_eq!(&serial[23..24], "8");
        assert!(["8", "9", "a", "b"].contains(&&serial[28..29]));
        let mut other = samples::with_findings();
        other.scan_id.push('x');
        assert_ne!(serial, serial_number(&other));
        let mut newer = samples::with_findings();
        newer.verdict.generation.content_root = domain::digest::Digest::of(b"newer");
        assert_ne!(serial, serial_number(&newer));
    }
}
