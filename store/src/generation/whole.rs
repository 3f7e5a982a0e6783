//! The tables of a whole index file, filled from sorted rows.

use std::collections::BTreeSet;

use domain::digest::Digest;
use domain::root::{BUCKETS, bucket_digest};

use super::file::IndexFile;
use super::merge::Merge;
use super::sort::{Row, Sorter};
use super::tables::{
    ADVISORIES, ALIASES, EXPLOITED, ExploitedRow, PACKAGES, decode, digest, encode, leaves_row, package_row,
};
use crate::error::StoreError;

/// What one package's assertions may take: a row of the database is in memory as a whole.
const PACKAGE_BYTES_MAX: usize = 64 << 20;

/// The tables that rows are collected for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Collected {
    /// Advisory id → its row, in which nothing is known of exploitation yet.
    Advisories,
    /// `alias NUL id` → [`Self::ALIAS`] or [`Self::MEMBER`].
    Aliases,
    /// `ecosystem NUL name` → an encoded assertion.
    Packages,
    /// CVE → its row.
    Exploited,
    /// CVE → probability and percentile.
    Epss,
    /// Bucket (two bytes, the high one first) and leaf → nothing.
    Leaves,
}

impl Collected {
    pub(super) const COUNT: usize = 6;
    /// What is known of this name is known of the advisory. Sorts first.
    pub(super) const ALIAS: &'static [u8] = b"a";
    /// The advisory is found by this name, and that is all.
    pub(super) const MEMBER: &'static [u8] = b"m";
}

/// When a CVE entered the known-exploited catalogue; its EPSS probability and percentile.
type Facts = (Option<i64>, Option<(u32, u32)>);

/// Sorted rows of all tables.
pub(super) struct Whole<'s> {
    sorters: Vec<&'s Sorter>,
}

impl<'s> Whole<'s> {
    pub(super) fn of(sorters: Vec<&'s Sorter>) -> Self {
        Self { sorters }
    }

    fn merge(&self, table: Collected) -> Result<Merge<'s>, StoreError> {
        Merge::of(self.sorters.iter().copied(), table as usize)
    }

    /// What is known of exploitation under the aliases of advisories: id → alias NUL facts. The first alias of which
    /// something is known counts, so the order of aliases is kept.
    pub(super) fn facts_by_alias(&self) -> Result<Sorter, StoreError> {
        let mut found = Sorter::new(1, self.sorters.first().and_then(|sorter| sorter.room()).cloned());
        let mut known = Known { exploited: self.merge(Collected::Exploited)?, epss: self.merge(Collected::Epss)? };
        let mut aliases = self.merge(Collected::Aliases)?;
        while let Some((key, what)) = aliases.head() {
            let (alias, id) = split_at_nul(key);
            let facts = known.of(alias)?;
            // The id has no NUL. An alias that has one is no CVE, so nothing is known of it.
            if what == Collected::ALIAS && facts != (None, None) && !id.contains(&0) {
                let value = [alias, b"\0", &encode(&facts)].concat();
                found.push(0, id, &value);
                found.make_room()?;
            }
            aliases.advance()?;
        }
        found.sort()?;
        Ok(found)
    }

    /// Joins what is known of exploitation to the advisories, by id or else by alias.
    pub(super) fn fill_advisories(&self, file: &IndexFile, by_alias: &Sorter) -> Result<(), StoreError> {
        let mut known = Known { exploited: self.merge(Collected::Exploited)?, epss: self.merge(Collected::Epss)? };
        let mut by_alias = Merge::of([by_alias], 0)?;
        let without = encode::<Facts>(&(None, None));
        let mut advisories = self.merge(Collected::Advisories)?;
        file.fill(
            ADVISORIES,
            pull(|| {
                let Some((id, row)) = advisories.head() else { return Ok(None) };
                let mut facts = known.of(id)?;
                let mut next = by_alias.seek(id)?;
                while let Some(value) = next {
                    let (exploited, epss): Facts = decode("facts of exploitation", split_at_nul(value).1)?;
                    facts = (facts.0.or(exploited), facts.1.or(epss));
                    by_alias.advance()?;
                    next = by_alias.seek(id)?;
                }
                // They are the last fields of the row, so that they can be put in without reading the rest.
                let row = row.strip_suffix(without.as_slice());
                let row = row.ok_or_else(|| StoreError::damaged("an advisory's row before facts are joined"))?;
                let whole = (text(id)?, [row, &encode(&facts)].concat());
                advisories.advance()?;
                Ok(Some(whole))
            }),
        )
    }

    pub(super) fn fill_aliases(&self, file: &IndexFile) -> Result<(), StoreError> {
        let mut aliases = self.merge(Collected::Aliases)?;
        let next = || {
            let Some((key, _)) = aliases.head() else { return Ok(None) };
            let key = text(key)?;
            // The same name may be an alias and a member's.
            while aliases.head().is_some_and(|(next, _)| next == key.as_bytes()) {
                aliases.advance()?;
            }
            Ok(Some((key, [])))
        };
        file.fill(ALIASES, pull(next))
    }

    /// Returns the ecosystems that have packages.
    pub(super) fn fill_packages(&self, file: &IndexFile) -> Result<BTreeSet<String>, StoreError> {
        let mut ecosystems = BTreeSet::new();
        let mut rows = self.merge(Collected::Packages)?;
        let (mut assertions, mut ends) = (Vec::new(), Vec::new());
        let next = || {
            let Some((key, _)) = rows.head() else { return Ok(None) };
            let key = text(key)?;
            assertions.clear();
            ends.clear();
            while let Some((_, assertion)) = rows.head().filter(|(next, _)| *next == key.as_bytes()) {
                assertions.extend_from_slice(assertion);
                ends.push(assertions.len());
                if assertions.len() > PACKAGE_BYTES_MAX {
                    return Err(StoreError::PackageTooLarge {
                        package: key.replace('\0', " "),
                        bytes_max: PACKAGE_BYTES_MAX,
                    });
                }
                rows.advance()?;
            }
            let ecosystem = key.split('\0').next().unwrap_or_default();
            if !ecosystems.contains(ecosystem) {
                ecosystems.insert(ecosystem.to_owned());
            }
            let starts = std::iter::once(&0).chain(&ends);
            let each: Vec<&[u8]> =
                starts.zip(&ends).map(|(from, to)| assertions.get(*from..*to).unwrap_or_default()).collect();
            Ok(Some((key, package_row(&[], each.into_iter()))))
        };
        file.fill(PACKAGES, pull(next))?;
        Ok(ecosystems)
    }

    pub(super) fn fill_exploited(&self, file: &IndexFile) -> Result<(), StoreError> {
        let mut rows = self.merge(Collected::Exploited)?;
        file.fill(EXPLOITED, pull(|| take(&mut rows, |(cve, row)| Ok((text(cve)?, row.to_vec())))))
    }

    pub(super) fn fill_epss(&self, file: &IndexFile) -> Result<(), StoreError> {
        let mut rows = self.merge(Collected::Epss)?;
        let fact = |(cve, values): Row<'_>| Ok((text(cve)?, Some(decode("an EPSS fact", values)?)));
        file.fill_epss(pull(|| take(&mut rows, fact)))
    }

    /// The digest of each bucket of the content root.
    pub(super) fn buckets(&self) -> Result<Vec<Digest>, StoreError> {
        self.each_bucket()?.map(|bucket| Ok(bucket_digest(&bucket?))).collect()
    }

    pub(super) fn fill_leaves(&self, file: &IndexFile) -> Result<(), StoreError> {
        file.fill_leaves((0..).zip(self.each_bucket()?).map(|(number, bucket)| Ok((number, leaves_row(&[], &bucket?)))))
    }

    /// The sorted leaves of each bucket.
    fn each_bucket(&self) -> Result<impl Iterator<Item = Result<Vec<Digest>, StoreError>> + use<'s>, StoreError> {
        let mut rows = self.merge(Collected::Leaves)?;
        let numbers = (0..).take(BUCKETS).map(u16::to_be_bytes);
        Ok(numbers.map(move |number| {
            let mut leaves = Vec::new();
            while let Some(leaf) = rows.head().and_then(|(key, _)| key.strip_prefix(&number)) {
                leaves.push(digest(leaf)?);
                rows.advance()?;
            }
            Ok(leaves)
        }))
    }
}

/// What is known of exploitation, looked up by rising names.
struct Known<'s> {
    exploited: Merge<'s>,
    epss: Merge<'s>,
}

impl Known<'_> {
    fn of(&mut self, name: &[u8]) -> Result<Facts, StoreError> {
        let exploited = self.exploited.seek(name)?.map(|row| decode::<ExploitedRow>("a known-exploited row", row));
        let epss = self.epss.seek(name)?.map(|values| decode("an EPSS fact", values));
        Ok((exploited.transpose()?.map(|row| row.added), epss.transpose()?))
    }
}

/// An iterator that ends at the first None.
fn pull<T>(mut next: impl FnMut() -> Result<Option<T>, StoreError>) -> impl Iterator<Item = Result<T, StoreError>> {
    std::iter::from_fn(move || next().transpose())
}

fn take<T>(rows: &mut Merge<'_>, make: impl Fn(Row<'_>) -> Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    let Some(row) = rows.head() else { return Ok(None) };
    let made = make(row)?;
    rows.advance()?;
    Ok(Some(made))
}

/// What stands before the first NUL and behind it.
fn split_at_nul(key: &[u8]) -> (&[u8], &[u8]) {
    let at = key.iter().position(|byte| *byte == 0).unwrap_or(key.len());
    (key.get(..at).unwrap_or_default(), key.get(at + 1..).unwrap_or_default())
}

fn text(key: &[u8]) -> Result<String, StoreError> {
    String::from_utf8(key.to_vec()).map_err(|_| StoreError::damaged("a key is not text"))
}
