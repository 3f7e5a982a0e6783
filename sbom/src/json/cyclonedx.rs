//! The parts of CycloneDX in JSON.

use serde::Deserialize;
use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess};

use crate::SbomError;
use crate::draft::{Draft, Place};
use crate::entry::Entry;
use crate::facts::Facts;
use crate::text::Text;

use super::lenient::{As, EachFields, Fields, Found, Lenient, TextSeed, each_fields};

/// Stores the reason where the caller of the JSON library finds it again.
pub(super) fn stop<E: Error>(draft: &mut Draft<'_>, failure: SbomError) -> E {
    draft.failure.get_or_insert(failure);
    E::custom("stopped")
}

/// `metadata`: the tools, and the component that the document is about.
pub(super) struct Metadata<'d, 'l> {
    pub(super) draft: &'d mut Draft<'l>,
}

impl<'de> Lenient<'de> for Metadata<'_, '_> {
    type Value = Option<Entry<'de>>;

    fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let draft = self.draft;
        let mut subject = None;
        while let Some(key) = map.next_key_seed(As(TextSeed))? {
            match key.as_str().unwrap_or_default() {
                "tools" => map.next_value_seed(As(Tools { draft: &mut *draft }))?,
                "component" => {
                    let place = Place::Named("metadata.component");
                    subject =
                        map.next_value_seed(As(EntryReader { draft: &mut *draft, place: &place, depth: 3 }))?.ok();
                }
                "properties" => {
                    let mut facts = Facts::default();
                    map.next_value_seed(As(properties(&mut facts)))?;
                    draft.system(facts.distribution_id.as_deref(), facts.release());
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(subject)
    }

    fn other(self, _found: &'static str) -> Self::Value {
        None
    }
}

/// `metadata.tools`: a list until 1.4, since 1.5 an object with `components` and `services`.
struct Tools<'d, 'l> {
    draft: &'d mut Draft<'l>,
}

const TOOL: [&str; 2] = ["name", "version"];

impl<'de> Lenient<'de> for Tools<'_, '_> {
    type Value = ();

    fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let draft = self.draft;
        let mut single = [Text::Missing, Text::Missing];
        while let Some(key) = map.next_key_seed(As(TextSeed))? {
            match key.as_str().unwrap_or_default() {
                "components" | "services" => Tools { draft: &mut *draft }.read_value(&mut map)?,
                // Not of the standard, but seen: one tool without a list around it.
                "name" => single[0] = map.next_value_seed(As(TextSeed))?,
                "version" => single[1] = map.next_value_seed(As(TextSeed))?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let [name, version] = single;
        draft.tool(name.meaningful(), version.meaningful()).map_err(|failure| stop(draft, failure))
    }

    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let draft = self.draft;
        while let Some(tool) = list.next_element_seed(As(Fields(TOOL)))? {
            if let Ok([name, version]) = tool {
                draft.tool(name.meaningful(), version.meaningful()).map_err(|failure| stop(draft, failure))?;
            }
        }
        Ok(())
    }

    fn other(self, _found: &'static str) {}
}

impl Tools<'_, '_> {
    fn read_value<'de, A: MapAccess<'de>>(self, map: &mut A) -> Result<(), A::Error> {
        map.next_value_seed(As(self))
    }
}

/// `components`, at the top or inside a component. The value says what was there instead of a list.
pub(super) struct Components<'d, 'l, 'p> {
    draft: &'d mut Draft<'l>,
    parent: Option<&'p Place<'p>>,
    depth: usize,
}

impl<'d, 'l> Components<'d, 'l, '_> {
    pub(super) fn top(draft: &'d mut Draft<'l>) -> Self {
        Self { draft, parent: None, depth: 2 }
    }
}

impl<'de> Lenient<'de> for Components<'_, '_, '_> {
    type Value = Option<&'static str>;

    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let Self { draft, parent, depth } = self;
        draft.limits.check_depth(depth).map_err(|failure| stop(draft, failure))?;
        for index in 0.. {
            let place = Place::Item { parent, list: "components", index };
            let reader = ComponentReader { draft: &mut *draft, place: &place, depth: depth + 1 };
            if list.next_element_seed(As(reader))?.is_none() {
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

/// One component of a list: takes its place in the inventory before its children take theirs.
struct ComponentReader<'d, 'l, 'p> {
    draft: &'d mut Draft<'l>,
    place: &'p Place<'p>,
    depth: usize,
}

impl<'de> Lenient<'de> for ComponentReader<'_, '_, '_> {
    type Value = ();

    fn object<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let Self { draft, place, depth } = self;
        let slot = draft.reserve().map_err(|failure| stop(draft, failure))?;
        let entry = EntryReader { draft: &mut *draft, place, depth }.read(map)?;
        let component = entry.settle(place, draft).map_err(|failure| stop(draft, failure))?;
        draft.fill(slot, component);
        Ok(())
    }

    fn other(self, found: &'static str) {
        match self.draft.reserve() {
            Ok(slot) => self.draft.fill_malformed(slot, self.place, found),
            Err(failure) => {
                self.draft.failure.get_or_insert(failure);
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "kebab-case")]
enum Field {
    BomRef,
    Type,
    Name,
    Version,
    Purl,
    Cpe,
    Properties,
    Evidence,
    Components,
    #[serde(other)]
    Other,
}

/// The fields of one component. Err says what was there instead of an object.
struct EntryReader<'d, 'l, 'p> {
    draft: &'d mut Draft<'l>,
    place: &'p Place<'p>,
    depth: usize,
}

impl<'de> Lenient<'de> for EntryReader<'_, '_, '_> {
    type Value = Result<Entry<'de>, &'static str>;

    fn object<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        self.read(map).map(Ok)
    }

    fn other(self, found: &'static str) -> Self::Value {
        Err(found)
    }
}

impl EntryReader<'_, '_, '_> {
    fn read<'de, A: MapAccess<'de>>(self, mut map: A) -> Result<Entry<'de>, A::Error> {
        let Self { draft, place, depth } = self;
        draft.limits.check_depth(depth).map_err(|failure| stop(draft, failure))?;
        let mut entry = Entry::default();
        while let Some(field) = map.next_key::<Field>()? {
            match field {
                Field::BomRef => entry.reference = map.next_value_seed(As(TextSeed))?,
                Field::Type => entry.kind = map.next_value_seed(As(TextSeed))?,
                Field::Name => entry.name = map.next_value_seed(As(TextSeed))?,
                Field::Version => entry.version = map.next_value_seed(As(TextSeed))?,
                Field::Purl => entry.purl = map.next_value_seed(As(TextSeed))?,
                Field::Cpe => {
                    let cpe = map.next_value_seed(As(TextSeed))?;
                    entry.facts.cpe(&cpe, place, draft);
                }
                Field::Properties => {
                    let found = map.next_value_seed(As(properties(&mut entry.facts)))?;
                    warn_shape(draft, place, "properties", found);
                }
                Field::Evidence => map.next_value_seed(As(Evidence { entry: &mut entry }))?,
                Field::Components => {
                    let nested = Components { draft: &mut *draft, parent: Some(place), depth: depth + 1 };
                    let found = map.next_value_seed(As(nested))?;
                    warn_shape(draft, place, "components", found);
                }
                Field::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(entry)
    }
}

pub(super) fn warn_shape(draft: &mut Draft<'_>, place: &Place<'_>, field: &str, found: Option<&'static str>) {
    if let Some(found) = found {
        draft.warn(|| format!("{place}: {field} is {found}, not a list, and was left out"));
    }
}

fn properties<'de>(facts: &mut Facts) -> EachFields<2, impl FnMut(Found<'de, 2>)> {
    each_fields(["name", "value"], |property| {
        if let Ok([Text::Given(name), Text::Given(value)]) = property {
            facts.property(&name, &value);
        }
    })
}

/// `evidence.occurrences[].location`, since CycloneDX 1.5.
struct Evidence<'e, 'de> {
    entry: &'e mut Entry<'de>,
}

impl<'de> Lenient<'de> for Evidence<'_, 'de> {
    type Value = ();

    fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key_seed(As(TextSeed))? {
            if key.as_str() == Some("occurrences") {
                map.next_value_seed(As(each_fields(["location"], |occurrence| {
                    if let Ok([location]) = occurrence {
                        self.entry.facts.locations.extend(location.meaningful().map(str::to_owned));
                    }
                })))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn other(self, _found: &'static str) {}
}
