//! A mesh with which nothing is wrong.

use super::Mesh;
use crate::diagnostic::Diagnostics;

/// A mesh in which no rule found an error.
#[derive(Clone, Debug)]
pub struct Checked {
    mesh: Mesh,
}

impl Checked {
    /// What the findings of all passes say of a mesh: nothing comes back if any of them is an error.
    ///
    /// Only who has asked every rule has all findings, so only `weft-check` makes one outside of tests.
    pub fn by(mesh: Mesh, findings: &Diagnostics) -> Option<Self> {
        (!findings.has_errors()).then_some(Self { mesh })
    }

    /// The mesh.
    pub fn mesh(&self) -> &Mesh {
        &self.mesh
    }
}
