//! Documents that have no parser: told apart, so that the count says what was left out.

use super::shape::{Shape, has};

/// Files that accompany data and hold none.
pub(crate) fn is_not_data(document: &str) -> bool {
    let name = document.rsplit('/').next().unwrap_or(document);
    let lower = name.to_ascii_lowercase();
    let stem = lower.split('.').next().unwrap_or("");
    let by_name =
        ["readme", "license", "licence", "copying", "contributing", "codeowners", "changelog", "notice", "makefile"];
    let by_ending = [".sha256", ".sha512", ".asc", ".sig", ".png", ".svg"];
    name.starts_with('.') || by_name.contains(&stem) || by_ending.iter().any(|ending| lower.ends_with(ending))
}

/// What a document without a parser is, in words for a report.
pub(crate) fn unsupported_format(shape: &Shape) -> String {
    if let Some(keys) = shape.json_keys() {
        let known = JSON.iter().find(|(wanted, _)| has(keys, wanted)).map(|(_, format)| (*format).to_owned());
        return known.unwrap_or_else(|| format!("JSON object with {}", first_keys(keys)));
    }
    if let Some(keys) = shape.yaml_keys() {
        let known = YAML.iter().find(|(wanted, _)| has(keys, wanted)).map(|(_, format)| (*format).to_owned());
        return known.unwrap_or_else(|| format!("YAML with {}", first_keys(keys)));
    }
    match shape {
        Shape::Empty => "empty file".to_owned(),
        Shape::JsonArray { .. } => "JSON array".to_owned(),
        Shape::Xml { root } => format!("XML with root {}", root.chars().take(40).collect::<String>()),
        Shape::Csv { .. } => "CSV".to_owned(),
        Shape::Binary => "binary file".to_owned(),
        _ => "text".to_owned(),
    }
}

const JSON: &[(&[&str], &str)] = &[
    (&["CVE_Items"], "NVD 1.1"),
    (&["@context", "statements"], "OpenVEX"),
    (&["bomFormat"], "CycloneDX"),
    (&["spdxVersion"], "SPDX"),
    (&["updates"], "Bodhi"),
];

const YAML: &[(&[&str], &str)] = &[
    (&["engine"], "Ruby interpreter advisory (no package ecosystem)"),
    (&["branches", "reference"], "FriendsOfPHP"),
    (&["package", "advisories"], "Wolfi advisories"),
];

fn first_keys(keys: &[String]) -> String {
    let shown: Vec<String> = keys.iter().take(3).map(|key| key.chars().take(24).collect()).collect();
    if shown.is_empty() { "no key".to_owned() } else { shown.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::super::shape::sniff;
    use super::{is_not_data, unsupported_format};

    #[test]
    fn companions_of_data_are_known_by_name() {
        for name in ["LICENSE", "a/README.md", ".gitignore", "a/b.json.sha512", "CONTRIBUTING.md"] {
            assert!(is_not_data(name), "{name}");
        }
        assert!(!is_not_data("advisories/GHSA-1.json") && !is_not_data("license-checker/CVE-1.json"));
    }

    #[test]
    fn formats_without_a_parser_are_named() {
        let format = |text: &[u8]| unsupported_format(&sniff(text));
        assert_eq!(format(br#"{"CVE_data_type":"CVE","CVE_Items":[]}"#), "NVD 1.1");
        assert_eq!(format(b"engine: ruby\ncve: 1\n"), "Ruby interpreter advisory (no package ecosystem)");
        assert_eq!(format(br#"{"a":1}"#), "JSON object with a");
        assert_eq!(format(b"<vulnerabilitys>"), "XML with root vulnerabilitys");
    }
}
