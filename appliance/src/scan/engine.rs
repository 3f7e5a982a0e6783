//! The engine: reads the document, matches, judges. One per process.
//!
//! It holds the open generation and looks at the pointer before each scan, so that a kit
//! imported by another process is used from the next scan on, while a scan that runs
//! keeps the generation that it began with.

use std::sync::{Arc, Mutex, PoisonError};

use domain::component::Inventory;
use domain::finding::Evaluation;
use domain::time::Timestamp;
use policy::{Gate, GenerationRef, Verdict};
use sbom::{Limits, SbomError};
use store::{Generation, Store, StoreError};

/// The name and version that verdicts carry.
pub(crate) const ENGINE: &str = concat!("stella ", env!("CARGO_PKG_VERSION"));

pub(crate) struct Engine {
    store: Arc<Store>,
    open: Mutex<Option<Arc<Generation>>>,
    limits: Limits,
}

/// What a caller may choose.
#[derive(Clone, Debug, Default)]
pub(crate) struct ScanOptions {
    pub(crate) gate: Gate,
    /// A pinned generation; None is the active one.
    pub(crate) generation: Option<u64>,
}

/// A document that was read, matched and judged.
#[derive(Debug)]
pub(crate) struct Scanned {
    pub(crate) inventory: Inventory,
    pub(crate) evaluation: Evaluation,
    pub(crate) verdict: Verdict,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ScanError {
    #[error(transparent)]
    Document(#[from] SbomError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    pub(crate) fn new(store: Arc<Store>, limits: Limits) -> Self {
        Self { store, open: Mutex::new(None), limits }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// The active generation, opened at most once per flip.
    pub(crate) fn generation(&self) -> Result<Arc<Generation>, StoreError> {
        let current = self.store.current()?.ok_or(StoreError::NoGeneration)?;
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(generation) = open.as_ref().filter(|generation| generation.row().number == current) {
            return Ok(Arc::clone(generation));
        }
        let generation = Arc::new(self.store.open_generation(current)?);
        *open = Some(Arc::clone(&generation));
        Ok(generation)
    }

    /// A generation by number. The open one is shared; another is opened, and hashed, for this scan alone.
    fn pinned(&self, number: u64) -> Result<Arc<Generation>, StoreError> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match open.filter(|generation| generation.row().number == number) {
            Some(generation) => Ok(generation),
            None => Ok(Arc::new(self.store.open_generation(number)?)),
        }
    }

    /// Reads a document under this engine's limits, without judging it.
    pub(crate) fn read(&self, document: &[u8]) -> Result<Inventory, SbomError> {
        sbom::read(document, &self.limits)
    }

    /// Scans one document.
    pub(crate) fn scan(&self, document: &[u8], options: &ScanOptions, now: Timestamp) -> Result<Scanned, ScanError> {
        // Data first: without any, the best document gives no answer.
        let generation = match options.generation {
            Some(number) => self.pinned(number)?,
            None => self.generation()?,
        };
        let inventory = sbom::read(document, &self.limits)?;
        let evaluation = domain::matching::evaluate(&inventory, &generation.view()?)?;
        let row = generation.row();
        let reference = GenerationRef { number: row.number, kit: row.kit_sha256, content_root: row.content_root };
        let verdict = policy::judge(&evaluation, &options.gate, reference, &row.sources, ENGINE, now);
        Ok(Scanned { inventory, evaluation, verdict })
    }
}
