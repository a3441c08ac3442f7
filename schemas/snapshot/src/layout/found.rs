//! What the manifests of a layout are: snapshots with their generations, something else, or not to be read.
//!
//! Of a manifest no more is read than that, and of one that was read before nothing again.

use std::collections::BTreeMap;
use std::fmt::Display;

use super::choose_error::ChooseError;
use super::index::Index;
use super::leaves::{Leaf, Unread};
use super::manifest::Summary;
use super::{Descriptor, Digest, LayoutError, content};
use crate::limits;

/// A snapshot that a layout has.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Found {
    /// Its generation.
    pub generation: u64,
    /// Its manifest.
    pub descriptor: Descriptor,
    /// Its tags, those of indexes that it is in among them.
    pub tags: Vec<String>,
    /// Which entry of `index.json` leads to it.
    pub entry: usize,
    /// Whether its manifest does not say its generation, as none did before, but the index.
    pub is_legacy: bool,
}

/// What manifests are, by their digests, so that none is read again for that. Only those of the last index are remembered.
#[derive(Clone, Debug, Default)]
pub struct Known(BTreeMap<Digest, Summary>);

/// Snapshots, and leaves that cannot be read.
type Summarised<E> = (Vec<Found>, Vec<Unread<E>>);

/// What leaves are, those of something else left out, and those that cannot be read.
pub(super) fn summarised<E: Display>(
    index: &Index,
    (leaves, wanted): (&mut [Leaf<E>], Vec<usize>),
    known: &mut Known,
    read: &mut impl FnMut(&Descriptor, u64) -> Result<Vec<u8>, E>,
) -> Result<Summarised<E>, ChooseError<E>> {
    let mut total = 0_u64;
    let (mut found, mut unread) = (Vec::new(), Vec::new());
    let mut still_known = BTreeMap::new();
    for at in wanted {
        let Some(leaf) = leaves.get_mut(at) else {
            continue;
        };
        if let Some(error) = leaf.unread.take() {
            unread.push(Unread::new(leaf, error));
        }
        if !leaf.entry.may_be_snapshot() {
            continue;
        }
        let descriptor = leaf.entry.descriptor;
        let remembered = known.0.get(&descriptor.digest);
        let remembered = remembered.or_else(|| still_known.get(&descriptor.digest));
        let summary = if let Some(summary) = remembered {
            Ok(summary.clone())
        } else {
            total = within(total, descriptor.size)?;
            summary(&descriptor, read)
        };
        if let Ok(summary) = &summary {
            still_known.insert(descriptor.digest, summary.clone());
        }
        // An index that tools have added to keeps the annotation of what it had before.
        let of_index = index
            .legacy_generation
            .filter(|_| index.entries.len() == 1 && leaf.depth == 0);
        match summary.and_then(|summary| snapshot(leaf, &summary, of_index)) {
            Ok(one) => found.extend(one),
            Err(error) => unread.push(Unread::new(leaf, error)),
        }
    }
    known.0 = still_known;
    Ok((found, unread))
}

/// The bytes of all manifests with one more.
fn within<E>(total: u64, size: u64) -> Result<u64, ChooseError<E>> {
    let size = total.saturating_add(size);
    if limits::MANIFESTS_BYTES < size {
        return Err(ChooseError::Index(LayoutError::TooLarge {
            file: "the manifests of index.json together",
            size,
            limit: limits::MANIFESTS_BYTES,
        }));
    }
    Ok(size)
}

fn summary<E>(
    descriptor: &Descriptor,
    read: &mut impl FnMut(&Descriptor, u64) -> Result<Vec<u8>, E>,
) -> Result<Summary, ChooseError<E>> {
    let bytes = read(descriptor, limits::MANIFEST_BYTES).map_err(ChooseError::Blob)?;
    Summary::parse(&bytes).map_err(ChooseError::Manifest)
}

/// The snapshot that a manifest is; none where it is something else.
fn snapshot<E>(
    leaf: &Leaf<E>,
    summary: &Summary,
    of_index: Option<u64>,
) -> Result<Option<Found>, ChooseError<E>> {
    let Summary::Snapshot(own) = *summary else {
        return Ok(None);
    };
    let generation = own.or(of_index).ok_or_else(|| {
        let what =
            "it says no generation, as those of an earlier `weft` do; build the snapshot again";
        ChooseError::Manifest(content("the manifest", what))
    })?;
    Ok(Some(Found {
        generation,
        descriptor: leaf.entry.descriptor,
        tags: leaf.tags.clone(),
        entry: leaf.at,
        is_legacy: own.is_none(),
    }))
}
