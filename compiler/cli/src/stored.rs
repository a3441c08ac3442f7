//! Reads snapshots that are on disk, each named as `DIST` or `DIST:TAG`.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use weft_snapshot::layout::{
    self, ChooseError, Chosen, Damaged, Descriptor, Digest, Held, Index, Known, Manifest, Which,
    check_layout, choose,
};
use weft_snapshot::limits;

use super::{bounded, output};

/// A snapshot on disk.
#[derive(Debug)]
pub(super) struct Stored {
    /// The folder that holds it.
    pub(super) dist: PathBuf,
    pub(super) generation: u64,
    /// Where its manifest is.
    pub(super) descriptor: Descriptor,
    pub(super) manifest: Manifest,
    /// Whether an earlier `weft` wrote it, which kept the generation in the index.
    pub(super) is_legacy: bool,
    /// What else of the folder cannot be read.
    pub(super) damaged: Vec<Damaged>,
}

/// Where a snapshot is: a folder, and the tag of one of those that it has.
#[derive(Debug)]
pub(super) struct Place {
    dist: PathBuf,
    tag: Option<String>,
}

impl Place {
    /// What somebody means by `DIST` or `DIST:TAG`.
    pub(super) fn named(name: &Path) -> Self {
        let layout::Reference { dist, tag } = layout::Reference::named(name, Path::exists);
        Self {
            dist: dist.to_owned(),
            tag: tag.map(str::to_owned),
        }
    }

    /// The same tag of another folder.
    pub(super) fn at(self, dist: PathBuf) -> Self {
        Self { dist, ..self }
    }

    /// Whether the folder holds snapshots.
    pub(super) fn has_index(&self) -> bool {
        self.dist.join("index.json").exists()
    }

    /// Which snapshot of the folder is meant.
    pub(super) fn which(&self) -> Which<'_> {
        self.tag.as_deref().map_or(Which::Newest, Which::Tag)
    }

    /// The folder.
    pub(super) fn dist(&self) -> &Path {
        &self.dist
    }
}

/// Says that there is no snapshot, and what there is.
pub(super) fn none(name: &Path) -> anyhow::Error {
    let (shown, text) = (name.display(), name.to_string_lossy());
    let host = text.split('/').next().unwrap_or_default();
    let is_of_registry =
        !name.exists() && text.contains('/') && host.contains('.') && !host.starts_with('.');
    let told = if is_of_registry || text.contains("://") {
        let bare = text.split_once("://").map_or(&*text, |(_, rest)| rest);
        format!(": only folders are read; copy it first, by `skopeo copy docker://{bare} oci:DIST`")
    } else if name.is_file() {
        ", which is a file: give the folder that `weft build -o DIST` wrote".to_owned()
    } else if name.is_dir() && crate::load::holds_spec(name) {
        format!(", which holds a spec: `weft build {shown} -o DIST` makes one in `DIST`")
    } else {
        ": give the folder that `weft build -o DIST` wrote".to_owned()
    };
    anyhow::anyhow!("no snapshot at `{shown}`{told}")
}

/// Reads which snapshot is meant, and tells people what else of the folder cannot be read; nothing when there is none yet.
pub(super) fn read(name: &Path) -> anyhow::Result<Option<Stored>> {
    read_at(&Place::named(name))
}

/// The same of a place that is known.
pub(super) fn read_at(place: &Place) -> anyhow::Result<Option<Stored>> {
    let found = read_which(&place.dist, place.which())?;
    for damaged in found.iter().flat_map(|found| &found.damaged) {
        output::aside(&format!("note: {}\n", said_of(&place.dist, damaged)))?;
    }
    Ok(found)
}

/// What people are told of what cannot be read.
pub(super) fn said_of(dist: &Path, damaged: &Damaged) -> String {
    let dist = dist.display();
    format!("in `{dist}`, {damaged}; what is asked for does not depend on it")
}

/// Reads the snapshot of a folder that is asked for; nothing when there is none yet.
pub(super) fn read_which(dist: &Path, which: Which<'_>) -> anyhow::Result<Option<Stored>> {
    let Some(index) = index(dist)? else {
        return Ok(None);
    };
    chosen(dist, &index, (which, &mut Known::default())).map(Some)
}

/// Reads the snapshot of an index that is asked for.
pub(super) fn chosen(
    dist: &Path,
    index: &Index,
    (which, known): (Which<'_>, &mut Known),
) -> anyhow::Result<Stored> {
    let blob = |blob: &Descriptor, limit| blob_of(dist, blob, limit);
    let chosen = choose(index, which, known, blob);
    let Chosen {
        generation,
        descriptor,
        manifest,
        bytes: _,
        is_legacy,
        damaged,
    } = chosen.map_err(|error| match (which, error) {
        (Which::Newest, error @ (ChooseError::Blob(_) | ChooseError::Manifest(_))) => {
            let others = format!(
                "what may be the newest snapshot in `{0}` cannot be read; `{0}:TAG` is another one",
                dist.display()
            );
            cause(dist, error).context(others)
        }
        (_, error) => cause(dist, error),
    })?;
    Ok(Stored {
        dist: dist.to_owned(),
        generation,
        descriptor,
        manifest,
        is_legacy,
        damaged,
    })
}

/// All that a folder holds, in the order of its index.
pub(super) fn all(dist: &Path, index: &Index, known: &mut Known) -> anyhow::Result<Held> {
    let blob = |blob: &Descriptor, limit| blob_of(dist, blob, limit);
    layout::held(index, known, blob).map_err(|error| cause(dist, error))
}

fn cause(dist: &Path, error: ChooseError<anyhow::Error>) -> anyhow::Error {
    let reading = format!("reading the snapshot at `{}`", dist.display());
    match error {
        ChooseError::Index(error) | ChooseError::Manifest(error) => {
            anyhow::Error::new(error).context(reading)
        }
        ChooseError::Blob(error) => error.context(reading),
    }
}

/// The index of a folder, of which it is known that it is an image layout; nothing when there is none yet.
pub(super) fn index(dist: &Path) -> anyhow::Result<Option<Index>> {
    let path = dist.join("index.json");
    let reading = || format!("reading `{}`", path.display());
    let bytes = match bounded::read(&path, limits::INDEX_BYTES) {
        Ok(bytes) => bytes,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(error).with_context(reading),
    };
    let layout = dist.join("oci-layout");
    match bounded::read(&layout, limits::LAYOUT_BYTES) {
        Ok(bytes) => {
            check_layout(&bytes).with_context(|| format!("reading `{}`", layout.display()))?;
        }
        Err(error) if error.kind() == ErrorKind::NotFound => bail!(
            "`{}` has an `index.json` and no `oci-layout`, so it is no image layout",
            dist.display()
        ),
        Err(error) => {
            return Err(error).with_context(|| format!("reading `{}`", layout.display()));
        }
    }
    Index::parse(&bytes).map(Some).with_context(reading)
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

fn blob_of(dist: &Path, blob: &Descriptor, limit: u64) -> anyhow::Result<Vec<u8>> {
    let bytes = self::blob(dist, blob.digest, limit)?;
    if !blob.is_of(&bytes) {
        let path = dist.join(blob.digest.blob_path());
        bail!(
            "`{}` does not have the size that is said of it",
            path.display()
        );
    }
    Ok(bytes)
}

/// Reads a blob of at most `limit` bytes for somebody who verifies it.
pub(super) fn unverified(dist: &Path, digest: Digest, limit: u64) -> anyhow::Result<Vec<u8>> {
    let path = dist.join(digest.blob_path());
    bounded::read(&path, limit).with_context(|| format!("reading `{}`", path.display()))
}
