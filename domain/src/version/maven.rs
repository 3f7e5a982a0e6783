//! Maven: `ComparableVersion` of Maven 3.8.7.
//!
//! Maven nests a list at every hyphen and at every change between digits and letters. Each
//! such list is the last item of the one around it, so the tree is a chain and is kept flat:
//! [`Item::List`] opens the next link and the end closes them all. That needs no recursion,
//! so no input can exhaust the stack.
//!
//! Maven pads with nothing and nothing is greater than a list of prereleases, but a word is less
//! than any list. Hence `1.sp.1 < 1-alpha < 1 < 1.sp.1`: on such texts the order is Maven's
//! and not transitive.

use std::cmp::Ordering;

use super::Order;
use super::digits::Number;

#[derive(Clone, Debug)]
pub(super) struct Maven(Vec<Item>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    Number(Number),
    Word(Word),
    List,
}

/// The known qualifiers in order, then all others by text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Word {
    Alpha,
    Beta,
    Milestone,
    Candidate,
    Snapshot,
    Release,
    ServicePack,
    Other(Box<str>),
}

impl Order for Maven {
    fn parse(text: &str) -> Option<Self> {
        text.bytes().any(|b| b.is_ascii_alphanumeric()).then(|| Self(flatten(lists(&text.to_ascii_lowercase()))))
    }

    fn compare(&self, other: &Self) -> Ordering {
        let (mut a, mut b) = (self.0.as_slice(), other.0.as_slice());
        loop {
            let order = match (a.first(), b.first()) {
                (None, None) => return Ordering::Equal,
                (Some(item), None) => with_nothing(item),
                (None, Some(item)) => with_nothing(item).reverse(),
                (Some(Item::Number(a)), Some(Item::Number(b))) => a.cmp(b),
                (Some(Item::Word(a)), Some(Item::Word(b))) => a.cmp(b),
                (Some(a), Some(b)) => kind(a).cmp(&kind(b)),
            };
            if order.is_ne() {
                return order;
            }
            a = a.get(1..).unwrap_or_default();
            b = b.get(1..).unwrap_or_default();
        }
    }
}

/// Words lie before lists, lists before numbers.
fn kind(item: &Item) -> u8 {
    match item {
        Item::Word(_) => 0,
        Item::List => 1,
        Item::Number(_) => 2,
    }
}

/// How an item compares with a missing one. A list is as its items are, and they follow it.
fn with_nothing(item: &Item) -> Ordering {
    match item {
        Item::Number(number) => number.cmp(&Number::ZERO),
        Item::Word(word) => word.cmp(&Word::Release),
        Item::List => Ordering::Equal,
    }
}

fn lists(text: &str) -> Vec<Vec<Item>> {
    let mut lists = Lists(vec![Vec::new()]);
    let mut in_digits = false;
    let mut start = 0;
    for (at, byte) in text.bytes().enumerate() {
        let part = &text[start..at];
        match byte {
            b'.' | b'-' => {
                lists.add(if part.is_empty() { Item::Number(Number::ZERO) } else { item(in_digits, part) });
                start = at + 1;
                if byte == b'-' {
                    lists.open();
                }
            }
            b'0'..=b'9' => {
                if !in_digits && !part.is_empty() {
                    lists.open_unless_empty();
                    lists.add(Item::Word(word(part, true)));
                    lists.open();
                    start = at;
                }
                in_digits = true;
            }
            _ => {
                if in_digits && !part.is_empty() {
                    lists.add(item(true, part));
                    lists.open();
                    start = at;
                }
                in_digits = false;
            }
        }
    }
    let part = &text[start..];
    if !part.is_empty() {
        if !in_digits {
            lists.open_unless_empty();
        }
        lists.add(item(in_digits, part));
    }
    lists.0
}

/// Never empty; items go to the innermost list, which is the last.
struct Lists(Vec<Vec<Item>>);

impl Lists {
    fn add(&mut self, item: Item) {
        if let Some(list) = self.0.last_mut() {
            list.push(item);
        }
    }

    fn open(&mut self) {
        self.0.push(Vec::new());
    }

    /// Since 3.8.7 `.X` reads as `-X` for a word X.
    fn open_unless_empty(&mut self) {
        if self.0.last().is_some_and(|list| !list.is_empty()) {
            self.open();
        }
    }
}

/// Drops what counts for nothing at the end of each list, then the lists left empty at the end.
fn flatten(lists: Vec<Vec<Item>>) -> Vec<Item> {
    let mut flat = Vec::new();
    for (depth, mut list) in lists.into_iter().enumerate() {
        while list.last().is_some_and(|item| with_nothing(item).is_eq()) {
            list.pop();
        }
        if depth > 0 {
            flat.push(Item::List);
        }
        flat.append(&mut list);
    }
    while flat.last() == Some(&Item::List) {
        flat.pop();
    }
    flat
}

fn item(digits: bool, part: &str) -> Item {
    if digits { Item::Number(Number::new(part)) } else { Item::Word(word(part, false)) }
}

fn word(part: &str, before_digit: bool) -> Word {
    match part {
        "alpha" => Word::Alpha,
        "beta" => Word::Beta,
        "milestone" => Word::Milestone,
        "a" if before_digit => Word::Alpha,
        "b" if before_digit => Word::Beta,
        "m" if before_digit => Word::Milestone,
        "rc" | "cr" => Word::Candidate,
        "snapshot" => Word::Snapshot,
        "ga" | "final" | "release" => Word::Release,
        "sp" => Word::ServicePack,
        _ => Word::Other(part.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Scheme;
    use std::cmp::Ordering;

    #[test]
    fn deep_nesting_is_harmless() {
        let deep = "1-".repeat(511);
        let version = Scheme::Maven.parse(&deep).expect("ends in a hyphen, which is nothing");
        assert_eq!(version.compare(&Scheme::Maven.parse("1").expect("1")), Ordering::Greater);
    }
}
