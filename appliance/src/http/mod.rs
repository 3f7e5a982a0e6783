//! The listener: connections, TLS, limits and an orderly end.

mod listener;

pub(crate) use listener::{Limits, serve};
