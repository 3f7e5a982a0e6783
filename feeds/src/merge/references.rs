//! Links: the same page under several spellings is listed once.
//!
//! Spellings are compared in a canonical form, but what is listed is a spelling that a
//! source gave (the shortest), because a link that nobody wrote is a link nobody tested.

use std::collections::BTreeMap;

use domain::advisory::Reference;

/// Sites that put several vulnerabilities on one page and tell them apart by fragment.
const TRACKERS: &[&str] = &[
    "bugzilla.mozilla.org",
    "bugzilla.redhat.com",
    "curl.se",
    "github.com",
    "gitlab.com",
    "httpd.apache.org",
    "jenkins.io",
    "lists.apache.org",
    "mozilla.org",
    "nodejs.org",
    "oracle.com",
    "tomcat.apache.org",
];

/// Kinds from the most to the least telling; one that is not listed stands before `WEB`.
const KINDS: &[&str] = &["FIX", "ADVISORY", "REPORT", "INTRODUCED", "EVIDENCE", "DETECTION", "ARTICLE", "DISCUSSION"];

/// Unites references by canonical URL, sorted by kind and URL.
pub(super) fn unite<'r>(references: impl Iterator<Item = &'r Reference>) -> Vec<Reference> {
    let mut by_url: BTreeMap<String, (&Reference, &str)> = BTreeMap::new();
    for reference in references.filter(|reference| !reference.url.trim().is_empty()) {
        let (kind, url) = by_url.entry(canonical_url(&reference.url)).or_insert((reference, &reference.url));
        if kind_order(&reference.kind) < kind_order(&kind.kind) {
            *kind = reference;
        }
        if (reference.url.len(), reference.url.as_str()) < (url.len(), *url) {
            *url = &reference.url;
        }
    }
    let mut united: Vec<Reference> = by_url
        .into_values()
        .map(|(kind, url)| Reference { kind: kind.kind.clone(), url: url.trim().to_owned() })
        .collect();
    united.sort_unstable();
    united.dedup();
    united
}

fn kind_order(kind: &str) -> (usize, &str) {
    let last = if kind == "WEB" { KINDS.len() + 1 } else { KINDS.len() };
    (KINDS.iter().position(|known| *known == kind).unwrap_or(last), kind)
}

/// The form in which URLs are compared: scheme and host in lower case, no default port, no
/// trailing `/`, and a fragment only where it tells two pages apart. Text that is no URL
/// is returned trimmed.
pub fn canonical_url(url: &str) -> String {
    let url = url.trim();
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let scheme = scheme.to_ascii_lowercase();
    let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = host.to_ascii_lowercase();
    let host = match scheme.as_str() {
        "http" => host.strip_suffix(":80").unwrap_or(&host),
        "https" => host.strip_suffix(":443").unwrap_or(&host),
        _ => &host,
    };
    let (path, fragment) = path.split_once('#').unwrap_or((path, ""));
    let path = path.trim_end_matches('/');
    if fragment.is_empty() || !keeps_fragment(host, fragment) {
        format!("{scheme}://{host}{path}")
    } else {
        format!("{scheme}://{host}{path}#{fragment}")
    }
}

fn keeps_fragment(host: &str, fragment: &str) -> bool {
    // `#/` and `#!` are routes of single-page applications: there the fragment is the page.
    fragment.starts_with(['/', '!'])
        || TRACKERS
            .iter()
            .any(|site| host.strip_suffix(site).is_some_and(|prefix| prefix.is_empty() || prefix.ends_with('.')))
}

#[cfg(test)]
mod tests {
    use super::{canonical_url, unite};
    use domain::advisory::Reference;

    fn reference(kind: &str, url: &str) -> Reference {
        Reference { kind: kind.into(), url: url.into() }
    }

    #[test]
    fn spellings_of_one_page_have_one_canonical_form() {
        for url in ["HTTPS://Example.org:443/a/", "https://example.org/a", " https://EXAMPLE.org/a#top"] {
            assert_eq!(canonical_url(url), "https://example.org/a", "{url}");
        }
        assert_eq!(canonical_url("https://example.org/"), "https://example.org");
        assert_eq!(canonical_url("http://example.org:443/A?b=C/"), "http://example.org:443/A?b=C");
        assert_eq!(canonical_url("not a url"), "not a url");
    }

    #[test]
    fn a_fragment_stays_where_it_names_the_vulnerability() {
        for url in [
            "https://www.jenkins.io/security/advisory/2022-05-17#SECURITY-2478",
            "https://example.org/app#/advisories/7",
        ] {
            assert_eq!(canonical_url(url), url);
        }
        assert_eq!(canonical_url("https://notjenkins.io/a#b"), "https://notjenkins.io/a");
    }

    #[test]
    fn a_page_is_listed_once_with_its_most_telling_kind_and_shortest_spelling() {
        let given = [
            reference("WEB", "https://example.org/a/"),
            reference("ADVISORY", "https://EXAMPLE.org/a/#x"),
            reference("WEB", "https://example.org/b"),
            reference("FIX", "https://example.org/c"),
        ];
        let want = [
            reference("ADVISORY", "https://example.org/a/"),
            reference("FIX", "https://example.org/c"),
            reference("WEB", "https://example.org/b"),
        ];
        assert_eq!(unite(given.iter()), want);
        assert_eq!(unite(given.iter().rev()), want);
    }
}
