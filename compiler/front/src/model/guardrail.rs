//! What a platform bounds for the whole mesh.

use weft_spec::Spanned;

pub use weft_spec::maximum::Maximum;
pub use weft_spec::mesh::{BOUNDED, Bound};

/// A bound on a setting, on endpoints or on terms, for the whole mesh. Where more is accepted, [`super::Mesh::exemptions`] says.
#[derive(Clone, Debug)]
pub struct Guardrail {
    /// What is bounded.
    pub bound: Spanned<Bound>,
    /// The largest accepted value, as written.
    pub max: Spanned<Maximum>,
    /// Why the bound exists; shown to whoever exceeds it.
    pub why: Spanned<String>,
}
