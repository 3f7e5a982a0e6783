//! The distributions of a Grype DB, and how a package of an ecosystem is called there.

use domain::ecosystem::{Ecosystem, EcosystemKind};

use super::LeftOut;

/// A row of `operating_systems`. Grype asks by name or release id, and then by versions.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct System {
    pub(super) name: &'static str,
    pub(super) release_id: &'static str,
    pub(super) major: String,
    pub(super) minor: String,
    /// Of what has no number.
    pub(super) label: &'static str,
    pub(super) codename: &'static str,
    pub(super) channel: &'static str,
}

/// Where advisories of an ecosystem belong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) system: Option<System>,
    /// The type of package, which is Syft's.
    pub(super) packages: &'static str,
    /// How its versions are ordered.
    pub(super) versions: &'static str,
}

pub(super) fn place(ecosystem: &Ecosystem) -> Result<Place, LeftOut> {
    use EcosystemKind as Kind;
    let release = ecosystem.release.as_deref();
    let language = |packages, versions| Ok(Place { system: None, packages, versions });
    match ecosystem.kind {
        Kind::Bitnami => language("bitnami", "bitnami"),
        Kind::CocoaPods => language("pod", "semver"),
        Kind::ConanCenter => language("conan", "semver"),
        Kind::CratesIo => language("rust-crate", "semver"),
        Kind::GitHubActions => language("github-action", "semver"),
        Kind::Go => language("go-module", "go"),
        Kind::Hackage => language("hackage", "semver"),
        Kind::Hex => language("hex", "semver"),
        Kind::Maven => language("java-archive", "maven"),
        Kind::Npm => language("npm", "semver"),
        Kind::NuGet => language("dotnet", "semver"),
        Kind::Packagist => language("php-composer", "semver"),
        Kind::Pub => language("dart-pub", "semver"),
        Kind::PyPi => language("python", "python"),
        Kind::RubyGems => language("gem", "gem"),
        Kind::SwiftUrl => language("swift", "semver"),
        kind => {
            let (packages, versions) = of_distribution(kind).ok_or(LeftOut::NoPackages)?;
            let system = system(kind, release.unwrap_or_default()).ok_or(LeftOut::NoRelease)?;
            Ok(Place { system: Some(system), packages, versions })
        }
    }
}

/// The type of a distribution's packages, and how their versions are ordered.
fn of_distribution(kind: EcosystemKind) -> Option<(&'static str, &'static str)> {
    use EcosystemKind as Kind;
    match kind {
        Kind::Debian | Kind::Ubuntu | Kind::Echo => Some(("deb", "dpkg")),
        Kind::Alpine | Kind::Wolfi | Kind::Chainguard | Kind::MinimOs => Some(("apk", "apk")),
        Kind::Arch => Some(("alpm", "pacman")),
        Kind::AlmaLinux
        | Kind::Amazon
        | Kind::AzureLinux
        | Kind::Fedora
        | Kind::OpenSuse
        | Kind::OracleLinux
        | Kind::PhotonOs
        | Kind::RedHat
        | Kind::RockyLinux
        | Kind::Suse => Some(("rpm", "rpm")),
        _ => None,
    }
}

fn system(kind: EcosystemKind, release: &str) -> Option<System> {
    use EcosystemKind as Kind;
    let of = |name, release_id| System { name, release_id, ..System::default() };
    let numbered = |name, release_id, version: &str| {
        let mut parts = version.split('.');
        let number = |part: Option<&str>| part.map(|part| part.trim_start_matches('0').to_owned()).unwrap_or_default();
        let major = number(parts.next());
        (!major.is_empty()).then(|| System { major, minor: number(parts.next()), ..of(name, release_id) })
    };
    match kind {
        Kind::AlmaLinux => numbered("almalinux", "almalinux", major(release)),
        Kind::Alpine if release == "edge" => Some(System { label: "edge", ..of("alpine", "alpine") }),
        Kind::Alpine => numbered("alpine", "alpine", release.trim_start_matches('v')),
        Kind::Amazon => numbered("amazonlinux", "amzn", major(release)),
        Kind::Arch => Some(of("archlinux", "arch")),
        // Its major version 2 was Mariner.
        Kind::AzureLinux if major(release) < "3" => numbered("mariner", "mariner", release),
        Kind::AzureLinux => numbered("azurelinux", "azurelinux", release),
        Kind::Chainguard => Some(of("chainguard", "chainguard")),
        Kind::Debian => {
            let codename = codename(DEBIAN, release);
            numbered("debian", "debian", major(release)).map(|system| System { codename, ..system })
        }
        Kind::Echo => Some(of("echo", "echo")),
        Kind::Fedora => numbered("fedora", "fedora", release),
        Kind::MinimOs => Some(of("minimos", "minimos")),
        Kind::OpenSuse => numbered("opensuseleap", "opensuse-leap", release.strip_prefix("Leap ")?),
        Kind::OracleLinux => numbered("oraclelinux", "ol", major(release)),
        Kind::PhotonOs => numbered("photon", "photon", release),
        // Its streams are those of one release here; other products have no place.
        Kind::RedHat => numbered("redhat", "rhel", major(red_hat(release)?)),
        Kind::RockyLinux => numbered("rockylinux", "rocky", major(release)),
        Kind::Suse => {
            let version = release.strip_prefix("Linux Enterprise ")?.replace(" SP", ".");
            version.starts_with(|c: char| c.is_ascii_digit()).then(|| numbered("sles", "sles", &version))?
        }
        Kind::Ubuntu => ubuntu(release, &numbered),
        Kind::Wolfi => Some(of("wolfi", "wolfi")),
        _ => None,
    }
}

fn ubuntu(release: &str, numbered: &impl Fn(&'static str, &'static str, &str) -> Option<System>) -> Option<System> {
    let number = release.split(':').find(|part| part.starts_with(|c: char| c.is_ascii_digit()))?;
    let channel = if release.starts_with("Pro") { "esm" } else { "" };
    let codename = codename(UBUNTU, number);
    numbered("ubuntu", "ubuntu", number).map(|system| System { channel, codename, ..system })
}

/// The release of `enterprise_linux:9::appstream` and `enterprise_linux:10.0`; None for other products. From 10 on the minor
/// release is part of the normal streams, before it means an extended support.
fn red_hat(stream: &str) -> Option<&str> {
    let release = stream.strip_prefix("enterprise_linux:")?.split(':').next()?;
    let has_minor_streams = major(release).parse::<u32>().is_ok_and(|major| major >= 10);
    (has_minor_streams || !release.contains('.')).then_some(release)
}

fn major(release: &str) -> &str {
    release.split('.').next().unwrap_or(release)
}

fn codename(known: &[(&str, &'static str)], release: &str) -> &'static str {
    known.iter().find(|(number, _)| *number == release).map_or("", |(_, codename)| *codename)
}

const DEBIAN: &[(&str, &str)] = &[
    ("7", "wheezy"),
    ("8", "jessie"),
    ("9", "stretch"),
    ("10", "buster"),
    ("11", "bullseye"),
    ("12", "bookworm"),
    ("13", "trixie"),
    ("14", "forky"),
];

const UBUNTU: &[(&str, &str)] = &[
    ("14.04", "trusty"),
    ("16.04", "xenial"),
    ("18.04", "bionic"),
    ("20.04", "focal"),
    ("22.04", "jammy"),
    ("22.10", "kinetic"),
    ("23.04", "lunar"),
    ("23.10", "mantic"),
    ("24.04", "noble"),
    ("24.10", "oracular"),
    ("25.04", "plucky"),
    ("25.10", "questing"),
];

/// Other names of systems: the name, what it is replaced by, and whether its versions say nothing. Rebuilds of RHEL that have
/// advisories of their own here keep their name.
pub(super) const NAMES: &[(&str, Option<&str>, bool)] = &[
    ("amazon", Some("amzn"), false),
    ("arch", Some("archlinux"), true),
    ("archlinux", None, true),
    ("centos", Some("rhel"), false),
    ("chainguard", None, true),
    ("echo", None, true),
    ("minimos", None, true),
    ("oracle", Some("ol"), false),
    ("raspbian", Some("debian"), false),
    ("scientific", Some("rhel"), false),
    ("wolfi", None, true),
];

/// Other names of kinds of packages, sorted: those of purls and of languages.
pub(super) const PACKAGE_NAMES: &[(&str, &str)] = &[
    ("cargo", "rust-crate"),
    ("cocoapods", "pod"),
    ("composer", "php-composer"),
    ("dart", "dart-pub"),
    ("elixir", "hex"),
    ("erlang", "hex"),
    ("github", "github-action"),
    ("go", "go-module"),
    ("golang", "go-module"),
    ("haskell", "hackage"),
    ("java", "java-archive"),
    ("javascript", "npm"),
    ("jenkins-plugin", "java-archive"),
    ("maven", "java-archive"),
    ("php", "php-composer"),
    ("pub", "dart-pub"),
    ("pypi", "python"),
    ("ruby", "gem"),
    ("rust", "rust-crate"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(ecosystem: &str) -> Option<String> {
        let place = place(&ecosystem.parse().expect("an ecosystem")).ok()?;
        let System { name, major, minor, label, codename, channel, .. } = place.system.unwrap_or_default();
        Some(format!("{}/{name} {major}.{minor} {label}{codename}{channel}", place.packages))
    }

    #[test]
    fn releases_are_named_as_grype_asks_for_them() {
        for (ecosystem, expected) in [
            ("Alpine:v3.19", "apk/alpine 3.19 "),
            ("Alpine:edge", "apk/alpine . edge"),
            ("Debian:12", "deb/debian 12. bookworm"),
            ("Ubuntu:22.04:LTS", "deb/ubuntu 22.4 jammy"),
            ("Ubuntu:Pro:18.04:LTS", "deb/ubuntu 18.4 bionicesm"),
            ("Red Hat:enterprise_linux:9::appstream", "rpm/redhat 9. "),
            ("Red Hat:enterprise_linux:10.0", "rpm/redhat 10. "),
            ("Red Hat:enterprise_linux:10.1::baseos", "rpm/redhat 10. "),
            ("Rocky Linux:9", "rpm/rockylinux 9. "),
            ("SUSE:Linux Enterprise 15 SP5", "rpm/sles 15.5 "),
            ("openSUSE:Leap 15.6", "rpm/opensuseleap 15.6 "),
            ("Photon OS:5.0", "rpm/photon 5. "),
            ("Azure Linux:3", "rpm/azurelinux 3. "),
            ("Wolfi", "apk/wolfi . "),
            ("PyPI", "python/ . "),
        ] {
            assert_eq!(shown(ecosystem).as_deref(), Some(expected), "{ecosystem}");
        }
        for (ecosystem, reason) in [
            ("Red Hat:rhel_eus:9.2::baseos", LeftOut::NoRelease),
            ("Red Hat:enterprise_linux:9.2", LeftOut::NoRelease),
            ("openSUSE:Tumbleweed", LeftOut::NoRelease),
            ("Debian", LeftOut::NoRelease),
            ("Mageia:9", LeftOut::NoPackages),
            ("Android:14", LeftOut::NoPackages),
            ("CPE", LeftOut::NoPackages),
        ] {
            assert_eq!(place(&ecosystem.parse().expect("an ecosystem")), Err(reason), "{ecosystem}");
        }
        assert!(PACKAGE_NAMES.is_sorted() && NAMES.is_sorted());
    }
}
