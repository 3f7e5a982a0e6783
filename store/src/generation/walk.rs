//! Walking through a whole generation in key order, to compare it with another one.
//!
//! Rows are handed out decoded, because two generations with equal content need not have equal
//! bytes: where a line lies in its segment is part of a row.

use domain::matching::{Assertion, Summary};

use super::read::View;
use super::tables::{AdvisoryRow, decode};
use crate::error::StoreError;

impl View<'_> {
    /// Every package as `ecosystem NUL name`, with what is asserted of it.
    pub fn packages(
        &self,
    ) -> Result<impl Iterator<Item = Result<(String, Vec<Assertion>), StoreError>> + '_, StoreError> {
        let whole = |key: String| -> Result<Option<(String, Vec<Assertion>)>, StoreError> {
            let rows: Vec<Assertion> = self
                .tables
                .with_assertions(&key, |rows| rows.iter().map(|row| decode("an assertion", row)).collect())?;
            Ok((!rows.is_empty()).then_some((key, rows)))
        };
        // A package of which a newer layer has taken everything away is none any more.
        Ok(self.tables.packages.range("")?.filter_map(move |entry| match entry {
            Ok((key, _)) => whole(key.value().to_owned()).transpose(),
            Err(error) => Some(Err(error)),
        }))
    }

    /// Every advisory by its id, with what a finding shows of it.
    pub fn summaries(&self) -> Result<impl Iterator<Item = Result<(String, Summary), StoreError>> + '_, StoreError> {
        Ok(self.tables.advisories.range("")?.map(|entry| {
            let (id, row) = entry?;
            let row: AdvisoryRow = decode("an advisory's row", row.value())?;
            Ok((id.value().to_owned(), row.summary))
        }))
    }
}
