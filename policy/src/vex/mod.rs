//! VEX: documents in, statements held against findings.
//!
//! Reading ([`read`]) makes one kind of [`Statement`](domain::vex::Statement) of OpenVEX, CSAF and CycloneDX. Applying
//! ([`apply`]) finds the statements that speak of a finding and lets one decide. Invariants: what cannot
//! be used is a [`Problem`] with its place and never dropped in silence; a finding is taken out of the count
//! only when nobody contradicts, and stays in the report with the reason.
//!
//! To let the first document that is named win, as other scanners do, was rejected: two vendors that
//! disagree are a fact that a person must see.

mod apply;
mod fit;
mod index;
mod pattern;
mod read;
mod weigh;

pub use apply::{Applied, COMPARISONS_MAX, DocumentUse, apply};
pub use index::{Claim, Claims, Library, Subject};
pub use pattern::{Mismatch, covers};
pub use read::{Document, Limits, Problem, VexError, read, read_embedded};
pub use weigh::{Standing, Weighed, Weighing};
