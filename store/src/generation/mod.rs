//! Generations: one stack of immutable index files per imported kit.
//!
//! An index file holds what matching needs, in sorted tables; the advisories themselves stay
//! in the kit's segments in the blob store and are found by segment, offset and digest. A
//! generation is built beside the active one and never changed afterwards, so that any
//! number of readers share it without a lock. A full kit makes one whole file; a delta kit makes
//! an overlay on the files of its base.

mod ahead;
mod build;
mod census;
mod compact;
mod file;
mod layer;
mod merge;
mod overlay;
mod read;
mod sort;
mod tables;
mod vex;
mod walk;
mod whole;

pub use build::GenerationBuilder;
pub use census::Census;
pub use compact::stands_on;
pub(crate) use layer::{OpenLayers, digest_of, require_opens};
pub use overlay::{Delta, DeltaError, LAYERS_MAX, Overlay};
pub use read::{Generation, View};
pub use sort::Room;
pub use tables::{Located, SegmentId};
