//! Reading all stored SBOMs, in parts that threads can share.

use std::marker::PhantomData;

use domain::component::Inventory;
use domain::digest::Digest;
use redb::{ReadOnlyTable, ReadTransaction, ReadableTableMetadata};

use super::footprint::Footprint;
use super::{FOOTPRINTS, INVENTORIES, ROWS, SbomRow, Sboms, unpack};
use crate::error::StoreError;
use crate::rows::decode;

/// Documents fall into shards by the first byte of their digests.
pub const SHARDS: usize = 256;

type Table = ReadOnlyTable<&'static [u8], &'static [u8]>;

/// The tables at one moment. They can be read only as long as the file is open.
pub struct Snapshot<'a> {
    _open: PhantomData<&'a Sboms>,
    rows: Table,
    inventories: Table,
    footprints: Table,
}

impl<'a> Snapshot<'a> {
    pub(super) fn of(_open: &'a Sboms, read: &ReadTransaction) -> Result<Self, StoreError> {
        Ok(Self {
            _open: PhantomData,
            rows: read.open_table(ROWS)?,
            inventories: read.open_table(INVENTORIES)?,
            footprints: read.open_table(FOOTPRINTS)?,
        })
    }

    pub fn count(&self) -> Result<u64, StoreError> {
        Ok(self.rows.len()?)
    }

    /// Shows every footprint of a shard; says how many there were.
    pub fn footprints(
        &self,
        shard: usize,
        mut show: impl FnMut(Digest, Footprint<'_>) -> Result<(), StoreError>,
    ) -> Result<u64, StoreError> {
        let Ok(first) = u8::try_from(shard) else { return Ok(0) };
        let (mut from, mut to) = ([0; 32], [0xff; 32]);
        (from[0], to[0]) = (first, first);
        let mut count = 0;
        for entry in self.footprints.range::<&[u8]>(from.as_slice()..=to.as_slice())? {
            let (key, bytes) = entry?;
            let key = key.value().try_into().map_err(|_| StoreError::damaged("the key of an SBOM"))?;
            show(Digest::from_bytes(key), Footprint::read(bytes.value())?)?;
            count += 1;
        }
        Ok(count)
    }

    /// A document's row and inventory.
    pub fn read(&self, digest: &Digest) -> Result<(SbomRow, Inventory), StoreError> {
        let key = digest.as_bytes().as_slice();
        let missing = || StoreError::damaged(format!("a part of the SBOM {digest} is missing"));
        let row = self.rows.get(key)?.ok_or_else(missing)?;
        let inventory = self.inventories.get(key)?.ok_or_else(missing)?;
        Ok((decode("the row of an SBOM", row.value())?, unpack(inventory.value())?))
    }
}
