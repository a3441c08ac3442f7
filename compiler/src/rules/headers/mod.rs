//! Rules about headers: what is changed, what is trusted, what is matched.

use super::Rule;

/// The rules of this group, by name.
pub(super) static RULES: &[Rule] = &[];
