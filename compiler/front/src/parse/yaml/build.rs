//! Builds trees from events, within the limits, and refuses what the language leaves out.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use weft_spec::{FileId, Span};

use super::event::{Event, EventSource, Granit, Placed, Style, SyntaxError};
use super::scan::in_quotes;
use super::syntax::{Broken, unquoted_expression};
use super::tree::{Kind, NodeId, Tree, What};
use super::{MAX_DOCUMENTS, MAX_FILE_BYTES, MAX_NESTING, MAX_NODES};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::parse::codes;

/// Reads every document of `text`.
pub(super) fn documents<'s>(
    file: FileId,
    text: &'s str,
    diagnostics: &mut Diagnostics,
) -> Vec<Tree<'s>> {
    if MAX_FILE_BYTES < text.len() {
        diagnostics.push(too_long(file, text));
        return Vec::new();
    }
    let mut source = Granit::new(text, MAX_NESTING);
    let mut trees = Vec::new();
    let mut budget = MAX_NODES;
    for _ in 0..MAX_DOCUMENTS {
        let mut builder = Builder::new(file, text, budget, diagnostics);
        let end = builder.document(&mut source);
        let tree = builder.tree;
        budget = budget.saturating_sub(tree.len());
        match end {
            End::Document => trees.extend(tree.root().is_some().then_some(tree)),
            End::Broken if source.skip_document() => {}
            End::Stream | End::Broken | End::TooLarge => return trees,
        }
    }
    if !matches!(source.next_event(), Ok(None)) {
        let message = format!("the file has more than {MAX_DOCUMENTS} documents");
        diagnostics.push(
            Diagnostic::new(
                &crate::diagnostic::TOO_LARGE,
                Span::new(file, 0, 0),
                message,
            )
            .help("split it into several files"),
        );
    }
    trees
}

/// How the reading of a document ended.
enum End {
    Document,
    Stream,
    Broken,
    TooLarge,
}

struct Builder<'s, 'd> {
    text: &'s str,
    tree: Tree<'s>,
    open: Vec<NodeId>,
    last_end: usize,
    budget: usize,
    diagnostics: &'d mut Diagnostics,
}

impl<'s, 'd> Builder<'s, 'd> {
    fn new(file: FileId, text: &'s str, budget: usize, diagnostics: &'d mut Diagnostics) -> Self {
        Self {
            text,
            tree: Tree::new(file, text),
            open: Vec::new(),
            last_end: 0,
            budget,
            diagnostics,
        }
    }

    fn document(&mut self, source: &mut impl EventSource<'s>) -> End {
        loop {
            let placed = match source.next_event() {
                Ok(Some(placed)) => placed,
                Ok(None) => return End::Stream,
                Err(error) => {
                    self.syntax_error(&error);
                    return End::Broken;
                }
            };
            if self.budget < self.tree.len() {
                self.too_many_nodes(placed.bytes);
                return End::TooLarge;
            }
            if let Event::DocumentEnd = placed.event {
                self.drop_empty();
                return End::Document;
            }
            self.step(placed);
            if MAX_NESTING < self.open.len() {
                self.too_deep();
                return End::Broken;
            }
        }
    }

    fn step(&mut self, placed: Placed<'s>) {
        let Placed { event, bytes, tag } = placed;
        if let Some(tag) = tag {
            self.unsupported(
                tag,
                "tags are not part of the language",
                "remove the tag; quote the value to make it a text",
            );
        }
        match event {
            Event::DocumentStart => self.last_end = bytes.end,
            Event::DocumentEnd => {}
            Event::Scalar(mut text, style) => {
                if bytes.is_empty() && style == Style::Plain {
                    text = Cow::Borrowed("");
                }
                let bytes = self.settle(bytes);
                let has_expression = may_hold_expression(&text);
                let id = self.add_scalar(text, style, bytes);
                if has_expression {
                    self.tree.templated.push(id);
                }
                self.close(id);
            }
            Event::SequenceStart => self.start(What::Sequence, bytes),
            Event::MappingStart => self.start(What::Mapping, bytes),
            Event::CollectionEnd { bracket } => {
                if bracket {
                    self.last_end = bytes.end;
                }
                self.end_collection();
            }
            Event::Anchor => self.unsupported(
                bytes,
                "anchors are not part of the language",
                "remove the anchor and write the value where it is needed",
            ),
            Event::Alias => {
                self.alias(bytes.clone());
                let text = Cow::Borrowed("");
                let id = self.add_scalar(text, Style::Text, bytes);
                self.tree.refused.insert(id);
                self.close(id);
            }
        }
    }

    /// The bytes of a scalar; one without any lies behind the token before it.
    fn settle(&mut self, bytes: Range<usize>) -> Range<usize> {
        if bytes.is_empty() {
            return self.last_end..self.last_end;
        }
        let written = self.text.get(bytes.clone()).unwrap_or_default();
        let end = bytes.start.saturating_add(written.trim_end().len());
        self.last_end = end;
        bytes.start..end
    }

    fn start(&mut self, what: What, bytes: Range<usize>) {
        let id = self.tree.add(what, offset(bytes.start), offset(bytes.end));
        self.open.push(id);
    }

    fn add_scalar(&mut self, text: Cow<'s, str>, style: Style, bytes: Range<usize>) -> NodeId {
        let bytes = (offset(bytes.start), offset(bytes.end));
        self.tree.add_scalar(text, style, bytes)
    }

    fn close(&mut self, id: NodeId) {
        let (next, end) = (offset(self.tree.len()), offset(self.last_end));
        let node = usize::try_from(id.0)
            .ok()
            .and_then(|index| self.tree.nodes.get_mut(index));
        if let Some(node) = node {
            node.next = next;
            node.end = node.end.max(end).max(node.start);
        }
    }

    fn end_collection(&mut self) {
        let Some(id) = self.open.pop() else {
            return;
        };
        self.close(id);
        if matches!(self.tree.kind(id), Kind::Mapping) {
            self.check_keys(id);
        }
    }

    /// Refuses keys that are not names, and keys that are there twice.
    fn check_keys(&mut self, mapping: NodeId) {
        let mut places: BTreeMap<&str, Span> = BTreeMap::new();
        let mut found = Diagnostics::default();
        let mut refused = Vec::new();
        for (key, value) in self.tree.entries(mapping) {
            let span = self.tree.span(key);
            let Some(text) = self.tree.text(key) else {
                found.push(self.collection_as_key(mapping, key));
                refused.extend([mapping, value]);
                continue;
            };
            if text == "<<" {
                refused.extend([key, value]);
                found.push(
                    Diagnostic::new(
                        &codes::UNSUPPORTED_YAML,
                        span,
                        "merge keys are not part of the language",
                    )
                    .help("write the values where they are needed"),
                );
            } else if text.is_empty() {
                refused.extend([key, value]);
                // The value of a broken mapping may stand in front of its key.
                let end = self.tree.span(value).end.max(span.start);
                let span = Span::new(span.file, span.start, end);
                found.push(
                    Diagnostic::new(&codes::UNSUPPORTED_YAML, span, "a key is missing")
                        .help("write a name in front of the `:`"),
                );
            } else if may_hold_expression(text) {
                refused.extend([key, value]);
                found.push(
                    Diagnostic::new(
                        &codes::BAD_EXPRESSION,
                        span,
                        "an expression cannot stand in a key",
                    )
                    .note("an expression changes a value, never the structure"),
                );
            }
            match places.get(text) {
                Some(first) => {
                    refused.extend([key, value]);
                    found.push(duplicate_key(text, span, *first));
                }
                None => {
                    places.insert(text, span);
                }
            }
        }
        self.tree.refused.extend(refused);
        self.diagnostics.append(found);
    }

    fn collection_as_key(&self, mapping: NodeId, key: NodeId) -> Diagnostic {
        let span = self.tree.span(mapping);
        let start = usize::try_from(span.start).unwrap_or_default();
        let written = self.text.get(start..).unwrap_or_default();
        if !written.starts_with("{{") {
            return Diagnostic::new(
                &codes::UNSUPPORTED_YAML,
                self.tree.span(key),
                "a list or a mapping cannot be a key",
            )
            .help("write a name");
        }
        let length = written.find("}}").map_or(2, |end| end.saturating_add(2));
        unquoted_expression(
            self.tree.file,
            start..start.saturating_add(length),
            self.text,
        )
    }

    fn syntax_error(&mut self, error: &SyntaxError) {
        if error.is_nesting {
            self.too_deep();
            return;
        }
        let text = self.text;
        let mut starts = self
            .open
            .iter()
            .rev()
            .map(|id| self.tree.span(*id).bytes().start);
        let bracket = |at: &usize| {
            text.get(*at..)
                .is_some_and(|rest| rest.starts_with(['[', '{']))
        };
        let broken = Broken {
            file: self.tree.file,
            text,
            bracket: starts.find(bracket),
        };
        self.diagnostics.push(broken.explain(error));
    }

    fn too_deep(&mut self) {
        let span = self
            .open
            .last()
            .map_or(Span::new(self.tree.file, 0, 0), |id| self.tree.span(*id));
        let span = Span::new(span.file, span.start, span.start.saturating_add(1));
        self.diagnostics.push(Diagnostic::new(
            &crate::diagnostic::TOO_LARGE,
            span,
            format!("lists and mappings are nested more than {MAX_NESTING} deep"),
        ));
    }

    fn too_many_nodes(&mut self, bytes: Range<usize>) {
        let span = self.span(bytes);
        self.diagnostics.push(
            Diagnostic::new(
                &crate::diagnostic::TOO_LARGE,
                span,
                format!("the file has more than {MAX_NODES} keys and values"),
            )
            .help("split it into several files"),
        );
    }

    fn unsupported(&mut self, bytes: Range<usize>, message: &str, help: &str) {
        let span = self.span(bytes);
        self.diagnostics
            .push(Diagnostic::new(&codes::UNSUPPORTED_YAML, span, message).help(help));
    }

    /// An alias, which is a host that lacks its quotes more often than not.
    fn alias(&mut self, bytes: Range<usize>) {
        let written = self.text.get(bytes.clone()).unwrap_or_default();
        let quoted = in_quotes(written).filter(|_| written.starts_with("*."));
        let Some(quoted) = quoted else {
            let message = "aliases are not part of the language";
            self.unsupported(bytes, message, "write the value here");
            return;
        };
        let span = self.span(bytes);
        let message = format!("without quotes, `{written}` is an alias to YAML");
        let found = Diagnostic::new(&codes::UNSUPPORTED_YAML, span, message)
            .help("put the host in quotes")
            .edit(span, quoted);
        self.diagnostics.push(found);
    }

    /// A document in which nothing is written is no document.
    fn drop_empty(&mut self) {
        let only = self.tree.root().filter(|_| self.tree.len() == 1);
        let is_nothing = |root| match self.tree.kind(root) {
            Kind::Scalar { text, style } => style == Style::Plain && text.is_empty(),
            Kind::Sequence | Kind::Mapping => false,
        };
        if only.is_some_and(is_nothing) {
            self.tree.nodes.clear();
        }
    }

    fn span(&self, bytes: Range<usize>) -> Span {
        Span::new(self.tree.file, offset(bytes.start), offset(bytes.end))
    }
}

fn duplicate_key(name: &str, again: Span, first: Span) -> Diagnostic {
    Diagnostic::new(
        &codes::DUPLICATE_KEY,
        again,
        format!("`{name}` is there twice"),
    )
    .saying("again here")
    .label(first, "first here")
    .help("remove one of them, or give it another name")
}

fn too_long(file: FileId, text: &str) -> Diagnostic {
    let message = format!(
        "the file has {} bytes; at most {MAX_FILE_BYTES} are read",
        text.len()
    );
    Diagnostic::new(
        &crate::diagnostic::TOO_LARGE,
        Span::new(file, 0, 0),
        message,
    )
    .help("split it into several files")
}

/// Whether an expression begins in a text. Few have a brace at all, and one byte is looked for faster than two.
fn may_hold_expression(text: &str) -> bool {
    text.contains('{') && text.contains("{{")
}

/// A position as the tree keeps it; files are at most [`MAX_FILE_BYTES`] long.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
