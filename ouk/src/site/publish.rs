//! A site's metadata for a kit that it verified.

use std::collections::BTreeMap;

use domain::time::Timestamp;
use serde_json::{Map, Value, json};

use super::frame::SITE;
use super::verify::verify_site;
use super::{Origin, RECEIPT_NAME, SiteError, SiteMetadata};
use crate::build::{SPEC_VERSION, pin, signers};
use crate::client::consistent_path;
use crate::keys::{KeySet, Role, envelope};
use crate::limits::Limits;
use crate::verify::{Floors, TrustState, VerifiedKit, VerifiedTarget};

/// Who vouches, and for how long.
pub struct Publication<'a> {
    /// Every root of the site since the first, in order.
    pub roots: &'a [Vec<u8>],
    /// The keys of targets, snapshot and timestamp.
    pub keys: &'a KeySet,
    /// The site's serial number. Must grow from publication to publication.
    pub version: u64,
    pub now: Timestamp,
    pub expiries: SiteExpiries,
    /// The DSSE receipt of the site's import. Its digest is signed, and it travels along.
    pub receipt: &'a [u8],
}

/// For how many days each role's signature is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SiteExpiries {
    pub targets_days: i64,
    pub snapshot_days: i64,
    pub timestamp_days: i64,
}

impl Default for SiteExpiries {
    /// A kit travels on by courier, so the short ones are as long as a vendor's.
    fn default() -> Self {
        Self { targets_days: 365, snapshot_days: 45, timestamp_days: 45 }
    }
}

/// Signs the targets of a verified kit, and verifies the result as a reader would that is pinned
/// to the site's last root.
pub fn publish(vendor: &VerifiedKit, publication: &Publication<'_>) -> Result<SiteMetadata, SiteError> {
    let Publication { roots, keys, version, now, expiries, receipt } = publication;
    let signed = |role: Role, days: i64| {
        json!({
            "_type": role.as_str(),
            "expires": now.plus_days(days),
            "spec_version": SPEC_VERSION,
            "version": version,
        })
    };
    let mut targets = signed(Role::Targets, expiries.targets_days);
    targets["targets"] = targets_of(vendor, &Origin::of(vendor, receipt));
    let targets = envelope(&targets, &signers(keys, Role::Targets)?);
    let mut snapshot = signed(Role::Snapshot, expiries.snapshot_days);
    snapshot["meta"] = json!({ "targets.json": pin(*version, &targets) });
    let snapshot = envelope(&snapshot, &signers(keys, Role::Snapshot)?);
    let mut timestamp = signed(Role::Timestamp, expiries.timestamp_days);
    timestamp["meta"] = json!({ "snapshot.json": pin(*version, &snapshot) });
    let timestamp = envelope(&timestamp, &signers(keys, Role::Timestamp)?);
    let mut files = BTreeMap::new();
    let mut put = |name: String, bytes| files.insert(format!("{}/{name}", SITE.folder), bytes);
    for (at, root) in roots.iter().enumerate() {
        put(format!("root/{}.root.json", at + 1), root.clone());
    }
    put(format!("{version}.targets.json"), targets);
    put(format!("{version}.snapshot.json"), snapshot);
    put("timestamp.json".to_owned(), timestamp);
    files.insert(RECEIPT_NAME.to_owned(), receipt.to_vec());
    let limits = Limits::default();
    let site = SiteMetadata::compress(files).map_err(SiteError::Compress)?;
    let site = SiteMetadata::from_frame(site.frame(), &limits)?;
    let trust = TrustState { root: roots.last().cloned().unwrap_or_default(), floors: Floors::default() };
    verify_site(&site, &trust, vendor, *now, &limits)?;
    Ok(site)
}

fn targets_of(vendor: &VerifiedKit, origin: &Origin) -> Value {
    let target = |target: &VerifiedTarget| {
        let value = json!({
            "custom": { "stella": origin },
            "hashes": { "sha256": target.sha256 },
            "length": target.length,
        });
        (target.path.clone(), value)
    };
    vendor.targets().iter().map(target).collect::<Map<_, _>>().into()
}

/// The place of a target's content below the targets of a repository: TUF puts the digest before the last part.
pub fn content_name(target: &VerifiedTarget) -> String {
    consistent_path(&target.path, &target.sha256.to_string())
}
