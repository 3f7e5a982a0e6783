//! What the worker may use up.
//!
//! No limit on processes: `RLIMIT_NPROC` counts every thread of the user, the parent's too, and does not bind
//! root. That the worker starts no process is the system call filter's part; its threads are bounded by memory.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};

use crate::error::SandboxError;

/// The most that one worker may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Memory that can be written: heap, stacks of threads. Past it, allocations fail.
    pub memory_bytes: u64,
    /// Address space. Each thread's allocator reserves 64 MiB of it without using them, so this is
    /// a larger number than `memory_bytes`, and a second line behind it.
    pub address_space_bytes: u64,
    /// CPU time of all threads together. Past it, the worker is ended by SIGXCPU.
    pub cpu_seconds: u64,
    /// Length of one file. Past it, the worker is ended by SIGXFSZ.
    pub file_bytes: u64,
    /// Open descriptors.
    pub open_files: u64,
}

/// Sets the limits, and no core dump. What is stricter already stays, and is returned.
pub(crate) fn restrict(wanted: &Limits) -> Result<Limits, SandboxError> {
    no_core_dump()?;
    Ok(Limits {
        memory_bytes: set(Resource::Data, "memory", wanted.memory_bytes)?,
        address_space_bytes: set(Resource::As, "address space", wanted.address_space_bytes)?,
        cpu_seconds: set(Resource::Cpu, "CPU time", wanted.cpu_seconds)?,
        file_bytes: set(Resource::Fsize, "file length", wanted.file_bytes)?,
        open_files: set(Resource::Nofile, "open files", wanted.open_files)?,
    })
}

pub(crate) fn no_core_dump() -> Result<(), SandboxError> {
    set(Resource::Core, "core dumps", 0).map(drop)
}

fn set(resource: Resource, what: &'static str, wanted: u64) -> Result<u64, SandboxError> {
    let before = getrlimit(resource);
    let least = [before.current, before.maximum].into_iter().flatten().fold(wanted, u64::min);
    // The kernel kills at the hard limit and warns with SIGXCPU at the soft one: one second apart, the name of
    // the signal tells the reason.
    let slack = u64::from(resource == Resource::Cpu);
    let maximum = before.maximum.map_or(least + slack, |maximum| maximum.min(least + slack));
    setrlimit(resource, Rlimit { current: Some(least), maximum: Some(maximum) })
        .map_err(|error| SandboxError::Limit { what, source: error.into() })?;
    Ok(least)
}
