//! The parent's side: starting a worker, listening to it, and ending it.
//!
//! No clock is read: a thread waits for the deadline on a channel and kills the worker through its
//! process descriptor, which never names another process. With that, every other wait here ends.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::de::DeserializeOwned;

use crate::error::{Said, WorkerError};
use crate::message::Message;

/// The file that this process runs, also after an upgrade has put another one in its place.
const THIS_BINARY: &str = "/proc/self/exe";
/// What the standard library's runtime exits with after a panic of the main thread.
const PANICKED: i32 = 101;

/// What to run.
#[derive(Debug)]
pub struct Spec {
    /// The hidden verb and its arguments.
    pub arguments: Vec<OsString>,
    /// The worker's current folder.
    pub directory: PathBuf,
    pub input: Input,
    pub output: OutputLimits,
}

/// The worker's standard input.
#[derive(Debug)]
pub enum Input {
    Nothing,
    /// A description of the job.
    Bytes(Vec<u8>),
    /// An open file: the worker needs no right to its path.
    File(OwnedFd),
}

/// How much a worker may say.
#[derive(Clone, Copy, Debug)]
pub struct OutputLimits {
    pub line_bytes_max: u64,
    pub total_bytes_max: u64,
    /// Of standard error; what exceeds it is thrown away.
    pub stderr_bytes_max: u64,
}

/// A worker that runs. Dropping it kills it.
///
/// It stays on the thread that started it, because the kernel kills a worker (see [`crate::confine`]) when that
/// thread ends.
#[derive(Debug)]
pub struct Worker {
    child: Child,
    pidfd: OwnedFd,
    input: Option<Vec<u8>>,
    output: OutputLimits,
    on_one_thread: PhantomData<*const ()>,
}

impl Worker {
    /// Starts this very binary again with nothing of this process's environment.
    pub fn start(spec: Spec) -> Result<Self, WorkerError> {
        let mut command = Command::new(THIS_BINARY);
        command.arg0("worker").args(spec.arguments).current_dir(spec.directory).env_clear();
        let (stdin, input) = match spec.input {
            Input::Nothing => (Stdio::null(), None),
            Input::Bytes(bytes) => (Stdio::piped(), Some(bytes)),
            Input::File(file) => (file.into(), None),
        };
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(WorkerError::Start)?;
        match pidfd_open(Pid::from_child(&child), PidfdFlags::empty()) {
            Ok(pidfd) => Ok(Self { child, pidfd, input, output: spec.output, on_one_thread: PhantomData }),
            Err(error) => {
                stop(&mut child);
                Err(WorkerError::Start(error.into()))
            }
        }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Listens until the worker has ended, at most until the deadline, and returns its final message.
    pub fn wait<P, R>(mut self, deadline: Duration, mut progress: impl FnMut(P)) -> Result<R, WorkerError>
    where
        P: DeserializeOwned,
        R: DeserializeOwned,
    {
        let (stdin, stdout, stderr) = (self.child.stdin.take(), self.child.stdout.take(), self.child.stderr.take());
        let (input, output, pidfd, child) = (self.input.take(), self.output, &self.pidfd, &mut self.child);
        std::thread::scope(|scope| {
            // Also when `progress` panics: the other threads end when the worker has.
            let killer = Killer(pidfd);
            let (stop, stopped) = channel::<()>();
            let timer = scope.spawn(move || {
                let late = stopped.recv_timeout(deadline) == Err(RecvTimeoutError::Timeout);
                if late {
                    kill(pidfd);
                }
                late
            });
            let said = scope.spawn(move || stderr.map_or_else(Vec::new, |out| beginning(out, output.stderr_bytes_max)));
            // A worker that does not read its job says so by how it ends.
            scope.spawn(move || stdin.zip(input).map(|(mut stdin, bytes)| stdin.write_all(&bytes)));
            let heard = stdout.map_or(Ok(None), |out| listen(out, output, &mut progress));
            if heard.is_err() {
                kill(pidfd);
            }
            let status = child.wait();
            drop(stop);
            drop(killer);
            let late = timer.join().unwrap_or(true);
            let said = Said::new(&said.join().unwrap_or_default());
            conclude(heard, status.map_err(WorkerError::Read)?, late.then_some(deadline), said)
        })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        stop(&mut self.child);
    }
}

struct Killer<'a>(&'a OwnedFd);

impl Drop for Killer<'_> {
    fn drop(&mut self) {
        kill(self.0);
    }
}

/// A worker that has ended already cannot be killed, and need not be.
fn kill(pidfd: &OwnedFd) {
    let _ = pidfd_send_signal(pidfd, Signal::KILL);
}

/// Kills and reaps; both do nothing to one that is reaped.
fn stop(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// What was wrong with the worker's messages.
enum Fault {
    Garbage { number: u64, reason: String },
    TooMuch { what: &'static str, bytes_max: u64 },
    Read(std::io::Error),
}

/// Reads messages to the end. The last one, and only that, is the result.
fn listen<P, R>(out: impl Read, limits: OutputLimits, progress: &mut impl FnMut(P)) -> Result<Option<R>, Fault>
where
    P: DeserializeOwned,
    R: DeserializeOwned,
{
    // One byte more than allowed is read, to tell "as much as allowed" from "more".
    let mut out = BufReader::new(out.take(limits.total_bytes_max.saturating_add(1)));
    let mut result = None;
    let (mut total, mut line) = (0, Vec::new());
    for number in 1.. {
        line.clear();
        let length = (&mut out).take(limits.line_bytes_max.saturating_add(1)).read_until(b'\n', &mut line);
        let length = length.map_err(Fault::Read)? as u64;
        total += length;
        if total > limits.total_bytes_max {
            return Err(Fault::TooMuch { what: "messages", bytes_max: limits.total_bytes_max });
        }
        if length > limits.line_bytes_max {
            return Err(Fault::TooMuch { what: "one message", bytes_max: limits.line_bytes_max });
        }
        let garbage = |reason: &str| Err(Fault::Garbage { number, reason: reason.to_owned() });
        match line.split_last() {
            None => return Ok(result),
            Some((b'\n', _)) if result.is_some() => return garbage("it follows the result"),
            Some((b'\n', text)) => match serde_json::from_slice(text) {
                Ok(Message::Progress(message)) => progress(message),
                Ok(Message::Done(message)) => result = Some(message),
                Err(error) => return garbage(&error.to_string()),
            },
            Some(_) => return garbage("it is cut off"),
        }
    }
    Ok(result)
}

/// The first bytes; the rest is read, so that the worker does not wait, and thrown away.
fn beginning(mut out: impl Read, bytes_max: u64) -> Vec<u8> {
    let mut kept = Vec::new();
    // A read that fails ends the hint, nothing more.
    let _ = out.by_ref().take(bytes_max).read_to_end(&mut kept);
    let _ = std::io::copy(&mut out, &mut std::io::sink());
    kept
}

/// One verdict from what was heard and how the worker ended. Success needs a result, a clean exit, and no fault.
fn conclude<R>(
    heard: Result<Option<R>, Fault>,
    status: ExitStatus,
    late: Option<Duration>,
    said: Said,
) -> Result<R, WorkerError> {
    let fault = match heard {
        Ok(Some(result)) if status.success() => return Ok(result),
        Ok(_) => None,
        Err(fault) => Some(fault),
    };
    // A kill is ours when there was a reason for it; any other end is the worker's own and says more. The
    // deadline comes first: a message that it cut off is no fault of its own.
    let ours = status.success() || status.signal() == Some(Signal::KILL.as_raw());
    match (fault, late, status.signal(), status.code()) {
        (_, Some(deadline), _, _) if ours => Err(WorkerError::Deadline { deadline, said }),
        (Some(fault), _, _, _) if ours => Err(match fault {
            Fault::Garbage { number, reason } => WorkerError::Garbage { number, reason, said },
            Fault::TooMuch { what, bytes_max } => WorkerError::TooMuch { what, bytes_max, said },
            Fault::Read(source) => WorkerError::Read(source),
        }),
        (_, _, Some(signal), _) => {
            let (name, meaning) = name(signal);
            Err(WorkerError::Signal { name, meaning, said })
        }
        (_, _, _, Some(PANICKED)) => Err(WorkerError::Panicked { said }),
        (_, _, _, Some(code)) if code != 0 => Err(WorkerError::Exit { code, said }),
        _ => Err(WorkerError::NoResult { said }),
    }
}

fn name(signal: i32) -> (String, &'static str) {
    let known = [
        (Signal::SYS, "SIGSYS", "it made a system call that only an attacker makes"),
        (Signal::KILL, "SIGKILL", "killed from outside, most often because the machine's memory ran out"),
        (Signal::XCPU, "SIGXCPU", "it used up its CPU time"),
        (Signal::XFSZ, "SIGXFSZ", "it wrote a file longer than it may"),
        (Signal::ABORT, "SIGABRT", "it gave up, most often because its memory limit was reached"),
        (Signal::SEGV, "SIGSEGV", "it used memory that is not its own"),
        (Signal::BUS, "SIGBUS", "it used memory that is not there"),
        (Signal::ILL, "SIGILL", "it ran an instruction that does not exist"),
        (Signal::FPE, "SIGFPE", "it made an arithmetic error"),
        (Signal::TERM, "SIGTERM", "it was asked to stop"),
    ];
    let found = known.into_iter().find(|(known, _, _)| known.as_raw() == signal);
    found.map_or_else(|| (format!("signal {signal}"), "unexpected"), |(_, name, meaning)| (name.to_owned(), meaning))
}
