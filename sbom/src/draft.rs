//! An inventory while it is being read: counts against the limits, collects warnings, and
//! remembers what only the end of a document can decide.

use std::collections::HashMap;
use std::fmt;

use domain::component::{Component, Inventory};

use crate::SbomError;
use crate::distribution::Hints;
use crate::limits::Limits;
use crate::text::Text;
use crate::version::Specification;

/// Where in a document something stands; formatted only when there is something to say of it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place<'p> {
    Item { parent: Option<&'p Place<'p>>, list: &'static str, index: usize },
    Named(&'static str),
    Line(usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Item { parent: Some(parent), list, index } => write!(f, "{parent}.{list}[{index}]"),
            Self::Item { parent: None, list, index } => write!(f, "{list}[{index}]"),
            Self::Named(name) => f.write_str(name),
            Self::Line(line) => write!(f, "line {line}"),
        }
    }
}

/// Files of one package have one owner, or a few that share them.
const OWNERS_MAX: usize = 8;

/// The only way to build an [`Inventory`].
pub(crate) struct Draft<'l> {
    pub(crate) limits: &'l Limits,
    pub(crate) inventory: Inventory,
    /// The first thing that must refuse the document; set where only a library error can be returned.
    pub(crate) failure: Option<SbomError>,
    pub(crate) hints: Hints,
    /// Keys of owners and of what they own.
    owned: Vec<(String, String)>,
    unlisted: usize,
}

impl<'l> Draft<'l> {
    pub(crate) fn new(limits: &'l Limits) -> Self {
        Self {
            limits,
            inventory: Inventory::default(),
            failure: None,
            hints: Hints::default(),
            owned: Vec::new(),
            unlisted: 0,
        }
    }

    pub(crate) fn warn(&mut self, warning: impl FnOnce() -> String) {
        if self.inventory.warnings.len() < self.limits.warnings_max {
            self.inventory.warnings.push(warning());
        } else {
            self.unlisted += 1;
        }
    }

    /// A text that is kept; of a wrong type it is reported and left out.
    pub(crate) fn keep(
        &mut self,
        place: &Place<'_>,
        field: &str,
        text: &Text<'_>,
    ) -> Result<Option<String>, SbomError> {
        if let Text::Wrong(found) = text {
            self.warn(|| format!("{place}: {field} is {found}, not a string"));
        }
        let Some(text) = text.meaningful() else { return Ok(None) };
        self.limits.check_string(text.len())?;
        Ok(Some(text.to_owned()))
    }

    /// A place for a component, in document order, before its content (which may hold others) is read.
    pub(crate) fn reserve(&mut self) -> Result<usize, SbomError> {
        let index = self.inventory.components.len();
        if index >= self.limits.components_max {
            return Err(SbomError::limit("components_max", self.limits.components_max, "components"));
        }
        self.inventory.components.push(Component::default());
        Ok(index)
    }

    pub(crate) fn fill(&mut self, index: usize, component: Component) {
        if let Some(slot) = self.inventory.components.get_mut(index) {
            *slot = component;
        }
    }

    /// Puts an entry for something that is no component at all, so that it counts as unevaluated.
    pub(crate) fn fill_malformed(&mut self, index: usize, place: &Place<'_>, found: &str) {
        self.warn(|| format!("{place} is {found}, not an object: kept as a component that cannot be evaluated"));
        self.fill(index, Component { name: place.to_string(), ..Component::default() });
    }

    pub(crate) fn system(&mut self, name: Option<&str>, version: Option<&str>) {
        self.hints.state(name, version);
    }

    pub(crate) fn tool(&mut self, name: Option<&str>, version: Option<&str>) -> Result<(), SbomError> {
        let tool = match (name, version) {
            (Some(name), Some(version)) => format!("{name} {version}"),
            (Some(name), None) => name.to_owned(),
            (None, _) => return Ok(()),
        };
        self.limits.check_string(tool.len())?;
        if !self.inventory.tools.contains(&tool) && self.inventory.tools.len() < 100 {
            self.inventory.tools.push(tool);
        }
        Ok(())
    }

    /// The document says that one component came with another one.
    pub(crate) fn own(&mut self, owner: &str, owned: &str) {
        match self.owned.len() < self.limits.components_max {
            true => self.owned.push((owner.to_owned(), owned.to_owned())),
            // Without its owner a package is judged for itself.
            false => self.warn(|| format!("{owned}: more packages are owned than there may be components: ignored")),
        }
    }

    fn settle_owners(&mut self) {
        if self.owned.is_empty() {
            return;
        }
        let components = self.inventory.components.iter().enumerate();
        let places: HashMap<String, usize> =
            components.map(|(at, component)| (component.reference.clone(), at)).collect();
        for (owner, owned) in std::mem::take(&mut self.owned) {
            let Some(component) = places.get(&owned).and_then(|at| self.inventory.components.get_mut(*at)) else {
                continue;
            };
            if owner != owned && component.owners.len() < OWNERS_MAX && !component.owners.contains(&owner) {
                component.owners.push(owner);
            }
        }
    }

    pub(crate) fn specify(&mut self, specification: &Specification, stated: &Text<'_>) -> Result<(), SbomError> {
        let (version, warning) = specification.judge(stated)?;
        self.inventory.format = specification.name.to_owned();
        self.inventory.spec_version = version;
        if let Some(warning) = warning {
            self.warn(|| warning);
        }
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Inventory {
        self.settle_owners();
        let (distribution, warning) = self.hints.decide(&self.inventory.components);
        self.inventory.distribution = distribution;
        if let Some(warning) = warning {
            self.warn(|| warning);
        }
        if self.inventory.components.is_empty() {
            self.warn(|| "the document lists no components".to_owned());
        }
        if self.unlisted > 0 {
            let unlisted = self.unlisted;
            self.inventory.warnings.push(format!("{unlisted} more warnings are not listed (limit warnings_max)"));
        }
        self.inventory
    }
}

#[cfg(test)]
mod tests {
    use super::{Draft, Place};
    use crate::limits::Limits;

    #[test]
    fn a_place_reads_like_a_path() {
        let outer = Place::Item { parent: None, list: "components", index: 3 };
        let inner = Place::Item { parent: Some(&outer), list: "components", index: 0 };
        assert_eq!(inner.to_string(), "components[3].components[0]");
    }

    #[test]
    fn two_operating_systems_are_none_and_a_bare_name_adds_nothing() {
        let limits = Limits::default();
        let mut draft = Draft::new(&limits);
        draft.system(Some("debian"), Some("12"));
        draft.system(Some("debian"), None);
        let inventory = draft.finish();
        assert_eq!(inventory.distribution.expect("one").version.as_deref(), Some("12"));

        let mut draft = Draft::new(&limits);
        draft.system(Some("debian"), Some("12"));
        draft.system(Some("alpine"), Some("3.20"));
        let inventory = draft.finish();
        assert_eq!(inventory.distribution, None);
        assert!(inventory.warnings.iter().any(|warning| warning.contains("2 operating systems")));
    }

    #[test]
    fn warnings_past_the_limit_are_counted() {
        let limits = Limits { warnings_max: 1, ..Limits::default() };
        let mut draft = Draft::new(&limits);
        for number in 0..4 {
            draft.warn(|| number.to_string());
        }
        draft.inventory.components.push(domain::component::Component::default());
        assert_eq!(draft.finish().warnings, ["0", "3 more warnings are not listed (limit warnings_max)"]);
    }
}
