//! What an operator asks of an import, and what comes of it.

use std::fs::File;

use domain::clock::ClockState;
use domain::digest::Digest;
use ouk::verify::Gates;
use serde::{Deserialize, Serialize};
use store::audit::Logged;
use store::{GenerationRow, PendingRow};

use crate::parts::Incomplete;

/// What the operator asks for.
pub struct Request<'a> {
    /// The kit, opened by [`crate::open_source`].
    pub kit: File,
    /// Its name, for receipts and messages only.
    pub given_as: String,
    /// Pinned when the state has no root yet.
    pub trust_root: Option<&'a [u8]>,
    /// Pinned when the state has no site's root yet; from then on that site must vouch for each kit, too.
    pub site_root: Option<&'a [u8]>,
    /// The content of the `.minisig` file beside the kit.
    pub seal: Option<&'a str>,
    pub seal_key: Option<&'a str>,
    pub seal_policy: SealPolicy,
    /// What the operator read in the release note.
    pub expected: Option<Digest>,
    pub gates: Gates,
    pub operator: String,
    pub engine: String,
}

/// Must a kit carry a seal? One that is there is always checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealPolicy {
    Required,
    Optional,
}

/// How far the import is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    Copying {
        bytes: u64,
    },
    Sealed,
    Verified {
        blobs: u64,
        bytes: u64,
    },
    Loading {
        bytes: u64,
    },
    Indexing,
    Keeping,
    /// For parts of a kit, in a file that is not all of it.
    Searching,
    /// Of parts that are all there.
    Assembling {
        bytes: u64,
    },
    Activating,
    Done,
}

/// What the import came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Activated(Box<GenerationRow>),
    /// This very kit is active already.
    AlreadyCurrent(u64),
    /// It is verified and staged, and waits for approval or for somebody who activates it.
    Held(Box<PendingRow>),
    /// What has come of it is kept, and the rest is awaited.
    Incomplete(Box<Incomplete>),
}

/// A finished import.
#[derive(Debug)]
pub struct Imported {
    pub outcome: Outcome,
    pub clock: ClockState,
    /// Where the audit log tells of it.
    pub logged: Logged,
    pub site: SiteWord,
    /// What a person should know of the kit although it was taken. The receipt has the same.
    pub warnings: Vec<String>,
}

/// What a site said of the kit, beside the vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SiteWord {
    Absent,
    /// Something travels with the kit, and no site is pinned that it could be held against.
    NotEvaluated,
    /// The pinned site vouches for the kit, by this publication.
    Verified {
        publication: u64,
    },
}
