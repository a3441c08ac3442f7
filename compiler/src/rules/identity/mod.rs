//! Rules about who may call whom, and how hops are authenticated.

use super::Rule;

/// The rules of this group, by name.
pub(super) static RULES: &[Rule] = &[];
