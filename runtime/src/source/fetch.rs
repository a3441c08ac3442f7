//! Reads a snapshot of one node out of an OCI image layout and verifies all of it.
//!
//! The order is that of trust: the index is small and names manifests; a manifest is verified by the digest in
//! the index, and says the generation; slice and origins by the digests in the manifest. A size is compared with
//! its bound before a byte is read. What is equal to what is served already is not checked twice.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use weft_snapshot::layout::{
    ChooseError, Chosen, Damaged, Descriptor, Digest, Index, Known, Reference, Which, check_layout,
    choose,
};
use weft_snapshot::limits;
use weft_snapshot::origins::{NodeOrigins, Origins};
use weft_snapshot::{Slice, SliceError};

use super::fence::Fence;
use super::file::{BoundedReadError, read_bounded};
use super::{Blobs, Candidate, Reason, Refusal};

/// Whether the bytes of a candidate are wanted too.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Keep {
    /// They will go into a state folder.
    Blobs,
    /// The checked slice is enough.
    Nothing,
}

/// The folder DIST, as one node reads it.
#[derive(Debug)]
pub(crate) struct Source {
    /// The folder, or `DIST:TAG`: which of them is known once it is there.
    name: PathBuf,
    tag: Option<String>,
    node: String,
    keep: Keep,
    /// What the manifests of the last index are; the control thread alone asks.
    known: Mutex<Known>,
}

impl Source {
    /// The snapshot folder `dist`, read for `node`: the newest snapshot in it, or the one with a tag.
    pub(crate) fn new((dist, tag): (&Path, Option<&str>), node: &str, keep: Keep) -> Self {
        Self {
            name: dist.to_owned(),
            tag: tag.map(str::to_owned),
            node: node.to_owned(),
            keep,
            known: Mutex::default(),
        }
    }

    /// The file whose replacement publishes a snapshot.
    pub(crate) fn index_path(&self) -> PathBuf {
        self.place().dist.join("index.json")
    }

    fn place(&self) -> Reference<'_> {
        match self.tag.as_deref() {
            None => Reference::named(&self.name, Path::exists),
            tag => Reference {
                dist: &self.name,
                tag,
            },
        }
    }

    /// The bytes of the index as they are now.
    ///
    /// # Errors
    ///
    /// [`Reason::SourceUnreadable`] or [`Reason::TooLarge`].
    pub(crate) fn index(&self) -> Result<Vec<u8>, Refusal> {
        let path = self.index_path();
        read_bounded(&path, limits::INDEX_BYTES).map_err(|error| {
            let message = format!("`{}`: {error}", path.display());
            match error {
                BoundedReadError::TooLarge { .. } => Refusal::new(Reason::TooLarge, message),
                BoundedReadError::Unreadable(_) => Refusal::new(Reason::SourceUnreadable, message),
            }
        })
    }

    /// Reads and verifies the snapshot that `index` names.
    ///
    /// Parts that `current` has already are taken from it.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, as a [`Refusal`].
    pub(crate) fn candidate(
        &self,
        index: &[u8],
        fence: &Fence,
        current: Option<&Candidate>,
    ) -> Result<Candidate, Refusal> {
        let chosen = self.chosen(index)?;
        let generation = chosen.generation;
        fence.check(generation)?;
        self.blobs(chosen)
            .and_then(|(parts, blobs)| self.admit(generation, &parts, blobs, current))
            .map_err(|refusal| refusal.of_generation(generation))
    }

    /// The snapshot that `index` stands for.
    fn chosen(&self, index: &[u8]) -> Result<Chosen, Refusal> {
        let index = Index::parse(index).map_err(|error| Refusal::new(Reason::BadIndex, error))?;
        self.check_layout()?;
        let Reference { dist, tag } = self.place();
        let which = tag.map_or(Which::Newest, Which::Tag);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let read = |descriptor: &Descriptor, limit| read_blob(dist, descriptor, limit);
        let chosen = choose(&index, which, &mut known, read).map_err(|error| match error {
            ChooseError::Index(error) => Refusal::new(Reason::BadIndex, error),
            ChooseError::Manifest(error) => Refusal::new(Reason::BadManifest, error),
            ChooseError::Blob(refusal) => refusal,
        })?;
        say_damaged(&chosen.damaged);
        Ok(chosen)
    }

    fn check_layout(&self) -> Result<(), Refusal> {
        let path = self.place().dist.join("oci-layout");
        let read = read_bounded(&path, limits::LAYOUT_BYTES);
        let read = read.map_err(|error| error.to_string());
        let checked =
            read.and_then(|bytes| check_layout(&bytes).map_err(|error| error.to_string()));
        checked.map_err(|error| {
            let message = format!("`{}`: {error}", path.display());
            Refusal::new(Reason::BadLayout, message)
        })
    }

    fn blobs(&self, chosen: Chosen) -> Result<(Parts, Blobs), Refusal> {
        let dist = self.place().dist;
        let read = |descriptor: &Descriptor, limit| read_blob(dist, descriptor, limit);
        let manifest = &chosen.manifest;
        let slice = manifest.nodes.get(&self.node).ok_or_else(|| {
            Refusal::new(
                Reason::WrongNode,
                format!("the snapshot has no node `{}`", self.node),
            )
        })?;
        let parts = Parts {
            manifest: chosen.descriptor.digest,
            slice: slice.digest,
            origins: manifest.origins.digest,
        };
        let blobs = Blobs {
            slice: read(slice, limits::SLICE_BYTES)?,
            origins: read(&manifest.origins, limits::ORIGINS_BYTES)?,
            manifest: chosen.bytes,
        };
        Ok((parts, blobs))
    }

    /// Checks bytes whose digests were verified.
    ///
    /// # Errors
    ///
    /// When slice or origins do not pass their check, or the slice is of no use to this node.
    pub(crate) fn admit(
        &self,
        generation: u64,
        parts: &Parts,
        mut blobs: Blobs,
        current: Option<&Candidate>,
    ) -> Result<Candidate, Refusal> {
        let slice = match current.filter(|known| known.slice_digest == parts.slice) {
            Some(known) => Arc::clone(&known.slice),
            None => self.check_slice(self.bytes(&mut blobs.slice))?,
        };
        let origins = match current.filter(|known| known.origins_digest == parts.origins) {
            Some(known) => Arc::clone(&known.origins),
            None => self.check_origins(self.bytes(&mut blobs.origins))?,
        };
        let blobs = match self.keep {
            Keep::Blobs => Some(Arc::new(blobs)),
            Keep::Nothing => None,
        };
        Ok(Candidate {
            generation,
            manifest: parts.manifest,
            slice_digest: parts.slice,
            origins_digest: parts.origins,
            slice,
            origins,
            blobs,
        })
    }

    fn check_slice(&self, bytes: Vec<u8>) -> Result<Arc<Slice>, Refusal> {
        let slice = Slice::check(bytes).map_err(|error| {
            let reason = match error {
                SliceError::NoRoutes => Reason::NoRoutes,
                SliceError::TooLarge { .. } => Reason::TooLarge,
                SliceError::Container(_)
                | SliceError::Settings { .. }
                | SliceError::Policies { .. }
                | SliceError::BadSetting { .. }
                | SliceError::BadRecord { .. } => Reason::BadSlice,
            };
            Refusal::new(reason, error)
        })?;
        let settings = slice.settings();
        if settings.node != self.node {
            let message = format!("the slice is for `{}`, not `{}`", settings.node, self.node);
            return Err(Refusal::new(Reason::WrongNode, message));
        }
        if settings.listeners.is_empty() {
            return Err(Refusal::new(
                Reason::NoListeners,
                "the slice listens nowhere",
            ));
        }
        Ok(Arc::new(slice))
    }

    fn check_origins(&self, bytes: Vec<u8>) -> Result<Arc<NodeOrigins>, Refusal> {
        let origins =
            Origins::check(bytes).map_err(|error| Refusal::new(Reason::BadOrigins, error))?;
        Ok(Arc::new(Arc::new(origins).node(&self.node)))
    }

    fn bytes(&self, blob: &mut Vec<u8>) -> Vec<u8> {
        match self.keep {
            Keep::Blobs => blob.clone(),
            Keep::Nothing => std::mem::take(blob),
        }
    }
}

/// Says which older snapshots of DIST cannot be read; nothing that is served depends on them.
fn say_damaged(damaged: &[Damaged]) {
    for one in damaged {
        tracing::warn!(message = %one, "an older snapshot is passed over");
    }
}

/// The digests of what one node needs.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    /// Of the manifest.
    pub(crate) manifest: Digest,
    /// Of the slice.
    pub(crate) slice: Digest,
    /// Of the origins.
    pub(crate) origins: Digest,
}

/// Reads one blob below `folder` and verifies length and digest.
///
/// # Errors
///
/// [`Reason::TooLarge`], [`Reason::MissingBlob`], [`Reason::DigestMismatch`] or
/// [`Reason::SourceUnreadable`].
pub(crate) fn read_blob(
    folder: &Path,
    descriptor: &Descriptor,
    limit: u64,
) -> Result<Vec<u8>, Refusal> {
    let digest = &descriptor.digest;
    if limit < descriptor.size {
        let message = format!(
            "`{digest}` has {} bytes, more than {limit}",
            descriptor.size
        );
        return Err(Refusal::new(Reason::TooLarge, message));
    }
    let path = folder.join(digest.blob_path());
    let bytes = read_bounded(&path, descriptor.size).map_err(|error| match error {
        BoundedReadError::TooLarge { .. } => {
            let message = format!("`{digest}` is longer than its {} bytes", descriptor.size);
            Refusal::new(Reason::DigestMismatch, message)
        }
        BoundedReadError::Unreadable(error) if error.kind() == ErrorKind::NotFound => Refusal::new(
            Reason::MissingBlob,
            format!("`{}` is not there", path.display()),
        ),
        BoundedReadError::Unreadable(error) => Refusal::new(
            Reason::SourceUnreadable,
            format!("`{}`: {error}", path.display()),
        ),
    })?;
    if Digest::of(&bytes) != *digest {
        let message = format!("`{}` is not what its digest says", path.display());
        return Err(Refusal::new(Reason::DigestMismatch, message));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_may_stand_behind_the_folder_once_that_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let dist = folder.path().join("dist");
        let named = folder.path().join("dist:stable");
        let source = Source::new((&named, None), "gateway/public", Keep::Nothing);
        // As long as nothing is there it is a folder that may come.
        assert_eq!(source.index_path(), named.join("index.json"));
        std::fs::create_dir(&dist).unwrap();
        assert_eq!(source.index_path(), dist.join("index.json"));
        assert_eq!(source.place().tag, Some("stable"));
        std::fs::create_dir(&named).unwrap();
        assert_eq!(source.place().tag, None);
        let flag = Source::new((&dist, Some("stable")), "gateway/public", Keep::Nothing);
        assert_eq!(flag.place().dist, dist);
    }
}
