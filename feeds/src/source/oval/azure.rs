//! Azure Linux and CBL-Mariner: a definition is one vulnerability in one source package. The
//! release is in the tag of the package's own release (`.azl3`, `.cm2`) or the file's name.

use domain::advisory::{Interval, Lower, Record, Reference, Status, Upper};
use domain::ecosystem::{Ecosystem, EcosystemKind};
use domain::severity::Severity;
use domain::source::SourceId;
use domain::time::Timestamp;

use super::flatten::{Compared, Context, Said, flatten, statements};
use super::model::{Definition, Operation, Oval};
use crate::ingest::Ingested;
use crate::source::ratings;
use crate::source::rpm::{Statement, Statements, evr};

pub(super) fn convert(document: &str, oval: &Oval, into: &mut Ingested) {
    let source = SourceId::new("azure-linux");
    let release = in_name(document).or_else(|| newest(oval));
    let Some(release) = release else {
        let reason = "neither the name of the file nor a version in it tells the release".to_owned();
        return into.reject(Some(source), document, None, reason);
    };
    let ecosystem = Ecosystem::release(EcosystemKind::AzureLinux, release);
    for definition in &oval.definitions {
        let Some((_, cve, url)) = definition.references.iter().find(|(kind, ..)| kind == "CVE") else {
            let reason = "definition without a CVE".to_owned();
            into.reject(Some(source.clone()), document, Some(&definition.id), reason);
            continue;
        };
        let Some(fix) = Fix::of(definition) else {
            into.note(&source, "definition that is marked as not applicable: left out", || definition.title.clone());
            continue;
        };
        let mut record = Record { fragment: true, ..Record::new(source.clone(), cve) };
        record.published = definition.date.as_deref().and_then(|date| Timestamp::parse_lenient(date).ok());
        record.modified = record.published;
        let url = url.clone().into_iter();
        record.references = url.map(|url| Reference { kind: "WEB".to_owned(), url }).collect();
        let word = definition.severity.as_deref().unwrap_or_default();
        record.ratings.extend(ratings::word(&source, word).ok().flatten());
        let mut all = Statements::default();
        let mut unknown = 0_u64;
        statements(&source, oval, definition, into, &mut |context, said| {
            let Said::Compared(compared) = said else { return unknown += 1 };
            unknown += u64::from(compared.operation == Operation::Other);
            let Some(interval) = fix.interval(context, &compared) else { return };
            let severity = word.parse().ok().filter(|level| *level != Severity::Unknown);
            let id = definition.advisory_id.as_deref().unwrap_or(&definition.id);
            let statement = Statement::new(ecosystem.clone(), compared.package, Status::Affected, Some(interval), id);
            all.add(Statement { severity, ..statement }, None);
        });
        for _ in 0..unknown {
            into.note(&source, "comparison of an unknown kind: ignored", || definition.title.clone());
        }
        record.affected = all.all(&source);
        if record.affected.is_empty() {
            into.note(&source, "definition that compares no package", || definition.title.clone());
        }
        into.accept(record);
    }
}

/// Is there a fix?
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fix {
    Published,
    None,
}

impl Fix {
    fn of(definition: &Definition) -> Option<Self> {
        match definition.patchable.as_deref().map(str::to_ascii_lowercase).as_deref() {
            Some("true") => Some(Self::Published),
            Some("not applicable") => None,
            _ => Some(Self::None),
        }
    }

    /// None for a comparison that is merely the lower bound of another.
    fn interval(self, context: &Context, compared: &Compared<'_>) -> Option<Interval> {
        let upper = match (self, compared.operation) {
            (_, Operation::Greater | Operation::GreaterOrEqual | Operation::Other) => return None,
            // The version that is compared is the newest there was, and a newer one is no fix.
            (Self::None, _) => Upper::Open,
            (Self::Published, Operation::Less) => Upper::Fixed(evr(compared.evr)),
            (Self::Published, Operation::LessOrEqual | Operation::Equal) => Upper::LastAffected(evr(compared.evr)),
        };
        let lower = match context.lower(compared.package) {
            None => Lower::Start,
            Some((bound, true)) => Lower::Introduced(evr(bound)),
            Some((bound, false)) => Lower::After(evr(bound)),
        };
        Some(Interval { lower, upper })
    }
}

/// `azurelinux-3.0-oval.xml`, `cbl-mariner-2.0-preview-oval.xml`
fn in_name(document: &str) -> Option<String> {
    let name = document.rsplit('/').next()?;
    let rest = name.strip_prefix("azurelinux-").or_else(|| name.strip_prefix("cbl-mariner-"))?;
    leading_number(rest)
}

/// The highest tag: a document of a new release still names packages of the one before.
fn newest(oval: &Oval) -> Option<String> {
    let mut newest: Option<u32> = None;
    for criteria in oval.definitions.iter().filter_map(|definition| definition.criteria.as_ref()) {
        flatten(oval, criteria, &Context::default(), &mut |_, said| {
            let Some(Said::Compared(compared)) = said else { return };
            let tag = [".azl", ".cm"].iter().find_map(|mark| compared.evr.rsplit_once(mark));
            newest = newest.max(tag.and_then(|(_, rest)| leading_number(rest)?.parse().ok()));
        });
    }
    newest.map(|release| release.to_string())
}

fn leading_number(text: &str) -> Option<String> {
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    (!digits.is_empty()).then_some(digits)
}
