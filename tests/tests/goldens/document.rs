//! One document of a peer: an inventory, what the peer found in it, and what the peer could know.

use std::collections::{BTreeMap, BTreeSet};

use domain::advisory::PackageKey;
use domain::component::{Component, Inventory};
use domain::ecosystem::{Ecosystem, EcosystemKind};
use domain::purl::Purl;
use domain::time::Timestamp;
use serde_json::json;

pub(crate) struct Document {
    /// `tool: what it is of`.
    pub(crate) name: String,
    pub(crate) inventory: Inventory,
    pub(crate) findings: Vec<Theirs>,
    pub(crate) knowledge: Knowledge,
}

/// A finding of the peer.
#[derive(Clone, Debug)]
pub(crate) struct Theirs {
    /// As [`place`] writes it.
    pub(crate) place: String,
    pub(crate) id: String,
    /// The package in the peer's own terms, where it states them.
    pub(crate) package: Option<PackageKey>,
    /// The fixed version or the range that the peer gives as its reason.
    pub(crate) reason: String,
}

/// What the peer's data held.
pub(crate) enum Knowledge {
    /// Everything that was public on that day.
    Until(Timestamp),
    /// These vulnerabilities of these packages, by bucket of a Trivy database.
    Database(BTreeMap<String, BTreeSet<(String, String)>>),
    /// Unknown: the report is an excerpt, so that only what it states can be compared.
    Excerpt,
}

/// Where a finding is: a purl without qualifiers, in the one spelling of its ecosystem.
pub(crate) fn place(purl: &Purl) -> String {
    let mut bare = Purl { qualifiers: BTreeMap::new(), subpath: None, ..purl.clone() };
    if purl.package_type == "pypi" {
        bare.name = Ecosystem::rolling(EcosystemKind::PyPi).normalise_name(&bare.name);
    }
    bare.to_string().to_lowercase()
}

pub(crate) fn place_of(component: &Component) -> String {
    match &component.purl {
        Some(purl) => {
            let version = purl.version.clone().or_else(|| component.version.clone());
            place(&Purl { version, ..purl.clone() })
        }
        None => format!("{}@{}", component.name, component.version.as_deref().unwrap_or_default()),
    }
}

/// Builds a purl out of the parts that a report gives.
pub(crate) fn purl(package_type: &str, name: &str, version: &str) -> Purl {
    let (namespace, name) = match package_type {
        "maven" => name.split_once(':').map_or((None, name), |(group, artifact)| (Some(group), artifact)),
        "npm" | "golang" | "composer" | "swift" | "github" => {
            name.rsplit_once('/').map_or((None, name), |(namespace, name)| (Some(namespace), name))
        }
        _ => (None, name),
    };
    Purl {
        package_type: package_type.to_owned(),
        namespace: namespace.map(str::to_owned),
        name: name.to_owned(),
        version: (!version.is_empty()).then(|| version.to_owned()),
        qualifiers: BTreeMap::new(),
        subpath: None,
    }
}

/// A system package, with the distribution (`debian-10`) and the source package in the purl.
pub(crate) fn system(package_type: &str, name: &str, version: &str, distro: &str, source: Option<&str>) -> Purl {
    let namespace = distro.split('-').next().map(str::to_owned);
    let mut purl = Purl { namespace, ..purl(package_type, name, version) };
    purl.qualifiers.insert("distro".to_owned(), distro.to_owned());
    if let Some(source) = source {
        purl.qualifiers.insert("upstream".to_owned(), source.to_owned());
    }
    purl
}

/// The purl of a package under its OSV ecosystem. OSV names source packages.
pub(crate) fn osv_purl(ecosystem: &str, name: &str, version: &str) -> Option<Purl> {
    let (family, release) = ecosystem.split_once(':').unwrap_or((ecosystem, ""));
    let package_type = match family {
        "PyPI" => "pypi",
        "npm" => "npm",
        "Go" => "golang",
        "Maven" => "maven",
        "crates.io" => "cargo",
        "RubyGems" => "gem",
        "Packagist" => "composer",
        "NuGet" => "nuget",
        "Hackage" => "hackage",
        "SwiftURL" => "swift",
        "Alpine" => return Some(source(system("apk", name, version, &release.replace('v', "alpine-"), None))),
        "Debian" => return Some(source(system("deb", name, version, &format!("debian-{release}"), None))),
        "Ubuntu" => return Some(source(system("deb", name, version, &format!("ubuntu-{release}"), None))),
        "openSUSE" => return Some(source(system("rpm", name, version, "opensuse-leap-15.5", None))),
        _ => return None,
    };
    Some(purl(package_type, name, version))
}

fn source(mut purl: Purl) -> Purl {
    purl.qualifiers.insert("arch".to_owned(), "source".to_owned());
    purl
}

pub(crate) fn osv_key(ecosystem: &str, name: &str) -> Option<PackageKey> {
    ecosystem.parse::<Ecosystem>().ok().map(|ecosystem| PackageKey::new(ecosystem, name))
}

/// The inventory of a report, by way of an SBOM document.
pub(crate) fn inventory(tool: &str, purls: impl IntoIterator<Item = Purl>) -> Inventory {
    let texts: BTreeSet<String> = purls.into_iter().map(|purl| purl.to_string()).collect();
    let components: Vec<_> = texts.iter().map(|purl| json!({"type": "library", "name": purl, "purl": purl})).collect();
    let document = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "metadata": {"tools": [{"name": tool}]},
        "components": components,
    });
    read(document.to_string().as_bytes())
}

pub(crate) fn read(bytes: &[u8]) -> Inventory {
    sbom::read(bytes, &sbom::Limits::default()).expect("a readable SBOM")
}

pub(crate) fn day(text: &str) -> Timestamp {
    Timestamp::parse_lenient(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}
