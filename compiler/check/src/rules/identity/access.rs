//! Permissions and denials as sets of calls, the caller among what they ask.

use weft_front::model::{Allow, Caller, Deny, Mesh, Service};
use weft_space::{Entry, Reading, left};
use weft_spec::{Span, Spanned};

/// A permission or a denial.
#[derive(Clone, Copy, Debug)]
pub(super) enum Access<'mesh> {
    Allow(&'mesh Allow),
    Deny(&'mesh Deny),
}

impl<'mesh> Access<'mesh> {
    /// The calls that it is about.
    pub(super) fn entry(self, mesh: &Mesh) -> Entry<'mesh> {
        let (mut entry, from) = match self {
            Self::Allow(allow) => (Entry::of(allow), Some(&allow.from)),
            Self::Deny(deny) => (Entry::of(deny), deny.from.as_ref()),
        };
        entry.conditions.sources = from.map(|from| nodes(mesh, from));
        entry
    }

    /// Whether it is for a caller.
    pub(super) fn names(self, caller: Caller) -> bool {
        match self {
            Self::Allow(allow) => allow.names(caller),
            Self::Deny(deny) => deny.names(caller),
        }
    }

    pub(super) fn span(self) -> Span {
        match self {
            Self::Allow(allow) => allow.span,
            Self::Deny(deny) => deny.span,
        }
    }

    /// Whether it is about no call at all, which is a finding of its own; beyond a bound nobody knows.
    pub(super) fn is_empty(self, mesh: &Mesh, service: &Service) -> bool {
        let with = Reading::new(mesh.paths_at(service), &mesh.automata);
        left(&self.entry(mesh), &[], with).is_ok_and(|inside| inside.is_none())
    }
}

fn nodes(mesh: &Mesh, from: &[Spanned<Caller>]) -> Vec<String> {
    let nodes = from.iter().map(|from| mesh.caller_node(from.value));
    let mut nodes: Vec<String> = nodes.collect();
    nodes.sort();
    nodes
}
