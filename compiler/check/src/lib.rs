//! What is wrong with a mesh, and what holds of all its requests.
//!
//! | module | holds |
//! |---|---|
//! | [`rules`] | the rules, a file each, and the facts that several of them look at |
//! | [`graph`] | who calls whom, how long and how often |
//! | [`assertions`] | what must hold of all requests |
//! | [`callers`] | who can call a service |

pub mod assertions;
pub mod callers;
pub mod graph;
pub mod rules;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
