//! The canonical form of a request, made once and used for routing, authorization and forwarding.
//!
//! Two parties that read a request differently are how requests get past a policy, so there is one
//! reading. It follows RFC 3986 section 6.2.2 (case and percent-encoding normalisation, dot segments)
//! and refuses what has two plausible readings. Canonicalising twice changes nothing.

mod fields;
mod host;
mod path;
mod query;

use std::fmt;

use crate::Reason;

pub use fields::{Field, LISTS, Lines, field, lines};
pub use host::{host, host_matches};
pub use path::{escaped, path, split_target};
pub use query::{parameter, parameters, query};

/// Why a request has no canonical form; each is a [`Reason`] for a 400.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// The host is not a name or an address with an optional port.
    BadHost,
    /// The path holds control bytes, blanks, `\`, `%5C`, `%00`, a bad `%HH`, or does not start with `/`.
    BadPath,
    /// The path climbs above `/`.
    ClimbingPath,
    /// The path holds `%2F`, and the listener does not keep it.
    EscapedSlash,
    /// The path has empty or dot segments, and the listener rejects them.
    UnnormalizedPath,
    /// A header of one line, whose value a rule looks at, came in several.
    RepeatedHeader,
}

impl Refusal {
    /// The reason, as logs and `x-weft-reason` show it.
    pub const fn reason(self) -> Reason {
        match self {
            Self::BadHost => Reason::BadHost,
            Self::BadPath => Reason::BadPath,
            Self::ClimbingPath => Reason::ClimbingPath,
            Self::EscapedSlash => Reason::EscapedSlash,
            Self::UnnormalizedPath => Reason::UnnormalizedPath,
            Self::RepeatedHeader => Reason::RepeatedHeader,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::BadHost => "the host is not a name or an address",
            Self::BadPath => "the path has bytes that no path may have",
            Self::ClimbingPath => "the path climbs above `/`",
            Self::EscapedSlash => "the path has an escaped slash, which this listener refuses",
            Self::UnnormalizedPath => {
                "the path has empty or dot segments, which this listener rejects"
            }
            Self::RepeatedHeader => "a header whose value decides came more than once",
        })
    }
}

impl std::error::Error for Refusal {}

impl From<Refusal> for Reason {
    fn from(refusal: Refusal) -> Self {
        refusal.reason()
    }
}
