//! The same scan gives the same inventory, whatever format the tool wrote it in; and how tools differ is known.

#![expect(clippy::disallowed_methods, reason = "tests read their documents from disk")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use domain::component::{Component, ComponentKind, Distribution, Inventory};
use domain::matching::{SourceNames, plan};
use sbom::{Limits, read};

type Documents = BTreeMap<String, Vec<u8>>;

/// All files of one archive, by path; None (and a note) when there is no shared data.
fn archive(name: &str) -> Option<Documents> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let shared = std::env::var_os("STELLA_SHARED").map_or(beside, PathBuf::from);
    let Ok(file) = std::fs::File::open(shared.join(format!("data/sboms/{name}.tar.zst"))) else {
        skipped();
        return None;
    };
    let mut tar = tar::Archive::new(zstd::Decoder::new(file).expect("a zstd frame"));
    let mut documents = Documents::new();
    for entry in tar.entries().expect("a tar") {
        let mut entry = entry.expect("an entry");
        let path = entry.path().expect("a path").to_string_lossy().trim_start_matches("./").to_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("its content");
        documents.insert(path, bytes);
    }
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

fn packages(inventory: &Inventory) -> impl Iterator<Item = &Component> {
    inventory.components.iter().filter(|component| component.kind == ComponentKind::Package)
}

/// What matching will look up for each package, and all that it will not.
fn plans(inventory: &Inventory) -> Vec<String> {
    let names = SourceNames::of(inventory);
    let mut plans: Vec<String> = packages(inventory)
        .map(|component| {
            let purl = component.purl.as_ref().map(ToString::to_string);
            format!("{purl:?} {:?}", plan(component, inventory.distribution.as_ref(), names))
        })
        .collect();
    plans.sort();
    plans
}

/// Packages as counted in the index of the collection.
const TARGETS: [(&str, usize); 3] = [("deb12", 96), ("deb12-web", 184), ("langA", 207)];
const FORMATS: [&str; 5] = ["syft.json", "cdx.json", "cdx.xml", "spdx.json", "spdx"];

#[test]
fn five_formats_of_one_scan_by_syft_are_matched_alike() {
    let Some(archive) = archive("syft-1.18.1-own-targets") else { return };
    for (target, count) in TARGETS {
        let mut expected: Option<(Option<_>, Vec<String>)> = None;
        for format in FORMATS {
            let name = format!("{target}.{format}");
            let inventory = read(&archive[&name], &Limits::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(packages(&inventory).count(), count, "{name}");
            let found = (inventory.distribution.clone(), plans(&inventory));
            assert_eq!(found.0.is_some(), target.starts_with("deb"), "{name}: {:?}", found.0);
            assert_eq!(expected.get_or_insert_with(|| found.clone()), &found, "{name}");
        }
        let (_, plans) = expected.expect("five formats");
        let looked_up = plans.iter().filter(|plan| plan.contains(" Lookups(")).count();
        assert_eq!(looked_up, count, "{target}: a package without a look-up would be equal for the wrong reason");
    }
}

/// A package as two tools can agree on it.
type Key = (String, String, String);

fn key(component: &Component) -> Option<Key> {
    let purl = component.purl.as_ref()?;
    let system = matches!(purl.package_type.as_str(), "deb" | "rpm" | "apk" | "alpm");
    let namespace = purl.namespace.as_deref().filter(|_| !system).map_or(String::new(), |space| format!("{space}/"));
    let version = purl.version.clone().unwrap_or_default();
    let version = match purl.qualifier("epoch").filter(|epoch| *epoch != "0" && !version.contains(':')) {
        Some(epoch) => format!("{epoch}:{version}"),
        None => version,
    };
    let version = version.strip_prefix("0:").map_or(version.clone(), str::to_owned);
    // What old Syft called `alpine` is `apk`.
    let package_type = if purl.package_type == "alpine" { "apk" } else { &purl.package_type };
    Some((package_type.to_owned(), format!("{namespace}{}", purl.name).to_lowercase(), version))
}

#[derive(Default)]
struct Row {
    both: usize,
    first: usize,
    second: usize,
}

/// Per purl type: what both tools list in the same image, and what one alone does.
fn compare(archive: &Documents, first: &str, second: &str) -> (BTreeMap<String, Row>, [usize; 4]) {
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    let mut distributions = [0; 4];
    for (path, bytes) in archive {
        let Some(image) = path.strip_prefix(&format!("spdx-{first}-")) else { continue };
        let Some(other) = archive.get(&format!("spdx-{second}-{image}")) else { continue };
        let [one, other] = [bytes, other]
            .map(|bytes| read(bytes, &Limits::default()).unwrap_or_else(|error| panic!("{path}: {error}")));
        let keys = |inventory: &Inventory| packages(inventory).filter_map(key).collect::<BTreeSet<Key>>();
        let (a, b) = (keys(&one), keys(&other));
        a.union(&b).for_each(|key| {
            let row = rows.entry(key.0.clone()).or_default();
            match (a.contains(key), b.contains(key)) {
                (true, true) => row.both += 1,
                (true, false) => row.first += 1,
                _ => row.second += 1,
            }
        });
        let case = match (&one.distribution, &other.distribution) {
            (Some(a), Some(b)) if same_release(a, b) => 0,
            (Some(_), Some(_)) => 1,
            (None, None) => 3,
            _ => 2,
        };
        distributions[case] += 1;
    }
    (rows, distributions)
}

fn same_release(a: &Distribution, b: &Distribution) -> bool {
    let number = |of: &Distribution| of.version.clone().unwrap_or_default();
    let (one, other) = (number(a), number(b));
    a.id == b.id && (one.starts_with(&other) || other.starts_with(&one))
}

#[test]
fn how_tools_differ_about_the_same_images_is_what_the_manual_says() {
    let Some(archive) = archive("container-images-spdx") else { return };
    let mut table = String::new();
    for (first, second) in [("syft", "trivy"), ("syft", "bom"), ("syft", "tern")] {
        let (rows, [same, other, one_alone, neither]) = compare(&archive, first, second);
        for (purl_type, row) in &rows {
            table += &format!("| {first}, {second} | {purl_type} | {} | {} | {} |\n", row.both, row.first, row.second);
        }
        table += &format!(
            "| {first}, {second} | (distribution) | {same} the same, {other} not | {one_alone} by one alone | {neither} by none |\n"
        );
    }
    print(&table);
    let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/sbom-inputs.md");
    let manual = std::fs::read_to_string(manual).expect("the manual");
    assert!(manual.contains(&table), "docs/sbom-inputs.md has another table than this:\n{table}");
}
