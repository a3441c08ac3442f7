//! How the paths and expressions of a mesh are read.

use weft_snapshot::settings::PathRules;

use crate::automata::Automata;

/// How the paths and expressions of a table are read: every question about sets of requests depends on both.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'mesh> {
    /// What becomes of slashes before a path is compared.
    pub rules: PathRules,
    /// The automata of expressions that are known already.
    pub automata: &'mesh Automata,
}

impl<'mesh> Reading<'mesh> {
    /// By the rules of a listener or a service, with the automata of its mesh.
    pub fn new(rules: PathRules, automata: &'mesh Automata) -> Self {
        Self { rules, automata }
    }
}
