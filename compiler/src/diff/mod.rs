//! What a change does to requests: the difference of two models, exactly.
//!
//! A model is what every node does: its plan, read from a spec by lowering or from a snapshot by reading
//! it back. [`compare`] finds every set of requests that the two treat differently; what it does not name is
//! proved to be treated alike, unless a host is named as unknown.
//!
//! | file | holds |
//! |---|---|
//! | [`change`] | the differences, as values |
//! | [`engine`] | nodes, listeners and hosts of both sides, side by side |
//! | [`actions`] | what becomes of a request, told apart by number |

mod actions;
mod change;
mod engine;

pub use change::{Change, ChangeKind, Changes, RuleAt, UnknownHost};
pub use engine::compare;

#[cfg(test)]
mod tests;
