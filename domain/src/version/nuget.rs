//! NuGet: up to four numbers (missing ones are zero), a prerelease compared without regard to
//! case by the rules of semantic versioning, build metadata ignored.

use std::cmp::Ordering;

use super::Order;
use super::digits::{compare_releases, split_release};
use super::semver::compare_prereleases;

#[derive(Clone, Debug)]
pub(super) struct NuGet {
    release: Box<str>,
    pre: Option<Box<str>>,
}

impl Order for NuGet {
    fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let core = text.split_once('+').map_or(text, |(core, _)| core);
        let (release, tail) = split_release(core)?;
        let pre = match tail.strip_prefix('-') {
            Some(pre) => Some(pre.to_ascii_lowercase().into_boxed_str()),
            None if tail.is_empty() => None,
            None => return None,
        };
        Some(Self { release: release.into(), pre })
    }

    fn compare(&self, other: &Self) -> Ordering {
        compare_releases(&self.release, &other.release)
            .then_with(|| compare_prereleases(self.pre.as_deref(), other.pre.as_deref()))
    }
}
