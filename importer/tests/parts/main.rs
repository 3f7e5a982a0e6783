//! Kits that come in parts, through the whole importer.

#![expect(clippy::disallowed_methods, reason = "tests of what lies on disk")]

mod bench;
mod property;
mod pulled;
mod several;
