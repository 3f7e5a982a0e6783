//! A component as CycloneDX and Syft describe it, whatever the syntax, and what is made of it.

use domain::component::{Component, ComponentKind};
use domain::purl::Purl;

use crate::SbomError;
use crate::draft::{Draft, Place};
use crate::facts::Facts;
use crate::text::Text;

/// The fields that count. Nested components are not here: they are entries of their own.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) reference: Text<'a>,
    /// What the document calls the reference.
    pub(crate) reference_field: &'static str,
    pub(crate) kind: Text<'a>,
    pub(crate) name: Text<'a>,
    pub(crate) version: Text<'a>,
    pub(crate) purl: Text<'a>,
    pub(crate) facts: Facts,
}

impl Default for Entry<'_> {
    fn default() -> Self {
        Self {
            reference: Text::Missing,
            reference_field: "bom-ref",
            kind: Text::Missing,
            name: Text::Missing,
            version: Text::Missing,
            purl: Text::Missing,
            facts: Facts::default(),
        }
    }
}

impl Entry<'_> {
    /// Notes what the entry says of the whole document, and makes a component of it.
    pub(crate) fn settle(self, place: &Place<'_>, draft: &mut Draft<'_>) -> Result<Component, SbomError> {
        self.note_system(draft);
        let mut component = Component {
            reference: draft.keep(place, self.reference_field, &self.reference)?.unwrap_or_default(),
            version: draft.keep(place, "version", &self.version)?,
            ..Component::default()
        };
        set_purl(&mut component, &self.purl, place, draft)?;
        component.name = draft.keep(place, "name", &self.name)?.unwrap_or_default();
        component.kind = kind(&self, &component);
        name_or_warn(&mut component, place, draft);
        add_facts(&mut component, self.facts, draft)?;
        Ok(component)
    }

    /// An operating system, from the properties where they are, because names are for people.
    fn note_system(&self, draft: &mut Draft<'_>) {
        let facts = &self.facts;
        if let Some(id) = facts.distribution_id.as_deref() {
            let version = facts.release().or_else(|| self.version.meaningful());
            draft.system(Some(id), version);
        } else if self.kind.as_str() == Some("operating-system") {
            draft.system(self.name.meaningful(), self.version.meaningful());
        }
    }
}

/// The component that the document is about. Its content is what is listed, so it is no component
/// itself; only when nothing else is listed it is the thing to evaluate.
pub(crate) fn settle_subject(entry: Entry<'_>, draft: &mut Draft<'_>) -> Result<(), SbomError> {
    let named = entry.name.meaningful().is_some();
    let component = entry.settle(&Place::Named("metadata.component"), draft)?;
    if named {
        draft.inventory.subject = Some(component.name.clone());
    }
    let identity = &mut draft.inventory.identity;
    identity.root_reference = Some(component.reference.clone()).filter(|reference| !reference.is_empty());
    identity.root = component.purl.clone().or_else(|| image_purl(&component));
    if draft.inventory.components.is_empty() && component.kind == ComponentKind::Package && component.purl.is_some() {
        draft.warn(|| "the document lists no components: its own subject is taken as the only one".to_owned());
        let slot = draft.reserve()?;
        draft.fill(slot, component);
    }
    Ok(())
}

/// The purl of an image that Syft names by its name and digest only: `docker.io/library/alpine:3.17`, `sha256:…`.
fn image_purl(component: &Component) -> Option<Purl> {
    let digest = component.version.as_ref().filter(|version| version.starts_with("sha256:"))?;
    if component.kind != ComponentKind::Container {
        return None;
    }
    let (path, last) =
        component.name.rsplit_once('/').map_or((None, component.name.as_str()), |(path, last)| (Some(path), last));
    let name = last.split(['@', ':']).next().unwrap_or(last);
    let repository = path.map(|path| ("repository_url".to_owned(), format!("{path}/{name}")));
    let purl = Purl {
        package_type: "oci".to_owned(),
        namespace: None,
        name: name.to_owned(),
        version: Some(digest.clone()),
        qualifiers: repository.into_iter().collect(),
        subpath: None,
    };
    purl.canonical().ok()
}

/// Parses a purl; one that is none stays readable in the component.
pub(crate) fn set_purl(
    component: &mut Component,
    purl: &Text<'_>,
    place: &Place<'_>,
    draft: &mut Draft<'_>,
) -> Result<(), SbomError> {
    if let Text::Wrong(found) = purl {
        draft.warn(|| format!("{place}: purl is {found}, not a string"));
        component.invalid_purl = Some(format!("({found})"));
    }
    let Some(text) = purl.meaningful() else { return Ok(()) };
    draft.limits.check_string(text.len())?;
    match Purl::parse(text) {
        Ok(purl) => {
            complete_version(component, &purl);
            component.purl = Some(purl);
        }
        Err(_) => component.invalid_purl = Some(text.to_owned()),
    }
    Ok(())
}

/// The purl's version when the document has none. Trivy's SPDX gives the version of an RPM
/// without its release, which orders differently; its purl has both.
fn complete_version(component: &mut Component, purl: &Purl) {
    let Some(version) = &purl.version else { return };
    let complete = match &component.version {
        None => true,
        Some(stated) => {
            purl.package_type == "rpm"
                && version.strip_prefix(stated.as_str()).is_some_and(|release| release.starts_with('-'))
        }
    };
    if complete {
        component.version = Some(version.clone());
    }
}

/// Every component has a name in the end, the best that there is. That of an operating system means a
/// distribution, so without one it is none: its place in the document must not be taken for its name.
pub(crate) fn name_or_warn(component: &mut Component, place: &Place<'_>, draft: &mut Draft<'_>) {
    if !component.name.is_empty() {
        return;
    }
    if component.kind == ComponentKind::OperatingSystem {
        let has_purl = component.purl.is_some() || component.invalid_purl.is_some();
        component.kind = if has_purl { ComponentKind::Package } else { ComponentKind::Other };
    }
    component.name = match &component.purl {
        Some(purl) => purl.name.clone(),
        None if component.reference.is_empty() => place.to_string(),
        None => component.reference.clone(),
    };
    let name = &component.name;
    draft.warn(|| format!("{place} has no name: kept as {name:?}"));
}

pub(crate) fn add_facts(component: &mut Component, mut facts: Facts, draft: &Draft<'_>) -> Result<(), SbomError> {
    component.source_package = facts.source_package(component.purl.as_ref());
    component.module = facts.module.take();
    component.locations = facts.locations;
    component.cpes = facts.cpes;
    check_strings(component, draft)
}

fn check_strings(component: &Component, draft: &Draft<'_>) -> Result<(), SbomError> {
    let source = component.source_package.as_ref();
    let lists = component.cpes.iter().chain(&component.locations).map(String::len);
    let single = [
        component.module.as_ref().map_or(0, String::len),
        source.map_or(0, |source| source.name.len()),
        source.and_then(|source| source.version.as_ref()).map_or(0, String::len),
    ];
    let longest = lists.chain(single).max().unwrap_or_default();
    draft.limits.check_string(longest)
}

/// A purl makes a package of most things, because then somebody says which package it is.
fn kind(entry: &Entry<'_>, component: &Component) -> ComponentKind {
    let stated = entry.kind.as_str().unwrap_or_default();
    // Without a name it is no system, and the name that it gets here must not be read as one; a package it may be.
    if stated == "operating-system" && entry.name.meaningful().is_some() {
        return ComponentKind::OperatingSystem;
    }
    if stated == "container" || is_image(component) {
        return ComponentKind::Container;
    }
    if component.purl.is_some() || component.invalid_purl.is_some() {
        return ComponentKind::Package;
    }
    match stated {
        "file" => ComponentKind::File,
        "application" if entry.facts.trivy_target => ComponentKind::Container,
        "operating-system"
        | "device"
        | "device-driver"
        | "firmware"
        | "machine-learning-model"
        | "data"
        | "cryptographic-asset" => ComponentKind::Other,
        _ => ComponentKind::Package,
    }
}

/// A purl of an image or of a layer: its content is listed, itself is not matched.
pub(crate) fn is_image(component: &Component) -> bool {
    component.purl.as_ref().is_some_and(|purl| matches!(purl.package_type.as_str(), "oci" | "docker"))
}

#[cfg(test)]
mod tests {
    use domain::component::{Component, ComponentKind};

    use super::Entry;
    use crate::draft::{Draft, Place};
    use crate::limits::Limits;
    use crate::text::Text;

    fn settle(entry: Entry<'_>) -> (Component, Vec<String>) {
        let limits = Limits::default();
        let mut draft = Draft::new(&limits);
        let component = entry.settle(&Place::Named("here"), &mut draft).expect("settles");
        (component, draft.inventory.warnings)
    }

    fn entry(kind: &'static str) -> Entry<'static> {
        Entry { kind: kind.into(), name: "thing".into(), ..Entry::default() }
    }

    #[test]
    fn the_version_of_the_purl_is_used_when_there_is_no_other() {
        let purl = || Text::from("pkg:npm/thing@1.2.3");
        let (component, _) = settle(Entry { purl: purl(), ..entry("library") });
        assert_eq!(component.version.as_deref(), Some("1.2.3"));
        let (component, _) = settle(Entry { purl: purl(), version: "9".into(), ..entry("library") });
        assert_eq!(component.version.as_deref(), Some("9"));
    }

    #[test]
    fn an_rpm_gets_the_release_that_only_its_purl_has() {
        let purl = Text::from("pkg:rpm/centos/bash@4.2.46-31.el7?arch=x86_64");
        let (component, _) = settle(Entry { purl, version: "4.2.46".into(), ..entry("library") });
        assert_eq!(component.version.as_deref(), Some("4.2.46-31.el7"));
    }

    #[test]
    fn a_purl_that_is_none_is_kept_as_text() {
        let (component, warnings) = settle(Entry { purl: "no purl".into(), ..entry("library") });
        assert_eq!((component.purl, component.invalid_purl.as_deref()), (None, Some("no purl")));
        assert!(warnings.is_empty());
        let (component, warnings) = settle(Entry { purl: Text::Wrong("a number"), ..entry("library") });
        assert_eq!(component.invalid_purl.as_deref(), Some("(a number)"));
        assert_eq!(warnings, ["here: purl is a number, not a string"]);
    }

    #[test]
    fn things_without_versions_are_not_packages_unless_a_purl_says_so() {
        for (kind, expected) in [
            ("library", ComponentKind::Package),
            ("application", ComponentKind::Package),
            ("something new", ComponentKind::Package),
            ("file", ComponentKind::File),
            ("container", ComponentKind::Container),
            ("operating-system", ComponentKind::OperatingSystem),
            ("firmware", ComponentKind::Other),
        ] {
            assert_eq!(settle(entry(kind)).0.kind, expected, "{kind}");
        }
        let purl = || Text::from("pkg:npm/thing@1");
        assert_eq!(settle(Entry { purl: purl(), ..entry("file") }).0.kind, ComponentKind::Package);
        assert_eq!(settle(Entry { purl: purl(), ..entry("firmware") }).0.kind, ComponentKind::Package);
    }

    #[test]
    fn an_operating_system_without_a_name_is_none() {
        let (component, warnings) = settle(Entry { name: Text::Missing, ..entry("operating-system") });
        assert_eq!((component.name.as_str(), component.kind), ("here", ComponentKind::Other));
        assert_eq!(warnings.len(), 1);
    }

    #[test]
    fn a_component_without_a_name_is_kept_and_reported() {
        let (component, warnings) = settle(Entry { name: Text::Missing, ..entry("library") });
        assert_eq!((component.name.as_str(), component.kind), ("here", ComponentKind::Package));
        assert_eq!(warnings, ["here has no name: kept as \"here\""]);
    }
}
