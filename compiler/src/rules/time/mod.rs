//! Rules about timeouts, retries and the calls between services.

mod call_cycle;

use super::Rule;

/// The rules of this group, by name.
pub(super) static RULES: &[Rule] = &[Rule {
    code: &call_cycle::CODE,
    check: Some(call_cycle::check),
}];
