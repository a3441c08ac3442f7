//! Finds the rules whose paths may start like those of an expression, without looking at all rules.

use crate::languages::literal_prefix;
use crate::predicate::Ranked;

/// The rules of one host by the literal text that their paths start with.
pub(super) struct Prefixes {
    // Sorted: prefix, position of the rule.
    entries: Vec<(String, usize)>,
}

impl Prefixes {
    /// Indexes the rules.
    pub(super) fn new(rules: &[&impl Ranked]) -> Self {
        let mut entries: Vec<(String, usize)> = rules
            .iter()
            .enumerate()
            .map(|(position, rule)| (literal_prefix(rule.path()), position))
            .collect();
        entries.sort();
        Self { entries }
    }

    /// The positions of all rules that may share a path with `rule`, itself included.
    pub(super) fn candidates(&self, rule: &impl Ranked) -> Vec<usize> {
        let prefix = literal_prefix(rule.path());
        let mut found = Vec::new();
        for (length, _) in prefix.char_indices() {
            // Shorter prefixes of other rules.
            let shorter = prefix.get(..length).unwrap_or_default();
            found.extend(self.from(shorter).take_while(|(text, _)| text == shorter));
        }
        found.extend(
            self.from(&prefix)
                .take_while(|(text, _)| text.starts_with(&prefix)),
        );
        let mut positions: Vec<usize> = found.into_iter().map(|(_, position)| *position).collect();
        positions.sort_unstable();
        positions
    }

    fn from<'index>(&'index self, text: &str) -> impl Iterator<Item = &'index (String, usize)> {
        let first = self
            .entries
            .partition_point(|(prefix, _)| prefix.as_str() < text);
        self.entries.iter().skip(first)
    }
}
