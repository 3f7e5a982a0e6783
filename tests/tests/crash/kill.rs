//! `kill -9` at the n-th operation, on the file system of this machine.
//!
//! What dies is a process of its own, this very test executable: the real store and importer on the real disk, which
//! is watched here and nowhere in the product. At its n-th operation the process says so and waits to be killed.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use store::Store;
use store::disk::{BackendError, Disk, DiskFile, DiskLock, OpenMode, RealDisk, Stat, StorageBackend};

use crate::act::Act;
use crate::bench::BENCH;
use crate::state::{State, boot_store, check_legal};
use crate::workloads::WORKLOADS;

const AT: &str = "STELLA_TEST_KILL_AT";
const WORKLOAD: &str = "STELLA_TEST_KILL_WORKLOAD";
const STATE: &str = "STELLA_TEST_KILL_STATE";
const REACHED: &str = "operation reached";

/// The disk of this machine, until so many operations are done.
#[derive(Clone, Debug)]
struct Watched {
    left: Arc<AtomicU64>,
}

impl Watched {
    fn count(&self) {
        if self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            #[expect(clippy::print_stdout, reason = "whoever kills waits for it")]
            {
                println!("{REACHED}");
            }
            io::stdout().flush().expect("a pipe");
            // Nothing ever comes.
            let _ = io::stdin().read(&mut [0]);
        }
    }
}

impl Disk for Watched {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.count();
        RealDisk.create_dir(path)
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn DiskFile>> {
        self.count();
        Ok(Box::new(WatchedFile { inner: RealDisk.open(path, mode)?, disk: self.clone() }))
    }

    fn open_database(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn StorageBackend>> {
        self.count();
        Ok(Box::new(WatchedFile { inner: RealDisk.open_database(path, mode)?, disk: self.clone() }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.count();
        RealDisk.rename(from, to)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.count();
        RealDisk.link(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.count();
        RealDisk.remove_file(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.count();
        RealDisk.sync_dir(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        RealDisk.list(path)
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        RealDisk.stat(path)
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn DiskLock>>> {
        self.count();
        RealDisk.try_lock(path)
    }

    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        RealDisk.free_bytes(path)
    }
}

#[derive(Debug)]
struct WatchedFile<T> {
    inner: T,
    disk: Watched,
}

impl DiskFile for WatchedFile<Box<dyn DiskFile>> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.inner.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.disk.count();
        self.inner.write_at(bytes, offset)
    }

    fn length(&self) -> io::Result<u64> {
        self.inner.length()
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.count();
        self.inner.sync_data()
    }
}

impl StorageBackend for WatchedFile<Box<dyn StorageBackend>> {
    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.inner.read(offset, out)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.disk.count();
        self.inner.set_len(length)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.count();
        self.inner.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.disk.count();
        self.inner.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.inner.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.inner.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.inner.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.inner.query_lock_range(start, end)
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

/// The victim. In a run of all tests there is nothing for it to do.
#[test]
fn the_process_that_is_killed() {
    let (Some(at), Some(workload)) = (number(AT), number(WORKLOAD)) else { return };
    let state = PathBuf::from(std::env::var_os(STATE).expect("a directory"));
    let disk = Watched { left: Arc::new(AtomicU64::new(at)) };
    let store = Store::open_on(Arc::new(disk), state).expect("a state");
    WORKLOADS[workload as usize].act.run_on(&store).expect("done");
}

/// Kills it at its `at`-th operation; false when it ended before.
fn kill_at(state: &Path, workload: usize, at: u64) -> bool {
    let mut child = Command::new(std::env::current_exe().expect("a path"))
        .args(["--exact", "kill::the_process_that_is_killed", "--nocapture"])
        .env(AT, at.to_string())
        .env(WORKLOAD, workload.to_string())
        .env(STATE, state)
        .env(crate::bench::KITS, BENCH.directory())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let reached = lines.map_while(Result::ok).any(|line| line.contains(REACHED));
    child.kill().expect("killed");
    let ended = child.wait().expect("it ends");
    assert!(reached || ended.success(), "operation {at}: it failed by itself");
    reached
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() { copy(&path, &target) } else { assert!(fs::copy(&path, target).is_ok()) }
    }
}

fn read(state: &Path) -> Result<State, String> {
    boot_store(&Store::open(state).map_err(|error| format!("the state does not open: {error}"))?)
}

/// What is left is the old state or the new one, nobody is locked out, and doing it again ends well.
fn check(state: &Path, repeat: &[Act], (before, after): (&State, &State)) -> Result<bool, String> {
    let found = read(state)?;
    check_legal(&found, before, after, false)?;
    let store = Store::open(state).map_err(|error| error.to_string())?;
    drop(store.lock_import().map_err(|error| format!("a lock is left: {error}"))?);
    for act in repeat {
        act.run_again(&store).map_err(|error| format!("{act:?} again: {error}"))?;
    }
    drop(store);
    read(state)?;
    Ok(found.receipts.len() == after.receipts.len())
}

/// Kills the act of a workload at every `stride`-th operation, beginning behind the first `first`.
pub(crate) fn kill_everywhere(workload: usize, (first, stride): (usize, usize)) {
    let story = &WORKLOADS[workload];
    let root = tempfile::tempdir().expect("a directory");
    let start = root.path().join("start");
    let store = Store::open(&start).expect("a state");
    for act in story.history {
        act.run_on(&store).unwrap_or_else(|error| panic!("{act:?}: {error}"));
    }
    drop(store);
    let done = root.path().join("done");
    copy(&start, &done);
    assert!(!kill_at(&done, workload, u64::MAX), "it ends");
    let (before, after) = (read(&start).expect("whole"), read(&done).expect("whole"));
    let (mut killed, mut new) = (0, 0);
    for at in (1 + first as u64..).step_by(stride) {
        let state = root.path().join(at.to_string());
        copy(&start, &state);
        if !kill_at(&state, workload, at) {
            break;
        }
        killed += 1;
        let is_new = check(&state, story.repeat, (&before, &after));
        new += usize::from(is_new.unwrap_or_else(|error| panic!("{}: killed at operation {at}: {error}", story.name)));
        fs::remove_dir_all(state).expect("removed");
    }
    #[expect(clippy::print_stdout, reason = "the figures are the result")]
    {
        println!("{}: killed at {killed} operations: {} old, {new} new, all recovered", story.name, killed - new);
    }
    assert!(killed >= 10, "it has at least so many operations");
}
