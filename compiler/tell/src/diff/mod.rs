//! What a change does to requests: the difference of two models, exactly.
//!
//! A model is what every node does: its plan, read from a spec by lowering or from a snapshot by reading
//! it back. [`compare`] finds every set of requests that the two treat differently; what it does not name is
//! proved to be treated alike, unless a host is named as unknown.
//!
//! | file | holds |
//! |---|---|
//! | [`change`] | the differences, as values |
//! | [`engine`] | nodes, ports and hosts of both sides, side by side |
//! | [`ports`] | which hosts come by which listener on both sides |
//! | [`pairs`] | which things of both sides belong together |
//! | [`actions`] | what becomes of a request, told apart by number |
//! | [`agreed`] | paths of which two rewrites make the same |
//! | [`side`] | one side with the lines it was written in |
//! | [`definitions`] | what a spec defines, where, and whose it is |
//! | [`delta`] | the facets in which two outcomes differ |
//! | [`mod@difference`] | one change in a line |
//! | [`words`] | outcomes in words |
//! | [`blame`] | the edit behind a change, and whom it concerns |
//! | [`stake`], [`ownership`] | whose requests a change treats differently |
//! | [`governed`] | what governs a mesh, as one side says it |
//! | [`governance`] | edits of teams, guardrails, assertions and what is accepted |
//! | [`promises`] | what an edit may not change |
//! | [`findings`] | warnings and bursts beside the requests |
//! | [`statement`] | differences put together by the edit that caused them |
//! | [`inputs`] | the bytes that a side was made from |
//! | [`mod@met`], [`gates`] | what requests meet beside their rules, sidecars included |
//! | [`nameless`] | what a port shows to clients of TLS that name no host |
//! | [`unrouted`] | hosts without a route that TLS answers on one side alone |
//! | [`places`] | how many requests of rules run at one time |
//! | [`beside`] | what differs beside routes: listeners, certificates, backends |
//! | [`structure`] | the same as statements, and connections |
//! | [`mod@report`] | what a diff says, as values, and the gate it has to pass |
//! | [`render`] | the same as text |

mod actions;
mod agreed;
mod arrivals;
mod beside;
mod blame;
mod change;
mod definitions;
mod delta;
mod difference;
mod engine;
mod findings;
pub(crate) mod gates;
mod governance;
mod governed;
mod inputs;
mod met;
mod nameless;
mod ownership;
mod pairs;
mod places;
mod ports;
mod promises;
mod render;
mod report;
mod side;
mod stake;
mod statement;
mod structure;
mod unrouted;
mod words;

#[cfg(test)]
pub(crate) use beside::{About, beside};
pub use change::{Change, ChangeKind, Changes, HostAt, RuleAt, UnknownHost};
pub(crate) use difference::difference;
pub(crate) use engine::{Asked, compare_asked};
pub use engine::{compare, compare_sides};
pub use findings::{Burst, Finding};
pub use inputs::Inputs;
pub(crate) use met::met;
pub use promises::Broken;
pub use render::{github, markdown, sarif, short, text};
pub use report::{Connections, Foreign, Gate, Report, Statement};
pub use side::Side;
pub use statement::report;

#[cfg(test)]
mod tests;
