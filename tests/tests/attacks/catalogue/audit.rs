//! L: attacks on the audit log.

use super::{Letter, Open};

pub(crate) const LETTER: Letter = Letter {
    cases: &[],
    elsewhere: &[],
    open: &[
        Open { id: "L01", reason: "the audit log is built on another branch" },
        Open { id: "L02", reason: "the audit log is built on another branch" },
        Open { id: "L03", reason: "the audit log is built on another branch" },
        Open { id: "L04", reason: "the audit log is built on another branch" },
    ],
};
