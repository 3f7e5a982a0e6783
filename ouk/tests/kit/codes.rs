//! The table of codes in the format document is complete.

use std::collections::BTreeSet;

/// Each `"E-…"` of a source text.
fn codes(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for piece in text.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '-')) {
        if piece.starts_with("E-") && piece.len() > 3 && !piece.ends_with('-') {
            found.insert(piece.to_owned());
        }
    }
    found
}

#[test]
fn every_code_is_in_the_format_document() {
    let document = include_str!("../../../docs/kit-format.md");
    let sources = concat!(include_str!("../../src/error.rs"), include_str!("../../src/site/error.rs"));
    let (documented, used) = (codes(document), codes(sources));
    let missing: Vec<_> = used.difference(&documented).collect();
    assert!(missing.is_empty(), "not in docs/kit-format.md: {missing:?}");
    assert!(used.len() > 40, "the codes of error.rs were not found");
}
