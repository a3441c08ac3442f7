//! The order of the rules of one host.
//!
//! DESIGN section 4: priority first, then the narrower paths, then the narrower conditions. For
//! structural paths that order extends to a sort key ([`rank`]), so ordering is one sort; regular
//! expressions are placed among them by containment ([`order()`]). Pairs that no precedence orders are found by
//! `crate`, which asks about requests instead of pairs.

//!
//! For example, the rules `p: /**` with `priority: 1`, `q: /a/{id}`, `r: /a/{id}` for GET, `s: /a/**`, `t: /a/7`, and the expression
//! `e: /a/[0-9]`. The sort key puts the structural ones into one line:
//!
//! | rule | priority | literals | segments | ends in `/**` | demands |
//! |---|---|---|---|---|---|
//! | `p` | 1 | 0 | 0 | yes | 0 |
//! | `t` | 0 | 2 | 2 | no | 0 |
//! | `r` | 0 | 1 | 2 | no | a method |
//! | `q` | 0 | 1 | 2 | no | 0 |
//! | `s` | 0 | 1 | 1 | yes | 0 |
//!
//! It is a linear extension and not the relation itself: `t` stands before `r` because `/a/7` is narrower; that `r` stands before a
//! rule for `/b` would mean nothing. `e` has no key. It contains `t` and is contained in `q`, `r` and `s`, so three arrows and one
//! place it: `p, t, e, r, q, s`. Where no arrow leads from one rule to another and some request matches both, the pair has no order,
//! which is an error if their outcomes differ there. A test in `order.rs` holds the example.

mod order;
mod prefixes;
pub mod trie;

pub use order::{Rank, order, rank, relate};
