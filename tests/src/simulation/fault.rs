//! The n-th operation fails.

use std::io;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FaultKind {
    /// No space: half of a write may have been done.
    Full,
    /// The device fails a write, a sync or a change of names.
    Write,
    /// The device fails a read.
    Read,
    /// A sync fails, and what it should have written counts as written, as Linux does it.
    Sync,
    /// The file system takes no writes any more, as Linux makes it after a fault of the device.
    ReadOnly,
    /// An operation does less than it was asked to. That is no error.
    Short,
    /// A signal came. That is no error either.
    Interrupted,
}

impl FaultKind {
    pub const ALL: [Self; 7] =
        [Self::Full, Self::Write, Self::Read, Self::Sync, Self::ReadOnly, Self::Short, Self::Interrupted];

    /// Every kind, once and for good. A file system that is read-only does not become writable by itself.
    pub fn once_and_for_good() -> impl Iterator<Item = (Self, bool)> {
        let kinds = Self::ALL.into_iter().flat_map(|kind| [(kind, false), (kind, true)]);
        kinds.filter(|(kind, persistent)| *persistent || *kind != Self::ReadOnly)
    }

    pub(super) fn hits(self, operation: Operation) -> bool {
        match self {
            Self::Full => matches!(operation, Operation::Write | Operation::Name),
            Self::Write => {
                matches!(operation, Operation::Write | Operation::Name | Operation::Remove | Operation::Sync)
            }
            Self::ReadOnly => !matches!(operation, Operation::Read | Operation::Look),
            Self::Read => matches!(operation, Operation::Read | Operation::Look),
            Self::Sync => operation == Operation::Sync,
            Self::Short | Self::Interrupted => matches!(operation, Operation::Read | Operation::Write),
        }
    }

    pub(super) fn error(self) -> io::Error {
        match self {
            Self::Full => io::ErrorKind::StorageFull.into(),
            Self::Interrupted => io::ErrorKind::Interrupted.into(),
            // EROFS
            Self::ReadOnly => io::Error::from_raw_os_error(30),
            // EIO
            _ => io::Error::from_raw_os_error(5),
        }
    }
}

/// Which operation fails: the n-th that the kind can hit, from 0, and with `persistent` all after it.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    pub kind: FaultKind,
    pub at: u64,
    pub persistent: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Read,
    /// Opens a file, lists a directory, asks what there is.
    Look,
    /// Opens a file that is there for writing.
    OpenToWrite,
    Write,
    /// Makes or changes a name.
    Name,
    Remove,
    Sync,
}

/// Counts operations and says which fails.
#[derive(Debug, Default)]
pub(super) struct Faults {
    armed: Option<Fault>,
    seen: u64,
    hits: u64,
}

impl Faults {
    pub(super) fn arm(&mut self, fault: Option<Fault>) {
        *self = Self { armed: fault, ..Self::default() };
    }

    pub(super) fn hits(&self) -> u64 {
        self.hits
    }

    pub(super) fn strike(&mut self, operation: Operation) -> Option<FaultKind> {
        let fault = self.armed.filter(|fault| fault.kind.hits(operation))?;
        let at = self.seen;
        self.seen += 1;
        // A signal that comes for ever would be a hang, and that is not what signals do.
        let persistent = fault.persistent && (fault.kind != FaultKind::Interrupted || at % 2 == fault.at % 2);
        let struck = at == fault.at || (persistent && at > fault.at);
        self.hits += u64::from(struck);
        struck.then_some(fault.kind)
    }
}
