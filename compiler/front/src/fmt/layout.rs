//! The lines of a file with the blanks in front of each, and the edits within.

use std::collections::BTreeSet;
use std::ops::Range;

use super::flow;
use crate::parse::yaml::{Kind, NodeId, Style, Tree};

/// The blanks of a level.
const LEVEL: usize = 2;

/// What decides how far a line is moved in.
#[derive(Clone, Copy, Debug)]
enum Indent {
    /// Nothing yet: a comment, a blank line, or the mark of a document.
    Open,
    /// Something begins on it.
    At(usize),
    /// It goes on with what begins on an earlier line, and moves with it.
    With(usize),
}

/// A file on its way to another layout.
pub(super) struct Layout<'t> {
    text: &'t str,
    /// The bytes of each line, without its break.
    lines: Vec<Range<usize>>,
    indents: Vec<Indent>,
    edits: Vec<flow::BlankEdit>,
    /// The lines of blocks of text, where a blank at the end is part of the text.
    blocks: BTreeSet<usize>,
}

impl<'t> Layout<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        let mut lines = Vec::new();
        let mut start = 0_usize;
        for line in text.split_inclusive('\n') {
            let end = start.saturating_add(line.len());
            let bare = line.trim_end_matches('\n').trim_end_matches('\r');
            lines.push(start..start.saturating_add(bare.len()));
            start = end;
        }
        Self {
            text,
            indents: vec![Indent::Open; lines.len()],
            lines,
            edits: Vec::new(),
            blocks: BTreeSet::new(),
        }
    }

    /// Lays out a document; nothing where its layout is not known.
    pub(super) fn document(&mut self, tree: &Tree<'_>, root: NodeId) -> Option<()> {
        if !self.is_block(tree, root) {
            self.place(tree.span(root).bytes().start, 0);
        }
        self.node(tree, root, 0)
    }

    fn node(&mut self, tree: &Tree<'_>, id: NodeId, indent: usize) -> Option<()> {
        match tree.kind(id) {
            Kind::Mapping if self.is_block(tree, id) => self.mapping(tree, id, indent),
            Kind::Sequence if self.is_block(tree, id) => self.sequence(tree, id, indent),
            Kind::Mapping | Kind::Sequence => {
                let bytes = tree.span(id).bytes();
                if self.line(bytes.start) == self.line(bytes.end.saturating_sub(1)) {
                    let edits = flow::edits(tree, self.text, id);
                    self.edits.extend(edits.unwrap_or_default());
                }
                self.goes_on(&bytes);
                Some(())
            }
            Kind::Scalar { style, .. } => {
                let bytes = tree.span(id).bytes();
                self.goes_on(&bytes);
                let is_quoted = self.text.get(bytes.start..)?.starts_with(['"', '\'']);
                if style == Style::Text && !is_quoted {
                    let last = self.line(bytes.end.saturating_sub(1));
                    self.blocks.extend(self.line(bytes.start)?..=last?);
                }
                Some(())
            }
        }
    }

    fn mapping(&mut self, tree: &Tree<'_>, id: NodeId, indent: usize) -> Option<()> {
        for (key, value) in tree.entries(id) {
            let (key, bytes) = (tree.span(key).bytes(), tree.span(value).bytes());
            self.place(key.start, indent);
            self.goes_on(&key);
            if bytes.is_empty() {
                continue;
            }
            if self.line(key.end) == self.line(bytes.start) {
                let gap = self.text.get(key.end..bytes.start)?;
                // An anchor or a tag would stand there too.
                if gap.trim() == ":" {
                    self.edits.push((key.end..bytes.start, ": ".to_owned()));
                }
            } else {
                self.place(bytes.start, indent.saturating_add(LEVEL));
            }
            self.node(tree, value, indent.saturating_add(LEVEL))?;
        }
        Some(())
    }

    fn sequence(&mut self, tree: &Tree<'_>, id: NodeId, indent: usize) -> Option<()> {
        for item in tree.children(id) {
            let bytes = tree.span(item).bytes();
            if bytes.is_empty() {
                return None;
            }
            let before = self.text.get(..bytes.start)?.trim_end();
            let dash = before.strip_suffix('-')?.len();
            self.place(dash, indent);
            let behind = dash.saturating_add(1);
            if self.line(dash) == self.line(bytes.start) {
                self.edits.push((behind..bytes.start, " ".to_owned()));
            } else {
                self.place(bytes.start, indent.saturating_add(LEVEL));
            }
            self.node(tree, item, indent.saturating_add(LEVEL))?;
        }
        Some(())
    }

    /// Whether a list or mapping is written without brackets.
    fn is_block(&self, tree: &Tree<'_>, id: NodeId) -> bool {
        let start = tree.span(id).bytes().start;
        let rest = self.text.get(start..).unwrap_or_default();
        let first = tree.children(id).next();
        // A list without brackets may begin where its first item does, and that may have some.
        let begins_with_it = first.is_some_and(|first| tree.span(first).bytes().start == start);
        let is_open = begins_with_it || !rest.starts_with(['{', '[']);
        matches!(tree.kind(id), Kind::Mapping | Kind::Sequence) && is_open
    }

    /// Says how far the line is moved in on which something begins, if nothing stands in front of it.
    fn place(&mut self, at: usize, indent: usize) {
        let Some(line) = self.line(at) else { return };
        let start = self.lines.get(line).map_or(0, |bytes| bytes.start);
        let before = self.text.get(start..at).unwrap_or("x");
        if before.trim_start_matches(' ').is_empty()
            && let Some(known) = self.indents.get_mut(line)
        {
            *known = Indent::At(indent);
        }
    }

    /// Lets the lines behind the first one of some bytes move with it.
    fn goes_on(&mut self, bytes: &Range<usize>) {
        let last = self.line(bytes.end.saturating_sub(1));
        let Some((first, last)) = self.line(bytes.start).zip(last) else {
            return;
        };
        for line in first.saturating_add(1)..=last {
            if let Some(known) = self.indents.get_mut(line) {
                *known = Indent::With(first);
            }
        }
    }

    fn line(&self, at: usize) -> Option<usize> {
        let behind = self.lines.partition_point(|bytes| bytes.start <= at);
        behind.checked_sub(1)
    }

    /// The file in its layout; nothing where a line is about something that is not known.
    pub(super) fn text(mut self) -> Option<String> {
        self.edits.sort_by_key(|(bytes, _)| bytes.start);
        let mut all = String::with_capacity(self.text.len());
        let mut blank = 0_usize;
        for line in 0..self.lines.len() {
            let is_inner = matches!(self.indents.get(line)?, Indent::With(_));
            let body = self.body(line)?;
            if !is_inner && body.is_empty() {
                blank = blank.saturating_add(1);
                continue;
            }
            if 0 < blank && !all.is_empty() {
                all.push('\n');
            }
            blank = 0;
            if !body.is_empty() {
                all.push_str(&" ".repeat(self.indent(line)?));
            }
            all.push_str(&body);
            all.push('\n');
        }
        Some(all)
    }

    /// What stands on a line behind its blanks, with the edits within.
    fn body(&self, line: usize) -> Option<String> {
        let bytes = self.lines.get(line)?;
        let mut at = bytes.start.saturating_add(self.old_indent(line)?);
        let first = self.edits.partition_point(|(edit, _)| edit.start < at);
        let mut body = String::new();
        for (edit, blanks) in self.edits.get(first..)? {
            if bytes.end < edit.end {
                break;
            }
            body.push_str(self.text.get(at..edit.start)?);
            body.push_str(blanks);
            at = edit.end;
        }
        body.push_str(self.text.get(at..bytes.end)?);
        // Blanks at the end of a line of a text may be part of it.
        if !matches!(self.goes_on_behind(line), Some(true)) {
            body.truncate(body.trim_end().len());
        }
        Some(body)
    }

    /// Whether a line is within something that goes on, or begins it.
    fn goes_on_behind(&self, line: usize) -> Option<bool> {
        let is_with = |line: usize| Some(matches!(self.indents.get(line)?, Indent::With(_)));
        Some(
            self.blocks.contains(&line)
                || is_with(line)?
                || is_with(line.saturating_add(1)).unwrap_or_default(),
        )
    }

    fn old_indent(&self, line: usize) -> Option<usize> {
        let text = self.text.get(self.lines.get(line)?.clone())?;
        Some(
            text.len()
                .saturating_sub(text.trim_start_matches(' ').len()),
        )
    }

    /// The blanks in front of a line.
    fn indent(&self, line: usize) -> Option<usize> {
        match *self.indents.get(line)? {
            Indent::At(indent) => Some(indent),
            Indent::With(first) => {
                let (old, new) = (self.old_indent(first)?, self.indent(first)?);
                Some(
                    self.old_indent(line)?
                        .saturating_add(new)
                        .saturating_sub(old),
                )
            }
            Indent::Open => {
                let text = self.text.get(self.lines.get(line)?.clone())?.trim_start();
                if text.starts_with('#') {
                    return self.of_comment(line);
                }
                let is_mark = ["---", "..."].iter().any(|mark| text.starts_with(mark));
                is_mark.then_some(0)
            }
        }
    }

    /// A comment is about the next line, unless it stands further in: then it ends what was before.
    fn of_comment(&self, line: usize) -> Option<usize> {
        let old = self.old_indent(line)?;
        let is_at = |line: &usize| matches!(self.indents.get(*line), Some(Indent::At(_)));
        let next = (line.saturating_add(1)..self.lines.len()).find(is_at);
        if let Some(next) = next
            && old <= self.old_indent(next)?
            && !self.has_mark(line, next)
        {
            return self.indent(next);
        }
        let is_within =
            |line: &usize| is_at(line) && self.old_indent(*line).is_some_and(|one| one <= old);
        let before = (0..line).rev().find(is_within);
        before.map_or(Some(0), |before| self.indent(before))
    }

    /// Whether a document ends between two lines.
    fn has_mark(&self, from: usize, to: usize) -> bool {
        let lines = self.lines.get(from..to).unwrap_or_default();
        let mut lines = lines
            .iter()
            .filter_map(|bytes| self.text.get(bytes.clone()));
        lines.any(|line| line.starts_with("---") || line.starts_with("..."))
    }
}
