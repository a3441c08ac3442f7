//! The state folder: the last good snapshots of one node, for a start while DIST is away or bad.
//!
//! ```text
//! STATE/gateway/public/fence                       the highest generation ever served
//! STATE/gateway/public/records/<slice digest>.json what is known of one slice (see `record`)
//! STATE/gateway/public/blobs/sha256/<digest>       manifests, slices, origins
//! ```
//!
//! Blobs never change; records and fence are replaced by write, fsync and rename, so a process that dies at
//! any moment leaves the old state or the new one. A slice becomes *good* only after it served for the
//! soak time; the three latest good ones and the one being served are never deleted. The folder belongs to
//! one process at a time; a second one could only write the same kind of truth.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};

use weft_snapshot::layout::{Descriptor, Digest};
use weft_snapshot::limits;

use super::fetch::{Parts, read_blob};
use super::file::read_bounded;
use super::record::{BlobRecord, Record};
use super::{Blobs, Candidate, Reason, Refusal};

/// Good snapshots that are kept beside the one being served.
const GOOD_KEPT: usize = 3;
/// Records of slices that never became good, kept to remember that they kill.
const BAD_KEPT: usize = 16;
/// Bytes of a record or of the fence.
const SMALL_FILE: u64 = 4 << 10;
/// Records that are read; more are ignored.
const RECORDS: usize = 256;

/// Whether a snapshot that is served from now on can be the one that ends the process.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Start {
    /// Its slice was not served a moment ago: counted until it is good or left in peace.
    New,
    /// Its slice is being served and was counted.
    GoesOn,
}

/// The state folder of one node.
#[derive(Clone, Debug)]
pub(crate) struct StateDir {
    root: PathBuf,
}

impl StateDir {
    /// Opens the folder of `node` below `state`, and makes it when it is not there.
    ///
    /// # Errors
    ///
    /// When it cannot be made, or `node` would lead out of it.
    pub(crate) fn open(state: &Path, node: &str) -> io::Result<Self> {
        let plain = Path::new(node)
            .components()
            .all(|step| matches!(step, Component::Normal(_)));
        if !plain || node.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "not the name of a node",
            ));
        }
        let root = state.join(node);
        fs::create_dir_all(root.join("records"))?;
        fs::create_dir_all(root.join("blobs/sha256"))?;
        Ok(Self { root })
    }

    /// The highest generation that was ever served; 0 when nothing is known.
    pub(crate) fn fence(&self) -> u64 {
        read_bounded(&self.root.join("fence"), SMALL_FILE)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or(0)
    }

    /// All readable records, the one served last first.
    pub(crate) fn records(&self) -> Vec<Record> {
        let Ok(entries) = fs::read_dir(self.root.join("records")) else {
            return Vec::new();
        };
        let mut records: Vec<Record> = entries
            .filter_map(Result::ok)
            .take(RECORDS)
            .filter_map(|entry| read_bounded(&entry.path(), SMALL_FILE).ok())
            .filter_map(|bytes| serde_json::from_slice(&bytes).ok())
            .filter(|record: &Record| record.format == 1)
            .collect();
        records.sort_by_key(|record| std::cmp::Reverse(record.sequence));
        records
    }

    /// What is known of the slice with `digest`.
    pub(crate) fn record(&self, digest: &Digest) -> Option<Record> {
        let digest = digest.to_string();
        self.records()
            .into_iter()
            .find(|record| record.slice.digest == digest)
    }

    /// Good records from which to start, best first: the ones that do not kill, latest first.
    pub(crate) fn ways_back(&self) -> Vec<Record> {
        let mut good: Vec<Record> = self
            .records()
            .into_iter()
            .filter(|record| record.good)
            .collect();
        good.sort_by_key(Record::kills);
        good
    }

    /// Reads and verifies the blobs of `record`.
    ///
    /// # Errors
    ///
    /// When a blob is missing or is not what its digest says.
    pub(crate) fn load(&self, record: &Record) -> Result<(Parts, Blobs), Refusal> {
        let manifest = descriptor(&record.manifest)?;
        let slice = descriptor(&record.slice)?;
        let origins = descriptor(&record.origins)?;
        let blobs = Blobs {
            manifest: read_blob(&self.root, &manifest, limits::MANIFEST_BYTES)?,
            slice: read_blob(&self.root, &slice, limits::SLICE_BYTES)?,
            origins: read_blob(&self.root, &origins, limits::ORIGINS_BYTES)?,
        };
        let parts = Parts {
            manifest: manifest.digest,
            slice: slice.digest,
            origins: origins.digest,
        };
        Ok((parts, blobs))
    }

    /// Remembers that `candidate` is served from now on, counts a new start, and raises the fence.
    ///
    /// # Errors
    ///
    /// When something cannot be written; what was there before is still whole then.
    pub(crate) fn begin(&self, candidate: &Candidate, start: Start) -> io::Result<()> {
        let Some(blobs) = &candidate.blobs else {
            return Ok(());
        };
        let slice = self.store(&candidate.slice_digest, &blobs.slice)?;
        let known = self.record(&candidate.slice_digest);
        let newest = self.records().first().map_or(0, |record| record.sequence);
        let record = Record {
            format: 1,
            generation: candidate.generation,
            manifest: self.store(&candidate.manifest, &blobs.manifest)?,
            origins: self.store(&candidate.origins_digest, &blobs.origins)?,
            sequence: newest.saturating_add(1),
            good: known.as_ref().is_some_and(|record| record.good),
            starts: known
                .map_or(0, |record| record.starts)
                .saturating_add(match start {
                    Start::New => 1,
                    Start::GoesOn => 0,
                }),
            slice,
        };
        self.write_record(&record)?;
        if self.fence() < candidate.generation {
            self.replace(
                &self.root.join("fence"),
                candidate.generation.to_string().as_bytes(),
            )?;
        }
        self.prune(&record.slice.digest)
    }

    /// Marks the slice with `digest` as good: it served for the soak time.
    ///
    /// # Errors
    ///
    /// When the record cannot be written.
    pub(crate) fn mark_good(&self, digest: &Digest) -> io::Result<()> {
        self.change(digest, |record| {
            record.good = true;
            record.starts = 0;
        })
    }

    /// Takes back the start of the slice with `digest`: it was replaced or ended in order.
    ///
    /// # Errors
    ///
    /// When the record cannot be written.
    pub(crate) fn forgive(&self, digest: &Digest) -> io::Result<()> {
        self.change(digest, |record| {
            record.starts = record.starts.saturating_sub(1);
        })
    }

    fn change(&self, digest: &Digest, change: impl FnOnce(&mut Record)) -> io::Result<()> {
        let Some(before) = self.record(digest) else {
            return Ok(());
        };
        let mut after = before.clone();
        change(&mut after);
        if after != before {
            self.write_record(&after)?;
        }
        self.prune(&after.slice.digest)
    }

    fn store(&self, digest: &Digest, bytes: &[u8]) -> io::Result<BlobRecord> {
        let size = u64::try_from(bytes.len()).map_err(io::Error::other)?;
        let path = self.root.join(digest.blob_path());
        if fs::metadata(&path).map_or(true, |metadata| metadata.len() != size) {
            self.replace(&path, bytes)?;
        }
        Ok(BlobRecord {
            digest: digest.to_string(),
            size,
        })
    }

    fn write_record(&self, record: &Record) -> io::Result<()> {
        let bytes = serde_json::to_vec_pretty(record).map_err(io::Error::other)?;
        self.replace(&self.record_path(&record.slice), &bytes)
    }

    fn record_path(&self, slice: &BlobRecord) -> PathBuf {
        let name = slice.digest.trim_start_matches("sha256:");
        self.root.join("records").join(format!("{name}.json"))
    }

    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let temporary = self.root.join(format!(".new-{}", std::process::id()));
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        match path.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    }

    /// Deletes what is neither `active` nor one of the latest good ones.
    fn prune(&self, active: &str) -> io::Result<()> {
        let mut good = 0;
        let mut bad = 0;
        let mut used = BTreeSet::new();
        for record in self.records() {
            let counter = if record.good { &mut good } else { &mut bad };
            let position: usize = *counter;
            *counter = position.saturating_add(1);
            let most = if record.good { GOOD_KEPT } else { BAD_KEPT };
            let is_active = record.slice.digest == active;
            if is_active || (record.good && position < most) {
                used.extend([
                    record.manifest.digest,
                    record.slice.digest,
                    record.origins.digest,
                ]);
            } else if most <= position {
                fs::remove_file(self.record_path(&record.slice))?;
            }
        }
        for entry in fs::read_dir(self.root.join("blobs/sha256"))? {
            let entry = entry?;
            let name = entry.file_name();
            let is_used = name
                .to_str()
                .is_some_and(|name| used.contains(&format!("sha256:{name}")));
            if !is_used {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

fn descriptor(blob: &BlobRecord) -> Result<Descriptor, Refusal> {
    let digest = Digest::parse(&blob.digest)
        .map_err(|_error| Refusal::new(Reason::BadManifest, "a record names no digest"))?;
    Ok(Descriptor {
        digest,
        size: blob.size,
    })
}
