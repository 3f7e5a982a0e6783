//! Red Hat Enterprise Linux, and CentOS, which rebuilt it.
//!
//! Red Hat keeps its statements per stream of a product (`enterprise_linux:9::appstream`,
//! `rhel_eus:9.2::baseos`: the CPE without its beginning). A package is looked up in the streams
//! of the repository that it came from, by Red Hat's own table, when its purl names one
//! (`repository_id`), and else in those that every system of the release has; the evidence of a
//! finding says which. What a vulnerability leaves open is stated of the release as a whole
//! (`enterprise_linux:9`), so that is always asked too.
//!
//! Some statements name only the source package (architecture `src`): it is looked up beside the
//! binary.

mod repositories;

use std::collections::BTreeSet;

use super::rpm::major_of;
use super::{Asked, Compared, Named, Rules, number};
use crate::ecosystem::{Ecosystem, EcosystemKind};
use crate::finding::Unevaluated;
use crate::matching::plan::Lookup;

pub(super) const RULES: Rules =
    Rules { ids: &["rhel", "redhat", "centos"], ecosystem, named: Named::Binary, compared: Compared::Binary, plan };

/// Minor releases of RHEL 10 that are asked when the system does not say which it is.
const MINORS: u32 = 9;

/// The stream that a CPE of Red Hat's means; None for other vendors' CPEs.
pub fn stream(cpe: &str) -> Option<Ecosystem> {
    let product = cpe.strip_prefix("cpe:/")?.split_once(":redhat:").filter(|(part, _)| part.len() == 1)?.1;
    let product = product.trim_end_matches(':');
    (!product.is_empty()).then(|| of(product))
}

fn of(product: &str) -> Ecosystem {
    Ecosystem::release(EcosystemKind::RedHat, product)
}

fn ecosystem(version: Option<&str>) -> Option<Ecosystem> {
    major_of(version).map(|major| of(&format!("enterprise_linux:{major}")))
}

/// Streams, and why these.
struct Streams {
    products: BTreeSet<String>,
    basis: String,
}

fn plan(asked: &Asked<'_>) -> Result<Vec<Lookup>, Unevaluated> {
    let version = asked.distribution.version.as_deref();
    let major = major_of(version).ok_or(Unevaluated::UnknownDistribution)?;
    let mut streams = match asked.purl.qualifier("repository_id") {
        Some(repository) => of_repository(repository, version)?,
        None => defaults(major, version),
    };
    streams.products.insert(format!("enterprise_linux:{major}"));
    if major.parse::<u32>().is_ok_and(|major| major >= 10) {
        streams.products = with_minors(streams.products, major, version.and_then(minor_of));
    }
    // A statement of the whole product is one of each of its variants.
    let whole: Vec<String> = streams.products.iter().filter_map(|product| without_variant(product)).collect();
    streams.products.extend(whole);
    let mut lookups = Vec::with_capacity(2 * streams.products.len());
    for product in &streams.products {
        let stream = of(product);
        lookups.push(asked.lookup(stream.clone(), Named::Binary, Compared::Binary));
        if asked.source.is_some() {
            let by_source = asked.lookup(stream, Named::Source, Compared::Source);
            lookups.push(Lookup { arch: Some("src".to_owned()), ..by_source });
        }
    }
    for lookup in &mut lookups {
        lookup.alternative = true;
        lookup.basis = Some(format!("{}, {}", lookup.package.ecosystem, streams.basis));
    }
    Ok(lookups)
}

fn without_variant(product: &str) -> Option<String> {
    product.split_once("::").map(|(whole, _)| whole.to_owned())
}

fn of_repository(repository: &str, version: Option<&str>) -> Result<Streams, Unevaluated> {
    // `rhel-8-for-x86_64-baseos-rpms__8` names the same content as without the ending.
    let id = repository.split("__").next().unwrap_or(repository);
    let products = repositories::products(id);
    if products.is_empty() {
        let repository = repository.chars().take(100).collect();
        return Err(Unevaluated::UnknownRepository { repository });
    }
    Ok(Streams { products: of_minor(products, version), basis: format!("of repository {id}") })
}

/// A repository of extended support stands for that of every minor release; a system has one.
fn of_minor(products: Vec<String>, version: Option<&str>) -> BTreeSet<String> {
    let minor = version.and_then(minor_of).zip(major_of(version));
    let Some(own) = minor.map(|(minor, major)| format!("{major}.{minor}")) else {
        return products.into_iter().collect();
    };
    let release =
        |product: &String| product.split(':').nth(1).filter(|release| release.contains('.')).map(str::to_owned);
    if !products.iter().any(|product| release(product).as_ref() == Some(&own)) {
        return products.into_iter().collect();
    }
    products.into_iter().filter(|product| release(product).is_none_or(|release| release == own)).collect()
}

fn minor_of(version: &str) -> Option<&str> {
    let minor = version.split('.').nth(1)?;
    number(minor.split('+').next()?)
}

fn defaults(major: &str, version: Option<&str>) -> Streams {
    let eus = version.is_some_and(|version| version.ends_with("+eus"));
    let minor = version.and_then(minor_of);
    let products = match (major, minor) {
        (_, Some(minor)) if eus => {
            vec![format!("rhel_eus:{major}.{minor}::baseos"), format!("rhel_eus:{major}.{minor}::appstream")]
        }
        ("6" | "7", _) => [format!("rhel-{major}-server-rpms"), format!("rhel-{major}-server-extras-rpms")]
            .iter()
            .flat_map(|id| repositories::products(id))
            .collect(),
        ("8" | "9", _) => ["baseos", "appstream"]
            .iter()
            .flat_map(|part| repositories::products(&format!("rhel-{major}-for-x86_64-{part}-rpms")))
            .collect(),
        _ => vec![format!("enterprise_linux:{major}::baseos"), format!("enterprise_linux:{major}::appstream")],
    };
    let basis = format!("by default for release {major}: the document names no repository");
    Streams { products: products.into_iter().collect(), basis }
}

/// Since release 10 streams are of minor releases, and a fix of an earlier one stays there: those
/// up to the system's own are asked beside the one that is of no minor release.
fn with_minors(products: BTreeSet<String>, major: &str, minor: Option<&str>) -> BTreeSet<String> {
    let whole = format!("enterprise_linux:{major}");
    let last = minor.and_then(|minor| minor.parse().ok()).unwrap_or(MINORS).min(MINORS);
    let mut all = products.clone();
    for rest in products.iter().filter_map(|product| product.strip_prefix(&whole)) {
        all.extend((0..=last).map(|minor| format!("{whole}.{minor}{rest}")));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::{defaults, of_minor, stream, with_minors};

    #[test]
    fn a_cpe_names_its_stream() {
        let named = |cpe| stream(cpe).map(|stream| stream.to_string());
        let want = Some("Red Hat:enterprise_linux:9::appstream".to_owned());
        assert_eq!(named("cpe:/a:redhat:enterprise_linux:9::appstream"), want);
        assert_eq!(named("cpe:/o:redhat:enterprise_linux:9").as_deref(), Some("Red Hat:enterprise_linux:9"));
        assert_eq!(named("cpe:/a:cloudforms_managementengine:5::el5"), None);
        assert_eq!(named("cpe:/o:redhat:"), None);
    }

    #[test]
    fn defaults_are_those_of_the_repositories_that_every_system_has() {
        let of = |version: &str| -> Vec<String> {
            let major = version.split('.').next().unwrap_or_default();
            defaults(major, Some(version)).products.into_iter().collect()
        };
        assert_eq!(of("9.4"), ["enterprise_linux:9::appstream", "enterprise_linux:9::baseos"]);
        assert_eq!(
            of("8"),
            ["enterprise_linux:8::appstream", "enterprise_linux:8::baseos", "rhel:8.3::appstream", "rhel:8.3::baseos"]
        );
        assert_eq!(of("7.9"), ["enterprise_linux:7::server", "rhel_extras_other:7"]);
        assert_eq!(of("9.4+eus"), ["rhel_eus:9.4::appstream", "rhel_eus:9.4::baseos"]);
    }

    #[test]
    fn streams_of_minor_releases_up_to_the_systems_own_are_asked_since_ten() {
        let products = std::collections::BTreeSet::from(["enterprise_linux:10::baseos".to_owned()]);
        let asked: Vec<_> = with_minors(products, "10", Some("1")).into_iter().collect();
        let want = ["enterprise_linux:10.0::baseos", "enterprise_linux:10.1::baseos", "enterprise_linux:10::baseos"];
        assert_eq!(asked, want);
    }

    #[test]
    fn a_system_has_the_extended_support_of_its_own_minor_release() {
        let products = || ["rhel_eus:9.0::appstream", "rhel_eus:9.2::appstream"].map(str::to_owned).to_vec();
        let kept = |version| of_minor(products(), version).into_iter().collect::<Vec<_>>();
        assert_eq!(kept(Some("9.2")), ["rhel_eus:9.2::appstream"]);
        assert_eq!(kept(Some("9.4")), products(), "none is of this one, so all are asked");
        assert_eq!(kept(Some("9")), products());
    }
}
