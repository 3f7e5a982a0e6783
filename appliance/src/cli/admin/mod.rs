//! `stella admin`: what concerns the site and no kit.

mod site_root;

use anyhow::Result;
use clap::Subcommand;

use super::Global;
use super::exit::Exit;

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// The root under which this site vouches for kits
    #[command(subcommand)]
    SiteRoot(site_root::Verb),
}

pub(super) fn run(global: &Global, verb: &Verb) -> Result<Exit> {
    match verb {
        Verb::SiteRoot(verb) => site_root::run(global, verb),
    }
}
