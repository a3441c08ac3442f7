//! Rules about where services may be reached.
//!
//! | file | holds |
//! |---|---|
//! | [`networks`] | sets of addresses and names, as guardrails write them |
//! | [`bounds`] | endpoints beside the guardrails on them |
//! | [`local_endpoint`] | endpoints on the machine of a gateway |
//! | [`reached`] | what an endpoint is, whichever way it is written |
//! | [`bypassed_sidecar`] | endpoints that are the process behind the sidecar |
//! | [`proxy_loop`] | endpoints at which a proxy meets itself |

mod bounds;
mod bypassed_sidecar;
mod local_endpoint;
mod networks;
mod proxy_loop;
mod reached;

use super::Rule;

pub(super) use bounds::{bounded, is_needed};
pub(super) use networks::{EXPECTED, Networks};

/// The rules of this group, by name.
pub(super) static RULES: &[Rule] = &[
    Rule {
        code: &bypassed_sidecar::CODE,
        check: Some(bypassed_sidecar::check),
    },
    Rule {
        code: &local_endpoint::CODE,
        check: Some(local_endpoint::check),
    },
    Rule {
        code: &proxy_loop::CODE,
        check: Some(proxy_loop::check),
    },
];
