//! Putting a delta on its base: as one more layer, or, where the stack is full, as one whole file.
//!
//! Compacting copies rows as they are. No advisory is read or parsed.

use std::path::Path;
use std::sync::Arc;

use domain::digest::Digest;

use super::file::IndexFile;
use super::layer::{Layer, Stacks};
use super::overlay::{LAYERS_MAX, Overlay};
use super::read::Generation;
use super::tables::{ADVISORIES, ALIASES, EXPLOITED, PACKAGES, SegmentId, VEX, leaves_row, package_row};
use crate::disk::Disk;
use crate::error::StoreError;
use crate::rows::{GenerationRow, LayerRef};

/// The layers that the index file of a delta to this base stands on: all of them, or none where the stack is full
/// and their rows are in the file.
pub fn stands_on(base: &GenerationRow) -> &[LayerRef] {
    if base.layers.len() < LAYERS_MAX { &base.layers } else { &[] }
}

impl Overlay {
    /// Writes what a delta changes to `path`; `segments` are those of the delta.
    pub fn put_on(
        &self,
        disk: &dyn Disk,
        path: &Path,
        base: &Generation,
        segments: &[(SegmentId, Digest)],
    ) -> Result<(), StoreError> {
        if !stands_on(base.row()).is_empty() {
            return self.write(disk, path, segments);
        }
        // Nothing refers to the file in between; the next sweep takes it if we stop here.
        let between = path.with_extension("overlay");
        self.write(disk, &between, segments)?;
        let top = Layer::unchecked(disk, &between)?;
        let layers = std::iter::once(Arc::new(top)).chain(base.layers.iter().cloned()).collect();
        let stacked = Generation::of(layers, base.row().clone())?;
        stacked.compact(disk, path)?;
        crate::durable::remove_file(disk, &between)
    }
}

impl Generation {
    /// Writes all layers as one whole file.
    pub(super) fn compact(&self, disk: &dyn Disk, path: &Path) -> Result<(), StoreError> {
        let tables = Stacks::of(&self.layers)?;
        let file = IndexFile::create(disk, path)?;
        for (definition, stack) in [
            (ADVISORIES, &tables.advisories),
            (ALIASES, &tables.aliases),
            (EXPLOITED, &tables.exploited),
            (VEX, &tables.vex),
        ] {
            let copy = |(key, row): (redb::AccessGuard<'_, &str>, redb::AccessGuard<'_, &[u8]>)| {
                (key.value().to_owned(), row.value().to_vec())
            };
            file.fill(definition, stack.range("")?.map(|entry| entry.map(copy)))?;
        }
        let packages = tables.packages.range("")?.filter_map(|entry| {
            let whole = || {
                let key = entry?.0.value().to_owned();
                tables.with_assertions(&key, |rows| {
                    Ok((!rows.is_empty()).then(|| (key.clone(), package_row(&[], rows.iter().copied()))))
                })
            };
            whole().transpose()
        });
        file.fill(PACKAGES, packages)?;
        file.fill_epss(tables.all_epss()?.map(|fact| fact.map(|(cve, values)| (cve, Some(values)))))?;
        let buckets = tables.buckets()?;
        let numbers = (0..).zip(&buckets).map(|(bucket, _)| bucket);
        file.fill_leaves(numbers.map(|bucket| Ok((bucket, leaves_row(&[], &tables.leaves(bucket)?)))))?;
        let segments: Vec<_> = self.segments().iter().map(|(number, digest)| (*number, *digest)).collect();
        file.fill_small(self.ecosystems(), &segments, &buckets)?;
        file.finish()
    }
}
