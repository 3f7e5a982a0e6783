//! RubyGems: runs of digits and letters; a letter anywhere makes a prerelease, `-` reads as
//! `.pre.`, and zeros at the end of the release and of the whole do not count.
//!
//! Two things go beyond `Gem::Version`. A platform (`-x86_64-linux`, `-java`) belongs to the
//! file's name, so it is dropped. And `1.3~`, which no gem can be called, is the bound
//! before all prereleases of 1.3: `~> 1.2.3` ends there, and no gem version does.

use std::cmp::Ordering;

use super::Order;
use super::digits::{Number, split_digits, split_while};

const CPUS: &[&str] =
    &["aarch64", "arm", "arm64", "ppc64", "ppc64le", "riscv64", "s390x", "universal", "x64", "x86", "x86_64"];
const SYSTEMS: &[&str] =
    &["android", "cygwin", "darwin", "freebsd", "java", "linux", "mingw", "mswin", "openbsd", "solaris", "window"];

#[derive(Clone, Debug)]
pub(super) struct Gem(Vec<Segment>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    /// Before every prerelease.
    Least,
    Word(Box<str>),
    Number(Number),
}

impl Order for Gem {
    fn parse(text: &str) -> Option<Self> {
        let text = without_platform(text.strip_prefix('v').unwrap_or(text));
        let (text, least) = match text.strip_suffix('~') {
            Some(text) => (text, true),
            None => (text, false),
        };
        if !text.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let mut segments = segments(text)?;
        if least {
            segments.push(Segment::Least);
        }
        Some(Self(canonical(segments)))
    }

    fn compare(&self, other: &Self) -> Ordering {
        // What one side lacks counts as zero.
        let longer = self.0.len().max(other.0.len());
        let order = |at: usize| self.0.get(at).unwrap_or(&ZERO).cmp(other.0.get(at).unwrap_or(&ZERO));
        (0..longer).map(order).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }
}

static ZERO: Segment = Segment::Number(Number::ZERO);

fn segments(text: &str) -> Option<Vec<Segment>> {
    let mut segments = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (digits, after) = split_digits(rest);
        let (word, after) = match digits.is_empty() {
            true => split_while(rest, |b| b.is_ascii_alphabetic()),
            false => ("", after),
        };
        match (digits, word) {
            ("", "") => return None,
            ("", word) => segments.push(Segment::Word(word.into())),
            (digits, _) => segments.push(Segment::Number(Number::new(digits))),
        }
        rest = match after.as_bytes() {
            [b'.', _, ..] => &after[1..],
            [b'-', _, ..] => {
                segments.push(Segment::Word("pre".into()));
                &after[1..]
            }
            [b'.' | b'-'] => return None,
            _ => after,
        };
    }
    Some(segments)
}

/// Drops the zeros that end the release, and those that end the whole.
fn canonical(mut segments: Vec<Segment>) -> Vec<Segment> {
    let is_number = |segment: &Segment| matches!(segment, Segment::Number(_));
    let mut tail = match segments.iter().position(|segment| !is_number(segment)) {
        Some(first_word) => segments.split_off(first_word),
        None => Vec::new(),
    };
    for part in [&mut segments, &mut tail] {
        while part.last() == Some(&ZERO) {
            part.pop();
        }
    }
    segments.append(&mut tail);
    segments
}

/// `1.2.0-x86_64-linux` → `1.2.0`; `1.0-x86` stays, because RubyGems reads a prerelease there.
fn without_platform(text: &str) -> &str {
    let is_cpu = |cpu: &str| CPUS.contains(&cpu) || cpu.starts_with("armv");
    let platform = |after: &str| match after.split_once('-') {
        Some((cpu, system)) => is_cpu(cpu) && SYSTEMS.iter().any(|known| system.starts_with(known)),
        None => matches!(after, "java" | "jruby"),
    };
    let cut = text.match_indices('-').find(|(at, _)| platform(&text[at + 1..]));
    cut.map_or(text, |(at, _)| &text[..at])
}

#[cfg(test)]
mod tests {
    use super::super::Scheme;
    use std::cmp::Ordering;

    fn compare(a: &str, b: &str) -> Ordering {
        Scheme::Gem.parse(a).expect(a).compare(&Scheme::Gem.parse(b).expect(b))
    }

    #[test]
    fn a_platform_is_no_prerelease() {
        assert_eq!(compare("1.19.3-aarch64-linux-gnu", "1.19.3"), Ordering::Equal);
        assert_eq!(compare("9.4.5.0-java", "9.4.5"), Ordering::Equal);
        assert_eq!(compare("1.0-x86", "1.0"), Ordering::Less);
    }

    #[test]
    fn the_tilde_bound_lies_before_every_prerelease_and_behind_what_is_older() {
        for later in ["1.3.A", "1.3.0.a", "1.3.a.a", "1.3"] {
            assert_eq!(compare("1.3~", later), Ordering::Less, "{later}");
        }
        for earlier in ["1.2", "1.2.99999.z", "1.2.z"] {
            assert_eq!(compare("1.3~", earlier), Ordering::Greater, "{earlier}");
        }
    }
}
