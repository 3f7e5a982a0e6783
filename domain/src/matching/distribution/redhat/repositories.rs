//! Which products the packages of a repository belong to: Red Hat's table, as of its date.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::number;

const TABLE: &str = include_str!("repositories.txt");
const ARCHITECTURES: [&str; 7] = ["x86_64", "aarch64", "ppc64le", "s390x", "ppc64", "i386", "i686"];

/// Products by the name of the repository, in which `*` stands for the architecture.
static PRODUCTS: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
    let rows = TABLE.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('\t'));
    rows.flat_map(|(products, repositories)| repositories.split(' ').map(move |repository| (repository, products)))
        .collect()
});

/// The products of a repository; none when it is not known.
pub(super) fn products(repository: &str) -> Vec<String> {
    let repository = repository.replace("-debug-rpms", "-rpms");
    let known = PRODUCTS.get(repository.as_str()).or_else(|| PRODUCTS.get(general(&repository).as_str()));
    match known {
        Some(products) => products.split(' ').map(str::to_owned).collect(),
        None => newer(&repository).into_iter().collect(),
    }
}

/// The name with `*` for its architecture.
fn general(repository: &str) -> String {
    let named = |part: &str| if ARCHITECTURES.contains(&part) { "*".to_owned() } else { part.to_owned() };
    repository.split('-').map(named).collect::<Vec<_>>().join("-")
}

/// Repositories of releases that are newer than the table follow the names of those in it:
/// `rhel-10-for-x86_64-baseos-rpms`.
fn newer(repository: &str) -> Option<String> {
    let general = general(repository);
    let (major, part) = general.strip_prefix("rhel-")?.strip_suffix("-rpms")?.split_once("-for-*-")?;
    let major = number(major).filter(|major| major.parse::<u32>().is_ok_and(|major| major >= 10))?;
    ["baseos", "appstream", "supplementary"].contains(&part).then(|| format!("enterprise_linux:{major}::{part}"))
}

#[cfg(test)]
mod tests {
    use super::products;

    #[test]
    fn repositories_have_the_products_of_red_hats_table() {
        assert_eq!(products("rhel-9-for-aarch64-baseos-rpms"), ["enterprise_linux:9::baseos"]);
        assert_eq!(
            products("rhel-9-for-x86_64-appstream-eus-rpms"),
            ["rhel_eus:9.0::appstream", "rhel_eus:9.2::appstream"]
        );
        assert_eq!(products("rhel-7-server-extras-rpms"), ["rhel_extras_other:7"]);
        assert_eq!(products("rhel-9-for-x86_64-baseos-debug-rpms"), ["enterprise_linux:9::baseos"]);
        assert_eq!(products("rhel-10-for-x86_64-appstream-rpms"), ["enterprise_linux:10::appstream"]);
        assert!(products("epel").is_empty());
    }
}
