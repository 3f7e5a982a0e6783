//! Reading JSON that may have another shape than it should.
//!
//! Derived `Deserialize` implementations fail a whole document at the first surprise, and a
//! `serde_json::Value` copies it. These readers take what they expect, step over everything else and
//! say what they found instead; they never collect, so memory does not follow the document.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::text::Text;

/// A reader for values of a shape that cannot be relied on.
pub(super) trait Lenient<'de>: Sized {
    type Value;

    fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(self.other("an object"))
    }

    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(self.other("a list"))
    }

    fn text(self, _text: Cow<'de, str>) -> Self::Value {
        self.other("a string")
    }

    fn null(self) -> Self::Value {
        self.other("null")
    }

    fn number(self, _number: u64) -> Self::Value {
        self.other("a number")
    }

    /// Something else came; `found` names it with its article.
    fn other(self, found: &'static str) -> Self::Value;
}

/// Makes a [`Lenient`] reader one that serde can call.
pub(super) struct As<T>(pub(super) T);

impl<'de, T: Lenient<'de>> DeserializeSeed<'de> for As<T> {
    type Value = T::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Lenient<'de>> Visitor<'de> for As<T> {
    type Value = T::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        self.0.object(map)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        self.0.list(list)
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(self.0.text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(self.0.text(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(self.0.null())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(self.0.other("true or false"))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(self.0.other("a number"))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(self.0.number(number))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(self.0.other("a number"))
    }
}

/// A string.
pub(super) struct TextSeed;

impl<'de> Lenient<'de> for TextSeed {
    type Value = Text<'de>;

    fn text(self, text: Cow<'de, str>) -> Text<'de> {
        Text::Given(text)
    }

    fn null(self) -> Text<'de> {
        Text::Missing
    }

    fn other(self, found: &'static str) -> Text<'de> {
        Text::Wrong(found)
    }
}

/// The position of a key in a list of keys, without copying it.
struct KeyOf<const N: usize>([&'static str; N]);

impl<'de, const N: usize> DeserializeSeed<'de> for KeyOf<N> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl<const N: usize> Visitor<'_> for KeyOf<N> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|known| *known == key))
    }
}

/// The named string fields of an object; of a field that comes twice, the last.
pub(super) struct Fields<const N: usize>(pub(super) [&'static str; N]);

impl<'de, const N: usize> Lenient<'de> for Fields<N> {
    type Value = Found<'de, N>;

    fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut texts = [const { Text::Missing }; N];
        while let Some(position) = map.next_key_seed(KeyOf(self.0))? {
            match position.and_then(|position| texts.get_mut(position)) {
                Some(text) => *text = map.next_value_seed(As(TextSeed))?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Ok(texts))
    }

    fn other(self, found: &'static str) -> Self::Value {
        Err(found)
    }
}

/// The named fields of an object, or what was there instead of one.
pub(super) type Found<'de, const N: usize> = Result<[Text<'de>; N], &'static str>;

/// Hands the named fields of every object in a list to a function.
/// The value says what was there instead of a list.
pub(super) struct EachFields<const N: usize, F>([&'static str; N], F);

pub(super) fn each_fields<'de, const N: usize, F: FnMut(Found<'de, N>)>(
    keys: [&'static str; N],
    each: F,
) -> EachFields<N, F> {
    EachFields(keys, each)
}

impl<'de, const N: usize, F> Lenient<'de> for EachFields<N, F>
where
    F: FnMut(Found<'de, N>),
{
    type Value = Option<&'static str>;

    fn list<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<Self::Value, A::Error> {
        while let Some(fields) = list.next_element_seed(As(Fields(self.0)))? {
            (self.1)(fields);
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

/// Hands every string of a list to a function, or the one string that stands in its place.
pub(super) struct EachText<F>(pub(super) F);

impl<'de, F: FnMut(&str)> Lenient<'de> for EachText<F> {
    type Value = ();

    fn list<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        while let Some(text) = list.next_element_seed(As(TextSeed))? {
            text.as_str().into_iter().for_each(&mut self.0);
        }
        Ok(())
    }

    fn text(mut self, text: Cow<'de, str>) {
        (self.0)(&text);
    }

    fn other(self, _found: &'static str) {}
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeSeed;

    use super::{As, EachText, Fields, Lenient, TextSeed};
    use crate::text::Text;

    fn read<'de, T: Lenient<'de>>(reader: T, json: &'de str) -> T::Value {
        As(reader).deserialize(&mut serde_json::Deserializer::from_str(json)).expect("well formed")
    }

    #[test]
    fn a_text_says_what_it_was_instead() {
        assert_eq!(read(TextSeed, "\"a\\nb\""), Text::Given("a\nb".into()));
        assert_eq!(read(TextSeed, "null"), Text::Missing);
        for (json, found) in
            [("1", "a number"), ("-1.5", "a number"), ("[1,[2]]", "a list"), ("{\"a\":{}}", "an object")]
        {
            assert_eq!(read(TextSeed, json), Text::Wrong(found), "{json}");
        }
    }

    #[test]
    fn fields_are_found_in_any_order_among_others() {
        let json = r#"{"x":{"name":1},"value":"b","name":"a"}"#;
        assert_eq!(read(Fields(["name", "value"]), json), Ok(["a".into(), "b".into()]));
        assert_eq!(read(Fields(["name"]), "3"), Err("a number"));
    }

    #[test]
    fn strings_of_a_list_are_handed_out_and_others_stepped_over() {
        let mut seen = Vec::new();
        read(EachText(|text: &str| seen.push(text.to_owned())), r#"["a",1,"b",{"c":"d"}]"#);
        assert_eq!(seen, ["a", "b"]);
    }
}
