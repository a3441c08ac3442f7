//! Rules about headers: what is changed, what is trusted, what is matched.

mod self_conflict;

use super::Rule;

/// The rules of this group, by name.
pub(super) static RULES: &[Rule] = &[Rule {
    code: &self_conflict::CODE,
    check: Some(self_conflict::check),
}];
