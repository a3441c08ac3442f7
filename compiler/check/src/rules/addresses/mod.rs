//! Rules about where services may be reached.
//!
//! | file | holds |
//! |---|---|
//! | [`networks`] | sets of addresses and names, as guardrails write them |
//! | [`bounds`] | endpoints beside the guardrails on them |
//! | [`local_endpoint`] | endpoints on the machine of a gateway |

mod bounds;
mod local_endpoint;
mod networks;

use super::Rule;

pub(super) use bounds::{bounded, is_needed};
pub(super) use networks::{EXPECTED, Networks};

/// The rules of this group, by name.
pub(super) static RULES: &[Rule] = &[Rule {
    code: &local_endpoint::CODE,
    check: Some(local_endpoint::check),
}];
