//! Rules about teams, guardrails, suppressions and the shape of a spec.

mod bad_suppression;
mod foreign_suppression;
mod stale_suppression;
mod suppressions;

use super::Rule;

pub(super) use suppressions::apply as apply_suppressions;

/// The rules of this group, by name.
pub(super) static RULES: &[Rule] = &[
    Rule {
        code: &bad_suppression::CODE,
        check: Some(bad_suppression::check),
    },
    Rule {
        code: &foreign_suppression::CODE,
        check: Some(foreign_suppression::check),
    },
    // Found behind all rules, by `apply_suppressions`.
    Rule {
        code: &stale_suppression::CODE,
        check: None,
    },
];
