//! Why a site's word for a kit is not taken, or not given.

use std::io;

use domain::digest::Digest;

use crate::error::{Blame, KitError};
use crate::keys::KeyError;

/// A refused endorsement. The codes stand in `docs/kit-format.md`.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    #[error("a site's root is pinned, and the kit carries no metadata of a site")]
    Missing,
    #[error("the site's metadata: {0}")]
    Metadata(#[from] KitError),
    #[error("the site vouches for another kit: its {what} is {found}, this kit's is {ours}")]
    Origin { what: &'static str, found: String, ours: String },
    #[error("the site's targets are not the vendor's: {path}: {reason}")]
    Targets { path: String, reason: &'static str },
    #[error("the site signs the receipt {signed}, and {found} travels with the kit")]
    Receipt { found: Digest, signed: Digest },
    #[error("the site's keys: {0}")]
    Keys(#[from] KeyError),
    #[error("compressing the site's metadata: {0}")]
    Compress(#[source] io::Error),
}

impl SiteError {
    /// The stable code: the type of attack or damage.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing => "E-SITE-MISSING",
            Self::Metadata(error) => metadata_code(error),
            Self::Origin { .. } => "E-SITE-ORIGIN",
            Self::Targets { .. } => "E-SITE-TARGETS",
            Self::Receipt { .. } => "E-SITE-RECEIPT",
            Self::Keys(_) | Self::Compress(_) => "E-SITE-KEYS",
        }
    }

    /// Who must act. `Kit` is the maker of what was refused: here the site that vouches.
    pub fn blame(&self) -> Blame {
        match self {
            Self::Missing | Self::Keys(_) => Blame::Operator,
            Self::Metadata(KitError::Incomplete { .. }) => Blame::Kit,
            Self::Metadata(error) => error.blame(),
            Self::Origin { .. } | Self::Targets { .. } | Self::Receipt { .. } => Blame::Kit,
            Self::Compress(_) => Blame::Us,
        }
    }

    /// What to do next.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Missing => "get the kit from the site whose root is pinned, as `stella kit export` writes it",
            Self::Metadata(error) => match error {
                KitError::Signature { .. } | KitError::Threshold { .. } | KitError::RepeatedSignature { .. } => {
                    "treat the endorsement as forged: keep the kit as evidence, ask the site by another way"
                }
                KitError::RootVersion { .. } | KitError::RootGap { .. } => {
                    "have the site export the kit with all its roots"
                }
                KitError::RootOld { .. } | KitError::Rollback { .. } => {
                    "this endorsement is older than what was accepted: have the site export the kit anew"
                }
                KitError::Equivocation { .. } => {
                    "two different endorsements bear one version: keep both as evidence and alert the site"
                }
                KitError::Expired { .. } => "have the site export the kit anew; if it did, check the machine's clock",
                KitError::State(_) | KitError::Caller(_) | KitError::Io(_) => error.advice(),
                _ => "have the site export the kit anew; if it is refused again, keep it as evidence",
            },
            Self::Origin { .. } | Self::Targets { .. } | Self::Receipt { .. } => {
                "the endorsement is not of this kit: keep the file as evidence, have the site export the kit anew"
            }
            Self::Keys(_) => "see docs/runbooks/recovery.md, site keys; `stella admin site-root init` makes new ones",
            Self::Compress(_) => "this is a defect of stella: report it",
        }
    }
}

fn metadata_code(error: &KitError) -> &'static str {
    match error {
        KitError::Signature { role, .. } if role == "root" => "E-SITE-ROOT",
        KitError::RootVersion { .. } | KitError::RootGap { .. } | KitError::RootOld { .. } => "E-SITE-ROOT",
        KitError::Signature { .. } => "E-SITE-SIG",
        KitError::Threshold { .. } | KitError::RepeatedSignature { .. } => "E-SITE-THRESHOLD",
        KitError::Rollback { .. } => "E-SITE-ROLLBACK",
        KitError::Equivocation { .. } => "E-SITE-EQUIVOCATION",
        KitError::Expired { .. } => "E-SITE-EXPIRED",
        KitError::Mix { .. } => "E-SITE-MIX",
        KitError::State(_) => "E-SITE-STATE",
        KitError::Algorithm { .. } => "E-SITE-KEY",
        KitError::Io(_) | KitError::Caller(_) => error.code(),
        _ => "E-SITE-FORM",
    }
}
