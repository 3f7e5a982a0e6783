//! Oracle Linux: a definition is an erratum (ELSA), its tree names release, architecture, module
//! and packages. Builds for Ksplice and FIPS are told apart by their versions when matched.

use std::collections::BTreeSet;

use domain::advisory::{Interval, Record, Reference, Status};
use domain::ecosystem::{Ecosystem, EcosystemKind};
use domain::severity::Severity;
use domain::source::SourceId;
use domain::time::Timestamp;

use super::flatten::{Compared, Context, Said, statements};
use super::model::{Definition, Operation, Oval, Words};
use crate::ingest::Ingested;
use crate::source::ratings;
use crate::source::rpm::{Statement, Statements, evr, module_stream};

pub(super) fn convert(document: &str, oval: &Oval, into: &mut Ingested) {
    let source = SourceId::new("oracle");
    for definition in &oval.definitions {
        let erratum = definition.references.iter().find(|(kind, ..)| kind.eq_ignore_ascii_case("elsa"));
        let Some((_, id, _)) = erratum else {
            let reason = "definition without the id of an erratum".to_owned();
            into.reject(Some(source.clone()), document, Some(&definition.id), reason);
            continue;
        };
        let record = record(&source, id, definition, oval, into);
        into.accept(record);
    }
}

fn record(source: &SourceId, id: &str, definition: &Definition, oval: &Oval, into: &mut Ingested) -> Record {
    let mut record = Record { fragment: true, ..Record::new(source.clone(), id) };
    let cves = definition.references.iter().filter(|(kind, ..)| kind.eq_ignore_ascii_case("cve"));
    record.upstream = cves.map(|(_, id, _)| id.clone()).collect::<BTreeSet<_>>();
    let links = definition.references.iter().filter_map(|(.., url)| url.clone());
    record.references = links.map(|url| Reference { kind: "ADVISORY".to_owned(), url }).collect();
    record.title = title(&definition.title, id);
    record.description = Some(definition.description.clone()).filter(|text| !text.is_empty());
    record.published = definition.date.as_deref().and_then(|date| Timestamp::parse_lenient(date).ok());
    record.modified = record.published;
    let word = definition.severity.as_deref().unwrap_or_default();
    record.ratings.extend(ratings::word(source, word).ok().flatten());
    let severity = word.parse().ok().filter(|level| *level != Severity::Unknown);
    let mut erratum = Erratum { id, severity, words: &oval.words, statements: Statements::default() };
    let mut lost = 0;
    statements(source, oval, definition, into, &mut |context, said| {
        let taken = matches!(said, Said::Compared(compared) if erratum.add(context, &compared));
        lost += u64::from(!taken);
    });
    for _ in 0..lost {
        into.note(source, "comparison without a release or an upper bound: ignored", || id.to_owned());
    }
    record.affected = erratum.statements.all(source);
    if record.affected.is_empty() {
        into.note(source, "erratum that compares no package", || id.to_owned());
    }
    record
}

/// `ELSA-2007-0057:  Moderate: bind security update  (MODERATE)`
fn title(title: &str, id: &str) -> Option<String> {
    let title = title.strip_prefix(id).map_or(title, |rest| rest.trim_start_matches(':')).trim();
    let title = title.rsplit_once('(').map_or(title, |(title, _)| title.trim());
    (!title.is_empty()).then(|| title.split_ascii_whitespace().collect::<Vec<_>>().join(" "))
}

/// An erratum in the making.
struct Erratum<'r> {
    id: &'r str,
    severity: Option<Severity>,
    words: &'r Words,
    statements: Statements,
}

impl Erratum<'_> {
    /// False for a comparison that says nothing without more.
    fn add(&mut self, context: &Context, compared: &Compared<'_>) -> bool {
        if compared.operation != Operation::Less || context.releases.is_empty() {
            return false;
        }
        let modules = context.modules.iter().filter_map(|module| module_stream(self.words.text(*module)));
        let mut modules: Vec<Option<String>> = modules.map(Some).collect();
        if modules.is_empty() {
            modules.push(None);
        }
        for release in &context.releases {
            for module in &modules {
                let ecosystem = Ecosystem::release(EcosystemKind::OracleLinux, release.clone());
                let interval = Some(Interval::below(evr(compared.evr)));
                let statement = Statement::new(ecosystem, compared.package, Status::Affected, interval, self.id);
                let statement = Statement { module: module.clone(), severity: self.severity, ..statement };
                self.statements.add_for(statement, &compared.arches(context));
            }
        }
        true
    }
}
