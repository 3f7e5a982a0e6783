//! Landlock: the files that the worker may touch.
//!
//! Every right that the kernel knows is taken away and a few are given back below the named paths. Rights to
//! run a program or to make devices, sockets, pipes and symbolic links are given back nowhere.

use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, LandlockStatus, PathBeneath, PathFd,
    RestrictionStatus, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, Scope, make_bitflags,
};

use crate::confine::{Confinement, Level};
use crate::error::SandboxError;

/// The least that confines files: before ABI 3 (Linux 6.2) a file outside could be truncated.
const LEAST: ABI = ABI::V3;
const NEWEST: ABI = ABI::V10;
/// From these ABIs on the kernel knows TCP, and signals and abstract sockets.
const TCP: u32 = 4;
const SCOPES: u32 = 6;

/// Restricts this thread. Returns the kernel's ABI, 0 when it has no Landlock.
pub(crate) fn restrict(confinement: &Confinement) -> Result<u32, SandboxError> {
    let least = match confinement.level {
        Level::Required => CompatLevel::HardRequirement,
        Level::BestEffort => CompatLevel::BestEffort,
    };
    let mut rules = ruleset(least).map_err(SandboxError::Files)?;
    for (paths, access) in [(&confinement.read_only, reading()), (&confinement.read_write, reading() | writing())] {
        for path in paths {
            rules = rules.add_rule(beneath(path, access)?).map_err(SandboxError::Files)?;
        }
    }
    let RestrictionStatus { landlock, .. } = rules.restrict_self().map_err(SandboxError::Files)?;
    Ok(match landlock {
        LandlockStatus::Available { effective_abi, .. } => effective_abi as u32,
        LandlockStatus::NotEnabled | LandlockStatus::NotImplemented => 0,
    })
}

/// What a kernel of this ABI leaves to the other parts.
pub(crate) fn missing(abi: u32) -> Vec<String> {
    let parts = [
        (LEAST as u32, "Landlock: files"),
        (TCP, "Landlock: TCP (seccomp denies sockets)"),
        (SCOPES, "Landlock: signals and abstract sockets (seccomp denies both)"),
    ];
    parts.into_iter().filter(|(least, _)| abi < *least).map(|(_, part)| part.to_owned()).collect()
}

/// Without `LEAST` there is no confinement of files. What newer kernels add is a second line
/// behind the system call filter, and is taken where it is there.
fn ruleset(least: CompatLevel) -> Result<landlock::RulesetCreated, RulesetError> {
    Ruleset::default()
        .set_compatibility(least)
        .handle_access(AccessFs::from_all(LEAST))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()
}

fn beneath(path: &Path, access: BitFlags<AccessFs>) -> Result<PathBeneath<PathFd>, SandboxError> {
    let wrong = |source| SandboxError::Path { path: path.to_owned(), source };
    let descriptor = PathFd::new(path).map_err(|error| wrong(std::io::Error::other(error)))?;
    let stat = rustix::fs::fstat(&descriptor).map_err(|error| wrong(error.into()))?;
    let directory = rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::Directory;
    let access = if directory { access } else { access & AccessFs::from_file(NEWEST) };
    Ok(PathBeneath::new(descriptor, access))
}

fn reading() -> BitFlags<AccessFs> {
    make_bitflags!(AccessFs::{ReadFile | ReadDir})
}

/// Refer: a staged file is renamed into another folder.
fn writing() -> BitFlags<AccessFs> {
    make_bitflags!(AccessFs::{WriteFile | Truncate | MakeReg | MakeDir | RemoveFile | RemoveDir | Refer})
}
