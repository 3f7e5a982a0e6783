//! Intervals as other scanners write them: comparisons that must all hold.

use domain::advisory::{Interval, Lower, Upper};
use domain::version::Scheme;

/// Two comparisons at most; none stands for every version.
pub(crate) fn comparisons(scheme: Scheme, interval: &Interval) -> Vec<String> {
    let bound = |version: &str| bound(scheme, version);
    let lower = match &interval.lower {
        Lower::Start => None,
        Lower::Introduced(at) => Some(format!(">={}", bound(at))),
        Lower::After(after) => Some(format!(">{}", bound(after))),
    };
    let upper = match &interval.upper {
        Upper::Open => None,
        Upper::Fixed(at) => Some(format!("<{}", bound(at))),
        Upper::LastAffected(last) => Some(format!("<={}", bound(last))),
    };
    lower.into_iter().chain(upper).collect()
}

/// `1.3~` is ours for the place before every prerelease of a gem 1.3. In the order of gems letters come before numbers,
/// so nothing that anybody releases lies below `1.3.a`; the tilde itself is a syntax error there, and Trivy then
/// takes the package for not affected.
pub(crate) fn bound(scheme: Scheme, version: &str) -> String {
    match version.strip_suffix('~').filter(|_| scheme == Scheme::Gem) {
        Some(version) => format!("{version}.a"),
        None => version.to_owned(),
    }
}
