//! The nouns of Stella and the pure functions on them.
//!
//! Bytes and values in, values out: this room opens no file, no socket and no
//! clock, so every test of it is a plain function call. All other rooms speak
//! in these types.

pub mod advisory;
pub mod clock;
pub mod component;
pub mod cpe;
pub mod cvss;
pub mod digest;
pub mod ecosystem;
pub mod exploitation;
pub mod finding;
pub mod matching;
pub mod purl;
pub mod root;
pub mod severity;
pub mod source;
pub mod time;
pub mod version;
