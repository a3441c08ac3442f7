//! Rules about the requests that routes take.

use super::Rule;

/// The rules of this group, by name.
pub(super) static RULES: &[Rule] = &[];
