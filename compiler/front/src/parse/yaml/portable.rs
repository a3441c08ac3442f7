//! Finds what is YAML to us and none to other readers.
//!
//! | found | who refuses it |
//! |---|---|
//! | a carriage return alone, U+0085, U+2028, U+2029 | each reader has its own opinion of where the line ends |
//! | a tab outside of quotes and comments | `PyYAML`, `ruamel.yaml`, partly `libyaml` and Go |
//! | brackets or quotes that go on at the column of what they are in | `yaml` for Node, `js-yaml` 5 |
//!
//! `docs/decisions/a-text-that-is-a-number-elsewhere.md` says who.

use weft_spec::{FileId, Span};

use super::tree::{Kind, Tree};
use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::parse::codes::{STRAY_LINE_BREAK, UNPORTABLE_YAML};

/// The most lines of one value that an edit indents; more are for an editor.
const MAX_EDITS: usize = 100;

/// Reports line breaks that only some readers know; whether there are any, for nothing behind one means what it seems to.
pub(super) fn stray_breaks(file: FileId, text: &str, diagnostics: &mut Diagnostics) -> bool {
    // Both are rare, and looking for one byte, or for any that is not ASCII, is fast.
    if !text.contains('\r') && text.is_ascii() {
        return false;
    }
    let mut is_any = false;
    let mut symbols = text.char_indices().peekable();
    while let Some((at, symbol)) = symbols.next() {
        let is_stray = match symbol {
            '\r' => symbols.peek().is_none_or(|(_, next)| *next != '\n'),
            '\u{85}' | '\u{2028}' | '\u{2029}' => true,
            _ => false,
        };
        if !is_stray {
            continue;
        }
        is_any = true;
        let span = span(file, at, at.saturating_add(symbol.len_utf8()));
        diagnostics.push_with((file, Severity::Error), || stray_break(symbol, span));
    }
    is_any
}

fn stray_break(symbol: char, span: Span) -> Diagnostic {
    let message = match symbol {
        '\r' => "a carriage return stands without a line feed".to_owned(),
        symbol => format!(
            "the line break U+{:04X} is one to some tools only",
            u32::from(symbol)
        ),
    };
    Diagnostic::new(&STRAY_LINE_BREAK, span, message)
        .saying("some tools end the line here")
        .help("end lines with a line feed")
        .edit(span, "\n")
}

/// Reports what other readers refuse in documents that are read.
pub(super) fn check(text: &str, trees: &[Tree<'_>], diagnostics: &mut Diagnostics) {
    let has_tabs = text.contains('\t');
    for tree in trees {
        columns(text, tree, diagnostics);
    }
    if has_tabs {
        tabs(text, trees, diagnostics);
    }
}

/// Reports the first tab of each line that stands neither in quotes nor in a comment.
fn tabs(text: &str, trees: &[Tree<'_>], diagnostics: &mut Diagnostics) {
    let Some(file) = trees.first().map(Tree::file) else {
        return;
    };
    let mut quoted = trees.iter().flat_map(quoted).peekable();
    let mut start = 0_usize;
    for line in text.split_inclusive('\n') {
        let end = start.saturating_add(line.len());
        let mut at = start;
        let mut before = '\n';
        for symbol in line.chars() {
            while quoted.next_if(|(_, end)| *end <= at).is_some() {}
            let is_quoted = quoted.peek().is_some_and(|(start, _)| *start <= at);
            if !is_quoted && symbol == '#' && before.is_whitespace() {
                break;
            }
            if !is_quoted && symbol == '\t' {
                diagnostics.push_with((file, Severity::Warning), || tab(text, file, at));
                break;
            }
            at = at.saturating_add(symbol.len_utf8());
            before = symbol;
        }
        start = end;
    }
}

fn tab(text: &str, file: FileId, at: usize) -> Diagnostic {
    let rest = text.get(at..).unwrap_or_default();
    let length = rest.bytes().take_while(|byte| *byte == b'\t').count();
    let span = span(file, at, at.saturating_add(length));
    let found = Diagnostic::new(&UNPORTABLE_YAML, span, "other YAML tools refuse this tab")
        .help("write a blank");
    found.edit(span, " ")
}

/// The bytes of quoted and block texts, in order.
fn quoted<'t>(tree: &'t Tree<'_>) -> impl Iterator<Item = (usize, usize)> + 't {
    tree.ids().filter_map(|id| {
        let is_quoted = match tree.kind(id) {
            Kind::Scalar { .. } => !tree.is_written_plain(id),
            Kind::Sequence | Kind::Mapping => false,
        };
        let bytes = tree.span(id).bytes();
        is_quoted.then_some((bytes.start, bytes.end))
    })
}

/// A list or mapping in which values are.
struct Around {
    /// The byte behind it.
    end: usize,
    /// The column at which it begins, unless brackets do it.
    column: Option<usize>,
}

/// Reports values in brackets and quotes that go on at the column of the block that they are in, or left of it.
fn columns(text: &str, tree: &Tree<'_>, diagnostics: &mut Diagnostics) {
    let mut around: Vec<Around> = Vec::new();
    for id in tree.ids() {
        let bytes = tree.span(id).bytes();
        while around.pop_if(|one| one.end <= bytes.start).is_some() {}
        let within = around.last().map(|one| one.column);
        // What is within brackets is judged with them.
        if within == Some(None) {
            continue;
        }
        let written = text.get(bytes.clone()).unwrap_or_default();
        let is_collection = matches!(tree.kind(id), Kind::Sequence | Kind::Mapping);
        let is_flow = is_collection && written.starts_with(['[', '{']);
        let is_quoted = !is_collection && written.starts_with(['"', '\'']);
        if let Some(Some(column)) = within
            && (is_flow || is_quoted)
            && written.contains('\n')
        {
            let lines = lines_left_of(text, (bytes.start, bytes.end), column);
            if let Some(first) = lines.first() {
                let place = span(tree.file(), bytes.start, bytes.start.saturating_add(1));
                diagnostics.push_with((tree.file(), Severity::Warning), || {
                    left_of(text, place, (*first, &lines), column)
                });
            }
        }
        if is_collection {
            let column = (!is_flow).then(|| column_of(text, bytes.start));
            let end = bytes.end;
            around.push(Around { end, column });
        }
    }
}

/// How far from the beginning of its line a block begins. There are few blocks in a line, so looking back for it is cheap.
fn column_of(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or_default();
    let line = before.rfind('\n').map_or(0, |end| end.saturating_add(1));
    at.saturating_sub(line)
}

/// The lines of a value, but for its first, that begin at a column or left of it: where they begin, and where their text does.
fn lines_left_of(text: &str, (start, end): (usize, usize), column: usize) -> Vec<(usize, usize)> {
    let written = text.get(start..end).unwrap_or_default();
    let mut at = start;
    let mut found = Vec::new();
    for (number, line) in written.split_inclusive('\n').enumerate() {
        let blanks = line.bytes().take_while(|byte| *byte == b' ').count();
        let rest = line.get(blanks..).unwrap_or_default();
        let is_closing = matches!(rest, "]" | "}") && blanks == column;
        let is_text = !rest.trim().is_empty() && !rest.starts_with('#');
        if 0 < number && is_text && blanks <= column && !is_closing {
            found.push((at, at.saturating_add(blanks)));
        }
        at = at.saturating_add(line.len());
    }
    found
}

fn left_of(
    text: &str,
    opened: Span,
    (first, lines): ((usize, usize), &[(usize, usize)]),
    column: usize,
) -> Diagnostic {
    let at = first.1;
    let length = text.get(at..).and_then(|rest| rest.chars().next());
    let length = length.map_or(0, char::len_utf8);
    let place = span(opened.file, at, at.saturating_add(length));
    let message = "the YAML support of editors refuses a line that begins here";
    let wanted = column.saturating_add(2);
    let mut found = Diagnostic::new(&UNPORTABLE_YAML, place, message)
        .saying("belongs to what is open, but is not indented")
        .label(opened, "opened here")
        .help(format!("indent the line by {wanted} blanks"));
    // In quotes, blanks at the beginning of a line are no part of the text.
    if lines.len() <= MAX_EDITS {
        for (start, text) in lines {
            found = found.edit(span(opened.file, *start, *text), " ".repeat(wanted));
        }
    }
    found
}

fn span(file: FileId, start: usize, end: usize) -> Span {
    let narrow = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span::new(file, narrow(start), narrow(end))
}

#[cfg(test)]
mod tests {
    use weft_spec::FileId;

    use crate::diagnostic::{Diagnostic, Diagnostics};
    use crate::parse::yaml;

    fn found(text: &str) -> Vec<Diagnostic> {
        let mut diagnostics = Diagnostics::default();
        yaml::read(FileId(0), text, &mut diagnostics);
        diagnostics.sorted()
    }

    fn codes(text: &str) -> Vec<&'static str> {
        found(text).iter().map(|found| found.code.name).collect()
    }

    /// The text after all edits.
    fn mended(text: &str) -> String {
        let mut mended = text.to_owned();
        let found = found(text);
        let mut edits: Vec<_> = found.iter().flat_map(|found| &found.edits).collect();
        edits.sort_by_key(|edit| edit.span);
        for edit in edits.into_iter().rev() {
            mended.replace_range(edit.span.bytes(), &edit.replacement);
        }
        mended
    }

    #[test]
    fn line_breaks_that_some_tools_know_are_refused() {
        for text in [
            "a: 1\rb: 2\r",
            "# a comment\ra: 1\n",
            "a: \u{85}b\n",
            "# \u{2028}b: 1\n",
            "a: \"\u{2029}\"\n",
            "a: 1\r",
        ] {
            assert!(codes(text).contains(&"stray-line-break"), "{text:?}");
        }
        assert!(codes("a: 1\r\nb: 2\r\n").is_empty());
        assert_eq!(codes(&mended("a: 1\rb: 2\n")), [""; 0]);
    }

    #[test]
    fn tabs_between_words_are_found() {
        for text in [
            "a:\tb\n",
            "a: x\t#c\n",
            "a: x\t\n",
            "a: {\tb: 1}\n",
            "a: [1,\t2]\n",
            "-\ta\n",
            "a: b\tc\n",
            "a: 1\n\t\n",
            "a: 1\n\t# c\n",
        ] {
            assert_eq!(codes(text), ["unportable-yaml"], "{text:?}");
            assert!(codes(&mended(text)).is_empty(), "{text:?}");
        }
        for text in [
            "a: \"x\ty\"\n",
            "a: 'x\ty'\n",
            "a: |\n  x\ty\n",
            "a: 1 # x\ty\n",
            "# x\ty\na: 1\n",
            "a: \"#\" # \t\n",
        ] {
            assert!(codes(text).is_empty(), "{text:?}");
        }
    }

    #[test]
    fn what_goes_on_at_the_column_of_its_block_is_found() {
        for text in [
            "a: {b: 1,\nc: 2}\n",
            "a: [\n1,\n2\n]\n",
            "a: \"x\ny\"\n",
            "a: [a, [b]\n, c]\n",
            "x:\n  a: {b: 1,\n  c: 2}\n",
            "x:\n  a: {b: 1,\n c: 2}\n",
            "x:\n  - {a: 1,\n  b: 2}\n",
            "x:\n  - a: {c: 1,\n    b: 2}\n",
            "a: {b: [1,\n2]}\n",
        ] {
            assert_eq!(codes(text), ["unportable-yaml"], "{text:?}");
            assert!(codes(&mended(text)).is_empty(), "{text:?}");
        }
        for text in [
            "{a: 1\n}\n",
            "[a,\nb]\n",
            "a: {\n}\n",
            "a: {\n  b: 1\n}\n",
            "x:\n- {a: 1,\n  b: 2}\n",
            "a: \"x\n\n  y\"\n",
            "a: {b: 1,\n\n  c: 2}\n",
            "a: |\n  x\nb: |\n y\n",
        ] {
            assert!(codes(text).is_empty(), "{text:?}");
        }
    }
}
