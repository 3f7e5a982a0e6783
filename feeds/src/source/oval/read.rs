//! From the XML to its parts.

use std::io::Read;

use super::model::{Comment, Criteria, Definition, Operation, Oval, State, TooMuch};
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
    let attribute = |name| element.attribute(name).unwrap_or_default().to_owned();
    let (id, class) = (oval.text(attribute("id"))?, oval.text(attribute("class"))?);
    let mut definition = Definition { id, class, ..Definition::default() };
    while let Some(child) = xml.child()? {
        match child.name.as_str() {
            "metadata" => read_metadata(xml, oval, &mut definition)?,
            "criteria" if is_negated(&child) => {
                definition.negated += 1;
                xml.skip()?;
            }
            "criteria" => definition.criteria = Some(read_criteria(&child, xml, oval, &mut definition.negated)?),
            _ => xml.skip()?,
        }
    }
    Ok(oval.add_definition(definition)?)
}

fn read_metadata(xml: &mut Source<'_>, oval: &mut Oval, definition: &mut Definition) -> Result<(), XmlError> {
    while let Some(child) = xml.child()? {
        match child.name.as_str() {
            "title" => definition.title = oval.text(xml.text()?)?,
            "description" => definition.description = oval.text(xml.text()?)?,
            "severity" => definition.severity = Some(oval.text(xml.text()?)?),
            "patchable" => definition.patchable = Some(oval.text(xml.text()?)?),
            "advisory_id" => definition.advisory_id = Some(oval.text(xml.text()?)?),
            "advisory_date" => definition.date = Some(oval.text(xml.text()?)?),
            "reference" => {
                let value = |name| child.attribute(name).map(str::to_owned);
                if let (Some(source), Some(id)) = (value("source"), value("ref_id")) {
                    add_reference(oval, definition, (source, id, value("ref_url")))?;
                }
                xml.skip()?;
            }
            "advisory" => read_advisory(xml, oval, definition)?,
            _ => xml.skip()?,
        }
    }
    Ok(())
}

fn add_reference(
    oval: &mut Oval,
    definition: &mut Definition,
    reference: (String, String, Option<String>),
) -> Result<(), TooMuch> {
    oval.count_reference(&reference)?;
    definition.references.push(reference);
    Ok(())
}

fn read_advisory(xml: &mut Source<'_>, oval: &mut Oval, definition: &mut Definition) -> Result<(), XmlError> {
    while let Some(child) = xml.child()? {
        match child.name.as_str() {
            "severity" => definition.severity = Some(oval.text(xml.text()?)?),
            "cve" => {
                let id = xml.text()?;
                add_reference(oval, definition, ("CVE".to_owned(), id, None))?;
            }
            "issued" | "updated" => {
                // The later of the two comes last.
                if let Some(date) = child.attribute("date") {
                    definition.date = Some(oval.text(date.to_owned())?);
                }
                xml.skip()?;
            }
            _ => xml.skip()?,
        }
    }
    Ok(())
}

/// "Not installed", "not enabled": what that leaves is not worked out. It is counted.
fn is_negated(element: &Element) -> bool {
    matches!(element.attribute("negate"), Some("true" | "1"))
}

fn read_criteria(
    element: &Element,
    xml: &mut Source<'_>,
    oval: &mut Oval,
    negated: &mut u64,
) -> Result<Criteria, XmlError> {
    // "Exactly one of them" is taken for "one of them", which holds more often.
    let all = matches!(element.attribute("operator"), None | Some("AND"));
    let mut parts = Vec::new();
    while let Some(child) = xml.child()? {
        oval.count_criteria()?;
        if is_negated(&child) {
            *negated += 1;
            xml.skip()?;
            continue;
        }
        match child.name.as_str() {
            "criteria" => parts.push(read_criteria(&child, xml, oval, negated)?),
            "criterion" => {
                parts.extend(criterion(&child, oval)?);
                xml.skip()?;
            }
            _ => xml.skip()?,
        }
    }
    Ok(if all { Criteria::All(parts) } else { Criteria::Any(parts) })
}

fn criterion(element: &Element, oval: &mut Oval) -> Result<Option<Criteria>, TooMuch> {
    let comment = element.attribute("comment").unwrap_or_default();
    let module = comment.strip_prefix("Module ").and_then(|rest| rest.strip_suffix(" is enabled"));
    if let Some(module) = module {
        return oval.number(module).map(|module| Some(Criteria::Module(module)));
    }
    let Some(id) = element.attribute("test_ref") else { return Ok(None) };
    let says = says(comment, oval)?;
    Ok(Some(Criteria::Test(oval.number(id)?, says)))
}

fn says(comment: &str, oval: &mut Oval) -> Result<Comment, TooMuch> {
    // The name of a package is one word, and that of a system are several.
    let platform = comment.strip_suffix(" is installed").filter(|name| name.contains(' '));
    let is_of_package = |ending| comment.strip_suffix(ending).is_some_and(|name| !name.contains(' '));
    Ok(match platform {
        Some(platform) => Comment::Platform(oval.number(platform)?),
        None if is_of_package(" is not affected") => Comment::NotAffected,
        None if is_of_package(" is affected") => Comment::Affected,
        None => Comment::Nothing,
    })
}

fn read_test(element: &Element, xml: &mut Source<'_>, oval: &mut Oval) -> Result<(), XmlError> {
    let (mut object, mut states) = (None, Vec::new());
    while let Some(child) = xml.child()? {
        match child.name.as_str() {
            "object" => object = child.attribute("object_ref").map(str::to_owned),
            "state" => states.extend(child.attribute("state_ref").map(str::to_owned)),
            _ => {}
        }
        if states.len() > STATES_MAX {
            return Err(TooMuch.into());
        }
        xml.skip()?;
    }
    let any = !matches!(element.attribute("state_operator"), None | Some("AND"));
    match element.attribute("id") {
        Some(id) => Ok(oval.add_test(id, object.as_deref(), &states, any)?),
        None => Ok(()),
    }
}

/// Of one test; they have one.
const STATES_MAX: usize = 1000;

fn read_object(element: &Element, xml: &mut Source<'_>, oval: &mut Oval) -> Result<(), XmlError> {
    let mut name = None;
    while let Some(child) = xml.child()? {
        if child.name == "name" { name = Some(xml.text()?) } else { xml.skip()? }
    }
    match element.attribute("id") {
        Some(id) => Ok(oval.add_object(id, name.as_deref())?),
        None => Ok(()),
    }
}

fn read_state(element: &Element, xml: &mut Source<'_>, oval: &mut Oval) -> Result<(), XmlError> {
    let mut state = State::default();
    while let Some(child) = xml.child()? {
        let operation = Operation::of(child.attribute("operation"));
        let text = xml.text()?;
        match child.name.as_str() {
            "evr" => state.evr = Some((operation, oval.number(&text)?)),
            "arch" => state.arch = Some(oval.number(&text)?),
            "version" => state.version = Some(oval.number(&text)?),
            _ => {}
        }
    }
    match element.attribute("id") {
        Some(id) => Ok(oval.add_state(id, state)?),
        None => Ok(()),
    }
}
