//! `stella admin audit`: the log for people, and for auditors who do not trust this program.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Subcommand;
use store::Store;
use store::audit::{Logbook, Record};

use super::checkpoint_line;
use crate::cli::db::Format;
use crate::cli::exit::{Exit, UsageError};
use crate::cli::{Global, files};
use crate::report::{escape, write_json};

const CHECKPOINT_BYTES_MAX: u64 = 128 << 10;
const RECORDS_SHOWN: u64 = 20;

const EXPORT_HELP: &str = "\
DIR gets the log as plain files (checkpoint, tile/), the keys to check it with (vkey, receipt.pub.pem) and
every receipt (receipts/). An auditor needs no part of this program:

  node docs/tools/verify-audit.mjs DIR --vkey \"$(cat DIR/vkey)\" --against OLD_CHECKPOINT
  node docs/tools/verify-receipt.mjs DIR/receipts/12.dsse.json --key DIR/receipt.pub.pem

The keys of an export prove nothing by themselves: compare them with those that the site showed when it
was set up (`stella admin keys show`).";

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Compute the whole log again and compare it with what was signed
    #[command(after_help = "Exit code 0: in order; 3: changed, cut, damaged or forked, and the message says where.")]
    Verify {
        /// A checkpoint that was kept elsewhere: nothing before it may have changed since
        #[arg(long, value_name = "CHECKPOINT_FILE")]
        against: Option<PathBuf>,
    },
    /// Write the log, its receipts and the public keys into a directory
    #[command(after_help = EXPORT_HELP)]
    Export {
        /// New or empty directory
        #[arg(short, long, value_name = "DIR")]
        output: PathBuf,
    },
    /// List the newest records
    List {
        #[arg(short, long, value_enum, default_value = "table")]
        format: Format,
        /// How many
        #[arg(long, default_value_t = RECORDS_SHOWN, value_name = "N")]
        last: u64,
    },
}

pub(super) fn run(global: &Global, verb: &Verb) -> Result<Exit> {
    let store = global.open_store()?;
    let Some(log) = store.logbook()? else {
        writeln!(std::io::stdout().lock(), "nothing was ever logged here: the log begins with the first import")?;
        return Ok(Exit::Data);
    };
    match verb {
        Verb::Verify { against } => verify(&log, against.as_deref()),
        Verb::Export { output } => export(&store, &log, output),
        Verb::List { format, last } => list(&log, *format, *last, &mut BufWriter::new(std::io::stdout().lock())),
    }
}

fn verify(log: &Logbook<'_>, against: Option<&Path>) -> Result<Exit> {
    let older = against.map(|path| files::read(path, CHECKPOINT_BYTES_MAX)).transpose()?;
    let verified = log.verify(older.as_deref()).context("the audit log is NOT in order")?;
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "in order: {} entries and {} receipts of {}",
        verified.head.size,
        verified.receipts,
        log.identity().log().name()
    )?;
    match verified.against {
        Some(size) => writeln!(out, "the {size} entries of the older checkpoint are its beginning")?,
        None => writeln!(
            out,
            "compared with nothing from elsewhere: whoever has the keys could have rewritten all of it (--against)"
        )?,
    }
    writeln!(out, "{}", checkpoint_line(&verified.head))?;
    Ok(Exit::Clean)
}

fn export(store: &Store, log: &Logbook<'_>, output: &Path) -> Result<Exit> {
    if !files::is_empty_or_absent(output)? {
        return Err(UsageError(format!("{} is not empty: export into a new directory", output.display())).into());
    }
    log.verify(None).context("the audit log is NOT in order; copy the files of log/ as they are for evidence")?;
    let write = |name: &str, bytes: &[u8]| -> Result<()> {
        let path = output.join(name);
        files::make_directory(path.parent().unwrap_or(output))?;
        files::write_bytes(&path, 0o644, bytes)
    };
    for file in log.files() {
        let (name, bytes) = file?;
        write(&name, &bytes)?;
    }
    let identity = log.identity();
    write("vkey", format!("{}\n", identity.log().to_vkey()).as_bytes())?;
    write("receipt.pub.pem", identity.receipt().to_pem().as_bytes())?;
    let receipts = store.receipts(usize::MAX)?;
    let receipts: Vec<_> = receipts.iter().filter(|receipt| receipt.index < log.head().size).collect();
    for receipt in &receipts {
        write(&format!("receipts/{}.dsse.json", receipt.index), &receipt.receipt)?;
        if let Some(summary) = &receipt.summary {
            write(&format!("receipts/{}.vsa.dsse.json", receipt.index), summary)?;
        }
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} entries and {} receipts in {}", log.head().size, receipts.len(), output.display())?;
    writeln!(out, "{}", checkpoint_line(log.head()))?;
    Ok(Exit::Clean)
}

fn list(log: &Logbook<'_>, format: Format, last: u64, out: &mut impl Write) -> Result<Exit> {
    let size = log.head().size;
    let records = log.records(size.saturating_sub(last)..size)?;
    if format == Format::Json {
        write_json(&records, out)?;
    } else {
        for record in &records {
            writeln!(out, "{}", line(record))?;
        }
        writeln!(out, "{}", checkpoint_line(log.head()))?;
    }
    out.flush()?;
    Ok(Exit::Clean)
}

/// One line whatever was typed: nothing in it can act on a terminal or begin another line.
fn line(record: &Record) -> String {
    let Record { index, at, action, result, code, actor, details, .. } = record;
    let code = code.as_deref().map(|code| format!(" [{code}]")).unwrap_or_default();
    let details: String = details.iter().map(|(name, text)| format!("  {name}={text}")).collect();
    escape(&format!("{index:>6}  {at}  {action} {result}{code} by {actor}{details}")).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_control_character_of_a_record_reaches_a_line() {
        // L04, as it lies in the log: escaped there, and decoded when it is read.
        let evil = "a\\n\\r\\t\\u0000\\u001b[2J\u{7f}\u{9b}\u{202e}|=\\\"";
        let kit = domain::digest::Digest::of(b"kit");
        let logged = format!(
            "{{\"action\":\"import\",\"actor\":\"{evil}\",\"at\":\"1970-01-01T00:00:00Z\",\"code\":\"E-X\",\
             \"details\":{{\"given_as\":\"{evil}\"}},\"index\":7,\"result\":\"rejected\",\
             \"schema\":\"stella.audit/v1\",\"subjects\":[{{\"name\":\"kit\",\"sha256\":\"{kit}\"}}]}}"
        );
        let record = Record::read(logged.as_bytes(), 7).expect("a record");
        let shown = r#"a\n\r\t\u{0}\u{1b}[2J\u{7f}\u{9b}\u{202e}|=""#;
        let want = format!("     7  1970-01-01T00:00:00Z  import rejected [E-X] by {shown}  given_as={shown}");
        assert_eq!(line(&record), want);
        let mut json = Vec::new();
        write_json(&[&record], &mut json).expect("written");
        let text = String::from_utf8(json).expect("text");
        assert!(!text.chars().any(|c| c != '\n' && (c.is_control() || c == '\u{202e}')), "{text}");
        assert_eq!(serde_json::from_str::<Vec<Record>>(&text).expect("JSON"), [record]);
    }
}
