//! Which packages a stored SBOM asks the data about, as a sorted list of hashes.
//!
//! This is the index from changed packages to the SBOMs that they concern, read from end to end
//! once per question. The other way round, a list of SBOMs per package, would answer without reading
//! it all, but storing one document would then change a few hundred lists of up to every
//! document's digest; here it is one insert of about two kilobytes. `docs/impact.md` has the figures.
//!
//! Two packages with one hash cost a needless evaluation, never a missed one.

use std::collections::BTreeSet;

use domain::advisory::PackageKey;
use domain::component::Inventory;
use domain::digest::Digest;
use domain::ecosystem::Ecosystem;
use domain::matching::{Plan, SourceNames, plan};
use policy::Gate;

use crate::error::StoreError;

pub(super) const ENCODING: u8 = 1;
/// Encoding, planner, age, seal.
const HEAD: usize = 1 + 8 + 4 + 8;
const NO_AGE: u32 = u32::MAX;
/// One bit per value of the first twenty bits: fits into a core's own cache.
const FILTER_BITS: u32 = 20;

/// The first eight bytes of the SHA-256 of `ecosystem NUL name`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageHash(u64);

impl PackageHash {
    /// Of a package's key in a generation: `ecosystem NUL name`.
    pub fn of(key: &str) -> Self {
        Self(head(&Digest::of(key.as_bytes())))
    }

    pub fn of_package(package: &PackageKey) -> Self {
        Self::of(&format!("{}\0{}", package.ecosystem, package.name))
    }

    /// Stands for "how complete the data is for this ecosystem". No package is without a name.
    pub fn of_ecosystem(ecosystem: &Ecosystem) -> Self {
        Self::of(&format!("{ecosystem}\0"))
    }
}

fn head(digest: &Digest) -> u64 {
    let bytes = digest.as_bytes().first_chunk::<8>().expect("a digest has 32 bytes");
    u64::from_le_bytes(*bytes)
}

/// Packages, to ask quickly whether one is among them.
pub struct PackageSet {
    sorted: Vec<u64>,
    filter: Vec<u64>,
}

impl PackageSet {
    pub fn new(packages: impl IntoIterator<Item = PackageHash>) -> Self {
        let mut sorted: Vec<u64> = packages.into_iter().map(|hash| hash.0).collect();
        sorted.sort_unstable();
        sorted.dedup();
        let mut filter = vec![0; 1 << (FILTER_BITS - 6)];
        for hash in &sorted {
            let (word, bit) = place(*hash);
            if let Some(word) = filter.get_mut(word) {
                *word |= bit;
            }
        }
        Self { sorted, filter }
    }

    pub fn contains(&self, package: PackageHash) -> bool {
        self.has(package.0)
    }

    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    fn has(&self, hash: u64) -> bool {
        let (word, bit) = place(hash);
        self.filter.get(word).is_some_and(|word| word & bit != 0) && self.sorted.binary_search(&hash).is_ok()
    }
}

fn place(hash: u64) -> (usize, u64) {
    let bit = hash >> (64 - FILTER_BITS);
    ((bit / 64) as usize, 1 << (bit % 64))
}

/// The stored footprint of one document.
pub struct Footprint<'a> {
    planner: u64,
    age_days_max: Option<u32>,
    packages: &'a [u8],
}

impl<'a> Footprint<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, StoreError> {
        let damaged = || StoreError::damaged("the footprint of an SBOM");
        let (encoding, rest) = bytes.split_first().ok_or_else(damaged)?;
        let (sealed, rest) = rest.split_first_chunk::<8>().ok_or_else(damaged)?;
        // A flipped bit would hide a document from the question which ones change.
        if *encoding != ENCODING || u64::from_le_bytes(*sealed) != head(&Digest::of(rest)) {
            return Err(damaged());
        }
        let (planner, rest) = rest.split_first_chunk::<8>().ok_or_else(damaged)?;
        let (age, packages) = rest.split_first_chunk::<4>().ok_or_else(damaged)?;
        let age = u32::from_le_bytes(*age);
        Ok(Self { planner: u64::from_le_bytes(*planner), age_days_max: (age != NO_AGE).then_some(age), packages })
    }

    /// Was it made by this version of the program? Another one may plan other look-ups.
    pub fn is_current(&self) -> bool {
        self.planner == planner()
    }

    /// How old the data may be for the document's policy: the one thing beside the packages that
    /// another generation can change.
    pub fn age_days_max(&self) -> Option<u32> {
        self.age_days_max
    }

    pub fn touches(&self, packages: &PackageSet) -> bool {
        let mut hashes = self.packages.chunks_exact(8).filter_map(|bytes| bytes.first_chunk::<8>());
        hashes.any(|bytes| packages.has(u64::from_le_bytes(*bytes)))
    }
}

/// The version of the program stands for its planner: there is no other number that nobody
/// forgets to count up.
pub(super) fn planner() -> u64 {
    head(&Digest::of(env!("CARGO_PKG_VERSION").as_bytes()))
}

/// The footprint of an inventory under a policy.
pub(super) fn make(inventory: &Inventory, gate: &Gate) -> Vec<u8> {
    let names = SourceNames::of(inventory);
    let mut hashes = BTreeSet::new();
    for component in &inventory.components {
        if let Plan::Lookups(lookups) = plan(component, inventory.distribution.as_ref(), names) {
            for lookup in lookups {
                hashes.insert(PackageHash::of_package(&lookup.package));
                hashes.insert(PackageHash::of_ecosystem(&lookup.package.ecosystem));
            }
        }
    }
    let mut body = Vec::with_capacity(HEAD + 8 * hashes.len());
    body.extend_from_slice(&planner().to_le_bytes());
    // A limit of millions of years still refuses data of unknown age, so it is not the same as none.
    let age = gate.data_age_days_max.map_or(NO_AGE, |days| days.min(NO_AGE - 1));
    body.extend_from_slice(&age.to_le_bytes());
    hashes.iter().for_each(|hash| body.extend_from_slice(&hash.0.to_le_bytes()));
    let mut bytes = vec![ENCODING];
    bytes.extend_from_slice(&head(&Digest::of(&body)).to_le_bytes());
    bytes.append(&mut body);
    bytes
}
