//! What governs a mesh beside its requests: who owns what, which bounds hold, what is asserted, what is accepted, and what rules go by.
//!
//! A change of it may change no request and still decide what the next change may do, so `weft diff` compares it too.

use weft_spec::Span;

/// One thing that governs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Governed {
    /// What kind of thing.
    pub kind: GovernedKind,
    /// What it is called among its kind.
    pub name: String,
    /// All that it says, in a form that does not depend on how it is written.
    pub content: String,
    /// Where it is written.
    pub span: Span,
}

/// The kinds of things that govern.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum GovernedKind {
    /// A team and what it owns.
    Team,
    /// What the platform keeps for itself.
    Platform,
    /// A bound on settings.
    Guardrail,
    /// A place where a bound is wider.
    Exemption,
    /// What must hold of all requests.
    Assertion,
    /// A finding that is accepted.
    Suppression,
    /// What rules go by: the headers that services trust, those that rules may match, and how carefully data is to be handled.
    Declaration,
}

impl GovernedKind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Team,
        Self::Platform,
        Self::Guardrail,
        Self::Exemption,
        Self::Assertion,
        Self::Suppression,
        Self::Declaration,
    ];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Team => "team",
            Self::Platform => "platform",
            Self::Guardrail => "guardrail",
            Self::Exemption => "exemption",
            Self::Assertion => "assertion",
            Self::Suppression => "suppression",
            Self::Declaration => "declaration",
        }
    }
}
