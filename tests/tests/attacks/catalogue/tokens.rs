//! J: attacks by tokens.

use super::{Letter, Open};

pub(crate) const LETTER: Letter = Letter {
    cases: &[],
    elsewhere: &[],
    open: &[
        Open { id: "J01", reason: "tokens are built on another branch" },
        Open { id: "J02", reason: "tokens are built on another branch" },
        Open { id: "J03", reason: "tokens are built on another branch" },
        Open { id: "J04", reason: "tokens are built on another branch" },
        Open { id: "J05", reason: "tokens are built on another branch" },
        Open { id: "J06", reason: "tokens are built on another branch" },
        Open { id: "J07", reason: "tokens are built on another branch" },
        Open { id: "J08", reason: "tokens are built on another branch" },
        Open { id: "J09", reason: "tokens are built on another branch" },
        Open { id: "J10", reason: "tokens are built on another branch" },
        Open { id: "J11", reason: "tokens are built on another branch" },
        Open { id: "J12", reason: "tokens are built on another branch" },
        Open { id: "J13", reason: "tokens are built on another branch" },
        Open { id: "J14", reason: "tokens are built on another branch" },
        Open { id: "J15", reason: "tokens are built on another branch" },
    ],
};
