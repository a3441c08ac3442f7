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
//! | [`side`] | one side with the lines it was written in |
//! | [`delta`] | the facets in which two outcomes differ, and the risk |
//! | [`statement`] | differences put together by the edit that caused them |
//! | [`structure`] | listeners, backends and connections |
//! | [`render`] | text and Markdown |

mod actions;
mod change;
mod delta;
mod engine;
mod render;
mod side;
mod statement;
mod structure;

pub use change::{Change, ChangeKind, Changes, RuleAt, UnknownHost};
pub use delta::{Facet, Risk};
pub use engine::compare;
pub use render::{markdown, text};
pub use side::Side;
pub use statement::{Report, Statement, report};

#[cfg(test)]
mod tests;
