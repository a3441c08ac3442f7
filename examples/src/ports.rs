//! Free loopback ports, chosen as `weft up` chooses them.

pub use weft_cli::local::ports::{free, free_address};
