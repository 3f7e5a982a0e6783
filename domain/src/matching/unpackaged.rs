//! Software that no package manager knows: looked up by the CPE that its document gives it.
//!
//! Only where there is no purl that could be looked up. A CPE is never made up of a name, and one
//! that no advisory speaks of proves nothing: it may be the wrong word for the thing.

use super::plan::Lookup;
use crate::advisory::PackageKey;
use crate::component::Component;
use crate::cpe::{Cpe, without_update};
use crate::ecosystem::{Ecosystem, EcosystemKind};
use crate::finding::Unevaluated;
use crate::version::Scheme;

/// The look-ups of a component with CPEs; None when it has none.
pub(super) fn lookups(component: &Component) -> Option<Result<Vec<Lookup>, Unevaluated>> {
    if component.cpes.is_empty() {
        return None;
    }
    let named: Vec<(&String, Cpe)> =
        component.cpes.iter().filter_map(|text| Cpe::parse(text).map(|cpe| (text, cpe))).collect();
    if named.is_empty() {
        return Some(Err(Unevaluated::InvalidCpe));
    }
    let stated = |version: &&str| !version.trim().is_empty();
    let of_purl = component.purl.as_ref().and_then(|purl| purl.version.as_deref());
    let own = of_purl.filter(stated).or(component.version.as_deref().filter(stated));
    let mut lookups: Vec<Lookup> = Vec::with_capacity(named.len());
    for (text, cpe) in named {
        let Some(version) = cpe.version().or(own.map(str::to_owned)) else { continue };
        let package = PackageKey::new(Ecosystem::rolling(EcosystemKind::Cpe), &cpe.name());
        let lookup = Lookup { module: cpe.qualifiers(), basis: Some(text.clone()), ..Lookup::new(package, version) };
        let same = |other: &Lookup| {
            (&other.package, &other.version, &other.module) == (&lookup.package, &lookup.version, &lookup.module)
        };
        if !lookups.iter().any(same) {
            lookups.push(lookup);
        }
    }
    Some(if lookups.is_empty() { Err(Unevaluated::MissingVersion) } else { Ok(lookups) })
}

/// Is it this version, with whatever update?
pub(super) fn is_update_of(listed: &str, lookup: &Lookup, scheme: Scheme) -> bool {
    let Ok(listed) = scheme.parse(listed) else { return false };
    without_update(&lookup.version).any(|one| scheme.parse(one).is_ok_and(|one| one.compare(&listed).is_eq()))
}

/// Is this look-up one by CPE?
pub(super) fn is_by_cpe(lookup: &Lookup) -> bool {
    lookup.package.ecosystem.kind == EcosystemKind::Cpe
}
