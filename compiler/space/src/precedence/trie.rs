//! The structural paths of one host as a trie of segments.

use std::collections::BTreeMap;

use weft_snapshot::plan::Segment;

/// The position of a node.
pub type NodeId = usize;

/// One segment of some paths.
#[derive(Debug, Default)]
pub struct Node<'rule> {
    /// Where literal segments lead.
    pub literals: BTreeMap<&'rule str, NodeId>,
    /// Where a free segment leads.
    pub any: Option<NodeId>,
    /// Rules whose paths end here.
    pub exact: Vec<usize>,
    /// Rules whose paths end here or go on below.
    pub rest: Vec<usize>,
}

/// All structural paths of a host; the first node is the root.
#[derive(Debug)]
pub struct Trie<'rule> {
    nodes: Vec<Node<'rule>>,
}

/// A trie without paths.
impl Default for Trie<'_> {
    fn default() -> Self {
        Self {
            nodes: vec![Node::default()],
        }
    }
}

impl<'rule> Trie<'rule> {
    /// The root.
    pub const ROOT: NodeId = 0;

    /// Adds the path of the rule at `position`.
    pub fn insert(&mut self, segments: &'rule [Segment], rest: bool, position: usize) {
        let mut current = Self::ROOT;
        for segment in segments {
            let fresh = self.nodes.len();
            let Some(node) = self.nodes.get_mut(current) else {
                return;
            };
            current = match segment {
                Segment::Literal { text } => *node.literals.entry(text).or_insert(fresh),
                Segment::Any { .. } => *node.any.get_or_insert(fresh),
            };
            if current == fresh {
                self.nodes.push(Node::default());
            }
        }
        if let Some(node) = self.nodes.get_mut(current) {
            let ends = if rest {
                &mut node.rest
            } else {
                &mut node.exact
            };
            ends.push(position);
        }
    }

    /// The number of nodes; ids of children are larger than those of their parents.
    pub fn nodes(&self) -> usize {
        self.nodes.len()
    }

    /// The node of this id.
    #[expect(
        clippy::indexing_slicing,
        reason = "ids come from this trie, which only grows"
    )]
    pub fn node(&self, id: NodeId) -> &Node<'rule> {
        &self.nodes[id]
    }
}
