//! Where in a Trivy DB an ecosystem's advisories lie, and in which of its forms.

use std::collections::BTreeSet;

use domain::ecosystem::{Ecosystem, EcosystemKind};

/// The bucket of a distribution, or what the buckets of a language begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Platform {
    Distribution { bucket: String, form: Form },
    Language { slug: &'static str },
}

/// How a distribution's advisories are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// The version that fixes it.
    Fixed,
    /// The same, and the first affected version, which the drivers of apk distributions heed.
    Bounds,
    /// A list of fixes for architectures. A driver that reads it takes no package whose architecture is not listed.
    Entries,
}

/// None for an ecosystem that Trivy has no driver for.
pub(super) fn platform(ecosystem: &Ecosystem) -> Option<Platform> {
    use EcosystemKind as Kind;
    let release = ecosystem.release.as_deref();
    let distribution = |bucket: String, form| Some(Platform::Distribution { bucket, form });
    match ecosystem.kind {
        Kind::AlmaLinux => distribution(format!("alma {}", major(release?)), Form::Fixed),
        Kind::Alpine => distribution(format!("alpine {}", release?.trim_start_matches('v')), Form::Bounds),
        Kind::Amazon => distribution(format!("amazon linux {}", release?), Form::Fixed),
        Kind::AzureLinux => distribution(azure(release?), Form::Fixed),
        Kind::Chainguard => distribution("chainguard".to_owned(), Form::Bounds),
        Kind::Debian => distribution(format!("debian {}", major(release?)), Form::Fixed),
        Kind::Echo => distribution("echo".to_owned(), Form::Fixed),
        Kind::MinimOs => distribution("minimos".to_owned(), Form::Bounds),
        Kind::OpenSuse => distribution(format!("openSUSE {}", release?), Form::Fixed),
        Kind::OracleLinux => distribution(format!("Oracle Linux {}", major(release?)), Form::Entries),
        Kind::PhotonOs => distribution(format!("Photon OS {}", release?), Form::Fixed),
        Kind::RockyLinux => distribution(format!("rocky {}", major(release?)), Form::Entries),
        Kind::Suse => distribution(suse(release?)?, Form::Fixed),
        Kind::Ubuntu => distribution(ubuntu(release?), Form::Fixed),
        Kind::Wolfi => distribution("wolfi".to_owned(), Form::Bounds),
        kind => slug(kind).map(|slug| Platform::Language { slug }),
    }
}

fn slug(kind: EcosystemKind) -> Option<&'static str> {
    use EcosystemKind as Kind;
    Some(match kind {
        Kind::Bitnami => "bitnami",
        Kind::CocoaPods => "cocoapods",
        Kind::ConanCenter => "conan",
        Kind::CratesIo => "cargo",
        Kind::Go => "go",
        Kind::Hex => "erlang",
        Kind::Julia => "julia",
        Kind::Kubernetes => "k8s",
        Kind::Maven => "maven",
        Kind::Npm => "npm",
        Kind::NuGet => "nuget",
        Kind::Packagist => "composer",
        Kind::Pub => "pub",
        Kind::PyPi => "pip",
        Kind::RubyGems => "rubygems",
        Kind::SwiftUrl => "swift",
        _ => return None,
    })
}

fn major(release: &str) -> &str {
    release.split('.').next().unwrap_or(release)
}

/// Trivy asks with major and minor release; ours are major ones, and no other minor release has been made.
fn azure(release: &str) -> String {
    let minor = if release.contains('.') { "" } else { ".0" };
    match major(release) {
        "1" | "2" => format!("CBL-Mariner {release}{minor}"),
        _ => format!("Azure Linux {release}{minor}"),
    }
}

/// `Linux Enterprise 15 SP5`, which is 15.5 there, and `Linux Micro 6.0`, which had another name before 6.0.
fn suse(release: &str) -> Option<String> {
    if let Some(version) = release.strip_prefix("Linux Micro ") {
        return Some(format!("SUSE Linux Enterprise Micro {version}"));
    }
    release.starts_with("Linux Enterprise ").then(|| format!("SUSE {}", release.replace(" SP", ".")))
}

/// Does the driver report what has no fix?
pub(super) fn takes_unfixed(kind: EcosystemKind) -> bool {
    use EcosystemKind as Kind;
    matches!(kind, Kind::Alpine | Kind::AzureLinux | Kind::Debian | Kind::Echo | Kind::Ubuntu)
}

/// `22.04:LTS` and `Pro:18.04:LTS`, as OSV names them.
fn ubuntu(release: &str) -> String {
    let number = release.split(':').find(|part| part.starts_with(|c: char| c.is_ascii_digit())).unwrap_or(release);
    let extended = if release.starts_with("Pro") { "-ESM" } else { "" };
    format!("ubuntu {number}{extended}")
}

/// The keys of a package: its name, as its registry spells it, too. Trivy looks a Python package up with its dots, which the canonical name has lost: each
/// spelling that the name may have come from is a key, as long as these are few.
pub(super) fn keys<'a>(
    ecosystem: &Ecosystem,
    name: &'a str,
    spellings: impl Iterator<Item = &'a str>,
) -> BTreeSet<String> {
    const DASHES_MAX: usize = 3;
    let dashes: Vec<usize> = name.match_indices('-').map(|(at, _)| at).collect();
    if ecosystem.kind != EcosystemKind::PyPi || dashes.is_empty() || dashes.len() > DASHES_MAX {
        return spellings.chain([name]).map(str::to_owned).collect();
    }
    (0..1_usize << dashes.len())
        .map(|chosen| {
            let dotted = |at| dashes.iter().position(|dash| *dash == at).is_some_and(|bit| chosen >> bit & 1 == 1);
            name.char_indices().map(|(at, c)| if c == '-' && dotted(at) { '.' } else { c }).collect()
        })
        .collect()
}

/// What a Trivy DB calls a source: its bucket, its id and its home.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct DataSource {
    pub(super) id: &'static str,
    pub(super) name: String,
    pub(super) url: String,
}

/// The source that decides, in the words of a Trivy DB. A source of which that knows nothing is named as it is here.
pub(super) fn data_source(source: &str, slug: Option<&str>) -> DataSource {
    let known = |id, name: &str, url: &str| DataSource { id, name: name.to_owned(), url: url.to_owned() };
    match (source, slug) {
        ("ghsa", Some(slug)) => DataSource {
            id: "ghsa",
            name: format!("GitHub Security Advisory {}", ghsa(slug)),
            url: format!("https://github.com/advisories?query=type%3Areviewed+ecosystem%3A{}", ghsa_query(slug)),
        },
        ("go", _) => known("govulndb", "The Go Vulnerability Database", "https://pkg.go.dev/vuln/"),
        ("rubysec", _) => {
            known("ruby-advisory-db", "Ruby Advisory Database", "https://github.com/rubysec/ruby-advisory-db")
        }
        ("bitnami", _) => known("bitnami", "Bitnami Vulnerability Database", "https://github.com/bitnami/vulndb"),
        ("julia", _) => {
            known("julia", "Julia Ecosystem Security Advisories", "https://github.com/JuliaLang/SecurityAdvisories.jl")
        }
        ("kubernetes", _) => known(
            "k8s",
            "Official Kubernetes CVE Feed",
            "https://kubernetes.io/docs/reference/issues-security/official-cve-feed/index.json",
        ),
        ("alma", None) => known("alma", "AlmaLinux Product Errata", "https://errata.almalinux.org/"),
        ("alpine", None) => known("alpine", "Alpine Secdb", "https://secdb.alpinelinux.org/"),
        ("amazon", None) => known("amazon", "Amazon Linux Security Center", "https://alas.aws.amazon.com/"),
        ("azure-linux", None) => {
            known("azure", "Azure Linux Vulnerability Data", "https://github.com/microsoft/AzureLinuxVulnerabilityData")
        }
        ("chainguard", None) => {
            known("chainguard", "Chainguard Security Data", "https://packages.cgr.dev/chainguard/security.json")
        }
        ("debian", None) => known(
            "debian",
            "Debian Security Tracker",
            "https://salsa.debian.org/security-tracker-team/security-tracker",
        ),
        ("echo", None) => known("echo", "Echo", "https://advisory.echohq.com/data.json"),
        ("minimos", None) => {
            known("minimos", "MinimOS Security Data", "https://packages.mini.dev/advisories/secdb/security.json")
        }
        ("oracle", None) => {
            known("oracle-oval", "Oracle Linux OVAL definitions", "https://linux.oracle.com/security/oval/")
        }
        ("photon", None) => {
            known("photon", "Photon OS CVE metadata", "https://packages.broadcom.com/photon/photon_cve_metadata/")
        }
        ("redhat", None) => {
            known("redhat-csaf-vex", "Red Hat CSAF VEX", "https://access.redhat.com/security/data/csaf/v2/vex/")
        }
        ("rocky", None) => known("rocky", "Rocky Linux updateinfo", "https://download.rockylinux.org/pub/rocky/"),
        ("ubuntu", None) => known("ubuntu", "Ubuntu CVE Tracker", "https://git.launchpad.net/ubuntu-cve-tracker"),
        ("wolfi", None) => known("wolfi", "Wolfi Secdb", "https://packages.wolfi.dev/os/security.json"),
        (source, _) => match crate::source::source_info(source) {
            Some(info) => known("osv", info.name, info.url),
            None => known("osv", source, ""),
        },
    }
}

/// The id that ratings of a source are kept under.
pub(super) fn rating_id(source: &str) -> &str {
    match source {
        "go" => "govulndb",
        "rubysec" => "ruby-advisory-db",
        "kubernetes" => "k8s",
        "azure-linux" => "azure",
        "alma" | "alpine" | "amazon" | "bitnami" | "chainguard" | "debian" | "echo" | "ghsa" | "julia" | "minimos"
        | "nvd" | "photon" | "redhat" | "rocky" | "ubuntu" | "wolfi" => source,
        _ => "osv",
    }
}

fn ghsa(slug: &str) -> &str {
    match slug {
        "cargo" => "Rust",
        "composer" => "Composer",
        "erlang" => "Erlang",
        "go" => "Go",
        "maven" => "Maven",
        "nuget" => "NuGet",
        "pub" => "Pub",
        "rubygems" => "RubyGems",
        "swift" | "cocoapods" => "Swift",
        slug => slug,
    }
}

fn ghsa_query(slug: &str) -> &str {
    match slug {
        "cargo" => "rust",
        slug => slug,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(ecosystem: &str) -> Option<String> {
        match platform(&ecosystem.parse().expect("an ecosystem"))? {
            Platform::Distribution { bucket, .. } => Some(bucket),
            Platform::Language { slug } => Some(format!("{slug}::")),
        }
    }

    #[test]
    fn buckets_are_named_as_trivys_drivers_look_for_them() {
        for (ecosystem, expected) in [
            ("Alpine:v3.19", "alpine 3.19"),
            ("Alpine:edge", "alpine edge"),
            ("Debian:12", "debian 12"),
            ("Ubuntu:22.04:LTS", "ubuntu 22.04"),
            ("Ubuntu:Pro:18.04:LTS", "ubuntu 18.04-ESM"),
            ("Rocky Linux:9", "rocky 9"),
            ("AlmaLinux:8", "alma 8"),
            ("Azure Linux:3", "Azure Linux 3.0"),
            ("Azure Linux:3.0", "Azure Linux 3.0"),
            ("Azure Linux:2", "CBL-Mariner 2.0"),
            ("Photon OS:5.0", "Photon OS 5.0"),
            ("Oracle Linux:9", "Oracle Linux 9"),
            ("SUSE:Linux Enterprise 15 SP5", "SUSE Linux Enterprise 15.5"),
            ("SUSE:Linux Enterprise 16.0", "SUSE Linux Enterprise 16.0"),
            ("SUSE:Linux Enterprise 12", "SUSE Linux Enterprise 12"),
            ("SUSE:Linux Enterprise Micro 5.5", "SUSE Linux Enterprise Micro 5.5"),
            ("SUSE:Linux Micro 6.0", "SUSE Linux Enterprise Micro 6.0"),
            ("openSUSE:Leap 15.6", "openSUSE Leap 15.6"),
            ("openSUSE:Tumbleweed", "openSUSE Tumbleweed"),
            ("Wolfi", "wolfi"),
            ("PyPI", "pip::"),
            ("crates.io", "cargo::"),
            ("Hex", "erlang::"),
        ] {
            assert_eq!(bucket(ecosystem).as_deref(), Some(expected), "{ecosystem}");
        }
        // No driver of Trivy reads these.
        for ecosystem in ["Gentoo", "Mageia:9", "Android:14", "CRAN", "Debian"] {
            assert_eq!(bucket(ecosystem), None, "{ecosystem}");
        }
    }

    #[test]
    fn a_python_package_is_found_under_each_spelling_it_may_have() {
        let of = |ecosystem: &str, name, spelling: Option<&str>| -> Vec<String> {
            keys(&ecosystem.parse().expect("known"), name, spelling.into_iter()).into_iter().collect()
        };
        assert_eq!(of("PyPI", "zope-interface", None), ["zope-interface", "zope.interface"]);
        assert_eq!(of("PyPI", "a-b-c", None).len(), 4);
        assert_eq!(of("PyPI", "requests", None), ["requests"]);
        assert_eq!(of("npm", "zope-interface", None), ["zope-interface"]);
        let module = of("Go", "github.com/azure/x", Some("github.com/Azure/x"));
        assert_eq!(module, ["github.com/Azure/x", "github.com/azure/x"]);
    }
}
