//! From a checked mesh to bytes: the last passes of the compiler of Weft.
//!
//! | form | module | holds |
//! |---|---|---|
//! | plans | [`mod@lower`] | what each node does, complete and ordered |
//! | snapshot | [`mod@emit`] | bytes |
//!
//! [`snapshot`] reads them back, and [`mod@verify`] holds what was written against what was meant.

pub mod emit;
pub mod lower;
pub mod snapshot;
pub mod verify;
