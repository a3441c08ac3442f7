//! What it takes to run a mesh on one machine and is no secret of a command: throw-away certificates, and free ports.
//!
//! `weft up` uses it, and so do the demonstration and the tests, which start proxies of their own.

pub mod authority;
pub mod ports;
