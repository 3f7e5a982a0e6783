//! What can go wrong with the state directory.

use std::io;
use std::path::{Path, PathBuf};

use attest::AttestError;
use domain::digest::Digest;

use crate::disk::DamagedBlock;

/// Every variant names the object and, where the operator can act, what to do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error(
        "{path} is not what belongs there (a link, a directory or a device): somebody else put it there; remove it"
    )]
    ForeignEntry { path: PathBuf },
    #[error("the file system of the state directory has {free} bytes left, {needed} are needed")]
    OutOfSpace { needed: u64, free: u64 },
    #[error("the state database failed: {0}")]
    Database(Box<redb::Error>),
    #[error("{path} is held by another program, which is no stella that shares it: close that program first")]
    HeldElsewhere { path: PathBuf },
    #[error(
        "{path} is in format {found} of the database, from before the first stella: it is not the file that belongs there"
    )]
    OldFormat { path: PathBuf, found: u8 },
    #[error(
        "{path} cannot be read as a database ({reason}); nothing is written to it; recover it (docs/runbooks/recovery.md)"
    )]
    Unreadable { path: PathBuf, reason: String },
    #[error("the state is damaged: {what}; imports are refused until it is recovered (docs/runbooks/recovery.md)")]
    Damaged { what: String },
    #[error("the state was written by a newer program (schema {found}, this one knows {known}): upgrade stella")]
    Newer { found: u32, known: u32 },
    #[error("no data has been imported yet: import a kit with `stella kit import FILE`")]
    NoGeneration,
    #[error("generation {0} is not kept here; `stella kit status` lists those that are")]
    UnknownGeneration(u64),
    #[error(
        "the index of generation {0} is damaged: import the newest full kit, or go back with `stella kit rollback`"
    )]
    DamagedGeneration(u64),
    #[error("there is no earlier generation to roll back to")]
    NothingToRollBackTo,
    #[error("another import is running; wait for it to end")]
    ImportRunning,
    #[error("no trust root is pinned yet: give the vendor's root with --trust-root at the first import")]
    NoTrustRoot,
    #[error("another trust root is pinned already; a root changes only by a kit that carries its signed successor")]
    TrustRootPinned,
    #[error("no request {0} waits for approval; `stella kit pending` lists those that do")]
    UnknownPending(u64),
    #[error("request {0} or the control policy changed while it was judged")]
    PendingChanged(u64),
    #[error("the control policy changed while it was judged")]
    PolicyChanged,
    #[error("{0} requests wait for approval already, and no more can")]
    PendingFull(usize),
    #[error("no kit waits for further parts under the name {0}; `stella kit status` lists those that do")]
    UnknownSet(Digest),
    #[error("the parts of this kit cannot wait for the others: {sets} kits of {bytes} bytes together do so already")]
    SetsFull { sets: usize, bytes: u64 },
    #[error("{path} has {length} bytes where at most {bytes_max} can be")]
    Unexpected { path: PathBuf, length: u64, bytes_max: u64 },
    #[error("what is said about the package {package} takes more than {bytes_max} bytes")]
    PackageTooLarge { package: String, bytes_max: usize },
    #[error("blob {0} is missing from the store")]
    MissingBlob(Digest),
    #[error("blob {0} does not have the content its name says")]
    CorruptBlob(Digest),
    #[error("{path}: {reason}; nothing can be signed (docs/audit-log.md, \"Keys\")")]
    Keys { path: PathBuf, reason: String },
    #[error("{max} token keys before the present one still verify tokens")]
    TokenKeys { max: usize },
    #[error("this site is called {found} since its first start; its name does not change")]
    SiteNamed { found: String },
    #[error(
        "{0:?} is no name for a site: lower-case letters, digits, dots and hyphens, 63 at most, a letter or digit first"
    )]
    SiteName(String),
    #[error(transparent)]
    Evidence(#[from] AttestError),
    /// A commit that failed may have reached the disk all the same.
    #[error("{0}; it was written all the same and is in force, with its record")]
    InForce(#[source] Box<StoreError>),
    #[error("{fault}; whether it is in force can be told when the state can be read again ({unread})")]
    Undecided { fault: Box<StoreError>, unread: Box<StoreError> },
    /// An action that cannot be written down does not take place.
    #[error("the audit log refuses, and so nothing was changed: {0}")]
    Unlogged(#[source] Box<StoreError>),
    #[error(
        "the signed checkpoint in the log has {published} entries, the state only {size}: the state is an older copy"
    )]
    StateRolledBack { published: u64, size: u64 },
    /// Between the commit and the checkpoint: another process is at work, or one was killed.
    #[error(
        "the signed checkpoint has {published} entries, the state {size}: the next action, or the next start of the appliance, signs the rest"
    )]
    NotYetSigned { published: u64, size: u64 },
    #[error("the older checkpoint has {published} entries, this log only {size}: its end was cut off")]
    CutOff { published: u64, size: u64 },
    #[error("entry {index} of the audit log: {reason}")]
    Record { index: u64, reason: String },
}

impl StoreError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Io { path: path.to_owned(), source }
    }

    /// A database passes on what its storage says.
    fn of_database(error: redb::Error) -> Self {
        match &error {
            redb::Error::Io(source) => match DamagedBlock::find(source) {
                Some(damaged) => Self::DamagedGeneration(damaged.generation),
                None => Self::Database(Box::new(error)),
            },
            _ => Self::Database(Box::new(error)),
        }
    }

    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged { what: what.into() }
    }

    /// No index at all would read as no vulnerability at all.
    pub(crate) fn without_index(generation: u64) -> Self {
        Self::damaged(format!("generation {generation} has no index"))
    }

    /// Is it the log, or a key that signs, that stands in the way? Then somebody has to look at it
    /// before anything that is written down can be done again.
    pub fn is_about_the_log(&self) -> bool {
        matches!(
            self,
            Self::Keys { .. }
                | Self::Evidence(_)
                | Self::Unlogged(_)
                | Self::StateRolledBack { .. }
                | Self::NotYetSigned { .. }
                | Self::CutOff { .. }
                | Self::Record { .. }
        )
    }

    /// Is the disk full? Then nothing was lost and freeing space is all there is to do.
    pub fn is_out_of_space(&self) -> bool {
        let full = |kind| matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        matches!(self, Self::OutOfSpace { .. }) || self.io_kind().is_some_and(full)
    }

    /// Does the file system take no writes, as Linux does it after a fault of the device?
    pub fn is_read_only(&self) -> bool {
        self.io_kind() == Some(io::ErrorKind::ReadOnlyFilesystem)
    }

    /// What the operating system said, wherever it was met.
    fn io_kind(&self) -> Option<io::ErrorKind> {
        match self {
            Self::Io { source, .. } => Some(source.kind()),
            Self::Database(error) => match &**error {
                redb::Error::Io(source) => Some(source.kind()),
                _ => None,
            },
            Self::Unlogged(error) | Self::InForce(error) | Self::Undecided { fault: error, .. } => error.io_kind(),
            _ => None,
        }
    }

    /// Did it happen, or may it have, although a fault is reported? Then it must not be called a failure.
    pub fn may_be_in_force(&self) -> bool {
        matches!(self, Self::InForce(_) | Self::Undecided { .. })
    }

    /// Did the disk fail? What could not be read is not damaged for that.
    pub fn is_fault_of_disk(&self) -> bool {
        match self {
            Self::Database(error) if matches!(&**error, redb::Error::PreviousIo) => true,
            error => error.io_kind().is_some_and(|kind| kind != io::ErrorKind::NotFound),
        }
    }
}

/// redb has an error type per operation; all of them widen into one.
macro_rules! from_redb {
    ($($error:ty),*) => {
        $(impl From<$error> for StoreError {
            fn from(error: $error) -> Self {
                Self::of_database(error.into())
            }
        })*
    };
}

from_redb!(
    redb::DatabaseError,
    redb::TransactionError,
    redb::TableError,
    redb::StorageError,
    redb::CommitError,
    redb::CursorError,
    redb::SetDurabilityError
);
