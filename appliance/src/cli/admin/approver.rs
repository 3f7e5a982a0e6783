//! `stella admin approver`.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use attest::approval::Approval as Statement;
use attest::dsse;
use attest::keys::{Approval, SigningKey, VerifyingKey};
use clap::Subcommand;
use store::Person;
use zeroize::Zeroizing;

use super::replace;
use crate::cli::control::{Asking, read_key, read_text};
use crate::cli::db::Format;
use crate::cli::exit::{Exit, UsageError};
use crate::cli::{Global, files};

const KEY_BYTES_MAX: u64 = 4 << 10;
const STATEMENT_BYTES_MAX: u64 = 16 << 10;

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Make an approval key, on the approver's own machine
    #[command(after_help = "Example:\n  stella admin approver key -o bob.key.pem\n\n\
        Writes the private key, readable by its owner alone, and prints the public one, which the site needs.")]
    Key {
        /// New file for the private key
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
    /// Sign a statement that `stella kit approve N --request` printed; needs no state directory
    #[command(
        after_help = "Example:\n  stella admin approver sign approval.json --key bob.key.pem -o approval.dsse\n\n\
        Read the statement before you sign it: it says what is done, to which kit, and until when."
    )]
    Sign {
        #[arg(value_name = "FILE")]
        statement: PathBuf,
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
    /// Add a person, or replace the keys of one
    #[command(
        after_help = "Examples:\n  stella admin approver add bob --key Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n  \
        stella admin approver add bob --key bob.pub.pem"
    )]
    Add {
        name: String,
        /// Public approval key: its base64 or a PEM file
        #[arg(long, value_name = "KEY", required = true)]
        key: Vec<String>,
        #[command(flatten)]
        asking: Asking,
    },
    /// Remove a person; approvals of theirs that wait are void at once
    Remove {
        name: String,
        #[command(flatten)]
        asking: Asking,
    },
    /// List the people and their keys
    List {
        #[arg(short, long, value_enum, default_value = "table")]
        format: Format,
    },
}

pub(super) fn run(global: &Global, verb: &Verb) -> Result<Exit> {
    match verb {
        Verb::Key { output } => make_key(output),
        Verb::Sign { statement, key, output } => sign(statement, key, output),
        Verb::Add { name, key, asking } => {
            let keys = key.iter().map(|key| public_key(key)).collect::<Result<Vec<_>>>()?;
            let store = global.open_store()?;
            let present = store.control_policy()?;
            let mut policy = present.clone();
            policy.people.retain(|person| person.name != *name);
            policy.people.push(Person { name: name.clone(), keys });
            policy.people.sort_by(|a, b| a.name.cmp(&b.name));
            replace(&store, &present, policy, asking)
        }
        Verb::Remove { name, asking } => {
            let store = global.open_store()?;
            let present = store.control_policy()?;
            if present.person(name).is_none() {
                return Err(UsageError(format!("{name} is no approver; see stella admin approver list")).into());
            }
            let mut policy = present.clone();
            policy.people.retain(|person| person.name != *name);
            replace(&store, &present, policy, asking)
        }
        Verb::List { format } => list(global, *format),
    }
}

fn make_key(output: &Path) -> Result<Exit> {
    if output.exists() {
        let message = format!("{} exists already; keys are never written over", output.display());
        return Err(UsageError(message).into());
    }
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *seed).context("the system gives no random numbers")?;
    let key = SigningKey::<Approval>::from_seed(&seed);
    files::write_bytes(output, 0o600, key.to_pem().as_bytes())?;
    writeln!(std::io::stdout().lock(), "{}", key.public().to_base64())?;
    Ok(Exit::Clean)
}

fn sign(statement: &Path, key: &Path, output: &Path) -> Result<Exit> {
    let statement = Statement::parse(&files::read(statement, STATEMENT_BYTES_MAX)?)?;
    let envelope = dsse::sign(&statement.to_bytes(), &[&read_key(key)?]);
    files::write_bytes(output, 0o644, &envelope)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "signed for {}: {}", crate::report::escape(&statement.approver), statement.action.as_str())?;
    for (name, value) in &statement.subject {
        writeln!(out, "  {} {}", crate::report::escape(name), crate::report::escape(value))?;
    }
    writeln!(out, "  until {}", statement.expires)?;
    Ok(Exit::Clean)
}

/// A key as it was typed, or the content of the file of that name.
fn public_key(text: &str) -> Result<String> {
    let key = match VerifyingKey::<Approval>::parse(text) {
        Ok(key) => key,
        Err(_) if Path::new(text).is_file() => VerifyingKey::parse(&read_text(Path::new(text), KEY_BYTES_MAX)?)?,
        Err(error) => return Err(error.into()),
    };
    Ok(key.to_base64())
}

fn list(global: &Global, format: Format) -> Result<Exit> {
    let policy = global.open_store()?.control_policy()?;
    let mut out = std::io::stdout().lock();
    if format == Format::Json {
        writeln!(out, "{:#}", serde_json::to_value(&policy.people)?)?;
        return Ok(Exit::Clean);
    }
    if policy.people.is_empty() {
        writeln!(out, "nobody; add people with `stella admin approver add NAME --key KEY`")?;
    }
    for person in &policy.people {
        writeln!(out, "{:<20} {}", person.name, person.keys.join(" "))?;
    }
    Ok(Exit::Clean)
}
