//! The client's own floors, on top of what the public suite tuf-conformance asks of every
//! client: what was accepted once binds, whatever becomes of the cache (M metadata state, S
//! signatures, R resources of the attack catalogue).

mod floors;
mod keys;
mod limits;
mod support;
