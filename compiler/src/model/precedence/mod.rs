//! The order of the rules of one host.
//!
//! DESIGN section 4: priority first, then the narrower paths, then the narrower conditions. For
//! structural paths that order extends to a sort key ([`rank`]), so ordering is one sort; regular
//! expressions are placed among them by containment ([`order()`]). Pairs that no precedence orders are found by
//! `crate::space`, which asks about requests instead of pairs.

mod order;
mod prefixes;
pub(crate) mod trie;

pub use order::{Rank, order, rank};
