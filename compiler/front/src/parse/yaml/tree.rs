//! One YAML document as a tree of nodes with their bytes.
//!
//! The nodes lie in one list in the order of the text, each knowing where the next one behind its
//! subtree is; there are no lists of children, and walking is moving forward.

use std::borrow::Cow;
use std::collections::BTreeSet;

use weft_spec::{FileId, Span};

use super::event::Style;

/// A node, by its position in the list.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct NodeId(pub(super) u32);

/// What a node is.
#[derive(Clone, Debug)]
pub(crate) enum Kind<'s> {
    /// One value.
    Scalar {
        /// The value, with escapes resolved.
        text: Cow<'s, str>,
        /// How it was written.
        style: Style,
    },
    /// A list.
    Sequence,
    /// A mapping: its children are key, value, key, value, …
    Mapping,
}

/// A node with its bytes.
#[derive(Clone, Debug)]
pub(crate) struct Node<'s> {
    /// What it is.
    pub(crate) kind: Kind<'s>,
    /// Its first byte.
    pub(super) start: u32,
    /// The byte behind its last one.
    pub(super) end: u32,
    /// The position of the first node behind its subtree.
    pub(super) next: u32,
}

/// One document.
#[derive(Debug)]
pub(crate) struct Tree<'s> {
    pub(super) file: FileId,
    pub(super) nodes: Vec<Node<'s>>,
    pub(super) templated: Vec<NodeId>,
    pub(super) refused: BTreeSet<NodeId>,
}

impl<'s> Tree<'s> {
    /// The outermost node; nothing when the document is empty.
    pub(crate) fn root(&self) -> Option<NodeId> {
        (!self.nodes.is_empty()).then_some(NodeId(0))
    }

    /// The file that it is in.
    pub(crate) fn file(&self) -> FileId {
        self.file
    }

    /// The number of nodes.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The scalars with `{{` in them, in the order of the text.
    pub(crate) fn templated(&self) -> &[NodeId] {
        &self.templated
    }

    /// The values that were reported already: nothing is to be said about them again.
    pub(crate) fn refused(&self) -> &BTreeSet<NodeId> {
        &self.refused
    }

    /// Marks a value as reported.
    pub(crate) fn refuse(&mut self, id: NodeId) {
        self.refused.insert(id);
    }

    /// Replaces the value of a scalar; its bytes stay.
    pub(crate) fn replace(&mut self, id: NodeId, text: String, style: Style) {
        if let Some(node) = index(id).and_then(|index| self.nodes.get_mut(index)) {
            node.kind = Kind::Scalar {
                text: Cow::Owned(text),
                style,
            };
        }
    }

    /// What a node is; an id of another tree is an empty list.
    pub(crate) fn kind(&self, id: NodeId) -> &Kind<'s> {
        self.node(id).map_or(&Kind::Sequence, |node| &node.kind)
    }

    /// The bytes of a node.
    pub(crate) fn span(&self, id: NodeId) -> Span {
        self.node(id).map_or(Span::NONE, |node| {
            Span::new(self.file, node.start, node.end)
        })
    }

    /// The text of a scalar.
    pub(crate) fn text(&self, id: NodeId) -> Option<&str> {
        match self.kind(id) {
            Kind::Scalar { text, .. } => Some(text),
            Kind::Sequence | Kind::Mapping => None,
        }
    }

    /// The nodes directly below a node, in the order of the text.
    pub(crate) fn children(&self, id: NodeId) -> Children<'_, 's> {
        let end = self.node(id).map_or(0, |node| node.next);
        Children {
            tree: self,
            at: id.0.saturating_add(1),
            end,
        }
    }

    /// The entries of a mapping, in the order of the text.
    pub(crate) fn entries(&self, id: NodeId) -> impl Iterator<Item = (NodeId, NodeId)> {
        let mut children = self.children(id);
        std::iter::from_fn(move || Some((children.next()?, children.next()?)))
    }

    fn node(&self, id: NodeId) -> Option<&Node<'s>> {
        self.nodes.get(index(id)?)
    }
}

/// The nodes directly below a node.
#[derive(Clone, Debug)]
pub(crate) struct Children<'t, 's> {
    tree: &'t Tree<'s>,
    at: u32,
    end: u32,
}

impl Iterator for Children<'_, '_> {
    type Item = NodeId;

    fn next(&mut self) -> Option<NodeId> {
        if self.end <= self.at {
            return None;
        }
        let id = NodeId(self.at);
        self.at = self.tree.node(id)?.next.max(self.at.saturating_add(1));
        Some(id)
    }
}

fn index(id: NodeId) -> Option<usize> {
    usize::try_from(id.0).ok()
}
