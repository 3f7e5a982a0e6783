//! The texts of `domain`: purls, versions, ranges, and small facts.

use std::cmp::Ordering;

use domain::advisory::Interval;
use domain::cvss;
use domain::ecosystem::Ecosystem;
use domain::purl::Purl;
use domain::time::Timestamp;
use domain::version::{Scheme, Version, complement, intersect, parse_constraints};

use crate::target::{choose, text};

const VERSIONS: &str = include_str!("../../../tests/data/versions/version-compare.sample.csv");
const PURLS: &str = include_str!("../../../tests/data/purl/real.csv");
const VECTORS: &str = include_str!("../../../tests/data/cvss/published.csv");

pub(crate) const PURL_WORDS: &[&str] =
    &["pkg:", "pkg:deb/debian/", "pkg:npm/%40", "pkg:golang/", "pkg:maven/", "pkg:pypi/", "?arch=", "&distro=", "%2F"];
pub(crate) const VERSION_WORDS: &[&str] = &[
    "alpha",
    "beta",
    "rc",
    "dev",
    "post",
    "SNAPSHOT",
    "v",
    "go",
    "_p",
    "-r0",
    "~",
    "^",
    "+",
    "1:",
    "||",
    ", ",
    ">=",
    "<=",
    "!=",
    "~>",
    "*",
    " - ",
    "[",
    ")",
    "(,",
    ".x",
    "===",
    "a0",
    "+incompatible",
    "-0.20200101000000-",
];
pub(crate) const FACT_WORDS: &[&str] = &[
    "CVSS:3.1/",
    "CVSS:4.0/",
    "CVSS:2.0/",
    "AV:N",
    "Au:N",
    "/E:",
    "T00:00:00Z",
    "+01:00",
    "Debian:",
    "Alpine:v3.",
    "Ubuntu:22.04:LTS",
    "9999-12-31",
    "-009999-01-01",
    "[Europe/Berlin]",
];

/// The canonical spelling of a purl parses to the same value, and to nothing else ever after.
pub(crate) fn purl(data: &[u8]) {
    let Some(purl) = text(data).and_then(|text| Purl::parse(text).ok()) else { return };
    let spelling = purl.to_string();
    let again = Purl::parse(&spelling).expect("the canonical spelling is a purl");
    assert_eq!(again, purl, "{spelling}");
    assert_eq!(again.to_string(), spelling);
    assert_eq!(again.canonical().expect("canonical"), purl, "{spelling}");
}

pub(crate) fn purl_seeds() -> Vec<Vec<u8>> {
    let texts = PURLS.lines().flat_map(|line| line.split(',')).step_by(3);
    texts.map(|text| text.as_bytes().to_vec()).collect()
}

/// Every order is total, reflexive and antisymmetric, and transitive where `domain::version` says so.
pub(crate) fn version(data: &[u8]) {
    let Some((scheme, rest)) = choose(Scheme::ALL, data) else { return };
    let Some(text) = text(rest) else { return };
    let versions: Vec<Version> = text.split('\n').take(3).filter_map(|text| scheme.parse(text).ok()).collect();
    for a in &versions {
        assert_eq!(a.compare(a), Ordering::Equal, "{a:?}");
        for b in &versions {
            assert_eq!(a.compare(b), b.compare(a).reverse(), "{a:?} {b:?}");
            let below = |c: &&Version| a.compare(b).is_le() && b.compare(c).is_le();
            for c in versions.iter().filter(|_| is_transitive(scheme)).filter(below) {
                assert!(a.compare(c).is_le(), "{a:?} {b:?} {c:?}");
            }
        }
    }
}

/// The three others follow a reference tool that is not.
fn is_transitive(scheme: Scheme) -> bool {
    !matches!(scheme, Scheme::Alpm | Scheme::Bitnami | Scheme::Maven)
}

/// The rows of the sample: scheme and two versions.
pub(crate) fn version_seeds() -> Vec<Vec<u8>> {
    let seed = |line: &str| {
        let mut fields = line.split(',');
        let (ecosystem, a, _, b) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        let name = match ecosystem {
            "deb" => "dpkg",
            "gentoo" => "portage",
            other => other,
        };
        let scheme = Scheme::ALL.iter().position(|scheme| format!("{scheme:?}").eq_ignore_ascii_case(name))?;
        Some([&[u8::try_from(scheme).expect("few schemes")], format!("{a}\n{b}\n1.0").as_bytes()].concat())
    };
    VERSIONS.lines().filter_map(seed).step_by(7).collect()
}

/// A version lies in a set or in its complement, and the two have nothing in common.
pub(crate) fn constraint(data: &[u8]) {
    let Some((scheme, rest)) = choose(Scheme::ALL, data) else { return };
    let Some((constraint, versions)) = text(rest).and_then(|text| text.split_once('\n')) else { return };
    let Ok(inside) = parse_constraints(scheme, constraint) else { return };
    let outside = complement(scheme, &inside).expect("every bound was read before");
    if !is_transitive(scheme) {
        return;
    }
    assert_eq!(intersect(scheme, &inside, &outside), Ok(Vec::new()), "{constraint:?}");
    let within = |set: &[Interval], version: &Version| {
        set.iter().any(|interval| interval.contains(scheme, version).expect("every bound was read before"))
    };
    for version in versions.split('\n').take(4).filter_map(|text| scheme.parse(text).ok()) {
        let (inside, outside) = (within(&inside, &version), within(&outside, &version));
        assert!(inside != outside, "{constraint:?} {version:?} {inside}");
    }
}

pub(crate) fn constraint_seeds() -> Vec<Vec<u8>> {
    const TEXTS: [&str; 8] = [
        ">= 1.2, < 1.4\n1.3\n1.5",
        "~> 1.2.3 || >= 1.4.1\n1.2.9",
        "^1.2\n1.9",
        "1.x\n1.2",
        "1.2 - 2.3\n2.3.1",
        "[1,2),(,1.5]\n1.7",
        "!= 3\n3\n4",
        "*\n0",
    ];
    let seeds = |scheme: usize| TEXTS.map(|text| [&[scheme as u8], text.as_bytes()].concat());
    (0..Scheme::ALL.len()).flat_map(seeds).collect()
}

/// Times, ecosystems and CVSS vectors are written as they were read.
pub(crate) fn facts(data: &[u8]) {
    let Some(text) = text(data) else { return };
    if let Ok(at) = Timestamp::parse_lenient(text) {
        let written = at.to_string();
        assert_eq!(Timestamp::parse_strict(&written), Ok(at), "{text:?}");
        assert!(written.starts_with(&at.date()));
    }
    if let Ok(at) = Timestamp::parse_strict(text) {
        assert_eq!(at.to_string(), text);
    }
    if let Ok(ecosystem) = text.parse::<Ecosystem>() {
        assert_eq!(ecosystem.to_string().parse::<Ecosystem>().ok().as_ref(), Some(&ecosystem), "{text:?}");
        let name = ecosystem.normalise_name(text);
        assert_eq!(ecosystem.normalise_name(&name), name, "{ecosystem} {text:?}");
    }
    if let Ok(score) = cvss::score(text) {
        assert!(score.score_tenths <= 100, "{text:?}");
        assert_eq!(cvss::score(&score.vector).as_ref(), Ok(&score), "{text:?}");
    }
}

pub(crate) fn fact_seeds() -> Vec<Vec<u8>> {
    let vectors = VECTORS.lines().filter_map(|line| line.split(',').nth(1));
    let others = ["2026-11-24T00:00:00Z", "2026-11-24T01:00:00.5+01:00", "2026-11-24", "Debian:12", "PyPI", "Maven:x"];
    vectors.chain(others).map(|text| text.as_bytes().to_vec()).collect()
}
