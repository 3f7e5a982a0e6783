//! The attack catalogue as an executable table.
//!
//! `ouk` has its own tests of each fault. Here each one goes through the whole importer, on a
//! real state directory that holds data already, and what must hold after a refusal is
//! checked after each: `catalogue/bench.rs`. `make attacks` prints the table.

mod binary;
mod catalogue;
mod document;
