//! One unique `bom-ref` per component.
//!
//! Documents lack references or use one twice; CycloneDX forbids both. The first holder of a
//! reference keeps it, everyone else gets one that follows from the position in the inventory.

use std::collections::{BTreeMap, BTreeSet};

use domain::component::Component;
use domain::finding::Finding;

pub(super) struct References {
    by_index: Vec<String>,
    first_holder: BTreeMap<String, usize>,
}

impl References {
    pub(super) fn assign(components: &[Component]) -> Self {
        let stated: BTreeSet<&str> = components.iter().map(|component| component.reference.as_str()).collect();
        let mut first_holder = BTreeMap::new();
        let mut by_index = Vec::with_capacity(components.len());
        for (index, component) in components.iter().enumerate() {
            let reference = &component.reference;
            let free = !reference.is_empty() && !first_holder.contains_key(reference);
            let reference = if free { reference.clone() } else { generated(index, &stated) };
            first_holder.insert(reference.clone(), index);
            by_index.push(reference);
        }
        Self { by_index, first_holder }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &str> {
        self.by_index.iter().map(String::as_str)
    }

    /// The component that a finding is about. Its index does not survive serialisation, so it
    /// only counts when the reference agrees.
    pub(super) fn of(&self, finding: &Finding, components: &[Component]) -> String {
        let by_index = components
            .get(finding.component)
            .filter(|component| component.reference == finding.reference)
            .and_then(|_| self.by_index.get(finding.component));
        by_index.unwrap_or(&finding.reference).clone()
    }

    /// A reference that no component has.
    pub(super) fn unused(&self, wanted: &str) -> String {
        let mut reference = wanted.to_owned();
        while self.first_holder.contains_key(&reference) {
            reference.push('\'');
        }
        reference
    }
}

fn generated(index: usize, stated: &BTreeSet<&str>) -> String {
    let mut reference = format!("stella:component:{index}");
    while stated.contains(reference.as_str()) {
        reference.push('\'');
    }
    reference
}

#[cfg(test)]
mod tests {
    use domain::component::Component;

    use super::References;

    #[test]
    fn missing_and_repeated_references_become_unique_and_others_stay() {
        let stated = ["a", "", "a", "stella:component:2", "stella:component:1"];
        let components = stated.map(|reference| Component { reference: reference.into(), ..Component::default() });
        let references = References::assign(&components);
        let assigned: Vec<&str> = references.all().collect();
        assert_eq!(
            assigned,
            ["a", "stella:component:1'", "stella:component:2'", "stella:component:2", "stella:component:1"]
        );
        assert_eq!(references.unused("a"), "a'");
    }
}
