//! `stella kit`: everything about Offline Update Kits.

mod build;
mod impact;
mod import;
mod inspect;
mod join;
mod keys;
mod pending;
mod rollback;
mod split;
mod status;
mod verify;
mod volumes;

use anyhow::Result;
use clap::Subcommand;

use super::Global;
use super::exit::Exit;

/// The product that kits are for.
const PRODUCT: &str = "stella";

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Make the key files of a vendor: a root ceremony
    Keys(keys::Args),
    /// Build a signed kit from a data set
    Build(build::Args),
    /// Show what a kit says of itself, without verifying it
    Inspect(inspect::Args),
    /// Verify a kit completely, without importing it
    Verify(verify::Args),
    /// Cut a kit into volumes that fit a medium
    Split(split::Args),
    /// Put a kit together from volumes or broken copies
    Join(join::Args),
    /// Verify a kit and make its data active
    Import(import::Args),
    /// Show what another generation changes for the stored SBOMs
    Impact(impact::Args),
    /// Show generations, floors, receipts and refused kits
    Status(status::Args),
    /// Make an earlier generation active again
    Rollback(rollback::Args),
}

pub(super) fn run(global: &Global, verb: Verb) -> Result<Exit> {
    match verb {
        Verb::Keys(args) => keys::run(global, &args),
        Verb::Build(args) => build::run(global, &args),
        Verb::Inspect(args) => inspect::run(&args),
        Verb::Verify(args) => verify::run(global, &args),
        Verb::Split(args) => split::run(global, &args),
        Verb::Join(args) => join::run(global, &args),
        Verb::Import(args) => import::run(global, &args),
        Verb::Impact(args) => impact::run(global, &args),
        Verb::Status(args) => status::run(global, &args),
        Verb::Rollback(args) => rollback::run(global, &args),
    }
}
