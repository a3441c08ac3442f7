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
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

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
/// The beginning of the names of files that are being written; the number of the process follows, and a word by chance.
const TEMPORARY: &str = ".new-";
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

/// Whether there was anything to write.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Written {
    /// It is written.
    Something,
    /// There was nothing to write, which says nothing about the folder.
    Nothing,
}

/// The state folder of one node.
#[derive(Clone, Debug)]
pub(crate) struct StateDir {
    state: PathBuf,
    root: PathBuf,
}

/// What is known of the highest generation that was ever served.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct HighestServed {
    /// The generation; 0 when nothing was served.
    pub(crate) generation: u64,
    /// What is wrong with the file that should say so, when the records had to.
    pub(crate) fault: Option<String>,
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
        let folder = Self {
            state: state.to_owned(),
            root: state.join(node),
        };
        make_folder(state)?;
        folder.make()?;
        Ok(folder)
    }

    /// Makes the folders of the node; the state folder itself is only made at the start, because it may be
    /// a volume that went away.
    fn make(&self) -> io::Result<()> {
        fs::metadata(&self.state)?;
        make_folder(&self.root.join("records"))?;
        make_folder(&self.root.join("blobs/sha256"))
    }

    /// Removes what writes that were cut short by a crash have left: temporary files of the name that
    /// [`StateDir::replace`] gives, of no other living process, last changed before `begin` (time since 1970
    /// UTC). Returns how many.
    pub(crate) fn sweep(&self, begin: Duration) -> usize {
        let Ok(entries) = fs::read_dir(&self.root) else {
            return 0;
        };
        let is_left_over = |entry: &fs::DirEntry| {
            let name = entry.file_name();
            let writer = name.to_str().and_then(|name| name.strip_prefix(TEMPORARY));
            let is_ours = writer
                .and_then(|it| it.split('-').next()?.parse::<u32>().ok())
                .is_some_and(|it| {
                    // A predecessor that hands over its sockets may be writing still.
                    it == std::process::id() || fs::metadata(format!("/proc/{it}")).is_err()
                });
            let metadata = entry
                .metadata()
                .ok()
                .filter(|metadata| is_ours && metadata.is_file());
            let changed = metadata.and_then(|metadata| metadata.modified().ok());
            let changed = changed.and_then(|changed| changed.duration_since(UNIX_EPOCH).ok());
            changed.is_some_and(|changed| changed < begin)
        };
        let left_over = entries.filter_map(Result::ok).filter(is_left_over);
        left_over
            .filter(|entry| fs::remove_file(entry.path()).is_ok())
            .count()
    }

    /// The highest generation that was ever served. The fence says so; the records do where it does not, and
    /// also when a crash came between writing a record and raising the fence.
    pub(crate) fn highest_served(&self) -> HighestServed {
        let recorded = self.records().iter().map(|it| it.generation).max();
        let (fence, fault) = match self.fence() {
            Ok(generation) => (generation, None),
            // A folder in which nothing was served yet has none.
            Err(fault) => (0, recorded.map(|_generation| fault)),
        };
        HighestServed {
            generation: fence.max(recorded.unwrap_or(0)),
            fault,
        }
    }

    fn fence(&self) -> Result<u64, String> {
        let bytes = read_bounded(&self.root.join("fence"), SMALL_FILE);
        let bytes = bytes.map_err(|error| error.to_string())?;
        std::str::from_utf8(&bytes)
            .ok()
            .and_then(|text| text.trim().parse().ok())
            .ok_or_else(|| "not a number".to_owned())
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
    pub(crate) fn begin(&self, candidate: &Candidate, start: Start) -> io::Result<Written> {
        let Some(blobs) = &candidate.blobs else {
            return Ok(Written::Nothing);
        };
        self.make()?;
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
        let highest = self.highest_served().generation.max(candidate.generation);
        if self.fence() != Ok(highest) {
            self.replace(&self.root.join("fence"), highest.to_string().as_bytes())?;
        }
        self.prune(&record.slice.digest)?;
        Ok(Written::Something)
    }

    /// Marks the slice with `digest` as good: it served for the soak time.
    ///
    /// # Errors
    ///
    /// When the record cannot be written.
    pub(crate) fn mark_good(&self, digest: &Digest) -> io::Result<Written> {
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
    pub(crate) fn forgive(&self, digest: &Digest) -> io::Result<Written> {
        self.change(digest, |record| {
            record.starts = record.starts.saturating_sub(1);
        })
    }

    fn change(&self, digest: &Digest, change: impl FnOnce(&mut Record)) -> io::Result<Written> {
        let Some(before) = self.record(digest) else {
            // No record is no fault, no folder is one.
            fs::metadata(self.root.join("records"))?;
            return Ok(Written::Nothing);
        };
        let mut after = before.clone();
        change(&mut after);
        if after == before {
            return Ok(Written::Nothing);
        }
        self.write_record(&after)?;
        self.prune(&after.slice.digest)?;
        Ok(Written::Something)
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
        let chance = format!("{:016x}", fastrand::u64(..));
        let name = format!("{TEMPORARY}{}-{chance}", std::process::id());
        let temporary = self.root.join(name);
        // What is there already, a link for one, is never opened.
        let created = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&temporary);
        let written = created.and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&temporary, path)
        });
        if written.is_err() {
            // On a full disk every byte counts; if it stays, the next start sweeps it.
            drop(fs::remove_file(&temporary));
        }
        written?;
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

/// Makes a folder that nobody else reads, with those above it; one that is there stays as it is.
fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn descriptor(blob: &BlobRecord) -> Result<Descriptor, Refusal> {
    let digest = Digest::parse(&blob.digest)
        .map_err(|_error| Refusal::new(Reason::BadManifest, "a record names no digest"))?;
    Ok(Descriptor {
        digest,
        size: blob.size,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_else_reads_the_state() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(&folder.path().join("state"), "gateway/public").unwrap();
        state.replace(&state.root.join("fence"), b"7").unwrap();
        let mode = |name: &str| {
            let metadata = fs::metadata(folder.path().join(name)).unwrap();
            metadata.permissions().mode() & 0o777
        };
        for name in [
            "state",
            "state/gateway",
            "state/gateway/public/blobs/sha256",
        ] {
            assert_eq!(mode(name), 0o700, "{name}");
        }
        assert_eq!(mode("state/gateway/public/fence"), 0o600);
    }

    #[test]
    fn a_write_that_fails_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(folder.path(), "gateway/public").unwrap();
        let in_the_way = state.root.join("fence");
        fs::create_dir(&in_the_way).unwrap();

        assert!(state.replace(&in_the_way, b"7").is_err());

        let left = fs::read_dir(&state.root).unwrap().count();
        assert_eq!(left, 3, "blobs, records and what was in the way");
    }
}
