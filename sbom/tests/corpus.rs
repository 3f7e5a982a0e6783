//! Every real document of the shared collection is read, or refused with a reason.
//!
//! The totals are exact, so that a change of behaviour shows. Counts of components come from an
//! independent program (Python's json and ElementTree), not from this one.

#![expect(clippy::disallowed_methods, reason = "tests read their documents from disk")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use domain::component::Inventory;
use sbom::{Limits, SbomError, read};

const ARCHIVES: [&str; 4] = ["container-images-spdx", "in-the-wild", "samples-many-tools", "syft-1.18.1-own-targets"];

type Documents = Vec<(String, Vec<u8>)>;

fn shared() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let shared = std::env::var_os("STELLA_SHARED").map_or(beside, PathBuf::from);
    shared.join("data/sboms").is_dir().then_some(shared)
}

/// All files of one archive, by path; None (and a note) when there is no shared data.
fn archive(name: &str) -> Option<Documents> {
    let Some(shared) = shared() else {
        skipped();
        return None;
    };
    let file = std::fs::File::open(shared.join(format!("data/sboms/{name}.tar.zst"))).expect("the archive opens");
    let mut tar = tar::Archive::new(zstd::Decoder::new(file).expect("a zstd frame"));
    let mut documents = Documents::new();
    for entry in tar.entries().expect("a tar") {
        let mut entry = entry.expect("an entry");
        if entry.header().entry_type().is_file() {
            let path = entry.path().expect("a path").to_string_lossy().trim_start_matches("./").to_owned();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).expect("its content");
            documents.push((path, bytes));
        }
    }
    documents.sort();
    Some(documents)
}

#[allow(clippy::print_stderr)]
fn skipped() {
    eprintln!("skipped: ../shared is absent");
}

#[allow(clippy::print_stdout)]
fn print(table: &str) {
    println!("{table}");
}

/// The reason without the places and names that differ from one document to the next.
fn reason(error: &SbomError) -> String {
    match error {
        SbomError::Malformed { syntax, .. } => format!("malformed {syntax}"),
        SbomError::Unrecognised { .. } => "no SBOM".to_owned(),
        SbomError::Unsupported { format, .. } => (*format).to_owned(),
        other => other.to_string(),
    }
}

fn tool(inventory: &Inventory) -> String {
    let tool = inventory.tools.first().map_or("-", String::as_str);
    tool.split([' ', '@']).next().unwrap_or("-").to_lowercase().chars().take(30).collect()
}

#[test]
fn every_document_is_read_or_refused_with_a_reason() {
    let limits = Limits::default();
    let mut read_by: BTreeMap<(String, String), (usize, usize, usize)> = BTreeMap::new();
    let mut refused_by: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let (mut documents, mut components, mut purls, mut invalid, mut warned) = (0, 0, 0, 0, 0);
    for name in ARCHIVES {
        let Some(archive) = archive(name) else { return };
        for (path, bytes) in archive {
            documents += 1;
            match read(&bytes, &limits) {
                Ok(inventory) => {
                    let key = (format!("{} {}", inventory.format, inventory.spec_version), tool(&inventory));
                    let row = read_by.entry(key).or_default();
                    row.0 += 1;
                    row.1 += inventory.components.len();
                    row.2 += usize::from(!inventory.warnings.is_empty());
                    components += inventory.components.len();
                    purls += with_purl(&inventory);
                    invalid += inventory.components.iter().filter(|each| each.invalid_purl.is_some()).count();
                    warned += usize::from(!inventory.warnings.is_empty());
                }
                Err(error) => refused_by.entry(reason(&error)).or_default().push(format!("{path}: {error}")),
            }
        }
    }
    print(&table(&read_by, &refused_by));
    let refused: BTreeMap<&str, usize> =
        refused_by.iter().map(|(reason, paths)| (reason.as_str(), paths.len())).collect();
    assert_eq!(documents, 1550);
    assert_eq!(read_by.values().map(|row| row.0).sum::<usize>(), READ);
    assert_eq!(refused, BTreeMap::from(REFUSED));
    assert_eq!((components, purls), (COMPONENTS, WITH_PURL));
    assert_eq!((invalid, warned), (INVALID_PURLS, WARNED));
}

fn table(
    read_by: &BTreeMap<(String, String), (usize, usize, usize)>,
    refused_by: &BTreeMap<String, Vec<String>>,
) -> String {
    let mut table = format!("{:<16} {:<30} {:>6} {:>10} {:>8}\n", "format", "tool", "read", "components", "warned");
    for ((format, tool), (count, components, warned)) in read_by {
        let _ = writeln!(table, "{format:<16} {tool:<30} {count:>6} {components:>10} {warned:>8}");
    }
    for (reason, paths) in refused_by {
        let _ = writeln!(table, "\nrefused, {reason}: {}", paths.len());
        for path in paths {
            let _ = writeln!(table, "  {path}");
        }
    }
    table
}

const READ: usize = 1539;
const REFUSED: [(&str, usize); 5] =
    [("SPDX RDF/XML", 1), ("SPDX YAML", 2), ("malformed JSON", 1), ("malformed SPDX tag-value", 1), ("no SBOM", 6)];
/// Both counted by the independent program too, over the documents that are read.
const COMPONENTS: usize = 117_842;
const WITH_PURL: usize = 109_249;
/// Purls that are none, such as `pkg:golang/../core`.
const INVALID_PURLS: usize = 17;
const WARNED: usize = 484;

#[test]
fn counts_agree_with_an_independent_program() {
    for name in ARCHIVES {
        let Some(archive) = archive(name) else { return };
        let archive: BTreeMap<String, Vec<u8>> = archive.into_iter().collect();
        for (_, path, components, purls) in COUNTED.into_iter().filter(|(archive, ..)| *archive == name) {
            let bytes = archive.get(path).unwrap_or_else(|| panic!("{path} is in {name}"));
            let inventory = read(bytes, &Limits::default()).unwrap_or_else(|error| panic!("{path}: {error}"));
            assert_eq!((inventory.components.len(), with_purl(&inventory)), (components, purls), "{path}");
        }
    }
}

/// Archive, path, components, components with a purl.
const COUNTED: [(&str, &str, usize, usize); 30] = [
    (
        "container-images-spdx",
        "spdx-syft-bitnami_owncloud-sha256:329a3e80f2254703e96dece7f37b44b4a485312d20f90b72756768a80e21610f.json",
        269,
        269,
    ),
    (
        "container-images-spdx",
        "spdx-syft-ibmcom_deployable-sha256:c9016e05a38a4537a043b347b7d76ac0ff504ff0a34d935cdaffbd51554bf214.json",
        160,
        160,
    ),
    (
        "container-images-spdx",
        "spdx-syft-rancher_istio-galley-sha256:2ff17ebb0a999ca99b58d52b5c28b6877d37e654530e316906844cd97941df46.json",
        245,
        244,
    ),
    (
        "container-images-spdx",
        "spdx-trivy-bitnami_owncloud-sha256:329a3e80f2254703e96dece7f37b44b4a485312d20f90b72756768a80e21610f.json",
        193,
        189,
    ),
    (
        "container-images-spdx",
        "spdx-trivy-ibmcom_deployable-sha256:c9016e05a38a4537a043b347b7d76ac0ff504ff0a34d935cdaffbd51554bf214.json",
        162,
        160,
    ),
    (
        "container-images-spdx",
        "spdx-trivy-rancher_istio-galley-sha256:2ff17ebb0a999ca99b58d52b5c28b6877d37e654530e316906844cd97941df46.json",
        246,
        244,
    ),
    (
        "container-images-spdx",
        "spdx-bom-bitnami_influxdb-sha256:f26e807803478016dc47209f5663f6293053b4a8f6e37b84c87e2164486e361b.json",
        111,
        109,
    ),
    (
        "container-images-spdx",
        "spdx-bom-docker_github-actions-sha256:7dcced072ce07573911741de180274f6f71b47c5460e1f6117e10d8c5cbcc00a.json",
        9,
        1,
    ),
    (
        "container-images-spdx",
        "spdx-bom-mirantis_ucp-calico-cni-sha256:c706a05322d1aa4ad99be62a288c5d7f942ef3d82532e5e2848b3f4f7f0e8d3e.json",
        11,
        1,
    ),
    (
        "container-images-spdx",
        "spdx-tern-bitnami_kong-ingress-controller-sha256:f9da2022eb853c2cc43d78c7843b0388c6df0b8097e74ed3a43b26366a0d2865.json",
        173,
        0,
    ),
    (
        "container-images-spdx",
        "spdx-tern-grafana_promtail-sha256:aa77333bb912b1017d35f16bd5d7f6d191963d6cee78bc0bd0df0a56990a3e42.json",
        177,
        0,
    ),
    (
        "container-images-spdx",
        "spdx-tern-rancher_calico-ctl-sha256:fcc375717a432f6ef324ae0eddd01fb329cc9f633f7bcd64b1b6f5daeabc5349.json",
        16,
        0,
    ),
    ("in-the-wild", "in-the-wild/cyclonedx/ghidra-sbom-cdx.json", 109, 62),
    ("in-the-wild", "in-the-wild/cyclonedx/joc-cockpit-sbom-cdx.json", 160, 160),
    ("in-the-wild", "in-the-wild/cyclonedx/mediawiki-cdx.xml", 196, 195),
    ("in-the-wild", "in-the-wild/spdx/flux_0.26.3_sbom.spdx.json", 244, 244),
    ("in-the-wild", "in-the-wild/spdx/julia.spdx", 34, 0),
    ("in-the-wild", "in-the-wild/spdx/microsoft-sbom-tool.spdx.json", 123, 122),
    ("samples-many-tools", "CycloneDX_bom-examples/SBOM/laravel-7.12.0/bom.1.2.xml", 62, 62),
    (
        "samples-many-tools",
        "SoftwareDesignLab_SBOM-Plugfest/core/src/test/java/org/nvip/plugfest/tooling/sample_boms/proton-bridge-v1.8.0.bom.xml",
        201,
        201,
    ),
    (
        "samples-many-tools",
        "SoftwareDesignLab_SBOM-Plugfest/core/src/test/java/org/nvip/plugfest/tooling/sample_boms/sbom.cdxgen.1-4.xml",
        630,
        630,
    ),
    (
        "samples-many-tools",
        "SoftwareDesignLab_SBOM-Plugfest/api/src/test/java/org/nvip/plugfest/tooling/sample_sboms/sbom.docker.2-2.spdx",
        137,
        0,
    ),
    (
        "samples-many-tools",
        "SoftwareDesignLab_SBOM-Plugfest/api/src/test/java/org/nvip/plugfest/tooling/sample_sboms/sbom.docker.2-2_small.spdx",
        28,
        0,
    ),
    (
        "samples-many-tools",
        "SoftwareDesignLab_SBOM-Plugfest/core/src/test/java/org/nvip/plugfest/tooling/sample_boms/sbom.alpine.2-3.licensinginfo.spdx",
        16,
        15,
    ),
    ("samples-many-tools", "CycloneDX_bom-examples/SBOM/juice-shop/via_npm/bare/bom.1.3.json", 1115, 1115),
    ("samples-many-tools", "CycloneDX_bom-examples/SBOM/juice-shop/via_npm/flat/bom.1.4.json", 1115, 1115),
    ("samples-many-tools", "CycloneDX_bom-examples/SBOM/laravel-7.12.0/bom.1.3.xml", 62, 62),
    ("syft-1.18.1-own-targets", "deb12-web.spdx.json", 185, 184),
    ("syft-1.18.1-own-targets", "deb12.spdx", 97, 96),
    ("syft-1.18.1-own-targets", "langA.cdx.xml", 207, 207),
];

#[test]
fn every_trivy_image_has_its_distribution_and_its_source_packages() {
    let Some(archive) = archive("container-images-spdx") else { return };
    let (mut systems, mut sources, mut images) = (0, 0, 0);
    for (path, bytes) in archive.iter().filter(|(path, _)| path.contains("spdx-trivy-")) {
        let inventory = read(bytes, &Limits::default()).unwrap_or_else(|error| panic!("{path}: {error}"));
        systems += usize::from(inventory.distribution.is_some());
        sources += inventory.components.iter().filter(|component| component.source_package.is_some()).count();
        images +=
            inventory.components.iter().filter(|component| component.reference.contains("ContainerImage")).count();
        assert!(inventory.subject.is_some(), "{path}");
    }
    // 189 entries SPDXRef-OperatingSystem-…; 14,546 texts "built package from: …", 36 of them without a name.
    assert_eq!((systems, sources, images), (189, 14_546 - 36, 227));
}

#[test]
fn the_distribution_that_tern_writes_for_people_is_found() {
    let Some(archive) = archive("container-images-spdx") else { return };
    let tern = archive.iter().filter(|(path, _)| path.contains("spdx-tern-"));
    let found = tern.filter(|(path, bytes)| {
        let inventory = read(bytes, &Limits::default()).unwrap_or_else(|error| panic!("{path}: {error}"));
        inventory.distribution.is_some_and(|system| system.version.is_some())
    });
    // 51 of the 65 documents say "Found '…' in …os-release" of one distribution, none of two.
    assert_eq!(found.count(), 51);
}

fn with_purl(inventory: &Inventory) -> usize {
    inventory.components.iter().filter(|each| each.purl.is_some() || each.invalid_purl.is_some()).count()
}
