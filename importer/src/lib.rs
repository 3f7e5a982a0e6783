//! From a kit on a medium to an active generation.
//!
//! ```text
//! copy once -> seal -> metadata frame -> roots, timestamp, snapshot, targets, gates
//!   -> blobs into the store, records into a new generation -> content root == signed root
//!   -> one transaction: floors, generation, pointer, receipt, log
//! ```
//!
//! Nothing of the active generation is touched before the last step, and that step is one
//! transaction. A kit that others must approve first waits before it ([`control`]). Whatever fails before it ends in quarantine with a code and a receipt;
//! whatever is killed before it leaves files that nothing refers to. Expanding and
//! parsing can be done by a process that reaches nothing else ([`work`]).

pub mod control;
mod entitlements;
mod error;
pub mod impact;
mod import;
pub mod isolated;
mod manifest;
mod parts;
mod plausible;
mod prepare;
mod receipt;
mod recheck;
mod request;
mod site;
mod source;
mod trust;
pub mod work;

pub use entitlements::{Renewed, Rotation, renew, revocations, rotate, verify_token};
pub use error::{Blame, ImportError, Refusal};
pub use import::{Means, import, import_parts, stage, stage_parts};
pub use parts::sets::discard;
pub use parts::{Came, Damaged, Ending, Incomplete, Part};
pub use recheck::{recheck, reverify};
pub use request::{Imported, Outcome, Progress, Request, SealPolicy, SiteWord};
pub use source::open as open_source;
pub use trust::time;
