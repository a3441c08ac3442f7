//! From bytes to lines and columns, with an index of lines made once per file.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;

use weft_spec::{FileId, Span};

use crate::source::Sources;

/// A place as people count: lines and columns from 1, columns in characters; the end is excluded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct TextRange {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) end_line: usize,
    pub(super) end_column: usize,
}

/// A few whole lines of a file.
#[derive(Debug)]
pub(super) struct Window<'s> {
    /// Their text.
    pub(super) text: &'s str,
    /// Where it begins in the file.
    pub(super) start: usize,
    /// The number of its first line.
    pub(super) line: usize,
}

/// The files of a run, with their lines.
pub(super) struct Places<'s> {
    sources: &'s Sources,
    lines: RefCell<BTreeMap<FileId, Rc<[usize]>>>,
    /// The last place of which the column was counted: findings come in the order of their places, so that a long line is
    /// counted through once and not for each of them.
    last: Cell<Counted>,
}

/// The symbols of a line in front of a byte.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    file: FileId,
    line_start: usize,
    at: usize,
    symbols: usize,
}

impl<'s> Places<'s> {
    pub(super) fn new(sources: &'s Sources) -> Self {
        Self {
            sources,
            lines: RefCell::default(),
            last: Cell::default(),
        }
    }

    /// The path to show for a file.
    pub(super) fn path(&self, file: FileId) -> String {
        self.sources.shown_path(file)
    }

    /// Lines and columns of a span; nothing for a span in no file.
    pub(super) fn region(&self, span: Span) -> Option<TextRange> {
        let range = self.range(span)?;
        let (line, column) = self.position(span.file, range.start);
        let (end_line, end_column) = self.position(span.file, range.end);
        Some(TextRange {
            line,
            column,
            end_line,
            end_column,
        })
    }

    /// The bytes of a span, within its file.
    pub(super) fn range(&self, span: Span) -> Option<Range<usize>> {
        let length = self.text(span.file)?.len();
        let start = usize::try_from(span.start).ok()?.min(length);
        let end = usize::try_from(span.end).ok()?.min(length);
        Some(start..end.max(start))
    }

    /// The line of a byte, from 1.
    pub(super) fn line(&self, file: FileId, at: usize) -> usize {
        self.position(file, at).0
    }

    /// The column of a byte, from 1.
    pub(super) fn column(&self, file: FileId, at: usize) -> usize {
        self.position(file, at).1
    }

    /// The lines from `around` before the first of `lines` to `around` behind the last.
    pub(super) fn window(
        &self,
        file: FileId,
        lines: Range<usize>,
        around: usize,
    ) -> Option<Window<'s>> {
        let text = self.text(file)?;
        let starts = self.starts(file);
        let first = lines.start.saturating_sub(around).max(1);
        let start = starts.get(first.saturating_sub(1)).copied()?;
        let behind = lines.end.saturating_add(around);
        let end = starts.get(behind).copied().unwrap_or(text.len());
        Some(Window {
            text: text.get(start..end)?.trim_end_matches(['\n', '\r']),
            start,
            line: first,
        })
    }

    fn text(&self, file: FileId) -> Option<&'s str> {
        self.sources.file(file).map(|source| source.text.as_str())
    }

    fn position(&self, file: FileId, at: usize) -> (usize, usize) {
        let starts = self.starts(file);
        let line = starts.partition_point(|start| *start <= at).max(1);
        let start = starts
            .get(line.saturating_sub(1))
            .copied()
            .unwrap_or_default();
        (line, self.symbols(file, start, at).saturating_add(1))
    }

    /// The symbols between the start of a line and a byte in it.
    fn symbols(&self, file: FileId, line_start: usize, at: usize) -> usize {
        let last = self.last.get();
        let goes_on = last.file == file && last.line_start == line_start && last.at <= at;
        let (from, known) = if goes_on {
            (last.at, last.symbols)
        } else {
            (line_start, 0)
        };
        let text = self.text(file).unwrap_or_default();
        let between = text.get(from..at).unwrap_or_default();
        let symbols = known.saturating_add(between.chars().count());
        self.last.set(Counted {
            file,
            line_start,
            at,
            symbols,
        });
        symbols
    }

    fn starts(&self, file: FileId) -> Rc<[usize]> {
        let text = self.text(file).unwrap_or_default();
        let index = || {
            let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
            let behind = newlines.map(|(at, _)| at.saturating_add(1));
            std::iter::once(0).chain(behind).collect()
        };
        Rc::clone(self.lines.borrow_mut().entry(file).or_insert_with(index))
    }
}
