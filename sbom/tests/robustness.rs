//! No bytes whatever make the reader panic, and hostile documents are refused for what they are.

#![expect(clippy::disallowed_methods, reason = "tests read their documents from disk")]

use std::path::PathBuf;

use domain::component::ComponentKind;
use proptest::prelude::{any, prop, proptest};
use proptest::sample::Index;
use proptest::test_runner::Config;
use sbom::{Limits, SbomError, read};

fn fixture(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/data/sboms").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

const FIXTURES: [&str; 11] = [
    "cyclonedx/trivy-debian-1.5.json",
    "cyclonedx/valid-component-ref-1.4.json",
    "cyclonedx/valid-component-ref-1.6.xml",
    "cyclonedx/valid-evidence-1.7.json",
    "cyclonedx/valid-evidence-1.6.xml",
    "spdx/trivy-centos-7.spdx",
    "spdx/trivy-node-2.2.spdx.json",
    "sad/no-purls.cdx.json",
    "syft/ubuntu-1.0.json",
    "spdx3/sbomqs-3.0.1.spdx.json",
    "attested/trivy-centos-7.intoto.jsonl",
];

proptest! {
    // Failures are reported, not written into the checkout.
    #![proptest_config(Config { failure_persistence: None, ..Config::default() })]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        let _ = read(&bytes, &Limits::default());
    }

    #[test]
    fn arbitrary_text_behind_a_real_beginning_never_panics(
        beginning in prop::sample::select(vec![
            "{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\",\"components\":[",
            "{\"@context\":\"spdx\",\"@graph\":[{\"type\":\"software_Package\",\"name\":",
            "{\"_type\":\"s\",\"predicateType\":\"https://spdx.dev/Document\",\"predicate\":",
            "{\"schema\":{\"version\":\"16.0.0\"},\"artifacts\":[{\"name\":",
            "{\"spdxVersion\":\"SPDX-2.3\",\"packages\":[{\"name\":",
            "<bom xmlns=\"http://cyclonedx.org/schema/bom/1.6\"><components><component>",
            "SPDXVersion: SPDX-2.3\nPackageName: a\n",
        ]),
        text in "\\PC{0,200}",
    ) {
        let _ = read(format!("{beginning}{text}").as_bytes(), &Limits::default());
    }

    #[test]
    fn a_damaged_real_document_never_panics(
        name in prop::sample::select(FIXTURES.to_vec()),
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 1..8),
        cut in any::<Index>(),
    ) {
        let mut bytes = fixture(name);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = read(&bytes, &Limits::default());
        let end = cut.index(bytes.len());
        let _ = read(&bytes[..end], &Limits::default());
    }
}

#[test]
fn every_cut_of_a_json_or_xml_document_is_refused() {
    for name in ["cyclonedx/valid-component-ref-1.4.json", "cyclonedx/valid-component-ref-1.6.xml"] {
        let bytes = fixture(name);
        let end = bytes.trim_ascii_end().len();
        for cut in 0..end {
            assert!(read(&bytes[..cut], &Limits::default()).is_err(), "{name} cut at {cut}");
        }
    }
}

fn error(text: &str) -> SbomError {
    read(text.as_bytes(), &Limits::default()).expect_err("must be refused")
}

#[test]
fn deep_nesting_is_refused_as_such_in_every_syntax() {
    let json = format!(
        "{{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\",\"components\":{}",
        "[{\"name\":\"a\",\"components\":".repeat(10_000)
    );
    let xml = format!(
        "<bom xmlns=\"http://cyclonedx.org/schema/bom/1.6\"><components>{}",
        "<component><name>a</name><components>".repeat(10_000)
    );
    let graph = format!("{{\"@context\":\"spdx\",\"@graph\":{}", "[{\"type\":\"Bundle\",\"element\":".repeat(10_000));
    for document in [json, xml, graph] {
        let error = error(&document);
        assert!(matches!(error, SbomError::Limit { limit: "depth_max", .. }), "{error}");
    }
    let brackets = format!("{{\"bomFormat\":\"CycloneDX\",\"x\":{}", "[".repeat(1_000_000));
    assert!(matches!(error(&brackets), SbomError::Malformed { .. }));
    let in_a_name = format!("{{\"components\":[{{\"name\":{}", "[".repeat(1_000_000));
    assert!(matches!(error(&in_a_name), SbomError::Malformed { .. } | SbomError::Limit { .. }));
}

#[test]
fn sixty_levels_of_components_are_too_many_but_fifty_are_read() {
    let nested = |levels: usize| {
        format!(
            "{{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\",\"components\":{}[]{}}}",
            "[{\"name\":\"a\",\"components\":".repeat(levels),
            "}]".repeat(levels)
        )
    };
    assert_eq!(read(nested(50).as_bytes(), &Limits::default()).expect("read").components.len(), 50);
    assert!(matches!(error(&nested(60)), SbomError::Limit { limit: "depth_max", value: 120, .. }));
}

#[test]
fn declarations_of_types_and_entities_are_refused() {
    for name in ["sad/xxe.cdx.xml", "sad/billion-laughs.cdx.xml"] {
        let error = read(&fixture(name), &Limits::default()).expect_err("must be refused");
        assert!(matches!(error, SbomError::Forbidden { line: 2, .. }), "{name}: {error}");
    }
    let undeclared =
        error("<bom xmlns=\"http://cyclonedx.org/schema/bom/1.6\"><components><component><name>&x;</name>");
    assert!(matches!(undeclared, SbomError::Forbidden { .. }), "{undeclared}");
}

#[test]
fn a_huge_number_of_components_stops_at_the_limit() {
    let json = format!(
        "{{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\",\"components\":[{}{{}}]}}",
        "{},".repeat(600_000)
    );
    let refused = error(&json);
    assert!(matches!(refused, SbomError::Limit { limit: "components_max", value: 500_000, .. }), "{refused}");
    let limits = Limits { components_max: 3, ..Limits::default() };
    let xml = "<bom xmlns=\"http://cyclonedx.org/schema/bom/1.6\"><components><component/><component/><component/>";
    assert!(read(format!("{xml}</components></bom>").as_bytes(), &limits).is_ok());
    let tag_value = "SPDXVersion: SPDX-2.3\nPackageName: a\nPackageName: b\nPackageName: c\nPackageName: d\n";
    let spdx = "{\"spdxVersion\":\"SPDX-2.3\",\"packages\":[1,2,3,4]}";
    for over in [format!("{xml}<component/></components></bom>"), tag_value.to_owned(), spdx.to_owned()] {
        let refused = read(over.as_bytes(), &limits).expect_err("one too many");
        assert_eq!(
            refused.to_string(),
            "more than 3 components: if the document is trusted, raise the limit components_max"
        );
    }
}

#[test]
fn the_other_limits_refuse_by_their_names() {
    let document = "{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\",\"components\":[{\"name\":\"0123456789\"}]}";
    for (limits, name) in [
        (Limits { bytes_max: 20, ..Limits::default() }, "bytes_max"),
        (Limits { string_bytes_max: 9, ..Limits::default() }, "string_bytes_max"),
        (Limits { depth_max: 2, ..Limits::default() }, "depth_max"),
    ] {
        let refused = read(document.as_bytes(), &limits).expect_err(name);
        assert!(matches!(refused, SbomError::Limit { limit, .. } if limit == name), "{name}: {refused}");
    }
}

/// A quadratic reader would need minutes for these.
#[test]
fn a_hundred_thousand_of_anything_is_read_in_full() {
    let tools = "{\"name\":\"t\"},".repeat(100_000);
    let properties = "{\"name\":\"syft:cpe23\",\"value\":\"cpe:2.3:a:b\"},".repeat(100_000);
    let json = format!(
        "{{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\",\"metadata\":{{\"tools\":[{tools}{{}}]}},\
         \"components\":[{{\"name\":\"a\",\"properties\":[{properties}{{}}]}}]}}"
    );
    let references: String =
        (0..100_000).map(|number| format!("ExternalRef: SECURITY cpe23Type cpe:2.3:a:{number}\n")).collect();
    let tag_value = format!("SPDXVersion: SPDX-2.3\nPackageName: a\n{references}");
    for document in [json, tag_value] {
        let inventory = read(document.as_bytes(), &Limits::default()).expect("odd but readable");
        assert_eq!(inventory.components[0].cpes.len(), 100_000);
    }
    let texts = format!("SPDXVersion: SPDX-2.3\n{}PackageName: a", "PackageComment: <text></text>\n".repeat(100_000));
    assert_eq!(read(texts.as_bytes(), &Limits::default()).expect("readable").components.len(), 1);
}

#[test]
fn a_hundred_thousand_packages_of_syft_and_of_spdx_3_are_read_in_full() {
    let artifact = r#"{"id":"a","name":"a","purl":"pkg:deb/debian/a@1?distro=debian-12","metadata":{"source":"b"},"cpes":[{"cpe":"c"}]},"#;
    let syft = format!(r#"{{"schema":{{"version":"16.0.0"}},"artifacts":[{}{{}}]}}"#, artifact.repeat(100_000));
    let elements: String = (0..50_000)
        .map(|number| {
            format!(
                r#"{{"type":"software_Package","spdxId":"urn:{number}","name":"a"}},{{"type":"Relationship","relationshipType":"describes","to":["urn:{number}"]}},{{"type":"Tool","spdxId":"urn:t{number}","name":"t{number}"}},"#
            )
        })
        .collect();
    let spdx = format!(r#"{{"@context":"spdx","@graph":[{elements}{{"type":"CreationInfo","specVersion":"3.0.1"}}]}}"#);
    for (document, components) in [(syft, 100_001), (spdx, 50_000)] {
        let inventory = read(document.as_bytes(), &Limits::default()).expect("readable");
        assert_eq!(inventory.components.len(), components);
    }
}

#[test]
fn an_entry_that_is_no_component_stays_as_one_that_cannot_be_evaluated() {
    let inventory = read(&fixture("sad/wrong-types.cdx.json"), &Limits::default()).expect("readable");
    assert_eq!(inventory.components.len(), 5);
    assert!(inventory.components.iter().all(|each| each.kind == ComponentKind::Package && !each.name.is_empty()));
    let judged = inventory.components.iter().filter(|each| each.purl.is_some()).count();
    assert_eq!(judged, 1, "the sound one; the others count as unevaluated");
    for place in ["components[0] is a string", "components[1] is a number", "components[2]: name is a list"] {
        assert!(inventory.warnings.iter().any(|warning| warning.contains(place)), "{place}: {:?}", inventory.warnings);
    }
}
