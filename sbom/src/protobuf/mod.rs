//! CycloneDX as protocol buffers, the messages of `bom-1.3.proto` to `bom-1.7.proto`.
//!
//! The numbers of the fields stand here and no code is generated: five messages and twenty fields count, and a
//! generator would bring a compiler of its own and hold every document in memory (docs/adr/0002-libraries.md).

mod wire;

use domain::component::Inventory;

use crate::SbomError;
use crate::draft::{Draft, Place};
use crate::entry::{Entry, settle_subject};
use crate::facts::Facts;
use crate::limits::Limits;
use crate::text::{Text, meaningful};
use crate::version::CYCLONEDX;

use wire::Message;

/// Components in components are read by calls in calls.
const DEPTH: usize = 256;

/// Is this a `Bom`? Only that has a version of CycloneDX in field 1. No text does: the length before the version is a
/// control character.
pub(crate) fn is_bom(bytes: &[u8]) -> bool {
    let mut message = Message::new(bytes);
    while let Ok(Some(field)) = message.next() {
        if field.number == bom::SPEC_VERSION {
            return field.text().is_ok_and(is_version);
        }
    }
    false
}

fn is_version(text: &str) -> bool {
    let number = |part: &str| !part.is_empty() && part.len() < 3 && part.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once('.').is_some_and(|(major, minor)| number(major) && number(minor))
}

/// Field numbers, the same in all versions.
mod bom {
    pub(super) const SPEC_VERSION: u64 = 1;
    pub(super) const METADATA: u64 = 4;
    pub(super) const COMPONENTS: u64 = 5;
}

mod metadata {
    pub(super) const TOOLS: u64 = 2;
    pub(super) const COMPONENT: u64 = 4;
    pub(super) const PROPERTIES: u64 = 8;
}

/// Until 1.4 one message per tool; since then one with all of them as components and services.
mod tool {
    pub(super) const NAME: u64 = 2;
    pub(super) const VERSION: u64 = 3;
    pub(super) const COMPONENTS: u64 = 6;
    pub(super) const SERVICES: u64 = 7;
}

mod service {
    pub(super) const NAME: u64 = 4;
    pub(super) const VERSION: u64 = 5;
}

mod component {
    pub(super) const TYPE: u64 = 1;
    pub(super) const BOM_REF: u64 = 3;
    pub(super) const NAME: u64 = 8;
    pub(super) const VERSION: u64 = 9;
    pub(super) const CPE: u64 = 15;
    pub(super) const PURL: u64 = 16;
    pub(super) const COMPONENTS: u64 = 21;
    pub(super) const PROPERTIES: u64 = 22;
    pub(super) const EVIDENCE: u64 = 23;
}

mod evidence {
    pub(super) const OCCURRENCES: u64 = 4;
    pub(super) const LOCATION: u64 = 2;
}

pub(crate) fn read(bytes: &[u8], limits: &Limits) -> Result<Inventory, SbomError> {
    let limits = Limits { depth_max: limits.depth_max.min(DEPTH), ..limits.clone() };
    let mut reader = Reader { draft: Draft::new(&limits) };
    let (mut version, mut subject) = (Text::Missing, None);
    let mut components = Components { parent: None, depth: 2, index: 0 };
    let mut message = Message::new(bytes);
    while let Some(field) = message.next()? {
        match field.number {
            bom::SPEC_VERSION => version = Text::from(field.text()?),
            bom::METADATA => subject = reader.metadata(field.message()?)?.or(subject),
            bom::COMPONENTS => reader.component(&mut components, field.message()?)?,
            _ => {}
        }
    }
    reader.draft.specify(&CYCLONEDX, &version)?;
    if let Some(subject) = subject {
        settle_subject(subject, &mut reader.draft)?;
    }
    Ok(reader.draft.finish())
}

struct Reader<'l> {
    draft: Draft<'l>,
}

/// Where the next of a list of components stands; the list itself is no message.
struct Components<'p> {
    parent: Option<&'p Place<'p>>,
    depth: usize,
    index: usize,
}

impl Reader<'_> {
    fn metadata<'a>(&mut self, mut message: Message<'a>) -> Result<Option<Entry<'a>>, SbomError> {
        let (mut subject, mut facts) = (None, Facts::default());
        while let Some(field) = message.next()? {
            match field.number {
                metadata::TOOLS => self.tools(field.message()?)?,
                metadata::COMPONENT => {
                    subject = Some(self.entry(field.message()?, &Place::Named("metadata.component"), 3)?);
                }
                metadata::PROPERTIES => property(field.message()?, &mut facts)?,
                _ => {}
            }
        }
        self.draft.system(facts.distribution_id.as_deref(), facts.release());
        Ok(subject)
    }

    fn tools(&mut self, message: Message<'_>) -> Result<(), SbomError> {
        self.tool(message, tool::NAME, tool::VERSION)?;
        let mut lists = message;
        while let Some(field) = lists.next()? {
            match field.number {
                tool::COMPONENTS => self.tool(field.message()?, component::NAME, component::VERSION)?,
                tool::SERVICES => self.tool(field.message()?, service::NAME, service::VERSION)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn tool(&mut self, mut message: Message<'_>, name_field: u64, version_field: u64) -> Result<(), SbomError> {
        let (mut name, mut version) = ("", "");
        while let Some(field) = message.next()? {
            if field.number == name_field {
                name = field.text()?;
            } else if field.number == version_field {
                version = field.text()?;
            }
        }
        self.draft.tool(meaningful(name), meaningful(version))
    }

    fn component(&mut self, list: &mut Components<'_>, message: Message<'_>) -> Result<(), SbomError> {
        let place = Place::Item { parent: list.parent, list: "components", index: list.index };
        list.index += 1;
        let slot = self.draft.reserve()?;
        let entry = self.entry(message, &place, list.depth)?;
        let component = entry.settle(&place, &mut self.draft)?;
        self.draft.fill(slot, component);
        Ok(())
    }

    fn entry<'a>(&mut self, mut message: Message<'a>, place: &Place<'_>, depth: usize) -> Result<Entry<'a>, SbomError> {
        self.draft.limits.check_depth(depth)?;
        let mut entry = Entry::default();
        let mut nested = Components { parent: Some(place), depth: depth + 1, index: 0 };
        while let Some(field) = message.next()? {
            match field.number {
                component::TYPE => entry.kind = kind(field.number_value()?),
                component::BOM_REF => entry.reference = Text::from(field.text()?),
                component::NAME => entry.name = Text::from(field.text()?),
                component::VERSION => entry.version = Text::from(field.text()?),
                component::CPE => entry.facts.cpe(&Text::from(field.text()?), place, &mut self.draft),
                component::PURL => entry.purl = Text::from(field.text()?),
                component::COMPONENTS => self.component(&mut nested, field.message()?)?,
                component::PROPERTIES => property(field.message()?, &mut entry.facts)?,
                component::EVIDENCE => occurrences(field.message()?, &mut entry.facts)?,
                _ => {}
            }
        }
        Ok(entry)
    }
}

/// `Property`: name and value.
fn property(mut message: Message<'_>, facts: &mut Facts) -> Result<(), SbomError> {
    let (mut name, mut value) = ("", "");
    while let Some(field) = message.next()? {
        match field.number {
            1 => name = field.text()?,
            2 => value = field.text()?,
            _ => {}
        }
    }
    facts.property(name, value);
    Ok(())
}

fn occurrences(mut message: Message<'_>, facts: &mut Facts) -> Result<(), SbomError> {
    while let Some(field) = message.next()? {
        if field.number != evidence::OCCURRENCES {
            continue;
        }
        let mut occurrence = field.message()?;
        while let Some(field) = occurrence.next()? {
            if field.number == evidence::LOCATION {
                facts.locations.extend(meaningful(field.text()?).map(str::to_owned));
            }
        }
    }
    Ok(())
}

/// `Classification`, in the words of the other two syntaxes.
fn kind(number: u64) -> Text<'static> {
    Text::from(match number {
        1 => "application",
        2 => "framework",
        3 => "library",
        4 => "operating-system",
        5 => "device",
        6 => "file",
        7 => "container",
        8 => "firmware",
        9 => "device-driver",
        10 => "platform",
        11 => "machine-learning-model",
        12 => "data",
        13 => "cryptographic-asset",
        _ => return Text::Missing,
    })
}
