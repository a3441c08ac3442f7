//! Two alike things, one of each side of a comparison.
//!
//! Whatever is compared comes twice, as it was and as it is. Named fields keep the sides apart where two parameters of one
//! type could change places unnoticed.

/// What the old side has, and what the new side has.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Both<T> {
    pub(crate) old: T,
    pub(crate) new: T,
}

impl<T> Both<T> {
    /// The same made of each side.
    pub(crate) fn map<U>(self, mut make: impl FnMut(T) -> U) -> Both<U> {
        let Self { old, new } = self;
        Both {
            old: make(old),
            new: make(new),
        }
    }

    /// What belongs to a side beside what else does.
    pub(crate) fn zip<U>(self, other: Both<U>) -> Both<(T, U)> {
        Both {
            old: (self.old, other.old),
            new: (self.new, other.new),
        }
    }

    pub(crate) fn as_ref(&self) -> Both<&T> {
        Both {
            old: &self.old,
            new: &self.new,
        }
    }
}

impl<T> Both<Option<T>> {
    pub(crate) fn as_refs(&self) -> Both<Option<&T>> {
        self.as_ref().map(Option::as_ref)
    }

    /// Both sides, unless one is missing.
    pub(crate) fn present(self) -> Option<Both<T>> {
        let (old, new) = self.old.zip(self.new)?;
        Some(Both { old, new })
    }

    /// The new side, or the old one where the new one is missing.
    pub(crate) fn newest(self) -> Option<T> {
        self.new.or(self.old)
    }
}

impl<T> IntoIterator for Both<T> {
    type Item = T;
    type IntoIter = std::array::IntoIter<T, 2>;

    /// The old side, then the new one.
    fn into_iter(self) -> Self::IntoIter {
        [self.old, self.new].into_iter()
    }
}
