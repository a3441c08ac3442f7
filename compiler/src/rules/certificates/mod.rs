//! Rules about TLS at the edge: certificates, and what is served without them.

use super::Rule;

/// The rules of this group, by name.
pub(super) static RULES: &[Rule] = &[];
