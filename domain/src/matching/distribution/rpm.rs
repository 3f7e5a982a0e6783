//! Distributions of RPMs whose advisories are kept per release and list binary packages, as
//! their repositories do: the binary's name, version and architecture are what is compared.
//!
//! Photon and Azure Linux publish by source package instead, and Photon states the version of
//! the binaries.

use super::{Compared, Named, Rules, number};
use crate::ecosystem::{Ecosystem, EcosystemKind};

const fn binary(ids: &'static [&'static str], ecosystem: fn(Option<&str>) -> Option<Ecosystem>) -> Rules {
    Rules { ids, ecosystem, named: Named::Binary, compared: Compared::Binary, plan: super::one }
}

pub(super) const ALMA: Rules = binary(&["almalinux", "alma"], |version| major(EcosystemKind::AlmaLinux, version));
pub(super) const AMAZON: Rules = binary(&["amzn", "amazon"], amazon);
pub(super) const FEDORA: Rules = binary(&["fedora"], |version| major(EcosystemKind::Fedora, version));
pub(super) const ORACLE: Rules = binary(&["ol", "oracle"], |version| major(EcosystemKind::OracleLinux, version));
pub(super) const ROCKY: Rules = binary(&["rocky", "rocky-linux"], |version| major(EcosystemKind::RockyLinux, version));

pub(super) const PHOTON: Rules =
    Rules { ids: &["photon"], ecosystem: photon, named: Named::Source, compared: Compared::Binary, plan: super::one };

pub(super) const AZURE: Rules = Rules {
    ids: &["azurelinux", "mariner", "cbl-mariner"],
    ecosystem: |version| major(EcosystemKind::AzureLinux, version),
    named: Named::Source,
    compared: Compared::Source,
    plan: super::one,
};

/// `9.4` is release `9`.
pub(super) fn major_of(version: Option<&str>) -> Option<&str> {
    number(version?.split('.').next()?)
}

fn major(kind: EcosystemKind, version: Option<&str>) -> Option<Ecosystem> {
    major_of(version).map(|major| Ecosystem::release(kind, major))
}

/// `2` and `2023` are releases; before them versions were dates (`2018.03`), all of Amazon Linux 1.
fn amazon(version: Option<&str>) -> Option<Ecosystem> {
    // Trivy calls the first one `AMI release 2018.03`.
    let release = match major_of(version.and_then(|version| version.rsplit(' ').next()))? {
        release @ ("1" | "2" | "2022" | "2023") => release,
        year if year.len() == 4 && year < "2019" => "1",
        _ => return None,
    };
    Some(Ecosystem::release(EcosystemKind::Amazon, release))
}

/// Photon counts in `4.0` and `5.0`; a lone `5` is `5.0`.
fn photon(version: Option<&str>) -> Option<Ecosystem> {
    let (major, minor) = version?.split_once('.').unwrap_or((version?, "0"));
    let minor = minor.split('.').next()?;
    Some(Ecosystem::release(EcosystemKind::PhotonOs, format!("{}.{}", number(major)?, number(minor)?)))
}

#[cfg(test)]
mod tests {
    use super::{ALMA, AMAZON, AZURE, PHOTON};

    #[test]
    fn a_version_belongs_to_its_release() {
        let of = |rules: &super::Rules, version| (rules.ecosystem)(Some(version)).map(|release| release.to_string());
        assert_eq!(of(&ALMA, "9.4").as_deref(), Some("AlmaLinux:9"));
        assert_eq!(of(&ALMA, "next"), None);
        assert_eq!(of(&AMAZON, "2018.03").as_deref(), Some("Amazon Linux:1"));
        assert_eq!(of(&AMAZON, "2").as_deref(), Some("Amazon Linux:2"));
        assert_eq!(of(&AMAZON, "2023.6.20241010").as_deref(), Some("Amazon Linux:2023"));
        assert_eq!(of(&AMAZON, "2027"), None, "a release that is not known is not guessed");
        assert_eq!(of(&PHOTON, "5.0").as_deref(), Some("Photon OS:5.0"));
        assert_eq!(of(&PHOTON, "4").as_deref(), Some("Photon OS:4.0"));
        assert_eq!(of(&AZURE, "3.0.20240727").as_deref(), Some("Azure Linux:3"));
    }
}
