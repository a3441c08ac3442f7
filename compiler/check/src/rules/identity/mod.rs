//! Rules about who may call whom, and how hops are authenticated.

mod access;
mod admitted;
mod call_not_allowed;
mod dead_allow;
mod dead_deny;
mod excess_grant;
mod forwarded;
mod internet_reach;
mod mode_mismatch;
mod over_permissive;
mod permissive_hole;
mod plaintext_path;
mod rewrite_meets_policy;

use super::Rule;

/// The rules of this group, by name.
pub(super) static RULES: &[Rule] = &[
    Rule {
        code: &call_not_allowed::CODE,
        check: Some(call_not_allowed::check),
    },
    Rule {
        code: &dead_allow::CODE,
        check: Some(dead_allow::check),
    },
    Rule {
        code: &dead_deny::CODE,
        check: Some(dead_deny::check),
    },
    Rule {
        code: &excess_grant::CODE,
        check: Some(excess_grant::check),
    },
    Rule {
        code: &internet_reach::CODE,
        check: Some(internet_reach::check),
    },
    Rule {
        code: &mode_mismatch::CODE,
        check: Some(mode_mismatch::check),
    },
    Rule {
        code: &over_permissive::CODE,
        check: Some(over_permissive::check),
    },
    Rule {
        code: &permissive_hole::CODE,
        check: Some(permissive_hole::check),
    },
    Rule {
        code: &plaintext_path::CODE,
        check: Some(plaintext_path::check),
    },
    Rule {
        code: &rewrite_meets_policy::CODE,
        check: Some(rewrite_meets_policy::check),
    },
];
