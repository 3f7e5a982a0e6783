//! The wire format of protocol buffers: numbered fields, each with a length or of a known size.
//!
//! Invariant: nothing is allocated, and no length is believed that the bytes do not have. Groups, which the
//! format gave up in 2008, are refused; so is a field of ours that has another wire type than its schema says,
//! where a general decoder would pass over it in silence.

use crate::SbomError;

/// The fields of one message, as they come.
#[derive(Clone, Copy)]
pub(super) struct Message<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Where the message begins in the document.
    base: usize,
}

pub(super) struct Field<'a> {
    pub(super) number: u64,
    value: Value<'a>,
    offset: usize,
}

enum Value<'a> {
    Number(u64),
    /// Four or eight bytes, of which this program needs none.
    Fixed,
    Bytes(Message<'a>),
}

impl<'a> Message<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, base: 0 }
    }

    pub(super) fn next(&mut self) -> Result<Option<Field<'a>>, SbomError> {
        if self.at == self.bytes.len() {
            return Ok(None);
        }
        let offset = self.offset();
        let tag = self.varint()?;
        let number = tag >> 3;
        if number == 0 || number >= 1 << 29 {
            return Err(malformed(offset, "a field has a number that no field can have"));
        }
        let value = match tag & 7 {
            0 => Value::Number(self.varint()?),
            1 => self.take(8).map(|_| Value::Fixed)?,
            2 => {
                let length = usize::try_from(self.varint()?).unwrap_or(usize::MAX);
                let base = self.offset();
                Value::Bytes(Self { bytes: self.take(length)?, at: 0, base })
            }
            5 => self.take(4).map(|_| Value::Fixed)?,
            wire_type => return Err(malformed(offset, format!("wire type {wire_type} is not read"))),
        };
        Ok(Some(Field { number, value, offset }))
    }

    const fn offset(&self) -> usize {
        self.base + self.at
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], SbomError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let Some(taken) = rest.get(..length) else {
            return Err(malformed(self.offset(), "the document ends inside a field, so it is cut off or damaged"));
        };
        self.at += length;
        Ok(taken)
    }

    /// Seven bits a byte, the lowest first, in at most ten bytes.
    fn varint(&mut self) -> Result<u64, SbomError> {
        let start = self.offset();
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?.first().copied().unwrap_or_default();
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(malformed(start, "a number is longer than 64 bits"))
    }
}

impl<'a> Field<'a> {
    pub(super) fn message(&self) -> Result<Message<'a>, SbomError> {
        match self.value {
            Value::Bytes(message) => Ok(message),
            Value::Number(_) | Value::Fixed => Err(self.mistyped("a message")),
        }
    }

    pub(super) fn text(&self) -> Result<&'a str, SbomError> {
        let Value::Bytes(message) = self.value else { return Err(self.mistyped("a text")) };
        std::str::from_utf8(message.bytes)
            .map_err(|error| malformed(message.base + error.valid_up_to(), "a text is not UTF-8"))
    }

    pub(super) fn number_value(&self) -> Result<u64, SbomError> {
        match self.value {
            Value::Number(value) => Ok(value),
            Value::Bytes(_) | Value::Fixed => Err(self.mistyped("a number")),
        }
    }

    fn mistyped(&self, expected: &str) -> SbomError {
        malformed(self.offset, format!("field {} is not {expected}", self.number))
    }
}

fn malformed(offset: usize, reason: impl Into<String>) -> SbomError {
    SbomError::MalformedBinary { offset, reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use super::Message;

    fn error(bytes: &[u8]) -> String {
        let mut message = Message::new(bytes);
        loop {
            match message.next() {
                Ok(Some(_)) => {}
                Ok(None) => panic!("well formed"),
                Err(error) => return error.to_string(),
            }
        }
    }

    #[test]
    fn the_example_of_the_format_s_own_description_is_read() {
        let mut message = Message::new(&[0x08, 0x96, 0x01, 0x12, 0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6e, 0x67]);
        let field = message.next().expect("well formed").expect("a field");
        assert_eq!((field.number, field.number_value().expect("a number")), (1, 150));
        let field = message.next().expect("well formed").expect("a field");
        assert_eq!((field.number, field.text().expect("a text")), (2, "testing"));
        assert!(message.next().expect("well formed").is_none());
    }

    #[test]
    fn numbers_end_at_64_bits() {
        let largest = [0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        let field = Message::new(&largest).next().expect("well formed").expect("a field");
        assert_eq!(field.number_value().expect("a number"), u64::MAX);
        let mut larger = largest;
        larger[10] = 0x02;
        assert!(error(&larger).contains("at byte 1: a number is longer than 64 bits"));
        assert!(error(&[0xff; 12]).contains("longer than 64 bits"));
    }

    #[test]
    fn what_is_not_there_or_not_allowed_is_refused_with_its_place() {
        for (bytes, expected) in [
            (&[0x0a, 0x05, b'a'][..], "at byte 2: the document ends inside a field"),
            (&[0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], "the document ends inside a field"),
            (&[0x08], "at byte 1: the document ends inside a field"),
            (&[0x0d, 1, 2], "the document ends inside a field"),
            (&[0x0a, 0x00, 0x0b], "at byte 2: wire type 3 is not read"),
            (&[0x02, 0x00], "at byte 0: a field has a number that no field can have"),
        ] {
            assert!(error(bytes).contains(expected), "{bytes:?}: {}", error(bytes));
        }
    }

    #[test]
    fn a_field_of_another_type_is_refused_when_it_is_asked_for() {
        let field = |bytes| Message::new(bytes).next().expect("well formed").expect("a field");
        assert!(field(&[0x10, 0x01]).text().expect_err("no text").to_string().contains("field 2 is not a text"));
        assert!(field(&[0x0a, 0x00]).number_value().is_err());
        assert!(field(&[0x0d, 0, 0, 0, 0]).message().is_err());
        let not_utf8 = field(&[0x0a, 0x02, b'a', 0xff]).text().expect_err("no text");
        assert!(not_utf8.to_string().contains("at byte 3"), "{not_utf8}");
    }
}
