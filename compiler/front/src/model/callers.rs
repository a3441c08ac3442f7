//! Whom permissions and denials name: one caller, or all of a kind.

use std::fmt;

use weft_snapshot::identity::{ANY_BELOW, ANY_NAME};

use super::{Caller, Mesh};

/// One caller, or all of a kind, those of other specs among them: what counts is the identity that a peer proves.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Callers {
    /// This one.
    One(Caller),
    /// `gateway/*`: every identity of a gateway.
    Gateways,
    /// `service/*`: every identity of a service.
    Services,
    /// `mesh`: every identity of the trust domain.
    Mesh,
}

impl Callers {
    /// Those that are written with a word of their own.
    pub const KINDS: [(&'static str, Self); 3] = [
        ("gateway/*", Self::Gateways),
        ("service/*", Self::Services),
        ("mesh", Self::Mesh),
    ];

    /// Whether all of some callers are among them. No list of callers is all of a kind, because others may join.
    pub fn has(self, others: impl Into<Self>) -> bool {
        let others = others.into();
        match (self, others) {
            (Self::Mesh, _)
            | (Self::Gateways, Self::One(Caller::Gateway(_)))
            | (Self::Services, Self::One(Caller::Service(_))) => true,
            (Self::One(_) | Self::Gateways | Self::Services, _) => self == others,
        }
    }
}

impl From<Caller> for Callers {
    fn from(caller: Caller) -> Self {
        Self::One(caller)
    }
}

impl Mesh {
    /// Callers as they are written: `service/web`, `service/*`, `mesh`.
    pub fn callers_text(&self, callers: impl Into<Callers>) -> String {
        match callers.into() {
            Callers::One(caller) => self.caller_node(caller),
            kind @ (Callers::Gateways | Callers::Services | Callers::Mesh) => kind.to_string(),
        }
    }

    /// The identity of a caller, or the entry that names those of all of a kind (`weft_snapshot::identity`).
    pub fn callers_identity(&self, callers: Callers) -> String {
        let domain = &self.trust_domain.value;
        match callers {
            Callers::One(caller) => self.identity(&self.caller_node(caller)),
            Callers::Gateways => format!("spiffe://{domain}/gateway{ANY_NAME}"),
            Callers::Services => format!("spiffe://{domain}/service{ANY_NAME}"),
            Callers::Mesh => format!("spiffe://{domain}{ANY_BELOW}"),
        }
    }
}

/// The word for all of a kind; one caller has a name that only the mesh knows.
impl fmt::Display for Callers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = Self::KINDS.iter().find(|(_, kind)| kind == self);
        formatter.write_str(kind.map_or("one caller", |(word, _)| word))
    }
}
