//! What the compiler is told about the world outside the spec.
//!
//! The library reads no clock and no file of its own accord; whoever calls it says what it may know. What is not said is not known,
//! and rules that would need it claim nothing. None of it ever enters a snapshot.

use weft_spec::units::Date;

pub use crate::certificate::CertificateFacts;

/// What is known besides the spec; by default nothing.
#[derive(Debug, Default)]
pub struct Surroundings {
    /// The day on which the spec is checked, in UTC; without it nothing is said about what expires.
    pub today: Option<Date>,
    /// Reads what a certificate says, by the path of its chain; without it nothing is said about files.
    pub certificate: Option<fn(&str) -> Option<CertificateFacts>>,
}
