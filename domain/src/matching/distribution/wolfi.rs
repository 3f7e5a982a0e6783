//! Wolfi and Chainguard: rolling, by source package (origin), compared with the binary's version.

use super::{Compared, Rules};
use crate::ecosystem::{Ecosystem, EcosystemKind};

pub(super) const WOLFI: Rules = Rules {
    ids: &["wolfi"],
    ecosystem: |_| Some(Ecosystem::rolling(EcosystemKind::Wolfi)),
    compared: Compared::Binary,
};

pub(super) const CHAINGUARD: Rules = Rules {
    ids: &["chainguard"],
    ecosystem: |_| Some(Ecosystem::rolling(EcosystemKind::Chainguard)),
    compared: Compared::Binary,
};
