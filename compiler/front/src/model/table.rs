//! Lists of definitions and the ids that point into them.
//!
//! An id is made only by adding to a list, so following it cannot fail. Ids of different kinds do not
//! mix. A mesh has one list per kind; never follow an id in another mesh.

use std::cmp::Ordering;
use std::fmt;
use std::marker::PhantomData;

/// A reference to an entry of a [`Table`].
// INVARIANT: `index` is a position in the table that made the id.
pub struct Id<T> {
    index: u32,
    kind: PhantomData<fn() -> T>,
}

/// Definitions of one kind, in the order of their names.
#[derive(Clone, Debug)]
pub struct Table<T> {
    entries: Vec<T>,
}

impl<T> Id<T> {
    /// The position in the table.
    pub fn position(self) -> u32 {
        self.index
    }
}

impl<T> Table<T> {
    /// Adds an entry and returns the way to it.
    pub fn push(&mut self, entry: T) -> Id<T> {
        let index = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        self.entries.push(entry);
        Id {
            index,
            kind: PhantomData,
        }
    }

    /// The entry of this id, to change it.
    #[expect(clippy::indexing_slicing, reason = "ids are positions in this table")]
    pub fn entry_mut(&mut self, id: Id<T>) -> &mut T {
        &mut self.entries[usize::try_from(id.index).unwrap_or(usize::MAX)]
    }

    /// The entry of this id.
    #[expect(clippy::indexing_slicing, reason = "ids are positions in this table")]
    pub fn entry(&self, id: Id<T>) -> &T {
        &self.entries[usize::try_from(id.index).unwrap_or(usize::MAX)]
    }

    /// The entries in order, with their ids.
    pub fn iter(&self) -> impl Iterator<Item = (Id<T>, &T)> {
        (0_u32..).zip(&self.entries).map(|(index, entry)| {
            let id = Id {
                index,
                kind: PhantomData,
            };
            (id, entry)
        })
    }

    /// The entries in order.
    pub fn values(&self) -> std::slice::Iter<'_, T> {
        self.entries.iter()
    }

    /// The entry of a name, by which the entries are ordered.
    pub fn named<'table>(
        &'table self,
        name_of: impl Fn(&'table T) -> &'table str,
        name: &str,
    ) -> Option<&'table T> {
        let position = self.entries.binary_search_by(|one| name_of(one).cmp(name));
        self.entries.get(position.ok()?)
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
        }
    }
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Id<T> {}

impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.index == other.index
    }
}

impl<T> Eq for Id<T> {}

impl<T> PartialOrd for Id<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Id<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.index.cmp(&other.index)
    }
}

impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "#{}", self.index)
    }
}
