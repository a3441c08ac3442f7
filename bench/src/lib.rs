//! What the measurements share: plans, snapshots on disk, a tiny origin, and a proxy process.
//!
//! Nothing here asserts a time. Tools print what they saw; `bench/run.py` puts the figures together.

pub mod origin;
pub mod plans;
pub mod proxy;
