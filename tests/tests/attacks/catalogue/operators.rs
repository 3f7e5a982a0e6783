//! O: attacks by operators.

use super::{Letter, Open};

pub(crate) const LETTER: Letter = Letter {
    cases: &[],
    elsewhere: &[],
    open: &[
        Open { id: "O01", reason: "approvals are built on another branch" },
        Open { id: "O02", reason: "approvals are built on another branch" },
        Open { id: "O03", reason: "approvals are built on another branch" },
        Open { id: "O04", reason: "approvals are built on another branch" },
    ],
};
