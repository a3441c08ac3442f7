//! Where snapshots come from: the folder DIST, and the state folder with those that were good.
//!
//! [`fetch`] turns files into a [`Candidate`] or a [`Refusal`]; every byte is verified and every size
//! bounded before it is read. [`watch`] only says that something may have changed. [`state`] keeps what
//! served well, so that a proxy starts while DIST is away or bad. Nothing here opens sockets or decides
//! what is served: that is `control`.

pub(crate) mod fence;
pub(crate) mod fetch;
pub(crate) mod file;
pub(crate) mod health;
pub(crate) mod keeper;
mod reason;
pub(crate) mod record;
pub(crate) mod state;
pub(crate) mod watch;

use std::sync::Arc;

use weft_snapshot::Slice;
use weft_snapshot::layout::Digest;
use weft_snapshot::origins::NodeOrigins;

pub use reason::{Reason, Refusal};

/// A verified and checked snapshot of this node that is not served yet.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    /// The generation of its manifest.
    pub(crate) generation: u64,
    /// The digest of the manifest.
    pub(crate) manifest: Digest,
    /// The digest of the slice.
    pub(crate) slice_digest: Digest,
    /// The digest of the origins of the whole mesh.
    pub(crate) origins_digest: Digest,
    /// The checked slice.
    pub(crate) slice: Arc<Slice>,
    /// The origins of this node.
    pub(crate) origins: Arc<NodeOrigins>,
    /// The bytes, to be kept in the state folder; absent without one.
    pub(crate) blobs: Option<Arc<Blobs>>,
}

/// The bytes of one snapshot as one node needs them.
#[derive(Debug, Default)]
pub(crate) struct Blobs {
    /// The manifest.
    pub(crate) manifest: Vec<u8>,
    /// The slice of the node.
    pub(crate) slice: Vec<u8>,
    /// The origins of the mesh.
    pub(crate) origins: Vec<u8>,
}
