//! Which entries of a table may have a path in common with a pattern, without asking all of them.
//!
//! What comes back may be too much: an expression counts as if it had every path. Whoever asks looks at the patterns themselves.

use weft_snapshot::plan::{PathPattern, Segment};

use super::walk::Paths;
use crate::precedence::trie::{NodeId, Trie};

impl Paths<'_> {
    /// The entries that may share a path with a pattern, ascending.
    pub(super) fn sharing(&self, pattern: &PathPattern) -> Vec<u32> {
        let (segments, rest) = match pattern {
            PathPattern::Segments { segments, rest } => (segments.as_slice(), *rest),
            PathPattern::Regex { .. } => (&[][..], true),
        };
        let trie = &self.trie;
        let mut found: Vec<usize> = Vec::new();
        let mut nodes: Vec<NodeId> = vec![Trie::ROOT];
        for segment in segments {
            let mut next = Vec::new();
            for id in nodes {
                let node = trie.node(id);
                found.extend(&node.rest);
                next.extend(node.any);
                match segment {
                    Segment::Literal { text } => next.extend(node.literals.get(text.as_str())),
                    Segment::Any { .. } => next.extend(node.literals.values()),
                }
            }
            nodes = next;
        }
        while let Some(id) = nodes.pop() {
            let node = trie.node(id);
            found.extend(node.exact.iter().chain(&node.rest));
            if rest {
                nodes.extend(node.any);
                nodes.extend(node.literals.values());
            }
        }
        let structural = found
            .into_iter()
            .filter_map(|entry| u32::try_from(entry).ok());
        let expressions = self.expressions.iter().flat_map(|(_, entries)| entries);
        let mut all: Vec<u32> = structural.chain(expressions.copied()).collect();
        all.sort_unstable();
        all
    }
}
