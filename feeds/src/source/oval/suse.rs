//! SUSE and openSUSE: a definition is one vulnerability, with what is open and what is not affected in the files that are named so
//! (`suse.linux.enterprise.15-affected.xml`). The comments name the products in words; their tests compare less.

use std::collections::{BTreeSet, HashMap};

use domain::advisory::{Interval, Lower, Record, Reference, Status, Upper};
use domain::ecosystem::Ecosystem;
use domain::matching::suse_release;
use domain::severity::Severity;
use domain::source::SourceId;
use domain::time::Timestamp;

use super::flatten::{Compared, Context, Said, statements};
use super::model::{Definition, Operation, Oval, Word};
use crate::ingest::Ingested;
use crate::source::ratings;
use crate::source::rpm::{Statement, Statements, evr};

pub(super) fn convert(_: &str, oval: &Oval, into: &mut Ingested) {
    let source = SourceId::new("suse-oval");
    let mut releases = Releases { oval, known: HashMap::new() };
    for definition in &oval.definitions {
        if definition.class == "patch" {
            let id = || definition.id.clone();
            into.note(
                &source,
                "definition of a patch: left out, its vulnerabilities have definitions of their own",
                id,
            );
            continue;
        }
        let title = definition.title.trim();
        if !title.starts_with("CVE-") {
            into.note(&source, "definition without a CVE for its title: left out", || definition.id.clone());
            continue;
        }
        let record = record(&source, title, definition, &mut releases, into);
        into.accept(record);
    }
}

fn record<'o>(
    source: &SourceId,
    cve: &str,
    definition: &'o Definition,
    releases: &mut Releases<'o>,
    into: &mut Ingested,
) -> Record {
    let mut record = Record { fragment: true, ..Record::new(source.clone(), cve) };
    record.description = Some(definition.description.clone()).filter(|text| !text.is_empty());
    record.modified = definition.date.as_deref().and_then(|date| Timestamp::parse_lenient(date).ok());
    let page = definition.references.iter().find(|(kind, ..)| kind == "SUSE CVE");
    let url = page.and_then(|(.., url)| url.clone());
    record.references = url.into_iter().map(|url| Reference { kind: "ADVISORY".to_owned(), url }).collect();
    let word = definition.severity.as_deref().unwrap_or_default();
    record.ratings.extend(ratings::word(source, word).ok().flatten());
    let severity = word.parse().ok().filter(|level| *level != Severity::Unknown);
    let (oval, mut lost) = (releases.oval, Lost::default());
    let mut all = Statements::default();
    statements(source, oval, definition, into, &mut |context, said| {
        let Some((package, status, interval)) = stated(context, &said, &mut lost) else { return };
        let arches = match &said {
            Said::Compared(compared) => compared.arches(context),
            Said::Affected(_) | Said::NotAffected(_) => context.arches.clone(),
        };
        for release in releases.of(context, &mut lost) {
            let statement = Statement::new(release, package, status, interval.clone(), cve);
            all.add_for(Statement { severity, ..statement }, &arches);
        }
    });
    lost.note(source, oval, cve, into);
    record.affected = all.all(source);
    if record.affected.is_empty() {
        into.note(source, "definition that states nothing of a release of SUSE or openSUSE", || cve.to_owned());
    }
    record
}

/// The package, and what is stated of it. None for what stands beside a statement, and for what is counted.
fn stated<'o>(context: &Context, said: &Said<'o>, lost: &mut Lost) -> Option<(&'o str, Status, Option<Interval>)> {
    let compared = match said {
        Said::Affected(package) => return Some((package, Status::Affected, Some(Interval::all()))),
        Said::NotAffected(package) => return Some((package, Status::NotAffected, None)),
        Said::Compared(compared) => compared,
    };
    match upper(compared) {
        Some(upper) => {
            let lower = match context.lower(compared.package) {
                None => Lower::Start,
                Some((bound, true)) => Lower::Introduced(evr(bound)),
                Some((bound, false)) => Lower::After(evr(bound)),
            };
            Some((compared.package, Status::Affected, Some(Interval { lower, upper })))
        }
        None => {
            // A kernel that is this one and has no live patch: the plain kernel has a statement of its own.
            lost.exact += u64::from(!compared.operation.is_lower_bound());
            None
        }
    }
}

fn upper(compared: &Compared<'_>) -> Option<Upper> {
    match compared.operation {
        Operation::Less => Some(Upper::Fixed(evr(compared.evr))),
        Operation::LessOrEqual => Some(Upper::LastAffected(evr(compared.evr))),
        Operation::Greater | Operation::GreaterOrEqual | Operation::Equal | Operation::Other => None,
    }
}

/// Which release a product is of, by the name of the product.
struct Releases<'o> {
    oval: &'o Oval,
    known: HashMap<Word, Option<Ecosystem>>,
}

impl Releases<'_> {
    fn of(&mut self, context: &Context, lost: &mut Lost) -> BTreeSet<Ecosystem> {
        lost.nowhere += u64::from(context.platforms.is_empty());
        let mut releases = BTreeSet::new();
        for platform in &context.platforms {
            let known = self.known.entry(*platform).or_insert_with(|| suse_release(self.oval.words.text(*platform)));
            match known {
                Some(release) => drop(releases.insert(release.clone())),
                None => drop(lost.products.insert(*platform)),
            }
        }
        releases
    }
}

/// What of a definition is not taken.
#[derive(Default)]
struct Lost {
    exact: u64,
    nowhere: u64,
    products: BTreeSet<Word>,
}

impl Lost {
    fn note(self, source: &SourceId, oval: &Oval, cve: &str, into: &mut Ingested) {
        let counted = [
            (self.exact, "comparison with one version or of an unknown kind: ignored"),
            (self.nowhere, "statement that names no product: ignored"),
        ];
        for (count, reason) in counted {
            (0..count).for_each(|_| into.note(source, reason, || cve.to_owned()));
        }
        for product in self.products {
            let text = || format!("{cve}: {}", oval.words.text(product));
            into.note(source, "product that is no release of SUSE or openSUSE: ignored", text);
        }
    }
}
