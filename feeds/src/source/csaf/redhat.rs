//! Red Hat: a component is an RPM by its purl, a product is a stream by its CPE.

use std::collections::HashMap;

use domain::advisory::{Interval, Status};
use domain::matching::redhat_stream;
use domain::purl::Purl;

use super::model::Remediation;
use super::{Part, Reader, Said, Vendor, own_level};
use crate::ingest::Ingested;
use crate::source::rpm::{Statement, Statements, module_stream, with_epoch};

pub(super) const VENDOR: Vendor = Vendor { source: |_| "redhat", statements };

fn statements(reader: &Reader<'_>, into: &mut Ingested) -> Statements {
    let mut statements = Statements::default();
    let remedies = Remedies::of(reader.vulnerability.remediations.as_deref().unwrap_or_default());
    let impacts = reader.impacts();
    for (said, id) in reader.statuses(into) {
        let Some(part) = reader.part(id, into) else { continue };
        let Some(package) = package(reader, &part, into) else { continue };
        let Some((status, interval, record)) = verdict(reader, &package, said, id, &remedies, into) else { continue };
        let arch = package.purl.qualifier("arch");
        let severity = own_level(&impacts, id);
        let statement = Statement::new(package.stream, &package.purl.name, status, interval, record);
        statements.add(Statement { module: package.module, severity, ..statement }, arch);
    }
    statements
}

struct Package {
    purl: Purl,
    stream: domain::ecosystem::Ecosystem,
    module: Option<String>,
}

/// The RPM and its stream. Containers, jars and other things in Red Hat's products are counted.
fn package(reader: &Reader<'_>, part: &Part<'_>, into: &mut Ingested) -> Option<Package> {
    let helper = |product: &super::model::Product| product.name.0.clone().unwrap_or_default();
    let mut note = |reason: &str| {
        into.note(reader.source, reason, || {
            format!("{}: {} in {}", reader.document, helper(part.component), helper(part.product))
        });
        None
    };
    let Some(purl) = part.component.product_identification_helper.0.purl.as_deref() else {
        return note("component without a purl: ignored");
    };
    let Ok(purl) = Purl::parse(purl) else {
        return note("component whose purl cannot be read: ignored");
    };
    if purl.package_type != "rpm" {
        return note("component that is no RPM: ignored");
    }
    let cpe = part.product.product_identification_helper.0.cpe.as_deref();
    let Some(stream) = cpe.and_then(redhat_stream) else {
        return note("product without a CPE of Red Hat's: ignored");
    };
    let module = match purl.qualifier("rpmmod") {
        None => None,
        Some(label) => match module_stream(label) {
            None => return note("module label that names no stream: ignored"),
            module => module,
        },
    };
    Some(Package { purl, stream, module })
}

type Verdict<'d> = (Status, Option<Interval>, &'d str);

fn verdict<'d>(
    reader: &Reader<'d>,
    package: &Package,
    said: Said,
    id: &str,
    remedies: &Remedies<'d>,
    into: &mut Ingested,
) -> Option<Verdict<'d>> {
    match said {
        Said::Fixed => {
            let Some(version) = package.purl.version.as_deref() else {
                into.note(reader.source, "fixed without a version: ignored", || format!("{}: {id}", reader.document));
                return None;
            };
            let fixed = with_epoch(package.purl.qualifier("epoch"), version);
            let erratum = remedies.erratum(id).unwrap_or(reader.document);
            Some((Status::Affected, Some(Interval::below(fixed)), erratum))
        }
        Said::Affected => Some((remedies.open(id), Some(Interval::all()), reader.document)),
        Said::NotAffected => Some((said.status(), None, reader.document)),
        Said::UnderInvestigation => Some((said.status(), Some(Interval::all()), reader.document)),
    }
}

/// What is to be done, by product.
struct Remedies<'d> {
    fixes: HashMap<&'d str, &'d str>,
    open: HashMap<&'d str, Status>,
}

impl<'d> Remedies<'d> {
    fn of(remediations: &'d [Remediation]) -> Self {
        let mut remedies = Self { fixes: HashMap::new(), open: HashMap::new() };
        for remediation in remediations {
            let ids = remediation.product_ids.0.iter().map(String::as_str);
            match (remediation.category.as_deref(), open_status(remediation)) {
                (Some("vendor_fix"), _) => {
                    // https://access.redhat.com/errata/RHSA-2025:0595
                    let erratum = remediation.url.as_deref().and_then(|url| url.rsplit('/').next());
                    let erratum = erratum.filter(|id| id.starts_with("RH"));
                    remedies.fixes.extend(ids.filter_map(|id| Some((id, erratum?))));
                }
                (_, Some(status)) => remedies.open.extend(ids.map(|id| (id, status))),
                _ => {}
            }
        }
        remedies
    }

    fn erratum(&self, id: &str) -> Option<&'d str> {
        self.fixes.get(id).copied()
    }

    fn open(&self, id: &str) -> Status {
        self.open.get(id).copied().unwrap_or(Status::Affected)
    }
}

/// Why there is no fix; None for a workaround and for what merely says "Affected".
fn open_status(remediation: &Remediation) -> Option<Status> {
    match (remediation.category.as_deref()?, remediation.details.as_deref()?.trim()) {
        ("no_fix_planned", "Out of support scope") => Some(Status::EndOfLife),
        ("no_fix_planned", _) => Some(Status::WillNotFix),
        ("none_available", "Deferred" | "Fix deferred") => Some(Status::FixDeferred),
        ("none_available", "Under investigation") => Some(Status::UnderInvestigation),
        _ => None,
    }
}
