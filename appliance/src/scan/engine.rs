//! The engine: reads the document, matches, judges. One per process.
//!
//! It holds the open generation and looks at the pointer before each scan, so that a kit
//! imported by another process is used from the next scan on, while a scan that runs
//! keeps the generation that it began with.

use std::sync::{Arc, Mutex, PoisonError};

use domain::component::Inventory;
use domain::finding::Evaluation;
use domain::time::Timestamp;
use policy::vex::{COMPARISONS_MAX, Document, DocumentUse, Library, VexError};
use policy::{Gate, GenerationRef, Verdict};
use sbom::{Limits, SbomError};
use store::{Generation, GenerationRow, Store, StoreError};
use tokio::sync::mpsc::UnboundedSender;

/// The name and version that verdicts carry.
pub(crate) const ENGINE: &str = concat!("stella ", env!("CARGO_PKG_VERSION"));

pub(crate) struct Engine {
    store: Arc<Store>,
    open: Mutex<Option<Arc<Generation>>>,
    limits: Limits,
    /// Is told of each generation that is opened to be served.
    opened: Option<UnboundedSender<GenerationRow>>,
}

/// What a caller may choose.
#[derive(Clone, Debug, Default)]
pub(crate) struct ScanOptions {
    pub(crate) gate: Gate,
    /// A pinned generation; None is the active one.
    pub(crate) generation: Option<u64>,
    pub(crate) vex: VexOptions,
}

/// Which VEX counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct VexOptions {
    /// The site's own documents.
    pub(crate) site: Arc<Library>,
    /// What the SBOM says of itself. Its producer could hide findings, so somebody must ask for it.
    pub(crate) embedded: bool,
}

/// A document that was read, matched and judged.
#[derive(Debug)]
pub(crate) struct Scanned {
    pub(crate) inventory: Inventory,
    pub(crate) evaluation: Evaluation,
    pub(crate) verdict: Verdict,
    pub(crate) vex: Vec<DocumentUse>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ScanError {
    #[error(transparent)]
    Document(#[from] SbomError),
    #[error("VEX cannot be applied: {0}")]
    Vex(#[from] VexError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    pub(crate) fn new(store: Arc<Store>, limits: Limits) -> Self {
        Self { store, open: Mutex::new(None), limits, opened: None }
    }

    /// Tells of each generation that it opens to serve it.
    pub(crate) fn telling(self, opened: UnboundedSender<GenerationRow>) -> Self {
        Self { opened: Some(opened), ..self }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// The active generation, opened at most once per flip, and again when reading it has failed: the disk may have been
    /// at fault for a moment only.
    pub(crate) fn generation(&self) -> Result<Arc<Generation>, StoreError> {
        let current = self.store.current()?.ok_or(StoreError::NoGeneration)?;
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(generation) =
            open.as_ref().filter(|generation| generation.row().number == current && !generation.has_failed())
        {
            return Ok(Arc::clone(generation));
        }
        let generation = Arc::new(self.store.open_generation(current)?);
        *open = Some(Arc::clone(&generation));
        if let Some(opened) = &self.opened {
            // A listener that has gone does not want to know.
            let _ = opened.send(generation.row().clone());
        }
        Ok(generation)
    }

    /// A generation by number. The open one is shared; another is opened for this scan alone.
    fn pinned(&self, number: u64) -> Result<Arc<Generation>, StoreError> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match open.filter(|generation| generation.row().number == number && !generation.has_failed()) {
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
        let mut inventory = sbom::read(document, &self.limits)?;
        let mut evaluation = domain::matching::evaluate(&inventory, &generation.view()?)?;
        let vex = apply_vex(document, &mut inventory, &mut evaluation, &options.vex)?;
        let row = generation.row();
        let reference = GenerationRef { number: row.number, kit: row.kit_sha256, content_root: row.content_root };
        let verdict = policy::judge(&evaluation, &options.gate, reference, &row.sources, ENGINE, now);
        Ok(Scanned { inventory, evaluation, verdict, vex })
    }
}

/// Holds VEX against the findings before they are judged.
fn apply_vex(
    document: &[u8],
    inventory: &mut Inventory,
    evaluation: &mut Evaluation,
    options: &VexOptions,
) -> Result<Vec<DocumentUse>, VexError> {
    let analyses = inventory.identity.analyses;
    let embedded = if options.embedded && analyses > 0 { embedded(document)? } else { Vec::new() };
    if analyses > 0 && embedded.is_empty() {
        let reason = if options.embedded { "they are read from JSON in UTF-8 only" } else { "--vex sbom applies them" };
        let said =
            format!("the SBOM has an analysis of {analyses} vulnerabilities of its own, not applied here: {reason}");
        inventory.warnings.push(said);
    }
    let libraries = [&*options.site, &Library::of(embedded)];
    let applied = policy::vex::apply(evaluation, inventory, &libraries, COMPARISONS_MAX)?;
    inventory.warnings.extend(applied.warnings);
    Ok(applied.documents)
}

fn embedded(document: &[u8]) -> Result<Vec<Document>, VexError> {
    // The document has passed the limit of SBOMs already.
    let limits = policy::vex::Limits { bytes_max: document.len(), ..policy::vex::Limits::default() };
    policy::vex::read_embedded("the SBOM", document, &limits)
}
