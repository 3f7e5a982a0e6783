//! CSAF 2.0: documents of the VEX profile, and security advisories, which state the same of products.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::vex::{Justification, Product, Statement, Target, VexStatus};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::draft::{Draft, Scalar, words};
use super::{Header, VexError, excerpt, malformed, without_place};

#[derive(Deserialize)]
struct Root<'a> {
    document: Option<Description>,
    product_tree: Option<Tree>,
    #[serde(borrow)]
    vulnerabilities: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
struct Description {
    publisher: Option<Publisher>,
    tracking: Option<Tracking>,
}

#[derive(Deserialize)]
struct Publisher {
    name: Option<String>,
}

#[derive(Deserialize)]
struct Tracking {
    id: Option<String>,
    version: Option<Scalar>,
    status: Option<String>,
    current_release_date: Option<String>,
}

#[derive(Deserialize, Default)]
struct Tree {
    branches: Option<Vec<Branch>>,
    full_product_names: Option<Vec<FullName>>,
    relationships: Option<Vec<Relationship>>,
    product_groups: Option<Vec<Group>>,
}

#[derive(Deserialize)]
struct Branch {
    branches: Option<Vec<Branch>>,
    product: Option<FullName>,
}

#[derive(Deserialize)]
struct FullName {
    product_id: Option<String>,
    product_identification_helper: Option<Helper>,
}

#[derive(Deserialize)]
struct Helper {
    purl: Option<String>,
    /// Since CSAF 2.1.
    purls: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Relationship {
    category: Option<String>,
    product_reference: Option<String>,
    relates_to_product_reference: Option<String>,
    full_product_name: Option<FullName>,
}

#[derive(Deserialize)]
struct Group {
    group_id: Option<String>,
    product_ids: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Vulnerability {
    cve: Option<String>,
    ids: Option<Vec<Id>>,
    product_status: Option<BTreeMap<String, Vec<String>>>,
    flags: Option<Vec<Remark>>,
    threats: Option<Vec<Remark>>,
    remediations: Option<Vec<Remark>>,
}

#[derive(Deserialize)]
struct Id {
    text: Option<String>,
}

/// A flag, a threat or a remediation: something said of some products, or of all.
#[derive(Deserialize)]
struct Remark {
    label: Option<String>,
    category: Option<String>,
    details: Option<String>,
    product_ids: Option<Vec<String>>,
    group_ids: Option<Vec<String>>,
}

pub(super) fn read(text: &str, draft: &mut Draft<'_>) -> Result<Header, VexError> {
    let root: Root<'_> = serde_json::from_str(text).map_err(|error| malformed(&error))?;
    let (publisher, tracking) = root.document.map_or((None, None), |about| (about.publisher, about.tracking));
    let released = tracking.as_ref().and_then(|tracking| tracking.current_release_date.as_deref());
    let timestamp = draft.time("document.tracking.current_release_date", released);
    draft.inherit(timestamp);
    let status = tracking.as_ref().and_then(|tracking| tracking.status.as_deref());
    let unfinished = status.is_some_and(|status| status.eq_ignore_ascii_case("draft"));
    let (id, version) = tracking.map(|it| (words(it.id), it.version)).unwrap_or_default();
    let author = publisher.and_then(|publisher| words(publisher.name));
    let mut header = Header { id, version: version.and_then(Scalar::into_text), author, timestamp };
    if unfinished {
        draft.problem("document.tracking.status", "the document is a draft: none of its statements counts");
        // It must not stand for the version that it may become: that would withdraw the one before.
        header.version = header.version.map(|version| format!("{version} (draft)"));
        return Ok(header);
    }
    let tree = root.product_tree.unwrap_or_default();
    let products = Products::of(&tree);
    for (index, raw) in root.vulnerabilities.unwrap_or_default().into_iter().enumerate() {
        let place = format!("vulnerabilities[{index}]");
        match serde_json::from_str::<Vulnerability>(raw.get()) {
            Ok(vulnerability) => statements(vulnerability, &place, &products, draft)?,
            Err(error) => draft.problem(place, without_place(&error)),
        }
    }
    Ok(header)
}

/// Which purls the ids of products stand for.
struct Products<'d> {
    purls: HashMap<&'d str, Vec<&'d str>>,
    /// What ids of relationships stand for: component and product, when the one is inside of the other.
    parts: HashMap<&'d str, Option<(&'d str, &'d str)>>,
    groups: HashMap<&'d str, &'d [String]>,
}

impl<'d> Products<'d> {
    fn of(tree: &'d Tree) -> Self {
        let mut named: Vec<&FullName> = tree.full_product_names.iter().flatten().collect();
        let mut todo: Vec<&Branch> = tree.branches.iter().flatten().collect();
        while let Some(branch) = todo.pop() {
            todo.extend(branch.branches.iter().flatten());
            named.extend(&branch.product);
        }
        let mut parts = HashMap::new();
        for relation in tree.relationships.iter().flatten() {
            named.extend(&relation.full_product_name);
            // A component that may be there, or that comes from elsewhere, is another statement.
            let inside = matches!(
                relation.category.as_deref(),
                Some("default_component_of" | "installed_on" | "installed_with")
            );
            let whole = relation.full_product_name.as_ref().and_then(|name| name.product_id.as_deref());
            let ends = relation.product_reference.as_deref().zip(relation.relates_to_product_reference.as_deref());
            parts.extend(whole.map(|whole| (whole, ends.filter(|_| inside))));
        }
        let mut purls: HashMap<&str, Vec<&str>> = HashMap::new();
        for name in named {
            let (Some(id), Some(helper)) = (&name.product_id, &name.product_identification_helper) else { continue };
            let said = helper.purl.iter().chain(helper.purls.iter().flatten()).map(String::as_str);
            purls.entry(id).or_default().extend(said);
        }
        let groups = tree.product_groups.iter().flatten();
        let groups = groups.filter_map(|group| Some((group.group_id.as_deref()?, group.product_ids.as_deref()?)));
        Self { purls, parts, groups: groups.collect() }
    }

    /// What an id in a status stands for, or why it cannot be matched.
    fn targets(&self, id: &str, place: &str, draft: &mut Draft<'_>) -> Vec<Target> {
        let Some(ends) = self.parts.get(id) else {
            let own = self.named(id, place, draft);
            if own.is_empty() {
                draft.problem(place, "the product has no purl, and only purls are matched");
            }
            return own.into_iter().map(|product| Target { product, subcomponent: None }).collect();
        };
        // A purl of the pair itself is mostly that of the component: alone it would speak of it in every product.
        let Some((part, product)) = ends else {
            draft.problem(place, "the product is a relationship in which the component is not simply in the product");
            return Vec::new();
        };
        let (parts, products) = (self.named(part, place, draft), self.named(product, place, draft));
        if parts.is_empty() || products.is_empty() {
            draft.problem(place, "the component or the product that it is in has no purl, and only purls are matched");
        }
        let inside =
            |product: &Product, part: &Product| Target { product: product.clone(), subcomponent: Some(part.clone()) };
        products.iter().flat_map(|product| parts.iter().map(move |part| inside(product, part))).collect()
    }

    fn named(&self, id: &str, place: &str, draft: &mut Draft<'_>) -> Vec<Product> {
        let purls = self.purls.get(id).map(Vec::as_slice).unwrap_or_default();
        purls.iter().filter_map(|purl| draft.product(place, purl)).collect()
    }
}

impl Remark {
    fn is_of(&self, id: &str, products: &Products<'_>) -> bool {
        if self.product_ids.is_none() && self.group_ids.is_none() {
            return true;
        }
        let listed = self.product_ids.iter().flatten().any(|product| product == id);
        let grouped =
            |group: &String| products.groups.get(group.as_str()).is_some_and(|ids| ids.iter().any(|it| it == id));
        listed || self.group_ids.iter().flatten().any(grouped)
    }
}

/// Products of which the same is said.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Said {
    status: VexStatus,
    justification: Option<Justification>,
    impact: Option<String>,
    action: Option<String>,
}

fn statements(
    said: Vulnerability,
    place: &str,
    products: &Products<'_>,
    draft: &mut Draft<'_>,
) -> Result<(), VexError> {
    let ids = said.ids.iter().flatten().filter_map(|id| words(id.text.clone()));
    let mut names = words(said.cve.clone()).into_iter().chain(ids);
    let Some(vulnerability) = names.next() else {
        draft.problem(place, "it names no vulnerability");
        return Ok(());
    };
    let aliases: BTreeSet<String> = names.collect();
    let mut groups: BTreeMap<Said, Vec<Target>> = BTreeMap::new();
    for (name, ids) in said.product_status.iter().flatten() {
        let Some(status) = status(name) else {
            if name != "recommended" {
                draft.problem(place, format!("the status {:?} is none of CSAF", excerpt(name)));
            }
            continue;
        };
        for id in ids {
            let place = format!("{place}.product_status.{}[{}]", excerpt(name), excerpt(id));
            match remarks(&said, status, id, products) {
                Ok(group) => groups.entry(group).or_default().extend(products.targets(id, &place, draft)),
                Err(reason) => draft.problem(place, reason),
            }
        }
    }
    for (group, targets) in groups {
        let Said { status, justification, impact, action } = group;
        let (vulnerability, aliases) = (vulnerability.clone(), aliases.clone());
        let (timestamp, place) = (draft.stated(place, [None, None]), place.to_owned());
        draft.push(Statement {
            vulnerability,
            aliases,
            targets,
            status,
            justification,
            impact,
            action,
            timestamp,
            place,
        })?;
    }
    Ok(())
}

fn status(name: &str) -> Option<VexStatus> {
    match name {
        "fixed" | "first_fixed" => Some(VexStatus::Fixed),
        "known_not_affected" => Some(VexStatus::NotAffected),
        "known_affected" | "first_affected" | "last_affected" => Some(VexStatus::Affected),
        "under_investigation" => Some(VexStatus::UnderInvestigation),
        _ => None,
    }
}

fn remarks(said: &Vulnerability, status: VexStatus, id: &str, products: &Products<'_>) -> Result<Said, &'static str> {
    let flags = said.flags.iter().flatten().filter(|flag| flag.is_of(id, products));
    let justification = flags
        .filter_map(|flag| flag.label.as_deref())
        .find_map(|label| Justification::ALL.into_iter().find(|justification| justification.as_str() == label));
    let threats = said.threats.iter().flatten().filter(|threat| threat.category.as_deref() == Some("impact"));
    let mut threats = threats.filter(|threat| threat.is_of(id, products));
    let impact = threats.find_map(|threat| words(threat.details.clone()));
    let mut remediations = said.remediations.iter().flatten().filter(|it| it.is_of(id, products));
    let action = remediations.find_map(|remediation| words(remediation.details.clone()));
    match status {
        VexStatus::NotAffected if justification.is_none() && impact.is_none() => {
            Err("it says known_not_affected without a flag or an impact, which the VEX profile of CSAF requires")
        }
        VexStatus::NotAffected | VexStatus::Fixed => Ok(Said { status, justification, impact, action: None }),
        VexStatus::Affected | VexStatus::UnderInvestigation => {
            Ok(Said { status, justification: None, impact: None, action })
        }
    }
}
