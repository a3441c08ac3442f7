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
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind<'t> {
    /// One value.
    Scalar {
        /// The value, with escapes resolved.
        text: &'t str,
        /// How it was written.
        style: Style,
    },
    /// A list.
    Sequence,
    /// A mapping: its children are key, value, key, value, …
    Mapping,
}

/// A node with its bytes. A file may have millions of them, so it is small: most values are what is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    /// What it is.
    pub(super) what: What,
    /// Its first byte.
    pub(super) start: u32,
    /// The byte behind its last one.
    pub(super) end: u32,
    /// The position of the first node behind its subtree.
    pub(super) next: u32,
}

/// What a node is, and where its value is.
#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    /// A value that is written as it is: its bytes.
    Written(Style),
    /// Another value, by its position among those.
    Kept(u32, Style),
    /// A list.
    Sequence,
    /// A mapping.
    Mapping,
}

/// One document.
#[derive(Debug)]
pub(crate) struct Tree<'s> {
    pub(super) file: FileId,
    pub(super) written: &'s str,
    pub(super) nodes: Vec<Node>,
    /// The values that are not what is written: of quoted and folded texts, and of expressions.
    kept: Vec<Cow<'s, str>>,
    pub(super) templated: Vec<NodeId>,
    pub(super) refused: BTreeSet<NodeId>,
}

/// A node for so many bytes is what specs have. There is room for those of a small file at once, and no more for each of many documents.
const BYTES_OF_A_NODE: usize = 12;
const FIRST_NODES: usize = 512;

impl NodeId {
    /// The node behind this one in the order of the text: of a key, its value.
    pub(crate) fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl<'s> Tree<'s> {
    /// A document of a text that has no nodes yet.
    pub(super) fn new(file: FileId, written: &'s str) -> Self {
        Self {
            file,
            written,
            nodes: Vec::with_capacity((written.len() / BYTES_OF_A_NODE).min(FIRST_NODES)),
            kept: Vec::new(),
            templated: Vec::new(),
            refused: BTreeSet::new(),
        }
    }

    /// Adds a node behind all others.
    pub(super) fn add(&mut self, what: What, start: u32, end: u32) -> NodeId {
        let id = NodeId(position(self.nodes.len()));
        self.nodes.push(Node {
            what,
            start,
            end,
            next: id.0.saturating_add(1),
        });
        id
    }

    /// Adds a value behind all other nodes.
    pub(super) fn add_scalar(
        &mut self,
        text: Cow<'s, str>,
        style: Style,
        (start, end): (u32, u32),
    ) -> NodeId {
        let what = if self.slice(start, end) == text {
            What::Written(style)
        } else {
            self.keep(text, style)
        };
        self.add(what, start, end)
    }

    fn keep(&mut self, text: Cow<'s, str>, style: Style) -> What {
        self.kept.push(text);
        What::Kept(position(self.kept.len() - 1), style)
    }

    fn slice(&self, start: u32, end: u32) -> &'s str {
        let bytes = Span::new(self.file, start, end).bytes();
        self.written.get(bytes).unwrap_or_default()
    }

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
        let what = self.keep(Cow::Owned(text), style);
        if let Some(node) = index(id).and_then(|index| self.nodes.get_mut(index)) {
            node.what = what;
        }
    }

    /// What a node is; an id of another tree is an empty list.
    pub(crate) fn kind(&self, id: NodeId) -> Kind<'_> {
        let Some(node) = self.node(id) else {
            return Kind::Sequence;
        };
        match node.what {
            What::Written(style) => {
                let text = self.slice(node.start, node.end);
                Kind::Scalar { text, style }
            }
            What::Kept(at, style) => {
                let text = index(NodeId(at)).and_then(|at| self.kept.get(at));
                let text = text.map_or("", |text| &**text);
                Kind::Scalar { text, style }
            }
            What::Sequence => Kind::Sequence,
            What::Mapping => Kind::Mapping,
        }
    }

    /// Whether a node is a scalar without quotes whose value is what stands in the file; not the value of an expression.
    pub(crate) fn is_plain(&self, id: NodeId) -> bool {
        let what = self.node(id).map(|node| node.what);
        matches!(what, Some(What::Written(Style::Plain)))
    }

    /// Whether another document of the file stands in front of a node.
    pub(crate) fn is_behind_another(&self, id: NodeId) -> bool {
        let bytes = self.span(id).bytes();
        let before = self.written.get(..bytes.start).unwrap_or_default();
        let mut lines = before
            .lines()
            .rev()
            .skip_while(|line| !line.starts_with("---"));
        lines.next().is_some() && lines.any(|line| !line.is_empty() && !line.starts_with('#'))
    }

    /// Whether what follows a place on its line is a `,` or a bracket.
    pub(crate) fn is_in_brackets(&self, span: Span) -> bool {
        let rest = self.written.get(span.bytes().end..).unwrap_or_default();
        rest.trim_start_matches(' ').starts_with([',', '}', ']'])
    }

    /// Whether a node is a scalar that was written without quotes.
    pub(super) fn is_written_plain(&self, id: NodeId) -> bool {
        let what = self.node(id).map(|node| node.what);
        matches!(
            what,
            Some(What::Written(Style::Plain) | What::Kept(_, Style::Plain))
        )
    }

    /// All nodes, in the order of the text.
    pub(super) fn ids(&self) -> impl Iterator<Item = NodeId> {
        (0..position(self.nodes.len())).map(NodeId)
    }

    /// The bytes of a node.
    pub(crate) fn span(&self, id: NodeId) -> Span {
        self.node(id).map_or(Span::NONE, |node| {
            Span::new(self.file, node.start, node.end)
        })
    }

    /// A node as it stands in the file, quotes included.
    pub(crate) fn written(&self, id: NodeId) -> &str {
        self.node(id)
            .map_or("", |node| self.slice(node.start, node.end))
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

    fn node(&self, id: NodeId) -> Option<&Node> {
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

/// A position in a list; documents have at most [`super::MAX_NODES`] nodes.
fn position(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

fn index(id: NodeId) -> Option<usize> {
    usize::try_from(id.0).ok()
}
