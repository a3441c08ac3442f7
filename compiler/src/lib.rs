//! The compiler of Weft: from YAML to a snapshot.
//!
//! Five forms, each stronger than the last:
//!
//! | form | module | holds |
//! |---|---|---|
//! | texts | [`source`] | files as they are |
//! | spec | [`parse`] | typed files with spans; may be wrong in any way |
//! | mesh | [`model`] | names are references, every one valid |
//! | checked | [`rules`] | no error-level rule found anything |
//! | plans | [`lower`] | what each node does, complete and ordered |
//! | snapshot | [`emit`] | bytes |
//!
//! Nothing here does IO or reads a clock; only [`cli`] does.

mod certificate;
mod claims;
pub mod cli;
pub mod diagnostic;
pub mod diff;
pub mod emit;
pub mod explain;
mod graph;
pub mod lower;
pub mod model;
pub mod parse;
mod pipeline;
pub mod progress;
#[cfg(test)]
mod random;
pub mod relation;
pub mod resolve;
pub mod rules;
mod sarif;
mod secrets;
pub mod settings;
pub mod source;
pub mod space;
mod surroundings;
mod text;
pub mod trial;
pub mod verify;
pub mod why;
pub mod witness;
mod words;
mod work;

pub use pipeline::{check_spec, compile, compile_beside, compile_in_memory};
pub use surroundings::{
    CertificateFacts, CertificateReader, ReadCertificates, ReadSnapshots, SnapshotReader,
    Surroundings,
};
