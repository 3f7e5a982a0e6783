//! Package URLs against the official test suite and against all purls of real SBOMs (where the shared data is
//! at hand), and by themselves.

#![expect(clippy::disallowed_methods, reason = "tests read and lay out files")]
// A skipped test says so, and figures are worth reading.
#![allow(clippy::print_stderr)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::PathBuf;

use domain::purl::Purl;
use proptest::prelude::{Just, ProptestConfig, prop_oneof, proptest};
use serde_json::Value;

const REAL: &str = include_str!("../../tests/data/purl/real.csv");

fn parsed(text: &str) -> Purl {
    Purl::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

fn reason(text: &str) -> String {
    match Purl::parse(text) {
        Ok(purl) => panic!("{text:?} was read as {purl:?}"),
        Err(error) => error.reason,
    }
}

#[test]
fn real_spellings_become_the_canonical_one() {
    for line in REAL.lines() {
        let (text, want) = line.split_once(",pkg:").expect("two columns");
        let want = format!("pkg:{want}");
        let purl = parsed(text);
        assert_eq!(purl.to_string(), want, "{text}");
        assert_eq!(parsed(&want), purl, "{text}");
    }
    assert_eq!(REAL.lines().count(), 28);
}

#[test]
fn a_purl_is_taken_apart_into_decoded_parts() {
    let purl = parsed("pkg:npm/%40babel/core@7.0.0%2Bb?Vcs_URL=git%2Bhttps://example.org/a%26b#src/index.js");
    assert_eq!(purl.package_type, "npm");
    assert_eq!(purl.namespace.as_deref(), Some("@babel"));
    assert_eq!(purl.name, "core");
    assert_eq!(purl.version.as_deref(), Some("7.0.0+b"));
    assert_eq!(purl.qualifier("vcs_url"), Some("git+https://example.org/a&b"));
    assert_eq!(purl.qualifier("arch"), None);
    assert_eq!(purl.subpath.as_deref(), Some("src/index.js"));
}

#[test]
fn epochs_and_digests_keep_their_colon() {
    assert_eq!(parsed("pkg:deb/debian/attr@1:2.4.47-2").version.as_deref(), Some("1:2.4.47-2"));
    assert_eq!(parsed("pkg:deb/debian/attr@1%3A2.4.47-2").to_string(), "pkg:deb/debian/attr@1:2.4.47-2");
}

#[test]
fn a_go_name_keeps_its_case() {
    let purl = parsed("pkg:golang/github.com/Masterminds/Sprig@v2.22.0");
    assert_eq!((purl.namespace.as_deref(), purl.name.as_str()), (Some("github.com/Masterminds"), "Sprig"));
}

#[test]
fn what_is_no_purl_is_refused_with_its_reason() {
    for (text, want) in [
        ("", "it does not start with \"pkg:\""),
        ("npm/left-pad@1.3.0", "it does not start with \"pkg:\""),
        ("https://example.org/a", "it does not start with \"pkg:\""),
        ("pkg:", "it has no type"),
        ("pkg:npm", "it has no type"),
        ("pkg:///", "it has no type"),
        ("pkg:npm/", "it has no name"),
        ("pkg:npm/@types/", "it has no name"),
        ("pkg:n_pm/a", "type \"n_pm\" must be letters, digits, '.' and '-', and start with a letter"),
        ("pkg:npm/a%FF", "its percent-encoding is not of UTF-8 text"),
        ("pkg:npm/a%00", "it has a control character"),
        ("pkg:npm/a\nb", "it has a control character"),
        ("pkg:npm/a?x=1&X=2", "qualifier \"x\" is given twice"),
        ("pkg:npm/a?1x=1", "qualifier key \"1x\" must be letters, digits, '.', '-' and '_', and start with a letter"),
        ("pkg:maven/junit@4.12", "a purl of type maven needs a namespace"),
        ("pkg:cargo/a/b@1", "a purl of type cargo has no namespace"),
        ("pkg:julia/Dates@1.9.0", "a purl of type julia needs the qualifier uuid"),
    ] {
        assert_eq!(reason(text), want, "{text}");
    }
    let long = format!("pkg:npm/{}", "a".repeat(20_000));
    assert_eq!(reason(&long), "it is longer than 16384 bytes");
    let error = Purl::parse("pkg:npm/").expect_err("no name");
    assert_eq!(error.to_string(), "\"pkg:npm/\" is not a package URL: it has no name");
}

#[test]
fn parts_put_together_are_checked_and_normalised_like_text() {
    let parts = Purl {
        package_type: "PyPI".into(),
        namespace: Some("/".into()),
        name: "Typing_Extensions".into(),
        version: Some(String::new()),
        qualifiers: BTreeMap::from([("File_Name".into(), "a b".into()), ("empty".into(), String::new())]),
        subpath: Some("../".into()),
    };
    let purl = parts.clone().canonical().expect("valid parts");
    assert_eq!(purl.to_string(), "pkg:pypi/typing-extensions?file_name=a%20b");
    assert_eq!(purl.clone().canonical().expect("still valid"), purl);
    let twice = BTreeMap::from([("arch".into(), "a".into()), ("Arch".into(), "b".into())]);
    let error = Purl { qualifiers: twice, ..parts }.canonical().expect_err("a key twice");
    assert_eq!(error.reason, "qualifier \"arch\" is given twice");
}

// ---- The official suite ----

/// Cases of the suite that we fail on purpose.
///
/// Both say that a purl with an upper-case qualifier key must not be parsed. The suite itself asks, for the same
/// text, that it be brought to its canonical form, and it has `repositorY_url` parsed in a third case; the
/// specification says that keys are lowercased.
const SUITE_EXCEPTIONS: &[(&str, &str)] = &[
    ("parse", "pkg:Rpm/fedora/curl@7.50.3-1.fc25?Arch=i386&Distro=fedora-25"),
    ("parse", "pkg:gem/jruby-launcher@1.1.2?Platform=java"),
];

fn shared(path: &str) -> Option<Vec<u8>> {
    let root = std::env::var_os("STELLA_SHARED").map(PathBuf::from);
    let root = root.unwrap_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared")));
    let bytes = std::fs::read(root.join(path)).ok();
    if bytes.is_none() {
        eprintln!("skipped: ../shared is absent");
    }
    bytes
}

/// Calls `visit` with every file of a packed archive.
fn each_file(packed: &[u8], mut visit: impl FnMut(&str, &[u8])) {
    let mut decoder = zstd::Decoder::new(packed).expect("zstd");
    decoder.window_log_max(27).expect("a window of 128 MiB");
    let mut archive = tar::Archive::new(decoder);
    for entry in archive.entries().expect("tar") {
        let mut entry = entry.expect("entry");
        let path = entry.path().expect("path").to_string_lossy().into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("content");
        visit(&path, &bytes);
    }
}

fn text_of(parts: &Value, key: &str) -> Option<String> {
    parts[key].as_str().map(str::to_owned)
}

fn from_parts(parts: &Value) -> Purl {
    let qualifiers = parts["qualifiers"].as_object().into_iter().flatten();
    Purl {
        package_type: text_of(parts, "type").unwrap_or_default(),
        namespace: text_of(parts, "namespace"),
        name: text_of(parts, "name").unwrap_or_default(),
        version: text_of(parts, "version"),
        qualifiers: qualifiers.map(|(key, value)| (key.clone(), value.as_str().expect("text").to_owned())).collect(),
        subpath: text_of(parts, "subpath"),
    }
}

/// What the case should give and what it gave; None is a refusal.
fn run(case: &Value) -> (Option<String>, Option<String>) {
    let input = &case["input"];
    let text = input.as_str().unwrap_or_default();
    let output = &case["expected_output"];
    let (want, got) = match case["test_type"].as_str().expect("test_type") {
        "parse" => (format!("{:?}", from_parts(output)), Purl::parse(text).map(|purl| format!("{purl:?}"))),
        "validate" | "roundtrip" => {
            (output.as_str().unwrap_or_default().into(), Purl::parse(text).map(|p| p.to_string()))
        }
        "build" => {
            (output.as_str().unwrap_or_default().into(), from_parts(input).canonical().map(|purl| purl.to_string()))
        }
        other => panic!("unknown kind of test {other}"),
    };
    let refused = case["expected_failure"].as_bool().expect("expected_failure");
    ((!refused).then_some(want), got.ok())
}

#[test]
fn the_official_suite_passes() {
    let Some(packed) = shared("data/vectors/purl-tests.tar.zst") else { return };
    let (mut count, mut failed) = (0, BTreeSet::new());
    each_file(&packed, |path, bytes| {
        if !path.ends_with("-test.json") {
            return;
        }
        let document: Value = serde_json::from_slice(bytes).expect("JSON");
        for case in document["tests"].as_array().expect("tests") {
            let (want, got) = run(case);
            count += 1;
            if want != got {
                let kind = case["test_type"].as_str().expect("test_type").to_owned();
                let input = case["input"].as_str().map_or_else(|| case["input"].to_string(), str::to_owned);
                eprintln!("{path}: {kind} {input}: want {want:?}, got {got:?}");
                failed.insert((kind, input));
            }
        }
    });
    let exceptions: BTreeSet<_> = SUITE_EXCEPTIONS.iter().map(|&(kind, text)| (kind.into(), text.into())).collect();
    assert_eq!(failed, exceptions, "of {count} cases");
    assert_eq!(count, 394);
}

// ---- Real SBOMs ----

/// Texts in the SBOMs that begin like a purl and are refused, with the reason.
const REFUSED: &[(&str, &str)] = &[
    ("pkg:/", "it has no type"),
    ("pkg:///", "it has no type"),
    ("pkg:apk/alpine/@1.36.1-r27?arch=x86_64&upstream=busybox&distro=alpine-3.17.2", "it has no name"),
    ("pkg:deb/libexpat_project/@2.0.1", "it has no name"),
    ("pkg:pypi/", "it has no name"),
];

/// The purls of a document of any format: from `pkg:` to the end of the string, element or line.
fn purls_of(document: &str) -> impl Iterator<Item = String> {
    document.match_indices("pkg:").filter_map(|(at, _)| {
        let before = document[..at].chars().next_back()?;
        let rest = &document[at..];
        let end = match before {
            '"' => rest.find('"'),
            '>' => rest.find('<'),
            ' ' => rest.find(['\n', '"', '<', ' ']),
            _ => None,
        }?;
        let text = rest.get(..end)?.trim_end();
        Some(text.replace("\\u0026", "&").replace("\\u003c", "<").replace("\\u003e", ">").replace("&amp;", "&"))
    })
}

fn sbom_purls() -> Option<BTreeMap<String, u64>> {
    let mut purls = BTreeMap::new();
    for archive in ["container-images-spdx", "in-the-wild", "samples-many-tools", "syft-1.18.1-own-targets"]
        .map(|name| format!("data/sboms/{name}.tar.zst"))
    {
        each_file(&shared(&archive)?, |_, bytes| {
            for purl in purls_of(&String::from_utf8_lossy(bytes)) {
                *purls.entry(purl).or_default() += 1;
            }
        });
    }
    Some(purls)
}

#[test]
fn the_purls_of_real_sboms_are_read_but_for_listed_ones() {
    let Some(purls) = sbom_purls() else { return };
    let mut refused = BTreeMap::new();
    for text in purls.keys() {
        match Purl::parse(text) {
            Ok(purl) => assert_eq!(parsed(&purl.to_string()), purl, "{text}"),
            Err(error) => {
                refused.insert(text.as_str(), error.reason);
            }
        }
    }
    let occurrences: u64 = purls.values().sum();
    let refused_occurrences: u64 = refused.keys().map(|text| purls[*text]).sum();
    eprintln!(
        "{} different purls, {occurrences} occurrences; refused {}, {refused_occurrences} occurrences",
        purls.len(),
        refused.len()
    );
    let exceptions: BTreeMap<_, _> = REFUSED.iter().map(|&(text, reason)| (text, reason.to_owned())).collect();
    assert_eq!(refused, exceptions);
}

// ---- Properties ----

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_parsing_panic(text in ".*") {
        let _ = Purl::parse(&text);
        let _ = Purl::parse(&format!("pkg:{text}"));
        let _ = Purl::parse(&format!("pkg:npm/{text}"));
    }

    #[test]
    fn the_canonical_spelling_parses_to_the_same_purl(
        package_type in prop_oneof![
            Just("npm"), Just("pypi"), Just("pub"), Just("golang"), Just("github"), Just("cpan"), Just("oci"),
            Just("mlflow"), Just("x-y.z"),
        ],
        rest in "[a-zA-Z0-9@/:.%?#&=+ _~é٣-]{0,40}",
    ) {
        let text = format!("pkg:{package_type}/{rest}");
        if let Ok(purl) = Purl::parse(&text) {
            let canonical = purl.to_string();
            assert_eq!(Purl::parse(&canonical), Ok(purl), "{text} -> {canonical}");
            assert_eq!(parsed(&canonical).to_string(), canonical);
        }
    }

    #[test]
    fn parts_survive_being_written_and_read(
        namespace in proptest::option::of("\\PC{1,12}"),
        name in "\\PC{1,12}",
        version in proptest::option::of("\\PC{1,12}"),
        value in "\\PC{1,12}",
        subpath in proptest::option::of("\\PC{1,12}"),
    ) {
        let qualifiers = BTreeMap::from([("key".to_owned(), value)]);
        let parts = Purl { package_type: "generic".into(), namespace, name, version, qualifiers, subpath };
        if let Ok(purl) = parts.canonical() {
            assert_eq!(Purl::parse(&purl.to_string()), Ok(purl));
        }
    }
}
