//! What a package of SPDX means, in whichever version and syntax.
//!
//! SPDX calls everything a package: a library, an image, each of its layers, an operating system,
//! a lock file. Which of them can have advisories has to be told from purpose, purl and the names
//! that tools give; in doubt it is a package, because that at worst counts as unevaluated.

pub(crate) mod tagvalue;

use std::borrow::Cow;
use std::collections::BTreeSet;

use domain::component::{Component, ComponentKind};
use domain::purl::Purl;

use crate::SbomError;
use crate::distribution;
use crate::draft::{Draft, Place};
use crate::entry::{add_facts, is_image, name_or_warn, set_purl};
use crate::facts::Facts;
use crate::text::{Text, meaningful};

/// The fields of a package that count.
#[derive(Debug, Default)]
pub(crate) struct Package<'a> {
    pub(crate) id: Text<'a>,
    pub(crate) name: Text<'a>,
    pub(crate) version: Text<'a>,
    pub(crate) purpose: Text<'a>,
    pub(crate) source_info: Text<'a>,
    pub(crate) comment: Text<'a>,
    pub(crate) facts: Facts,
    purls: Vec<Cow<'a, str>>,
    wrong_purl: Option<&'static str>,
}

impl<'a> Package<'a> {
    /// An external reference. The category is not looked at: tools spell it in two ways, and some
    /// put purls under the wrong one.
    pub(crate) fn external(&mut self, kind: &str, locator: Text<'a>) {
        let kind = kind.rsplit('/').next().unwrap_or(kind);
        match (kind, locator) {
            ("purl", Text::Given(purl)) => self.purls.push(purl),
            ("purl", Text::Wrong(found)) => self.wrong_purl = Some(found),
            ("cpe22Type" | "cpe23Type", Text::Given(cpe)) => {
                self.facts.cpes.extend(meaningful(&cpe).map(str::to_owned));
            }
            _ => {}
        }
    }

    pub(crate) fn settle(mut self, place: &Place<'_>, draft: &mut Draft<'_>) -> Result<Component, SbomError> {
        let mut component = Component {
            reference: draft.keep(place, "SPDXID", &self.id)?.unwrap_or_default(),
            version: draft.keep(place, "versionInfo", &self.version)?,
            ..Component::default()
        };
        let purl = self.take_purl(place, draft);
        set_purl(&mut component, &purl, place, draft)?;
        component.name = draft.keep(place, "name", &self.name)?.unwrap_or_default();
        if let Some(info) = self.source_info.meaningful() {
            self.facts.source_info(info);
        }
        if let Some(comment) = self.comment.meaningful() {
            tern_hints(comment, draft);
        }
        component.kind = kind(&self, &component);
        name_or_warn(&mut component, place, draft);
        if component.kind == ComponentKind::OperatingSystem {
            draft.system(Some(&component.name), component.version.as_deref());
        }
        add_facts(&mut component, self.facts, draft)?;
        Ok(component)
    }

    /// The purl to evaluate, which is the first. Others only matter when they name something else.
    fn take_purl(&mut self, place: &Place<'_>, draft: &mut Draft<'_>) -> Text<'a> {
        let mut purls = std::mem::take(&mut self.purls).into_iter().filter(|purl| !purl.trim().is_empty());
        let Some(first) = purls.next() else {
            return self.wrong_purl.map_or(Text::Missing, Text::Wrong);
        };
        let others = purls.filter(|other| *other != first && !same_package(&first, other)).count();
        if others > 0 {
            draft.warn(|| format!("{place} has {others} more purls, of other packages: only {first} is evaluated"));
        }
        Text::Given(first)
    }
}

/// Tern tells in the comment of a layer: `Found 'Alpine Linux v3.16' in /etc/os-release`.
fn tern_hints(comment: &str, draft: &mut Draft<'_>) {
    for found in comment.split("Found '").skip(1) {
        if let Some((name, rest)) = found.split_once("' in ")
            && rest.split_whitespace().next().is_some_and(|file| file.trim_end_matches('.').ends_with("os-release"))
        {
            draft.hints.tell(distribution::pretty(name));
        }
    }
}

/// Alike but for qualifiers, such as the repositories that an image is in.
fn same_package(a: &str, b: &str) -> bool {
    match (Purl::parse(a), Purl::parse(b)) {
        (Ok(a), Ok(b)) => {
            (a.package_type, a.namespace, a.name, a.version) == (b.package_type, b.namespace, b.name, b.version)
        }
        _ => false,
    }
}

fn kind(package: &Package<'_>, component: &Component) -> ComponentKind {
    let purpose = package.purpose.as_str().unwrap_or_default();
    let id = component.reference.as_str();
    let system =
        matches!(purpose, "OPERATING-SYSTEM" | "OPERATING_SYSTEM") || id.starts_with("SPDXRef-OperatingSystem-");
    // Without a name it is no system, and the name that it gets here must not be read as one; a package it may be.
    if system && package.name.meaningful().is_some() {
        return ComponentKind::OperatingSystem;
    }
    if purpose == "CONTAINER" || id.starts_with("SPDXRef-ContainerImage-") || is_image(component) {
        return ComponentKind::Container;
    }
    if component.purl.is_some() || component.invalid_purl.is_some() {
        return ComponentKind::Package;
    }
    match purpose {
        _ if system => ComponentKind::Other,
        "FILE" => ComponentKind::File,
        "DEVICE" | "FIRMWARE" | "DATA" => ComponentKind::Other,
        _ if is_trivy_target(component) || is_layer(component) => ComponentKind::Container,
        _ => ComponentKind::Package,
    }
}

/// Trivy's entry for a lock file or binary that the packages were found in.
fn is_trivy_target(component: &Component) -> bool {
    component.version.is_none() && component.reference.starts_with("SPDXRef-Application-")
}

/// An image layer, as `bom` and Tern list them: named by its digest and by nothing else.
fn is_layer(component: &Component) -> bool {
    let digest = component.name.strip_prefix("sha256:").unwrap_or(&component.name);
    component.version.is_none() && digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `Tool: syft-1.18.1` among the creators.
pub(crate) fn tool(creator: &str) -> Option<&str> {
    creator.trim().strip_prefix("Tool:").and_then(meaningful)
}

/// What a document describes, and what it lists beside packages.
#[derive(Debug, Default)]
pub(crate) struct Roots {
    described: BTreeSet<String>,
    pub(crate) files: usize,
}

impl Roots {
    pub(crate) fn describe(&mut self, id: &str) {
        if !self.described.contains(id) {
            self.described.insert(id.to_owned());
        }
    }

    pub(crate) fn relate(&mut self, from: &str, kind: &str, to: &str) {
        match kind {
            // `DESCRIBE` is what Trivy wrote until 2023.
            "DESCRIBES" | "DESCRIBE" => self.describe(to),
            "DESCRIBED_BY" => self.describe(from),
            _ => {}
        }
    }

    /// Finds the one package that the others are the content of.
    ///
    /// It is taken as an image or application, which is not matched, only when it has no purl to be
    /// matched by and when there are other packages; otherwise it would silently count as clean.
    pub(crate) fn settle(self, document_name: Option<String>, draft: &mut Draft<'_>) {
        let components = &mut draft.inventory.components;
        let alone = components.len() == 1;
        let mut described = components.iter_mut().filter(|component| self.described.contains(&component.reference));
        let root = described.next().filter(|_| described.next().is_none());
        let mut subject = document_name;
        if let Some(root) = root {
            subject = Some(root.name.clone());
            draft.inventory.identity.root_reference = Some(root.reference.clone());
            draft.inventory.identity.root.clone_from(&root.purl);
            let matchable = root.purl.is_some() || root.invalid_purl.is_some();
            if !alone && !matchable && matches!(root.kind, ComponentKind::Package | ComponentKind::File) {
                root.kind = ComponentKind::Container;
            }
        }
        draft.inventory.subject = subject;
        self.count_files(draft);
    }

    pub(crate) fn count_files(&self, draft: &mut Draft<'_>) {
        let files = self.files;
        if files > 0 {
            draft.warn(|| format!("{files} files are listed: files are no components and are not evaluated"));
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::component::{Component, ComponentKind};

    use super::{Package, Roots, kind};
    use crate::draft::{Draft, Place};
    use crate::limits::Limits;
    use crate::text::Text;

    fn settle(package: Package<'_>) -> (Component, Vec<String>) {
        let limits = Limits::default();
        let mut draft = Draft::new(&limits);
        let component = package.settle(&Place::Named("here"), &mut draft).expect("settles");
        (component, draft.inventory.warnings)
    }

    fn package(id: &'static str, name: &'static str) -> Package<'static> {
        Package { id: id.into(), name: name.into(), ..Package::default() }
    }

    #[test]
    fn a_purl_is_taken_from_any_category_and_spelling() {
        let mut with = package("SPDXRef-1", "thing");
        with.external("http://spdx.org/rdf/references/purl", Text::from("pkg:npm/thing@1"));
        assert_eq!(settle(with).0.purl.expect("parsed").name, "thing");
    }

    #[test]
    fn a_second_purl_of_another_package_is_reported() {
        let with = |second: &'static str| {
            let mut with = package("SPDXRef-1", "thing");
            with.external("purl", Text::from("pkg:npm/thing@1"));
            with.external("purl", Text::from(second));
            settle(with).1
        };
        assert!(with("pkg:npm/thing@1?repository_url=x").is_empty());
        assert!(with("pkg:npm/other@1")[0].contains("only pkg:npm/thing@1 is evaluated"));
    }

    #[test]
    fn images_layers_lock_files_and_systems_are_told_apart_from_packages() {
        let layer = "28c3ef0014837b8fb539a449c1da6bbf960c8551d8c25ca51dbdca25c8bb790b";
        for (id, name, expected) in [
            ("SPDXRef-Package-1", "openssl", ComponentKind::Package),
            ("SPDXRef-ContainerImage-1", "nginx", ComponentKind::Container),
            ("SPDXRef-OperatingSystem-1", "debian", ComponentKind::OperatingSystem),
            ("SPDXRef-Application-1", "gobinary", ComponentKind::Container),
            ("SPDXRef-28c3ef0014", layer, ComponentKind::Container),
        ] {
            assert_eq!(settle(package(id, name)).0.kind, expected, "{id}");
        }
        let empty = Component::default();
        let purpose = |purpose: &'static str| kind(&Package { purpose: purpose.into(), ..Package::default() }, &empty);
        assert_eq!(purpose("CONTAINER"), ComponentKind::Container);
        assert_eq!(purpose("LIBRARY"), ComponentKind::Package);
        assert_eq!(purpose("FIRMWARE"), ComponentKind::Other);
    }

    fn rooted(described: &[&str], packages: &[(&str, Option<&str>)]) -> domain::component::Inventory {
        let limits = Limits::default();
        let mut draft = Draft::new(&limits);
        for (id, purl) in packages {
            let mut package = Package { id: Text::from(*id), name: Text::from(*id), ..Package::default() };
            if let Some(purl) = purl {
                package.external("purl", Text::from(*purl));
            }
            let component = package.settle(&Place::Named("here"), &mut draft).expect("settles");
            draft.inventory.components.push(component);
        }
        let mut roots = Roots::default();
        described.iter().for_each(|id| roots.relate("SPDXRef-DOCUMENT", "DESCRIBES", id));
        roots.settle(Some("document".into()), &mut draft);
        draft.finish()
    }

    #[test]
    fn the_described_root_of_others_is_not_matched() {
        let inventory = rooted(&["root"], &[("root", None), ("a", None)]);
        assert_eq!(inventory.subject.as_deref(), Some("root"));
        assert_eq!(inventory.components[0].kind, ComponentKind::Container);
        assert_eq!(inventory.components[1].kind, ComponentKind::Package);
    }

    #[test]
    fn a_described_package_is_matched_when_it_has_a_purl_or_is_alone_or_one_of_several() {
        let alone = rooted(&["root"], &[("root", None)]);
        assert_eq!(alone.components[0].kind, ComponentKind::Package);
        let with_purl = rooted(&["root"], &[("root", Some("pkg:npm/a@1")), ("a", None)]);
        assert_eq!(with_purl.components[0].kind, ComponentKind::Package);
        let several = rooted(&["a", "b"], &[("a", None), ("b", None)]);
        assert_eq!(several.subject.as_deref(), Some("document"));
        assert!(several.components.iter().all(|component| component.kind == ComponentKind::Package));
    }
}
