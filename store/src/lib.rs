//! The state directory: the only room that writes to disk.
//!
//! ```text
//! state.redb     trust floors, generations, the pointer to the active one, receipts, the log's head, scans,
//!                who approves what and what waits for it, tokens and what the vendor has withdrawn
//! keys/          private keys of the site, one for each purpose
//! log/           the audit log: tiles and the signed checkpoint
//! sboms.redb     stored SBOMs: rows, inventories, and which packages each asks about
//! cas/           blobs, named by their SHA-256
//! kits/          the kits of those generations as they came in, to be passed on
//! sets/          frames of kits that come in parts, until they are whole
//! generations/   immutable index files, one per import; a delta's rests on those of its base
//! staging/       what is being imported; emptied at the next import
//! quarantine/    refused kits, each with its reason
//! import.lock    held by whoever imports
//! ```
//!
//! Invariant: what `state.redb` points at is whole and on disk. Everything is written
//! beside the active data, synced, and made visible by one transaction; whatever a crash
//! leaves behind is unreferenced, and the next import removes it.

pub mod audit;
mod blobs;
mod control;
mod database;
pub mod disk;
mod durable;
mod entitlements;
mod error;
mod generation;
mod layout;
mod pending;
mod pieces;
mod quarantine;
mod rotation;
mod rows;
mod sboms;
mod scratch;
mod sets;
mod site;
mod staging;
mod state;
mod workspace;

pub use blobs::Blobs;
pub use control::{APPROVAL_HOURS, ApprovalRow, ControlPolicy, EmergencyRow, PendingRow, Person, Task};
pub use entitlements::{Compact, EntitlementChange, SiteTokenRow, VendorTokenRow};
pub use error::StoreError;
pub use generation::{
    Census, Delta, DeltaError, Generation, GenerationBuilder, LAYERS_MAX, Located, Overlay, Room, SegmentId, View,
    stands_on,
};
pub use layout::Layout;
pub use pending::Effect;
pub use pieces::Pieces;
pub use quarantine::Quarantined;
pub use rows::{DerivedRow, Floor, GenerationRow, LayerRef, SiteTrustRow, TrivyDbRow, TrustRow};
pub use sboms::{Added, Footprint, PackageHash, PackageSet, SHARDS, SbomRow, Sboms, Snapshot};
pub use scratch::Scratch;
pub use sets::{KeptSet, SET_DAYS, SetMetadata, SetRow, VolumeRow, Waiting};
pub use site::{Entropy, Identity, RetiredTokenKey, Site};
pub use staging::{StageError, Staged};
pub use state::{Activation, ImportLock, Store};
pub use workspace::Workspace;
