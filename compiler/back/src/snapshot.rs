//! A snapshot, read back for questions.

use std::collections::BTreeMap;
use std::sync::Arc;

use weft_snapshot::layout::{Bundle, Descriptor, Digest, LayoutError, Manifest};
use weft_snapshot::origins::{NodeOrigins, Origins, OriginsError};
use weft_snapshot::plan::NodePlan;
use weft_snapshot::{Slice, SliceError};

use crate::emit::InMemory;

/// Why a snapshot cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// A blob is not there, or not what its digest says.
    #[error("blob {digest} is missing or damaged")]
    MissingBlob {
        /// Its digest.
        digest: Digest,
    },
    /// The manifest is broken.
    #[error("the manifest cannot be read")]
    Manifest(#[from] LayoutError),
    /// A slice is broken.
    #[error("the slice of `{node}` cannot be read")]
    Slice {
        /// Its node.
        node: String,
        /// What is wrong with it.
        #[source]
        cause: SliceError,
    },
    /// The origins are broken.
    #[error("the origins cannot be read")]
    Origins(#[from] OriginsError),
}

/// The beginning of the names of gateways.
const GATEWAYS: &str = "gateway/";

/// The slices and origins of a snapshot.
#[derive(Debug)]
pub struct Snapshot {
    /// The slice of each node.
    pub slices: BTreeMap<String, Arc<Slice>>,
    origins: Arc<Origins>,
}

impl Snapshot {
    /// Reads what was just compiled.
    ///
    /// # Errors
    ///
    /// None for a bundle of [`crate::emit::emit`].
    pub fn of_bundle(bundle: &Bundle) -> Result<Self, SnapshotError> {
        // The blobs are there by their digests, so none is hashed again.
        Self::checked(bundle.contents(), |blob| {
            bundle.blobs.get(&blob.digest).cloned()
        })
    }

    /// Takes what was just compiled to be asked.
    ///
    /// # Errors
    ///
    /// None for what [`crate::emit::emit_in_memory`] made.
    pub fn of_compiled(compiled: InMemory) -> Result<Self, SnapshotError> {
        let InMemory {
            digest: _,
            slices,
            origins,
        } = compiled;
        Ok(Self {
            slices,
            origins: Arc::new(Origins::check(origins)?),
        })
    }

    /// Reads the blobs of a manifest.
    ///
    /// # Errors
    ///
    /// [`SnapshotError`] for the first blob that is missing, damaged or broken.
    pub fn read(
        manifest: &Manifest,
        mut blob: impl FnMut(&Digest) -> Option<Vec<u8>>,
    ) -> Result<Self, SnapshotError> {
        Self::checked(manifest, |descriptor| {
            blob(&descriptor.digest).filter(|bytes| descriptor.is_of(bytes))
        })
    }

    /// Checks the blobs of a manifest, which are those that it names.
    fn checked(
        manifest: &Manifest,
        mut blob: impl FnMut(&Descriptor) -> Option<Vec<u8>>,
    ) -> Result<Self, SnapshotError> {
        let mut slices = BTreeMap::new();
        for (node, descriptor) in &manifest.nodes {
            let digest = descriptor.digest;
            let bytes = blob(descriptor).ok_or(SnapshotError::MissingBlob { digest })?;
            let slice = Slice::check(bytes).map_err(|cause| SnapshotError::Slice {
                node: node.clone(),
                cause,
            })?;
            slices.insert(node.clone(), Arc::new(slice));
        }
        let digest = manifest.origins.digest;
        let bytes = blob(&manifest.origins).ok_or(SnapshotError::MissingBlob { digest })?;
        Ok(Self {
            slices,
            origins: Arc::new(Origins::check(bytes)?),
        })
    }

    /// The names of the nodes.
    pub fn nodes(&self) -> impl Iterator<Item = &str> {
        self.slices.keys().map(String::as_str)
    }

    /// The slice of a node.
    pub fn slice(&self, node: &str) -> Option<&Slice> {
        self.slices.get(node).map(|slice| &**slice)
    }

    /// The slices of gateways, by node.
    pub fn gateways(&self) -> impl Iterator<Item = (&String, &Slice)> {
        let from_first = self.slices.range(GATEWAYS.to_owned()..);
        let gateways = from_first.take_while(|(node, _)| node.starts_with(GATEWAYS));
        gateways.map(|(node, slice)| (node, &**slice))
    }

    /// The slices, by node.
    pub fn slices(&self) -> impl Iterator<Item = &Slice> {
        self.slices.values().map(|slice| &**slice)
    }

    /// The plan of every node, read back from its slice.
    pub fn plans(&self) -> Vec<NodePlan> {
        self.slices().map(Slice::plan).collect()
    }

    /// Where the routes of a node were written.
    pub fn origins(&self, node: &str) -> NodeOrigins {
        self.origins.node(node)
    }
}
