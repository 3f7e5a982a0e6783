//! SUSE and openSUSE: advisories per product, of which a service pack has many (server, desktop,
//! modules, long-term support). They hold the same builds, so all products of one service pack
//! are one release here: `SUSE:Linux Enterprise 15 SP5`.

use super::{Compared, Named, Rules, number};
use crate::ecosystem::{Ecosystem, EcosystemKind};

const fn rules(ids: &'static [&'static str], ecosystem: fn(Option<&str>) -> Option<Ecosystem>) -> Rules {
    Rules { ids, ecosystem, named: Named::Binary, compared: Compared::Binary, plan: super::one }
}

pub(super) const ENTERPRISE: Rules =
    rules(&["sles", "sled", "sles_sap", "sle_hpc", "suse linux enterprise server"], enterprise);
pub(super) const MICRO: Rules = rules(&["sle-micro", "sle_micro", "slem", "suse-microos"], micro);
pub(super) const LEAP: Rules = rules(&["opensuse-leap", "opensuse.leap", "opensuse"], leap);
pub(super) const TUMBLEWEED: Rules = rules(&["opensuse-tumbleweed", "opensuse.tumbleweed"], |_| tumbleweed());

fn enterprise(version: Option<&str>) -> Option<Ecosystem> {
    let (major, pack) = parts(version?)?;
    let release = match pack {
        // From 16 on there are minor versions and no service packs.
        Some(minor) if major.len() == 2 && major >= "16" => format!("Linux Enterprise {major}.{minor}"),
        Some("0") | None => format!("Linux Enterprise {major}"),
        Some(pack) => format!("Linux Enterprise {major} SP{pack}"),
    };
    Some(Ecosystem::release(EcosystemKind::Suse, release))
}

fn micro(version: Option<&str>) -> Option<Ecosystem> {
    let (major, minor) = parts(version?)?;
    let minor = minor.unwrap_or("0");
    // It has been "SUSE Linux Micro" since 6.0.
    let name = if major.len() == 1 && major < "6" { "Linux Enterprise Micro" } else { "Linux Micro" };
    Some(Ecosystem::release(EcosystemKind::Suse, format!("{name} {major}.{minor}")))
}

fn leap(version: Option<&str>) -> Option<Ecosystem> {
    // The namespace `opensuse` is of both.
    if version? == "tumbleweed" {
        return tumbleweed();
    }
    let (major, minor) = parts(version?)?;
    Some(Ecosystem::release(EcosystemKind::OpenSuse, format!("Leap {major}.{}", minor?)))
}

fn tumbleweed() -> Option<Ecosystem> {
    Some(Ecosystem::release(EcosystemKind::OpenSuse, "Tumbleweed"))
}

fn parts(version: &str) -> Option<(&str, Option<&str>)> {
    let mut parts = version.split('.');
    let major = number(parts.next()?)?;
    match parts.next() {
        None => Some((major, None)),
        Some(minor) => Some((major, Some(number(minor)?))),
    }
}

/// The release that a product of SUSE belongs to, under the names that look-ups use: `SUSE Linux
/// Enterprise Module for Basesystem 15 SP5` and `SUSE Linux Enterprise Server 15 SP5-LTSS` are
/// both Linux Enterprise 15 SP5. None for products that are no release of anybody's system.
pub fn suse_release(product: &str) -> Option<Ecosystem> {
    let product = product.trim();
    if let Some(rest) = product.strip_prefix("openSUSE ").or_else(|| product.strip_prefix("Leap ").map(|_| product)) {
        return open_suse(rest);
    }
    if product == "Tumbleweed" {
        return tumbleweed();
    }
    let name = product.strip_prefix("SUSE ").unwrap_or(product);
    let words: Vec<&str> = name.split([' ', '-']).filter(|word| !word.is_empty()).collect();
    let at = words.iter().position(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    let version = words.get(at?).copied()?;
    if name.starts_with("Linux Enterprise Micro ") || name.starts_with("Linux Micro ") {
        return micro(Some(version));
    }
    if !name.starts_with("Linux Enterprise ") || name.contains("SUSE Manager") {
        return None;
    }
    let pack = words.iter().find_map(|word| number(word.strip_prefix("SP")?));
    match pack {
        Some(pack) => enterprise(Some(&format!("{}.{pack}", number(version)?))),
        None => enterprise(Some(version)),
    }
}

fn open_suse(name: &str) -> Option<Ecosystem> {
    if name.starts_with("Tumbleweed") {
        return tumbleweed();
    }
    let rest = name.strip_prefix("Leap ")?;
    // `Leap Micro` is another system.
    leap(rest.split(' ').next())
}

#[cfg(test)]
mod tests {
    use super::{ENTERPRISE, LEAP, MICRO, suse_release};

    #[test]
    fn products_of_one_service_pack_are_one_release_and_that_of_its_systems() {
        let product = |name| suse_release(name).map(|release| release.to_string());
        let system = |rules: &super::Rules, version| (rules.ecosystem)(Some(version)).map(|found| found.to_string());
        let sp5 = Some("SUSE:Linux Enterprise 15 SP5".to_owned());
        for name in [
            "SUSE Linux Enterprise Server 15 SP5",
            "SUSE Linux Enterprise Module for Basesystem 15 SP5",
            "SUSE Linux Enterprise Server 15 SP5-LTSS",
            "SUSE Linux Enterprise Server for SAP Applications 15 SP5",
            "Linux Enterprise Desktop 15 SP5",
        ] {
            assert_eq!(product(name), sp5, "{name}");
        }
        assert_eq!(system(&ENTERPRISE, "15.5"), sp5);
        assert_eq!(product("SUSE Linux Enterprise Server 11 SP4-LTSS"), system(&ENTERPRISE, "11.4"));
        assert_eq!(product("SUSE Linux Enterprise Server 12"), system(&ENTERPRISE, "12"));
        assert_eq!(product("SUSE Linux Enterprise Server 16.0"), system(&ENTERPRISE, "16.0"));
        assert_eq!(product("SUSE Linux Enterprise Micro 5.5"), system(&MICRO, "5.5"));
        assert_eq!(product("SUSE Linux Micro 6.0").as_deref(), Some("SUSE:Linux Micro 6.0"));
        assert_eq!(product("openSUSE Leap 15.6"), system(&LEAP, "15.6"));
        assert_eq!(product("Leap 15.6").as_deref(), Some("openSUSE:Leap 15.6"));
        assert_eq!(product("openSUSE Tumbleweed").as_deref(), Some("openSUSE:Tumbleweed"));
        for other in ["SUSE Manager Server 4.3", "openSUSE Leap Micro 5.2", "SUSE OpenStack Cloud 9", "Image SLES15"] {
            assert_eq!(product(other), None, "{other}");
        }
    }
}
