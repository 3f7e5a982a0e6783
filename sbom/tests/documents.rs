//! One real document per format, tool and version, against facts looked up by hand; and sad ones.

#![expect(clippy::disallowed_methods, reason = "tests read their documents from disk")]

use std::path::PathBuf;

use domain::component::{Component, ComponentKind, Inventory};
use sbom::{Limits, SbomError, read};

fn bytes(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/data/sboms").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn inventory(name: &str) -> Inventory {
    read(&bytes(name), &Limits::default()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn refused(name: &str) -> String {
    read(&bytes(name), &Limits::default()).expect_err(name).to_string()
}

fn named<'i>(inventory: &'i Inventory, name: &str) -> &'i Component {
    inventory.components.iter().find(|component| component.name == name).unwrap_or_else(|| panic!("{name} is listed"))
}

fn of_kind(inventory: &Inventory, kind: ComponentKind) -> usize {
    inventory.components.iter().filter(|component| component.kind == kind).count()
}

fn distribution(inventory: &Inventory) -> Option<(&str, Option<&str>)> {
    inventory.distribution.as_ref().map(|system| (system.id.as_str(), system.version.as_deref()))
}

fn source(component: &Component) -> Option<(&str, Option<&str>)> {
    component.source_package.as_ref().map(|source| (source.name.as_str(), source.version.as_deref()))
}

#[test]
fn a_document_is_known_by_its_serial_number_and_by_what_it_describes() {
    let identity = inventory("cyclonedx/syft-deb12-1.6.json").identity;
    assert_eq!(identity.serial_number.as_deref(), Some("urn:uuid:b59e7bce-dd5c-413f-98da-847a458e109e"));
    assert_eq!((identity.version, identity.analyses), (Some(1), 0));
    assert_eq!(identity.root_reference.as_deref(), Some("19a6a30e778b31ca"));
    assert_eq!(identity.root, None);
    // Syft names an image by name and digest, without a purl.
    let image = r#"{"bomFormat":"CycloneDX","specVersion":"1.6","version":3,"metadata":{"component":{"bom-ref":"r","type":"container",
        "name":"docker.io/library/alpine:3.17","version":"sha256:124c"}},
        "vulnerabilities":[{"id":"CVE-1","analysis":{"state":"in_triage"}},{"id":"CVE-2"},7]}"#;
    let identity = read(image.as_bytes(), &Limits::default()).expect("an SBOM").identity;
    let root = identity.root.expect("a purl").to_string();
    assert_eq!(root, "pkg:oci/alpine@sha256:124c?repository_url=docker.io%2Flibrary%2Falpine");
    assert_eq!((identity.version, identity.analyses), (Some(3), 1));
    let xml = r#"<bom xmlns="http://cyclonedx.org/schema/bom/1.6" serialNumber="urn:uuid:x" version="2"><vulnerabilities>
        <vulnerability><id>CVE-1</id><analysis><state>in_triage</state></analysis></vulnerability><vulnerability/></vulnerabilities></bom>"#;
    let identity = read(xml.as_bytes(), &Limits::default()).expect("an SBOM").identity;
    assert_eq!(
        (identity.serial_number.as_deref(), identity.version, identity.analyses),
        (Some("urn:uuid:x"), Some(2), 1)
    );
    // In SPDX it is the package that the document describes.
    let trivy = inventory("spdx/trivy-node-2.2.spdx.json").identity;
    assert!(trivy.root_reference.is_some(), "{trivy:?}");
}

#[test]
fn syft_lists_96_packages_of_debian_12_in_json_and_in_xml() {
    let json = inventory("cyclonedx/syft-deb12-1.6.json");
    let xml = inventory("cyclonedx/syft-deb12-1.6.xml");
    for inventory in [&json, &xml] {
        assert_eq!((inventory.format.as_str(), inventory.spec_version.as_str()), ("CycloneDX", "1.6"));
        assert_eq!(inventory.subject.as_deref(), Some("deb12"));
        assert_eq!(inventory.tools, ["syft 1.18.1"]);
        assert_eq!(distribution(inventory), Some(("debian", Some("12"))));
        assert_eq!(of_kind(inventory, ComponentKind::Package), 96);
        assert_eq!(of_kind(inventory, ComponentKind::OperatingSystem), 1);
        assert!(inventory.warnings.is_empty(), "{:?}", inventory.warnings);
        let passwd = named(inventory, "base-passwd");
        assert_eq!(
            passwd.reference,
            "pkg:deb/debian/base-passwd@3.6.1?arch=amd64&distro=debian-12&package-id=4998ded886abf971"
        );
        assert_eq!(passwd.version.as_deref(), Some("3.6.1"));
        assert_eq!(passwd.purl.as_ref().and_then(|purl| purl.qualifier("distro")), Some("debian-12"));
        assert_eq!(passwd.cpes[0], "cpe:2.3:a:base-passwd:base-passwd:3.6.1:*:*:*:*:*:*:*");
        assert_eq!(passwd.locations.last().map(String::as_str), Some("/var/lib/dpkg/status"));
    }
    let (mut json, mut xml) = (json.components, xml.components);
    let by_reference = |components: &mut Vec<Component>| components.sort_by(|a, b| a.reference.cmp(&b.reference));
    by_reference(&mut json);
    by_reference(&mut xml);
    let without_references = |components: Vec<Component>| {
        components.into_iter().map(|component| (component.name, component.version, component.purl)).collect::<Vec<_>>()
    };
    assert_eq!(without_references(json), without_references(xml));
}

#[test]
fn syft_lists_207_packages_of_three_languages_in_every_format() {
    for (name, containers) in
        [("cyclonedx/syft-langA-1.6.json", 0), ("spdx/syft-langA-2.3.spdx.json", 1), ("spdx/syft-langA-2.3.spdx", 1)]
    {
        let inventory = inventory(name);
        assert_eq!(of_kind(&inventory, ComponentKind::Package), 207, "{name}");
        assert_eq!(of_kind(&inventory, ComponentKind::Container), containers, "{name}: the described directory");
        assert_eq!(inventory.subject.as_deref(), Some("langA"), "{name}");
        assert_eq!(distribution(&inventory), None, "{name}");
        let with_purl = inventory.components.iter().filter(|component| component.purl.is_some()).count();
        assert_eq!(with_purl, 207, "{name}");
        let align = named(&inventory, "align-text");
        assert_eq!(align.version.as_deref(), Some("0.1.4"), "{name}");
        assert_eq!(align.locations, ["/app/npm/package-lock.json"], "{name}");
        assert_eq!(align.cpes[0], "cpe:2.3:a:align-text:align-text:0.1.4:*:*:*:*:*:*:*", "{name}");
    }
    let spdx = inventory("spdx/syft-langA-2.3.spdx");
    assert_eq!(spdx.tools, ["syft-1.18.1"]);
    assert_eq!(spdx.warnings, ["20 files are listed: files are no components and are not evaluated"]);
}

#[test]
fn syft_json_says_the_same_as_the_cyclonedx_of_the_same_scan() {
    let (own, cyclonedx) = (inventory("syft/deb12-16.0.json"), inventory("cyclonedx/syft-deb12-1.6.json"));
    assert_eq!((own.format.as_str(), own.spec_version.as_str()), ("Syft", "16.0.18"));
    assert_eq!(
        (&own.subject, &own.tools, &own.distribution),
        (&cyclonedx.subject, &cyclonedx.tools, &cyclonedx.distribution)
    );
    assert_eq!(own.warnings, ["2 files are listed: files are no components and are not evaluated"]);
    let packages = |inventory: &Inventory| {
        let mut packages: Vec<Component> =
            inventory.components.iter().filter(|each| each.kind == ComponentKind::Package).cloned().collect();
        // The two name their references in their own ways.
        packages.iter_mut().for_each(|package| package.reference.clear());
        packages.sort_by_key(|package| format!("{package:?}"));
        packages
    };
    assert_eq!(packages(&own).len(), 96);
    assert_eq!(packages(&own), packages(&cyclonedx));
}

#[test]
fn syft_json_of_older_schemas_is_read() {
    let ubuntu = inventory("syft/ubuntu-1.0.json");
    assert_eq!((ubuntu.spec_version.as_str(), ubuntu.subject.as_deref()), ("1.0.1", Some("ubuntu:20.04")));
    assert_eq!(distribution(&ubuntu), Some(("ubuntu", Some("20.04"))));
    assert_eq!(source(named(&ubuntu, "gcc-10-base")), Some(("gcc-10", None)));
    assert_eq!(named(&ubuntu, "gcc-10-base").cpes.len(), 2, "CPEs are texts here");
    assert_eq!(of_kind(&ubuntu, ComponentKind::Package), 4);
    let busybox = inventory("syft/busybox-11.0.json");
    assert_eq!(
        (busybox.subject.as_deref(), distribution(&busybox)),
        (Some("busybox"), Some(("busybox", Some("1.31.1"))))
    );
    let binary = named(&busybox, "busybox");
    assert_eq!((binary.kind, &binary.purl), (ComponentKind::Package, &None), "without a purl it counts as unevaluated");
    assert_eq!(binary.locations, ["/bin/["]);
}

#[test]
fn spdx_3_has_packages_with_identifiers_tools_and_a_root() {
    let sbomqs = inventory("spdx3/sbomqs-3.0.1.spdx.json");
    assert_eq!((sbomqs.format.as_str(), sbomqs.spec_version.as_str()), ("SPDX", "3.0.1"));
    assert_eq!(
        (sbomqs.subject.as_deref(), sbomqs.tools.as_slice()),
        (Some("PrimaryPackage"), ["spdx-tools-1.0.0".to_owned()].as_slice())
    );
    let packages: Vec<String> =
        sbomqs.components.iter().map(|each| each.purl.as_ref().expect("a purl").to_string()).collect();
    assert_eq!(
        packages,
        [
            "pkg:maven/com.example/primary@1.0.0",
            "pkg:maven/com.example/dependency@2.0.0",
            "pkg:maven/com.example/subdependency@3.0.0",
        ]
    );
    let dependency = named(&sbomqs, "DependencyPackage");
    assert_eq!((dependency.reference.as_str(), dependency.version.as_deref()), ("SPDXRef-Package-B", Some("2.0.0")));
    assert_eq!(dependency.cpes, ["cpe:/a:example:dependency:2.0.0"]);
    assert_eq!(
        sbomqs.warnings,
        [
            "the document imports 1 elements of other documents: they are not read",
            "2 files are listed: files are no components and are not evaluated",
        ]
    );
    let hello = inventory("spdx3/hello-3.0.1.spdx.json");
    assert_eq!(hello.tools, ["github.com/spdx/tools-golang/builder", "github.com/spdx/tools-golang/idsearcher"]);
    assert_eq!((hello.subject.as_deref(), hello.components.len()), (Some("hello"), 1));
    assert_eq!(hello.components[0].kind, ComponentKind::Package, "alone and without a purl: it counts as unevaluated");
}

#[test]
fn spdx_3_is_read_in_any_order_of_fields_and_from_inside_of_elements() {
    let text = r#"{"@graph": [
        {"spdxId": "urn:d", "type": "SpdxDocument", "rootElement": ["urn:image"], "name": "d", "element": [
            {"software_primaryPurpose": "operatingSystem", "name": "debian", "software_packageVersion": "12", "spdxId": "urn:os",
             "type": "https://spdx.org/rdf/3.0.1/terms/Software/Package"},
            "urn:ssl"]},
        {"software_packageUrl": "pkg:deb/debian/libssl3@3.0.11-1", "spdxId": "urn:ssl", "name": "libssl3", "type": "software_Package"},
        {"type": "software_Package", "spdxId": "urn:image", "name": "an image", "software_primaryPurpose": "container"},
        {"type": "ai_AIPackage", "spdxId": "urn:model", "name": "a model"},
        {"name": "of no type"}, 7, "urn:alone",
        {"type": "software_Package", "name": "odd", "externalIdentifier": ["_:b0"], "software_packageVersion": 1.10}
    ], "@context": ["urn:mine", "https://spdx.org/rdf/3.0.0/spdx-context.jsonld"]}"#;
    let inventory = read(text.as_bytes(), &Limits::default()).expect("readable");
    let kinds: Vec<(&str, ComponentKind)> =
        inventory.components.iter().map(|each| (each.name.as_str(), each.kind)).collect();
    use ComponentKind::{Container, OperatingSystem, Other, Package};
    assert_eq!(
        kinds,
        [
            ("debian", OperatingSystem),
            ("libssl3", Package),
            ("an image", Container),
            ("a model", Other),
            ("odd", Package)
        ]
    );
    assert_eq!((inventory.spec_version.as_str(), inventory.subject.as_deref()), ("3.0.0", Some("an image")));
    assert_eq!(distribution(&inventory), Some(("debian", Some("12"))));
    for warning in [
        "@graph[5] is a number, not an object, and was left out",
        "@graph[6] is a string, not an object, and was left out",
        "@graph[7]: an entry of externalIdentifier is a string, not an object",
        "@graph[7]: versionInfo is a number, not a string",
        "1 elements of @graph have no type and were left out",
    ] {
        assert!(inventory.warnings.iter().any(|each| each == warning), "{warning}: {:?}", inventory.warnings);
    }
}

#[test]
fn spdx_3_without_a_graph_or_of_another_version_is_refused() {
    for (text, expected) in [
        (r#"{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld"}"#, "@graph is missing, not a list"),
        (
            r#"{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":{}}"#,
            "@graph is an object, not a list",
        ),
        (
            r#"{"@context":"https://spdx.org/rdf/4.0/spdx-context.jsonld","@graph":[]}"#,
            "SPDX version \"4.0\" is not read: this program reads SPDX 2.2, 2.3 and 3.0",
        ),
    ] {
        assert_eq!(read(text.as_bytes(), &Limits::default()).expect_err(text).to_string(), expected);
    }
}

#[test]
fn odd_artifacts_of_syft_stay_as_ones_that_cannot_be_evaluated() {
    let text = r#"{"artifacts":[7,{"id":1,"name":"a","cpes":{},"locations":null}],"distro":[],"source":"dir","schema":{"version":"17.1.0"}}"#;
    let inventory = read(text.as_bytes(), &Limits::default()).expect("readable");
    assert_eq!(inventory.components.len(), 2);
    for warning in [
        "artifacts[0] is a number, not an object: kept as a component that cannot be evaluated",
        "artifacts[1]: cpes is an object, not a list, and was left out",
        "artifacts[1]: id is a number, not a string",
        "Syft 17.1.0 is newer than this program knows (Syft JSON 1 to 16): read as far as understood",
    ] {
        assert!(inventory.warnings.iter().any(|each| each == warning), "{warning}: {:?}", inventory.warnings);
    }
    let no_list = br#"{"artifacts":{},"schema":{"version":"16.0.0"}}"#;
    assert_eq!(
        read(no_list, &Limits::default()).expect_err("no list").to_string(),
        "artifacts is an object, not a list"
    );
    let of_others = br#"{"total_count":1,"artifacts":[{"id":1,"name":"logs"}]}"#;
    assert!(matches!(read(of_others, &Limits::default()), Err(SbomError::Unrecognised { .. })));
}

#[test]
fn trivy_names_source_packages_in_cyclonedx_properties() {
    let inventory = inventory("cyclonedx/trivy-debian-1.5.json");
    assert_eq!(distribution(&inventory), Some(("debian", Some("10.2"))));
    assert_eq!(inventory.tools, ["trivy dev"]);
    let idn = named(&inventory, "libidn2-0");
    assert_eq!(source(idn), Some(("libidn2", Some("2.0.5-1"))));
    let gem = named(&inventory, "activesupport");
    assert_eq!(gem.locations, ["var/lib/gems/2.5.0/specifications/activesupport-6.0.2.1.gemspec"]);
    assert_eq!(source(gem), None);
}

#[test]
fn the_binary_that_trivy_found_packages_in_is_no_package() {
    let inventory = inventory("cyclonedx/trivy-go-1.6.json");
    assert_eq!(inventory.subject.as_deref(), Some("/test"));
    assert_eq!(named(&inventory, "foo/bar/test.elf").kind, ComponentKind::Container);
    assert_eq!(of_kind(&inventory, ComponentKind::Package), 5);
    assert_eq!(named(&inventory, "github.com/aquasecurity/test").version, None);
}

#[test]
fn trivy_tag_value_has_system_source_and_the_release_of_an_rpm() {
    let inventory = inventory("spdx/trivy-centos-7.spdx");
    assert_eq!((inventory.format.as_str(), inventory.spec_version.as_str()), ("SPDX", "2.2"));
    assert_eq!(inventory.tools, ["trivy-dev"]);
    assert_eq!(distribution(&inventory), Some(("centos", Some("7.6.1810"))));
    assert_eq!(inventory.subject.as_deref(), Some("integration/testdata/fixtures/images/centos-7.tar.gz"));
    let kinds: Vec<ComponentKind> = inventory.components.iter().map(|component| component.kind).collect();
    use ComponentKind::{Container, OperatingSystem, Package};
    assert_eq!(kinds, [Container, OperatingSystem, Package, Package]);
    let openssl = named(&inventory, "openssl-libs");
    assert_eq!(source(openssl), Some(("openssl-libs", Some("1:1.0.2k-16.el7"))));
    assert_eq!(openssl.version.as_deref(), Some("1.0.2k-16.el7"));
}

#[test]
fn trivy_spdx_json_with_its_version_at_the_end_is_read() {
    let inventory = inventory("spdx/trivy-node-2.2.spdx.json");
    assert_eq!((inventory.format.as_str(), inventory.spec_version.as_str()), ("SPDX", "2.2"));
    assert_eq!(inventory.subject.as_deref(), Some("app"));
    assert_eq!(named(&inventory, "node-pkg").kind, ComponentKind::Container);
    assert_eq!(named(&inventory, "app").kind, ComponentKind::Container);
    assert_eq!(of_kind(&inventory, ComponentKind::Package), 1);
    assert_eq!(inventory.warnings, ["1 files are listed: files are no components and are not evaluated"]);
}

#[test]
fn nested_components_are_listed_flat_in_document_order() {
    for name in ["cyclonedx/valid-assembly-1.3.json", "cyclonedx/valid-assembly-1.3.xml"] {
        let inventory = inventory(name);
        let names: Vec<&str> = inventory.components.iter().map(|component| component.name.as_str()).collect();
        assert_eq!(names, ASSEMBLY, "{name}");
    }
}

const ASSEMBLY: [&str; 2] = ["acme-library-a", "acme-library-b"];

#[test]
fn all_minor_versions_of_cyclonedx_are_read_in_both_syntaxes() {
    for (name, version, components) in CYCLONEDX {
        let inventory = inventory(name);
        assert_eq!((inventory.spec_version.as_str(), inventory.components.len()), (version, components), "{name}");
    }
}

/// Counted with Python's json and ElementTree.
const CYCLONEDX: [(&str, &str, usize); 11] = [
    ("cyclonedx/valid-component-ref-1.2.json", "1.2", 2),
    ("cyclonedx/valid-component-ref-1.2.xml", "1.2", 3),
    ("cyclonedx/valid-component-ref-1.4.json", "1.4", 2),
    ("cyclonedx/valid-component-ref-1.6.xml", "1.6", 3),
    ("cyclonedx/valid-component-types-1.5.xml", "1.5", 8),
    ("cyclonedx/valid-component-types-1.6.json", "1.6", 9),
    ("cyclonedx/valid-component-types-1.7.xml", "1.7", 9),
    ("cyclonedx/valid-evidence-1.5.json", "1.5", 1),
    ("cyclonedx/valid-evidence-1.6.xml", "1.6", 2),
    ("cyclonedx/valid-evidence-1.7.json", "1.7", 2),
    ("cyclonedx/valid-minimal-viable-1.4.xml", "1.4", 1),
];

#[test]
fn a_prefix_for_the_namespace_changes_nothing_and_foreign_elements_are_not_ours() {
    let text = r#"<bom:bom xmlns:bom="http://cyclonedx.org/schema/bom/1.6" xmlns:x="urn:x"><x:components><x:component/></x:components>
        <bom:components><bom:component type="library" bom-ref="a&amp;b"><x:name>not me</x:name><bom:name>l&#233;ft&amp;<![CDATA[<pad>]]></bom:name>
        <bom:version> 1 </bom:version></bom:component></bom:components></bom:bom>"#;
    let inventory = read(text.as_bytes(), &Limits::default()).expect("readable");
    assert_eq!(inventory.components.len(), 1);
    let component = &inventory.components[0];
    assert_eq!((component.name.as_str(), component.reference.as_str()), ("léft&<pad>", "a&b"));
    assert_eq!(component.version.as_deref(), Some("1"));
}

#[test]
fn a_byte_order_mark_and_leading_comments_are_read_over() {
    for text in [
        "\u{feff} \n{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.4\"}",
        "\u{feff}<!-- hand made -->\n<bom xmlns=\"http://cyclonedx.org/schema/bom/1.4\"/>",
        "\u{feff}# hand made\nSPDXVersion: SPDX-2.2\n",
    ] {
        let inventory = read(text.as_bytes(), &Limits::default()).expect(text);
        assert_eq!(inventory.warnings, ["the document lists no components"]);
    }
}

#[test]
fn components_without_purls_are_kept_to_count_as_unevaluated() {
    let inventory = inventory("sad/no-purls.cdx.json");
    let versions: Vec<Option<&str>> = inventory.components.iter().map(|each| each.version.as_deref()).collect();
    assert_eq!(versions, [Some("3.0.2"), None, None]);
    assert!(inventory.components.iter().all(|each| each.purl.is_none() && each.kind == ComponentKind::Package));
}

#[test]
fn newer_minor_versions_are_read_with_a_warning() {
    for (name, version) in [("sad/newer-minor.cdx.json", "CycloneDX 1.8"), ("sad/newer-minor.spdx", "SPDX 2.4")] {
        let inventory = inventory(name);
        assert_eq!(inventory.components.len(), 1, "{name}");
        assert!(inventory.warnings[0].starts_with(&format!("{version} is newer")), "{:?}", inventory.warnings);
    }
}

#[test]
fn broken_documents_are_refused_with_their_place() {
    for (name, expected) in [
        ("sad/empty.json", "the document is empty"),
        ("sad/not-utf8.cdx.json", "byte 0xe9 at line 2 column 49 is not UTF-8: only UTF-8 is read"),
        ("sad/utf16.cdx.json", "the document is written in UTF-16: only UTF-8 is read, so convert it first"),
        ("sad/latin1.cdx.xml", "the document is written in ISO-8859-1: only UTF-8 is read, so convert it first"),
        ("sad/truncated.cdx.json", "malformed JSON at line 5 column 48: EOF while parsing a string"),
        (
            "sad/truncated.cdx.xml",
            "malformed XML at line 5 column 1: the document ends inside an element, so it is cut off",
        ),
        (
            "sad/truncated.spdx",
            "malformed SPDX tag-value at line 3 column 1: <text> is never closed by </text>, so the document is cut off or damaged",
        ),
        ("sad/components-object.cdx.json", "components is an object, not a list"),
    ] {
        assert_eq!(refused(name), expected, "{name}");
    }
}

#[test]
fn formats_without_a_reader_are_refused_by_name() {
    for (name, expected) in [
        ("sad/spdx.rdf", "SPDX RDF/XML is not read yet: export CycloneDX, or SPDX as JSON or tag-value"),
        ("sad/spdx.yaml", "SPDX YAML is not read yet: export CycloneDX, or SPDX as JSON or tag-value"),
        ("sad/trivy.json", "Trivy JSON is not read yet: export CycloneDX, or SPDX as JSON or tag-value"),
        (
            "sad/in-toto.json",
            "no SBOM can be taken out of the attestation: its payload: this is no SBOM of a known format, but a JSON object without fields",
        ),
        (
            "sad/unknown-version.cdx.json",
            "CycloneDX version \"2.0\" is not read: this program reads CycloneDX 1.2 to 1.7",
        ),
        (
            "sad/unknown-version.cdx.xml",
            "CycloneDX version \"2.0\" is not read: this program reads CycloneDX 1.2 to 1.7",
        ),
        ("sad/json-list.json", "this is no SBOM of a known format, but JSON that is a list"),
    ] {
        assert_eq!(refused(name), expected, "{name}");
    }
}

#[test]
fn other_files_are_told_by_what_they_are() {
    for (text, found) in [
        (
            "{\"name\":\"x\",\"lockfileVersion\":2,\"packages\":{\"\":{}}}",
            "a JSON object with the fields \"name\", \"lockfileVersion\", \"packages\"",
        ),
        ("<project xmlns=\"http://maven.apache.org/POM/4.0.0\"/>", "XML with the root <project>"),
        ("<bom/>", "XML with the root <bom>, but in no CycloneDX namespace"),
        ("hello", "text that starts with \"hello\""),
        ("{}", "a JSON object without fields"),
    ] {
        let error = read(text.as_bytes(), &Limits::default()).expect_err(text);
        assert_eq!(error, SbomError::Unrecognised { found: found.into() });
    }
}

#[test]
fn what_follows_the_document_refuses_it() {
    for text in [
        "{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.4\"} and more",
        "<bom xmlns=\"http://cyclonedx.org/schema/bom/1.4\"/><bom xmlns=\"http://cyclonedx.org/schema/bom/1.4\"/>",
    ] {
        assert!(matches!(read(text.as_bytes(), &Limits::default()), Err(SbomError::Malformed { .. })), "{text}");
    }
}

/// Which component is owned by which, by name.
fn owned(text: &str) -> Vec<(String, Vec<String>)> {
    let inventory = read(text.as_bytes(), &Limits::default()).expect("readable");
    let owned = inventory.components.into_iter().filter(|component| !component.owners.is_empty());
    owned.map(|component| (component.name, component.owners)).collect()
}

// https://github.com/anchore/syft: artifact.OwnershipByFileOverlapRelationship, and how it is written into SPDX.
#[test]
fn syft_says_who_owns_a_package_in_its_own_format_and_in_the_comments_of_spdx() {
    let syft = |relations: &str| {
        format!(
            r#"{{"artifactRelationships":{relations},"artifacts":[{{"id":"a1","name":"python3-requests","version":"2.28.1",
            "purl":"pkg:deb/debian/python3-requests@2.28.1"}},{{"id":"b2","name":"requests","version":"2.28.1",
            "purl":"pkg:pypi/requests@2.28.1"}}],"schema":{{"version":"16.0.0"}}}}"#
        )
    };
    let relation = |parent: &str, child: &str, kind: &str| {
        format!(r#"{{"parent":"{parent}","child":"{child}","type":"{kind}","metadata":{{"files":["/a"]}}}}"#)
    };
    let ownership = relation("a1", "b2", "ownership-by-file-overlap");
    let want = vec![("requests".to_owned(), vec!["a1".to_owned()])];
    assert_eq!(owned(&syft(&format!("[{ownership},{ownership}]"))), want, "before the artifacts, and twice");
    for other in [
        relation("a1", "b2", "dependency-of"),
        relation("a1", "b2", "evident-by"),
        relation("b2", "b2", "ownership-by-file-overlap"),
        relation("a1", "none", "ownership-by-file-overlap"),
        "7".to_owned(),
        r#"{"parent":"a1","type":"ownership-by-file-overlap"}"#.to_owned(),
    ] {
        assert_eq!(owned(&syft(&format!("[{other}]"))), [], "{other}");
    }
    let misshapen = read(syft("{}").as_bytes(), &Limits::default()).expect("readable");
    assert!(
        misshapen.warnings.iter().any(|it| it.contains("artifactRelationships is an object")),
        "{:?}",
        misshapen.warnings
    );

    let spdx = |kind: &str, comment: &str| {
        format!(
            r#"{{"spdxVersion":"SPDX-2.3","name":"x","packages":[{{"SPDXID":"SPDXRef-a","name":"python3-requests"}},
            {{"SPDXID":"SPDXRef-b","name":"requests"}}],"relationships":[{{"spdxElementId":"SPDXRef-a",
            "relatedSpdxElement":"SPDXRef-b","relationshipType":"{kind}","comment":"{comment}"}}]}}"#
        )
    };
    let comment = "ownership-by-file-overlap: indicates that the parent package claims ownership of a child package since \
        the parent metadata indicates overlap with a location that a cataloger found the child package by";
    assert_eq!(owned(&spdx("OTHER", comment)), [("requests".to_owned(), vec!["SPDXRef-a".to_owned()])]);
    assert_eq!(owned(&spdx("OTHER", "evident-by: indicates the package's existence is evident by the given file")), []);
    assert_eq!(owned(&spdx("DEPENDS_ON", comment)), []);
}

#[test]
fn a_package_has_few_owners_and_a_document_not_more_of_them_than_components() {
    let artifact = |id: usize| format!(r#"{{"id":"{id}","name":"p{id}"}}"#);
    let artifacts: Vec<String> = (0..20).map(artifact).collect();
    let relation = |parent: usize| format!(r#"{{"parent":"{parent}","child":"0","type":"ownership-by-file-overlap"}}"#);
    let relations: Vec<String> = (1..20).map(relation).collect();
    let text = format!(
        r#"{{"artifacts":[{}],"artifactRelationships":[{},{}],"schema":{{"version":"16.0.0"}}}}"#,
        artifacts.join(","),
        relations.join(","),
        relations.join(",")
    );
    assert_eq!(owned(&text)[0].1, ["1", "2", "3", "4", "5", "6", "7", "8"]);
    let limits = Limits { components_max: 20, ..Limits::default() };
    let inventory = read(text.as_bytes(), &limits).expect("readable");
    assert!(
        inventory.warnings[0].contains("more packages are owned than there may be components"),
        "{:?}",
        inventory.warnings
    );
}
