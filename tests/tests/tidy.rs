//! House style that a machine can check: sizes, banned words, and what each room must declare.
//!
//! A limit is broken with a reason or not at all. Each check is also run on text that breaks it,
//! because a check that cannot fail protects nothing.

mod source;

use source::{ROOMS, Source, read_at_root, sources};

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;
/// A longer function says why, in a comment that begins with this.
const REASON: &str = "// long:";

#[test]
fn no_source_file_is_too_long() {
    assert_clean(sources().iter().filter_map(too_long).collect());
    let long = "fn f() {}\n".repeat(FILE_LINES_MAX + 1);
    assert!(too_long(&Source::new("store/src/x.rs", &long)).is_some());
    let tests = format!("fn f() {{}}\n#[cfg(test)]\nmod tests {{\n{long}}}\n");
    assert_eq!(too_long(&Source::new("store/src/x.rs", &tests)), None, "tests are not counted");
}

#[test]
fn no_function_is_too_long_without_a_reason() {
    assert_clean(sources().iter().flat_map(long_functions).collect());
    let body = "    g();\n".repeat(FUNCTION_LINES_MAX);
    let long = format!("trait T {{ fn short(&self); }}\nfn f() {{\n{body}}}\n");
    assert_eq!(long_functions(&Source::new("store/src/x.rs", &long)), ["store/src/x.rs:2: fn f has 72 lines"]);
    let reasoned = format!("{REASON} one protocol, step by step\nfn f() {{\n{body}}}\n");
    assert!(long_functions(&Source::new("store/src/x.rs", &reasoned)).is_empty());
}

#[test]
fn no_source_holds_what_is_banned() {
    assert_clean(sources().iter().flat_map(banned).collect());
    let evil = "fn f() { todo!() }\nfn g() { unimplemented!(); dbg!(1); }\n#[ignore = \"slow\"]\n\
                fn h() { std::thread::sleep(d); sleep(d).await }\n";
    let found = banned(&Source::new("store/src/x.rs", evil));
    let want = [
        "store/src/x.rs:1: todo!",
        "store/src/x.rs:2: unimplemented!",
        "store/src/x.rs:2: dbg!",
        "store/src/x.rs:3: an ignored test",
        "store/src/x.rs:4: a sleep",
        "store/src/x.rs:4: a sleep",
    ];
    assert_eq!(found, want);
    let mark = concat!("fn f() {} // FIX", "ME later");
    assert_eq!(banned(&Source::new("store/src/x.rs", mark)), [concat!("store/src/x.rs:1: FIX", "ME")]);
    let words = "fn f() { let s = \"todo!()\"; self.sleeping(); } // todo! in words";
    assert!(banned(&Source::new("store/src/x.rs", words)).is_empty());
}

#[test]
fn no_file_names_a_path_of_one_machine() {
    let manifests = ROOMS.iter().map(|room| format!("{room}/Cargo.toml")).chain(["Cargo.toml".to_owned()]);
    let manifests = manifests.map(|path| Source::new(&path, &read_at_root(&path)));
    assert_clean(sources().into_iter().chain(manifests).flat_map(|source| machine_paths(&source)).collect());
    let evil = concat!("let a = \"/ho", "me/me/x\";\n// see /wo", "rk/main\n\"/ro", "ot/.ssh\" \"a/ro", "ot/b\"");
    assert_eq!(machine_paths(&Source::new("store/src/x.rs", evil)).len(), 3);
}

#[test]
fn no_room_left_of_the_store_opens_a_file() {
    assert_clean(sources().iter().flat_map(file_access).collect());
    let evil =
        "use std::fs;\nfn f() { std::fs::read(p); File::open(p) }\n#[cfg(test)]\nmod tests { use std::fs::File; }";
    let want = ["feeds/src/x.rs:1: file access", "feeds/src/x.rs:2: file access", "feeds/src/x.rs:2: file access"];
    assert_eq!(file_access(&Source::new("feeds/src/x.rs", evil)), want);
    // The store writes, the importer and the command line read what the operator names.
    assert!(file_access(&Source::new("store/src/x.rs", evil)).is_empty());
}

#[test]
fn every_room_takes_the_lints_of_the_workspace() {
    let lints = read_at_root("Cargo.toml");
    assert!(lints.contains("unsafe_code = \"forbid\""), "the workspace no longer forbids unsafe code");
    let without = |manifest: &str| !manifest.replace(' ', "").contains("[lints]\nworkspace=true");
    let bare: Vec<_> = ROOMS.iter().filter(|room| without(&read_at_root(&format!("{room}/Cargo.toml")))).collect();
    assert!(bare.is_empty(), "rooms without the lints of the workspace: {bare:?}");
    assert!(without("[package]\nname = \"x\"\n"));
}

#[test]
fn every_room_says_what_it_is() {
    let silent = |source: &Source| !source.text.starts_with("//! ");
    let doors: Vec<_> = sources().into_iter().filter(|source| is_door(&source.path)).collect();
    assert_eq!(doors.len(), ROOMS.len(), "each room has one lib.rs or main.rs");
    let found: Vec<_> = doors.iter().filter(|source| silent(source)).map(|source| source.path.clone()).collect();
    assert!(found.is_empty(), "without a module doc: {found:?}");
    assert!(silent(&Source::new("store/src/lib.rs", "mod tables;\n")));
}

fn is_door(path: &str) -> bool {
    let parts: Vec<_> = path.split('/').collect();
    matches!(parts.as_slice(), [_, "src", "lib.rs" | "main.rs"])
}

fn assert_clean(found: Vec<String>) {
    assert!(found.is_empty(), "{} findings:\n{}", found.len(), found.join("\n"));
}

fn too_long(source: &Source) -> Option<String> {
    if is_test_file(&source.path) {
        return None;
    }
    let tested: usize = test_blocks(source).iter().map(|(first, last)| last - first + 1).sum();
    let lines = source.text.lines().count() - tested;
    (lines > FILE_LINES_MAX).then(|| format!("{}:1: {lines} lines without tests", source.path))
}

fn is_test_file(path: &str) -> bool {
    path.starts_with("tests/")
        || path.ends_with("/tests.rs")
        || path.contains("/tests/")
        || path.contains("/benches/")
        || path.contains("/examples/")
}

/// First and last line of every `#[cfg(test)] mod x { … }`.
fn test_blocks(source: &Source) -> Vec<(usize, usize)> {
    let attribute = ["#", "[", "cfg", "(", "test", ")", "]", "mod"];
    let starts =
        |index: usize| attribute.iter().enumerate().all(|(offset, text)| source.token(index + offset) == *text);
    let mut blocks = Vec::new();
    for index in (0..source.tokens.len()).filter(|index| starts(*index)) {
        let open = index + attribute.len() + 1;
        if source.token(open) == "{" {
            blocks.push((source.line(index), source.line(closing(source, open))));
        }
    }
    blocks
}

/// The index of the brace that closes the one at `open`.
fn closing(source: &Source, open: usize) -> usize {
    let mut depth = 0;
    for index in open..source.tokens.len() {
        match source.token(index) {
            "{" => depth += 1,
            "}" if depth == 1 => return index,
            "}" => depth -= 1,
            _ => {}
        }
    }
    source.tokens.len() - 1
}

fn long_functions(source: &Source) -> Vec<String> {
    // A test may be one long table.
    if is_test_file(&source.path) {
        return Vec::new();
    }
    let lines: Vec<_> = source.text.lines().collect();
    let mut found = Vec::new();
    for index in (0..source.tokens.len()).filter(|index| source.token(*index) == "fn") {
        let name = source.token(index + 1);
        let Some(open) = body(source, index) else { continue };
        let (first, last) = (source.line(index), source.line(closing(source, open)));
        let length = last - first + 1;
        // The reason stands just above, attributes and docs may lie between, or inside.
        let around = lines.get(first.saturating_sub(8)..last).unwrap_or_default();
        if length > FUNCTION_LINES_MAX && !around.iter().any(|line| line.contains(REASON)) {
            found.push(format!("{}:{first}: fn {name} has {length} lines", source.path));
        }
    }
    found
}

/// The brace that opens the body of the function at `index`; none for a declaration or a type.
fn body(source: &Source, index: usize) -> Option<usize> {
    if !source.token(index + 1).starts_with(|c: char| c.is_alphabetic() || c == '_') {
        return None;
    }
    let mut depth = 0;
    for at in index..source.tokens.len() {
        match source.token(at) {
            "(" | "[" => depth += 1,
            ")" | "]" => depth -= 1,
            "{" if depth == 0 => return Some(at),
            ";" if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

fn banned(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    for index in 0..source.tokens.len() {
        let [this, next, after] = [index, index + 1, index + 2].map(|at| source.token(at));
        let what = match (this, next, after) {
            ("todo" | "unimplemented" | "dbg", "!", "(" | "[" | "{") => format!("{this}!"),
            ("#", "[", "ignore") => "an ignored test".to_owned(),
            ("sleep", "(", _) if source.token(index.saturating_sub(1)) != "fn" => "a sleep".to_owned(),
            _ => continue,
        };
        found.push(format!("{}:{}: {what}", source.path, source.line(index)));
    }
    let mark = concat!("FIX", "ME");
    let marked = source.text.lines().enumerate().filter(|(_, line)| line.contains(mark));
    found.extend(marked.map(|(index, _)| format!("{}:{}: {mark}", source.path, index + 1)));
    found
}

fn machine_paths(source: &Source) -> Vec<String> {
    const STARTS: [&str; 3] = [concat!("/wo", "rk/"), concat!("/ho", "me/"), concat!("/ro", "ot/")];
    let named = |line: &str, start: &str| {
        let inside = |before: &str| before.ends_with(|c: char| c.is_alphanumeric() || "._-/*}".contains(c));
        line.match_indices(start).any(|(at, _)| !inside(&line[..at]))
    };
    let lines = source.text.lines().enumerate();
    let lines =
        lines.flat_map(|(index, line)| STARTS.iter().filter(move |start| named(line, start)).map(move |_| index));
    lines.map(|index| format!("{}:{}: a path of one machine", source.path, index + 1)).collect()
}

fn file_access(source: &Source) -> Vec<String> {
    let room = source.path.split('/').next().unwrap_or_default();
    if matches!(room, "store" | "importer" | "appliance" | "tests") || is_test_file(&source.path) {
        return Vec::new();
    }
    let tests = test_blocks(source);
    let tested = |line: usize| tests.iter().any(|(first, last)| (*first..=*last).contains(&line));
    let opens = |index: &usize| {
        let [this, path, next] = [*index, index + 1, index + 2].map(|at| source.token(at));
        matches!((this, path, next), ("std", "::", "fs") | ("File" | "OpenOptions", "::", _))
            && !tested(source.line(*index))
    };
    let found = (0..source.tokens.len()).filter(opens);
    found.map(|index| format!("{}:{}: file access", source.path, source.line(index))).collect()
}
