//! `stella kit`: everything about Offline Update Kits.

mod activate;
mod approve;
mod build;
mod dataset;
mod delta;
mod discard;
mod export;
mod impact;
mod import;
mod incomplete;
mod inspect;
mod join;
mod keys;
mod pending;
mod receipt;
mod requests;
mod rollback;
mod split;
mod status;
mod tokens;
mod trivy;
mod verify;
mod vex;
mod volumes;
mod withdraw;

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
    /// Issue a vendor token for a kit
    IssueToken(tokens::IssueArgs),
    /// Show what a kit says of itself, without verifying it
    Inspect(inspect::Args),
    /// Verify a kit completely, without importing it
    Verify(verify::Args),
    /// Cut a kit into volumes that fit a medium
    Split(split::Args),
    /// Put a kit together from volumes or broken copies
    Join(join::Args),
    /// Verify a kit, from one file or from its volumes, and make its data active
    Import(import::Args),
    /// Verify a kit and let it wait, to be activated later
    Stage(import::StageArgs),
    /// List what waits for approval
    Pending(requests::Args),
    /// Approve a request, or show what an approver has to sign
    Approve(approve::Args),
    /// Carry out a request that enough people have approved
    Activate(activate::Args),
    /// Take a request back
    Withdraw(withdraw::Args),
    /// Give up a kit of which some parts have come
    Discard(discard::Args),
    /// Pass a verified kit on, with this site's signatures beside the vendor's
    Export(export::Args),
    /// Show what another generation changes for the stored SBOMs
    Impact(impact::Args),
    /// Show generations, floors, kits that wait for further parts, receipts and refused kits
    Status(status::Args),
    /// Write the signed receipt of an import, with a proof that it is in the audit log
    Receipt(receipt::Args),
    /// Make an earlier generation active again
    Rollback(rollback::Args),
}

pub(super) fn run(global: &Global, verb: Verb) -> Result<Exit> {
    match verb {
        Verb::Keys(args) => keys::run(global, &args),
        Verb::Build(args) => build::run(global, &args),
        Verb::IssueToken(args) => tokens::issue(&args),
        Verb::Inspect(args) => inspect::run(&args),
        Verb::Verify(args) => verify::run(global, &args),
        Verb::Split(args) => split::run(global, &args),
        Verb::Join(args) => join::run(global, &args),
        Verb::Import(args) => import::run(global, &args),
        Verb::Stage(args) => import::stage(global, &args),
        Verb::Pending(args) => requests::run(global, &args),
        Verb::Approve(args) => approve::run(global, &args),
        Verb::Activate(args) => activate::run(global, &args),
        Verb::Withdraw(args) => withdraw::run(global, &args),
        Verb::Discard(args) => discard::run(global, &args),
        Verb::Export(args) => export::run(global, &args),
        Verb::Impact(args) => impact::run(global, &args),
        Verb::Status(args) => status::run(global, &args),
        Verb::Receipt(args) => receipt::run(global, &args),
        Verb::Rollback(args) => rollback::run(global, &args),
    }
}
