//! The version orders and range notations against the reference tools: all vectors of the shared data
//! (where it is at hand), a sample of them that is always at hand, the facts of the specification, and the
//! laws that every order must obey.

// A skipped test says so, and figures are worth reading; the vectors lie on the disk.
#![allow(clippy::print_stderr, clippy::disallowed_methods)]

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::PathBuf;

use domain::version::{InvalidConstraint, Scheme, Version, complement, parse_constraints};
use proptest::prelude::{ProptestConfig, Strategy, prop_assert, prop_assert_eq, proptest};
use proptest::sample::select;
use proptest::strategy::{BoxedStrategy, ValueTree};
use proptest::test_runner::TestRunner;

const SAMPLE: &str = include_str!("../../tests/data/versions/version-compare.sample.csv");

/// Vectors that the reference tool itself contradicts: the row without its source, and why.
const WRONG_VECTORS: &[(&str, &str)] = &[
    ("composer,1.0.0,>,1.0", PADDED),
    ("composer,v3.4,<,v3.4.0-alpha", PADDED),
    ("composer,v4.4,<,v4.4.0-beta", PADDED),
    ("composer,v6.5,<,v6.5.0-beta-0", PADDED),
    ("composer,v6.6,<,v6.6.0-beta", PADDED),
    ("composer,v1.9.0-ALPHA.1,=,v1.9.0-BETA.1", CASELESS),
    ("composer,v1.9.0-ALPHA.2,=,v1.9.0-BETA.2", CASELESS),
    ("composer,v1.9.0-BETA.1,<,v1.9.0-ALPHA.2", CASELESS),
    ("composer,5.1.0-stable,<,5.1.0-beta2", "Composer drops `stable`: a release is not before its beta"),
    ("composer,1.2.3.#,=,1.2.3", PLACEHOLDER),
    ("composer,1.2.3.#,=,1.2.3.#", PLACEHOLDER),
    ("composer,1.2.3.#,=,1.2.3.1", PLACEHOLDER),
    ("composer,1.2.3.#.1,>,1.2.3", PLACEHOLDER),
    ("composer,1.2.3.#.beta,<,1.2.3", PLACEHOLDER),
    ("composer,1.2.3.#.p3,>,1.2.3", PLACEHOLDER),
    ("nuget,1.0.0-BETA,>=,1.0.0-beta2", "NuGet ignores case, so beta < beta2; osv-scalibr's own row says so too"),
];

const PADDED: &str = "Composer's VersionParser pads to four numbers; only PHP's bare version_compare does not";
const CASELESS: &str = "Composer's VersionParser ignores case; only PHP's bare version_compare does not";
const PLACEHOLDER: &str = "'#' is PHP's stand-in for a number, equal to all of them; Composer refuses it in versions";

/// Rows in which a side is no PEP 440 version. osv-scalibr orders such texts as setuptools once did;
/// the reference tool, packaging, has refused them since 22.0, and so does Stella.
const LEGACY_ROWS: usize = 50;

/// Rows that feed the empty text to rpmvercmp. It is no version: a component without one is not evaluated.
const EMPTY_ROWS: usize = 72;

/// Constraints of Grype that Stella reads otherwise: ecosystem, version, constraint, why.
const OTHER_CONSTRAINTS: &[(&str, &str, &str, &str)] = &[
    ("bitnami", "2.3.1-1", "< 2.3.1-2", "Grype drops Bitnami's revision; Bitnami counts it"),
    ("rpm", "1.0", "< 2:1.0", EPOCH),
    ("rpm", "1:0", "< 1", EPOCH),
    ("rpm", "2:4.19.01-1.el7_5", "<= 4.19.1-1.el7_5", EPOCH),
    ("rpm", "4.19.0-1.el7_5", "< 12:4.19.0-1.el7", EPOCH),
    ("rpm", "4.19.01-1.el7_5", "< 2:4.19.1-1.el7_5", EPOCH),
    ("rpm", "8.3.1-5.el8.0.0", "> 0:8.3.1-5.el8", "rpm.labelCompare finds el8.0.0 newer than el8"),
];

const EPOCH: &str = "Grype takes a missing epoch for the other side's; rpm.labelCompare takes it for zero";

fn scheme(ecosystem: &str) -> Option<Scheme> {
    Some(match ecosystem {
        "alpm" => Scheme::Alpm,
        "apk" => Scheme::Apk,
        "bitnami" => Scheme::Bitnami,
        "composer" => Scheme::Composer,
        "conan" => Scheme::Conan,
        "cran" => Scheme::Cran,
        "deb" => Scheme::Dpkg,
        "gem" => Scheme::Gem,
        "gentoo" => Scheme::Portage,
        "go" => Scheme::Go,
        "hackage" => Scheme::Hackage,
        "maven" => Scheme::Maven,
        "nuget" => Scheme::NuGet,
        "openssl" => Scheme::OpenSsl,
        "pep440" => Scheme::Pep440,
        "pub" => Scheme::Pub,
        "rpm" => Scheme::Rpm,
        "semver" => Scheme::SemVer,
        _ => return None,
    })
}

/// A file of the shared data, or `None` and a word about it.
fn shared(path: &str) -> Option<Vec<u8>> {
    let root = std::env::var_os("STELLA_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let read = std::fs::read(root.join("data/versions").join(path)).ok();
    if read.is_none() {
        eprintln!("skipped: ../shared is absent");
    }
    read
}

fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut quoted) = (vec![String::new()], false);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            _ => fields.last_mut().expect("never empty").push(c),
        }
    }
    fields
}

fn compare(scheme: Scheme, a: &str, b: &str) -> Result<Ordering, String> {
    let parse = |text: &str| scheme.parse(text).map_err(|error| error.to_string());
    Ok(parse(a)?.compare(&parse(b)?))
}

/// Checks one row `ecosystem,a,op,b,source` in both directions.
fn check(row: &[String]) -> Result<(), String> {
    let [ecosystem, a, operator, b, ..] = row else { return Err(format!("{row:?} has too few columns")) };
    let scheme = scheme(ecosystem).ok_or_else(|| format!("no scheme for {ecosystem}"))?;
    let order = compare(scheme, a, b)?;
    let holds = match operator.as_str() {
        "<" => order.is_lt(),
        "=" => order.is_eq(),
        ">" => order.is_gt(),
        "<=" => order.is_le(),
        ">=" => order.is_ge(),
        "!=" => order.is_ne(),
        _ => return Err(format!("{operator:?} is no operator")),
    };
    match compare(scheme, b, a)? == order.reverse() {
        true if holds => Ok(()),
        true => Err(format!("{order:?}")),
        false => Err("not antisymmetric".to_owned()),
    }
}

fn is_legacy(row: &[String]) -> bool {
    row[0] == "pep440" && [&row[1], &row[3]].iter().any(|text| Scheme::Pep440.parse(text).is_err())
}

fn is_empty(row: &[String]) -> bool {
    row[0] == "rpm" && (row[1].is_empty() || row[3].is_empty())
}

/// Rows checked and rows excepted per ecosystem; panics with every row that does not hold.
fn check_all(csv: &str) -> BTreeMap<String, (usize, usize)> {
    let (mut counts, mut failures) = (BTreeMap::<String, (usize, usize)>::new(), Vec::new());
    for line in csv.lines().skip(1) {
        let row = fields(line);
        let wrong = WRONG_VECTORS.iter().any(|(wrong, _)| row[..4].join(",") == *wrong);
        let (checked, excepted) = counts.entry(row[0].clone()).or_default();
        match (check(&row), wrong) {
            (Ok(()), false) => *checked += 1,
            (Ok(()), true) => failures.push(format!("needless exception: {line}")),
            (Err(_), true) => *excepted += 1,
            (Err(_), false) if is_legacy(&row) || is_empty(&row) => *excepted += 1,
            (Err(error), false) => failures.push(format!("{line}: {error}")),
        }
    }
    assert!(
        failures.is_empty(),
        "{} rows do not hold:\n{}",
        failures.len(),
        failures[..failures.len().min(60)].join("\n")
    );
    counts
}

#[test]
fn every_vector_of_the_reference_tools_holds() {
    let Some(packed) = shared("version-compare.csv.zst") else { return };
    let csv = zstd::decode_all(packed.as_slice()).expect("a zstd file");
    let counts = check_all(std::str::from_utf8(&csv).expect("UTF-8"));
    for (ecosystem, (checked, excepted)) in &counts {
        eprintln!("{ecosystem}: {checked} hold, {excepted} excepted");
    }
    let (checked, excepted) = counts.values().fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1));
    assert_eq!(checked + excepted, 57_212);
    assert_eq!(excepted, WRONG_VECTORS.len() + LEGACY_ROWS + EMPTY_ROWS);
}

#[test]
fn the_sample_of_vectors_holds() {
    let counts = check_all(SAMPLE);
    assert_eq!(counts.len(), 16);
    assert!(counts.values().all(|(checked, excepted)| *checked >= 11 && *excepted == 0), "{counts:?}");
}

/// `a < b = c …` chains, as the specification writes them.
fn assert_chain(scheme: Scheme, chain: &str) {
    let words: Vec<&str> = chain.split(' ').collect();
    for step in words.windows(3).step_by(2) {
        let [a, operator, b] = step else { panic!("{chain}") };
        let row = [name(scheme), a, operator, b].map(str::to_owned);
        assert_eq!(check(&row), Ok(()), "{scheme}: {a} {operator} {b}");
    }
}

fn name(scheme: Scheme) -> &'static str {
    const NAMES: &[&str] = &[
        "alpm", "apk", "bitnami", "composer", "conan", "cran", "deb", "gem", "gentoo", "go", "hackage", "maven",
        "nuget", "openssl", "pep440", "pub", "rpm", "semver",
    ];
    NAMES.iter().find(|name| self::scheme(name) == Some(scheme)).expect("every scheme but Generic has a name")
}

#[test]
fn distributions_order_as_their_package_managers() {
    for chain in [
        "1.0~rc1 < 1.0 = 1.0-0 = 1.0-00 < 1.0-1 < 1.0-1+b1",
        "2.0 < 1:0.9",
        "2.7.4+reloaded2-13 < 2.7.4+reloaded2-13ubuntu1 < 2.7.4+reloaded2-13+deb9u1",
        "2:0.0.44-1 < 2:0.0.44-nobin",
        "0:0.0.0-0 < 0.0.0-a",
        "0.9.0 < 0.10.0",
        "1.0a < 1.0+",
    ] {
        assert_chain(Scheme::Dpkg, chain);
    }
    for chain in [
        "10.0001 = 10.1",
        "5.5p1 < 5.5p10",
        "xyz10 < xyz10.1",
        "6.0 < 6.0.rc1",
        "1.0~rc1~git123 < 1.0~rc1 < 1.0 < 1.0^git1 < 1.0.1",
        "1.0^20160101 < 1.0.1",
        "1:1.0~rc1 > 0:1.0~rc1",
        "a+ = a_",
        "2_0 = 2.0",
        "1-1.3 < 1-1.4",
        "20101121 < 20101122",
        "1-123 > 1-1.el7",
        "(none):1.0-1 = 0:1.0-1",
        "1.0 < 1.0-0",
    ] {
        assert_chain(Scheme::Rpm, chain);
    }
    for chain in [
        "1.1_alpha1 < 1.1",
        "1.0.4-r3 < 1.0.4-r4",
        "0.13_beta1 < 0.13_beta2",
        "2.2.39-r1 > 0.1.0_alpha",
        "1.0 < 1.0_p1",
        "1.2.3a > 1.2.3",
        "4.19 > 4.3.0",
        "006 > 1.0.0 > 1.0 > 0.99.3.20040818",
        "0.8.21.r2 < 0.8.21r2",
    ] {
        assert_chain(Scheme::Apk, chain);
    }
    for chain in ["1.0 < 1.0-r1", "1.0_pre1 < 1.0_rc1 < 1.0 < 1.0_p1", "1.01 < 1.1", "1.0a > 1.0", "1 < 1.0"] {
        assert_chain(Scheme::Portage, chain);
    }
    for chain in [
        "1:1.0 > 2.0",
        "1.0-1 < 1.0-2",
        "1.0 = 1.0-5",
        "1.0a < 1.0b < 1.0beta < 1.0p < 1.0pre < 1.0rc < 1.0 < 1.0.a < 1.0.1",
    ] {
        assert_chain(Scheme::Alpm, chain);
    }
}

#[test]
fn languages_order_as_their_registries() {
    for chain in [
        "1.2.3-a.b.c.10.d.5 > 1.2.3-a.b.c.5.d.100",
        "1.0.0-alpha.beta < 1.0.0-beta",
        "1.2.3 = v1.2.3",
        "1.2.3-5-Foo < 1.2.3-5-foo",
        "1.2.3 > 1.2.3-4",
        "1.2.3+a = 1.2.3+b",
        "1 = 1.0 = 01.0.0.0 < 1.0.0.1",
    ] {
        assert_chain(Scheme::SemVer, chain);
    }
    for chain in ["1.0.0 < 1.0.0+build", "1.2.3-r100 < 1.2.3-r2"] {
        assert_chain(Scheme::Pub, chain);
    }
    for chain in [
        "1.0.dev1 < 1.0a1 < 1.0b1 < 1.0rc1 < 1.0 < 1.0.post1",
        "1.0 = 1.0.0 < 1.0+local",
        "1!0.1 > 9.9",
        "0.9.pre < 1.0",
        "1.2b3.dev4 < 1.2b3.DEV5",
    ] {
        assert_chain(Scheme::Pep440, chain);
    }
    for chain in [
        "1 = 1.0.0 = 1.ga",
        "1-milestone-1 = 1m1",
        "1-beta-1 = 1b1",
        "1.0 < 1.0-1",
        "1cR = 1rC",
        "1-foo = 1.0.0-foo.0.0",
        "2.0.1-klm < 2.0.1-lmn",
        "1-rc1 < 1-SNAPSHOT < 1 < 1-sp",
        "1.1 = 1.01",
        "1x = 1.0-x",
        "1-1 < 1.1",
        "1.0-alpha < 1.0",
    ] {
        assert_chain(Scheme::Maven, chain);
    }
    for chain in [
        "1.0.a9 < 1.0.a10",
        "1.0.a2 = 1.0.a.2",
        "1.2.4.beta < 1.2.4",
        "1 > 1beta",
        "1.0 > 1.0.g1",
        "1.0.b1 > 1.0.a.2",
        "1.0-x86 = 1.0.pre.x86 < 1.0",
    ] {
        assert_chain(Scheme::Gem, chain);
    }
    for chain in [
        "1.0a1 < 1.0b1 < 1.0rc1 < 1.0 < 1.0pl1",
        "1.26.0 > dev-foo",
        "1.0.0rc2 = 1.0.0.rc2",
        "v1 < 2",
        "1.x-dev > 1.99",
        "1.0.0+7.4 = 1.0-stable",
    ] {
        assert_chain(Scheme::Composer, chain);
    }
    for chain in [
        "1.0 < 1.0.0.1",
        "1.0.0 = 1.0.0+beta",
        "1.0.0-BETA.X.y.5.77.0+AA < 1.0.0-beta.x.y.5.79.0+aa",
        "1.0.0.1-alpha < 1.0.0.1-pre",
    ] {
        assert_chain(Scheme::NuGet, chain);
    }
    for chain in ["0.1.0 < 0.1.0.0", "0.9 < 0.75", "1.0-0 < 1.0-1"] {
        assert_chain(Scheme::Cran, chain);
    }
    assert_chain(Scheme::Hackage, "1.0.0 > 1.0");
}

/// Whether the version lies in the constraint, or what is wrong with either.
fn satisfies(scheme: Scheme, version: &str, constraint: &str) -> Result<bool, String> {
    let version = scheme.parse(version).map_err(|error| error.to_string())?;
    let ranges = parse_constraints(scheme, constraint).map_err(|error: InvalidConstraint| error.to_string())?;
    let inside = |range: &domain::advisory::Interval| range.contains(scheme, &version).expect("bounds were checked");
    let outside = complement(scheme, &ranges).map_err(|error| error.to_string())?;
    let satisfied = ranges.iter().any(inside);
    assert_ne!(satisfied, outside.iter().any(inside), "{constraint} and its complement at {version:?}");
    Ok(satisfied)
}

#[test]
fn constraints_hold_as_grype_says_but_for_the_exceptions_named() {
    let Some(csv) = shared("constraints.csv") else { return };
    let (mut checked, mut excepted, mut without_scheme, mut failures) = (0, 0, 0, Vec::new());
    for line in String::from_utf8(csv).expect("UTF-8").lines().skip(1) {
        let row = fields(line);
        let [ecosystem, version, constraint, satisfied, _] = row.as_slice() else { panic!("{line}") };
        // Two of Grype's orders have no scheme here: "fuzzy" guesses one, and "jvm" knows Java's old numbering.
        let Some(scheme) = scheme(ecosystem) else {
            assert!(matches!(ecosystem.as_str(), "fuzzy" | "jvm"), "{line}");
            without_scheme += 1;
            continue;
        };
        let except =
            OTHER_CONSTRAINTS.iter().any(|(e, v, c, _)| e == ecosystem && v == version && *c == constraint.trim());
        match satisfies(scheme, version, constraint) {
            Ok(answer) if answer.to_string() == *satisfied && !except => checked += 1,
            Ok(answer) if answer.to_string() == *satisfied => failures.push(format!("needless exception: {line}")),
            _ if except => excepted += 1,
            answer => failures.push(format!("{line}: {answer:?}")),
        }
    }
    assert!(failures.is_empty(), "{} rows do not hold:\n{}", failures.len(), failures.join("\n"));
    eprintln!("constraints: {checked} hold, {excepted} excepted, {without_scheme} of orders without a scheme");
    assert_eq!((checked + excepted, without_scheme), (291, 59));
}

/// Texts a scheme accepts more often than not, made of what meets in its rules.
fn texts(scheme: Scheme) -> BoxedStrategy<String> {
    let pieces: &'static [&'static str] = match scheme {
        Scheme::Apk => &["0", "1", "05", "10", "019", ".", ".", "a", "b", "_rc", "_p", "_alpha", "~ab", "-r", "-", "A"],
        Scheme::Alpm => &["0", "1", "02", "10", ".", "..", "a", "rc", "_", "+", "-"],
        Scheme::Rpm | Scheme::Dpkg => &["0", "1", "02", "10", ".", "-", "~", "^", "a", "Z", "+", "_", "0:"],
        Scheme::Maven => &["0", "1", "10", ".", "-", "alpha", "sp", "rc", "ga", "x", "SNAPSHOT", "a"],
        Scheme::Conan | Scheme::Generic => {
            &["0", "1", "02", "99999999999999999999", ".", "-", "a", "B", "rc", "+", "~"]
        }
        _ => return grammar(scheme).prop_map(|text| text).boxed(),
    };
    proptest::collection::vec(select(pieces), 1..8).prop_map(|pieces| pieces.concat()).boxed()
}

/// For schemes that refuse most texts put together at random.
fn grammar(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Bitnami => r"[0-2](\.[0-2]){0,2}(-(rc|a)[0-2]?)?(-[0-2])?",
        Scheme::Composer => {
            r"v?[0-2](\.[0-2]){0,4}([-_.]?(dev|alpha|a|RC|pl|zz|stable)([.-]?[0-2])?){0,2}(\+z)?|dev-[ab]|[01]\.x-dev"
        }
        Scheme::Cran => r"(0?[0-2]|10)([.-](0?[0-2]|10)){0,4}",
        Scheme::Hackage => r"(0?[0-2]|10)(\.(0?[0-2]|10)){0,4}",
        Scheme::Gem => r"[0-2](\.(0?[0-2]|10)){0,3}([.-]?(a|B|rc)(\.?[0-2])?){0,3}~?",
        Scheme::OpenSsl => r"[0-2](\.[0-2]){0,2}([az]{0,2}|-(pre|alpha|dev)[0-2]?)(-fips)?",
        Scheme::Pep440 => {
            r"([01]!)?[0-2](\.[0-2]){0,3}([-_.]?(a|b|rc|pre)\.?[0-2]?)?(-[0-2]|\.?(post|r)[0-2]?)?(\.?dev[0-2]?)?(\+[a0-2]{1,2}(\.[b0-2]){0,2})?"
        }
        Scheme::Portage => r"[0-2](\.(0?[0-2]{1,2}|[12]0)){0,3}[ab]?(_(alpha|p|rc)[0-2]?){0,2}(-r[0-2])?",
        Scheme::NuGet => r"[0-2](\.[0-2]){0,3}(-[aB02]{1,2}(\.[aB02]{1,2}){0,2})?(\+z)?",
        _ => r"v?[0-2](\.(0?[0-2]|99999999999999999999)){0,3}(-|\.?rc|-B)?(\.?[ab0-2]{1,2}){0,2}(\+[ab0-2]{0,2})?",
    }
}

/// As [`texts`], without what Alpm, Bitnami and Maven are known not to order transitively.
fn transitive_texts(scheme: Scheme) -> BoxedStrategy<String> {
    match scheme {
        // Either all have a release or none has.
        Scheme::Alpm => texts(scheme).prop_map(|text| format!("{text}-1")).boxed(),
        Scheme::Bitnami => r"[0-2](\.[0-2]){0,2}(-(rc|a)[0-2]?)?-[0-2]".prop_map(|text| text).boxed(),
        // The convention of Maven's documentation: numbers, then at most one qualifier, then at most one number.
        Scheme::Maven => {
            r"[0-2](\.[0-2]){0,3}(-(alpha|beta|rc|SNAPSHOT|sp|x|ga)?(-?[0-2])?)?".prop_map(|text| text).boxed()
        }
        _ => texts(scheme),
    }
}

#[test]
fn most_generated_texts_are_versions() {
    let mut runner = TestRunner::deterministic();
    for scheme in Scheme::ALL {
        for texts in [texts(*scheme), transitive_texts(*scheme)] {
            let drawn = (0..500).map(|_| texts.new_tree(&mut runner).expect("a text").current());
            let accepted = drawn.filter(|text| scheme.parse(text).is_ok()).count();
            assert!(accepted > 250, "{scheme}: {accepted} of 500");
        }
    }
}

fn any_scheme() -> impl Strategy<Value = Scheme> {
    select(Scheme::ALL)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 4096, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_parsing_panic(scheme in any_scheme(), text in "\\PC{0,24}|[ -~]{0,24}") {
        if let Ok(version) = scheme.parse(&text) {
            prop_assert_eq!(version.compare(&version.clone()), Ordering::Equal);
        }
        let _ = parse_constraints(scheme, &text);
    }

    #[test]
    fn orders_are_antisymmetric((scheme, a, b) in any_scheme().prop_flat_map(|s| (select(vec![s]), texts(s), texts(s)))) {
        if let (Ok(a), Ok(b)) = (scheme.parse(&a), scheme.parse(&b)) {
            prop_assert_eq!(a.compare(&b), b.compare(&a).reverse());
            prop_assert_eq!(a.compare(&a), Ordering::Equal);
        }
    }

    #[test]
    fn orders_are_transitive(
        (scheme, texts) in any_scheme().prop_flat_map(|s| {
            (select(vec![s]), proptest::collection::vec(transitive_texts(s), 6))
        })
    ) {
        let versions: Vec<Version> = texts.iter().filter_map(|text| scheme.parse(text).ok()).collect();
        for a in &versions {
            for b in &versions {
                for c in &versions {
                    if a.compare(b).is_le() && b.compare(c).is_le() {
                        prop_assert!(a.compare(c).is_le(), "{scheme}: {a:?} <= {b:?} <= {c:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_version_lies_in_a_set_or_in_its_complement(
        (scheme, version, bounds, operators) in select(vec![Scheme::Gem, Scheme::SemVer, Scheme::Pep440, Scheme::Dpkg, Scheme::Apk])
            .prop_flat_map(|s| {
                let operator = select(vec!["<", "<=", ">", ">=", "=", "!="]);
                let bounds = proptest::collection::vec(texts(s), 1..4);
                (select(vec![s]), texts(s), bounds, proptest::collection::vec(operator, 4))
            })
    ) {
        let comparators: Vec<String> = bounds.iter().zip(operators).map(|(bound, op)| format!("{op} {bound}")).collect();
        let each: Vec<bool> = comparators.iter().filter_map(|one| satisfies(scheme, &version, one).ok()).collect();
        let any = satisfies(scheme, &version, &comparators.join(" || "));
        let all = satisfies(scheme, &version, &comparators.join(", "));
        if each.len() == comparators.len() {
            prop_assert_eq!(any, Ok(each.iter().any(|one| *one)));
            prop_assert_eq!(all, Ok(each.iter().all(|one| *one)));
        }
    }
}
