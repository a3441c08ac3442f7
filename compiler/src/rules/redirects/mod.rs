//! Rules about redirects and rewrites.

use super::Rule;

/// The rules of this group, by name.
pub(super) static RULES: &[Rule] = &[];
