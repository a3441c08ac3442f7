//! The order of the rules of one host, and the pairs that no order decides.
//!
//! DESIGN section 4: priority first, then the narrower paths, then the narrower conditions. For
//! structural paths that order extends to a sort key ([`rank`]), so ordering is one sort; regular
//! expressions are placed among them by containment ([`order()`]). Finding undecided pairs walks a trie of
//! all paths against itself ([`conflicts()`]) and never looks at pairs that cannot meet.

mod conditions;
mod conflicts;
mod order;
mod prefixes;
pub(crate) mod trie;

pub use conflicts::{Conflict, ConflictKind, Conflicts, conflicts};
pub use order::{Rank, order, rank};
