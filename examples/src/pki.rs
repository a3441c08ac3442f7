//! Certificates made on the spot, as `weft up` makes them: an authority, workload identities, and certificates for hosts.

pub use weft_cli::local::authority::{Authority, Issued};
