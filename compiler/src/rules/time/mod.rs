//! Rules about timeouts, retries and the calls between services.

use super::Rule;

/// The rules of this group, by name.
pub(super) static RULES: &[Rule] = &[];
