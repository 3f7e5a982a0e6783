//! A worker process that can do its work and nothing else, and the parent that survives it.
//!
//! ```text
//! parent                               worker: the same binary, a hidden verb
//! Worker::start ── /proc/self/exe ──>  confine(): limits, Landlock, seccomp; from here on
//!                                        no network, no program, no file but the named ones
//!   input ───────── stdin ──────────>  the job
//!   wait  <──────── stdout ──────────  send(Progress) …, send(Done) once
//! ```
//!
//! Invariant: the parent believes nothing of a worker but one final message followed by exit code 0; every
//! other end (a signal, a panic, silence, noise, delay) is a [`WorkerError`] that says which. Why a process and
//! not a thread, and what the worker may do: docs/adr/0010-worker-process.md.

mod calls;
mod confine;
mod error;
mod files;
mod limits;
mod message;
mod worker;

pub use confine::{Confinement, Level, Part, Report, confine, confine_all_but, keep_memory_private, yield_to_others};
pub use error::{Said, SandboxError, WorkerError};
pub use limits::Limits;
pub use message::{Message, send};
pub use worker::{Input, OutputLimits, Spec, Worker};
