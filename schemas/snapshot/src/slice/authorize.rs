//! Who may call this node.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::Slice;
use super::decide::methods_admit;
use super::path::path_matches;
use crate::Reason;
use crate::identity::patterns_of;
use crate::number::wide;
use crate::plan::Effect;
use crate::records::{self, method_bit};
use crate::settings::{Listener, ListenerSecurity, Role};

/// What becomes of a call, with the position of the access rule that says so.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Access {
    /// No rule is asked: the listener takes no calls of other proxies, or verifies nobody because the mesh has mTLS disabled.
    Open,
    /// Nobody knows who calls, and access rules ask for that.
    Unidentified,
    /// This rule admits it.
    Admitted(u32),
    /// This rule refuses it; without one, no rule admits it.
    Refused(Option<u32>),
}

impl Access {
    /// Why the call is refused, if it is.
    pub const fn refusal(self) -> Option<Reason> {
        match self {
            Self::Open | Self::Admitted(_) => None,
            Self::Unidentified => Some(Reason::NoIdentity),
            Self::Refused(_) => Some(Reason::NotAllowed),
        }
    }
}

impl records::Access {
    pub(super) fn effect(&self) -> Effect {
        match self.effect.get() {
            0 => Effect::Admit,
            _ => Effect::Refuse,
        }
    }
}

impl Slice {
    /// Whether a peer of a listener may send `method` to the canonical `path`. Without an `identity` it proved nothing: a permissive
    /// listener serves plaintext peers only what needs no identity, which is nothing.
    pub fn admit(
        &self,
        listener: &Listener,
        identity: Option<&str>,
        (method, path): (&str, &str),
    ) -> Access {
        match listener.role {
            Role::Edge | Role::Outbound => return Access::Open,
            Role::Inbound => {}
        }
        match (identity, &listener.security) {
            (Some(identity), _) => self.authorize(identity, method, path),
            (None, ListenerSecurity::Plaintext) => Access::Open,
            (
                None,
                ListenerSecurity::Tls { certificate: _ }
                | ListenerSecurity::Mtls
                | ListenerSecurity::Permissive {
                    until_unix_seconds: _,
                },
            ) => Access::Unidentified,
        }
    }

    /// Whether `identity` may send `method` to the canonical `path`: the first access rule that matches decides, and
    /// what none matches is refused.
    ///
    /// `identity` is the whole SPIFFE ID of the verified peer, compared byte by byte; a rule may name all below a place
    /// ([`crate::identity`]).
    pub fn authorize(&self, identity: &str, method: &str, path: &str) -> Access {
        let reader = self.reader();
        let bit = method_bit(method);
        // Many rules may share an expression, which says the same of the path each time.
        let mut said: BTreeMap<u32, bool> = BTreeMap::new();
        let mut decide = |grant: &records::Grant| {
            let position = grant.access.get();
            let rule = reader.access().get(wide(position))?;
            let is_matched = methods_admit(reader, &rule.methods, bit, method)
                && match rule.path.form.get() {
                    0 => path_matches(reader, &rule.path, rule.automaton.get(), path),
                    _ => *said.entry(rule.automaton.get()).or_insert_with(|| {
                        path_matches(reader, &rule.path, rule.automaton.get(), path)
                    }),
                };
            is_matched.then(|| (position, rule.effect()))
        };
        // Those of each entry are in order of precedence, and the first of all decides.
        let mut deciding: Option<(u32, Effect)> = None;
        for grants in self.grants(identity) {
            let found = grants.iter().find_map(&mut decide);
            deciding = match (deciding, found) {
                (Some(known), Some(found)) if known.0 <= found.0 => Some(known),
                (known, found) => found.or(known),
            };
        }
        match deciding {
            Some((position, Effect::Admit)) => Access::Admitted(position),
            Some((position, Effect::Refuse)) => Access::Refused(Some(position)),
            None => Access::Refused(None),
        }
    }

    /// Which access rules name an identity, by the entry that does, each list in order of precedence.
    fn grants(&self, identity: &str) -> impl Iterator<Item = &[records::Grant]> {
        let own = self.grants_to(|entry| entry.cmp(identity.as_bytes()));
        let patterns = patterns_of(identity).map(|(place, end)| {
            self.grants_to(|entry| {
                entry
                    .iter()
                    .cmp(place.as_bytes().iter().chain(end.as_bytes()))
            })
        });
        std::iter::once(own).chain(patterns)
    }

    /// The grants to one entry, by how others compare with it.
    fn grants_to(&self, order: impl Fn(&[u8]) -> Ordering) -> &[records::Grant] {
        let reader = self.reader();
        let grants = reader.grants();
        let order = |grant: &records::Grant| order(reader.text_bytes(grant.identity));
        let start = grants.partition_point(|grant| order(grant) == Ordering::Less);
        let rest = grants.get(start..).unwrap_or_default();
        let count = rest.partition_point(|grant| order(grant) == Ordering::Equal);
        rest.get(..count).unwrap_or_default()
    }

    /// The id of an access rule.
    pub fn access_id(&self, position: u32) -> Option<&str> {
        let reader = self.reader();
        let rule = reader.access().get(wide(position))?;
        Some(reader.text(rule.id))
    }
}
