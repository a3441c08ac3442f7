//! Permissions and denials as sets of calls, the caller among what they ask.

use weft_front::model::{Allow, Callers, Deny, Mesh, Service};
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
        entry.conditions.sources = from.map(|from| identities(mesh, from));
        entry
    }

    /// Whether it is for all of some callers.
    pub(super) fn names(self, callers: Callers) -> bool {
        match self {
            Self::Allow(allow) => allow.names(callers),
            Self::Deny(deny) => deny.names(callers),
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

fn identities(mesh: &Mesh, from: &[Spanned<Callers>]) -> Vec<String> {
    let identities = from.iter().map(|from| mesh.callers_identity(from.value));
    let mut identities: Vec<String> = identities.collect();
    identities.sort();
    identities
}
