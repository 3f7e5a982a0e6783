//! Arch Linux: rolling; its groups of advisories list binary packages.

use super::{Compared, Named, Rules};
use crate::ecosystem::{Ecosystem, EcosystemKind};

pub(super) const RULES: Rules = Rules {
    ids: &["arch", "archlinux"],
    ecosystem: |_| Some(Ecosystem::rolling(EcosystemKind::Arch)),
    named: Named::Binary,
    compared: Compared::Binary,
    plan: super::one,
};
