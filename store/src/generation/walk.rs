//! Walking through a whole generation in key order, to compare it with another one.
//!
//! Rows are handed out decoded, because two generations with equal content need not have equal
//! bytes: where a line lies in its segment is part of a row.

use domain::matching::{Assertion, Summary};
use redb::ReadableTable;

use super::read::View;
use super::tables::{AdvisoryRow, decode};
use crate::error::StoreError;

impl View<'_> {
    /// Every package as `ecosystem NUL name`, with what is asserted of it.
    pub fn packages(
        &self,
    ) -> Result<impl Iterator<Item = Result<(String, Vec<Assertion>), StoreError>> + '_, StoreError> {
        Ok(self.packages.iter()?.map(|entry| {
            let (key, rows) = entry?;
            Ok((key.value().to_owned(), decode("a package's assertions", rows.value())?))
        }))
    }

    /// Every advisory by its id, with what a finding shows of it.
    pub fn summaries(&self) -> Result<impl Iterator<Item = Result<(String, Summary), StoreError>> + '_, StoreError> {
        Ok(self.advisories.iter()?.map(|entry| {
            let (id, row) = entry?;
            let row: AdvisoryRow = decode("an advisory's row", row.value())?;
            Ok((id.value().to_owned(), row.summary))
        }))
    }
}
