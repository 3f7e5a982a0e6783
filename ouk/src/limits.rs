//! What a reader of kits is willing to take in.
//!
//! Each limit bounds work or memory that bytes from outside could otherwise cause. They
//! are arguments, not constants, so that tests can reach them with small kits.

use serde::{Deserialize, Serialize};

/// Limits for reading and verifying a kit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The whole kit file.
    pub kit_bytes_max: u64,
    /// All targets together, uncompressed.
    pub content_bytes_max: u64,
    /// The metadata frame, uncompressed: the only thing that is expanded before it is trusted.
    pub metadata_frame_bytes_max: u64,
    /// Entries of the metadata frame.
    pub metadata_files_max: usize,
    /// One entry of the metadata frame.
    pub metadata_file_bytes_max: u64,
    /// One root document.
    pub root_bytes_max: u64,
    /// Root documents in one kit.
    pub root_hops_max: u64,
    /// The zstd window, as a power of two.
    pub window_log_max: u32,
    /// Targets of all roles together.
    pub targets_max: usize,
    /// Chunks of all targets together.
    pub chunks_max: usize,
    /// One chunk, uncompressed.
    pub chunk_bytes_max: u64,
    /// The records of a delta kit, uncompressed. They are in memory together, those of a full kit are not.
    pub delta_bytes_max: u64,
    /// Delegated roles.
    pub delegation_visits_max: usize,
    /// Signatures of one document.
    pub signatures_max: usize,
    /// Keys of one document.
    pub keys_max: usize,
    /// The highest version a document may have. A stolen timestamp key cannot push the
    /// floor to the end of the number range.
    pub version_max: u64,
}

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

impl Default for Limits {
    fn default() -> Self {
        Self {
            kit_bytes_max: 64 * GIB,
            content_bytes_max: 256 * GIB,
            metadata_frame_bytes_max: 8 * MIB,
            metadata_files_max: 1024 + 64,
            metadata_file_bytes_max: 6 * MIB,
            root_bytes_max: 64 << 10,
            root_hops_max: 1024,
            window_log_max: 23,
            targets_max: 50_000,
            chunks_max: 100_000,
            chunk_bytes_max: 16 * MIB,
            delta_bytes_max: 96 * MIB,
            delegation_visits_max: 32,
            signatures_max: 64,
            keys_max: 256,
            // Room for serials of the form YYYYMMDDhhmm.
            version_max: 999_999_999_999,
        }
    }
}
