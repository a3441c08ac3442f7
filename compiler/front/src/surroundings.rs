//! What the compiler is told about the world outside the spec.
//!
//! The library reads no clock and no file of its own accord; whoever calls it says what it may know. What is not said is not known,
//! and rules that would need it claim nothing. None of it ever enters a snapshot.

use std::fmt;
use std::rc::Rc;

use weft_snapshot::plan::NodePlan;
use weft_spec::units::Date;

pub use crate::certificate::{
    CertificateFacts, CertificateFiles, Content, FileRead, IssuerFacts, WrongFile,
};
use crate::progress::Progress;

/// What is known besides the spec; by default nothing.
#[derive(Debug, Default)]
pub struct Surroundings {
    /// The day on which the spec is checked, in UTC; without it nothing is said about what expires.
    pub today: Option<Date>,
    /// Reads what a certificate says, by the paths of its chain and of its key; without it nothing is said about files.
    pub certificates: Option<ReadCertificates>,
    /// Reads snapshots that the spec compares itself with; without it nothing is known of them.
    pub snapshots: Option<ReadSnapshots>,
    /// Whether nobody is shown remarks (`info`), so that rules need not look for those that take long. Where a spec suppresses something
    /// they look all the same: what a suppression is about decides whether it is stale.
    pub leaves_out_remarks: bool,
    /// Is told how far the work is; nobody is, by default.
    pub progress: Progress,
}

/// How certificates are read.
#[derive(Clone)]
pub struct ReadCertificates(pub Rc<CertificateReader>);

/// Reads the files of a certificate, by the paths of its chain and of its key.
pub type CertificateReader = dyn Fn(&str, &str) -> CertificateFiles;

impl fmt::Debug for ReadCertificates {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ReadCertificates")
    }
}

/// How snapshots are read.
pub struct ReadSnapshots(pub Box<SnapshotReader>);

/// Reads the plans of a snapshot by its folder, from the folder of the spec, or says why that cannot be.
pub type SnapshotReader = dyn Fn(&str) -> Result<Vec<NodePlan>, String>;

impl fmt::Debug for ReadSnapshots {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ReadSnapshots")
    }
}
