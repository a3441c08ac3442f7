//! Writes snapshots to disk: an OCI image layout, written so that a reader never sees half a change.
//!
//! New blobs are written beside the old ones under a temporary name, synced and renamed; `index.json` is
//! renamed last, and that is the moment of change. The blobs of the snapshot before the previous one are removed after it, so
//! a proxy that is just reading the previous one still finds everything; what no snapshot of ours named is left alone.
//!
//! The folder may be one that others write to. Nothing is written, locked or deleted through a link, and no file that is
//! there already is opened for writing but the lock, which is not emptied.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use weft_back::emit::{Emitted, Proved};
use weft_front::progress::Progress;
use weft_snapshot::layout::{Bundle, Descriptor, Digest, Manifest, Numbered, OCI_LAYOUT, Which};
use weft_snapshot::limits;

use super::disk::{Folder, Kind};
use super::proofs;
use super::stored::{self, Stored};

const LOCK: &str = ".lock";
/// Holds the digest of the snapshot that the one in the index has replaced.
const PREVIOUS: &str = ".previous";
const DIGEST_BYTES: u64 = 128;
/// The beginning of the names of files that are being written; 16 digits by chance follow.
const TEMPORARY: &str = ".new-";
/// So many names are tried.
const ATTEMPTS: u32 = 8;
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

    /// The nodes with another slice than before, by name; those that are gone have none.
    pub(super) fn changed(&self) -> Vec<(&str, Option<Descriptor>)> {
        let nodes = self.manifest.nodes.iter();
        let changed = nodes
            .filter(|(node, _)| self.is_changed(node))
            .map(|(node, slice)| (node.as_str(), Some(*slice)));
        let before = self
            .previous
            .iter()
            .flat_map(|one| one.manifest.nodes.keys());
        let gone = before
            .filter(|node| !self.manifest.nodes.contains_key(*node))
            .map(|node| (node.as_str(), None));
        let mut changed: Vec<_> = changed.chain(gone).collect();
        changed.sort_by_key(|(node, _)| *node);
        changed
    }
}

/// The slices at `dist` that need not be written and proved again; none where that is not known.
pub(super) fn proved(dist: &Path) -> Proved {
    let proved = || {
        // What follows is looked at anew under the lock, so that nobody who writes meanwhile matters.
        let stored = stored::read_which(dist, Which::Newest).ok()??;
        proofs::recall(&Folder::follow(dist).ok()?, &stored)
    };
    proved().unwrap_or_default()
}

/// Makes a bundle the snapshot at `dist`.
///
/// Without a `generation`, it is that of `dist` plus one when the snapshot is another one, and stays
/// when it is not. Nothing is written, and nothing comes back, if a slice that should be there already is not whole.
///
/// Whoever runs this may have linked `dist`; below it nothing is written or deleted through a link.
pub(super) fn publish(
    (dist, generation): (&Path, Option<u64>),
    emitted: &Emitted,
    progress: &Progress,
) -> anyhow::Result<Option<Published>> {
    let bundle = &emitted.bundle;
    fs::create_dir_all(dist).with_context(|| format!("creating `{}`", dist.display()))?;
    let folder = Folder::follow(dist)?;
    let blobs = folder.made("blobs".as_ref())?.made("sha256".as_ref())?;
    let _lock = lock(&folder)?;
    if !bundle.stored().all(|slice| has_blob(&blobs, slice)) {
        return Ok(None);
    }
    let previous = match stored::read_which(dist, Which::Newest) {
        Ok(previous) => previous,
        Err(_) if generation.is_some() => None,
        Err(error) => {
            return Err(error.context("cannot tell the next generation; give it by `--generation`"));
        }
    };
    let is_same = previous
        .as_ref()
        .is_some_and(|stored| !stored.is_legacy && stored.manifest == *bundle.contents());
    let before = previous.as_ref().map(|stored| stored.generation);
    let generation = self::generation(generation, before, is_same)?;
    let numbered = bundle.numbered(generation);
    write_blobs(&blobs, (bundle, &numbered), progress)?;
    replace(&folder, "oci-layout", OCI_LAYOUT.as_bytes())?;
    if !is_same || before != Some(generation) {
        replace(&folder, "index.json", &numbered.index)?;
        folder.sync()?;
    }
    if let Some(previous) = previous.as_ref().filter(|_| !is_same) {
        remove_superseded((dist, &folder), &blobs, (bundle, &numbered, previous))?;
    }
    proofs::remember(&folder, emitted)?;
    remove_left_over(&folder)?;
    remove_left_over(&blobs)?;
    Ok(Some(Published {
        manifest: bundle.contents().clone(),
        generation,
        previous,
    }))
}

/// The number of a snapshot: the given one, or else the one that follows.
fn generation(given: Option<u64>, before: Option<u64>, is_same: bool) -> anyhow::Result<u64> {
    let next = match (before, is_same) {
        (None, _) => 1,
        (Some(before), true) => before,
        (Some(before), false) => before.saturating_add(1),
    };
    let generation = given.unwrap_or(next);
    if limits::GENERATION_TOP <= generation {
        bail!(
            "generation {generation} is at the top of its range, and none could follow; the last one is {}",
            limits::GENERATION_TOP.saturating_sub(1)
        );
    }
    Ok(generation)
}

/// One writer at a time; the lock ends with the file that is returned.
fn lock(folder: &Folder) -> anyhow::Result<File> {
    let locking = || format!("locking `{}`", folder.path().join(LOCK).display());
    let file = folder.lock_file(LOCK.as_ref()).with_context(locking)?;
    file.lock().with_context(locking)?;
    Ok(file)
}

/// Writes the blobs that are not there yet; all of them are on the disk when this returns.
fn write_blobs(
    folder: &Folder,
    (bundle, numbered): (&Bundle, &Numbered),
    progress: &Progress,
) -> anyhow::Result<()> {
    let blobs = bundle.blobs.iter();
    let manifest = (&numbered.descriptor.digest, &numbered.manifest);
    let missing: Vec<(String, &[u8])> = blobs
        .chain([manifest])
        .map(|(digest, bytes)| (digest.hex(), bytes.as_slice()))
        // A file cut short by a crash has the right name and the wrong content.
        .filter(|(name, bytes)| !has_content(folder, name, bytes))
        .collect();
    let sync = if missing.len() <= FEW {
        Sync::Now
    } else {
        Sync::Later
    };
    progress.begin("writing blobs", missing.len());
    for (name, bytes) in &missing {
        write(folder, name, bytes, sync)?;
        progress.step();
    }
    progress.begin("waiting for the disk", 0);
    match (missing.is_empty(), sync) {
        (true, _) => Ok(()),
        (false, Sync::Now) => Ok(folder.sync()?),
        (false, Sync::Later) => Ok(folder.sync_file_system()?),
    }
}

/// Makes a file have this content, whole or not at all.
pub(super) fn replace(folder: &Folder, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
    if has_content(folder, name, bytes) {
        return Ok(());
    }
    write(folder, name, bytes, Sync::Now)
}

fn has_content(folder: &Folder, name: &str, bytes: &[u8]) -> bool {
    let Ok(file) = folder.file(name.as_ref()) else {
        return false;
    };
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if file
        .metadata()
        .map_or(true, |metadata| metadata.len() != length)
    {
        return false;
    }
    let mut found = Vec::with_capacity(bytes.len());
    let read = file.take(length).read_to_end(&mut found);
    read.is_ok() && found == bytes
}

/// Whether a blob is there and whole.
fn has_blob(folder: &Folder, blob: Descriptor) -> bool {
    let Ok(file) = folder.file(blob.digest.hex().as_ref()) else {
        return false;
    };
    let mut found = Vec::with_capacity(usize::try_from(blob.size).unwrap_or_default());
    let read = file
        .take(blob.size.saturating_add(1))
        .read_to_end(&mut found);
    read.is_ok() && blob.is_of(&found)
}

fn write(folder: &Folder, name: &str, bytes: &[u8], sync: Sync) -> anyhow::Result<()> {
    let writing = || format!("writing `{}`", folder.path().join(name).display());
    let (mut file, temporary) = temporary(folder).with_context(writing)?;
    let written = file.write_all(bytes).and_then(|()| match sync {
        Sync::Now => file.sync_data(),
        Sync::Later => Ok(()),
    });
    let renamed = written.and_then(|()| folder.rename(temporary.as_ref(), name.as_ref()));
    if renamed.is_err() {
        // On a full disk every byte counts; if it stays, the next build removes it.
        drop(folder.remove(temporary.as_ref()));
    }
    renamed.with_context(writing)
}

/// A new file under a name by chance: one that is there already, whoever put it there, is not opened.
fn temporary(folder: &Folder) -> io::Result<(File, String)> {
    let mut last = io::Error::from(ErrorKind::AlreadyExists);
    for _ in 0..ATTEMPTS {
        // The keys of a `RandomState` are drawn by the system.
        let chance = RandomState::new().build_hasher().finish();
        let name = format!("{TEMPORARY}{chance:016x}");
        match folder.new_file(name.as_ref()) {
            Ok(file) => return Ok((file, name)),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Deletes the blobs of the snapshot before the last one, and remembers the last one for the next time.
///
/// Nothing else is deleted: the layout may hold blobs that others put there.
fn remove_superseded(
    (dist, folder): (&Path, &Folder),
    blobs: &Folder,
    (bundle, numbered, previous): (&Bundle, &Numbered, &Stored),
) -> anyhow::Result<()> {
    let mut used = named(previous.descriptor.digest, &previous.manifest);
    used.extend(named(numbered.descriptor.digest, bundle.contents()));
    if let Some((digest, manifest)) = superseded(dist, folder) {
        for name in named(digest, &manifest).difference(&used) {
            let removing = || format!("removing `{}`", blobs.path().join(name).display());
            blobs.remove(name.as_ref()).with_context(removing)?;
        }
    }
    let last = previous.descriptor.digest.to_string();
    replace(folder, PREVIOUS, last.as_bytes())
}

/// The snapshot that was replaced last, if that is known and still there.
fn superseded(dist: &Path, folder: &Folder) -> Option<(Digest, Manifest)> {
    let mut text = String::new();
    let file = folder.file(PREVIOUS.as_ref()).ok()?;
    file.take(DIGEST_BYTES).read_to_string(&mut text).ok()?;
    let digest = Digest::parse(&text).ok()?;
    let manifest = stored::blob(dist, digest, limits::MANIFEST_BYTES).ok()?;
    Some((digest, Manifest::parse(&manifest).ok()?.0))
}

/// The names of the blobs of a snapshot.
fn named(digest: Digest, manifest: &Manifest) -> BTreeSet<String> {
    let slices = manifest.nodes.values().map(|slice| slice.digest.hex());
    slices
        .chain([digest.hex(), manifest.origins.digest.hex()])
        .collect()
}

/// Removes what writes that were cut short by a crash have left. Nobody else writes while we hold the lock.
fn remove_left_over(folder: &Folder) -> anyhow::Result<()> {
    let reading = || format!("reading `{}`", folder.path().display());
    for (name, kind) in folder.entries().with_context(reading)? {
        let chance = name.to_str().and_then(|name| name.strip_prefix(TEMPORARY));
        let is_ours = chance.is_some_and(|chance| {
            chance.len() == 16 && chance.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
        if is_ours && kind == Kind::File {
            folder.remove(&name).with_context(reading)?;
        }
    }
    Ok(())
}
