//! A CSAF 2.0 document as far as it is read here, leniently.

use serde::Deserialize;

use crate::source::lenient::{Object, Text, Texts};

#[derive(Deserialize)]
pub(super) struct Csaf {
    #[serde(default)]
    pub(super) document: Object<Header>,
    #[serde(default)]
    pub(super) product_tree: Object<ProductTree>,
    #[serde(default)]
    pub(super) vulnerabilities: Option<Vec<Vulnerability>>,
}

#[derive(Deserialize, Default)]
pub(super) struct Header {
    #[serde(default)]
    pub(super) title: Text,
    #[serde(default)]
    pub(super) publisher: Object<Publisher>,
    #[serde(default)]
    pub(super) tracking: Object<Tracking>,
    #[serde(default)]
    pub(super) aggregate_severity: Object<Severity>,
}

#[derive(Deserialize, Default)]
pub(super) struct Publisher {
    #[serde(default)]
    pub(super) name: Text,
    #[serde(default)]
    pub(super) namespace: Text,
}

#[derive(Deserialize, Default)]
pub(super) struct Tracking {
    #[serde(default)]
    pub(super) id: Text,
    #[serde(default)]
    pub(super) current_release_date: Text,
    #[serde(default)]
    pub(super) initial_release_date: Text,
}

#[derive(Deserialize, Default)]
pub(super) struct Severity {
    #[serde(default)]
    pub(super) text: Text,
}

#[derive(Deserialize, Default)]
pub(super) struct ProductTree {
    #[serde(default)]
    pub(super) branches: Option<Vec<Branch>>,
    #[serde(default)]
    pub(super) full_product_names: Option<Vec<Object<Product>>>,
    #[serde(default)]
    pub(super) relationships: Option<Vec<Relationship>>,
}

#[derive(Deserialize)]
pub(super) struct Branch {
    #[serde(default)]
    pub(super) branches: Option<Vec<Branch>>,
    #[serde(default)]
    pub(super) product: Option<Object<Product>>,
}

#[derive(Deserialize, Default)]
pub(super) struct Product {
    #[serde(default)]
    pub(super) name: Text,
    #[serde(default)]
    pub(super) product_id: Text,
    #[serde(default)]
    pub(super) product_identification_helper: Object<Helper>,
}

#[derive(Deserialize, Default)]
pub(super) struct Helper {
    #[serde(default)]
    pub(super) cpe: Text,
    #[serde(default)]
    pub(super) purl: Text,
}

#[derive(Deserialize)]
pub(super) struct Relationship {
    #[serde(default)]
    pub(super) full_product_name: Object<Product>,
    #[serde(default)]
    pub(super) product_reference: Text,
    #[serde(default)]
    pub(super) relates_to_product_reference: Text,
}

#[derive(Deserialize)]
pub(super) struct Vulnerability {
    #[serde(default)]
    pub(super) cve: Text,
    #[serde(default)]
    pub(super) cwe: Object<Cwe>,
    #[serde(default)]
    pub(super) title: Text,
    #[serde(default)]
    pub(super) notes: Option<Vec<Note>>,
    #[serde(default)]
    pub(super) product_status: Object<ProductStatus>,
    #[serde(default)]
    pub(super) references: Option<Vec<Link>>,
    #[serde(default)]
    pub(super) release_date: Text,
    #[serde(default)]
    pub(super) remediations: Option<Vec<Remediation>>,
    #[serde(default)]
    pub(super) scores: Option<Vec<Score>>,
    #[serde(default)]
    pub(super) threats: Option<Vec<Threat>>,
}

#[derive(Deserialize, Default)]
pub(super) struct Cwe {
    #[serde(default)]
    pub(super) id: Text,
}

#[derive(Deserialize)]
pub(super) struct Note {
    #[serde(default)]
    pub(super) category: Text,
    #[serde(default)]
    pub(super) title: Text,
    #[serde(default)]
    pub(super) text: Text,
}

#[derive(Deserialize, Default)]
pub(super) struct ProductStatus {
    #[serde(default)]
    pub(super) first_affected: Texts,
    #[serde(default)]
    pub(super) first_fixed: Texts,
    #[serde(default)]
    pub(super) fixed: Texts,
    #[serde(default)]
    pub(super) known_affected: Texts,
    #[serde(default)]
    pub(super) known_not_affected: Texts,
    #[serde(default)]
    pub(super) last_affected: Texts,
    #[serde(default)]
    pub(super) recommended: Texts,
    #[serde(default)]
    pub(super) under_investigation: Texts,
}

#[derive(Deserialize)]
pub(super) struct Link {
    #[serde(default)]
    pub(super) category: Text,
    #[serde(default)]
    pub(super) url: Text,
}

#[derive(Deserialize)]
pub(super) struct Remediation {
    #[serde(default)]
    pub(super) category: Text,
    #[serde(default)]
    pub(super) details: Text,
    #[serde(default)]
    pub(super) url: Text,
    #[serde(default)]
    pub(super) product_ids: Texts,
}

#[derive(Deserialize)]
pub(super) struct Score {
    #[serde(default)]
    pub(super) cvss_v2: Object<Cvss>,
    #[serde(default)]
    pub(super) cvss_v3: Object<Cvss>,
    #[serde(default)]
    pub(super) cvss_v4: Object<Cvss>,
}

#[derive(Deserialize, Default)]
pub(super) struct Cvss {
    #[serde(default, rename = "vectorString")]
    pub(super) vector: Text,
}

#[derive(Deserialize)]
pub(super) struct Threat {
    #[serde(default)]
    pub(super) category: Text,
    #[serde(default)]
    pub(super) details: Text,
    #[serde(default)]
    pub(super) product_ids: Texts,
}
