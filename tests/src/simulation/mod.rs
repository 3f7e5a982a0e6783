//! A file system in memory that can lose its power and that can fail.
//!
//! ```text
//! SimDisk   what a running program sees; records each operation; fails when told to
//! Power     replays a record and knows what is durable after each step, and what is pending
//! Turns     lets several programs use one disk in a given order
//! Image     one legal content of the disk after a power cut; a SimDisk starts from it
//! ```
//!
//! The rules are those of POSIX, not of one kind file system: content is durable after a sync of the
//! file, a name after a sync of its directory, and what was not synced may be there or not, in
//! any order, and torn between sectors of 512 bytes.

mod content;
mod disk;
mod fault;
mod locks;
mod power;
mod random;
mod turns;

pub use disk::SimDisk;
pub use fault::{Fault, FaultKind};
pub use power::{Choice, Image, Power};
pub use random::Random;
pub use turns::{Program, Shared, Turn, Turns};
