//! The Offline Update Kit as bytes: how one is built, opened and verified.
//!
//! Everything here works over `Read` and `Write`. The room knows no path, no database, no
//! socket and no clock, so each check is a plain function of bytes and each attack on it
//! a plain test. The format is drawn in `docs/kit-format.md`, the reasons stand in
//! `docs/adr/0004-kit-trust.md`.
//!
//! ```text
//! read::open       the metadata frame, bounded; nothing is trusted yet
//! verify::verify   roots, timestamp, snapshot, targets, gates -> VerifiedKit
//! blobs::blobs     frame after frame: compressed digest first, then decompression
//! build::build     the way there; ends by verifying its own work
//! volume           a kit in pieces, and put together again from them
//! seal             the minisign signature for people
//! keys             key pairs, the ceremony, the next root
//! tokens           entitlement tokens and revocations
//! client           a TUF repository that is reached by name, such as a site's own
//! site             a site's word for a kit: its own repository, and a frame that travels with the kit
//! ```

pub mod blobs;
pub mod build;
pub mod client;
mod document;
pub mod error;
mod frame;
pub mod keys;
pub mod limits;
pub mod read;
mod schema;
pub mod seal;
pub mod site;
pub mod tokens;
mod ustar;
pub mod verify;
pub mod volume;
