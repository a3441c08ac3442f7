//! The words for a text that is not YAML: what is wrong, where it began, and what to write.
//!
//! A parser says where it stopped, which is often far behind the mistake and seldom what to do. Most mistakes in a spec are few: a
//! bracket that is not closed, and a path, a host or an expression that needs quotes.

use std::ops::Range;

use weft_spec::{FileId, Span};

use super::event::SyntaxError;
use super::scan::{
    begin_of_value, end_of_line, end_of_value, floor, in_quotes, is_separator, line_before,
    opening_of, unquoted_on_line,
};
use super::slips;
use crate::diagnostic::Diagnostic;
use crate::parse::codes::{UNQUOTED_EXPRESSION, YAML_SYNTAX};
use crate::parse::variable;

/// A text, and where it cannot be read.
pub(super) struct Broken<'t> {
    pub(super) file: FileId,
    pub(super) text: &'t str,
    /// The innermost bracket that is open there.
    pub(super) bracket: Option<usize>,
}

impl Broken<'_> {
    /// What is to be said about it.
    pub(super) fn explain(&self, error: &SyntaxError) -> Diagnostic {
        let at = floor(self.text, error.at);
        if let Some(expression) = unquoted_on_line(self.text, at) {
            return unquoted_expression(self.file, expression, self.text);
        }
        let message = error.message.as_str();
        if let Some(slip) = slips::find(self.text, at, message) {
            let found = self.found(slip.bytes.clone(), slip.message).help(slip.help);
            return match slip.replacement {
                Some(text) => found.edit(self.span(slip.bytes), text),
                None => found,
            };
        }
        self.within_value(at)
            .or_else(|| self.star(at, message))
            .or_else(|| self.escape(at, message))
            .or_else(|| self.quotes(at, message))
            .or_else(|| self.brackets(at, message))
            .or_else(|| self.reserved(at, message))
            .or_else(|| self.line(at, message))
            .unwrap_or_else(|| self.plainly(at, message))
    }

    fn at(&self, at: usize) -> Option<char> {
        self.text.get(at..)?.chars().next()
    }

    fn found(&self, bytes: Range<usize>, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(&YAML_SYNTAX, self.span(bytes), message)
    }

    fn span(&self, bytes: Range<usize>) -> Span {
        span(self.file, bytes)
    }

    /// The value with these bytes in quotes.
    fn quoted(&self, found: Diagnostic, bytes: Range<usize>) -> Diagnostic {
        let written = self.text.get(bytes.clone()).unwrap_or_default();
        match in_quotes(written) {
            Some(quoted) => found
                .help(format!("put the value in quotes: `{quoted}`"))
                .edit(self.span(bytes), quoted),
            None => found.help("put the value in quotes"),
        }
    }

    /// A bracket within a value: `{path: /a/{id}}`, `{x: [a-z]+}`, `{port: ${PORT}}`.
    fn within_value(&self, at: usize) -> Option<Diagnostic> {
        self.bracket?;
        let before = self.text.get(..at)?;
        let last = before.chars().next_back()?;
        let is_opening = matches!(self.at(at), Some('{' | '['));
        let start = if is_opening && !is_separator(last) {
            begin_of_value(before)
        } else if matches!(last, '}' | ']') && self.at(at).is_some_and(|next| !is_separator(next)) {
            opening_of(before)?
        } else {
            return None;
        };
        let bytes = start..end_of_value(self.text, start);
        let written = self.text.get(bytes.clone())?;
        if let Some(name) = variable(written) {
            let expression = crate::parse::as_expression(name);
            return Some(
                self.found(bytes.clone(), format!("this is not YAML: the braces of `{written}` open a mapping"))
                    .note("no variables of the environment are read, so that a spec means the same on every machine")
                    .help(format!("write `{expression}`, and give the value in a file by `--values`"))
                    .edit(self.span(bytes), expression),
            );
        }
        let bracket = if is_opening {
            self.at(at)?
        } else {
            self.at(start)?
        };
        let message = format!(
            "this is not YAML: between brackets, a `{bracket}` in a value opens another list or mapping"
        );
        Some(self.quoted(self.found(bytes.clone(), message), bytes))
    }

    /// A host such as `*`.
    fn star(&self, at: usize, message: &str) -> Option<Diagnostic> {
        if !message.contains("anchor or alias") {
            return None;
        }
        let bytes = at..end_of_value(self.text, at);
        let written = self.text.get(bytes.clone())?.chars().next()?;
        let what = if written == '*' {
            "an alias"
        } else {
            "an anchor"
        };
        let found = self.found(
            bytes.clone(),
            format!("this is not YAML: without quotes, `{written}` begins {what}"),
        );
        Some(self.quoted(found, bytes))
    }

    /// `"\d"`: in double quotes a backslash means something.
    fn escape(&self, at: usize, message: &str) -> Option<Diagnostic> {
        if !message.contains("escape") && !message.contains("hexadecimal") {
            return None;
        }
        let inside = self.text.get(at.saturating_add(1)..)?;
        let (mut bad, mut is_plain, mut is_escape) = (None, true, false);
        let mut end = None;
        for (offset, symbol) in inside.char_indices() {
            match (is_escape, symbol) {
                (true, symbol) => {
                    is_escape = false;
                    let is_known = "0abtnvfre \"/\\N_LP".contains(symbol);
                    is_plain = is_plain && !is_known;
                    if bad.is_none() && !is_known {
                        bad = Some(
                            offset.saturating_sub(1)..offset.saturating_add(symbol.len_utf8()),
                        );
                    }
                }
                (false, '\\') => is_escape = true,
                (false, '"') => {
                    end = Some(offset);
                    break;
                }
                (false, '\'' | '\n') => is_plain = false,
                (false, _) => {}
            }
        }
        let bad = bad?;
        let shift = |range: Range<usize>| {
            let start = at.saturating_add(1);
            start.saturating_add(range.start)..start.saturating_add(range.end)
        };
        let escape = inside
            .get(bad.clone())?
            .escape_debug()
            .to_string()
            .replace("\\\\", "\\");
        let message = format!("this is not YAML: in double quotes, `{escape}` is no escape");
        let found = self
            .found(shift(bad), message)
            .help("use single quotes, in which a backslash is one");
        let content = end.and_then(|end| inside.get(..end)).filter(|_| is_plain);
        Some(match content {
            Some(content) => {
                let whole = at..at.saturating_add(content.len()).saturating_add(2);
                found.edit(self.span(whole), format!("'{content}'"))
            }
            None => found,
        })
    }

    /// Quotes that do not end, or end too early.
    fn quotes(&self, at: usize, message: &str) -> Option<Diagnostic> {
        if message.contains("unclosed quote") {
            let quote = self.at(at)?;
            let message = "this is not YAML: the text in quotes does not end";
            let found = self.found(at..at.saturating_add(1), message);
            return Some(
                found
                    .saying("begins here")
                    .help(format!("end it with `{quote}`")),
            );
        }
        if !message.contains("trailing content after") {
            return None;
        }
        let found = self.found(
            at..at.saturating_add(self.at(at)?.len_utf8()),
            "this is not YAML: something stands behind the end of the quotes",
        );
        Some(if message.contains("single-quoted") {
            found.help("write `''` for a quote within single quotes, or use double quotes")
        } else {
            found.help("put all of the value in quotes, and write `\\\"` for a quote within them")
        })
    }

    /// Brackets that are not closed, or not by their like.
    fn brackets(&self, at: usize, message: &str) -> Option<Diagnostic> {
        let one = |at: usize| at..at.saturating_add(1);
        if message.contains("unclosed bracket") || message.contains("mismatched bracket") {
            let bracket = self.at(at)?;
            let closing = closing(bracket);
            let text = format!("this is not YAML: the bracket `{bracket}` is not closed");
            let found = self.found(one(at), text).saying("opened here");
            return Some(found.help(format!("close it with `{closing}`")));
        }
        if message.contains("misplaced bracket") {
            let bracket = self.at(at)?;
            let text = format!("this is not YAML: there is nothing that `{bracket}` could close");
            return Some(
                self.found(one(at), text)
                    .help("remove it, or open the bracket that it closes"),
            );
        }
        let is_within =
            message.contains("expected ','") || message.contains("illegal placement of ':'");
        let open = self.bracket.filter(|_| is_within)?;
        let bracket = self.at(open)?;
        let closing = closing(bracket);
        let end = at.saturating_add(
            self.at(at)
                .filter(|next| *next != '\n')
                .map_or(0, char::len_utf8),
        );
        let text = format!(
            "this is not YAML: a `,` or the end of the bracket `{bracket}` is expected here"
        );
        let found = self
            .found(at..end, text)
            .label(self.span(one(open)), "opened here");
        let is_next_line = self.text.get(open..at)?.contains('\n');
        Some(if is_next_line {
            found.help(format!(
                "close the bracket with `{closing}` above this line, or put a `,` in front of it"
            ))
        } else {
            found.help(format!("put a `,` in front of it, close the bracket with `{closing}`, or put a value with signs in quotes"))
        })
    }

    /// A value that begins with a sign that YAML keeps for itself.
    fn reserved(&self, at: usize, message: &str) -> Option<Diagnostic> {
        if !message.contains("unexpected character") {
            return None;
        }
        let sign = self.at(at)?;
        let bytes = at..match self.bracket {
            Some(_) => end_of_value(self.text, at),
            None => end_of_line(self.text, at),
        };
        let message = format!("this is not YAML: no value begins with `{sign}`");
        Some(self.quoted(self.found(bytes.clone(), message), bytes))
    }

    /// Lines that are no `name: value`.
    fn line(&self, at: usize, message: &str) -> Option<Diagnostic> {
        let before = line_before(self.text, at);
        let start = at.saturating_sub(before.len());
        let line = start..end_of_line(self.text, start);
        let written = self.text.get(line.clone())?;
        if message.contains("mapping values are not allowed") {
            let value = before
                .find(": ")
                .map(|colon| start.saturating_add(colon).saturating_add(2));
            let end = at.saturating_add(self.at(at).map_or(0, char::len_utf8));
            return Some(match value.filter(|value| *value < at) {
                Some(value) => {
                    let found = self.found(
                        at..end,
                        "this is not YAML: a second `:` stands in the value",
                    );
                    self.quoted(found, value..line.end)
                }
                None if self.line_above(start).is_some() => self.line_above(start)?,
                None => self
                    .found(at..end, "this is not YAML: a mapping begins behind a value")
                    .help("indent the line as those of the mapping that it belongs to"),
            });
        }
        if message.contains("simple key") || message.contains("EOF") {
            return Some(self.no_entry(start, written));
        }
        let is_indent = message.contains("did not find expected key")
            || message.contains("did not find expected '-'");
        is_indent.then(|| {
            let end = at.saturating_add(self.at(at).map_or(0, char::len_utf8));
            self.found(
                at..end,
                "this is not YAML: the line is indented like nothing above it",
            )
            .help("indent it as the lines that it belongs to")
        })
    }

    /// A line that is no `name: value`, perhaps because the blank behind its `:` is missing.
    fn no_entry(&self, start: usize, written: &str) -> Diagnostic {
        let words = written.trim_start();
        let indent = written.len().saturating_sub(words.len());
        let words = start.saturating_add(indent)..start.saturating_add(written.len());
        let found = self.found(
            words,
            "this is not YAML: a line of a mapping is `name: value`",
        );
        let colon = written.find(':').filter(|colon| {
            let behind = written.get(colon.saturating_add(1)..);
            behind.is_some_and(|rest| !rest.starts_with(' '))
        });
        match colon {
            Some(colon) => {
                let behind = start.saturating_add(colon).saturating_add(1);
                found
                    .help("write a blank behind the `:`")
                    .edit(self.span(behind..behind), " ")
            }
            None => found.help("write a `:` and a blank behind the name"),
        }
    }

    /// The line above one, if it lacks the blank behind its `:`, which makes a text of it.
    fn line_above(&self, start: usize) -> Option<Diagnostic> {
        let end = start.checked_sub(1)?;
        let line = line_before(self.text, end);
        if !line.trim_start().is_empty() && !line.contains(['#', ':']) {
            return Some(self.no_entry(end.saturating_sub(line.len()), line));
        }
        let colon = line.find(':')?;
        let behind = line.get(colon.saturating_add(1)..)?;
        if behind.is_empty() || behind.starts_with([' ', '/']) || line.contains(": ") {
            return None;
        }
        let first = end.saturating_sub(line.trim_start().len());
        let at = end.saturating_sub(behind.len());
        let found = self.found(
            first..end,
            "this is not YAML: a line of a mapping is `name: value`",
        );
        let found = found.help("write a blank behind the `:`");
        Some(found.edit(self.span(at..at), " "))
    }

    /// The words of the parser.
    fn plainly(&self, at: usize, message: &str) -> Diagnostic {
        let length = self
            .at(at)
            .filter(|first| *first != '\n')
            .map_or(0, char::len_utf8);
        let words = message.trim().trim_end_matches('.').replace('"', "`");
        self.found(
            at..at.saturating_add(length),
            format!("this is not YAML: {words}"),
        )
    }
}

/// Says that an expression needs quotes.
pub(super) fn unquoted_expression(file: FileId, bytes: Range<usize>, text: &str) -> Diagnostic {
    let written = text.get(bytes.clone()).unwrap_or_default();
    let span = span(file, bytes);
    let found = Diagnostic::new(
        &UNQUOTED_EXPRESSION,
        span,
        "without quotes, YAML takes this expression for a mapping",
    )
    .help("quote the expression");
    if written.contains(['"', '\n']) || !written.ends_with("}}") {
        return found;
    }
    found.edit(span, format!("\"{written}\""))
}

fn closing(bracket: char) -> char {
    if bracket == '[' { ']' } else { '}' }
}

fn span(file: FileId, bytes: Range<usize>) -> Span {
    let narrow = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span::new(file, narrow(bytes.start), narrow(bytes.end))
}

#[cfg(test)]
mod tests {
    use crate::parse::yaml::tests::{mended, only};

    #[test]
    fn what_needs_quotes_gets_them() {
        for (text, good) in [
            ("a: {path: /a/{id}}\n", "a: {path: \"/a/{id}\"}\n"),
            (
                "a: {path: /a/{id}/b, to: x}\n",
                "a: {path: \"/a/{id}/b\", to: x}\n",
            ),
            ("a: [/a/{id}, b]\n", "a: [\"/a/{id}\", b]\n"),
            ("a: {regex: /a/[0-9]+}\n", "a: {regex: \"/a/[0-9]+\"}\n"),
            ("a: {x: [a-z]+}\n", "a: {x: \"[a-z]+\"}\n"),
            ("a: *\n", "a: \"*\"\n"),
            ("a: [*, b]\n", "a: [\"*\", b]\n"),
            ("a: {host: *}\n", "a: {host: \"*\"}\n"),
            ("a: *.shop.example\n", "a: \"*.shop.example\"\n"),
            ("a: [*.shop.example, b]\n", "a: [\"*.shop.example\", b]\n"),
            ("a: \"\\d+\"\n", "a: '\\d+'\n"),
            ("a: {regex: \"[0-9]\\.x\"}\n", "a: {regex: '[0-9]\\.x'}\n"),
            ("a: {port: ${PORT}}\n", "a: {port: \"{{ port }}\"}\n"),
            ("a: [${HOST_A}, b]\n", "a: [\"{{ host_a }}\", b]\n"),
            ("a: b: c # d\n", "a: \"b: c\" # d\n"),
            ("a: @x y\n", "a: \"@x y\"\n"),
            ("a: %x\n", "a: \"%x\"\n"),
            ("a: 1\nport:8080\n", "a: 1\nport: 8080\n"),
            ("port:8080\na: 1\n", "port: 8080\na: 1\n"),
        ] {
            assert_eq!(mended(text), good);
        }
    }

    #[test]
    fn a_bracket_says_where_it_opened() {
        for (text, open) in [
            ("a: {b: 1, c: 2\nd: 3\n", 3),
            ("a: [1, 2\nb: 3\n", 3),
            ("a: 1\nc: {d: 2\ne: 5\n", 8),
            ("a: {b: 1,\n  c: {d: 2,\n  e: 3}\nf: 1\n", 3),
        ] {
            let found = only(text);
            let opened = found
                .secondary
                .iter()
                .find(|label| label.text == "opened here");
            assert_eq!(
                opened.map(|label| label.span.start),
                Some(open),
                "{text} {found:?}"
            );
            assert!(found.help.is_some());
        }
        for (text, open) in [
            ("a: [1, 2", 3),
            ("a: {b: [1, 2}\n", 7),
            ("a: {b: {c: 1}\n", 3),
        ] {
            let found = only(text);
            assert_eq!(found.primary.span.start, open, "{text} {found:?}");
            assert_eq!(found.primary.text, "opened here");
        }
    }

    #[test]
    fn every_mistake_says_what_to_do() {
        for text in [
            "a: 1]\nb: ]\n",
            "a: 'it's'\n",
            "a: \"x\" y\n",
            "a: \"x\nb: 1\n",
            "a:\n    b: 1\n  c: 2\n",
            "a: b\n  c: d\n",
            "a\nb: 1\n",
            "a: 1\nb\n",
            "a:\n\tb: 1\n",
            "a: {b: c: d}\n",
            "a: \"C:\\Users\"\n",
        ] {
            assert!(only(text).help.is_some(), "{text} {:?}", only(text));
        }
    }
}
