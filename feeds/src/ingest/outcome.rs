//! What reading feeds has brought to light, the unusable included.

use std::collections::BTreeMap;

use domain::advisory::Record;
use domain::exploitation::{Epss, KnownExploited};
use domain::source::{Redistribution, SourceId, SourceStatus};
use domain::time::Timestamp;

use crate::source::source_info;

/// Everything that was read, in the order of the documents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ingested {
    pub records: Vec<Record>,
    pub kev: Vec<KnownExploited>,
    pub epss: Vec<Epss>,
    pub tallies: BTreeMap<SourceId, Tally>,
    /// Records that cannot be used, one by one.
    pub problems: Vec<Problem>,
    /// Parts of records that cannot be used, by source and reason.
    pub notes: BTreeMap<(SourceId, String), Note>,
    /// Documents without a parser, by format.
    pub unsupported: BTreeMap<String, Unsupported>,
    /// Files that hold no data, such as a licence.
    pub not_data: u64,
}

/// What a source has delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub records: u64,
    pub rejected: u64,
    pub as_of: Option<Timestamp>,
    /// A document without any date was read: then the newest date among other records says
    /// nothing of the age of the whole, and only the caller can state one.
    pub undated: bool,
}

/// A record that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// None when the document does not even tell whose it is.
    pub source: Option<SourceId>,
    pub document: String,
    pub record: Option<String>,
    pub reason: String,
}

/// How often a part of a record could not be used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Note {
    pub count: u64,
    /// The first occurrence.
    pub example: String,
}

/// How many documents of a format without a parser there were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unsupported {
    pub count: u64,
    /// The first document.
    pub example: String,
}

impl Ingested {
    pub fn new() -> Self {
        Self::default()
    }

    /// One status per source, from what was read and what the registry knows.
    pub fn statuses(&self) -> Vec<SourceStatus> {
        self.tallies.iter().map(|(source, tally)| status(source, tally)).collect()
    }

    /// Takes a record in; its source is now as recent as the record.
    pub(crate) fn accept(&mut self, record: Record) {
        let tally = self.tally(&record.source);
        tally.records += 1;
        tally.as_of = tally.as_of.max(record.modified.or(record.published));
        self.records.push(record);
    }

    pub(crate) fn accept_exploited(&mut self, source: &SourceId, exploited: KnownExploited) {
        self.tally(source).records += 1;
        self.kev.push(exploited);
    }

    pub(crate) fn accept_epss(&mut self, source: &SourceId, epss: Epss) {
        self.tally(source).records += 1;
        self.epss.push(epss);
    }

    pub(crate) fn reject(&mut self, source: Option<SourceId>, document: &str, record: Option<&str>, reason: String) {
        if let Some(source) = &source {
            self.tally(source).rejected += 1;
        }
        let (document, record) = (document.to_owned(), record.map(str::to_owned));
        self.problems.push(Problem { source, document, record, reason });
    }

    /// Counts a part of a record that cannot be used. `reason` must not vary with the record;
    /// `example` says what exactly it was.
    pub(crate) fn note(&mut self, source: &SourceId, reason: &str, example: impl FnOnce() -> String) {
        let note = self.notes.entry((source.clone(), reason.to_owned())).or_default();
        note.count += 1;
        if note.count == 1 {
            note.example = example();
        }
    }

    pub(crate) fn leave_out(&mut self, format: String, document: &str) {
        let unsupported = self.unsupported.entry(format).or_default();
        unsupported.count += 1;
        if unsupported.count == 1 {
            unsupported.example = document.to_owned();
        }
    }

    /// The feed itself says which date it speaks for.
    pub(crate) fn state_date(&mut self, source: &SourceId, as_of: Timestamp) {
        let tally = self.tally(source);
        tally.as_of = tally.as_of.max(Some(as_of));
    }

    /// A document of the source says nothing of its date.
    pub(crate) fn leave_undated(&mut self, source: &SourceId) {
        self.tally(source).undated = true;
    }

    /// Dates a source that states no date itself and of which there is anything.
    pub(crate) fn assume_date(&mut self, source: &SourceId, as_of: Timestamp) {
        if let Some(tally) = self.tallies.get_mut(source) {
            if tally.undated {
                (tally.as_of, tally.undated) = (Some(as_of), false);
            }
            tally.as_of.get_or_insert(as_of);
        }
    }

    /// Adds what was read after this.
    pub fn absorb(&mut self, later: Self) {
        self.records.extend(later.records);
        self.kev.extend(later.kev);
        self.epss.extend(later.epss);
        self.problems.extend(later.problems);
        self.not_data += later.not_data;
        for (source, tally) in later.tallies {
            let sum = self.tally(&source);
            sum.records += tally.records;
            sum.rejected += tally.rejected;
            sum.as_of = sum.as_of.max(tally.as_of);
            sum.undated |= tally.undated;
        }
        for (key, note) in later.notes {
            let sum = self.notes.entry(key).or_insert_with(|| Note { count: 0, example: note.example });
            sum.count += note.count;
        }
        for (format, unsupported) in later.unsupported {
            let first = || Unsupported { count: 0, example: unsupported.example };
            self.unsupported.entry(format).or_insert_with(first).count += unsupported.count;
        }
    }

    /// After a document was read: it must have come to something, if only to a problem.
    pub(crate) fn expect_something(&mut self, document: &str) {
        if self.seen() == 0 {
            self.reject(None, document, None, "the document holds no entry: check that it is whole".to_owned());
        }
    }

    /// How many things were seen, of whatever use.
    pub(crate) fn seen(&self) -> u64 {
        let records: u64 = self.tallies.values().map(|tally| tally.records).sum();
        let notes: u64 = self.notes.values().map(|note| note.count).sum();
        records + notes + self.problems.len() as u64 + self.unsupported.values().map(|format| format.count).sum::<u64>()
    }

    fn tally(&mut self, source: &SourceId) -> &mut Tally {
        // The clone is for a source's first record only.
        if !self.tallies.contains_key(source) {
            self.tallies.insert(source.clone(), Tally::default());
        }
        self.tallies.get_mut(source).expect("inserted above when absent")
    }
}

fn status(source: &SourceId, tally: &Tally) -> SourceStatus {
    let Tally { records, rejected, as_of, undated } = *tally;
    let as_of = as_of.filter(|_| !undated);
    let (name, url, licence, redistribution) = match source_info(source.as_str()) {
        Some(info) => (info.name, info.url, info.licence, info.redistribution),
        None => (source.as_str(), "", "not stated", Redistribution::InternalOnly),
    };
    let [name, url, licence] = [name, url, licence].map(str::to_owned);
    SourceStatus { source: source.clone(), name, url, licence, redistribution, records, rejected, as_of }
}

#[cfg(test)]
mod tests {
    use super::{Ingested, Timestamp};
    use domain::advisory::Record;
    use domain::source::SourceId;

    #[test]
    fn a_source_is_as_recent_as_its_newest_record_and_an_assumed_date_never_overrules() {
        let ghsa = SourceId::new("ghsa");
        let mut ingested = Ingested::new();
        for day in [3, 9, 5] {
            let modified = Some(Timestamp::UNIX_EPOCH.plus_days(day));
            ingested.accept(Record { modified, ..Record::new(ghsa.clone(), format!("GHSA-{day}")) });
        }
        ingested.assume_date(&ghsa, Timestamp::UNIX_EPOCH.plus_days(99));
        ingested.assume_date(&SourceId::new("alpine"), Timestamp::UNIX_EPOCH);
        let statuses = ingested.statuses();
        assert_eq!(statuses.len(), 1, "a source without data has no status");
        assert_eq!(statuses[0].as_of, Some(Timestamp::UNIX_EPOCH.plus_days(9)));
        assert_eq!(statuses[0].name, "GitHub Advisory Database");
    }

    #[test]
    fn one_undated_document_makes_the_age_unknown_until_the_caller_states_it() {
        let alpine = SourceId::new("alpine");
        let mut ingested = Ingested::new();
        let modified = Some(Timestamp::UNIX_EPOCH.plus_days(9));
        ingested.accept(Record { modified, ..Record::new(alpine.clone(), "ALPINE-CVE-1") });
        ingested.leave_undated(&alpine);
        assert_eq!(ingested.statuses()[0].as_of, None, "a dated stray does not date the rest");
        ingested.assume_date(&alpine, Timestamp::UNIX_EPOCH.plus_days(5));
        assert_eq!(ingested.statuses()[0].as_of, Some(Timestamp::UNIX_EPOCH.plus_days(5)));
    }

    #[test]
    fn absorbing_adds_counts_and_keeps_the_first_example() {
        let source = SourceId::new("ghsa");
        let mut first = Ingested::new();
        first.note(&source, "reason", || "first".into());
        let mut second = Ingested::new();
        second.note(&source, "reason", || "second".into());
        second.reject(Some(source.clone()), "d", None, "r".into());
        first.absorb(second);
        let note = &first.notes[&(source.clone(), "reason".to_owned())];
        assert_eq!((note.count, note.example.as_str()), (2, "first"));
        assert_eq!(first.tallies[&source].rejected, 1);
    }
}
