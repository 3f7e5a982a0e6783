//! A plan and the base kit make a kit.

use domain::digest::Digest;
use ouk::keys::Role;
use serde_json::json;

use super::content::{Targets, settle};
use super::plan::Plan;
use super::shape::Parts;
use super::support::{Draft, END, Vendor, compress};
use super::{Base, SEED};

/// What was made.
pub(crate) struct Forged {
    pub(crate) kit: Vec<u8>,
    /// The kit before its container was changed, when that was done.
    pub(crate) plain: Option<Vec<u8>>,
}

pub(crate) fn forge(base: &Base, plan: &Plan) -> Forged {
    let mut targets = base.targets.clone();
    let mut bent = false;
    for content in plan.contents() {
        content.apply(&mut targets);
        bent = true;
    }
    if bent && plan.settle {
        settle(&mut targets);
    }
    let fresh = rotated(plan);
    let vendor = fresh.as_ref().unwrap_or(&base.vendor);
    let mut draft = draft(vendor, plan.version, &targets);
    for signed in plan.signed() {
        signed.apply(vendor, &mut draft);
    }
    let parts = || Parts::new(&draft.files(), draft.frames.values().cloned());
    let mut changed = parts();
    let mut shaped = false;
    for shape in plan.shapes() {
        shape.apply(&mut changed);
        shaped = true;
    }
    let mut kit = whole(&changed);
    for shape in plan.shapes() {
        shape.apply_whole(&mut kit);
    }
    Forged { kit, plain: shaped.then(|| whole(&parts())) }
}

fn whole(parts: &Parts) -> Vec<u8> {
    [compress(&parts.entries.concat()), parts.frames.concat(), END.to_vec()].concat()
}

/// A vendor with the keys of the plan's rotations, when it has any. Each starts from the same keys.
fn rotated(plan: &Plan) -> Option<Vendor> {
    let mut vendor = None;
    for (role, kept) in plan.signed().filter_map(super::signed::Signed::rotation) {
        vendor.get_or_insert_with(|| Vendor::new(SEED)).rotate(role, kept);
    }
    vendor
}

/// A kit that any honest builder could have made.
pub(crate) fn draft(vendor: &Vendor, version: u64, targets: &Targets) -> Draft {
    let mut draft = Draft::new(vendor, version, &[]);
    for (path, content) in targets {
        if content.is_empty() {
            draft.target(Role::of_path(path).as_str(), path, 0, &Digest::of(b""), json!([]));
        } else {
            draft.put(path, content);
        }
    }
    draft
}
