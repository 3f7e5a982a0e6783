//! CycloneDX as protocol buffers: written by protoc and by Google's library, read by ours.

#![expect(clippy::disallowed_methods, reason = "tests read their documents from disk")]

use std::path::PathBuf;

use domain::component::{Component, ComponentKind, Inventory};
use proptest::prelude::{any, prop, proptest};
use proptest::sample::Index;
use proptest::test_runner::Config;
use sbom::{Limits, SbomError, read};

fn bytes(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/data/sboms/cyclonedx").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn inventory(name: &str) -> Inventory {
    read(&bytes(name), &Limits::default()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn a_scan_by_syft_says_the_same_in_protobuf_as_in_json() {
    assert_eq!(inventory("syft-deb12-1.6.binpb"), inventory("syft-deb12-1.6.json"));
}

#[test]
fn samples_of_the_specification_say_the_same_as_in_the_other_syntaxes() {
    for (name, twin) in [
        ("valid-assembly-1.3.binpb", "valid-assembly-1.3.json"),
        ("valid-component-ref-1.6.binpb", "valid-component-ref-1.6.xml"),
        ("valid-evidence-1.6.binpb", "valid-evidence-1.6.xml"),
        ("valid-evidence-1.7.binpb", "valid-evidence-1.7.json"),
    ] {
        assert_eq!(inventory(name), inventory(twin), "{name}");
    }
}

#[test]
fn kinds_tools_and_the_subject_are_read() {
    use ComponentKind::{Container, File, OperatingSystem, Other, Package};
    let kinds: Vec<ComponentKind> =
        inventory("valid-component-types-1.3.binpb").components.iter().map(|each| each.kind).collect();
    assert_eq!(kinds, [Package, Package, Package, Container, OperatingSystem, Other, Other, File]);
    assert_eq!(inventory("valid-metadata-tool-1.5.binpb").tools, ["Awesome Tool 9.1.2", "Acme Signing Server"]);
    let bom = inventory("valid-bom-1.6.binpb");
    assert_eq!(
        (bom.subject.as_deref(), bom.tools.as_slice()),
        (Some("Acme Application"), ["Awesome Tool 9.1.2".to_owned()].as_slice())
    );
    let purls: Vec<String> =
        bom.components.iter().map(|each| each.purl.as_ref().expect("a purl").to_string()).collect();
    assert_eq!(purls, BOM_PURLS);
}

/// As Google's library decodes them.
const BOM_PURLS: [&str; 3] = [
    "pkg:maven/com.acme/tomcat-catalina@9.0.14?packaging=jar",
    "pkg:maven/com.example/myapplication@1.0.0?packaging=war",
    "pkg:maven/com.example/myframework@1.0.0?packaging=war",
];

#[test]
fn a_cut_inside_of_a_component_is_refused_with_its_place() {
    let whole = bytes("valid-component-ref-1.6.binpb");
    let components = inventory("valid-component-ref-1.6.binpb").components.len();
    let mut shorter = 0;
    for cut in 5..whole.len() {
        match read(&whole[..cut], &Limits::default()) {
            Err(SbomError::MalformedBinary { offset, .. }) => assert!(offset <= cut),
            // The format has no mark of the end: a cut between two fields of the document is a shorter document.
            Ok(inventory) => {
                shorter += 1;
                assert!(inventory.components.len() < components);
            }
            Err(other) => panic!("cut at {cut}: {other}"),
        }
    }
    assert_eq!(shorter, 4, "after the three fields before the components, and after the first of the two");
}

/// A message in a field, both as the format wants them.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    if number >= 16 {
        bytes = vec![(number & 0x0f) << 3 | 0x82, number >> 4];
    }
    let mut length = content.len();
    while length >= 0x80 {
        bytes.push(u8::try_from(length & 0x7f).expect("seven bits") | 0x80);
        length >>= 7;
    }
    bytes.push(u8::try_from(length).expect("seven bits"));
    bytes.extend_from_slice(content);
    bytes
}

const HEAD: &[u8] = b"\x0a\x031.6";

#[test]
fn limits_and_odd_documents_are_refused_for_what_they_are() {
    let mut nested = Vec::new();
    for _ in 0..2_000 {
        nested = field(21, &nested);
    }
    let deep = [HEAD, &field(5, &nested)].concat();
    let many = [HEAD, &field(5, b"").repeat(4)].concat();
    let limits = Limits { components_max: 3, ..Limits::default() };
    let refused = read(&many, &limits).expect_err("one too many");
    assert!(matches!(refused, SbomError::Limit { limit: "components_max", .. }), "{refused}");
    let refused = read(&deep, &Limits::default()).expect_err("too deep");
    assert!(matches!(refused, SbomError::Limit { limit: "depth_max", .. }), "{refused}");
    let mistyped = read(&[HEAD, &[0x28, 0x01]].concat(), &Limits::default()).expect_err("no message");
    assert_eq!(mistyped.to_string(), "malformed protobuf at byte 5: field 5 is not a message");
    let version = read(b"\x0a\x032.0", &Limits::default()).expect_err("unknown");
    assert!(matches!(version, SbomError::Version { .. }), "{version}");
    let empty = read(HEAD, &Limits::default()).expect("readable");
    assert_eq!(empty.warnings, ["the document lists no components"]);
}

#[test]
fn components_and_properties_without_values_are_kept() {
    let component = [field(8, b"a"), field(22, &field(1, b"syft:cpe23")), vec![0x08, 0x63]].concat();
    let inventory =
        read(&[HEAD, &field(5, &component), &field(5, b"")].concat(), &Limits::default()).expect("readable");
    let names: Vec<&str> = inventory.components.iter().map(|each: &Component| each.name.as_str()).collect();
    assert_eq!(names, ["a", "components[1]"]);
    assert!(inventory.components.iter().all(|each| each.kind == ComponentKind::Package));
}

/// A quadratic reader would need minutes for these.
#[test]
fn a_hundred_thousand_of_anything_is_read_in_full() {
    let component = [field(8, b"a"), field(16, b"pkg:npm/a@1")].concat();
    let components = [HEAD, &field(5, &component).repeat(100_000)].concat();
    assert_eq!(read(&components, &Limits::default()).expect("readable").components.len(), 100_000);
    let property = field(22, &[field(1, b"syft:cpe23"), field(2, b"cpe:2.3:a:b")].concat());
    let one = [HEAD, &field(5, &property.repeat(100_000))].concat();
    assert_eq!(read(&one, &Limits::default()).expect("readable").components[0].cpes.len(), 100_000);
    let last = [field(3, b"urn:uuid:0").repeat(100_000), HEAD.to_vec()].concat();
    assert_eq!(read(&last, &Limits::default()).expect("readable").spec_version, "1.6");
}

proptest! {
    // Failures are reported, not written into the checkout.
    #![proptest_config(Config { failure_persistence: None, ..Config::default() })]

    #[test]
    fn arbitrary_fields_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        let _ = read(&[HEAD, &bytes].concat(), &Limits::default());
    }

    #[test]
    fn a_damaged_real_document_never_panics(
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 1..8),
        cut in any::<Index>(),
    ) {
        let mut bytes = bytes("valid-evidence-1.6.binpb");
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = read(&bytes, &Limits::default());
        let end = cut.index(bytes.len());
        let _ = read(&bytes[..end], &Limits::default());
    }
}
