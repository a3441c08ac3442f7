//! Rules about who may call whom, and how hops are authenticated.

mod dead_allow;
mod excess_grant;
mod internet_reach;
mod over_permissive;
mod permissive_hole;
mod plaintext_path;

use super::Rule;

/// The rules of this group, by name.
pub(super) static RULES: &[Rule] = &[
    Rule {
        code: &dead_allow::CODE,
        check: Some(dead_allow::check),
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
];
