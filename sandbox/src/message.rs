//! What passes from the worker to its parent: one JSON value a line.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

/// Any number of progress messages, then one that ends the work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message<P, R> {
    Progress(P),
    Done(R),
}

/// Says something to the parent, on standard output. An error means that the parent is gone.
pub fn send<P: Serialize, R: Serialize>(message: &Message<P, R>) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    // One lock, one line: threads may report at once.
    let mut out = io::stdout().lock();
    out.write_all(&line)?;
    out.flush()
}
