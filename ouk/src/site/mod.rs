//! A site's own word for a kit that it verified: its TUF repository, and a frame that travels with the kit.
//!
//! A site that has imported a kit vouches for it to whoever stands behind it: the appliances behind the next
//! gap, and build servers that cannot hold a vendor's root. Its metadata names the same targets with the
//! same digests, says which vendor metadata they came with, and is signed by the site's own
//! keys. Nothing of the vendor's is taken away or changed. The format stands in
//! `docs/kit-format.md`, the reasons in `docs/adr/0008-site-repository.md`.
//!
//! ```text
//! site_ceremony   custodians' root keys, to be taken away; three keys that stay on the machine
//! publish         VerifiedKit -> SiteMetadata; verified by its own reader before it is given out
//! endorse         the kit, with the site's metadata as one more frame behind the vendor's
//! OpenKit::site   that frame again, unverified
//! judge           what the reader's policy makes of it
//! ```

mod ceremony;
mod error;
mod frame;
mod publish;
mod verify;

use std::io::{Read, Write};

use serde::{Deserialize, Serialize};

use domain::digest::Digest;

use crate::read::OpenKit;
use crate::verify::VerifiedKit;
use crate::volume::{Assembled, Splitter, VolumeError};

pub use ceremony::{SiteCeremony, SiteCeremonyConfig, check_site_root, site_ceremony};
pub use error::SiteError;
pub use frame::SiteMetadata;
pub(crate) use frame::{Source, is_site_frame};
pub use publish::{Publication, SiteExpiries, content_name, publish};
pub use verify::{Endorsement, Judged, VerifiedSite, judge, verify_site};

const RECEIPT_NAME: &str = "SITE/receipt.dsse.json";

/// `custom.stella` of every target: where the site has it from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// SHA-256 of the signed part of the vendor's newest root.
    pub vendor_root: Digest,
    pub vendor_targets_version: u64,
    /// The identity of the kit's content, as [`VerifiedKit::metadata_digest`] gives it.
    pub vendor_metadata_digest: Digest,
    /// SHA-256 of the receipt that the site wrote when it imported the kit.
    pub receipt_sha256: Digest,
}

impl Origin {
    fn of(vendor: &VerifiedKit, receipt: &[u8]) -> Self {
        Self {
            vendor_root: vendor.root_sha256(),
            vendor_targets_version: vendor.targets_version(),
            vendor_metadata_digest: vendor.metadata_digest(),
            receipt_sha256: Digest::of(receipt),
        }
    }
}

/// Writes the kit with this site's metadata directly behind the vendor's. The vendor's bytes stay as
/// they are, each frame is held against its signed digest on the way, and another site's frame gives way.
pub fn endorse<R: Read>(
    open: OpenKit<R>,
    kit: &VerifiedKit,
    site: &SiteMetadata,
    out: &mut impl Write,
) -> Result<Assembled, VolumeError> {
    // One volume of any size is the whole kit.
    let mut splitter = Splitter::with_site(open, kit, Some(site.clone()), u64::MAX)?;
    splitter.write_next(out)?;
    splitter.finish()
}
