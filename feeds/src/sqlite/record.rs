//! Rows as bytes: variable integers, and records of typed values.

use std::cmp::Ordering;

/// What stands in a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl Value {
    /// SQLite's order of values under the collation `BINARY`: null, numbers, text. Numbers are all integers here.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Integer(one), Self::Integer(other)) => one.cmp(other),
            (Self::Text(one), Self::Text(other)) => one.as_bytes().cmp(other.as_bytes()),
            _ => self.rank().cmp(&other.rank()),
        }
    }

    const fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Integer(_) | Self::Real(_) => 1,
            Self::Text(_) => 2,
        }
    }

    /// The serial type, and the bytes in big-endian order.
    fn put(&self, types: &mut Vec<u8>, body: &mut Vec<u8>) {
        match self {
            Self::Null => varint(0, types),
            Self::Integer(0) => varint(8, types),
            Self::Integer(1) => varint(9, types),
            Self::Integer(number) => {
                let (kind, length) = [(1, 1), (2, 2), (3, 3), (4, 4), (5, 6)]
                    .into_iter()
                    .find(|(_, length)| fits(*number, *length))
                    .unwrap_or((6, 8));
                varint(kind, types);
                body.extend(number.to_be_bytes().into_iter().skip(8 - length));
            }
            Self::Real(number) => {
                varint(7, types);
                body.extend(number.to_be_bytes());
            }
            Self::Text(text) => {
                varint(2 * text.len() as u64 + 13, types);
                body.extend(text.as_bytes());
            }
        }
    }
}

fn fits(number: i64, length: usize) -> bool {
    let bits = 8 * length - 1;
    (-(1_i64 << bits)..1_i64 << bits).contains(&number)
}

/// The record of a row: the length of its head, a type for each value, the values.
pub(super) fn record(values: &[Value]) -> Vec<u8> {
    let (mut types, mut body) = (Vec::new(), Vec::new());
    values.iter().for_each(|value| value.put(&mut types, &mut body));
    // The length counts itself.
    let mut head = Vec::new();
    varint(types.len() as u64 + 1, &mut head);
    if head.len() > 1 {
        head.clear();
        varint(types.len() as u64 + 2, &mut head);
    }
    [head, types, body].concat()
}

/// Seven bits a byte, the highest first; a ninth byte has eight.
pub(super) fn varint(number: u64, out: &mut Vec<u8>) {
    if number >> 56 != 0 {
        (1..=8).for_each(|at| out.push((number >> (64 - 7 * at) & 0x7f) as u8 | 0x80));
        out.push((number & 0xff) as u8);
        return;
    }
    let groups = (1..=8).find(|groups| number >> (7 * groups) == 0).unwrap_or(8);
    for group in (0..groups).rev() {
        let more = if group == 0 { 0 } else { 0x80 };
        out.push((number >> (7 * group) & 0x7f) as u8 | more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variable_integers_are_those_of_the_format() {
        let of = |number| {
            let mut bytes = Vec::new();
            varint(number, &mut bytes);
            bytes
        };
        assert_eq!(of(0), [0]);
        assert_eq!(of(127), [0x7f]);
        assert_eq!(of(128), [0x81, 0]);
        assert_eq!(of(16_384), [0x81, 0x80, 0]);
        assert_eq!(of(u64::MAX), [0xff; 9]);
        assert_eq!(of(1 << 56).len(), 9);
    }

    #[test]
    fn a_record_has_types_first_and_integers_in_as_few_bytes_as_they_need() {
        let values = [Value::Null, 1.into(), (-2).into(), 300.into(), "ab".into()];
        assert_eq!(record(&values), [6, 0, 9, 1, 2, 17, 0xfe, 1, 44, b'a', b'b']);
    }
}
