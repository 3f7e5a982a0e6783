//! What the verbs of dual control share: who acts, and how a request is shown.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use attest::keys::{Approval, SigningKey};
use domain::clock::Reading;
use domain::digest::Digest;
use domain::time::Timestamp;
use importer::control::rules::{self, Tally};
use importer::control::{self, Acting, Asked, Done, Presence};
use ouk::limits::Limits;
use rustix::fs::{FileType, fstat, major, minor};
use rustix::termios::tcgetpgrp;
use store::{ControlPolicy, PendingRow, Site, Store, Task};

use super::admin;
use super::exit::Exit;
use super::files;
use crate::clock;
use crate::report::escape;
use crate::scan::ENGINE;

const KEY_BYTES_MAX: u64 = 4 << 10;

/// Who acts.
#[derive(clap::Args)]
pub(crate) struct Operator {
    /// Who acts, for the receipt; under dual control a person of the policy
    #[arg(long, value_name = "NAME", env = "STELLA_OPERATOR", default_value_t = operator())]
    pub(crate) operator: String,
}

/// Who asks for something that may have to wait.
#[derive(clap::Args)]
pub(crate) struct Asking {
    /// Who asks, for the receipt; under dual control a person of the policy
    #[arg(long, value_name = "NAME", env = "STELLA_OPERATOR", default_value_t = operator())]
    pub(crate) operator: String,
    /// Your approval key: proves that it was you who asked, when others must approve
    #[arg(long, value_name = "FILE", env = "STELLA_SIGN_WITH")]
    pub(crate) sign_with: Option<PathBuf>,
}

/// The account that runs the command.
fn operator() -> String {
    std::env::var("SUDO_USER").or_else(|_| std::env::var("USER")).unwrap_or_else(|_| "unknown".to_owned())
}

/// The moment at which somebody acts.
pub(crate) struct At {
    pub(crate) site: Site,
    pub(crate) reading: Reading,
    pub(crate) limits: Limits,
    pub(crate) nonce: Digest,
}

impl At {
    pub(crate) fn now(store: &Store) -> Result<Self> {
        let mut nonce = [0; 32];
        getrandom::fill(&mut nonce).context("the system gives no random numbers")?;
        Ok(Self {
            site: admin::site(store)?,
            reading: clock::reading(),
            limits: Limits::default(),
            nonce: Digest::from_bytes(nonce),
        })
    }

    pub(crate) fn acting<'a>(&'a self, operator: &'a str) -> Acting<'a> {
        Acting {
            site: &self.site,
            operator,
            engine: ENGINE,
            appliance_version: env!("CARGO_PKG_VERSION"),
            reading: &self.reading,
            limits: &self.limits,
            nonce: self.nonce,
        }
    }

    /// The time that requests are judged by.
    pub(crate) fn present(&self, store: &Store) -> Result<Timestamp> {
        Ok(importer::time(store)?.judge(&self.reading).at)
    }
}

pub(crate) fn read_text(path: &Path, bytes_max: u64) -> Result<String> {
    String::from_utf8(files::read(path, bytes_max)?).with_context(|| format!("{} is not text", path.display()))
}

pub(crate) fn read_key(path: &Path) -> Result<SigningKey<Approval>> {
    Ok(SigningKey::from_pem(&read_text(path, KEY_BYTES_MAX)?)?)
}

/// Asks for something and says what came of it.
pub(crate) fn ask(store: &Store, task: Task, asking: &Asking, reason: Option<&str>) -> Result<Exit> {
    let at = At::now(store)?;
    match control::ask(store, task, &at.acting(&asking.operator), reason)? {
        Asked::Done(done, logged) => {
            report(store, &done)?;
            admin::write_checkpoint(&mut std::io::stdout().lock(), logged)?;
            Ok(Exit::Clean)
        }
        Asked::Held(row, logged) => {
            admin::write_checkpoint(&mut std::io::stdout().lock(), logged)?;
            held(store, &row, asking, &at)?;
            Ok(Exit::Approval)
        }
    }
}

/// Says that a request waits, and signs it for the one who asked.
pub(crate) fn held(store: &Store, row: &PendingRow, asking: &Asking, at: &At) -> Result<()> {
    let policy = store.control_policy()?;
    // A kit may wait already, because somebody else asked. Asking again is not approving.
    if let Some(key) = asking.sign_with.as_deref().filter(|_| row.requested_by == asking.operator) {
        let key = read_key(key)?;
        if rules::owner(&policy, &key.public()) != Some(&row.requested_by) {
            return Err(control::ControlError::ForeignKey).context(format!("request {} waits unsigned", row.number));
        }
        let envelope = control::sign(&policy, row, &key)?;
        let approved = control::approve(store, row.number, &envelope, &at.acting(&asking.operator))?;
        admin::write_checkpoint(&mut std::io::stdout().lock(), approved.logged)?;
    }
    let row = store.pending_row(row.number)?;
    let tally = rules::tally(&policy, &row, at.present(store)?);
    let mut out = std::io::stdout().lock();
    writeln!(out, "request {}: {}", row.number, describe(&row))?;
    write_concerns(&row, &mut out)?;
    writeln!(out, "{}", standing(&row, &tally))?;
    Ok(())
}

/// What a person should know although it was done.
pub(crate) fn warn(out: &mut impl Write, warnings: &[String]) -> std::io::Result<()> {
    warnings.iter().try_for_each(|warning| writeln!(out, "warning: {}", escape(warning)))
}

/// What a kit that waits has suspiciously less of.
pub(crate) fn write_concerns(row: &PendingRow, out: &mut impl Write) -> std::io::Result<()> {
    if row.concerns().is_empty() {
        return Ok(());
    }
    writeln!(out, "HELD: it has much less than the data that were active:")?;
    row.concerns().iter().try_for_each(|concern| writeln!(out, "  {}", escape(concern)))
}

/// What a request is about, in one line.
pub(crate) fn describe(row: &PendingRow) -> String {
    match &row.task {
        Task::Activate { generation, .. } => format!(
            "activate kit version {}, signed {}, sha256:{}",
            generation.kit_version, generation.signed_at, generation.kit_sha256
        ),
        Task::ConfirmEmergency(mark) => format!(
            "confirm generation {}, which {} activated without approval: {}",
            mark.generation,
            escape(&mark.by),
            escape(&mark.reason)
        ),
        Task::Rollback { to, .. } => format!("go back to generation {to}"),
        Task::Clock { wall } => format!("vouch for the clock, which showed {wall}"),
        Task::Policy { policy, .. } => format!("change the control policy to: {}", describe_policy(policy)),
    }
}

pub(crate) fn describe_policy(policy: &ControlPolicy) -> String {
    let needed: Vec<_> = policy.needed.iter().map(|(action, needed)| format!("{} {needed}", action.as_str())).collect();
    let needed = if needed.is_empty() { "nothing".to_owned() } else { needed.join(", ") };
    let people: Vec<_> = policy.people.iter().map(|person| person.name.as_str()).collect();
    let people = if people.is_empty() { "nobody".to_owned() } else { people.join(", ") };
    format!("approvals for {needed}; people {people}; a request waits {} hours", policy.hours)
}

/// How a request stands and what is missing, in one line.
pub(crate) fn standing(row: &PendingRow, tally: &Tally) -> String {
    let number = row.number;
    let names: Vec<_> = tally.approvers.iter().map(String::as_str).collect();
    let by = if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
    let found = format!("{} of {} approvals{by}, until {}", names.len(), tally.needed, row.expires_at);
    if tally.needed == 0 && !row.concerns().is_empty() {
        return format!(
            "until {}\n  next: stella kit activate {number} --accept-loss WHY, or withdraw it",
            row.expires_at
        );
    }
    if tally.suffices() {
        return format!("{found}\n  next: stella kit activate {number}");
    }
    let asker = escape(&row.requested_by);
    let unproven = if tally.is_requester_proven {
        String::new()
    } else {
        format!("\n  next: {asker} signs for having asked, with stella kit approve {number} --key FILE")
    };
    let missing = tally.approvers.len() < tally.needed as usize;
    let others = if missing {
        format!("\n  next: somebody other than {asker} approves, with stella kit approve {number} --key FILE")
    } else {
        String::new()
    };
    format!("{found}{unproven}{others}")
}

/// Says what was carried out.
pub(crate) fn report(store: &Store, done: &Done) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match done {
        Done::Activated { generation, emergency, warnings } => {
            let (number, version) = (generation.number, generation.kit_version);
            writeln!(out, "generation {number} is active: kit version {version}, signed {}", generation.signed_at)?;
            if let Some(mark) = emergency {
                writeln!(
                    out,
                    "ALARM: nobody has approved it. Others must confirm it until {}; see stella kit pending",
                    mark.confirm_by
                )?;
            }
            warn(&mut out, warnings)?;
        }
        Done::EmergencyConfirmed(mark) => writeln!(out, "generation {} is confirmed", mark.generation)?,
        Done::RolledBack(number) => {
            let generation = store.open_generation(*number)?;
            let row = generation.row();
            writeln!(out, "generation {number} is active: kit version {}, signed {}", row.kit_version, row.signed_at)?;
        }
        Done::ClockConfirmed(wall) => writeln!(out, "the clock is confirmed: it is {wall} or later")?,
        Done::PolicyChanged(policy) => writeln!(out, "{}", describe_policy(policy))?,
    }
    Ok(())
}

/// Where the one who types is: at this machine's console, or not. The console must also be the terminal
/// of this session, so that a session from elsewhere cannot simply redirect its input from there.
pub(crate) fn presence() -> Presence {
    let found = fstat(std::io::stdin()).ok();
    let device = found.filter(|found| FileType::from_raw_mode(found.st_mode) == FileType::CharacterDevice);
    match device.map(|found| (major(found.st_rdev), minor(found.st_rdev))) {
        Some((major, minor)) if is_console(major, minor) && tcgetpgrp(std::io::stdin()).is_ok() => Presence::Console,
        _ => Presence::Elsewhere,
    }
}

/// `/dev/console`, `/dev/ttyN` or `/dev/ttySN`, by the numbers that the kernel has given them for good.
/// Not by name: a container has a pseudo-terminal under the name of the console.
const fn is_console(major: u32, minor: u32) -> bool {
    matches!((major, minor), (5, 1) | (4, 1..=255))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o03_a_console_is_known_by_its_device_number() {
        // Documentation/admin-guide/devices.txt of Linux: 4:1 tty1, 4:64 ttyS0, 5:1 console, 5:0 tty,
        // 136:0 pts/0, 1:3 null.
        for (device, console) in
            [((4, 1), true), ((4, 64), true), ((5, 1), true), ((5, 0), false), ((136, 0), false), ((1, 3), false)]
        {
            assert_eq!(is_console(device.0, device.1), console, "{device:?}");
        }
    }
}
