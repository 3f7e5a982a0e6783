//! pub.dev: semantic versions whose build metadata is ordered too (`1.0.0 < 1.0.0+1`).

use std::cmp::Ordering;

use super::Order;
use super::semver::{SemVer, identifiers};

#[derive(Clone, Debug)]
pub(super) struct Pub(SemVer);

impl Order for Pub {
    fn parse(text: &str) -> Option<Self> {
        SemVer::parse(text).map(Self)
    }

    fn compare(&self, other: &Self) -> Ordering {
        let builds = || match (self.0.build.as_deref(), other.0.build.as_deref()) {
            (Some(a), Some(b)) => identifiers(a).cmp(identifiers(b)),
            (a, b) => a.is_some().cmp(&b.is_some()),
        };
        self.0.compare(&other.0).then_with(builds)
    }
}
