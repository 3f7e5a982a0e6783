//! OpenVEX 0.2.0, and the older form in which vulnerabilities and products are plain texts.

use std::borrow::Cow;
use std::collections::BTreeSet;

use domain::vex::{Justification, Product, Statement, Target, VexStatus};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::draft::{Draft, Scalar, words};
use super::{Header, VexError, excerpt, malformed, without_place};

#[derive(Deserialize)]
struct Root<'a> {
    #[serde(rename = "@id")]
    id: Option<String>,
    author: Option<String>,
    timestamp: Option<String>,
    last_updated: Option<String>,
    version: Option<Scalar>,
    #[serde(borrow)]
    statements: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
struct Said<'a> {
    #[serde(borrow)]
    vulnerability: Option<&'a RawValue>,
    #[serde(borrow)]
    products: Option<Vec<&'a RawValue>>,
    /// Of the older form: of all products.
    #[serde(borrow)]
    subcomponents: Option<Vec<&'a RawValue>>,
    status: Option<String>,
    justification: Option<String>,
    impact_statement: Option<String>,
    action_statement: Option<String>,
    timestamp: Option<String>,
    last_updated: Option<String>,
}

#[derive(Deserialize)]
struct Vulnerability {
    #[serde(rename = "@id")]
    id: Option<String>,
    name: Option<String>,
    aliases: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Component<'a> {
    #[serde(rename = "@id")]
    id: Option<String>,
    identifiers: Option<Identifiers>,
    #[serde(borrow)]
    subcomponents: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
struct Identifiers {
    purl: Option<String>,
}

pub(super) fn read(text: &str, draft: &mut Draft<'_>) -> Result<Header, VexError> {
    let root: Root<'_> = serde_json::from_str(text).map_err(|error| malformed(&error))?;
    let made = draft.time("timestamp", root.timestamp.as_deref());
    let updated = draft.time("last_updated", root.last_updated.as_deref());
    // As go-vex has it: that the document was touched since says nothing of each of its statements.
    draft.inherit(made);
    for (index, raw) in root.statements.unwrap_or_default().into_iter().enumerate() {
        let place = format!("statements[{index}]");
        match serde_json::from_str::<Said<'_>>(raw.get()) {
            Ok(said) => statement(said, place, draft)?,
            Err(error) => draft.problem(place, without_place(&error)),
        }
    }
    Ok(Header {
        id: words(root.id),
        version: root.version.and_then(Scalar::into_text),
        author: words(root.author),
        timestamp: updated.or(made),
    })
}

fn statement(said: Said<'_>, place: String, draft: &mut Draft<'_>) -> Result<(), VexError> {
    let judged = vulnerability(said.vulnerability).and_then(|names| Ok((names, status(&said)?)));
    let ((vulnerability, aliases), (status, justification, impact)) = match judged {
        Ok(judged) => judged,
        Err(reason) => {
            draft.problem(place, reason);
            return Ok(());
        }
    };
    let targets = targets(&said, &place, draft);
    let timestamp = draft.stated(&place, [said.last_updated.as_deref(), said.timestamp.as_deref()]);
    draft.push(Statement {
        vulnerability,
        aliases,
        targets,
        status,
        justification,
        impact,
        action: words(said.action_statement),
        timestamp,
        place,
    })
}

/// The name and the other names. Trivy's own documents have the name under `@id`.
fn vulnerability(raw: Option<&RawValue>) -> Result<(String, BTreeSet<String>), String> {
    let raw = raw.ok_or("it names no vulnerability")?.get();
    if raw.starts_with('"') {
        let name: String = serde_json::from_str(raw).map_err(|error| without_place(&error))?;
        let name = words(Some(name)).ok_or("it names no vulnerability")?;
        return Ok((name, BTreeSet::new()));
    }
    let Vulnerability { id, name, aliases } = serde_json::from_str(raw).map_err(|error| without_place(&error))?;
    let mut aliases: BTreeSet<String> = aliases.into_iter().flatten().filter_map(|alias| words(Some(alias))).collect();
    // An IRI ends in the name, and may be a CVE id itself.
    let id = words(id);
    let name = words(name).or_else(|| id.clone()).ok_or("it names no vulnerability")?;
    aliases.extend(id.filter(|id| *id != name && !id.contains('/')));
    Ok((name, aliases))
}

type Status = (VexStatus, Option<Justification>, Option<String>);

fn status(said: &Said<'_>) -> Result<Status, String> {
    let text = said.status.as_deref().unwrap_or_default();
    let status = VexStatus::ALL.into_iter().find(|status| status.as_str() == text);
    let status = status.ok_or_else(|| format!("the status {:?} is none of OpenVEX", excerpt(text)))?;
    let justification = match said.justification.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
        None => None,
        Some(text) => Some(
            Justification::ALL
                .into_iter()
                .find(|justification| justification.as_str() == text)
                .ok_or_else(|| format!("the justification {:?} is none of OpenVEX", excerpt(text)))?,
        ),
    };
    let impact = words(said.impact_statement.clone());
    if status == VexStatus::NotAffected && justification.is_none() && impact.is_none() {
        return Err(
            "it says not_affected without a justification or an impact statement, which OpenVEX requires".into()
        );
    }
    Ok((status, justification, impact))
}

fn targets(said: &Said<'_>, place: &str, draft: &mut Draft<'_>) -> Vec<Target> {
    let products = said.products.as_deref().unwrap_or_default();
    if products.is_empty() {
        draft.problem(place, "it names no product");
    }
    let mut targets = Vec::new();
    for (index, raw) in products.iter().enumerate() {
        let place = format!("{place}.products[{index}]");
        let Some((names, inner)) = component(raw, &place, draft) else { continue };
        let inner = inner.or_else(|| said.subcomponents.clone()).unwrap_or_default();
        let mut parts = Vec::new();
        for (index, raw) in inner.iter().enumerate() {
            let place = format!("{place}.subcomponents[{index}]");
            parts.extend(component(raw, &place, draft).map(|(names, _)| names).into_iter().flatten());
        }
        for product in names {
            if inner.is_empty() {
                targets.push(Target { product, subcomponent: None });
                continue;
            }
            // Subcomponents that cannot be matched must not leave a statement about the whole product.
            targets
                .extend(parts.iter().map(|part| Target { product: product.clone(), subcomponent: Some(part.clone()) }));
        }
    }
    targets
}

type Named<'a> = (Vec<Product>, Option<Vec<&'a RawValue>>);

/// A product or subcomponent: its names that can be matched, and what is inside.
fn component<'a>(raw: &'a RawValue, place: &str, draft: &mut Draft<'_>) -> Option<Named<'a>> {
    let raw = raw.get();
    if raw.starts_with('"') {
        let name: Cow<'_, str> = legible(raw, place, draft)?;
        return draft.product(place, &name).map(|product| (vec![product], None));
    }
    let component: Component<'_> = legible(raw, place, draft)?;
    let purl = component.identifiers.and_then(|identifiers| identifiers.purl);
    // An identifier is as good a name as the `@id`, which is often an IRI of the author's own.
    let mut products: Vec<Product> = purl.iter().filter_map(|purl| draft.product(place, purl)).collect();
    match component.id {
        Some(id) if purl.is_none() || id.trim_start().starts_with("pkg:") => {
            let product = draft.product(place, &id).filter(|product| !products.contains(product));
            products.extend(product);
        }
        Some(_) => {}
        None if purl.is_none() => draft.problem(place, "it has neither an @id nor a purl, and only these are matched"),
        None => {}
    }
    Some((products, component.subcomponents))
}

fn legible<'a, T: Deserialize<'a>>(raw: &'a str, place: &str, draft: &mut Draft<'_>) -> Option<T> {
    serde_json::from_str(raw).map_err(|error| draft.problem(place, without_place(&error))).ok()
}
