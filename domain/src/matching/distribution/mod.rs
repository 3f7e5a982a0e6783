//! Operating-system packages: one file per distribution and one line in [`RULES`].

mod alpine;
mod arch;
mod debian;
mod redhat;
mod rpm;
mod suse;
mod ubuntu;
mod wolfi;

pub use debian::release as debian_release;
pub use redhat::stream as redhat_stream;
pub use suse::suse_release;
pub use ubuntu::ubuntu_release;

use super::plan::{Lookup, SourceNames};
use crate::advisory::PackageKey;
use crate::component::{Component, Distribution, SourcePackage};
use crate::ecosystem::Ecosystem;
use crate::finding::Unevaluated;
use crate::purl::Purl;

/// What is particular to a distribution.
struct Rules {
    /// The `ID`s of os-release, purl namespaces and Trivy's names of families that mean it.
    ids: &'static [&'static str],
    /// The ecosystem for a `VERSION_ID` or codename; None when it names no release.
    ecosystem: fn(version: Option<&str>) -> Option<Ecosystem>,
    named: Named,
    compared: Compared,
    /// Which look-ups a package makes: [`one`], or several where streams are kept apart.
    plan: fn(&Asked<'_>) -> Result<Vec<Lookup>, Unevaluated>,
}

/// Under which name advisories list a package.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    Source,
    Binary,
}

/// A package of a distribution, about to be looked up.
struct Asked<'a> {
    rules: &'static Rules,
    distribution: &'a Distribution,
    purl: &'a Purl,
    /// The binary's version, with its epoch.
    version: String,
    source: Option<SourcePackage>,
    assumed_source: bool,
    module: Option<String>,
}

/// Which version is compared with the advisory's.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Compared {
    /// The source package's.
    Source,
    /// The binary package's, although the name is the source package's.
    Binary,
}

const RULES: &[&Rules] = &[
    &alpine::RULES,
    &arch::RULES,
    &debian::RULES,
    &redhat::RULES,
    &rpm::ALMA,
    &rpm::AMAZON,
    &rpm::AZURE,
    &rpm::FEDORA,
    &rpm::ORACLE,
    &rpm::PHOTON,
    &rpm::ROCKY,
    &suse::ENTERPRISE,
    &suse::LEAP,
    &suse::MICRO,
    &suse::TUMBLEWEED,
    &ubuntu::RULES,
    &wolfi::CHAINGUARD,
    &wolfi::WOLFI,
];

/// Is this purl type matched by distribution? (`alpine` is what old Syft wrote for `apk`.)
pub(super) fn is_system_package(purl_type: &str) -> bool {
    matches!(purl_type, "alpine" | "apk" | "deb" | "rpm" | "alpm" | "ebuild")
}

/// The ecosystem whose advisories speak for a distribution.
pub fn ecosystem_of(distribution: &Distribution) -> Result<Ecosystem, Unevaluated> {
    let rules = rules_of(distribution)?;
    (rules.ecosystem)(distribution.version.as_deref()).ok_or(Unevaluated::UnknownDistribution)
}

fn rules_of(distribution: &Distribution) -> Result<&'static Rules, Unevaluated> {
    let found = RULES.iter().find(|rules| rules.ids.contains(&distribution.id.as_str()));
    found.copied().ok_or_else(|| Unevaluated::UnsupportedDistribution { distribution: display(distribution) })
}

fn display(distribution: &Distribution) -> String {
    match &distribution.version {
        Some(version) => format!("{} {version}", distribution.id),
        None => distribution.id.clone(),
    }
}

/// Plans the look-up of a system package.
pub(super) fn lookups(
    component: &Component,
    purl: &Purl,
    version: &str,
    document: Option<&Distribution>,
    names: SourceNames,
) -> Result<Vec<Lookup>, Unevaluated> {
    let distribution = distribution(purl, document)?;
    let rules = rules_of(&distribution)?;
    let source = source_package(component, purl);
    let module = component.module.clone().or_else(|| purl.qualifier("rpmmod").map(str::to_owned));
    (rules.plan)(&Asked {
        rules,
        distribution: &distribution,
        purl,
        version: with_epoch(version, purl.qualifier("epoch")),
        assumed_source: source.is_none() && names == SourceNames::Absent,
        source,
        module: module.filter(|label| !label.is_empty() && label != "(none)"),
    })
}

/// The one look-up that most distributions need.
fn one(asked: &Asked<'_>) -> Result<Vec<Lookup>, Unevaluated> {
    let release = asked.distribution.version.as_deref();
    let ecosystem = (asked.rules.ecosystem)(release).ok_or(Unevaluated::UnknownDistribution)?;
    Ok(vec![asked.lookup(ecosystem, asked.rules.named, asked.rules.compared)])
}

impl Asked<'_> {
    fn lookup(&self, ecosystem: Ecosystem, named: Named, compared: Compared) -> Lookup {
        let source = self.source.as_ref();
        let name = match (named, source) {
            (Named::Source, Some(source)) => &source.name,
            (Named::Source, None) | (Named::Binary, _) => &self.purl.name,
        };
        let version = match (compared, source.and_then(|source| source.version.clone())) {
            // A source RPM has the epoch of its binaries, but its file name leaves it out.
            (Compared::Source, Some(version)) if self.purl.package_type == "rpm" => {
                with_epoch(&version, self.version.split_once(':').map(|(epoch, _)| epoch))
            }
            (Compared::Source, Some(version)) => version,
            (Compared::Source, None) | (Compared::Binary, _) => self.version.clone(),
        };
        let mut lookup = Lookup::new(PackageKey::new(ecosystem, name), version);
        lookup.arch = self.purl.qualifier("arch").map(str::to_owned);
        lookup.module = self.module.clone();
        lookup.assumed_source = self.assumed_source && named == Named::Source;
        lookup
    }
}

/// The text, if it is a number.
fn number(text: &str) -> Option<&str> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(text)
}

/// The distribution that a purl names, completed by the document's own.
fn distribution(purl: &Purl, document: Option<&Distribution>) -> Result<Distribution, Unevaluated> {
    if let Some(stated) = stated_distribution(purl) {
        return Ok(stated);
    }
    match (namespace(purl), document) {
        // A namespace that contradicts the document (a `deb/ubuntu` purl on Debian) wins,
        // but then nobody says which release it is.
        (Some(id), Some(document)) if !is_same_system(&id, &document.id) => Ok(Distribution { id, version: None }),
        (_, Some(document)) => Ok(document.clone()),
        (Some(id), None) => Ok(Distribution { id, version: None }),
        (None, None) => Err(Unevaluated::UnknownDistribution),
    }
}

/// The distribution with its release that the purl of a system package states by itself.
pub fn stated_distribution(purl: &Purl) -> Option<Distribution> {
    if !is_system_package(&purl.package_type) {
        return None;
    }
    // cdxgen puts the codename beside, which is all that there is of a release in the making.
    let text = purl.qualifier("distro").or_else(|| purl.qualifier("distro_name"))?;
    Some(parse_qualifier(text, namespace(purl).as_deref())).filter(|stated| stated.version.is_some())
}

fn namespace(purl: &Purl) -> Option<String> {
    let own = (purl.package_type == "alpine").then_some("alpine");
    purl.namespace.as_deref().or(own).map(str::to_ascii_lowercase)
}

/// Reads `debian-12`, `alpine-3.19.1`, `3.19.1` (Trivy's apk) and `bookworm` (OSV).
fn parse_qualifier(text: &str, namespace: Option<&str>) -> Distribution {
    // Trivy writes the name of a release behind its number: `amazon-2 (Karoo)`.
    let text = text.split(" (").next().unwrap_or(text).to_ascii_lowercase();
    let own = namespace.unwrap_or_default().to_owned();
    if is_numbered(&text) {
        return Distribution { id: own, version: Some(text) };
    }
    // `opensuse-leap-15.6` is a system of its own in the namespace `opensuse`.
    let longer = |rest: &str| !is_numbered(rest) && rest.rsplit_once('-').is_some_and(|(_, last)| is_numbered(last));
    if let Some(version) = text.strip_prefix(&own).and_then(|rest| rest.strip_prefix('-')).filter(|rest| !longer(rest))
    {
        return Distribution { id: own, version: Some(version.to_owned()) };
    }
    match text.rsplit_once('-') {
        Some((id, version)) if is_numbered(version) || version == "edge" => {
            Distribution { id: id.to_owned(), version: Some(version.to_owned()) }
        }
        _ if !own.is_empty() && text != own => Distribution { id: own, version: Some(text) },
        // `distro=wolfi`: a rolling distribution has no version.
        _ => Distribution { id: text, version: None },
    }
}

fn is_numbered(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

/// Do a purl's namespace and a document's system mean the same? `redhat` is `rhel`, and `suse` stands for
/// all systems of SUSE.
fn is_same_system(namespace: &str, system: &str) -> bool {
    let rules = |id: &str| RULES.iter().position(|rules| rules.ids.contains(&id));
    namespace == system
        || (rules(namespace).is_some() && rules(namespace) == rules(system))
        || (namespace == "opensuse" && system.starts_with("opensuse"))
        || (namespace == "suse" && system.starts_with("sle"))
}

/// The source package in a purl: Syft says `upstream=openssl@3.0.11-1`, SCALIBR says `origin=openssl`
/// of Alpine's packages.
pub(super) fn stated_source(purl: &Purl) -> Option<&str> {
    let origin = || purl.qualifier("origin").filter(|_| matches!(purl.package_type.as_str(), "alpine" | "apk"));
    purl.qualifier("upstream").or_else(origin)
}

fn source_package(component: &Component, purl: &Purl) -> Option<SourcePackage> {
    if purl.package_type == "rpm"
        && let Some(source) = purl.qualifier("upstream").and_then(source_rpm)
    {
        return component.source_package.clone().or(Some(source));
    }
    let upstream = stated_source(purl).map(|upstream| match upstream.split_once('@') {
        Some((name, version)) => SourcePackage { name: name.into(), version: Some(version.into()) },
        None => SourcePackage { name: upstream.into(), version: None },
    });
    // OSV's own purls name the source package itself.
    let source_itself =
        || (purl.qualifier("arch") == Some("source")).then(|| SourcePackage { name: purl.name.clone(), version: None });
    component.source_package.clone().or(upstream).or_else(source_itself)
}

/// `openssl-3.0.7-27.el9.src.rpm`, as Syft writes it. The epoch, which the file name lacks, is that
/// of the binary in all but a few packages.
fn source_rpm(file: &str) -> Option<SourcePackage> {
    let label = file.strip_suffix(".rpm")?;
    let (label, _arch) = label.rsplit_once('.')?;
    let (rest, release) = label.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    Some(SourcePackage { name: name.to_owned(), version: Some(format!("{version}-{release}")) })
}

fn with_epoch(version: &str, epoch: Option<&str>) -> String {
    match epoch {
        Some(epoch) if epoch != "0" && !version.contains(':') => format!("{epoch}:{version}"),
        _ => version.to_owned(),
    }
}
