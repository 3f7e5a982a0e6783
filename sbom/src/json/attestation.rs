//! What a DSSE envelope, a Sigstore bundle and an in-toto statement have in JSON.

use serde::de::{IgnoredAny, MapAccess, SeqAccess};
use serde_json::value::RawValue;

use crate::error::excerpt;
use crate::text::Text;

use super::lenient::{As, Fields, Lenient, TextSeed};

/// Something that a statement about a document, with the document in it, is taken out of.
#[derive(Debug)]
pub(crate) enum Wrapped<'a> {
    Envelope {
        payload_type: Text<'a>,
        payload: Text<'a>,
        signatures: usize,
    },
    Statement {
        predicate_type: Text<'a>,
        subject: Option<String>,
        predicate: Option<&'a RawValue>,
    },
    /// A bundle with a signature of something that is not in it.
    Detached,
    /// Another document in a file of attestations.
    Stranger,
}

/// The fields of all of them, as they come.
#[derive(Default)]
pub(super) struct Attestation<'a> {
    payload_type: Text<'a>,
    payload: Text<'a>,
    signatures: usize,
    statement: bool,
    predicate_type: Text<'a>,
    subject: Option<String>,
    predicate: Option<&'a RawValue>,
    detached: bool,
    /// Cosign once put the document into a field of the predicate.
    pub(super) data: Option<&'a RawValue>,
}

impl<'a> Attestation<'a> {
    /// Reads the value of a field, if it is one of its own.
    pub(super) fn field<'de: 'a, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        match name {
            "dsseEnvelope" => map.next_value_seed(As(Envelope { into: self }))?,
            "payloadType" => self.payload_type = map.next_value_seed(As(TextSeed))?,
            "payload" => self.payload = map.next_value_seed(As(TextSeed))?,
            "signatures" => self.signatures = map.next_value_seed(As(Count))?,
            "messageSignature" | "base64Signature" => {
                map.next_value::<IgnoredAny>()?;
                self.detached = true;
            }
            "_type" => {
                map.next_value::<IgnoredAny>()?;
                self.statement = true;
            }
            "predicateType" => self.predicate_type = map.next_value_seed(As(TextSeed))?,
            "subject" => self.subject = map.next_value_seed(As(Subjects))?,
            "predicate" => self.predicate = Some(map.next_value()?),
            "Data" => self.data = Some(map.next_value()?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// None when the document is another one.
    pub(super) fn finish(self) -> Option<Wrapped<'a>> {
        if self.payload != Text::Missing {
            let Self { payload_type, payload, signatures, .. } = self;
            Some(Wrapped::Envelope { payload_type, payload, signatures })
        } else if self.statement || (self.predicate_type != Text::Missing && self.predicate.is_some()) {
            let Self { predicate_type, subject, predicate, .. } = self;
            Some(Wrapped::Statement { predicate_type, subject, predicate })
        } else {
            self.detached.then_some(Wrapped::Detached)
        }
    }
}

struct Envelope<'x, 'a> {
    into: &'x mut Attestation<'a>,
}

impl<'de: 'a, 'a> Lenient<'de> for Envelope<'_, 'a> {
    type Value = ();

    fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key_seed(As(TextSeed))? {
            let name = name.as_str().unwrap_or_default();
            let ours = matches!(name, "payloadType" | "payload" | "signatures");
            if !(ours && self.into.field(name, &mut map)?) {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn other(self, _found: &'static str) {}
}

/// The length of a list.
struct Count;

impl<'de> Lenient<'de> for Count {
    type Value = usize;

    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<usize, A::Error> {
        let mut count = 0;
        while list.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(count)
    }

    fn other(self, _found: &'static str) -> usize {
        0
    }
}

/// What a statement is about: the first of its subjects, for people.
struct Subjects;

impl<'de> Lenient<'de> for Subjects {
    type Value = Option<String>;

    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut first = None;
        while let Some(subject) = list.next_element_seed(As(Subject))? {
            first = first.or(subject);
        }
        Ok(first)
    }

    fn other(self, _found: &'static str) -> Self::Value {
        None
    }
}

struct Subject;

impl<'de> Lenient<'de> for Subject {
    type Value = Option<String>;

    fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut name, mut digest) = (Text::Missing, Text::Missing);
        while let Some(key) = map.next_key_seed(As(TextSeed))? {
            match key.as_str().unwrap_or_default() {
                "name" => name = map.next_value_seed(As(TextSeed))?,
                "digest" => {
                    let [sha256] = map.next_value_seed(As(Fields(["sha256"])))?.unwrap_or_default();
                    digest = sha256;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(match (name.meaningful(), digest.meaningful()) {
            (Some(name), Some(digest)) => Some(format!("{}@sha256:{}", excerpt(name), excerpt(digest))),
            (Some(name), None) => Some(excerpt(name)),
            (None, Some(digest)) => Some(format!("sha256:{}", excerpt(digest))),
            (None, None) => None,
        })
    }

    fn other(self, _found: &'static str) -> Self::Value {
        None
    }
}
