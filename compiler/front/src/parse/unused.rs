//! Values that no expression uses: a name that was misspelt, or one that a spec has left behind.

use std::collections::BTreeSet;

use super::codes::UNUSED_VALUE;
use super::template::Values;
use crate::diagnostic::Diagnostic;

/// A finding for each value of the files of values whose name no expression of the spec uses.
pub(super) fn findings(values: &Values, used: &BTreeSet<String>) -> Vec<Diagnostic> {
    let is_used = |name: &str| {
        // An expression may name a mapping and look into it, and a filter into a list.
        let below = format!("{name}.");
        let mut around = name
            .match_indices('.')
            .map(|(at, _)| name.get(..at).unwrap_or_default());
        used.contains(name)
            || around.any(|outer| used.contains(outer))
            || used
                .range(below.clone()..)
                .next()
                .is_some_and(|next| next.starts_with(&below))
    };
    let unused = values.leaves().filter(|(name, _)| !is_used(name));
    unused
        .map(|(name, span)| {
            let message = format!("no expression of the spec uses the value `{name}`");
            Diagnostic::new(&UNUSED_VALUE, span, message).help(format!(
                "remove it, or write `\"{{{{ {name} }}}}\"` where it is meant to be used"
            ))
        })
        .collect()
}
