//! The state directory: the only room that writes to disk.
//!
//! ```text
//! state.redb     trust floors, generations, the pointer to the active one, receipts, scans
//! sboms.redb     stored SBOMs: rows, inventories, and which packages each asks about
//! cas/           blobs, named by their SHA-256
//! generations/   one immutable index file per generation
//! staging/       what is being imported; emptied at the next import
//! quarantine/    refused kits, each with its reason
//! import.lock    held by whoever imports
//! ```
//!
//! Invariant: what `state.redb` points at is whole and on disk. Everything is written
//! beside the active data, synced, and made visible by one transaction; whatever a crash
//! leaves behind is unreferenced, and the next import removes it.

mod blobs;
pub mod disk;
mod durable;
mod error;
mod generation;
mod layout;
mod quarantine;
mod rows;
mod sboms;
mod staging;
mod state;
mod workspace;

pub use blobs::Blobs;
pub use error::StoreError;
pub use generation::{Generation, GenerationBuilder, Located, SegmentId, View};
pub use layout::Layout;
pub use quarantine::Quarantined;
pub use rows::{Floor, GenerationRow, TrustRow};
pub use sboms::{Added, Footprint, PackageHash, PackageSet, SHARDS, SbomRow, Sboms, Snapshot};
pub use staging::{StageError, Staged};
pub use state::{Activation, ImportLock, Store};
pub use workspace::Workspace;
