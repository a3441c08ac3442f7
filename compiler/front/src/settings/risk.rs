//! How grave a change of one is.

use serde::Serialize;
pub use weft_spec::assertion::Facet;

/// How a change is judged, the gravest first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Risk {
    /// Somebody may do what was denied.
    S1,
    /// A hop is protected less, or a client is believed more.
    S2,
    /// Requests from outside reach what they did not.
    S3,
    /// What teams own, must keep to or may accept changes; perhaps no request does.
    G1,
    /// What was forwarded is refused or answered otherwise.
    A1,
    /// Requests go elsewhere.
    A2,
    /// Time limits or retries change.
    R1,
    /// A limit on size changes.
    R2,
    /// Headers or paths are rewritten differently.
    T1,
    /// No request is treated differently.
    C0,
}

impl Risk {
    /// All classes, the gravest first.
    pub const ALL: [Self; 10] = [
        Self::S1,
        Self::S2,
        Self::S3,
        Self::G1,
        Self::A1,
        Self::A2,
        Self::R1,
        Self::R2,
        Self::T1,
        Self::C0,
    ];

    /// The name of the class.
    pub fn name(self) -> &'static str {
        match self {
            Self::S1 => "opens-access",
            Self::S2 => "weakens-transport",
            Self::S3 => "exposes",
            Self::G1 => "governs",
            Self::A1 => "breaks",
            Self::A2 => "moves-traffic",
            Self::R1 => "reliability",
            Self::R2 => "limits",
            Self::T1 => "transforms",
            Self::C0 => "cosmetic",
        }
    }

    /// What the class is about, in a sentence.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::S1 => "Somebody may do what was denied.",
            Self::S2 => "A hop is protected less, or a client is believed more.",
            Self::S3 => "Requests from outside reach what they did not.",
            Self::G1 => "What teams own, must keep to or may accept changes.",
            Self::A1 => "What was forwarded is refused or answered otherwise.",
            Self::A2 => "Requests go elsewhere.",
            Self::R1 => "Time limits or retries change.",
            Self::R2 => "A limit on size changes.",
            Self::T1 => "Headers or paths are rewritten differently.",
            Self::C0 => "No request is treated differently.",
        }
    }

    /// Edits that bring such changes.
    pub fn examples(self) -> &'static str {
        match self {
            Self::S1 => "a permission more in `allow`, a wider one, or a `deny` that is gone",
            Self::S2 => {
                "`mtls` from strict to permissive, a longer `until`, `tls.verify` left out, more `trustedHops`, `escapedSlashes: keep`"
            }
            Self::S3 => {
                "a new listener of a gateway, or a route there to what no client reached before"
            }
            Self::G1 => {
                "teams, owners, guardrails, exemptions, assertions, suppressions, trusted headers, routing keys and the sensitivity of services"
            }
            Self::A1 => {
                "a route, a host or a permission that is gone, a `deny` more, a listener that moves to another port or refuses more"
            }
            Self::A2 => {
                "other backends or shares, another redirect or answer, other endpoints or another protocol of a service"
            }
            Self::R1 => "`timeout`, `retry` and `keepAlive`",
            Self::R2 => "`maxBody`, and `limits` of a listener",
            Self::T1 => {
                "`rewrite`, `requestHeaders`, `responseHeaders`, the `host` that a service sees, repeated headers that begin to be refused"
            }
            Self::C0 => "names, comments, order, a backend without a share",
        }
    }

    /// Whether an owner may accept the change: access is its owner's to give, an outage is not.
    pub fn can_be_approved(self) -> bool {
        match self {
            Self::S1 | Self::S2 | Self::S3 | Self::G1 => true,
            Self::A1 | Self::A2 | Self::R1 | Self::R2 | Self::T1 | Self::C0 => false,
        }
    }

    /// The class of a text such as `A2`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|risk| format!("{risk:?}") == text)
    }
}
