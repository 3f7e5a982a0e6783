//! The table of codes in the document is complete.

#[test]
fn every_code_is_in_the_document() {
    let document = include_str!("../../../docs/tokens.md");
    let source = include_str!("../../src/tokens/error.rs");
    let codes: Vec<&str> = source.split('"').filter(|text| text.starts_with("E-")).collect();
    assert!(codes.len() > 20, "the codes of error.rs were not found");
    let missing: Vec<_> = codes.iter().filter(|code| !document.contains(&format!("`{code}`"))).collect();
    assert!(missing.is_empty(), "not in docs/tokens.md: {missing:?}");
}
