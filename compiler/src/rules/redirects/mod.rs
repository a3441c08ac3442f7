//! Rules about redirects and rewrites.

mod method_loss;

use super::Rule;

/// The rules of this group, by name.
pub(super) static RULES: &[Rule] = &[Rule {
    code: &method_loss::CODE,
    check: Some(method_loss::check),
}];
