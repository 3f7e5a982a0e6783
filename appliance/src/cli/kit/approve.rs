//! `stella kit approve`.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use importer::control::rules::{self, Standing};
use importer::control::{self};

use crate::cli::admin;
use crate::cli::control::{At, Operator, describe, read_key, standing};
use crate::cli::exit::{Exit, UsageError};
use crate::cli::{Global, files};

const ENVELOPE_BYTES_MAX: u64 = 64 << 10;

const AFTER_HELP: &str = "\
Examples:
  stella kit approve 2 --key bob.key.pem                       sign here
  stella kit approve 2 --request --as bob > approval.json      sign elsewhere: take the statement there,
  stella admin approver sign approval.json --key bob.key.pem -o approval.dsse
  stella kit approve 2 --approval approval.dsse                and bring the signature back

Look at `stella kit pending` first. An approval is good for this one request, until it ends. The
one who asked signs in the same way; that proves who it was, and does not count as an approval.";

#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
#[group(id = "how", required = true, multiple = false, args = ["key", "approval", "request"])]
pub(crate) struct Args {
    /// The request
    #[arg(value_name = "NUMBER")]
    number: u64,
    /// Sign with this private approval key
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Take over a signed approval
    #[arg(long, value_name = "FILE")]
    approval: Option<PathBuf>,
    /// Print the statement that an approver signs
    #[arg(long, requires = "approver")]
    request: bool,
    /// The approver whose statement is printed
    #[arg(long = "as", id = "approver", value_name = "NAME", requires = "request")]
    approver: Option<String>,
    #[command(flatten)]
    who: Operator,
}

pub(super) fn run(global: &Global, args: &Args) -> Result<Exit> {
    let store = global.open_store()?;
    let row = store.pending_row(args.number).map_err(importer::ImportError::from)?;
    let policy = store.control_policy()?;
    let mut out = std::io::stdout().lock();
    let envelope = match (&args.key, &args.approval, &args.approver) {
        (Some(key), None, _) => control::sign(&policy, &row, &read_key(key)?)?,
        (None, Some(path), _) => files::read(path, ENVELOPE_BYTES_MAX)?,
        (None, None, Some(name)) => {
            // Without a line break: these are the bytes to sign.
            out.write_all(&rules::statement(&row, name).to_bytes())?;
            return Ok(Exit::Clean);
        }
        _ => return Err(UsageError("give one of --key, --approval and --request".to_owned()).into()),
    };
    let at = At::now(&store)?;
    let approved = control::approve(&store, args.number, &envelope, &at.acting(&args.who.operator))?;
    writeln!(out, "request {}: {}", row.number, describe(&row))?;
    match approved.standing {
        Standing::Approver => writeln!(out, "{} approves", approved.person)?,
        Standing::Requester => writeln!(out, "{} has asked for it; that is no approval", approved.person)?,
    }
    writeln!(out, "{}", standing(&row, &approved.tally))?;
    admin::write_checkpoint(&mut out, approved.logged)?;
    Ok(Exit::Clean)
}
