//! Targets and their delegations: which content belongs to the kit.
//!
//! TUF searches for one path at a time and lets roles shadow each other. A kit is taken
//! whole, so the rules are tighter: one level of delegation, every delegation terminates,
//! no path is claimed twice, and a role signs inside its own paths or the kit is refused.
//! Cycles, shadowing (CVE-2025-2886) and search depth are then not reachable.

use std::collections::BTreeMap;

use domain::digest::Digest;
use sigstore_tuf::{DelegatedRole, Delegations, TargetFile, Targets};

use super::kit::VerifiedTarget;
use super::roles::{Pins, check_top_level, jiff, pinned};
use super::roots::Chain;
use super::state::is_top_level;
use super::{Chunk, Context, Floor, Floors};
use crate::document::{Authority, Document, hex, refused};
use crate::error::{KitError, shown, within};
use crate::frame;
use crate::limits::Limits;
use crate::schema::{ApplianceVersion, KitInfo, OukTarget, SPEC, path_fault, word_fault};
use crate::ustar;

/// All targets of a kit.
pub(crate) struct AllTargets {
    pub(crate) info: KitInfo,
    pub(crate) seen: BTreeMap<String, Floor>,
    pub(crate) targets: BTreeMap<String, VerifiedTarget>,
    /// Every chunk once, by digest.
    pub(crate) chunks: BTreeMap<Digest, Chunk>,
}

pub(crate) fn all(
    context: &mut Context<'_>,
    chain: &mut Chain,
    snapshot: &Pins,
    floors: &Floors,
) -> Result<AllTargets, KitError> {
    let (name, document) = pinned::<Targets>(context, "targets", snapshot)?;
    let seen = check_top_level(context, chain, floors, "targets", &document)?;
    chain.set.update_targets(document.bytes, jiff(context.now)).map_err(|e| refused("targets", &name, &e))?;
    let info = kit_info(&name, &document)?;
    let delegations = document.signed().delegations.as_ref();
    let no_keys = BTreeMap::new();
    let (keys, roles) = delegations.map_or((&no_keys, &[][..]), |some| (&some.keys, some.roles.as_slice()));
    check_delegations(&name, delegations, context.limits)?;
    check_pinned_roles(snapshot, roles)?;
    let seen = BTreeMap::from([("targets".to_owned(), seen)]);
    let mut all = AllTargets { info, seen, targets: BTreeMap::new(), chunks: BTreeMap::new() };
    all.take(&name, "targets", document.signed(), context.limits)?;
    for delegated in roles {
        let authority = Authority::new(&delegated.name, &name, keys, &delegated.role_keys())?;
        let (file, document) = delegated_document(context, snapshot, &delegated.name, &authority, floors)?;
        let update = chain.set.update_delegated_targets(document.bytes, &delegated.name, "targets", jiff(context.now));
        update.map_err(|error| refused(&delegated.name, &file, &error))?;
        check_scope(&file, delegated, roles, document.signed())?;
        let seen = Floor { version: document.version(), sha256: document.digest };
        all.seen.insert(delegated.name.clone(), seen);
        all.take(&file, &delegated.name, document.signed(), context.limits)?;
    }
    all.check_totals(context.limits)?;
    Ok(all)
}

fn delegated_document<'a>(
    context: &mut Context<'a>,
    snapshot: &Pins,
    role: &str,
    authority: &Authority,
    floors: &Floors,
) -> Result<(String, Document<'a, Targets>), KitError> {
    let (file, document) = pinned::<Targets>(context, role, snapshot)?;
    document.check_signatures(authority, &mut context.warnings)?;
    floors.check(role, Floor { version: document.version(), sha256: document.digest })?;
    document.check_expiry(role, context.now)?;
    if document.signed().delegations.is_some() {
        return Err(KitError::delegation(role, "delegates further; one level is allowed"));
    }
    if document.signed().extra.contains_key("ouk") {
        return Err(KitError::schema(&file, "only the top-level targets describe the kit"));
    }
    Ok((file, document))
}

fn check_delegations(file: &str, delegations: Option<&Delegations>, limits: &Limits) -> Result<(), KitError> {
    let Some(delegations) = delegations else { return Ok(()) };
    within("delegated roles", delegations.roles.len() as u64, limits.delegation_visits_max as u64)?;
    within(format!("{file}, keys"), delegations.keys.len() as u64, limits.keys_max as u64)?;
    let mut names = Vec::new();
    for role in &delegations.roles {
        let refuse = |reason: &str| Err(KitError::delegation(&role.name, reason));
        let plain = role.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if !plain || role.name.is_empty() || role.name.len() > 32 || is_top_level(&role.name) {
            return refuse("has a name that no delegated role may have");
        }
        if names.contains(&&role.name) {
            return refuse("is delegated to twice");
        }
        names.push(&role.name);
        if !role.terminating {
            return refuse("is not terminating");
        }
        if role.path_hash_prefixes.is_some() {
            return refuse("is scoped by hash prefixes; paths are required");
        }
        if role.paths.as_deref().unwrap_or_default().is_empty() {
            return refuse("has no paths");
        }
        // A malformed pattern must fail here, not when a path happens to meet it.
        role.matches_path("x").map_err(|error| KitError::delegation(&role.name, error))?;
    }
    Ok(())
}

/// The snapshot pins the targets roles that exist, and no other.
fn check_pinned_roles(snapshot: &Pins, roles: &[DelegatedRole]) -> Result<(), KitError> {
    let known = |role: &str| role == "targets" || roles.iter().any(|delegated| delegated.name == role);
    match snapshot.pins.keys().find(|role| !known(role)) {
        Some(role) => Err(KitError::delegation(role, "is pinned by the snapshot, but nobody delegates to it")),
        None => Ok(()),
    }
}

/// Each path lies in the role's scope, and in no scope that is searched before it.
fn check_scope(
    file: &str,
    delegated: &DelegatedRole,
    roles: &[DelegatedRole],
    targets: &Targets,
) -> Result<(), KitError> {
    for path in targets.targets.keys() {
        for role in roles {
            let scope = |reason| KitError::Scope { role: delegated.name.clone(), path: shown(path.as_bytes()), reason };
            let matches = role.matches_path(path).map_err(|error| KitError::schema(file, error))?;
            match (matches, role.name == delegated.name) {
                (true, true) => break,
                (false, true) => return Err(scope("the path is outside of its delegation")),
                (true, false) => return Err(scope("an earlier delegation owns the path")),
                (false, false) => {}
            }
        }
    }
    Ok(())
}

fn kit_info(file: &str, document: &Document<'_, Targets>) -> Result<KitInfo, KitError> {
    let refuse = |reason: String| Err(KitError::schema(file, reason));
    let Some(ouk) = document.signed().extra.get("ouk") else {
        return refuse("it does not describe the kit (`ouk` is absent)".to_owned());
    };
    let info: KitInfo = serde_json::from_value(ouk.clone()).map_err(|error| KitError::schema(file, error))?;
    if info.spec != SPEC {
        return refuse(format!("the format is {}, not {SPEC}", shown(info.spec.as_bytes())));
    }
    let fault = word_fault(&info.product, b"", 64).or_else(|| word_fault(&info.channel, b"", 64));
    if let Some(fault) = fault {
        return refuse(fault);
    }
    if ApplianceVersion::parse(&info.min_appliance_version).is_none() {
        return refuse("min_appliance_version is not of the form 1.2.3".to_owned());
    }
    if info.base.is_some_and(|base| base.kit_version >= info.kit_version) {
        return refuse("the base of the delta is not an earlier kit".to_owned());
    }
    if info.signed_at >= document.expires {
        return refuse("it was signed after it expires".to_owned());
    }
    Ok(info)
}

impl AllTargets {
    fn take(&mut self, file: &str, role: &str, targets: &Targets, limits: &Limits) -> Result<(), KitError> {
        for (path, target) in &targets.targets {
            let target = self.target(file, role, path, target, limits)?;
            let count = self.targets.len() as u64 + 1;
            within("targets of the kit", count, limits.targets_max as u64)?;
            if let Some(other) = self.targets.insert(path.clone(), target) {
                let reason = "another role signs the same path";
                return Err(KitError::Scope { role: other.role, path: shown(path.as_bytes()), reason });
            }
        }
        Ok(())
    }

    fn target(
        &mut self,
        file: &str,
        role: &str,
        path: &str,
        target: &TargetFile,
        limits: &Limits,
    ) -> Result<VerifiedTarget, KitError> {
        if let Some(reason) = path_fault(path) {
            return Err(KitError::Name { name: shown(path.as_bytes()), reason });
        }
        let refuse = |reason: &str| KitError::schema(file, format!("{path}: {reason}"));
        let sha256 = target.hashes.get("sha256").and_then(|text| hex(text)).map(Digest::from_bytes);
        let sha256 = sha256.ok_or_else(|| refuse("hashes.sha256 is absent or malformed"))?;
        let ouk = target.custom.as_ref().and_then(|custom| custom.get("ouk"));
        let ouk = ouk.ok_or_else(|| refuse("custom.ouk is absent"))?;
        let ouk: OukTarget = serde_json::from_value(ouk.clone()).map_err(|error| refuse(&error.to_string()))?;
        if let Some(fault) = word_fault(&ouk.media, b"/.+", 100) {
            return Err(refuse(&fault));
        }
        let total = ouk.chunks.iter().try_fold(0_u64, |sum, chunk| sum.checked_add(chunk.len));
        if total != Some(target.length) {
            return Err(refuse("the chunks do not add up to the length"));
        }
        match ouk.chunks.as_slice() {
            [] if sha256 != Digest::of(b"") => return Err(refuse("an empty target with a digest of something")),
            [only] if only.sha256 != sha256 => return Err(refuse("the only chunk has another digest")),
            _ => {}
        }
        for chunk in &ouk.chunks {
            self.chunk(path, chunk, limits)?;
        }
        Ok(VerifiedTarget {
            path: path.to_owned(),
            role: role.to_owned(),
            length: target.length,
            sha256,
            media_type: ouk.media,
            schema: ouk.schema,
            chunks: ouk.chunks,
        })
    }

    fn chunk(&mut self, path: &str, chunk: &Chunk, limits: &Limits) -> Result<(), KitError> {
        let refuse = |reason: &str| Err(KitError::schema(path, reason));
        if chunk.len == 0 {
            return refuse("a chunk is empty");
        }
        within(format!("{path}, a chunk"), chunk.len, limits.chunk_bytes_max)?;
        let frame_max = frame::length_max(ustar::entry_length(chunk.len));
        within(format!("{path}, a compressed chunk"), chunk.clen, frame_max)?;
        if self.chunks.insert(chunk.sha256, *chunk).is_some_and(|before| before != *chunk) {
            return refuse("a chunk is described in two ways");
        }
        within("chunks of the kit", self.chunks.len() as u64, limits.chunks_max as u64)
    }

    fn check_totals(&self, limits: &Limits) -> Result<(), KitError> {
        let content = self.targets.values().fold(0_u64, |sum, target| sum.saturating_add(target.length));
        within("bytes of all targets", content, limits.content_bytes_max)?;
        let stored = self.chunks.values().fold(0_u64, |sum, chunk| sum.saturating_add(chunk.clen));
        within("bytes of the kit", stored, limits.kit_bytes_max)
    }
}
