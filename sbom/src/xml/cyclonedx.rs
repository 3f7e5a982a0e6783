//! CycloneDX in XML.

use domain::component::Inventory;

use crate::SbomError;
use crate::draft::{Draft, Place};
use crate::entry::{Entry, settle_subject};
use crate::facts::Facts;
use crate::limits::Limits;
use crate::text::{Text, meaningful};
use crate::version::CYCLONEDX;

use super::cursor::{Cursor, Element};

/// Reads on behind the start tag of `bom`.
pub(super) fn read(cursor: Cursor<'_>, limits: &Limits) -> Result<Inventory, SbomError> {
    let mut draft = Draft::new(limits);
    let version = cursor.version().to_owned();
    draft.specify(&CYCLONEDX, &Text::from(version.as_str()))?;
    let mut reader = Reader { cursor, draft };
    let mut subject = None;
    while let Some(element) = reader.cursor.child()? {
        match element.name() {
            "metadata" => subject = reader.metadata()?.or(subject),
            "components" => reader.components(None)?,
            _ => reader.cursor.skip()?,
        }
    }
    reader.cursor.end()?;
    if let Some(subject) = subject {
        settle_subject(subject, &mut reader.draft)?;
    }
    Ok(reader.draft.finish())
}

struct Reader<'x, 'l> {
    cursor: Cursor<'x>,
    draft: Draft<'l>,
}

impl Reader<'_, '_> {
    fn metadata(&mut self) -> Result<Option<Entry<'static>>, SbomError> {
        let mut subject = None;
        while let Some(element) = self.cursor.child()? {
            match element.name() {
                "tools" => self.tools()?,
                "component" => subject = Some(self.entry(&element, &Place::Named("metadata.component"))?),
                "properties" => {
                    let mut facts = Facts::default();
                    self.properties(&mut facts)?;
                    self.draft.system(facts.distribution_id.as_deref(), facts.release());
                }
                _ => self.cursor.skip()?,
            }
        }
        Ok(subject)
    }

    /// `tool` until 1.4, `components` and `services` since 1.5.
    fn tools(&mut self) -> Result<(), SbomError> {
        while let Some(element) = self.cursor.child()? {
            match element.name() {
                "tool" => self.tool()?,
                "components" | "services" => {
                    while let Some(element) = self.cursor.child()? {
                        if element.is("component") || element.is("service") {
                            self.tool()?
                        } else {
                            self.cursor.skip()?
                        }
                    }
                }
                _ => self.cursor.skip()?,
            }
        }
        Ok(())
    }

    fn tool(&mut self) -> Result<(), SbomError> {
        let (mut name, mut version) = (String::new(), String::new());
        while let Some(element) = self.cursor.child()? {
            match element.name() {
                "name" => name = self.cursor.text()?,
                "version" => version = self.cursor.text()?,
                _ => self.cursor.skip()?,
            }
        }
        self.draft.tool(meaningful(&name), meaningful(&version))
    }

    fn components(&mut self, parent: Option<&Place<'_>>) -> Result<(), SbomError> {
        let mut index = 0;
        while let Some(element) = self.cursor.child()? {
            if !element.is("component") {
                self.cursor.skip()?;
                continue;
            }
            let place = Place::Item { parent, list: "components", index };
            index += 1;
            let slot = self.draft.reserve()?;
            let entry = self.entry(&element, &place)?;
            let component = entry.settle(&place, &mut self.draft)?;
            self.draft.fill(slot, component);
        }
        Ok(())
    }

    fn entry(&mut self, element: &Element<'_>, place: &Place<'_>) -> Result<Entry<'static>, SbomError> {
        let mut entry = Entry {
            reference: given(self.cursor.attribute(element, "bom-ref")?),
            kind: given(self.cursor.attribute(element, "type")?),
            ..Entry::default()
        };
        while let Some(element) = self.cursor.child()? {
            match element.name() {
                "name" => entry.name = given(Some(self.cursor.text()?)),
                "version" => entry.version = given(Some(self.cursor.text()?)),
                "purl" => entry.purl = given(Some(self.cursor.text()?)),
                "cpe" => {
                    let cpe = given(Some(self.cursor.text()?));
                    entry.facts.cpe(&cpe, place, &mut self.draft);
                }
                "properties" => self.properties(&mut entry.facts)?,
                "evidence" => self.evidence(&mut entry.facts)?,
                "components" => self.components(Some(place))?,
                _ => self.cursor.skip()?,
            }
        }
        Ok(entry)
    }

    fn properties(&mut self, facts: &mut Facts) -> Result<(), SbomError> {
        while let Some(element) = self.cursor.child()? {
            if element.is("property") {
                let name = self.cursor.attribute(&element, "name")?.unwrap_or_default();
                let value = self.cursor.text()?;
                facts.property(&name, &value);
            } else {
                self.cursor.skip()?;
            }
        }
        Ok(())
    }

    /// `occurrences/occurrence/location`, since 1.5.
    fn evidence(&mut self, facts: &mut Facts) -> Result<(), SbomError> {
        while let Some(element) = self.cursor.child()? {
            if !element.is("occurrences") {
                self.cursor.skip()?;
                continue;
            }
            while let Some(element) = self.cursor.child()? {
                if element.is("occurrence") { self.occurrence(facts)? } else { self.cursor.skip()? }
            }
        }
        Ok(())
    }

    fn occurrence(&mut self, facts: &mut Facts) -> Result<(), SbomError> {
        while let Some(element) = self.cursor.child()? {
            if element.is("location") {
                let location = self.cursor.text()?;
                facts.locations.extend(meaningful(&location).map(str::to_owned));
            } else {
                self.cursor.skip()?;
            }
        }
        Ok(())
    }
}

fn given(text: Option<String>) -> Text<'static> {
    text.map_or(Text::Missing, |text| Text::Given(text.into()))
}
