//! Coverage-guided fuzzing of every reader of outside bytes (docs/adr/0011-fuzzing.md).
//!
//! One binary holds all targets, and `FUZZ_TARGET` names the one to run, so that building and
//! linking happen once. A target is a row of [`targets::ALL`]: a name, a function that
//! panics when a promise is broken, real documents to start from, and words worth trying.
//! `scripts/fuzz` runs them; with `FUZZ_SEEDS=directory` the binary writes what they start from.

#![no_main]

mod kit;
mod target;
mod targets;

use libfuzzer_sys::fuzz_target;

fuzz_target!(init: target::start(), |data: &[u8]| {
    (target::chosen().run)(data);
});
