//! The arrows between the rooms, and between the bands of the appliance.
//!
//! `domain <- {feeds, sbom, policy, ouk, attest, sandbox} <- store <- importer <- appliance <- tests`: a room uses
//! only what stands to its left. Inside of the appliance, which is one crate, nothing but this test
//! keeps its modules from tangling. An arrow that runs up is a failure with its file and line.

mod source;

use source::{ROOMS, Source, read_at_root, sources};

/// What stands to the left of each room.
const LEFT_OF: [(&str, &[&str]); 11] = [
    ("domain", &[]),
    ("feeds", &["domain"]),
    ("sbom", &["domain"]),
    ("policy", &["domain"]),
    ("ouk", &["domain"]),
    ("attest", &["domain"]),
    ("sandbox", &[]),
    ("store", &["domain", "feeds", "sbom", "policy", "ouk", "attest"]),
    ("importer", &["domain", "feeds", "sbom", "policy", "ouk", "attest", "sandbox", "store"]),
    ("appliance", &["domain", "feeds", "sbom", "policy", "ouk", "attest", "sandbox", "store", "importer"]),
    ("tests", &["domain", "feeds", "sbom", "policy", "ouk", "attest", "sandbox", "store", "importer", "appliance"]),
];

/// The appliance's modules; a band imports only lower bands. The last one composes the rest.
const BANDS: [&[&str]; 5] = [
    &["config", "clock", "telemetry", "tls"],
    &["identity", "quota", "queue", "schedule", "http"],
    &["scan", "layers", "feedser", "attest", "report", "plugins"],
    &["api", "grpc", "registry", "compat", "admission", "ui"],
    &["main", "cli"],
];

#[test]
fn every_manifest_depends_only_on_rooms_to_its_left() {
    let mut found = 0;
    let mut wrong = Vec::new();
    for room in ROOMS {
        let path = format!("{room}/Cargo.toml");
        let edges = manifest_edges(&Source::new(&path, &read_at_root(&path)));
        found += edges.len();
        wrong.extend(wrong_rooms(room, edges));
    }
    assert!(found >= ROOMS.len() - 1, "only {found} dependencies between rooms were found");
    assert!(wrong.is_empty(), "arrows against the order of the rooms:\n{}", wrong.join("\n"));
}

#[test]
fn every_source_names_only_rooms_to_its_left() {
    let wrong: Vec<_> = sources().iter().flat_map(wrong_rooms_of).collect();
    assert!(wrong.is_empty(), "arrows against the order of the rooms:\n{}", wrong.join("\n"));
}

#[test]
fn every_band_of_the_appliance_imports_only_lower_bands() {
    let wrong: Vec<_> = sources().iter().flat_map(wrong_bands_of).collect();
    assert!(wrong.is_empty(), "arrows against the order of the bands:\n{}", wrong.join("\n"));
}

#[test]
fn a_wrong_dependency_in_a_manifest_is_found() {
    let manifest = "[package]\nname = \"feeds\"\n\n[dependencies]\ndomain.workspace = true\nserde = \"1\"\n\
                    store = { path = \"../store\" }\n[dev-dependencies.importer]\nworkspace = true\n\
                    [target.'cfg(unix)'.dependencies]\nrenamed = { package = \"stella\", path = \"../appliance\" }\n";
    let wrong = wrong_rooms("feeds", manifest_edges(&Source::new("feeds/Cargo.toml", manifest)));
    let want = [
        "feeds/Cargo.toml:7: feeds must not use store",
        "feeds/Cargo.toml:8: feeds must not use importer",
        "feeds/Cargo.toml:11: feeds must not use appliance",
    ];
    assert_eq!(wrong, want);
}

#[test]
fn a_wrong_room_in_a_source_is_found_in_every_form() {
    let text = "//! Not in docs: store::open().\nuse store::Blobs;\nuse {domain::digest::Digest, importer as i};\n\
                fn f() -> ouk::Kit { let s = \"sbom::parse\"; /* feeds::x */ policy::judge(s) }\n\
                use crate::store::Thing;\nextern crate sbom;\n";
    let wrong = wrong_rooms_of(&Source::new("feeds/src/evil.rs", text));
    let lines: Vec<_> = wrong.iter().map(String::as_str).collect();
    let want = [
        "feeds/src/evil.rs:2: feeds must not use store",
        "feeds/src/evil.rs:3: feeds must not use importer",
        "feeds/src/evil.rs:4: feeds must not use ouk",
        "feeds/src/evil.rs:4: feeds must not use policy",
        "feeds/src/evil.rs:6: feeds must not use sbom",
    ];
    assert_eq!(lines, want);
    assert!(
        wrong_rooms_of(&Source::new("store/src/fine.rs", "use sbom::Document;\nuse ouk::{Kit, build};")).is_empty()
    );
}

#[test]
fn a_wrong_band_is_found_in_every_form() {
    let text = "use crate::{clock::Clock, api::{self, Routes}};\nuse super::config::Config;\n\
                use super::scan as s;\nfn f() { crate::cli::run(); self::inner::g(); }\n\
                mod inner { use super::super::super::ui::Page; pub fn g() { super::f() } }\n";
    let wrong = wrong_bands_of(&Source::new("appliance/src/report/mod.rs", text));
    let want = [
        "appliance/src/report/mod.rs:1: report (band 3) must not import api (band 4)",
        "appliance/src/report/mod.rs:3: report (band 3) must not import scan (band 3)",
        "appliance/src/report/mod.rs:4: report (band 3) must not import cli (band 5)",
    ];
    assert_eq!(wrong, want);
    // `super` counts from the file's own place: here it is the module itself, then the root.
    let deep = "use super::Report;\nuse super::super::http::Problem;\nuse super::super::ui::Page;\n\
                mod tests { use super::api; use super::super::super::grpc::Scan; }";
    let wrong = wrong_bands_of(&Source::new("appliance/src/report/table.rs", deep));
    let want = [
        "appliance/src/report/table.rs:3: report (band 3) must not import ui (band 4)",
        "appliance/src/report/table.rs:4: report (band 3) must not import grpc (band 4)",
    ];
    assert_eq!(wrong, want);
}

#[test]
fn a_module_without_a_band_is_found() {
    let wrong = wrong_bands_of(&Source::new("appliance/src/misc/stuff.rs", ""));
    assert_eq!(wrong, ["appliance/src/misc/stuff.rs:1: module misc has no band: give it one in tests/tests/arrows.rs"]);
    assert!(wrong_bands_of(&Source::new("appliance/src/main.rs", "mod cli;\nuse crate::api::Routes;")).is_empty());
    let item = wrong_bands_of(&Source::new("appliance/src/http/mod.rs", "use crate::Outcome;"));
    assert_eq!(item, ["appliance/src/http/mod.rs:1: http (band 2) must not import main (band 5)"]);
}

/// A use of one thing by another.
struct Edge {
    path: String,
    line: usize,
    to: String,
}

fn wrong_rooms(room: &str, edges: Vec<Edge>) -> Vec<String> {
    let (_, left) = LEFT_OF.iter().find(|(name, _)| *name == room).expect("every room is in the table");
    let wrong = edges.into_iter().filter(|edge| edge.to != room && !left.contains(&edge.to.as_str()));
    wrong.map(|edge| format!("{}:{}: {room} must not use {}", edge.path, edge.line, edge.to)).collect()
}

fn wrong_rooms_of(source: &Source) -> Vec<String> {
    let room = source.path.split('/').next().expect("a path has a first part");
    let edges = paths(source).into_iter().filter_map(|(path, line)| {
        let to = room_of_crate(path.first()?)?;
        Some(Edge { path: source.path.clone(), line, to: to.to_owned() })
    });
    wrong_rooms(room, edges.collect())
}

/// The appliance's package is called by the product's name.
fn room_of_crate(name: &str) -> Option<&str> {
    match name {
        "stella" => Some("appliance"),
        "tests" | "appliance" => None,
        name => ROOMS.contains(&name).then_some(name),
    }
}

fn manifest_edges(manifest: &Source) -> Vec<Edge> {
    let mut inside = false;
    let mut edges = Vec::new();
    for (index, line) in manifest.text.lines().map(str::trim).enumerate() {
        let mut names = Vec::new();
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end_matches(']');
            inside = section.ends_with("dependencies");
            names.extend(section.rsplit_once("dependencies.").map(|(_, name)| name));
        } else if inside {
            names.extend(line.split(['.', '=', ' ']).next());
            names.extend(line.split_once("package = \"").and_then(|(_, rest)| rest.split('"').next()));
        }
        let rooms = names.into_iter().filter_map(room_of_crate);
        edges.extend(rooms.map(|to| Edge { path: manifest.path.clone(), line: index + 1, to: to.to_owned() }));
    }
    edges
}

fn wrong_bands_of(source: &Source) -> Vec<String> {
    let Some(inside) = source.path.strip_prefix("appliance/src/") else { return Vec::new() };
    let module = module_path(inside);
    let from = module.first().map_or("main", String::as_str);
    let Some(from_band) = band(from) else {
        let Source { path, .. } = source;
        return vec![format!("{path}:1: module {from} has no band: give it one in tests/tests/arrows.rs")];
    };
    let mut wrong = Vec::new();
    for (path, line) in paths(source) {
        let Some(target) = target(&path, &module) else { continue };
        // What is no module of the table is an item of main.rs.
        let (to, to_band) = band(target).map_or(("main", BANDS.len()), |band| (target, band));
        if to != from && to_band >= from_band && from_band < BANDS.len() {
            let Source { path, .. } = source;
            wrong.push(format!("{path}:{line}: {from} (band {from_band}) must not import {to} (band {to_band})"));
        }
    }
    // `use crate::api::{self, Routes}` is one mistake.
    wrong.dedup();
    wrong
}

fn band(module: &str) -> Option<usize> {
    BANDS.iter().position(|band| band.contains(&module)).map(|index| index + 1)
}

/// `report/table.rs` is `report::table`; `report/mod.rs` is `report`; `main.rs` is the root.
fn module_path(inside: &str) -> Vec<String> {
    let path = inside.trim_end_matches(".rs");
    let path = path.strip_suffix("/mod").unwrap_or(path);
    if path == "main" { Vec::new() } else { path.split('/').map(str::to_owned).collect() }
}

/// The first part below the crate's root of a path that [`paths`] found, if the path starts at
/// the crate. `super` has been counted from the file's module or from an inline module in it.
fn target<'a>(path: &'a [String], module: &[String]) -> Option<&'a str> {
    match path.first()?.as_str() {
        "crate" => path.get(1).map(String::as_str),
        "super" => {
            let inline = path.iter().filter(|part| *part == "{").count();
            let up = path.iter().filter(|part| *part == "super").count();
            let rest = path.iter().find(|part| *part != "super" && *part != "{")?;
            (up == module.len() + inline && up > 0).then_some(rest.as_str())
        }
        _ => None,
    }
}

/// Every path of the file with its line. A path that begins with `super` carries a `{` at its end for
/// each inline module around it.
fn paths(source: &Source) -> Vec<(Vec<String>, usize)> {
    let mut found = Vec::new();
    let mut braces: Vec<bool> = Vec::new();
    let mut index = 0;
    while index < source.tokens.len() {
        let inline = braces.iter().filter(|module| **module).count();
        let start = found.len();
        match source.token(index) {
            // `impl Trait + use<'a>` imports nothing.
            "use" if source.token(index + 1) != "<" => index = use_tree(source, index + 1, &[], &mut found),
            "crate" if index > 0 && source.token(index - 1) == "extern" => {
                found.push((vec![source.token(index + 1).to_owned()], source.line(index)));
            }
            "{" => braces.push(index > 1 && source.token(index - 2) == "mod"),
            "}" => drop(braces.pop()),
            word if is_word(word) && source.token(index + 1) == "::" && is_root(source, index) => {
                found.push((straight_path(source, index), source.line(index)));
            }
            _ => {}
        }
        for (path, _) in found.iter_mut().skip(start).filter(|(path, _)| path.first().is_some_and(|it| it == "super")) {
            path.extend(std::iter::repeat_n("{".to_owned(), inline));
        }
        index += 1;
    }
    found
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// `a::b` begins at `a`, not at `b`; `.a::<T>()` is a method.
fn is_root(source: &Source, index: usize) -> bool {
    index == 0 || !matches!(source.token(index - 1), "::" | ".")
}

fn straight_path(source: &Source, mut index: usize) -> Vec<String> {
    let mut path = vec![source.token(index).to_owned()];
    while source.token(index + 1) == "::" && is_word(source.token(index + 2)) {
        index += 2;
        path.push(source.token(index).to_owned());
    }
    path
}

/// Reads one tree of a `use` from `index` on and returns the index of the token after it.
fn use_tree(source: &Source, mut index: usize, prefix: &[String], found: &mut Vec<(Vec<String>, usize)>) -> usize {
    let line = source.line(index);
    let mut path = prefix.to_vec();
    loop {
        match source.token(index) {
            "{" => {
                index += 1;
                // A `;` in braces is no `use` tree: macros may hold anything.
                while !matches!(source.token(index), "}" | ";" | "") {
                    index = use_tree(source, index, &path, found);
                    if source.token(index) == "," {
                        index += 1;
                    }
                }
                return index + 1;
            }
            "," | "}" | ";" | "" => break,
            "as" => index += 1, // The new name is no part of the path.
            "::" | "*" => {}
            word => path.push(word.to_owned()),
        }
        index += 1;
    }
    found.push((path, line));
    index
}
