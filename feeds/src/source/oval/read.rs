//! From the XML to its parts.

use std::io::Read;

use super::model::{Criteria, Definition, Operation, Oval, State, TooMuch};
use crate::source::xml::{Element, Xml, XmlError};

type Source<'a> = Xml<&'a mut dyn Read>;

impl From<TooMuch> for XmlError {
    fn from(_: TooMuch) -> Self {
        Self::Malformed("it holds more than can be kept: split it by release".to_owned())
    }
}

/// Reads on until the first definition; None when there is none. Whose document it is, its id says.
pub(super) fn first_definition(xml: &mut Source<'_>, oval: &mut Oval) -> Result<Option<String>, XmlError> {
    xml.root()?;
    while let Some(child) = xml.child()? {
        if child.name != "definitions" {
            xml.skip()?;
            continue;
        }
        return match xml.child()? {
            None => Ok(None),
            Some(definition) => {
                let id = definition.attribute("id").unwrap_or_default().to_owned();
                read_definition(&definition, xml, oval)?;
                Ok(Some(id))
            }
        };
    }
    Ok(None)
}

/// Reads the rest.
pub(super) fn rest(xml: &mut Source<'_>, oval: &mut Oval) -> Result<(), XmlError> {
    while let Some(definition) = xml.child()? {
        read_definition(&definition, xml, oval)?;
    }
    while let Some(part) = xml.child()? {
        match part.name.as_str() {
            "tests" => each(xml, oval, read_test)?,
            "objects" => each(xml, oval, read_object)?,
            "states" => each(xml, oval, read_state)?,
            "definitions" => each(xml, oval, read_definition)?,
            _ => xml.skip()?,
        }
    }
    Ok(())
}

fn each(
    xml: &mut Source<'_>,
    oval: &mut Oval,
    read: fn(&Element, &mut Source<'_>, &mut Oval) -> Result<(), XmlError>,
) -> Result<(), XmlError> {
    while let Some(child) = xml.child()? {
        read(&child, xml, oval)?;
    }
    Ok(())
}

fn read_definition(element: &Element, xml: &mut Source<'_>, oval: &mut Oval) -> Result<(), XmlError> {
    let id = element.attribute("id").unwrap_or_default().to_owned();
    let mut definition = Definition { id, ..Definition::default() };
    while let Some(child) = xml.child()? {
        match child.name.as_str() {
            "metadata" => read_metadata(xml, &mut definition)?,
            "criteria" => definition.criteria = Some(read_criteria(&child, xml, oval)?),
            _ => xml.skip()?,
        }
    }
    Ok(oval.add_definition(definition)?)
}

fn read_metadata(xml: &mut Source<'_>, definition: &mut Definition) -> Result<(), XmlError> {
    while let Some(child) = xml.child()? {
        match child.name.as_str() {
            "title" => definition.title = xml.text()?,
            "description" => definition.description = xml.text()?,
            "severity" => definition.severity = Some(xml.text()?),
            "patchable" => definition.patchable = Some(xml.text()?),
            "advisory_id" => definition.advisory_id = Some(xml.text()?),
            "advisory_date" => definition.date = Some(xml.text()?),
            "reference" => {
                let value = |name| child.attribute(name).map(str::to_owned);
                if let (Some(source), Some(id)) = (value("source"), value("ref_id")) {
                    definition.references.push((source, id, value("ref_url")));
                }
                xml.skip()?;
            }
            "advisory" => read_advisory(xml, definition)?,
            _ => xml.skip()?,
        }
    }
    Ok(())
}

fn read_advisory(xml: &mut Source<'_>, definition: &mut Definition) -> Result<(), XmlError> {
    while let Some(child) = xml.child()? {
        match child.name.as_str() {
            "severity" => definition.severity = Some(xml.text()?),
            "cve" => {
                let id = xml.text()?;
                definition.references.push(("CVE".to_owned(), id, None));
            }
            "issued" | "updated" => {
                // The later of the two comes last.
                definition.date = child.attribute("date").map(str::to_owned).or(definition.date.take());
                xml.skip()?;
            }
            _ => xml.skip()?,
        }
    }
    Ok(())
}

fn read_criteria(element: &Element, xml: &mut Source<'_>, oval: &mut Oval) -> Result<Criteria, XmlError> {
    let any = element.attribute("operator") == Some("OR");
    let mut parts = Vec::new();
    while let Some(child) = xml.child()? {
        // "Not installed", "not enabled": nothing here depends on it.
        if child.attribute("negate") == Some("true") {
            xml.skip()?;
            continue;
        }
        match child.name.as_str() {
            "criteria" => parts.push(read_criteria(&child, xml, oval)?),
            "criterion" => {
                parts.extend(criterion(&child, oval)?);
                xml.skip()?;
            }
            _ => xml.skip()?,
        }
        oval.count()?;
    }
    Ok(if any { Criteria::Any(parts) } else { Criteria::All(parts) })
}

fn criterion(element: &Element, oval: &mut Oval) -> Result<Option<Criteria>, TooMuch> {
    let comment = element.attribute("comment").unwrap_or_default();
    let module = comment.strip_prefix("Module ").and_then(|rest| rest.strip_suffix(" is enabled"));
    if let Some(module) = module {
        return Ok(Some(Criteria::Module(module.to_owned())));
    }
    element.attribute("test_ref").map(|id| oval.words.number(id).map(Criteria::Test)).transpose()
}

fn read_test(element: &Element, xml: &mut Source<'_>, oval: &mut Oval) -> Result<(), XmlError> {
    let (mut object, mut state) = (None, None);
    while let Some(child) = xml.child()? {
        match child.name.as_str() {
            "object" => object = child.attribute("object_ref").map(str::to_owned),
            "state" => state = child.attribute("state_ref").map(str::to_owned),
            _ => {}
        }
        xml.skip()?;
    }
    match (element.attribute("id"), object, state) {
        (Some(id), Some(object), Some(state)) => Ok(oval.add_test(id, &object, &state)?),
        // A test of mere presence has no state.
        _ => Ok(()),
    }
}

fn read_object(element: &Element, xml: &mut Source<'_>, oval: &mut Oval) -> Result<(), XmlError> {
    let mut name = None;
    while let Some(child) = xml.child()? {
        if child.name == "name" { name = Some(xml.text()?) } else { xml.skip()? }
    }
    match (element.attribute("id"), name) {
        (Some(id), Some(name)) => Ok(oval.add_object(id, &name)?),
        _ => Ok(()),
    }
}

fn read_state(element: &Element, xml: &mut Source<'_>, oval: &mut Oval) -> Result<(), XmlError> {
    let mut state = State::default();
    while let Some(child) = xml.child()? {
        let operation = Operation::of(child.attribute("operation"));
        let text = xml.text()?;
        match child.name.as_str() {
            "evr" => state.evr = Some((operation, oval.words.number(&text)?)),
            "arch" => state.arch = Some(oval.words.number(&text)?),
            "version" => state.version = Some(oval.words.number(&text)?),
            _ => {}
        }
    }
    match element.attribute("id") {
        Some(id) => Ok(oval.add_state(id, state)?),
        None => Ok(()),
    }
}
