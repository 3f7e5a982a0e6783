//! What the purl specification's type definitions say of single types.
//!
//! Two liberties, so that no component is lost for a formality. `deb`, `rpm`,
//! `apk` and `alpm` may lack the namespace that their definitions ask for: the
//! document can name the distribution elsewhere. So may `golang`: a module path
//! may have one segment (`go.opencensus.io`). Everywhere else a missing or a
//! prohibited namespace makes a name under which no advisory would ever be
//! found, so refusing it is better than finding nothing.

use super::Purl;

/// Does the type have a namespace?
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Namespace {
    Optional,
    Required,
    Prohibited,
}

/// The rules of one type. Case is kept where nothing is said.
#[derive(Clone, Copy)]
pub(super) struct Rules {
    pub(super) namespace: Namespace,
    /// A qualifier without which the purl names nothing.
    pub(super) qualifier: Option<&'static str>,
    lower_namespace: bool,
    lower_name: bool,
    lower_version: bool,
}

impl Rules {
    const fn new(namespace: Namespace) -> Self {
        Self { namespace, qualifier: None, lower_namespace: false, lower_name: false, lower_version: false }
    }

    const fn with_qualifier(self, key: &'static str) -> Self {
        Self { qualifier: Some(key), ..self }
    }

    const fn lower_namespace(self) -> Self {
        Self { lower_namespace: true, ..self }
    }

    const fn lower_name(self) -> Self {
        Self { lower_name: true, ..self }
    }

    const fn lower_version(self) -> Self {
        Self { lower_version: true, ..self }
    }
}

/// `package_type` is in lower case.
pub(super) fn rules(package_type: &str) -> Rules {
    const FREE: Rules = Rules::new(Namespace::Optional);
    const SCOPED: Rules = Rules::new(Namespace::Required);
    const FLAT: Rules = Rules::new(Namespace::Prohibited);
    match package_type {
        "alpm" | "apk" | "brew" | "deb" | "hex" | "luarocks" => FREE.lower_namespace().lower_name(),
        "rpm" | "yocto" => FREE.lower_namespace(),
        "bitbucket" | "composer" | "github" => SCOPED.lower_namespace().lower_name(),
        "vscode-extension" => SCOPED.lower_namespace().lower_name().lower_version(),
        "qpkg" => SCOPED.lower_namespace(),
        "huggingface" => SCOPED.lower_version(),
        "git" | "maven" | "swift" => SCOPED,
        "bitnami" | "chrome-extension" | "otp" | "pub" => FLAT.lower_name(),
        "oci" | "pypi" => FLAT.lower_name().lower_version(),
        "julia" => FLAT.with_qualifier("uuid"),
        "bazel" | "cargo" | "cocoapods" | "conda" | "cran" | "gem" | "hackage" | "mlflow" | "nuget" | "opam"
        | "vcpkg" => FLAT,
        "swid" => FREE.with_qualifier("tag_id"),
        _ => FREE,
    }
}

/// Brings names to the one spelling of their type. Applying it twice changes nothing.
pub(super) fn normalise(purl: &mut Purl) {
    let rules = rules(&purl.package_type);
    if let (true, Some(namespace)) = (rules.lower_namespace, &mut purl.namespace) {
        namespace.make_ascii_lowercase();
    }
    if rules.lower_name {
        purl.name.make_ascii_lowercase();
    }
    if let (true, Some(version)) = (rules.lower_version, &mut purl.version) {
        version.make_ascii_lowercase();
    }
    normalise_special(purl);
}

fn normalise_special(purl: &mut Purl) {
    match purl.package_type.as_str() {
        "pypi" if purl.name.contains('_') => purl.name = purl.name.replace('_', "-"),
        "pub" => purl.name = purl.name.replace(|c: char| !c.is_ascii_alphanumeric(), "_"),
        // A CPAN author's id is upper case.
        "cpan" => purl.namespace.iter_mut().for_each(|author| author.make_ascii_uppercase()),
        // Databricks ignores the case of model names, Azure does not.
        "mlflow" if purl.qualifier("repository_url").is_some_and(|url| url.contains("databricks")) => {
            purl.name.make_ascii_lowercase();
        }
        _ => {}
    }
}
