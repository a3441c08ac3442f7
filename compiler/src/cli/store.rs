//! Snapshots on disk: an OCI image layout, written so that a reader never sees half a change.
//!
//! New blobs are written beside the old ones under a temporary name, synced and renamed; `index.json` is
//! renamed last, and that is the moment of change. Blobs that neither the new nor the previous snapshot
//! uses are removed after it, so a proxy that is just reading the previous one still finds everything.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use weft_snapshot::layout::{Bundle, Digest, Index, Manifest, OCI_LAYOUT};
use weft_snapshot::limits;

use super::bounded;

const BLOBS: &str = "blobs/sha256";
const TEMPORARY: &str = ".new-";
/// Up to this many files are synced one by one; more of them together with their file system.
const FEW: usize = 32;

/// When a file reaches the disk.
#[derive(Clone, Copy, Debug)]
enum Sync {
    /// Before its name does.
    Now,
    /// With all others.
    Later,
}

/// A snapshot on disk.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) index: Index,
    pub(super) manifest: Manifest,
}

/// What writing a snapshot did.
#[derive(Debug)]
pub(super) struct Published {
    /// The snapshot that is there now.
    pub(super) manifest: Manifest,
    /// Its generation.
    pub(super) generation: u64,
    /// The one that was there before.
    pub(super) previous: Option<Stored>,
}

impl Published {
    /// Whether a node has another slice than before.
    pub(super) fn is_changed(&self, node: &str) -> bool {
        let before = self
            .previous
            .as_ref()
            .and_then(|stored| stored.manifest.nodes.get(node));
        before != self.manifest.nodes.get(node)
    }
}

/// Reads which snapshot is at `dist`; nothing when there is none yet.
pub(super) fn read(dist: &Path) -> anyhow::Result<Option<Stored>> {
    let path = dist.join("index.json");
    let bytes = match bounded::read(&path, limits::INDEX_BYTES) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("reading `{}`", path.display())),
    };
    let index = Index::parse(&bytes).with_context(|| format!("reading `{}`", path.display()))?;
    let manifest = Manifest::parse(&blob(dist, index.manifest.digest, limits::MANIFEST_BYTES)?)?;
    Ok(Some(Stored { index, manifest }))
}

/// Reads a blob of at most `limit` bytes and verifies it.
pub(super) fn blob(dist: &Path, digest: Digest, limit: u64) -> anyhow::Result<Vec<u8>> {
    let bytes = unverified(dist, digest, limit)?;
    if Digest::of(&bytes) != digest {
        let path = dist.join(digest.blob_path());
        bail!("`{}` does not have the content of its name", path.display());
    }
    Ok(bytes)
}

/// Reads a blob of at most `limit` bytes for somebody who verifies it.
pub(super) fn unverified(dist: &Path, digest: Digest, limit: u64) -> anyhow::Result<Vec<u8>> {
    let path = dist.join(digest.blob_path());
    bounded::read(&path, limit).with_context(|| format!("reading `{}`", path.display()))
}

/// Makes `bundle` the snapshot at `dist`.
///
/// Without a `generation`, it is that of `dist` plus one when the snapshot is another one, and stays
/// when it is not.
pub(super) fn publish(
    dist: &Path,
    bundle: &Bundle,
    generation: Option<u64>,
) -> anyhow::Result<Published> {
    let blobs = dist.join(BLOBS);
    fs::create_dir_all(&blobs).with_context(|| format!("creating `{}`", blobs.display()))?;
    let _lock = lock(dist)?;
    let previous = match read(dist) {
        Ok(previous) => previous,
        Err(_) if generation.is_some() => None,
        Err(error) => {
            return Err(error.context("cannot tell the next generation; give it by `--generation`"));
        }
    };
    let is_same = previous
        .as_ref()
        .is_some_and(|stored| stored.index.manifest == bundle.manifest);
    let before = previous.as_ref().map(|stored| stored.index.generation);
    let next = match (before, is_same) {
        (None, _) => 1,
        (Some(before), true) => before,
        (Some(before), false) => before.saturating_add(1),
    };
    let generation = generation.unwrap_or(next);
    write_blobs(&blobs, bundle)?;
    replace(&dist.join("oci-layout"), OCI_LAYOUT.as_bytes())?;
    if !is_same || before != Some(generation) {
        replace(&dist.join("index.json"), &bundle.index(generation))?;
        sync_folder(dist)?;
    }
    if let Some(previous) = previous.as_ref().filter(|_| !is_same) {
        remove_unused(&blobs, bundle, previous)?;
    }
    Ok(Published {
        manifest: bundle.read_manifest()?,
        generation,
        previous,
    })
}

/// One writer at a time; the lock ends with the file that is returned.
fn lock(dist: &Path) -> anyhow::Result<File> {
    let path = dist.join(".lock");
    let locking = || format!("locking `{}`", path.display());
    let file = File::create(&path).with_context(locking)?;
    file.lock().with_context(locking)?;
    Ok(file)
}

/// Writes the blobs that are not there yet; all of them are on the disk when this returns.
fn write_blobs(folder: &Path, bundle: &Bundle) -> anyhow::Result<()> {
    let missing: Vec<(PathBuf, &[u8])> = bundle
        .blobs
        .iter()
        .map(|(digest, bytes)| (folder.join(digest.hex()), bytes.as_slice()))
        // A file cut short by a crash has the right name and the wrong content.
        .filter(|(path, bytes)| !has_content(path, bytes))
        .collect();
    let sync = if missing.len() <= FEW {
        Sync::Now
    } else {
        Sync::Later
    };
    for (path, bytes) in &missing {
        write(path, bytes, sync)?;
    }
    match (missing.is_empty(), sync) {
        (true, _) => Ok(()),
        (false, Sync::Now) => sync_folder(folder),
        (false, Sync::Later) => sync_file_system(folder),
    }
}

/// Makes a file have this content, whole or not at all.
fn replace(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    if has_content(path, bytes) {
        return Ok(());
    }
    write(path, bytes, Sync::Now)
}

fn has_content(path: &Path, bytes: &[u8]) -> bool {
    fs::read(path).is_ok_and(|found| found == bytes)
}

fn write(path: &Path, bytes: &[u8], sync: Sync) -> anyhow::Result<()> {
    let writing = || format!("writing `{}`", path.display());
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!("{TEMPORARY}{name}"));
    let mut file = File::create(&temporary).with_context(writing)?;
    file.write_all(bytes).with_context(writing)?;
    match sync {
        Sync::Now => file.sync_data().with_context(writing)?,
        Sync::Later => {}
    }
    fs::rename(&temporary, path).with_context(writing)
}

fn sync_folder(folder: &Path) -> anyhow::Result<()> {
    let syncing = || format!("syncing `{}`", folder.display());
    File::open(folder)
        .with_context(syncing)?
        .sync_all()
        .with_context(syncing)
}

/// One wait for all files, where a wait for each of a thousand would be most of a build.
fn sync_file_system(folder: &Path) -> anyhow::Result<()> {
    let syncing = || format!("syncing `{}`", folder.display());
    let folder = File::open(folder).with_context(syncing)?;
    rustix::fs::syncfs(&folder).with_context(syncing)
}

fn remove_unused(folder: &Path, bundle: &Bundle, previous: &Stored) -> anyhow::Result<()> {
    let mut used: BTreeSet<String> = bundle.blobs.keys().map(Digest::hex).collect();
    used.insert(previous.index.manifest.digest.hex());
    used.insert(previous.manifest.origins.digest.hex());
    used.extend(
        previous
            .manifest
            .nodes
            .values()
            .map(|slice| slice.digest.hex()),
    );
    let reading = || format!("reading `{}`", folder.display());
    for entry in fs::read_dir(folder).with_context(reading)? {
        let entry = entry.with_context(reading)?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let is_blob = name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        if (is_blob && !used.contains(name)) || name.starts_with(TEMPORARY) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

fn remove(path: &PathBuf) -> anyhow::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing `{}`", path.display()))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
