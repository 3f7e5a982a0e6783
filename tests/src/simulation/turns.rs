//! Several programs on one disk, one operation at a time, in an order that is given.
//!
//! A program that is not told to run waits before its next operation. Only operations that another program can notice,
//! or whose result another one can change, are counted: all others can be moved past each other without anybody seeing
//! it. What a program does between two operations is nobody else's business, since programs share nothing but the disk.

use std::collections::VecDeque;
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use store::disk::{BackendError, Disk, DiskFile, DiskLock, OpenMode, Stat, StorageBackend};

use super::SimDisk;

/// A program, and how many operations it does before the next one's turn comes.
pub type Turn = (usize, usize);

#[derive(Debug)]
struct State {
    /// Before the start everybody may do everything.
    started: bool,
    turns: VecDeque<Turn>,
    running: Vec<bool>,
    /// Those that wait for a lock that another one holds.
    blocked: Vec<bool>,
    done: Vec<usize>,
}

/// Who may run.
#[derive(Debug)]
pub struct Turns {
    state: Mutex<State>,
    changed: Condvar,
    shared: fn(&Path) -> Shared,
}

/// What of a file more than one program uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shared {
    Nothing,
    /// The name comes and goes; what is open under it does not change.
    Name,
    /// It is written while others read it.
    Content,
}

/// What a program does with its disk.
pub type Program<'a> = Box<dyn FnOnce() + Send + 'a>;

impl Turns {
    /// For so many programs, which share what `shared` says.
    pub fn new(programs: usize, turns: &[Turn], shared: fn(&Path) -> Shared) -> Arc<Self> {
        let state = State {
            started: false,
            turns: turns.iter().copied().filter(|(_, count)| *count > 0).collect(),
            running: vec![true; programs],
            blocked: vec![false; programs],
            done: vec![0; programs],
        };
        Arc::new(Self { state: Mutex::new(state), changed: Condvar::new(), shared })
    }

    /// The disk as this program sees it.
    pub fn disk(self: &Arc<Self>, disk: &SimDisk, program: usize) -> Arc<dyn Disk> {
        Arc::new(Taken { disk: disk.clone(), turns: Arc::clone(self), program })
    }

    /// Runs all of them to their ends. Says how many operations that counted each has done.
    pub fn run(self: &Arc<Self>, programs: Vec<Program<'_>>) -> Vec<usize> {
        self.lock().started = true;
        thread::scope(|scope| {
            for (number, program) in programs.into_iter().enumerate() {
                scope.spawn(move || {
                    // Also when it panics.
                    let _ended = Ended { turns: self, program: number };
                    program();
                });
            }
        });
        let mut state = self.lock();
        // Closing their files is not a part of it.
        state.started = false;
        state.done.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the turn of this program.
    fn take(&self, program: usize) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        while !state.is_turn_of(program) {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state
    }

    fn operate<T>(&self, program: usize, counts: bool, operation: impl FnOnce() -> T) -> T {
        let mut state = self.take(program);
        let result = operation();
        if state.started && counts {
            state.count(program);
        }
        state.blocked.fill(false);
        self.changed.notify_all();
        result
    }

    /// Tries until it succeeds, and lets the others run meanwhile.
    fn wait_for(&self, program: usize, mut attempt: impl FnMut() -> bool) {
        loop {
            let mut state = self.take(program);
            if attempt() {
                return;
            }
            assert!(state.started, "a lock is held before the start");
            state.blocked[program] = true;
            let all_wait = state.running.iter().zip(&state.blocked).all(|(running, blocked)| !running || *blocked);
            assert!(!all_wait, "they wait for each other");
            self.changed.notify_all();
        }
    }
}

impl State {
    fn may_run(&self, program: usize) -> bool {
        self.running[program] && !self.blocked[program]
    }

    fn is_turn_of(&self, program: usize) -> bool {
        if !self.started {
            return true;
        }
        let next = self.turns.iter().map(|(program, _)| *program).chain(0..self.running.len());
        next.into_iter().find(|program| self.may_run(*program)) == Some(program)
    }

    fn count(&mut self, program: usize) {
        self.done[program] += 1;
        // Turns of programs that have ended or must wait are passed over, and not lost while they wait.
        let place = self.turns.iter().position(|(other, _)| self.may_run(*other));
        let Some(place) = place.filter(|place| self.turns[*place].0 == program) else { return };
        self.turns[place].1 -= 1;
        if self.turns[place].1 == 0 {
            self.turns.remove(place);
        }
    }
}

struct Ended<'a> {
    turns: &'a Turns,
    program: usize,
}

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        let mut state = self.turns.lock();
        state.running[self.program] = false;
        // What it held is free, or never will be.
        state.blocked.fill(false);
        self.turns.changed.notify_all();
    }
}

/// The disk of one program.
#[derive(Debug)]
struct Taken {
    disk: SimDisk,
    turns: Arc<Turns>,
    program: usize,
}

impl Taken {
    fn operate<T>(&self, path: &Path, operation: impl FnOnce(&SimDisk) -> T) -> T {
        let counts = (self.turns.shared)(path) != Shared::Nothing;
        self.turns.operate(self.program, counts, || operation(&self.disk))
    }

    fn file<T>(&self, path: &Path, inner: T) -> TakenFile<T> {
        let counts = (self.turns.shared)(path) == Shared::Content;
        TakenFile { inner, counts, turns: Arc::clone(&self.turns), program: self.program }
    }
}

impl Disk for Taken {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.operate(path, |disk| disk.create_dir(path))
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn DiskFile>> {
        let file = self.operate(path, |disk| disk.open(path, mode))?;
        Ok(Box::new(self.file(path, file)))
    }

    fn open_database(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn StorageBackend>> {
        let file = self.operate(path, |disk| disk.open_database(path, mode))?;
        Ok(Box::new(self.file(path, file)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.operate(to, |disk| disk.rename(from, to))
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.operate(to, |disk| disk.link(from, to))
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.operate(path, |disk| disk.remove_file(path))
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.disk.sync_dir(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        self.operate(path, |disk| disk.list(path))
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        self.operate(path, |disk| disk.stat(path))
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn DiskLock>>> {
        self.operate(path, |disk| disk.try_lock(path))
    }

    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        self.disk.free_bytes(path)
    }
}

#[derive(Debug)]
struct TakenFile<T> {
    inner: T,
    counts: bool,
    turns: Arc<Turns>,
    program: usize,
}

impl<T> TakenFile<T> {
    fn operate<R>(&self, operation: impl FnOnce(&T) -> R) -> R {
        self.turns.operate(self.program, self.counts, || operation(&self.inner))
    }

    /// A lock shows in what its holder does next.
    fn lock<R>(&self, operation: impl FnOnce(&T) -> R) -> R {
        self.turns.operate(self.program, false, || operation(&self.inner))
    }
}

impl DiskFile for TakenFile<Box<dyn DiskFile>> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.operate(|file| file.read_at(buffer, offset))
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.operate(|file| file.write_at(bytes, offset))
    }

    fn length(&self) -> io::Result<u64> {
        self.operate(|file| file.length())
    }

    // Nobody sees whether it happened, as long as the power is on.
    fn sync_data(&self) -> io::Result<()> {
        self.inner.sync_data()
    }
}

impl StorageBackend for TakenFile<Box<dyn StorageBackend>> {
    fn len(&self) -> io::Result<u64> {
        self.operate(|file| file.len())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.operate(|file| file.read(offset, out))
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.operate(|file| file.set_len(length))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.inner.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.operate(|file| file.write(offset, data))
    }

    fn close(&self) -> io::Result<()> {
        self.lock(|file| file.close())
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.lock(|file| file.try_lock_range(start, end))
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.lock(|file| file.try_lock_shared_range(start, end))
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        let mut failed = None;
        self.turns.wait_for(self.program, || match self.inner.try_lock_range(start, end) {
            Ok(taken) => taken,
            Err(error) => {
                failed = Some(error);
                true
            }
        });
        failed.map_or(Ok(()), Err)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        let mut failed = None;
        self.turns.wait_for(self.program, || match self.inner.try_lock_shared_range(start, end) {
            Ok(taken) => taken,
            Err(error) => {
                failed = Some(error);
                true
            }
        });
        failed.map_or(Ok(()), Err)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.lock(|file| file.unlock_range(start, end))
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.lock(|file| file.query_lock_range(start, end))
    }
}
