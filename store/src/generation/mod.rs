//! Generations: one immutable index file per imported kit.
//!
//! The file holds what matching needs, in sorted tables; the advisories themselves stay
//! in the kit's segments in the blob store and are found by segment, offset and digest. A
//! generation is built beside the active one and never changed afterwards, so that any
//! number of readers share it without a lock.

mod build;
mod read;
mod tables;
mod walk;

pub use build::GenerationBuilder;
pub(crate) use read::digest_of;
pub use read::{Generation, View};
pub use tables::{Located, SegmentId};
