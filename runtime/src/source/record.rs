//! What the state folder remembers of one slice, as one small JSON file.

use serde::{Deserialize, Serialize};

/// Starts in a row that ended before a snapshot was good; then it counts as one that kills.
pub(crate) const STARTS_WITHOUT_SOAK: u32 = 3;

/// One slice that was served, with the snapshot that brought it last.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Record {
    /// The form of this file: 1.
    pub(crate) format: u32,
    /// The generation of the snapshot.
    pub(crate) generation: u64,
    /// The manifest.
    pub(crate) manifest: BlobRecord,
    /// The slice.
    pub(crate) slice: BlobRecord,
    /// The origins.
    pub(crate) origins: BlobRecord,
    /// Grows with every snapshot that is served: the order of serving, without a clock.
    pub(crate) sequence: u64,
    /// Whether it served for the soak time without a crash.
    pub(crate) good: bool,
    /// Starts since it last did so; a clean end takes its own start back.
    pub(crate) starts: u32,
}

impl Record {
    /// Whether the process ended too often before the soak was over.
    pub(crate) fn kills(&self) -> bool {
        STARTS_WITHOUT_SOAK <= self.starts
    }
}

/// One blob by its digest.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct BlobRecord {
    /// `sha256:…`.
    pub(crate) digest: String,
    /// Its length in bytes.
    pub(crate) size: u64,
}
