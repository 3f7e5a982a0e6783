//! Forged kits, for tests only: of `ouk`, of the importer, of what reads kits at random.
//!
//! [`Draft`] writes every byte itself (tar headers, JSON, frames) and signs whatever it is
//! told to, so that the code under test does not also make its own test data. [`Vendor`] has
//! real keys, [`dataset`] has content that a site would take, were it not for the forgery.

mod bytes;
mod dataset;
mod draft;
mod issuer;
mod site;
mod vendor;

pub use bytes::{END, compress, compress_with, entry, forged, header, summed, tar};
pub use dataset::{advisories, dataset};
pub use draft::{
    Draft, Files, bend_json, bend_root, canonical, draft, pin, relabelled, replace_entitlement_key, sign, with_file,
};
pub use issuer::{Issuer, bundle, revocations};
pub use site::{after, code, gates, import, import_at};
pub use vendor::{Vendor, noise, now, rng};
