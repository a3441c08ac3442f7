//! Answers about snapshots and changes, from plans.
//!
//! | module | holds |
//! |---|---|
//! | [`mod@why`] | what happens to a request, and which lines decide it |
//! | [`diff`] | what a change does to requests |
//! | [`mod@callers`] | who can call whom, by a snapshot |
//! | [`entrances`] | who calls a gateway |
//! | [`same`] | requests that are treated as in a snapshot |
//! | [`tests`] | tests of a spec, what they look at and what they would notice |
//! | [`witness`] | requests that stand for every route |
//! | [`explain`] | what codes, reasons and classes of changes mean |
//! | [`pipeline`] | all passes in a row, from texts to bytes |
//! | [`mod@both`] | two alike things, one of each side of a comparison |

mod both;
pub mod callers;
pub mod diff;
pub mod entrances;
pub mod explain;
mod pipeline;
pub mod same;
pub mod tests;
pub mod why;
pub mod witness;

pub use pipeline::{
    check_side, check_spec, check_to_build, compile, compile_beside, compile_in_memory,
};
