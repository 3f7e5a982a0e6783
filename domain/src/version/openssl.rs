//! OpenSSL: numbers and, before 3.0, letters that count the patches (`1.0.2z < 1.0.2za`);
//! `-pre8`, `-beta1` and the like lie before the release. `-fips` and build metadata name a
//! variant of the same version.

use std::cmp::Ordering;

use super::Order;
use super::digits::{Number, compare_releases, split_digits, split_release};

const STAGES: [&str; 5] = ["dev", "alpha", "beta", "pre", "rc"];

#[derive(Clone, Debug)]
pub(super) struct OpenSsl {
    release: Box<str>,
    stage: Stage,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Pre(usize, Number),
    /// Shorter letters first; none at all is the release itself.
    Patch(usize, Box<str>),
}

impl Order for OpenSsl {
    fn parse(text: &str) -> Option<Self> {
        let core = text.split_once('+').map_or(text, |(core, _)| core);
        let (release, tail) = split_release(core.strip_suffix("-fips").unwrap_or(core))?;
        Some(Self { release: release.into(), stage: stage(tail)? })
    }

    fn compare(&self, other: &Self) -> Ordering {
        compare_releases(&self.release, &other.release).then_with(|| self.stage.cmp(&other.stage))
    }
}

fn stage(tail: &str) -> Option<Stage> {
    if tail.bytes().all(|b| b.is_ascii_lowercase()) {
        return Some(Stage::Patch(tail.len(), tail.into()));
    }
    let pre = tail.strip_prefix('-')?;
    let place = STAGES.iter().position(|stage| pre.starts_with(stage))?;
    let (digits, rest) = split_digits(pre.strip_prefix(STAGES[place])?);
    rest.is_empty().then(|| Stage::Pre(place, Number::new(digits)))
}

#[cfg(test)]
mod tests {
    use super::super::Scheme;
    use std::cmp::Ordering;

    #[test]
    fn letters_count_patches_and_prereleases_come_before() {
        let ascending = ["1.0.2-beta1", "1.0.2", "1.0.2a", "1.0.2z", "1.0.2za", "1.1.1-pre8", "1.1.1", "3.0.0-alpha3"];
        for pair in ascending.windows(2) {
            let parse = |text: &str| Scheme::OpenSsl.parse(text).expect("a version");
            assert_eq!(parse(pair[0]).compare(&parse(pair[1])), Ordering::Less, "{pair:?}");
        }
        assert!(Scheme::OpenSsl.parse("1.0.2k-26.el7_9").is_err());
    }
}
