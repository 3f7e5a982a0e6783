//! Evidence as bytes: signed receipts, and a log that cannot be rewritten unnoticed.
//!
//! A receipt is an in-toto statement in a DSSE envelope ([`dsse`], [`statement`]). The audit log is a
//! Merkle tree of RFC 6962 in tiles of C2SP `tlog-tiles` ([`tlog`]), whose head is signed as a C2SP
//! note ([`note`], [`checkpoint`]). That a person agrees to an action is an envelope too ([`approval`]).
//! All of these are published formats, so an auditor can check
//! them with tools that are not ours; `docs/tools` holds two that share no code with this room.
//!
//! This room has no disk, no clock and no randomness. What is verified has a type that only
//! verification makes, by a constructor called `assertion`. The formats are small enough to write:
//! docs/adr/0006-attest-room.md says which libraries were looked at.

pub mod approval;
pub mod checkpoint;
pub mod dsse;
mod error;
pub mod keys;
mod limits;
pub mod note;
pub mod statement;
mod text;
pub mod tlog;

pub use error::{AttestError, Blame};
pub use limits::Limits;
