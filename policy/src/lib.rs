//! Policy: VEX statements held against an evaluation, and from an evaluation to a verdict.
//!
//! A verdict has three values. "Indeterminate" is what an honest scanner says when
//! part of the inventory could not be judged: it is never folded into "pass".

mod gate;
mod verdict;
pub mod vex;

pub use gate::{Gate, OnUnevaluated};
pub use verdict::{DataAge, GenerationRef, Outcome, SourceAge, Verdict, judge, source_age};
