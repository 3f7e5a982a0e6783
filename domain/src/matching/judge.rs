//! Does one assertion apply to one version?

use super::index::Assertion;
use super::plan::Lookup;
use crate::advisory::{Interval, Status};
use crate::version::{InvalidVersion, Scheme, Version};

/// The answer, with what it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Affected: inside this interval.
    Inside(Interval),
    /// Affected: the version is listed by name.
    Listed,
    /// Speaks of this package, but not of this version.
    Outside,
    /// The source says that the package is not affected.
    NotAffected,
    /// For another architecture or module stream.
    Elsewhere,
}

impl Judgement {
    pub const fn is_affected(&self) -> bool {
        matches!(self, Self::Inside(_) | Self::Listed)
    }
}

/// Judges. An error when a bound cannot be ordered and nothing else decides.
pub fn judge(
    assertion: &Assertion,
    lookup: &Lookup,
    scheme: Scheme,
    version: &Version,
) -> Result<Judgement, InvalidVersion> {
    if !is_meant(assertion, lookup) {
        return Ok(Judgement::Elsewhere);
    }
    if assertion.status == Status::NotAffected {
        return Ok(Judgement::NotAffected);
    }
    if assertion.versions.iter().any(|listed| is_same(listed, lookup, scheme, version)) {
        return Ok(Judgement::Listed);
    }
    // One unreadable interval must not hide another one that does contain the version.
    let mut unreadable = None;
    for interval in &assertion.ranges {
        match interval.contains(scheme, version) {
            Ok(true) => return Ok(Judgement::Inside(interval.clone())),
            Ok(false) => {}
            Err(error) => unreadable = Some(error),
        }
    }
    unreadable.map_or(Ok(Judgement::Outside), Err)
}

fn is_same(listed: &str, lookup: &Lookup, scheme: Scheme, version: &Version) -> bool {
    listed == lookup.version || scheme.parse(listed).is_ok_and(|listed| version.compare(&listed).is_eq())
}

fn is_meant(assertion: &Assertion, lookup: &Lookup) -> bool {
    let arch = match &lookup.arch {
        Some(arch) if !assertion.arches.is_empty() => assertion.arches.iter().any(|named| named == arch),
        _ => true,
    };
    let module = match (&assertion.module, &lookup.module) {
        // A label is `name:stream:version:context:arch`; the advisory names its head.
        (Some(stream), Some(label)) => {
            label.strip_prefix(stream.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        }
        (Some(_), None) => false,
        (None, _) => true,
    };
    arch && module
}
