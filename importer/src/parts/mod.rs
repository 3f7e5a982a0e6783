//! A kit that comes in parts: volumes, broken copies, a stick that is pulled; in one run or in several.
//!
//! ```text
//! one file    copy -> as a whole kit -> active
//!                  \-> it is shorter, or damaged
//!                       -> [worker: where do signed frames stand?] -> hashed here, kept in the set of this kit
//!                           -> all there:  put together in staging -> as a whole kit
//!                           \-> not yet:   incomplete, until somebody brings the rest
//! ```
//!
//! Nothing is kept before the metadata is verified, floors and gates included, and nothing but frames that it
//! signs. That a set is whole proves nothing further: what was put together from it is
//! verified as any other file. A file that has all its frames and is refused all the same is refused:
//! no other copy of it could be better.

mod gather;
pub(crate) mod sets;

use std::fs::File;
use std::io::Seek;

use domain::digest::Digest;
use ouk::error::KitError;
use store::{Staged, StoreError, Waiting};

use crate::error::ImportError;
use crate::import::Attempt;
use crate::receipt::Account;
use crate::request::{Imported, Outcome, Progress, Request};
pub use crate::work::{Damaged, Ending};
use gather::{Gathering, Known};

/// Digests of missing blobs that are told; the others are counted.
const MISSING_TOLD_MAX: usize = 5;

/// One of several files that may be parts of a kit, opened by [`crate::open_source`].
pub struct Part {
    pub file: File,
    /// Its name, for receipts and messages only.
    pub given_as: String,
}

/// What is kept of a kit that is not whole yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incomplete {
    pub set: Waiting,
    /// The files of this run.
    pub files: Vec<Came>,
    /// The first blobs that are missing.
    pub missing: Vec<Digest>,
}

/// What one file had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Came {
    pub given_as: String,
    pub sha256: Digest,
    pub length: u64,
    /// Frames of the kit that are sound in it.
    pub frames: u64,
    /// Those of them that were not here before.
    pub new: u64,
    pub damaged: Vec<Damaged>,
    pub ending: Ending,
    /// Why it could not be read to its end.
    pub failed: Option<String>,
}

/// A file of this run, as it is given.
#[derive(Clone, Copy)]
pub(crate) struct Given<'a> {
    pub(crate) file: &'a File,
    pub(crate) name: &'a str,
}

/// Why nothing came of it, and the file that is to blame, if one is.
pub(crate) struct Failed {
    pub(crate) error: ImportError,
    pub(crate) blamed: Option<(Staged, String)>,
}

impl From<ImportError> for Box<Failed> {
    fn from(error: ImportError) -> Self {
        Self::new(Failed { error, blamed: None })
    }
}

impl From<StoreError> for Box<Failed> {
    fn from(error: StoreError) -> Self {
        ImportError::from(error).into()
    }
}

/// An end that is good, with the kit in staging when there is one.
pub(crate) type Taken = (Imported, Option<Staged>);

/// What operators read: the first name, and how many there are.
pub(crate) fn named(request: &Request<'_>, others: &[Part]) -> String {
    match others.len() {
        0 => request.given_as.clone(),
        more => format!("{} and {more} more", request.given_as),
    }
}

impl Attempt<'_> {
    /// Imports what is given: the file of the request, and others that belong to it.
    pub(crate) fn take(&self, others: &[Part], account: &mut Account) -> Result<Taken, Box<Failed>> {
        let first = Given { file: &self.request.kit, name: &self.request.given_as };
        if others.is_empty() {
            return self.take_one(first, account);
        }
        let others = others.iter().map(|part| Given { file: &part.file, name: &part.given_as });
        let given: Vec<Given<'_>> = std::iter::once(first).chain(others).collect();
        self.take_several(&given, account)
    }

    /// The usual way. Only what fails on it, or is too short for it, is searched for parts.
    fn take_one(&self, given: Given<'_>, account: &mut Account) -> Result<Taken, Box<Failed>> {
        let (staged, unread) = self.preparing.copy(given.file, given.name)?;
        account.import.kit_sha256 = Some(staged.sha256());
        account.import.bytes = staged.length();
        let failed = unread.as_ref().map(ToString::to_string);
        let refused = match unread {
            Some(error) => Some(error),
            None => match self.run(&staged, account) {
                Ok(Some(imported)) => return Ok((imported, Some(staged))),
                Ok(None) => None,
                Err(error) if may_be_damage(&error) => Some(error),
                Err(error) => return Err(blame(error, staged, given)),
            },
        };
        let mut gathering = Gathering::new(self);
        let learnt = gathering.learn(given, &staged);
        if learnt.is_ok()
            && gathering.is_part(&staged)
            && let Some(imported) = gathering.already(account)?
        {
            return Ok((imported, Some(staged)));
        }
        if learnt.is_err() {
            let refused = refused.or(learnt.err()).unwrap_or_else(|| self.why_not(&staged));
            return Err(blame(refused, staged, given));
        }
        match gathering.add_only(given, &staged, failed) {
            Ok(Some(known)) => {
                staged.remove()?;
                self.finish(known, gathering.files, account)
            }
            Ok(None) => {
                let refused = refused.unwrap_or_else(|| self.why_not(&staged));
                let refused = match gathering.cause() {
                    // That something is missing is not all that is wrong with it.
                    Some(found) if refused.code() == "E-INCOMPLETE" => found,
                    _ => refused,
                };
                Err(blame(refused, staged, given))
            }
            Err(error) => Err(blame(error, staged, given)),
        }
    }

    /// Why a file that is too short is no kit: what loading it comes upon.
    fn why_not(&self, staged: &Staged) -> ImportError {
        let load = || {
            let workspace = self.store().workspace(self.preparing.lock)?;
            let verified = self.preparing.verify_part(self.request, staged, &workspace)?;
            self.preparing.load(staged, &workspace, &verified)
        };
        match load() {
            Err(error) => error,
            Ok(_) => ImportError::worker("it takes a part for a whole kit"),
        }
    }

    /// All of them are searched, in any order. One whose own metadata is damaged comes last, when another one
    /// or a set that waits has told which kit it is.
    fn take_several(&self, given: &[Given<'_>], account: &mut Account) -> Result<Taken, Box<Failed>> {
        let mut gathering = Gathering::new(self);
        let mut later = Vec::new();
        let mut bytes = 0;
        for &one in given {
            let (staged, unread) = self.preparing.copy(one.file, one.name)?;
            bytes += staged.length();
            let failed = unread.map(|error| error.to_string());
            account.import.bytes = bytes;
            match gathering.learn(one, &staged) {
                Ok(true) => {}
                Ok(false) => {
                    later.push(one);
                    staged.remove()?;
                    continue;
                }
                Err(error) => return Err(blame(error, staged, one)),
            }
            if let Some(imported) = gathering.already(account)? {
                return Ok((imported, Some(staged)));
            }
            match gathering.harvest(one, &staged, failed) {
                Ok(()) => staged.remove()?,
                Err(error) => return Err(blame(error, staged, one)),
            }
        }
        for mut one in later {
            one.file.rewind().map_err(|source| ImportError::SourceRead { path: one.name.to_owned(), source })?;
            let (staged, unread) = self.preparing.copy(one.file, one.name)?;
            let failed = unread.map(|error| error.to_string());
            match gathering.add_unnamed(one, &staged, failed) {
                Ok(()) => staged.remove()?,
                Err(error) => return Err(blame(error, staged, one)),
            }
        }
        match gathering.take_known() {
            Some(known) => self.finish(known, gathering.files, account),
            None => Err(gathering.cause().unwrap_or_else(|| KitError::Caller("there is no file").into()).into()),
        }
    }

    /// Imports the kit of a set that is whole, or says what it lacks.
    fn finish(&self, known: Known, files: Vec<Came>, account: &mut Account) -> Result<Taken, Box<Failed>> {
        let Known { verified, outline, mut set, row } = known;
        let assembling = |bytes| (self.preparing.progress)(Progress::Assembling { bytes });
        let assembled = match outline.missing(&set).is_empty() {
            true => self.store().stage_set(self.preparing.lock, &outline, &mut set, &assembling)?,
            false => None,
        };
        let volumes = row.as_ref().map(|row| row.volumes.as_slice()).unwrap_or_default();
        account.came_in(volumes, files.iter().flat_map(Came::warnings).collect());
        account.describe(&verified);
        let Some(staged) = assembled else {
            let missing = outline.missing(&set);
            let told = missing.iter().take(MISSING_TOLD_MAX).map(|chunk| chunk.sha256).collect();
            let Some(row) = row else {
                let first = missing.first().map(|chunk| format!("blob {}", chunk.sha256)).unwrap_or_default();
                return Err(ImportError::from(KitError::Incomplete { first, count: missing.len() }).into());
            };
            let (kept_frames, kept_bytes) = set.kept();
            let set = Waiting { row, kept_frames, kept_bytes };
            return self.wait(Incomplete { set, files, missing: told }, &verified, account);
        };
        account.import.kit_sha256 = Some(staged.sha256());
        account.import.bytes = staged.length();
        let id = outline.id();
        match self.run(&staged, account) {
            Ok(Some(imported)) => Ok((imported, Some(staged))),
            Ok(None) => Err(ImportError::worker("it calls a whole kit too short").into()),
            Err(error) => {
                if is_final(&error) {
                    self.store().drop_set(self.preparing.lock, &id)?;
                }
                let name = self.request.given_as.clone();
                Err(Box::new(Failed { error, blamed: Some((staged, name)) }))
            }
        }
    }

    /// The rest must come. That the time is remembered keeps a clock that is set back from making a set wait longer.
    fn wait(
        &self,
        incomplete: Incomplete,
        verified: &crate::prepare::Verified,
        account: &mut Account,
    ) -> Result<Taken, Box<Failed>> {
        account.import.kit_sha256 = None;
        account.import.result = "incomplete".to_owned();
        account.import.code = Some("E-INCOMPLETE".to_owned());
        account.import.reason = Some(incomplete.to_string());
        let mut time = verified.time.clone();
        time.observe(self.preparing.reading);
        let logged = self.store().confirm_time(&time, self.acting.site, &account.entry())?;
        let outcome = Outcome::Incomplete(Box::new(incomplete));
        // What is to be said of the files, they say themselves.
        let warnings = verified.kit.warnings().to_vec();
        Ok((Imported { outcome, clock: verified.present.state, site: verified.word, logged, warnings }, None))
    }
}

impl std::fmt::Display for Incomplete {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Waiting { row, .. } = &self.set;
        let (frames, bytes) = (self.set.missing_frames(), self.set.missing_bytes());
        write!(out, "{frames} of {} frames of kit version {} are missing, ", row.frames, row.kit_version)?;
        write!(out, "{bytes} of {} bytes; what has come is kept until {}", row.bytes, row.expires_at)
    }
}

impl Incomplete {
    /// What to do next.
    pub fn advice(&self) -> String {
        let row = &self.set.row;
        format!("import another volume, or another copy, of kit version {} until {}", row.kit_version, row.expires_at)
    }
}

impl Came {
    /// What is not as it should be with this file.
    pub fn warnings(&self) -> Vec<String> {
        let name = &self.given_as;
        let mut told: Vec<String> =
            self.failed.iter().map(|why| format!("{name}: it could not be read on: {why}")).collect();
        if self.ending == Ending::Cut {
            told.push(format!("{name}: it ends too early, at byte {}", self.length));
        }
        let damaged =
            |damage: &Damaged| format!("{name}: {} bytes at byte {} are damaged", damage.length, damage.offset);
        told.extend(self.damaged.iter().map(damaged));
        told
    }
}

fn blame(error: ImportError, staged: Staged, given: Given<'_>) -> Box<Failed> {
    Box::new(Failed { error, blamed: Some((staged, given.name.to_owned())) })
}

/// May a file that is refused so be a part of a kit, or a copy that was damaged on its way? The seal and the
/// digest that the operator expects are those of the whole kit.
fn may_be_damage(error: &ImportError) -> bool {
    const CODES: [&str; 8] =
        ["E-DIGEST", "E-FRAME", "E-TRUNC", "E-INCOMPLETE", "E-END", "E-EXTRA", "E-SEAL", "E-EXPECT"];
    CODES.contains(&error.code()) && !matches!(error, ImportError::BaseMissing { .. })
}

/// Can nobody make this kit a good one? Then its parts are no use either.
fn is_final(error: &ImportError) -> bool {
    error.is_rejection() && error.blame() == crate::error::Blame::Kit && error.code() != "E-SEAL"
}

/// Is the metadata frame itself unreadable, so that it does not tell which kit this is?
fn is_unreadable(error: &ImportError) -> bool {
    matches!(error.code(), "E-FRAME" | "E-TRUNC" | "E-WINDOW" | "E-LIMIT")
}
