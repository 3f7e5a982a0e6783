//! Syft's own format: `artifacts`, with the facts in fields that its CycloneDX puts into properties.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess, SeqAccess};

use crate::draft::{Draft, Place};
use crate::entry::Entry;
use crate::facts::Facts;
use crate::text::Text;

use super::cyclonedx::{stop, warn_shape};
use super::lenient::{As, EachFields, Fields, Found, Lenient, TextSeed, each_fields};

/// `artifacts`. The value says what was there instead of a list.
pub(super) struct Artifacts<'d, 'l> {
    pub(super) draft: &'d mut Draft<'l>,
}

impl<'de> Lenient<'de> for Artifacts<'_, '_> {
    type Value = Option<&'static str>;

    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        for index in 0.. {
            let place = Place::Item { parent: None, list: "artifacts", index };
            if list.next_element_seed(As(ArtifactReader { draft: &mut *self.draft, place }))?.is_none() {
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

/// The files in which a package was found belong to another package.
pub(super) const OWNERSHIP: &str = "ownership-by-file-overlap";

/// `artifactRelationships`, of which those are kept that say who owns whom.
pub(super) fn relationships<'de>(draft: &mut Draft<'_>) -> EachFields<3, impl FnMut(Found<'de, 3>)> {
    each_fields(["parent", "child", "type"], |relationship| {
        if let Ok([Text::Given(owner), Text::Given(owned), kind]) = relationship
            && kind.as_str() == Some(OWNERSHIP)
        {
            draft.own(&owner, &owned);
        }
    })
}

struct ArtifactReader<'d, 'l, 'p> {
    draft: &'d mut Draft<'l>,
    place: Place<'p>,
}

impl<'de> Lenient<'de> for ArtifactReader<'_, '_, '_> {
    type Value = ();

    fn object<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let Self { draft, place } = self;
        let slot = draft.reserve().map_err(|failure| stop(draft, failure))?;
        let entry = read(map, &place, draft)?;
        let component = entry.settle(&place, draft).map_err(|failure| stop(draft, failure))?;
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

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Field {
    Id,
    Name,
    Version,
    Purl,
    Cpes,
    Locations,
    Metadata,
    #[serde(other)]
    Other,
}

fn read<'de, A: MapAccess<'de>>(mut map: A, place: &Place<'_>, draft: &mut Draft<'_>) -> Result<Entry<'de>, A::Error> {
    let mut entry = Entry { reference_field: "id", ..Entry::default() };
    while let Some(field) = map.next_key::<Field>()? {
        match field {
            Field::Id => entry.reference = map.next_value_seed(As(TextSeed))?,
            Field::Name => entry.name = map.next_value_seed(As(TextSeed))?,
            Field::Version => entry.version = map.next_value_seed(As(TextSeed))?,
            Field::Purl => entry.purl = map.next_value_seed(As(TextSeed))?,
            Field::Cpes => {
                let found = map.next_value_seed(As(Cpes { facts: &mut entry.facts }))?;
                warn_shape(draft, place, "cpes", found);
            }
            Field::Locations => {
                let found = map.next_value_seed(As(each_fields(["path"], |location| {
                    if let Ok([path]) = location {
                        entry.facts.locations.extend(path.meaningful().map(str::to_owned));
                    }
                })))?;
                warn_shape(draft, place, "locations", found);
            }
            Field::Metadata => {
                if let Ok(values) = map.next_value_seed(As(Fields(METADATA)))? {
                    for (key, value) in METADATA.iter().zip(&values) {
                        entry.facts.syft_metadata(key, value);
                    }
                }
            }
            Field::Other => {
                map.next_value::<IgnoredAny>()?;
            }
        }
    }
    Ok(entry)
}

/// Those of the package databases of dpkg, apk and rpm that name the source package or the module.
const METADATA: [&str; 5] = ["source", "sourceVersion", "originPackage", "sourceRpm", "modularityLabel"];

/// `cpes`: texts until schema 11, since then objects with the text as `cpe`.
struct Cpes<'f> {
    facts: &'f mut Facts,
}

impl<'de> Lenient<'de> for Cpes<'_> {
    type Value = Option<&'static str>;

    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while let Some(cpe) = list.next_element_seed(As(OneCpe))? {
            self.facts.cpes.extend(cpe.meaningful().map(str::to_owned));
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

struct OneCpe;

impl<'de> Lenient<'de> for OneCpe {
    type Value = Text<'de>;

    fn object<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let [cpe] = Fields(["cpe"]).object(map)?.unwrap_or_default();
        Ok(cpe)
    }

    fn text(self, text: Cow<'de, str>) -> Self::Value {
        Text::Given(text)
    }

    fn other(self, found: &'static str) -> Self::Value {
        Text::Wrong(found)
    }
}

/// `distro`, which is `os-release`. Until schema 1 the `ID` is called `name` and `VERSION_ID` `version`.
pub(super) const DISTRO: [&str; 5] = ["id", "name", "versionID", "versionCodename", "version"];

pub(super) fn note_distribution(draft: &mut Draft<'_>, [id, name, number, codename, version]: [Text<'_>; 5]) {
    let name = id.meaningful().or_else(|| name.meaningful());
    let version = number.meaningful().or_else(|| codename.meaningful()).or_else(|| version.meaningful());
    draft.system(name, version);
}

/// The name of what was scanned: `source.name`, or what the operator typed, or `source.target`.
pub(super) struct Source;

impl<'de> Lenient<'de> for Source {
    type Value = Text<'de>;

    fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut name, mut typed) = (Text::Missing, Text::Missing);
        while let Some(key) = map.next_key_seed(As(TextSeed))? {
            match key.as_str().unwrap_or_default() {
                "name" => name = map.next_value_seed(As(TextSeed))?,
                "metadata" | "target" => typed = map.next_value_seed(As(Typed))?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(if name.meaningful().is_some() { name } else { typed })
    }

    fn other(self, _found: &'static str) -> Self::Value {
        Text::Missing
    }
}

/// A path, or an object that has the text of the command line.
struct Typed;

impl<'de> Lenient<'de> for Typed {
    type Value = Text<'de>;

    fn object<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let [input, path] = Fields(["userInput", "path"]).object(map)?.unwrap_or_default();
        Ok(if input.meaningful().is_some() { input } else { path })
    }

    fn text(self, text: Cow<'de, str>) -> Self::Value {
        Text::Given(text)
    }

    fn other(self, _found: &'static str) -> Self::Value {
        Text::Missing
    }
}

/// `schema.version`.
pub(super) const SCHEMA: [&str; 1] = ["version"];
/// `descriptor`: the tool.
pub(super) const DESCRIPTOR: [&str; 2] = ["name", "version"];
