//! What rules look at: the mesh, and analyses of it that several rules share and none should repeat.

use crate::model::Mesh;

/// The mesh and what is computed from it on demand, once.
#[derive(Debug)]
pub(crate) struct Facts<'mesh> {
    /// The mesh.
    pub(crate) mesh: &'mesh Mesh,
}

impl<'mesh> Facts<'mesh> {
    /// Nothing is computed yet.
    pub(crate) fn new(mesh: &'mesh Mesh) -> Self {
        Self { mesh }
    }
}
