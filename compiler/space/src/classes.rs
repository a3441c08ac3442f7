//! Hosts that some patterns do not tell apart, with one host of each such class.
//!
//! Of the patterns that match a host the most specific decides the class: patterns are suffixes, so each wider one that matches it
//! covers that one whole. There are as many classes as patterns.

use std::collections::BTreeMap;
use std::ops::Bound;

use weft_snapshot::choice::HostIndex;

use super::hosts::free_host;

/// Patterns, in an order in which those below a wildcard stand together.
#[derive(Clone, Debug, Default)]
pub struct HostClasses<'run> {
    /// By what ends every host of the pattern, back to front.
    patterns: BTreeMap<(String, Spread), &'run str>,
    index: HostIndex<&'run str>,
}

/// What a pattern matches of the names that end alike.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Spread {
    /// The name itself.
    Exact,
    /// What is below.
    Below,
}

fn key(pattern: &str) -> (String, Spread) {
    let back_to_front = |text: &str| text.chars().rev().collect();
    match pattern.strip_prefix('*') {
        Some(suffix) => (back_to_front(suffix), Spread::Below),
        None => (back_to_front(pattern), Spread::Exact),
    }
}

impl<'run> HostClasses<'run> {
    /// The classes of these patterns.
    pub fn new(patterns: impl IntoIterator<Item = &'run str>) -> Self {
        let mut classes = Self::default();
        classes.extend(patterns);
        classes
    }

    /// Adds patterns.
    pub fn extend(&mut self, patterns: impl IntoIterator<Item = &'run str>) {
        for pattern in patterns {
            self.patterns.insert(key(pattern), pattern);
            self.index.insert(pattern, pattern);
        }
    }

    /// One host of each class within a pattern.
    pub fn hosts_of(&self, pattern: &str) -> Vec<String> {
        let (ending, kind) = key(pattern);
        if kind == Spread::Exact {
            return vec![pattern.to_owned()];
        }
        let from = Bound::Included((ending.clone(), Spread::Exact));
        let below = self.patterns.range((from, Bound::Unbounded));
        let below = below
            .take_while(|((other, _), _)| other.starts_with(&ending))
            .map(|(_, one)| *one)
            // A name that is only the suffix itself (`.a.example`) is none.
            .filter(|one| *one != pattern);
        below
            .chain([pattern])
            .filter_map(|one| self.host(one))
            .collect()
    }

    /// A host that a pattern matches and no more specific one.
    fn host(&self, pattern: &str) -> Option<String> {
        let is_its = |host: &String| {
            let best = self.most_specific(host);
            best.is_none_or(|best| best == pattern || crate::hosts::host_covers(best, pattern))
        };
        free_host(pattern, "", self.patterns.len(), is_its)
    }

    /// The most specific pattern that matches a host.
    pub fn most_specific(&self, host: &str) -> Option<&'run str> {
        self.index.best(host).map(|(_, pattern)| *pattern)
    }
}

#[cfg(test)]
mod tests {
    use super::HostClasses;

    #[test]
    fn every_class_has_a_host() {
        let classes = HostClasses::new(["*", "*.a.example", "x.a.example", "a.example", "x"]);
        assert_eq!(
            classes.hosts_of("*"),
            ["a.example", "x1.a.example", "x.a.example", "x", "x.example"]
        );
        assert_eq!(
            classes.hosts_of("*.a.example"),
            ["x.a.example", "x1.a.example"]
        );
        assert_eq!(classes.hosts_of("*.b.example"), ["x.b.example"]);
        assert_eq!(classes.hosts_of("y.a.example"), ["y.a.example"]);
        assert_eq!(classes.most_specific("y.a.example"), Some("*.a.example"));
        assert_eq!(classes.most_specific("y.b.example"), Some("*"));
        assert_eq!(classes.most_specific("a.example"), Some("a.example"));
        let two = HostClasses::new(["*.example", "x.example", "*.x1.example"]);
        assert_eq!(two.most_specific("x1.example"), Some("*.example"));
        assert_eq!(two.most_specific("example"), None);
    }
}
