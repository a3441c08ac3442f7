//! The snapshot of Weft: its format, the canonical request, and [`Slice::decide`].
//!
//! The compiler and the proxy meet here and nowhere else. A [`plan::NodePlan`] is what one node is to
//! do, as plain values; `encode` turns it into the bytes of a slice, and [`Slice::check`] turns bytes,
//! hostile ones included, into something in which requests can be looked up in place. The proxy,
//! `weft why` and every analysis call the same [`canonical`] functions and the same `decide`.

pub mod canonical;
pub mod manifest;
pub mod plan;
pub mod settings;

pub use settings::NodeSettings;
