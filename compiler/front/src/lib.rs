//! From texts to a mesh: the first half of the compiler of Weft.
//!
//! | form | module | holds |
//! |---|---|---|
//! | texts | [`source`] | files as they are |
//! | spec | [`parse`] | typed files with spans; may be wrong in any way |
//! | mesh | [`model`] | names are references, every one valid; made by [`mod@resolve`] |
//!
//! Beside them stand the settings ([`settings`]), what is said about mistakes ([`diagnostic`]) and how text of strangers is
//! shown ([`text`], [`words`], [`secrets`]). Nothing here does IO or reads a clock: what is known of the world is handed in
//! ([`surroundings`]).

pub mod certificate;
pub mod diagnostic;
pub mod fmt;
pub mod model;
pub mod parse;
pub mod progress;
pub mod project;
pub mod project_schema;
pub mod question;
pub mod resolve;
pub mod sarif;
pub mod secrets;
pub mod settings;
pub mod source;
pub mod surroundings;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod text;
pub mod threads;
pub mod words;

pub use surroundings::{
    CertificateFacts, CertificateFiles, CertificateReader, Content, FileRead, IssuerFacts,
    ReadCertificates, ReadSnapshots, SnapshotReader, Surroundings, WrongFile,
};
