//! The manifests that an index leads to, through the indexes that it names, each with its tags.
//!
//! It stands apart from the choice among them: here nothing is known of snapshots. An index that cannot be read is a leaf that says so,
//! because what the others lead to is there all the same.

use std::fmt::Display;

use super::choose_error::ChooseError;
use super::index::{Entry, Index, generation_of_tag};
use super::{Descriptor, content};
use crate::limits;

/// So deep may indexes be in indexes.
pub(super) const DEPTH: usize = 4;
/// So many manifests of a layout are looked at.
pub(super) const MANIFESTS: usize = 512;

/// A manifest that an index leads to, or an index that leads nowhere.
pub(super) struct Leaf<E> {
    pub(super) entry: Entry,
    pub(super) tags: Vec<String>,
    pub(super) at: usize,
    pub(super) depth: usize,
    /// Why nothing is known of it.
    pub(super) unread: Option<ChooseError<E>>,
}

impl<E> Leaf<E> {
    fn new(entry: &Entry, above: &[String], (at, depth): (usize, usize)) -> Self {
        Self {
            entry: entry.clone(),
            tags: above.iter().cloned().chain(entry.tag.clone()).collect(),
            at,
            depth,
            unread: None,
        }
    }

    /// What an index says that it is.
    pub(super) fn kind(&self) -> String {
        let kind = self.entry.artifact_type.as_ref();
        let kind = kind.unwrap_or(&self.entry.media_type);
        kind.chars().take(80).collect()
    }
}

/// A manifest, or an index, of a layout that could not be read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Damaged {
    /// Which blob it is.
    pub descriptor: Descriptor,
    /// Its tags.
    pub tags: Vec<String>,
    /// Which entry of `index.json` leads to it.
    pub entry: usize,
    /// Why it was not read.
    pub why: String,
}

impl Damaged {
    /// The generation that its tag stands for; nothing else can say it.
    pub fn generation(&self) -> Option<u64> {
        self.tags.iter().find_map(|tag| generation_of_tag(tag))
    }
}

impl Display for Damaged {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(tag) = self.tags.first() {
            let tag: String = tag.chars().take(128).collect();
            return write!(formatter, "`{tag}` cannot be read: {}", self.why);
        }
        let digest = self.descriptor.digest;
        write!(formatter, "`{digest}` cannot be read: {}", self.why)
    }
}

/// The same while it is not decided whether anything depends on it.
pub(super) struct Unread<E> {
    damaged: Damaged,
    pub(super) error: ChooseError<E>,
}

impl<E: Display> Unread<E> {
    pub(super) fn new(leaf: &Leaf<E>, error: ChooseError<E>) -> Self {
        let why = match &error {
            ChooseError::Index(error) | ChooseError::Manifest(error) => error.to_string(),
            // With all of its causes, where there are some.
            ChooseError::Blob(error) => format!("{error:#}"),
        };
        let damaged = Damaged {
            descriptor: leaf.entry.descriptor,
            tags: leaf.tags.clone(),
            entry: leaf.at,
            why,
        };
        Self { damaged, error }
    }

    /// Whether its tag says that it is not newer than a generation.
    pub(super) fn is_up_to(&self, generation: Option<u64>) -> bool {
        let own = self.damaged.generation();
        own.is_some() && own <= generation
    }

    /// Whether it may be a generation.
    pub(super) fn may_be(&self, generation: u64) -> bool {
        self.damaged
            .generation()
            .is_none_or(|own| own == generation)
    }

    pub(super) fn told(self) -> Damaged {
        self.damaged
    }
}

/// The leaves of an index, in its order.
///
/// # Errors
///
/// When there are more of them, or deeper ones, than are looked at.
pub(super) fn leaves<E>(
    index: &Index,
    read: &mut impl FnMut(&Descriptor, u64) -> Result<Vec<u8>, E>,
) -> Result<Vec<Leaf<E>>, ChooseError<E>> {
    let entries = index.entries.iter().enumerate();
    let mut open: Vec<Leaf<E>> = entries
        .map(|(at, entry)| Leaf::new(entry, &[], (at, 0)))
        .rev()
        .collect();
    let mut leaves = Vec::new();
    while let Some(mut next) = open.pop() {
        if MANIFESTS <= leaves.len().saturating_add(open.len()) {
            let what = format!("more than {MANIFESTS} manifests");
            return Err(ChooseError::Index(content("index.json", what)));
        }
        if !next.entry.is_index() {
            leaves.push(next);
            continue;
        }
        if DEPTH <= next.depth {
            let what = format!("indexes in indexes, more than {DEPTH} deep");
            return Err(ChooseError::Index(content("index.json", what)));
        }
        match inner(&next.entry, read) {
            Ok(inner) => {
                let place = (next.at, next.depth.saturating_add(1));
                let inner = inner.entries.iter().rev();
                open.extend(inner.map(|entry| Leaf::new(entry, &next.tags, place)));
            }
            Err(error) => {
                next.unread = Some(error);
                leaves.push(next);
            }
        }
    }
    Ok(leaves)
}

fn inner<E>(
    entry: &Entry,
    read: &mut impl FnMut(&Descriptor, u64) -> Result<Vec<u8>, E>,
) -> Result<Index, ChooseError<E>> {
    let bytes = read(&entry.descriptor, limits::INDEX_BYTES).map_err(ChooseError::Blob)?;
    Index::parse(&bytes).map_err(ChooseError::Index)
}
