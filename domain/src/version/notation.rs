//! What an operator of a constraint means in each scheme, as intervals.
//!
//! A bound such as `1.2` or `1.*` stands for a block of versions; operators then cut before
//! or behind the block. `^`, `~` and `~>` run from the bound to the least version of the next
//! release ([`floor`]), so that prereleases of the next release stay outside, as their
//! registries decided.

use super::Scheme;
use super::digits::{all_digits, split_release, successor};
use crate::advisory::{Interval, Lower, Upper};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    /// PEP 440's `===`: this text only, without local versions.
    Identical,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// `^1.2.3`: nothing left of the first number that is not zero changes.
    Caret,
    /// `~1.2.3`.
    Tilde,
    /// `~> 1.2.3`, `~= 1.2.3`: only the last number given may grow.
    Pessimistic,
    /// Haskell's `^>= 1.2.3`: the first two numbers stay.
    Major,
}

impl Operator {
    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "" | "=" | "==" => Self::Equal,
            "===" => Self::Identical,
            "!=" | "<>" => Self::NotEqual,
            "<" | "<<" => Self::Less,
            "<=" | "=<" => Self::LessOrEqual,
            ">" | ">>" => Self::Greater,
            ">=" | "=>" => Self::GreaterOrEqual,
            "^" => Self::Caret,
            "~" => Self::Tilde,
            "~>" | "~=" => Self::Pessimistic,
            "^>=" => Self::Major,
            _ => return None,
        })
    }
}

/// A cut before or behind a version.
#[derive(Clone, Debug)]
pub(super) struct Edge {
    text: String,
    behind: bool,
}

impl Edge {
    fn before(text: impl Into<String>) -> Self {
        Self { text: text.into(), behind: false }
    }

    fn behind(text: impl Into<String>) -> Self {
        Self { text: text.into(), behind: true }
    }

    pub(super) fn lower(self) -> Lower {
        if self.behind { Lower::After(self.text) } else { Lower::Introduced(self.text) }
    }

    pub(super) fn upper(self) -> Upper {
        if self.behind { Upper::LastAffected(self.text) } else { Upper::Fixed(self.text) }
    }
}

/// The versions that a bound stands for.
pub(super) enum Block {
    All,
    Between(Edge, Edge),
}

/// The union of intervals that `operator bound` means; `None` when the scheme has no such notation.
pub(super) fn intervals(scheme: Scheme, operator: Operator, bound: &str) -> Option<Vec<Interval>> {
    let next = match operator {
        Operator::Caret => Some(caret as fn(&[&str]) -> usize),
        Operator::Tilde if scheme == Scheme::Composer => Some(pessimistic as fn(&[&str]) -> usize),
        Operator::Tilde | Operator::Major => Some(minor as fn(&[&str]) -> usize),
        Operator::Pessimistic => Some(pessimistic as fn(&[&str]) -> usize),
        _ => None,
    };
    if let Some(kept) = next {
        return compatible(scheme, bound, kept).map(|interval| vec![interval]);
    }
    if operator == Operator::Identical {
        return Some(vec![interval(Some(Edge::before(bound)), Some(Edge::behind(bound)))]);
    }
    let (from, to) = match (block(scheme, bound)?, operator) {
        (Block::Between(from, to), _) => (from, to),
        (Block::All, Operator::Equal | Operator::LessOrEqual | Operator::GreaterOrEqual) => {
            return Some(vec![Interval::all()]);
        }
        (Block::All, _) => return None,
    };
    Some(match operator {
        Operator::Less => vec![interval(None, Some(from))],
        Operator::LessOrEqual => vec![interval(None, Some(to))],
        Operator::Greater => vec![interval(Some(to), None)],
        Operator::GreaterOrEqual => vec![interval(Some(start(scheme, from)), None)],
        Operator::NotEqual => vec![interval(None, Some(from)), interval(Some(to), None)],
        _ => vec![interval(Some(from), Some(to))],
    })
}

pub(super) fn interval(from: Option<Edge>, to: Option<Edge>) -> Interval {
    Interval { lower: from.map_or(Lower::Start, Edge::lower), upper: to.map_or(Upper::Open, Edge::upper) }
}

/// `1.2 - 2.3`: to the end of the last release named.
pub(super) fn hyphen(scheme: Scheme, from: &str, to: &str) -> Option<Interval> {
    let Block::Between(from, _) = block(scheme, from)? else { return None };
    let partial = to.split('.').count() < 3 && to.split('.').all(all_digits);
    let to = if partial { format!("{to}.*") } else { to.to_owned() };
    let Block::Between(_, to) = block(scheme, &to)? else { return None };
    Some(interval(Some(from), Some(to)))
}

/// The block of a plain version or of a wildcard such as `1.*`.
pub(super) fn block(scheme: Scheme, bound: &str) -> Option<Block> {
    let is_wildcard = |part: &str| part == "*" || (has_x_ranges(scheme) && matches!(part, "x" | "X"));
    let mut parts: Vec<&str> = bound.split('.').collect();
    let given = parts.iter().position(|part| is_wildcard(part)).unwrap_or(parts.len());
    if given == parts.len() {
        // PEP 440 compares without the local version unless the bound names one.
        let last = match scheme {
            Scheme::Pep440 if !bound.contains('+') => format!("{bound}+*"),
            _ => bound.to_owned(),
        };
        return Some(Block::Between(Edge::before(bound), Edge::behind(last)));
    }
    if !parts[given..].iter().all(|part| is_wildcard(part)) {
        return None;
    }
    parts.truncate(given);
    if parts.is_empty() {
        return Some(Block::All);
    }
    let (epoch, numbers) = numbers(&parts.join(".")).filter(|(_, rest)| rest.len() == given)?;
    Some(Block::Between(
        Edge::before(floor(scheme, &epoch, &numbers)?),
        Edge::before(floor(scheme, &epoch, &bumped(&numbers))?),
    ))
}

const fn has_x_ranges(scheme: Scheme) -> bool {
    use Scheme::{Bitnami, Composer, Conan, Go, NuGet, Pub, SemVer};
    matches!(scheme, Bitnami | Composer | Conan | Go | NuGet | Pub | SemVer)
}

/// From the bound up to the next version that `kept` numbers of it do not allow.
fn compatible(scheme: Scheme, bound: &str, kept: fn(&[&str]) -> usize) -> Option<Interval> {
    let from = match block(scheme, bound)? {
        Block::All => return Some(Interval::all()),
        Block::Between(from, _) => from,
    };
    let (epoch, mut numbers) = numbers(bound)?;
    let given: Vec<&str> = numbers.iter().map(String::as_str).collect();
    let kept = kept(&given);
    numbers.truncate(kept.max(1));
    let to = Edge::before(floor(scheme, &epoch, &bumped(&numbers))?);
    Some(interval(Some(start(scheme, from)), Some(to)))
}

fn caret(numbers: &[&str]) -> usize {
    let zero = |number: &str| number.bytes().all(|b| b == b'0');
    numbers.iter().position(|number| !zero(number)).map_or(numbers.len(), |first| first + 1)
}

fn minor(numbers: &[&str]) -> usize {
    numbers.len().min(2)
}

fn pessimistic(numbers: &[&str]) -> usize {
    numbers.len().saturating_sub(1)
}

/// The epoch with its separator, and the numbers of the release.
fn numbers(text: &str) -> Option<(String, Vec<String>)> {
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let (epoch, text) = text.split_at(text.find(['!', ':']).map_or(0, |at| at + 1));
    let (release, _) = split_release(text)?;
    Some((epoch.to_owned(), release.split('.').map(str::to_owned).collect()))
}

fn bumped(numbers: &[String]) -> Vec<String> {
    let mut bumped = numbers.to_vec();
    if let Some(last) = bumped.last_mut() {
        *last = successor(last);
    }
    bumped
}

/// The least version of a release, prereleases included.
fn floor(scheme: Scheme, epoch: &str, numbers: &[String]) -> Option<String> {
    let mut numbers = numbers.to_vec();
    if matches!(scheme, Scheme::SemVer | Scheme::Go | Scheme::Pub | Scheme::NuGet) {
        numbers.resize(numbers.len().max(3), "0".to_owned());
    }
    let suffix = match scheme {
        Scheme::SemVer | Scheme::Go | Scheme::Pub | Scheme::NuGet => "-0",
        Scheme::Composer => "-dev",
        Scheme::Conan => "-",
        Scheme::Pep440 => ".dev0",
        Scheme::Gem | Scheme::Dpkg | Scheme::Rpm | Scheme::Generic => "~",
        Scheme::Bitnami | Scheme::Cran | Scheme::Hackage => "",
        // Their prereleases have no least one, and no feed writes such ranges for them.
        Scheme::Alpm | Scheme::Apk | Scheme::Maven | Scheme::OpenSsl | Scheme::Portage => return None,
    };
    Some(format!("{epoch}{}{suffix}", numbers.join(".")))
}

/// Composer reads `>= 1.2` as `>= 1.2-dev`; a bound that names a stability stays.
fn start(scheme: Scheme, from: Edge) -> Edge {
    let plain = || from.text.trim_start_matches(['v', 'V']).split('.').all(all_digits);
    match scheme {
        Scheme::Composer if !from.behind && plain() => Edge::before(format!("{}-dev", from.text)),
        _ => from,
    }
}
