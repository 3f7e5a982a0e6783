//! The worker's first act.

use std::path::{Path, PathBuf};

use rustix::fs::{Dir, Mode, OFlags};
use rustix::process::{DumpableBehavior, Signal};
use serde::{Deserialize, Serialize};

use crate::error::SandboxError;
use crate::{Limits, calls, files, limits};

/// A tenth of the share that a process of normal priority has, where both want the same processor.
const NICENESS: i32 = 10;

/// What the worker may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    /// Files and folders that may be read. Each must exist.
    pub read_only: Vec<PathBuf>,
    /// Files and folders that may be read and changed. Each must exist.
    pub read_write: Vec<PathBuf>,
    pub limits: Limits,
    pub level: Level,
}

/// What happens when the kernel cannot confine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Level {
    /// The worker refuses to run. The appliance brings its own kernel.
    Required,
    /// The worker runs and its report says what is missing. A container runs on any kernel.
    BestEffort,
}

/// What is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// 0: none.
    pub landlock_abi: u32,
    /// Are system calls filtered?
    pub system_calls: bool,
    /// As wanted, or stricter where the worker was started with stricter ones.
    pub limits: Limits,
    /// Descriptors that came from the parent's own parent, as `number -> target`.
    pub inherited: Vec<String>,
    /// What this kernel cannot do, in words. Empty: everything is in force.
    pub missing: Vec<String>,
}

/// One of the three walls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Limits,
    Files,
    Calls,
}

/// Confines this process for good. It is called before any thread is started and before
/// anything from outside is read.
pub fn confine(confinement: &Confinement) -> Result<Report, SandboxError> {
    confine_all_but(None, confinement)
}

/// For tests, which show for each wall that something gets through without it.
pub fn confine_all_but(without: Option<Part>, confinement: &Confinement) -> Result<Report, SandboxError> {
    only_one_thread()?;
    let inherited = inherited(confinement.level)?;
    harden()?;
    let mut missing = Vec::new();
    let mut landlock_abi = 0;
    // Landlock opens the named paths, which the limits and the filter would count and judge: it comes first.
    if without != Some(Part::Files) {
        landlock_abi = files::restrict(confinement)?;
        missing = files::missing(landlock_abi);
    }
    let limits = match without {
        Some(Part::Limits) => confinement.limits,
        _ => limits::restrict(&confinement.limits)?,
    };
    let system_calls = without != Some(Part::Calls) && calls(confinement.level, &mut missing)?;
    Ok(Report { landlock_abi, system_calls, limits, inherited, missing })
}

fn calls(level: Level, missing: &mut Vec<String>) -> Result<bool, SandboxError> {
    match (calls::restrict(), level) {
        (Ok(()), _) => Ok(true),
        (Err(error), Level::Required) => Err(error),
        (Err(error), Level::BestEffort) => {
            missing.push(error.to_string());
            Ok(false)
        }
    }
}

fn only_one_thread() -> Result<(), SandboxError> {
    match names("/proc/self/task")?.len() {
        1 => Ok(()),
        threads => Err(SandboxError::Threads(threads)),
    }
}

/// Our own parent opens everything close-on-exec, but a service manager may have left it more.
/// A socket among that would be a network.
fn inherited(level: Level) -> Result<Vec<String>, SandboxError> {
    let mut found = Vec::new();
    for name in names("/proc/self/fd")? {
        let Ok(descriptor @ 3..) = name.parse::<i32>() else { continue };
        // The one that lists the folder is closed by now.
        let Ok(target) = rustix::fs::readlink(format!("/proc/self/fd/{name}"), Vec::new()) else { continue };
        let target = target.to_string_lossy().into_owned();
        if level == Level::Required && target.starts_with("socket:") {
            return Err(SandboxError::Inherited { descriptor, target });
        }
        found.push(format!("{descriptor} -> {target}"));
    }
    Ok(found)
}

fn names(folder: &str) -> Result<Vec<String>, SandboxError> {
    let wrong = |error: rustix::io::Errno| SandboxError::Path { path: Path::new(folder).into(), source: error.into() };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let entries = Dir::new(rustix::fs::open(folder, flags, Mode::empty()).map_err(wrong)?).map_err(wrong)?;
    let names = entries.map(|entry| Ok(entry.map_err(wrong)?.file_name().to_string_lossy().into_owned()));
    names.filter(|name| !matches!(name.as_deref(), Ok("." | ".."))).collect()
}

/// No program gives this process more rights, no core dump leaves it even when the system pipes them to a
/// program, nobody of the same user traces it, it does not outlive its parent, and it yields to others.
fn harden() -> Result<(), SandboxError> {
    rustix::thread::set_no_new_privs(true).map_err(wrong("no_new_privs"))?;
    yield_to_others()?;
    keep_memory_private()?;
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).map_err(wrong("the parent's death signal"))
}

/// Leaves the processors to whoever else wants them: scans are waited for, an import is not. Holds for this thread and
/// for what it starts from now on; who has yielded more already stays there.
pub fn yield_to_others() -> Result<(), SandboxError> {
    let niceness = rustix::process::getpriority_process(None).map_err(wrong("the priority"))?;
    rustix::process::setpriority_process(None, niceness.max(NICENESS)).map_err(wrong("the priority"))
}

/// Keeps what this process holds in memory, such as private keys and tokens, out of core dumps, and other processes
/// of the same user out of its memory. Any process may do that, and one that holds secrets should, at its start.
pub fn keep_memory_private() -> Result<(), SandboxError> {
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(wrong("the dumpable flag"))?;
    limits::no_core_dump()
}

fn wrong(what: &'static str) -> impl Fn(rustix::io::Errno) -> SandboxError {
    move |error| SandboxError::Process { what, source: error.into() }
}

#[cfg(test)]
mod tests {
    use rustix::process::{DumpableBehavior, Resource, dumpable_behavior, getrlimit};

    #[test]
    fn j15_memory_that_is_private_is_neither_dumped_nor_traced() {
        super::keep_memory_private().expect("every process may");
        assert_eq!(dumpable_behavior().expect("Linux"), DumpableBehavior::NotDumpable);
        assert_eq!(getrlimit(Resource::Core).current, Some(0));
        assert_eq!(getrlimit(Resource::Core).maximum, Some(0));
    }
}
