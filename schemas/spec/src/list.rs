//! Lists that are read to their end whatever is wrong with their entries.
//!
//! serde's own lists stop at the first entry that cannot be read. A spec may have a hundred thousand of one, and a decoder that reports as it
//! goes finds all mistakes of a list in one pass if it is asked for the entries behind them, too.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};

/// The most entries for which room is made before they are read.
const MAX_EXPECTED: usize = 1_024;

/// Reads a list to its end.
///
/// # Errors
///
/// The first one of an entry, once all entries were asked for. A deserializer that does not know how many there are is not asked again.
pub(crate) fn whole<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    struct ListVisitor<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
        type Value = Vec<T>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Vec<T>, A::Error> {
            entries(list)
        }
    }

    deserializer.deserialize_seq(ListVisitor(PhantomData))
}

/// The entries of a list that is being read.
///
/// # Errors
///
/// Those of [`whole`].
pub(crate) fn entries<'de, A: SeqAccess<'de>, T: Deserialize<'de>>(
    mut list: A,
) -> Result<Vec<T>, A::Error> {
    let expected = list.size_hint().unwrap_or_default();
    to_the_end(expected, || list.next_element())
}

/// Asks for entries until there are no more, whatever is wrong with one; `expected` of them, where that is known.
///
/// # Errors
///
/// The first one.
pub(crate) fn to_the_end<T, E>(
    expected: usize,
    mut next: impl FnMut() -> Result<Option<T>, E>,
) -> Result<Vec<T>, E> {
    // A guess that is too high costs no more than this.
    let mut entries = Vec::with_capacity(expected.min(MAX_EXPECTED));
    let (mut first, mut asked) = (None, 0_usize);
    loop {
        asked = asked.saturating_add(1);
        match next() {
            Ok(Some(entry)) => entries.push(entry),
            Ok(None) => break,
            Err(error) => {
                first.get_or_insert(error);
                // INVARIANT: whoever knows how many entries there are is behind one that it refused.
                if expected <= asked {
                    break;
                }
            }
        }
    }
    match first {
        Some(error) => Err(error),
        None => Ok(entries),
    }
}
