//! How much of a document is kept.

use std::io::Read;

use super::model::Oval;
use super::read;
use crate::source::xml::{Xml, XmlError};

const LIMIT: usize = 1 << 20;

/// Reads a document within the limit.
fn kept(document: &str) -> Result<(), XmlError> {
    let mut bytes = document.as_bytes();
    let mut xml = Xml::new(&mut bytes as &mut dyn Read);
    let mut oval = Oval::within(LIMIT);
    read::first_definition(&mut xml, &mut oval)?;
    read::rest(&mut xml, &mut oval)
}

fn document(definitions: &str, tests: &str, objects: &str, states: &str) -> String {
    format!(
        "<oval_definitions><definitions><definition id='0'/>{definitions}</definitions><tests>{tests}</tests>\
         <objects>{objects}</objects><states>{states}</states></oval_definitions>"
    )
}

/// A piece so often that it takes up more than the limit, each time with another number in it.
fn much(piece: &str) -> String {
    let count = 3 * LIMIT / piece.len();
    (0..count).map(|number| piece.replace('#', &number.to_string())).collect()
}

fn definition(inner: &str) -> String {
    format!("<definition id='1'>{inner}</definition>")
}

// Also of what is short, or said again and again: it is the pieces that take up memory.
#[test]
fn whatever_a_document_has_too_much_of_ends_its_reading() {
    let metadata = |inner: &str| definition(&format!("<metadata>{inner}</metadata>"));
    let criteria = |inner: &str| definition(&format!("<criteria>{inner}</criteria>"));
    let of_definition = [
        much("<definition id=''/>"),
        much(&definition("<metadata><title>a title</title></metadata>")),
        metadata(&format!("<description>{}</description>", "d".repeat(LIMIT))),
        metadata(&much("<title/>")),
        metadata(&much("<reference source='a' ref_id='b'/>")),
        metadata(&format!("<advisory>{}</advisory>", much("<cve>CVE-2030-#</cve>"))),
        metadata(&format!("<advisory>{}</advisory>", much("<updated date='#'/>"))),
        criteria(&much("<criterion test_ref='t'/>")),
        criteria(&much("<criterion test_ref='t#'/>")),
        criteria(&much("<criterion negate='true'/>")),
        criteria(&much("<criterion comment='Module a:# is enabled'/>")),
        criteria(&much("<criterion test_ref='t' comment='System # is installed'/>")),
        criteria(&much("<criteria/>")),
    ];
    let other = [
        document("", &much("<t id='#'><object object_ref='o'/><state state_ref='s'/></t>"), "", ""),
        document("", &much("<t id='t'><object object_ref='o'/></t>"), "", ""),
        document("", &format!("<t id='t'>{}</t>", much("<state state_ref='s'/>")), "", ""),
        document("", "", &much("<o id='#'><name>n</name></o>"), ""),
        document("", "", "", &much("<s id='#'><evr>1</evr></s>")),
        document("", "", "", &much("<s id='s'><evr>#</evr><arch>#</arch></s>")),
    ];
    for document in of_definition.iter().map(|definition| document(definition, "", "", "")).chain(other) {
        let shown: String = document.chars().take(160).collect();
        match kept(&document) {
            Err(XmlError::Malformed(reason)) => assert!(reason.contains("more than can be kept"), "{reason}: {shown}"),
            other => panic!("{other:?}: {shown}"),
        }
    }
    kept(&document(&definition("<criteria><criterion test_ref='t'/></criteria>"), "", "", "")).expect("a small one");
}
