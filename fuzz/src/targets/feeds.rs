//! Feeds, from their bytes to what a kit carries.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::io::Write;

use domain::advisory::{Interval, Lower, Upper};
use domain::root::ContentRoot;
use feeds::dataset::{Dataset, Limits, Manifest, Segment, coverage, lines};
use feeds::export::{ExportError, ExportOptions, export};
use feeds::ingest::{self, Ingested, Options, ingest};
use feeds::merge::{MergeRules, merge};

use crate::target::fixtures;

pub(crate) const OSV_WORDS: &[&str] = &[
    "\"affected\":[",
    "\"ranges\":[",
    "\"events\":[",
    "\"introduced\":\"0\"",
    "\"fixed\":\"",
    "\"last_affected\":\"",
    "\"limit\":\"*\"",
    "\"type\":\"SEMVER\"",
    "\"type\":\"ECOSYSTEM\"",
    "\"type\":\"GIT\"",
    "\"versions\":[",
    "\"severity\":[",
    "\"CVSS_V3\"",
    "\"database_specific\":{",
    "\"ecosystem_specific\":{",
    "\"aliases\":[",
    "\"upstream\":[",
    "\"related\":[",
    "\"withdrawn\":\"",
    "\"PyPI\"",
    "\"crates.io\"",
    "\"Go\"",
    "\"Maven\"",
    "\"Debian:12\"",
    "\"Alpine:v3.20\"",
    "\"Ubuntu:22.04:LTS\"",
    "\"schema_version\":\"1.6.0\"",
    "\nid: ",
    "&a ",
    "*a",
    "<<: ",
    "!!binary ",
    "? ",
    "- ",
];
pub(crate) const DISTRIBUTION_WORDS: &[&str] = &[
    "\"secfixes\":{",
    "\"packages\":[",
    "\"distroversion\":\"v3.20\"",
    "\"reponame\":\"main\"",
    "\"urlprefix\"",
    "\"releases\":{",
    "\"status\":\"resolved\"",
    "\"status\":\"open\"",
    "\"fixed_version\":\"0\"",
    "\"urgency\":",
    "\"nodsa\":",
    "\"bookworm\":",
    "\"sid\":",
    "CVE-2024-0001",
    "secfixes:",
    "packages:\n",
    "\"0\":[",
];
pub(crate) const RUBYSEC_WORDS: &[&str] = &[
    "gem: ",
    "cve: ",
    "ghsa: ",
    "patched_versions:\n",
    "unaffected_versions:\n",
    "- \"~> 1.2.3\"\n",
    "- \">= 1\"\n",
    "cvss_v3: 9.8",
    "cvss_v2: ",
    "library: ",
    "engine: ",
    "related:\n",
    "date: 2024-01-01\n",
];
pub(crate) const EXPLOITATION_WORDS: &[&str] = &[
    "\"vulnerabilities\":[",
    "\"cveID\":\"CVE-",
    "\"dateAdded\":\"",
    "\"dueDate\":\"",
    "\"catalogVersion\":\"",
    "cve,epss,percentile\n",
    "#model_version:v2025.03.14,score_date:2025-01-01T00:00:00+0000\n",
    "0.00001",
    "1.0",
    "\"\"",
    "knownRansomwareCampaignUse",
    "Known",
    "1e-5",
    "NaN",
];

pub(crate) const CSAF_WORDS: &[&str] = &[
    "\"document\":{",
    "\"product_tree\":{",
    "\"relationships\":[",
    "\"product_status\":{",
    "\"known_affected\":[",
    "\"known_not_affected\":[",
    "\"under_investigation\":[",
    "\"fixed\":[",
    "\"recommended\":[",
    "\"remediations\":[",
    "\"category\":\"no_fix_planned\"",
    "\"details\":\"Out of support scope\"",
    "\"category\":\"vendor_fix\"",
    "\"threats\":[",
    "\"category\":\"impact\"",
    "cpe:/o:redhat:enterprise_linux:9::baseos",
    "pkg:rpm/redhat/a@1-2?arch=src&epoch=1",
    "&rpmmod=nodejs:18",
    "\"https://www.redhat.com\"",
    "\"https://www.suse.com/\"",
    "SUSE Linux Enterprise Server 15 SP5",
];
pub(crate) const OVAL_WORDS: &[&str] = &[
    "<oval_definitions>",
    "<definitions>",
    "<definition id=\"oval:com.oracle.elsa:def:1\">",
    "<definition id=\"oval:com.microsoft.azurelinux:def:1\">",
    "<criteria operator=\"OR\">",
    "<criteria operator=\"AND\">",
    "<criterion test_ref=\"t:1\" comment=\"Module a:1 is enabled\"/>",
    "negate=\"true\"",
    "<evr operation=\"less than\">",
    "<evr operation=\"greater than\">",
    "<arch operation=\"pattern match\">",
    "<version>^8</version>",
    "<patchable>",
    "not applicable",
    "<![CDATA[",
    "&amp;",
    "<!DOCTYPE",
    "<reference source=\"CVE\" ref_id=\"CVE-2024-0001\"/>",
    "<reference source=\"elsa\" ref_id=\"ELSA-2024-0001\"/>",
];
pub(crate) const UPDATEINFO_WORDS: &[&str] = &[
    "<updates>",
    "<update type=\"security\">",
    "<id>ALAS2KERNEL-5.15-2024-001</id>",
    "<id>RLSA-2024:1</id>",
    "<id>FEDORA-2024-1</id>",
    "<id>ALSA-2024:1</id>",
    "<release>Rocky Linux 9</release>",
    "<collection short=\"almalinux-9-x\">",
    "<module name=\"a\" stream=\"1\"/>",
    "<package name=\"a\" version=\"1\" release=\"1.el9\" epoch=\"0\" arch=\"x86_64\"/>",
    "<reference type=\"cve\" id=\"CVE-2024-0001\"/>",
    ".module+el8",
    "<severity>Important</severity>",
    "<issued date=\"2024-01-01 00:00:00\"/>",
];
pub(crate) const UBUNTU_WORDS: &[&str] = &[
    "Candidate: ",
    "PublicDateAtUSN: ",
    "Priority: ",
    "Priority_a_jammy: ",
    "Patches_a:",
    "jammy_a: ",
    "esm-infra/xenial_a: ",
    "trusty/esm_a: ",
    "upstream_a: ",
    "released (1.2-3)",
    "needed",
    "needs-triage",
    "deferred (2024-01-01)",
    "ignored (end of life)",
    "not-affected",
    "pending (1)",
    "DNE",
    "Description:\n ",
];
pub(crate) const ERRATA_WORDS: &[&str] = &[
    "\"schema_version\":\"1.0\"",
    "\"data\":[",
    "\"advisories\":[",
    "\"synopsis\":",
    "\"packages\":[",
    "\"nevra\":\"a-0:1-1.el9.x86_64.rpm\"",
    "\"product_name\":\"Rocky Linux 9 x86_64\"",
    "\"module_name\":",
    "\"modules\":[",
    "\"references\":[",
    "\"type\":\"cve\"",
    "\"type\":\"self\"",
    "\"cve_id\":\"CVE-2024-0001\"",
    "\"res_ver\":\"1-1.ph5\"",
    "\"res_ver\":\"NA\"",
    "\"status\":\"Not Affected\"",
    "\"issues\":[",
    "\"status\":\"Vulnerable\"",
    "\"fixed\":null",
    "\"AVG-1\"",
];

/// What is read merges in any order to the same thing, and is exported to lines that read back.
pub(crate) fn feed(data: &[u8]) {
    let limits = ingest::Limits { document_bytes: 32 << 10, total_bytes: 128 << 10, entries: 32, nesting: 3 };
    let options = Options { limits, as_of: BTreeMap::new() };
    let mut read = Ingested::new();
    if ingest("fuzz", data, &options, &|_| {}, &mut read).is_err() {
        return;
    }
    for affected in read.records.iter().flat_map(|record| &record.affected) {
        let scheme = affected.package.ecosystem.scheme();
        let Ok(version) = scheme.parse("1.0") else { continue };
        for interval in &affected.ranges {
            // A bound that nobody can order by is an error at matching, and never "not affected".
            let legible = bounds(interval).iter().all(|bound| scheme.parse_bound(bound).is_ok());
            assert_eq!(interval.contains(scheme, &version).is_ok(), legible, "{scheme} {interval}");
        }
    }
    let rules = MergeRules::default();
    let merged = merge(read.records.clone(), &rules);
    let mut backwards = read.records.clone();
    backwards.reverse();
    assert!(merge(backwards, &rules) == merged, "the order of records has a say");
    let sources = read.statuses();
    let coverage = coverage(&merged.advisories, &BTreeSet::new());
    let kev = read.kev.into_iter().map(|fact| (fact.cve.clone(), fact)).collect::<BTreeMap<_, _>>();
    let epss = read.epss.into_iter().map(|fact| (fact.cve.clone(), fact)).collect::<BTreeMap<_, _>>();
    let (kev, epss) = (kev.into_values().collect(), epss.into_values().collect());
    check_export(&Dataset { advisories: merged.advisories, kev, epss, vex: Vec::new(), sources, coverage });
}

fn bounds(interval: &Interval) -> Vec<&str> {
    let mut bounds = Vec::new();
    match &interval.lower {
        Lower::Start => {}
        Lower::Introduced(bound) | Lower::After(bound) => bounds.push(bound.as_str()),
    }
    match &interval.upper {
        Upper::Open => {}
        Upper::Fixed(bound) | Upper::LastAffected(bound) => bounds.push(bound.as_str()),
    }
    bounds
}

/// Exports, reads everything back, and compares the content root. Returns manifest and segments.
pub(crate) fn check_export(dataset: &Dataset) -> Option<(Manifest, Vec<(Segment, Vec<u8>)>)> {
    let mut segments = Vec::new();
    let options = ExportOptions { segment_bytes_max: 2 << 10, generated_at: None };
    let exported = export(dataset, &options, &mut |segment, bytes| {
        segments.push((segment.clone(), bytes));
        Ok::<(), Infallible>(())
    });
    let manifest = match exported {
        Ok(manifest) => manifest,
        // An id that needs an escape has no place in a line, and the export says so.
        Err(ExportError::InvalidKey { .. }) => return None,
        Err(error) => panic!("{error}"),
    };
    assert_eq!(Manifest::parse(&manifest.to_canonical_json(), 1 << 20).expect("as written"), manifest);
    let mut root = ContentRoot::new();
    for (segment, bytes) in &segments {
        segment.verify(bytes).expect("as written");
        for line in lines(segment.kind, bytes, Limits::default()) {
            let line = line.expect("as written");
            super::datasets::check_record(segment.kind, &line, true);
            root.add(segment.kind.as_str(), line.key, line.raw);
        }
    }
    assert_eq!(root.finish(), manifest.content_root);
    Some((manifest, segments))
}

pub(crate) fn secdb_seeds() -> Vec<Vec<u8>> {
    ["feeds/alpine", "feeds/wolfi"].iter().flat_map(|folder| fixtures(folder, &[".json", ".yaml"], 4 << 10)).collect()
}

pub(crate) fn errata_seeds() -> Vec<Vec<u8>> {
    ["feeds/errata", "feeds/photon", "feeds/arch"]
        .iter()
        .flat_map(|folder| fixtures(folder, &[".json"], 4 << 10))
        .collect()
}

pub(crate) fn exploitation_seeds() -> Vec<Vec<u8>> {
    ["feeds/kev", "feeds/epss"].iter().flat_map(|folder| fixtures(folder, &[".json", ".csv"], 4 << 10)).collect()
}

/// Short documents, packed in every way that is unpacked: tar, zstd of it, and a stored zip.
pub(crate) fn container_seeds() -> Vec<Vec<u8>> {
    let documents: Vec<Vec<u8>> = fixtures("feeds/osv", &[".json"], 1 << 10);
    let named: BTreeMap<String, Vec<u8>> =
        documents.into_iter().enumerate().map(|(number, bytes)| (format!("{number}.json"), bytes)).collect();
    let mut tar = crate::kit::support::tar(&named);
    tar.extend_from_slice(&[0; 1024]);
    let packed = crate::kit::support::compress(&tar);
    let twice = crate::kit::support::compress(&packed);
    let zip = stored_zip("a.json", named.values().next().expect("a document"));
    vec![tar, packed, twice, zip, stored_gzip(b"{}"), stored_gzip(named.values().next().expect("a document"))]
}

/// A zip archive of one file that is stored as it is (APPNOTE 4.3).
fn stored_zip(name: &str, content: &[u8]) -> Vec<u8> {
    let (crc, length) = (crc32(content).to_le_bytes(), (content.len() as u32).to_le_bytes());
    let common = [&[0; 2][..], &[0; 2], &[0; 4], &crc, &length, &length, &(name.len() as u16).to_le_bytes(), &[0; 2]];
    let common = [&[10, 0][..], &common.concat()].concat();
    let local = [b"PK\x03\x04", &common[..], name.as_bytes(), content].concat();
    let central = [b"PK\x01\x02", &[10, 0][..], &common, &[0; 14], name.as_bytes()].concat();
    let (size, at) = ((central.len() as u32).to_le_bytes(), (local.len() as u32).to_le_bytes());
    let end = [b"PK\x05\x06", &[0; 4][..], &[1, 0, 1, 0], &size, &at, &[0; 2]].concat();
    [local, central, end].concat()
}

/// A gzip member of one stored block (RFC 1951, 3.2.4; RFC 1952).
fn stored_gzip(content: &[u8]) -> Vec<u8> {
    let length = content.len() as u16;
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    bytes.extend(length.to_le_bytes());
    bytes.extend((!length).to_le_bytes());
    bytes.write_all(content).expect("to memory");
    bytes.extend(crc32(content).to_le_bytes());
    bytes.extend(u32::from(length).to_le_bytes());
    bytes
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    };
    !bytes.iter().fold(!0, step)
}
