//! Writes snapshots to disk: an OCI image layout, written so that a reader never sees half a change.
//!
//! New blobs are written beside the old ones under a temporary name, synced and renamed; `index.json` is
//! renamed last, and that is the moment of change. What is kept beside the new one says `history`.
//!
//! The folder may be one that others write to. Nothing is written, locked or deleted through a link, and no file that is
//! there already is opened for writing but the lock, which is not emptied.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use weft_back::emit::{Emitted, Proved};
use weft_front::progress::Progress;
use weft_snapshot::layout::{
    Bundle, Damaged, Descriptor, Held, Index, Known, Manifest, Numbered, OCI_LAYOUT, Which,
};
use weft_snapshot::limits;

use super::disk::Folder;
use super::stored::{self, Place, Stored};
use super::whole::{self, Sync};
use super::{history, proofs};

const LOCK: &str = ".lock";
/// Up to this many files are synced one by one; more of them together with their file system.
const FEW: usize = 32;

/// Where a snapshot goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target<'run> {
    /// The folder.
    pub(super) dist: &'run Path,
    /// Its number, if that was given; the one that follows otherwise.
    pub(super) generation: Option<u64>,
    /// How many generations the folder holds, this one among them.
    pub(super) keep: usize,
}

/// What writing a snapshot did.
#[derive(Debug)]
pub(super) struct Published {
    /// The snapshot that is there now.
    pub(super) manifest: Manifest,
    /// Where its manifest is.
    pub(super) descriptor: Descriptor,
    /// Its generation.
    pub(super) generation: u64,
    /// Whether that number was given.
    pub(super) is_given: bool,
    /// The one that was there before.
    pub(super) previous: Option<Stored>,
    /// The greatest generation that was published there before; none where nothing says so.
    pub(super) highest: Option<u64>,
    /// What else was there and cannot be read.
    pub(super) damaged: Vec<Damaged>,
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

/// What a folder holds before something is published.
struct Before {
    index: Option<Index>,
    held: Held,
    current: Option<Stored>,
    highest: Option<u64>,
}

impl Before {
    fn read(dist: &Path, folder: &Folder) -> anyhow::Result<Self> {
        let index = stored::index(dist)?;
        let (mut held, mut current) = (Held::default(), None);
        if let Some(index) = &index {
            let mut known = Known::default();
            current = Some(stored::chosen(dist, index, (Which::Newest, &mut known))?);
            held = stored::all(dist, index, &mut known)?;
        }
        let highest = history::highest(folder)?;
        Ok(Self {
            index,
            held,
            current,
            highest,
        })
    }

    /// As much of it as can be read, for whoever gives the generation: what is whole is kept, whatever else is damaged.
    fn as_far_as_known(dist: &Path, folder: &Folder) -> Self {
        let index = stored::index(dist).ok().flatten();
        let held = index
            .as_ref()
            .and_then(|index| stored::all(dist, index, &mut Known::default()).ok());
        let held = held.unwrap_or_default();
        let newest = held.found.iter().map(|found| found.generation).max();
        let current = newest.and_then(|newest| {
            let which = (Which::Generation(newest), &mut Known::default());
            stored::chosen(dist, index.as_ref()?, which).ok()
        });
        Self {
            index,
            held,
            current,
            highest: history::highest(folder).ok().flatten(),
        }
    }

    /// The greatest generation that anything says was there.
    fn newest(&self) -> Option<u64> {
        let current = self.current.as_ref().map(|stored| stored.generation);
        let damaged = self.held.damaged.iter().filter_map(Damaged::generation);
        current.max(self.highest).max(damaged.max())
    }
}

/// Makes a bundle the snapshot at `dist`.
///
/// Without a generation, it is the greatest that `dist` had plus one when the snapshot is another one than that, and stays
/// when it is not. Nothing is written, and nothing comes back, if a slice that should be there already is not whole.
///
/// Whoever runs this may have linked `dist`; below it nothing is written or deleted through a link.
pub(super) fn publish(
    target: Target<'_>,
    emitted: &Emitted,
    progress: &Progress,
) -> anyhow::Result<Option<Published>> {
    let (dist, bundle) = (target.dist, &emitted.bundle);
    if let Which::Tag(tag) = Place::named(dist).which() {
        bail!("a snapshot is written into a folder, and gets its tag there: leave `:{tag}` out");
    }
    let folder = made(dist)?;
    let blobs = folder.made("blobs".as_ref())?.made("sha256".as_ref())?;
    let _lock = lock(&folder)?;
    if !bundle.stored().all(|slice| has_blob(&blobs, slice)) {
        return Ok(None);
    }
    let before = match Before::read(dist, &folder) {
        Ok(before) => before,
        Err(_) if target.generation.is_some() => Before::as_far_as_known(dist, &folder),
        Err(error) => {
            return Err(error.context("cannot tell the next generation; give it by `--generation`"));
        }
    };
    let same = before
        .current
        .as_ref()
        .filter(|stored| !stored.is_legacy && stored.manifest == *bundle.contents());
    let generation = generation(target, &before, same.is_some())?;
    let same = same.filter(|stored| stored.generation == generation);
    let numbered = bundle.numbered(generation);
    // The manifest of what stays may have been written by another `weft`, with other words for the same.
    let descriptor = same.map_or(numbered.descriptor, |stored| stored.descriptor);
    let known = (before.index.as_ref(), &before.held);
    let next = history::next(known, (descriptor, generation), target.keep);
    let index = index_json(&next.index)?;
    write_blobs(
        &blobs,
        (bundle, same.is_none().then_some(&numbered)),
        progress,
    )?;
    whole::replace(&folder, "oci-layout", OCI_LAYOUT.as_bytes())?;
    whole::replace(&folder, "index.json", &index)?;
    folder.sync()?;
    history::record(&folder, generation)?;
    if same.is_none() || next.drops_some() {
        history::remove_superseded((dist, &folder), &blobs, &next)?;
    }
    proofs::remember(&folder, emitted)?;
    whole::remove_left_over(&folder)?;
    whole::remove_left_over(&blobs)?;
    Ok(Some(Published {
        manifest: bundle.contents().clone(),
        descriptor,
        generation,
        is_given: target.generation.is_some(),
        previous: before.current,
        highest: before.highest,
        damaged: before.held.damaged,
    }))
}

/// The folder of the snapshots, which is made if it is not there.
///
/// # Errors
///
/// When it is no folder, or one with other files: nobody would tell them from those of a snapshot again.
fn made(dist: &Path) -> anyhow::Result<Folder> {
    let shown = dist.display();
    let mut above = dist.ancestors().filter(|one| !one.as_os_str().is_empty());
    if let Some(file) = above.find(|one| one.is_file()) {
        bail!(
            "`{}` is a file, and snapshots are written into a folder: give another one",
            file.display()
        );
    }
    fs::create_dir_all(dist).with_context(|| format!("creating `{shown}`"))?;
    let folder = Folder::follow(dist)?;
    if dist.join("index.json").exists() || dist.join("oci-layout").exists() {
        return Ok(folder);
    }
    let entries = folder
        .entries()
        .with_context(|| format!("reading `{shown}`"))?;
    // What a build that was ended has left is written anew; hidden files are those of tools.
    let is_foreign =
        |name: &std::ffi::OsStr| name != "blobs" && !name.as_encoded_bytes().starts_with(b".");
    if let Some((name, _)) = entries.iter().find(|(name, _)| is_foreign(name)) {
        bail!(
            "`{shown}` holds `{}` and no snapshot: give a folder of its own, such as `{}`",
            name.display(),
            dist.join("dist").display()
        );
    }
    Ok(folder)
}

fn index_json(index: &Index) -> anyhow::Result<Vec<u8>> {
    let bytes = index.to_json();
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if limits::INDEX_BYTES < length {
        bail!(
            "`index.json` would have {length} bytes, more than {}: remove tags that others have put there, or lower `--keep`",
            limits::INDEX_BYTES
        );
    }
    Ok(bytes)
}

/// The number of a snapshot: the given one, or else the one that follows the greatest that was ever there.
fn generation(target: Target<'_>, before: &Before, is_same: bool) -> anyhow::Result<u64> {
    let current = before.current.as_ref().map(|stored| stored.generation);
    let newest = before.newest();
    let next = match newest {
        None => 1,
        Some(newest) if is_same && current == Some(newest) => newest,
        Some(newest) => newest.saturating_add(1),
    };
    let generation = target.generation.unwrap_or(next);
    if let Some(newest) = newest.filter(|newest| generation < *newest) {
        let dist = target.dist.display();
        bail!(
            "generation {generation} is below {newest}, which was published in `{dist}`: proxies that have served that one refuse it; \
             leave `--generation` out for {}, publish what was there by `weft rollback {dist} --to N`, or begin anew in an empty folder",
            newest.saturating_add(1)
        );
    }
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
    (bundle, numbered): (&Bundle, Option<&Numbered>),
    progress: &Progress,
) -> anyhow::Result<()> {
    let blobs = bundle.blobs.iter();
    let manifest = numbered.map(|it| (&it.descriptor.digest, &it.manifest));
    let missing: Vec<(String, &[u8])> = blobs
        .chain(manifest)
        .map(|(digest, bytes)| (digest.hex(), bytes.as_slice()))
        // A file cut short by a crash has the right name and the wrong content.
        .filter(|(name, bytes)| !whole::has_content(folder, name, bytes))
        .collect();
    let sync = if missing.len() <= FEW {
        Sync::Now
    } else {
        Sync::Later
    };
    progress.begin("writing blobs", missing.len());
    for (name, bytes) in &missing {
        whole::write(folder, name, bytes, sync)?;
        progress.step();
    }
    progress.begin("waiting for the disk", 0);
    match (missing.is_empty(), sync) {
        (true, _) => Ok(()),
        (false, Sync::Now) => Ok(folder.sync()?),
        (false, Sync::Later) => Ok(folder.sync_file_system()?),
    }
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
