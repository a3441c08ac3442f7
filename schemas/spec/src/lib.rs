//! The authored language of Weft, as types.
//!
//! A spec is any number of YAML files; each file is one [`File`]. The types here say what a person may
//! write, nothing more: names may dangle and shares may not sum, because finding that is the compiler's
//! work. The JSON Schema that editors load is generated from the same types, see [`schema`].
//!
//! Rules for the types: no `flatten`, no `untagged`, no internally tagged enums, because serde loses
//! positions there; where a field takes several shapes, the type decodes itself by hand.

pub mod annotations;
pub mod assertion;
pub mod file;
pub mod gateway;
mod list;
pub mod matching;
pub mod maximum;
pub mod mesh;
pub mod named;
pub mod policy;
pub mod route;
pub mod schema;
pub mod service;
pub mod spanned;
pub mod suppression;
pub mod test;
pub mod units;

pub use file::File;
pub use named::Named;
pub use spanned::{FileId, Span, Spanned};
