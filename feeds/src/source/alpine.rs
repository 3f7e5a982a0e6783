//! Alpine's secdb: one document per branch (`v3.19`, `edge`) and repository.

use domain::ecosystem::{Ecosystem, EcosystemKind};

use super::secdb::{Header, Origin};

/// Alpine states its branch, and no other secdb has one.
pub(super) fn origin(header: &Header) -> Option<Origin> {
    let branch = header.distroversion.as_deref()?;
    let release = match branch.as_bytes().first()? {
        b'0'..=b'9' => format!("v{branch}"),
        _ => branch.to_owned(),
    };
    let elsewhere = header.urlprefix.as_deref().is_some_and(|url| !url.contains("alpine"));
    (!elsewhere).then(|| Origin { source: "alpine", ecosystem: Ecosystem::release(EcosystemKind::Alpine, release) })
}
