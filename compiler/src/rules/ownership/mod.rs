//! Rules about teams, guardrails, suppressions and the shape of a spec.

use super::Rule;

/// The rules of this group, by name.
pub(super) static RULES: &[Rule] = &[];
