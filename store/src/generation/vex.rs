//! The VEX documents of a generation.

use domain::vex::CarriedVex;
use policy::vex::{Library, Limits};

use super::read::{Generation, View};
use super::tables::{Located, decode};
use crate::blobs::Blobs;
use crate::error::StoreError;

impl View<'_> {
    pub(super) fn vex_row(&self, name: &str) -> Result<Option<Located>, StoreError> {
        let row = self.tables.vex.get(name)?;
        row.map(|row| decode("a VEX document's row", row.value())).transpose()
    }

    /// The canonical lines of all VEX documents, sorted by name, each checked against its leaf.
    pub fn vex_lines<E: From<StoreError>>(
        &self,
        blobs: &Blobs,
        take: &mut impl FnMut(&str, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        for entry in self.tables.vex.range("")? {
            let (name, row) = entry?;
            let at: Located = decode("a VEX document's row", row.value())?;
            take(name.value(), &self.generation.line(blobs, "vex", name.value(), &at)?)?;
        }
        Ok(())
    }

    /// The length of each document's line, by name.
    pub(super) fn vex_lengths(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let rows = self.tables.vex.range("")?.map(|entry| {
            let (name, row) = entry?;
            let at: Located = decode("a VEX document's row", row.value())?;
            Ok((name.value().to_owned(), u64::from(at.length)))
        });
        rows.collect()
    }

    /// Have both the same documents? No document is read for it.
    pub fn has_vex_of(&self, other: &View<'_>) -> Result<bool, StoreError> {
        let leaves = |view: &View<'_>| -> Result<Vec<(String, [u8; 32])>, StoreError> {
            let rows = view.tables.vex.range("")?.map(|entry| {
                let (name, row) = entry?;
                let at: Located = decode("a VEX document's row", row.value())?;
                Ok((name.value().to_owned(), at.leaf))
            });
            rows.collect()
        };
        Ok(leaves(self)? == leaves(other)?)
    }
}

impl Generation {
    /// The VEX that the kit has brought, ready to be asked. All of it was read when it was imported; what cannot be read
    /// now is damaged.
    pub fn vex(&self, blobs: &Blobs) -> Result<Library, StoreError> {
        let mut documents = Vec::new();
        self.view()?.vex_lines(blobs, &mut |name, line| {
            let damaged = |error: &dyn std::fmt::Display| StoreError::damaged(format!("VEX document {name}: {error}"));
            let carried: CarriedVex = serde_json::from_slice(line).map_err(|error| damaged(&error))?;
            let read = policy::vex::read_carried(&carried, &Limits::default()).map_err(|error| damaged(&error))?;
            documents.extend(read);
            Ok::<(), StoreError>(())
        })?;
        Ok(Library::of(documents))
    }
}
