//! Does the site vouch for exactly this kit?
//!
//! The steps up to the targets are those of a vendor's kit, in the same code. Then the site's targets are
//! compared with the vendor's, which are verified by now: a site can vouch for a kit or not, and
//! has no way to add to it, to leave something out or to put something else in its place.

use std::collections::BTreeMap;

use domain::digest::Digest;
use domain::time::Timestamp;
use sigstore_tuf::{TargetFile, Targets};

use super::ceremony::check_distinct;
use super::frame::SITE;
use super::{Origin, RECEIPT_NAME, SiteError, SiteMetadata};
use crate::document::refused;
use crate::error::{KitError, shown};
use crate::limits::Limits;
use crate::verify::{
    Chain, Context, Floor, Floors, TrustState, VerifiedKit, chain, check_top_level, floors_after, jiff, pinned,
    snapshot, timestamp,
};

/// What a reader demands beside the vendor's signatures.
#[derive(Clone, Copy, Debug)]
pub enum Endorsement<'a> {
    /// Nothing. A site's frame is looked at for its form alone.
    VendorOnly,
    /// The signatures of the site that is pinned, too.
    Both(&'a TrustState),
}

impl<'a> From<Option<&'a TrustState>> for Endorsement<'a> {
    /// Who has pinned a site's root wants its word.
    fn from(pinned: Option<&'a TrustState>) -> Self {
        pinned.map_or(Self::VendorOnly, Self::Both)
    }
}

/// What came of it.
#[derive(Clone, Debug)]
pub enum Judged {
    /// The kit carries no site's metadata, and none is demanded.
    Absent,
    /// It carries some. Nobody asked whether it is true.
    NotEvaluated,
    Endorsed(Box<VerifiedSite>),
}

/// Judges what travels with a kit, or that nothing does.
pub fn judge(
    site: Option<&SiteMetadata>,
    policy: Endorsement<'_>,
    vendor: &VerifiedKit,
    now: Timestamp,
    limits: &Limits,
) -> Result<Judged, SiteError> {
    match (policy, site) {
        (Endorsement::VendorOnly, None) => Ok(Judged::Absent),
        (Endorsement::VendorOnly, Some(_)) => Ok(Judged::NotEvaluated),
        (Endorsement::Both(_), None) => Err(SiteError::Missing),
        (Endorsement::Both(trust), Some(site)) => {
            Ok(Judged::Endorsed(Box::new(verify_site(site, trust, vendor, now, limits)?)))
        }
    }
}

/// A site's word for one kit. Only `verify_site` makes it.
#[derive(Clone, Debug)]
pub struct VerifiedSite {
    origin: Origin,
    receipt: Vec<u8>,
    root: Vec<u8>,
    floors: Floors,
    warnings: Vec<String>,
}

/// Makes the claim that the site vouches for the kit: the end of `verify_site`, and its only caller.
fn assertion(
    origin: Origin,
    receipt: &[u8],
    chain: Chain,
    seen: [(&str, Floor); 3],
    warnings: Vec<String>,
) -> VerifiedSite {
    let mut roles: BTreeMap<String, Floor> = seen.into_iter().map(|(role, floor)| (role.to_owned(), floor)).collect();
    roles.insert("root".to_owned(), chain.seen);
    VerifiedSite { origin, receipt: receipt.to_vec(), root: chain.bytes, floors: Floors { roles }, warnings }
}

/// Verifies a site's metadata against what is remembered of the site, and against the kit it travels with.
/// `now` is the one that the kit was verified with.
pub fn verify_site(
    site: &SiteMetadata,
    trust: &TrustState,
    vendor: &VerifiedKit,
    now: Timestamp,
    limits: &Limits,
) -> Result<VerifiedSite, SiteError> {
    let mut context = Context::new(site.files(), SITE.folder, now, limits);
    let mut chain = chain(&mut context, trust)?;
    check_distinct("the site's last root", &chain.root)?;
    let floors = floors_after(trust, &chain);
    let timestamp = timestamp(&mut context, &mut chain, &floors)?;
    let snapshot = snapshot(&mut context, &mut chain, &timestamp, &floors)?;
    let (name, document) = pinned::<Targets>(&mut context, "targets", &snapshot)?;
    let seen = check_top_level(&mut context, &chain, &floors, "targets", &document)?;
    chain.set.update_targets(document.bytes, jiff(now)).map_err(|error| refused("targets", &name, &error))?;
    if !snapshot.pins.keys().eq(["targets"]) || document.signed().delegations.is_some() {
        return Err(KitError::schema(&name, "a site's targets role delegates nothing").into());
    }
    let missing = || KitError::Incomplete { first: RECEIPT_NAME.to_owned(), count: 1 };
    let receipt = context.take(RECEIPT_NAME).ok_or_else(missing)?;
    let origin = Origin::of(vendor, receipt);
    check_targets(&name, document.signed(), vendor, &origin)?;
    context.check_nothing_extra()?;
    let seen = [("timestamp", timestamp.seen), ("snapshot", snapshot.seen), ("targets", seen)];
    Ok(assertion(origin, receipt, chain, seen, context.warnings))
}

/// The same paths with the same digests and lengths, each with the origin that we know ourselves.
fn check_targets(file: &str, site: &Targets, vendor: &VerifiedKit, origin: &Origin) -> Result<(), SiteError> {
    let differs = |path: &str, reason| Err(SiteError::Targets { path: shown(path.as_bytes()), reason });
    // Whose kit it is comes first: a frame of another kit differs in everything else, too.
    for (path, target) in &site.targets {
        check_origin(file, path, target, origin)?;
    }
    if let Some(path) = site.targets.keys().find(|path| vendor.target(path).is_none()) {
        return differs(path, "the vendor does not sign it");
    }
    for target in vendor.targets() {
        let Some(found) = site.targets.get(&target.path) else {
            return differs(&target.path, "the site does not vouch for it");
        };
        if found.length != target.length {
            return differs(&target.path, "its length is not the vendor's");
        }
        // Exactly this digest: a further one would be the site's word for bytes that nobody compared.
        if found.hashes.len() != 1 || found.hashes.get("sha256") != Some(&target.sha256.to_string()) {
            return differs(&target.path, "its digest is not the vendor's");
        }
    }
    // Without a target there is no origin, and the site has vouched for nothing.
    if site.targets.is_empty() { differs("", "there is no target") } else { Ok(()) }
}

fn check_origin(file: &str, path: &str, target: &TargetFile, ours: &Origin) -> Result<(), SiteError> {
    let custom = target.custom.as_ref().and_then(|custom| custom.get("stella"));
    let refuse = |reason: String| KitError::schema(file, format!("{}: custom.stella {reason}", shown(path.as_bytes())));
    let found = custom.ok_or_else(|| refuse("is absent".to_owned()))?;
    let found: Origin = serde_json::from_value(found.clone()).map_err(|error| refuse(error.to_string()))?;
    if found.receipt_sha256 != ours.receipt_sha256 {
        return Err(SiteError::Receipt { found: ours.receipt_sha256, signed: found.receipt_sha256 });
    }
    let differs = |what, found: String, ours: String| Err(SiteError::Origin { what, found, ours });
    if found.vendor_root != ours.vendor_root {
        return differs("vendor root", found.vendor_root.to_string(), ours.vendor_root.to_string());
    }
    if found.vendor_targets_version != ours.vendor_targets_version {
        let [found, ours] = [found, *ours].map(|origin| origin.vendor_targets_version.to_string());
        return differs("version of the vendor's targets", found, ours);
    }
    if found.vendor_metadata_digest != ours.vendor_metadata_digest {
        let [found, ours] = [found, *ours].map(|origin| origin.vendor_metadata_digest.to_string());
        return differs("digest of the vendor's metadata", found, ours);
    }
    Ok(())
}

impl VerifiedSite {
    /// The site's newest root, byte by byte as it was signed.
    pub fn root(&self) -> &[u8] {
        &self.root
    }

    /// The floors to remember once the kit is active, together with [`Self::root`].
    pub fn floors(&self) -> &Floors {
        &self.floors
    }

    /// The site's serial number of this publication.
    pub fn version(&self) -> u64 {
        self.floors.roles.get("targets").map_or(0, |floor| floor.version)
    }

    /// The version of the site's newest root.
    pub fn root_version(&self) -> u64 {
        self.floors.roles.get("root").map_or(0, |floor| floor.version)
    }

    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The receipt whose digest the site signs. Who signed the receipt itself is for its own
    /// verifier to say.
    pub fn receipt(&self) -> &[u8] {
        &self.receipt
    }

    pub fn receipt_sha256(&self) -> Digest {
        self.origin.receipt_sha256
    }

    /// Oddities that TUF allows.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}
