//! JSON that can be read in one way only.
//!
//! Two readers of one token must not see two tokens. So a name occurs once in its object,
//! numbers are integers, nothing nests deeper than it needs to, and an object whose
//! members were taken must be empty: a member that this program does not know could be a
//! restriction, and to pass over it would be to grant what was not granted.

use std::fmt;

use domain::time::Timestamp;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::error::TokenError;

/// Reads an object. `part` says of what, for the message.
pub(super) fn object(part: &'static str, bytes: &[u8], depth_max: usize) -> Result<Map<String, Value>, TokenError> {
    let refuse = |reason: String| TokenError::Json { part, reason };
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Strict { depth_left: depth_max }.deserialize(&mut reader).map_err(|error| refuse(position(&error)))?;
    reader.end().map_err(|error| refuse(position(&error)))?;
    match value {
        Value::Object(object) => Ok(object),
        _ => Err(refuse("not an object".to_owned())),
    }
}

/// The reason without the names and values of the token, which the library would quote.
fn position(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Data => {
            "a name occurs twice, a number is no integer of 64 bits, or it nests too deeply"
        }
        _ => "bad syntax",
    };
    format!("{what} (column {})", error.column())
}

#[derive(Clone, Copy)]
struct Strict {
    depth_left: usize,
}

impl Strict {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        let depth_left = self.depth_left.checked_sub(1).ok_or_else(|| E::custom("too deep"))?;
        Ok(Self { depth_left })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

// There is no `visit_f64`: a fraction, an exponent, -0 and what exceeds 64 bits have no value here.
impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without floating-point numbers")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut found = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            found.push(item);
        }
        Ok(Value::Array(found))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut found = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(inner)?;
            if found.insert(name, value).is_some() {
                return Err(A::Error::custom("a name occurs twice"));
            }
        }
        Ok(Value::Object(found))
    }
}

/// An object whose members are taken one by one. [`Members::finish`] refuses what is left.
pub(super) struct Members(Map<String, Value>);

impl Members {
    pub(super) fn new(object: Map<String, Value>) -> Self {
        Self(object)
    }

    pub(super) fn text(&mut self, name: &str) -> Result<String, TokenError> {
        match self.0.remove(name) {
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(TokenError::claim(name, "is not a text")),
            None => Err(TokenError::claim(name, "is missing")),
        }
    }

    /// A short text of letters, digits and the characters given: one that needs no escape
    /// anywhere it is shown.
    pub(super) fn word(&mut self, name: &str, more: &[u8], length_max: usize) -> Result<String, TokenError> {
        let text = self.text(name)?;
        if is_word(&text, more, length_max) {
            return Ok(text);
        }
        Err(TokenError::claim(name, "is empty, too long or has a character that is not allowed"))
    }

    pub(super) fn integer(&mut self, name: &str) -> Result<i64, TokenError> {
        match self.0.remove(name) {
            Some(value) => value.as_i64().ok_or_else(|| TokenError::claim(name, "is not an integer in range")),
            None => Err(TokenError::claim(name, "is missing")),
        }
    }

    pub(super) fn time(&mut self, name: &str) -> Result<Timestamp, TokenError> {
        let seconds = self.integer(name)?;
        let at = Timestamp::from_unix(seconds);
        if seconds < 0 || at.unix() != seconds {
            return Err(TokenError::claim(name, "is not a time between 1970 and 9999"));
        }
        Ok(at)
    }

    pub(super) fn members(&mut self, name: &str) -> Result<Self, TokenError> {
        match self.0.remove(name) {
            Some(Value::Object(object)) => Ok(Self(object)),
            Some(_) => Err(TokenError::claim(name, "is not an object")),
            None => Err(TokenError::claim(name, "is missing")),
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(super) fn finish(self) -> Result<(), TokenError> {
        match self.0.keys().next() {
            Some(name) => Err(TokenError::claim(name, "is not known to this version")),
            None => Ok(()),
        }
    }
}

pub(super) fn is_word(text: &str, more: &[u8], length_max: usize) -> bool {
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || more.contains(&byte);
    !text.is_empty() && text.len() <= length_max && text.bytes().all(fine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_readers_could_read_in_two_ways_is_no_json_here() {
        let deep = format!("{}1{}", "{\"a\":".repeat(5), "}".repeat(5));
        let bottomless = "[".repeat(100_000);
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"a":{"b":1,"b":2}}"#,
            r#"{"a":[{"b":1,"b":2}]}"#,
            r#"{"a":1.0}"#,
            r#"{"a":1e2}"#,
            r#"{"a":-0}"#,
            r#"{"a":18446744073709551616}"#,
            r#"{"a":1} {}"#,
            r#"{"a":1,}"#,
            r#"{"a":"\ud800"}"#,
            "{\"a\":\"\u{1}\"}",
            "\u{feff}{}",
            "[]",
            "1",
            "",
            deep.as_str(),
            bottomless.as_str(),
        ] {
            let error = object("payload", text.as_bytes(), 4).expect_err(text);
            assert_eq!(error.code(), "E-JWT-JSON", "{text}");
        }
        assert!(object("payload", b"{\"a\":\"\xff\"}", 4).is_err());
        assert!(object("payload", br#" {"a":{"b":[{"c":-1}]}, "d":null, "e":true} "#, 4).is_ok());
    }

    #[test]
    fn a_refusal_does_not_quote_the_token() {
        let error = object("payload", br#"{"a":"secret","a":"secret"}"#, 4).expect_err("a double name");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
