//! Rules about timeouts, retries and the calls between services.

mod amplification;
mod call_cycle;
mod deadline_budget;
mod layered_retry;
mod outlived;
mod retry_cycle;
mod stream_cut;
mod timeout_inversion;
mod tries_do_not_fit;
mod unbounded;

use super::Rule;

/// The rules of this group, by name.
pub(super) static RULES: &[Rule] = &[
    Rule {
        code: &amplification::CODE,
        check: Some(amplification::check),
    },
    Rule {
        code: &call_cycle::CODE,
        check: Some(call_cycle::check),
    },
    Rule {
        code: &deadline_budget::CODE,
        check: Some(deadline_budget::check),
    },
    Rule {
        code: &layered_retry::CODE,
        check: Some(layered_retry::check),
    },
    Rule {
        code: &retry_cycle::CODE,
        check: Some(retry_cycle::check),
    },
    Rule {
        code: &stream_cut::CODE,
        check: Some(stream_cut::check),
    },
    Rule {
        code: &timeout_inversion::CODE,
        check: Some(timeout_inversion::check),
    },
    Rule {
        code: &tries_do_not_fit::CODE,
        check: Some(tries_do_not_fit::check),
    },
    Rule {
        code: &unbounded::CODE,
        check: Some(unbounded::check),
    },
];
