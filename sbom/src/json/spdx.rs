//! The parts of SPDX 2 in JSON.

use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess, SeqAccess};

use super::syft::OWNERSHIP;
use crate::draft::{Draft, Place};
use crate::spdx::{Package, Roots};
use crate::text::Text;

use super::cyclonedx::{stop, warn_shape};
use super::lenient::{As, EachFields, EachText, Found, Lenient, TextSeed, each_fields};

/// `creationInfo.creators`, of which the tools are kept.
pub(super) struct CreationInfo<'d, 'l> {
    pub(super) draft: &'d mut Draft<'l>,
}

impl<'de> Lenient<'de> for CreationInfo<'_, '_> {
    type Value = ();

    fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key_seed(As(TextSeed))? {
            if key.as_str() == Some("creators") {
                let mut outcome = Ok(());
                map.next_value_seed(As(EachText(|creator: &str| {
                    let tool = crate::spdx::tool(creator);
                    if outcome.is_ok() {
                        outcome = self.draft.tool(tool, None);
                    }
                })))?;
                outcome.map_err(|failure| stop(self.draft, failure))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn other(self, _found: &'static str) {}
}

/// `packages`. The value says what was there instead of a list.
pub(super) struct Packages<'d, 'l> {
    pub(super) draft: &'d mut Draft<'l>,
}

impl<'de> Lenient<'de> for Packages<'_, '_> {
    type Value = Option<&'static str>;

    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        for index in 0.. {
            let place = Place::Item { parent: None, list: "packages", index };
            if list.next_element_seed(As(PackageReader { draft: &mut *self.draft, place }))?.is_none() {
                break;
            }
        }
        Ok(None)
    }

    fn null(self) -> Self::Value {
        None
    }

    fn other(self, found: &'static str) -> Self::Value {
        Some(found)
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Field {
    #[serde(rename = "SPDXID")]
    Id,
    Name,
    VersionInfo,
    PrimaryPackagePurpose,
    SourceInfo,
    ExternalRefs,
    AttributionTexts,
    Annotations,
    Comment,
    #[serde(other)]
    Other,
}

struct PackageReader<'d, 'l, 'p> {
    draft: &'d mut Draft<'l>,
    place: Place<'p>,
}

impl<'de> Lenient<'de> for PackageReader<'_, '_, '_> {
    type Value = ();

    fn object<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let Self { draft, place } = self;
        let slot = draft.reserve().map_err(|failure| stop(draft, failure))?;
        let package = read(map, &place, draft)?;
        let component = package.settle(&place, draft).map_err(|failure| stop(draft, failure))?;
        draft.fill(slot, component);
        Ok(())
    }

    fn other(self, found: &'static str) {
        match self.draft.reserve() {
            Ok(slot) => self.draft.fill_malformed(slot, &self.place, found),
            Err(failure) => {
                self.draft.failure.get_or_insert(failure);
            }
        }
    }
}

fn read<'de, A: MapAccess<'de>>(
    mut map: A,
    place: &Place<'_>,
    draft: &mut Draft<'_>,
) -> Result<Package<'de>, A::Error> {
    let mut package = Package::default();
    while let Some(field) = map.next_key::<Field>()? {
        match field {
            Field::Id => package.id = map.next_value_seed(As(TextSeed))?,
            Field::Name => package.name = map.next_value_seed(As(TextSeed))?,
            Field::VersionInfo => package.version = map.next_value_seed(As(TextSeed))?,
            Field::PrimaryPackagePurpose => package.purpose = map.next_value_seed(As(TextSeed))?,
            Field::SourceInfo => package.source_info = map.next_value_seed(As(TextSeed))?,
            Field::Comment => package.comment = map.next_value_seed(As(TextSeed))?,
            Field::ExternalRefs => {
                let found = map.next_value_seed(As(external_refs(&mut package, place, draft)))?;
                warn_shape(draft, place, "externalRefs", found);
            }
            Field::AttributionTexts => {
                map.next_value_seed(As(EachText(|line: &str| package.facts.trivy_line(line))))?;
            }
            Field::Annotations => {
                map.next_value_seed(As(each_fields(["comment"], |annotation| {
                    if let Ok([Text::Given(line)]) = annotation {
                        package.facts.trivy_line(&line);
                    }
                })))?;
            }
            Field::Other => {
                map.next_value::<IgnoredAny>()?;
            }
        }
    }
    Ok(package)
}

fn external_refs<'de, 'x>(
    package: &'x mut Package<'de>,
    place: &'x Place<'x>,
    draft: &'x mut Draft<'_>,
) -> EachFields<2, impl FnMut(Found<'de, 2>)> {
    each_fields(["referenceType", "referenceLocator"], move |reference| match reference {
        Ok([kind, locator]) => package.external(kind.as_str().unwrap_or_default(), locator),
        Err(found) => draft.warn(|| format!("{place}: an entry of externalRefs is {found}, not an object")),
    })
}

/// `files`, which are only counted.
pub(super) struct Files<'c> {
    pub(super) count: &'c mut usize,
}

impl<'de> Lenient<'de> for Files<'_> {
    type Value = ();

    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {
            *self.count += 1;
        }
        Ok(())
    }

    fn other(self, _found: &'static str) {}
}

/// `relationships`, of which those are kept that say what the document describes, and who owns whom.
pub(super) fn relationships<'de>(roots: &mut Roots, draft: &mut Draft<'_>) -> EachFields<4, impl FnMut(Found<'de, 4>)> {
    each_fields(["spdxElementId", "relationshipType", "relatedSpdxElement", "comment"], |relationship| {
        let Ok([Text::Given(from), Text::Given(kind), Text::Given(to), comment]) = relationship else { return };
        // SPDX has no word for it, and Syft has one in the comment.
        if kind == "OTHER" && comment.as_str().is_some_and(|comment| comment.starts_with(OWNERSHIP)) {
            draft.own(&from, &to);
        }
        roots.relate(&from, &kind, &to);
    })
}
