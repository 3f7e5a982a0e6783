//! Strings in the three languages that SARIF mixes: message text, URIs, and advisory links.

use std::fmt::Write as _;

use crate::report::escape::shortened;

/// Services cut or refuse longer descriptions (the strictest known limit is 1,024 characters).
const TEXT_CELLS_MAX: usize = 1000;

/// `text` as a plain message: braces are placeholders and brackets are links there
/// (SARIF 2.1.0, sections 3.11.5 and 3.11.6), so a title could otherwise plant a link.
pub(super) fn plain(text: &str) -> String {
    let text = shortened(text, TEXT_CELLS_MAX);
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '{' | '}' => escaped.extend([c, c]),
            '[' | ']' | '\\' => escaped.extend(['\\', c]),
            c => escaped.push(c),
        }
    }
    escaped
}

/// `path` as a relative URI reference. The colon is encoded too, else the start of an image
/// name would read as a scheme; leading slashes are joined, else a path would read as a host.
pub(super) fn uri(path: &str) -> String {
    let trimmed = path.trim_start_matches('/');
    let mut uri = String::with_capacity(path.len());
    if trimmed.len() < path.len() {
        uri.push('/');
    }
    for byte in trimmed.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            byte => write!(uri, "%{byte:02X}").expect("a string takes all"),
        }
    }
    // A result needs a location, also when standard input had no name.
    if uri.is_empty() { "-".to_owned() } else { uri }
}

/// The public page of the first id that has one.
pub(super) fn advisory_url<'a>(mut ids: impl Iterator<Item = &'a str>) -> Option<String> {
    ids.find_map(|id| match id.split_once('-')? {
        ("CVE", rest) if is_number(rest) => Some(format!("https://nvd.nist.gov/vuln/detail/{id}")),
        ("GHSA", rest) if is_word(rest) => Some(format!("https://github.com/advisories/{id}")),
        _ => None,
    })
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_cannot_plant_a_link_or_a_placeholder() {
        assert_eq!(plain("see [here](https://x) {0} a\\b"), r"see \[here\](https://x) {{0}} a\\b");
    }

    #[test]
    fn a_path_becomes_a_relative_reference() {
        assert_eq!(uri("out/my app#1?.json"), "out/my%20app%231%3F.json");
        assert_eq!(uri("registry:5000/app@sha256"), "registry%3A5000/app%40sha256");
        assert_eq!(uri("//host/share"), "/host/share");
        assert_eq!(uri("é%"), "%C3%A9%25");
        assert_eq!(uri(""), "-");
    }

    #[test]
    fn only_well_formed_ids_become_links() {
        let url = |id| advisory_url([id].into_iter());
        assert_eq!(url("CVE-2024-0001").as_deref(), Some("https://nvd.nist.gov/vuln/detail/CVE-2024-0001"));
        assert_eq!(url("GHSA-aaaa-bbbb-cccc").as_deref(), Some("https://github.com/advisories/GHSA-aaaa-bbbb-cccc"));
        assert_eq!(url("CVE-2024-1/../x"), None);
        assert_eq!(url("RUSTSEC-2024-0001"), None);
        let second = advisory_url(["RUSTSEC-2024-0001", "GHSA-aaaa-bbbb-cccc"].into_iter());
        assert!(second.is_some_and(|url| url.ends_with("GHSA-aaaa-bbbb-cccc")));
    }
}
