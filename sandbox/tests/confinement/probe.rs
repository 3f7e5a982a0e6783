//! The worker: confines itself, tries one thing, says what came of it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use rustix::process::{Pid, Resource, Rlimit, Signal};
use sandbox::{Confinement, Message, Part, Report, confine_all_but, send};
use serde::{Deserialize, Serialize};

use crate::work;

#[derive(Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) what: String,
    pub(crate) without: Option<Wall>,
    pub(crate) confinement: Confinement,
}

/// The wall that is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Wall {
    Limits,
    Files,
    Calls,
    /// All three: shows that the probe itself works.
    All,
}

/// What came of it: `"done"`, or the error's name.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Said {
    pub(crate) outcome: String,
    pub(crate) report: Option<Report>,
}

pub(crate) fn run() -> ExitCode {
    match std::env::args().nth(2).as_deref() {
        Some("count") => {
            let length = io::copy(&mut io::stdin(), &mut io::sink()).expect("a file");
            return finish(format!("{length} bytes"), None);
        }
        Some("environment") => {
            let names: Vec<_> = std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned()).collect();
            return finish(names.join(" "), None);
        }
        _ => {}
    }
    let mut job: Job = serde_json::from_reader(io::stdin()).expect("a job");
    let parent = rustix::process::getppid().expect("a parent");
    if job.what == "confine after starting a thread" {
        let (release, held) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || held.recv());
        let refused = confine_all_but(None, &job.confinement).expect_err("two threads");
        drop(release);
        let _ = thread.join();
        return finish(refused.to_string(), None);
    }
    if job.what == "hang with standard output closed" {
        // The standard library keeps standard output open, so another file takes its place.
        rustix::stdio::dup2_stdout(File::open("own").expect("a file")).expect("a descriptor");
        job.what = "hang".to_owned();
    }
    // Held until the end.
    let _socket = (job.what == "confine with a socket open").then(UnixDatagram::unbound);
    let part = match job.without {
        Some(Wall::Limits) => Some(Part::Limits),
        Some(Wall::Files) => Some(Part::Files),
        Some(Wall::Calls) => Some(Part::Calls),
        Some(Wall::All) => return finish(outcome(attempt(&job.what, parent)), None),
        None => None,
    };
    let report = match confine_all_but(part, &job.confinement) {
        Ok(report) => report,
        Err(error) => return finish(error.to_string(), None),
    };
    finish(outcome(attempt(&job.what, parent)), Some(report))
}

fn finish(outcome: String, report: Option<Report>) -> ExitCode {
    match send(&Message::<u32, _>::Done(Said { outcome, report })) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn outcome(tried: io::Result<()>) -> String {
    let Err(error) = tried else { return "done".to_owned() };
    let known = [
        (libc::EACCES, "EACCES"),
        (libc::EPERM, "EPERM"),
        (libc::EXDEV, "EXDEV"),
        (libc::EMFILE, "EMFILE"),
        (libc::ENOMEM, "ENOMEM"),
    ];
    match known.into_iter().find(|(number, _)| error.raw_os_error() == Some(*number)) {
        Some((_, name)) => name.to_owned(),
        None if error.kind() == io::ErrorKind::OutOfMemory => "ENOMEM".to_owned(),
        None => error.to_string(),
    }
}

/// The current folder is `state`, which may be changed.
// long: one table of probes
fn attempt(what: &str, parent: Pid) -> io::Result<()> {
    let wrong = |error: rustix::io::Errno| io::Error::from(error);
    match what {
        "confine with a socket open" => Ok(()),
        "read what it may" => fs::read("../readable/kit").map(drop),
        "write what it may" => fs::write("staging/new", "x"),
        "move from folder to folder" => {
            fs::write("staging/blob", "x").and_then(|()| fs::rename("staging/blob", "cas/blob"))
        }
        "read outside" => fs::read("../outside/secret").map(drop),
        "read outside through a link" => fs::read("link").map(drop),
        "read a system file" => fs::read("/etc/passwd").map(drop),
        "read its parent's memory" => File::open(format!("/proc/{}/mem", parent.as_raw_nonzero())).map(drop),
        "list outside" => fs::read_dir("../outside").map(drop),
        "write outside" => fs::write("../outside/new", "x"),
        "overwrite what it may only read" => OpenOptions::new().write(true).open("../readable/kit").map(drop),
        "delete outside" => fs::remove_file("../outside/secret"),
        "move a file outside" => fs::rename("own", "../outside/own"),
        "link a file from outside" => fs::hard_link("../outside/secret", "own-link"),
        "make a symbolic link" => symlink("../outside", "new-link"),
        "change a mode outside" => fs::set_permissions("../outside/secret", fs::Permissions::from_mode(0o777)),
        "make a TCP connection" => TcpStream::connect("127.0.0.1:9").map(drop),
        "listen on TCP" => TcpListener::bind("127.0.0.1:0").map(drop),
        "make a UDP socket" => UdpSocket::bind("127.0.0.1:0").map(drop),
        "make a unix socket" => UnixDatagram::unbound().map(drop),
        "listen on an abstract unix socket" => {
            UnixListener::bind_addr(&SocketAddr::from_abstract_name(format!("stella-{}", std::process::id()))?)
                .map(drop)
        }
        "run a program in its place" => Err(Command::new("/proc/self/exe").arg("probe").exec()),
        "start a process" => {
            Command::new("/proc/self/exe").arg("no such test").spawn().and_then(|mut it| it.wait()).map(drop)
        }
        "signal its parent" => rustix::process::kill_process(parent, Signal::CONT).map_err(wrong),
        "change its root" => rustix::process::chroot(".").map_err(wrong),
        "make a file in memory" => {
            rustix::fs::memfd_create("x", rustix::fs::MemfdFlags::CLOEXEC).map(drop).map_err(wrong)
        }
        "raise a limit" => {
            let limit = Rlimit { current: Some(1), maximum: Some(1) };
            rustix::process::setrlimit(Resource::Nofile, limit).map_err(wrong)
        }
        "take too much memory" => {
            let mut much: Vec<u8> = Vec::new();
            much.try_reserve_exact(512 << 20).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
            much.resize(512 << 20, 1);
            std::hint::black_box(&much);
            Ok(())
        }
        "take too much memory in threads" => std::thread::scope(|scope| {
            let held: Vec<_> = (0..4).map(|_| scope.spawn(hold)).collect();
            let held: Vec<_> = held.into_iter().map(|thread| thread.join().expect("no panic")).collect();
            if held.iter().all(Option::is_some) { Ok(()) } else { Err(io::ErrorKind::OutOfMemory.into()) }
        }),
        "take too much memory and do not ask" => {
            std::hint::black_box(vec![1_u8; 512 << 20]);
            Ok(())
        }
        "write too long a file" => {
            let mut file = File::create("staging/long")?;
            (0..16).try_for_each(|_| file.write_all(&vec![0; 1 << 20]))
        }
        "open too many files" => (0..100).map(|_| File::open("own")).collect::<io::Result<Vec<_>>>().map(drop),
        "burn processor time" => {
            // Three seconds, where the limit is one.
            while rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime).tv_sec < 3 {}
            Ok(())
        }
        other => work::attempt(other),
    }
}

fn hold() -> Option<Vec<u8>> {
    let mut much = Vec::new();
    much.try_reserve_exact(100 << 20).ok().map(|()| much)
}
