//! A mesh with which nothing is wrong.

use super::Mesh;
use crate::diagnostic::Diagnostics;

/// A mesh in which no rule found an error.
#[derive(Clone, Debug)]
pub struct Checked {
    mesh: Mesh,
    bursts: Vec<u64>,
}

impl Checked {
    /// What the findings of all passes say of a mesh: nothing comes back if any of them is an error. `bursts` are the most requests
    /// that one request can become at each service, in the order of the services.
    ///
    /// Only who has asked every rule has all findings, so only `weft-check` makes one outside of tests.
    pub fn by(mesh: Mesh, bursts: Vec<u64>, findings: &Diagnostics) -> Option<Self> {
        (!findings.has_errors()).then_some(Self { mesh, bursts })
    }

    /// The mesh.
    pub fn mesh(&self) -> &Mesh {
        &self.mesh
    }

    /// The most requests that one request can become at each service, with its name.
    pub fn bursts(&self) -> impl Iterator<Item = (&str, u64)> {
        let names = self.mesh.services.values();
        let names = names.map(|service| service.name.value.as_str());
        names.zip(self.bursts.iter().copied())
    }
}
