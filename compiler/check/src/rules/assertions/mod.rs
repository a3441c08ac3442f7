//! Rules about what the spec asserts of itself.

pub mod assertion_refuted;
pub mod assertion_unknown;
mod vacuous_assertion;

use super::Rule;

/// The rules of this group, by name.
pub(super) static RULES: &[Rule] = &[
    Rule {
        code: &assertion_refuted::CODE,
        check: Some(assertion_refuted::check),
    },
    Rule {
        code: &assertion_unknown::CODE,
        check: None,
    },
    Rule {
        code: &vacuous_assertion::CODE,
        check: None,
    },
];
