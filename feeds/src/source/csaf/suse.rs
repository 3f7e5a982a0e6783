//! SUSE: a component is an RPM by the name of its file, a product is a release by its name.

use domain::advisory::Interval;
use domain::matching::suse_release;

use super::{Reader, Said, Vendor, own_level};
use crate::ingest::Ingested;
use crate::source::rpm::{Statement, Statements, nevra};

pub(super) const VENDOR: Vendor = Vendor { source, statements };

fn source(id: &str) -> &'static str {
    if id.starts_with("openSUSE-") { "opensuse" } else { "suse" }
}

fn statements(reader: &Reader<'_>, into: &mut Ingested) -> Statements {
    let mut statements = Statements::default();
    let impacts = reader.impacts();
    for (said, id) in reader.statuses(into) {
        let Some(part) = reader.part(id, into) else { continue };
        let named = |product: &'_ super::model::Product| product.name.0.clone().unwrap_or_default();
        let (product, component) = (named(part.product), named(part.component));
        let Some(release) = suse_release(&product) else {
            into.note(reader.source, "product that is no release of SUSE or openSUSE: ignored", || {
                format!("{}: {product}", reader.document)
            });
            continue;
        };
        let (name, fixed, arch) = match (said, nevra(&component)) {
            (_, Some(nevra)) => (nevra.name, Some(nevra.version), Some(nevra.arch)),
            // What is open is stated of a package without a version.
            (Said::Affected | Said::NotAffected | Said::UnderInvestigation, None) => (component.as_str(), None, None),
            (Said::Fixed, None) => {
                into.note(reader.source, "fixed package that is no name-version-release.arch: ignored", || {
                    format!("{}: {component}", reader.document)
                });
                continue;
            }
        };
        let interval = match (said, fixed) {
            (Said::Fixed, Some(fixed)) => Some(Interval::below(fixed)),
            (Said::NotAffected, _) => None,
            _ => Some(Interval::all()),
        };
        let statement = Statement::new(release, name, said.status(), interval, reader.document);
        statements.add(Statement { severity: own_level(&impacts, id), ..statement }, arch);
    }
    statements
}
