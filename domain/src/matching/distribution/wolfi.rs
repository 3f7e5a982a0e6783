//! Wolfi and Chainguard: rolling, by source package (origin), compared with the binary's version.

use super::{Compared, Named, Rules};
use crate::ecosystem::{Ecosystem, EcosystemKind};

pub(super) const WOLFI: Rules = Rules {
    ids: &["wolfi"],
    ecosystem: |_| Some(Ecosystem::rolling(EcosystemKind::Wolfi)),
    named: Named::Source,
    compared: Compared::Binary,
    plan: super::one,
};

pub(super) const CHAINGUARD: Rules = Rules {
    ids: &["chainguard"],
    ecosystem: |_| Some(Ecosystem::rolling(EcosystemKind::Chainguard)),
    named: Named::Source,
    compared: Compared::Binary,
    plan: super::one,
};
