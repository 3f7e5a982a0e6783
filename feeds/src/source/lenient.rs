//! Values as feeds write them rather than as their schemas say: a word where a list belongs, a
//! number where a text does, null anywhere.
//!
//! Each of these types reads anything without an error. What has no meaning reads as absent; where
//! absence could be taken for a statement, the type says that something was there
//! ([`Versions::complete`]).

use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A string, trimmed and not empty; anything that is no string reads as absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Text(pub(crate) Option<String>);

impl Text {
    pub(crate) fn as_deref(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

/// A list of strings; other elements are left out, a lone string is a list of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Texts(pub(crate) Vec<String>);

/// The enumerated versions. `complete` is false when something in their place was no string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Versions {
    pub(crate) list: Vec<String>,
    pub(crate) complete: bool,
}

impl Default for Versions {
    fn default() -> Self {
        Self { list: Vec::new(), complete: true }
    }
}

/// An object of the shape `T`; anything that is no object reads as an empty one.
#[derive(Default)]
pub(crate) struct Object<T>(pub(crate) T);

/// Anything, taken apart as far as this file cares.
pub(crate) enum Any<T> {
    Text(String),
    /// An integer or a boolean. Its digits are exact, unlike those of a fraction.
    Exact(String),
    List(Vec<T>),
    Other,
}

struct AnyVisitor<T>(std::marker::PhantomData<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Any<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyVisitor(std::marker::PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for AnyVisitor<T> {
    type Value = Any<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Any<T>, E> {
        Ok(Any::Text(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Any<T>, E> {
        Ok(Any::Text(text))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Any<T>, E> {
        Ok(Any::Exact(number.to_string()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Any<T>, E> {
        Ok(Any::Exact(number.to_string()))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Any<T>, E> {
        Ok(Any::Other)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Any<T>, E> {
        Ok(Any::Other)
    }

    fn visit_unit<E: Error>(self) -> Result<Any<T>, E> {
        Ok(Any::List(Vec::new()))
    }

    fn visit_none<E: Error>(self) -> Result<Any<T>, E> {
        Ok(Any::List(Vec::new()))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Any<T>, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Any<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = seq.next_element()? {
            list.push(element);
        }
        Ok(Any::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Any<T>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Any::Other)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Any::<IgnoredAny>::deserialize(deserializer)? {
            Any::Text(text) => match text.trim() {
                "" => Self(None),
                trimmed if trimmed.len() == text.len() => Self(Some(text)),
                trimmed => Self(Some(trimmed.to_owned())),
            },
            Any::Exact(number) => Self(Some(number)),
            Any::List(_) | Any::Other => Self(None),
        })
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Any::<Text>::deserialize(deserializer)? {
            Any::Text(text) | Any::Exact(text) => Self(vec![text]),
            Any::List(list) => Self(list.into_iter().filter_map(|text| text.0).collect()),
            Any::Other => Self::default(),
        })
    }
}

impl<'de> Deserialize<'de> for Versions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Any::<Text>::deserialize(deserializer)? {
            Any::List(list) => {
                let complete = list.iter().all(|text| text.0.is_some());
                Self { list: list.into_iter().filter_map(|text| text.0).collect(), complete }
            }
            Any::Text(_) | Any::Exact(_) | Any::Other => Self { list: Vec::new(), complete: false },
        })
    }
}

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ObjectVisitor(std::marker::PhantomData))
    }
}

struct ObjectVisitor<T>(std::marker::PhantomData<T>);

impl<'de, T: Deserialize<'de> + Default> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Object<T>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Object::default())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Object<T>, E> {
        Ok(Object::default())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Object<T>, E> {
        Ok(Object::default())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Object<T>, E> {
        Ok(Object::default())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Object<T>, E> {
        Ok(Object::default())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Object<T>, E> {
        Ok(Object::default())
    }

    fn visit_unit<E: Error>(self) -> Result<Object<T>, E> {
        Ok(Object::default())
    }

    fn visit_none<E: Error>(self) -> Result<Object<T>, E> {
        Ok(Object::default())
    }
}
