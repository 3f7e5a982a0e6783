//! Reads the range notations of feeds into intervals, once, when a feed is read:
//! `>= 1.2, < 1.4`, `~> 1.2.3`, `^1.2`, `1.x`, `1.2 - 2.3`, `!= 3`, `||`, `[1,2),(,1.5]`.
//!
//! Where registries disagree, these rules hold. A bare version means equality. An empty text and
//! `*` mean every version. Prereleases take part in the plain order: `< 2.0` holds 2.0rc1
//! everywhere, because a prerelease of the fix is not known to be fixed. Partial bounds
//! (`<= 1.2`) name one version, as in advisories, not a family, as in npm's manifests. What
//! cannot be read is an error and never an empty set.

use super::digits::split_while;
use super::notation::{Block, Operator, block, hyphen, interval, intervals};
use super::{InvalidVersion, Scheme, intersect, quote};
use crate::advisory::{Interval, Lower, Upper};

/// The longest lists of advisory databases stay far below these.
const MAX_LENGTH: usize = 64 * 1024;
const MAX_INTERVALS: usize = 2048;

/// The text is no constraint on versions of the scheme.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidConstraint {
    #[error("constraint {text:?} cannot be read at {at:?}")]
    Syntax { text: String, at: String },
    #[error("constraint {text:?} uses a notation that {scheme} versions do not have: {at:?}")]
    Unsupported { scheme: Scheme, text: String, at: String },
    #[error("constraint {text:?} has a bad bound: {bound}")]
    Bound { text: String, bound: InvalidVersion },
    #[error("constraint {text:?} is longer than {MAX_LENGTH} bytes or {MAX_INTERVALS} intervals")]
    TooLong { text: String },
}

/// The union of intervals that `text` stands for. Empty when no version can satisfy it (`< 1, > 2`).
pub fn parse_constraints(scheme: Scheme, text: &str) -> Result<Vec<Interval>, InvalidConstraint> {
    let reader = Reader { scheme, text };
    if text.len() > MAX_LENGTH {
        return Err(reader.too_long());
    }
    if text.trim().is_empty() {
        return Ok(vec![Interval::all()]);
    }
    let mut union = Vec::new();
    for piece in text.replace("||", "|").split('|').flat_map(|piece| piece.split(" or ")) {
        let piece = piece.trim();
        match piece.starts_with(['[', '(']) {
            true => union.extend(reader.brackets(piece)?),
            false => union.extend(reader.comparators(piece)?),
        }
        if union.len() > MAX_INTERVALS {
            return Err(reader.too_long());
        }
    }
    Ok(union)
}

struct Reader<'a> {
    scheme: Scheme,
    /// The whole constraint, for messages.
    text: &'a str,
}

impl Reader<'_> {
    /// Comparators between commas or blanks, all of which must hold.
    fn comparators(&self, piece: &str) -> Result<Vec<Interval>, InvalidConstraint> {
        let mut all = Vec::new();
        let mut rest = skip(piece);
        if rest.is_empty() {
            return Err(self.syntax(piece));
        }
        while !rest.is_empty() {
            let (operator, bound, after) = self.comparator(rest)?;
            let (end, after) = hyphen_range(after);
            rest = skip(after);
            let meant = match end {
                None => intervals(self.scheme, operator, bound),
                Some(end) if operator == Operator::Equal => hyphen(self.scheme, bound, end).map(|range| vec![range]),
                Some(_) => return Err(self.syntax(piece)),
            };
            all.push(self.checked(meant.ok_or_else(|| self.unsupported(bound))?)?);
            if all.len() > MAX_INTERVALS {
                return Err(self.too_long());
            }
        }
        let mut all = all.into_iter();
        let first = all.next().ok_or_else(|| self.syntax(piece))?;
        all.try_fold(first, |set, next| intersect(self.scheme, &set, &next)).map_err(|bound| self.bound(bound))
    }

    /// `operator bound`, and what follows them.
    fn comparator<'t>(&self, text: &'t str) -> Result<(Operator, &'t str, &'t str), InvalidConstraint> {
        let (symbol, after) = split_while(text, |b| b"<>=!~^".contains(&b));
        let operator = Operator::parse(symbol).ok_or_else(|| self.syntax(text))?;
        let after = after.trim_start();
        let (bound, after) = split_while(after, |b| !b.is_ascii_whitespace() && !b",<>".contains(&b));
        let bound = bound.trim_matches(['\'', '"']);
        if bound.is_empty() {
            return Err(self.syntax(text));
        }
        Ok((operator, bound, after))
    }

    /// `[1,2),(,1.5]`: each pair is one alternative.
    fn brackets(&self, piece: &str) -> Result<Vec<Interval>, InvalidConstraint> {
        let mut union = Vec::new();
        let mut rest = skip(piece);
        while let Some(body) = rest.strip_prefix(['[', '(']) {
            let close = body.find([']', ')']).ok_or_else(|| self.syntax(rest))?;
            let (inside, after) = body.split_at(close);
            let (includes_from, includes_to) = (rest.starts_with('['), after.starts_with(']'));
            match inside.trim_start().starts_with(['<', '>', '=', '^', '~']) {
                // Conan writes its comparators inside brackets.
                true => union.extend(self.comparators(inside)?),
                false => union.push(self.pair(inside.trim(), includes_from, includes_to)?),
            }
            rest = skip(&after[1..]);
        }
        if rest.is_empty() { self.checked(union) } else { Err(self.syntax(rest)) }
    }

    fn pair(&self, inside: &str, includes_from: bool, includes_to: bool) -> Result<Interval, InvalidConstraint> {
        let edges = |bound: &str| match block(self.scheme, bound) {
            Some(Block::Between(from, to)) => Ok((from, to)),
            Some(Block::All) | None => Err(self.unsupported(bound)),
        };
        let Some((from, to)) = inside.split_once(',') else {
            let (from, to) = edges(inside)?;
            // `(1.0)` and `[1.0)` hold nothing, so whoever wrote them meant something else.
            return match includes_from && includes_to {
                true => Ok(interval(Some(from), Some(to))),
                false => Err(self.syntax(inside)),
            };
        };
        let lower = match (from.trim(), includes_from) {
            ("", _) => Lower::Start,
            (bound, true) => edges(bound)?.0.lower(),
            (bound, false) => edges(bound)?.1.lower(),
        };
        let upper = match (to.trim(), includes_to) {
            ("", _) => Upper::Open,
            (bound, true) => edges(bound)?.1.upper(),
            (bound, false) => edges(bound)?.0.upper(),
        };
        Ok(Interval { lower, upper })
    }

    /// Intervals whose bounds are all versions of the scheme.
    fn checked(&self, intervals: Vec<Interval>) -> Result<Vec<Interval>, InvalidConstraint> {
        for Interval { lower, upper } in &intervals {
            if let Lower::Introduced(text) | Lower::After(text) = lower {
                self.scheme.parse_bound(text).map_err(|bound| self.bound(bound))?;
            }
            if let Upper::Fixed(text) | Upper::LastAffected(text) = upper {
                self.scheme.parse_bound(text).map_err(|bound| self.bound(bound))?;
            }
        }
        Ok(intervals)
    }

    fn syntax(&self, at: &str) -> InvalidConstraint {
        InvalidConstraint::Syntax { text: quote(self.text), at: quote(at) }
    }

    fn unsupported(&self, at: &str) -> InvalidConstraint {
        InvalidConstraint::Unsupported { scheme: self.scheme, text: quote(self.text), at: quote(at) }
    }

    fn bound(&self, bound: InvalidVersion) -> InvalidConstraint {
        InvalidConstraint::Bound { text: quote(self.text), bound }
    }

    fn too_long(&self) -> InvalidConstraint {
        InvalidConstraint::TooLong { text: quote(self.text) }
    }
}

/// Past what may stand between two comparators, all of which mean "and".
fn skip(text: &str) -> &str {
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
    text.strip_prefix("and ").or_else(|| text.strip_prefix("&& ")).map_or(text, str::trim_start)
}

/// `… - 2.3`: the end of a hyphen range, if one follows.
fn hyphen_range(text: &str) -> (Option<&str>, &str) {
    match text.trim_start().strip_prefix("- ").map(str::trim_start) {
        Some(after) => {
            let (end, after) = split_while(after, |b| !b.is_ascii_whitespace() && b != b',');
            (Some(end), after)
        }
        None => (None, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Intervals as mathematicians write them.
    fn read(scheme: Scheme, text: &str) -> String {
        let show = |range: &Interval| {
            let lower = match &range.lower {
                Lower::Start => "(".to_owned(),
                Lower::Introduced(v) => format!("[{v}"),
                Lower::After(v) => format!("({v}"),
            };
            let upper = match &range.upper {
                Upper::Open => ")".to_owned(),
                Upper::Fixed(v) => format!("{v})"),
                Upper::LastAffected(v) => format!("{v}]"),
            };
            format!("{lower},{upper}")
        };
        parse_constraints(scheme, text).expect(text).iter().map(show).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comparators_are_joined_by_and_alternatives_by_or() {
        assert_eq!(read(Scheme::SemVer, ">= 1.2, < 1.4"), "[1.2,1.4)");
        assert_eq!(read(Scheme::SemVer, ">=1.2 <1.4 || =2.0"), "[1.2,1.4) [2.0,2.0]");
        assert_eq!(read(Scheme::SemVer, ">= 1.0.0 and < 2.0.0 or == 3.0.0"), "[1.0.0,2.0.0) [3.0.0,3.0.0]");
        assert_eq!(read(Scheme::Conan, ">1<2.0"), "(1,2.0)");
        assert_eq!(read(Scheme::SemVer, "!= 1.5, > 1"), "(1,1.5) (1.5,)");
        assert_eq!(read(Scheme::SemVer, "*"), "(,)");
        assert_eq!(read(Scheme::SemVer, "  "), "(,)");
        assert_eq!(read(Scheme::SemVer, "< 1, > 2"), "");
    }

    #[test]
    fn compatible_ranges_end_before_the_prereleases_of_the_next_release() {
        for (scheme, text, meant) in [
            (Scheme::SemVer, "^1.2.3", "[1.2.3,2.0.0-0)"),
            (Scheme::SemVer, "^0.2.3", "[0.2.3,0.3.0-0)"),
            (Scheme::SemVer, "^0.0.3", "[0.0.3,0.0.4-0)"),
            (Scheme::SemVer, "^0.0", "[0.0,0.1.0-0)"),
            (Scheme::SemVer, "~1.2.3", "[1.2.3,1.3.0-0)"),
            (Scheme::SemVer, "~1", "[1,2.0.0-0)"),
            (Scheme::SemVer, "~1.x", "[1.0.0-0,2.0.0-0)"),
            (Scheme::SemVer, "1.x", "[1.0.0-0,2.0.0-0)"),
            (Scheme::SemVer, "1.2.x", "[1.2.0-0,1.3.0-0)"),
            (Scheme::SemVer, "1.2 - 2.3", "[1.2,2.4.0-0)"),
            (Scheme::SemVer, "1.2.3 - 2.3.4", "[1.2.3,2.3.4]"),
            (Scheme::SemVer, "~> 2.0", "[2.0,3.0.0-0)"),
            (Scheme::Gem, "~> 1.2.3", "[1.2.3,1.3~)"),
            (Scheme::Gem, "~> 1.2", "[1.2,2~)"),
            (Scheme::Gem, "~> 1", "[1,2~)"),
            (Scheme::Gem, "~> 1.2.3.beta", "[1.2.3.beta,1.3~)"),
            (Scheme::Composer, "~1.2", "[1.2-dev,2-dev)"),
            (Scheme::Composer, "^1.2.9", "[1.2.9-dev,2-dev)"),
            (Scheme::Composer, "1.2.*", "[1.2-dev,1.3-dev)"),
            (Scheme::Pep440, "~=2.2", "[2.2,3.dev0)"),
            (Scheme::Pep440, "==1!2.*", "[1!2.dev0,1!3.dev0)"),
            (Scheme::Conan, "~2.5", "[2.5,2.6-)"),
            (Scheme::Hackage, "^>=1.2.3", "[1.2.3,1.3)"),
        ] {
            assert_eq!(read(scheme, text), meant, "{scheme} {text}");
        }
    }

    #[test]
    fn pep440_bounds_hold_the_local_versions_of_the_bound() {
        assert_eq!(read(Scheme::Pep440, "<=6.4.0"), "(,6.4.0+*]");
        assert_eq!(read(Scheme::Pep440, ">3.1"), "(3.1+*,)");
        assert_eq!(read(Scheme::Pep440, "==2.0"), "[2.0,2.0+*]");
        assert_eq!(read(Scheme::Pep440, "==2.0+cgr.1"), "[2.0+cgr.1,2.0+cgr.1]");
        assert_eq!(read(Scheme::Pep440, "===2.0"), "[2.0,2.0]");
    }

    #[test]
    fn brackets_are_alternatives() {
        assert_eq!(read(Scheme::Maven, "[1,2),(,1.5]"), "[1,2) (,1.5]");
        assert_eq!(read(Scheme::Maven, "[1.0]"), "[1.0,1.0]");
        assert_eq!(read(Scheme::NuGet, "[1.0.0, 2.0.0)"), "[1.0.0,2.0.0)");
        assert_eq!(read(Scheme::NuGet, "(1.0,)||[0.5]"), "(1.0,) [0.5,0.5]");
        assert_eq!(read(Scheme::Conan, "[>1 <2.0]"), "(1,2.0)");
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        for text in
            [">= ", "=> > 1", "[1,2", "(1.0)", "1 ||", "[1,2) x", "!!1", "[1,2,3]", "1.x.2", ">*", ">= 1 - 2", "1 - "]
        {
            assert!(parse_constraints(Scheme::SemVer, text).is_err(), "{text}");
        }
        assert!(matches!(parse_constraints(Scheme::Pep440, "< latest"), Err(InvalidConstraint::Bound { .. })));
        assert!(matches!(parse_constraints(Scheme::Apk, "~> 1.2"), Err(InvalidConstraint::Unsupported { .. })));
        let long = "1||".repeat(5000);
        assert!(matches!(parse_constraints(Scheme::SemVer, &long), Err(InvalidConstraint::TooLong { .. })));
    }
}
