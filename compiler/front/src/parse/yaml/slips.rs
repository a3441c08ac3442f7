//! Slips of the hand in a text that is not YAML: tabs, no-break spaces, marks of a merge, `=` for `:`, a list entry without its blank.
//!
//! A parser stumbles over them on the line, or a line or two behind it, and speaks of something else. So the lines around the place are
//! looked at, nearest first, and what they show is what is told.

use std::ops::Range;

use super::scan::{line_before, runaway};

/// How many lines in front of the place are looked at; blank ones and comments do not count.
const MAX_LINES: usize = 3;

/// How many bytes on each side of the place are looked at for marks of a merge: a file may have ten thousand documents that are broken.
const MARK_REACH: usize = 16 << 10;

/// What a line shows.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Slip {
    /// Where.
    pub(super) bytes: Range<usize>,
    /// What is wrong.
    pub(super) message: String,
    /// What to do.
    pub(super) help: String,
    /// What to write in its place, if that is certain.
    pub(super) replacement: Option<String>,
}

/// The slip that explains why a text cannot be read at byte `at`.
pub(super) fn find(text: &str, at: usize, message: &str) -> Option<Slip> {
    merge_mark(text, at)
        .or_else(|| quotes(text, at, message))
        .or_else(|| {
            let mut lines = lines_around(text, at).into_iter();
            lines.find_map(|(start, line)| of_line(start, line))
        })
}

/// The line of `at`, those before it, and the one behind, each with its first byte.
fn lines_around(text: &str, at: usize) -> Vec<(usize, &str)> {
    let line_at = |start: usize| {
        let rest = text.get(start..).unwrap_or_default();
        (start, rest.split('\n').next().unwrap_or_default())
    };
    let here = at.saturating_sub(line_before(text, at).len());
    let (mut lines, mut start) = (vec![line_at(here)], here);
    while lines.len() <= MAX_LINES {
        let Some(end) = start.checked_sub(1) else {
            break;
        };
        start = end.saturating_sub(line_before(text, end).len());
        let line = line_at(start);
        let words = line.1.trim_start();
        if !words.is_empty() && !words.starts_with('#') {
            lines.push(line);
        }
    }
    let (_, line) = line_at(here);
    let next = here.saturating_add(line.len()).saturating_add(1);
    if next < text.len() {
        lines.push(line_at(next));
    }
    lines
}

/// The first mark that a merge has left near byte `at`.
fn merge_mark(text: &str, at: usize) -> Option<Slip> {
    let first = text.floor_char_boundary(at.saturating_sub(MARK_REACH));
    let last = text.floor_char_boundary(at.saturating_add(MARK_REACH));
    let mut start = first.saturating_sub(line_before(text, first).len());
    for line in text.get(start..last)?.split_inclusive('\n') {
        let words = line.trim_end();
        if is_merge_mark(words) {
            return Some(Slip {
                bytes: start..start.saturating_add(words.len()),
                message: "this is not YAML: a merge has left its mark here".to_owned(),
                help: "choose what is to stay of both sides, and remove the lines `<<<<<<<`, `=======` and `>>>>>>>`".to_owned(),
                replacement: None,
            });
        }
        start = start.saturating_add(line.len());
    }
    None
}

fn is_merge_mark(line: &str) -> bool {
    line == "======="
        || ["<<<<<<<", ">>>>>>>", "|||||||"].iter().any(|mark| {
            let rest = line.strip_prefix(mark);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        })
}

/// A comment as other languages write it.
fn comment(start: usize, line: &str) -> Option<Slip> {
    let words = line.trim_start();
    let mark = ["//", "/*", "<!--"]
        .into_iter()
        .find(|mark| words.starts_with(mark))?;
    let first = start.saturating_add(line.len().saturating_sub(words.len()));
    Some(Slip {
        bytes: first..first.saturating_add(mark.len()),
        message: "this is not YAML: a comment begins with `#`".to_owned(),
        help: format!("write a `#` in place of the `{mark}`"),
        replacement: (mark == "//").then(|| "#".to_owned()),
    })
}

/// A text in quotes that ends at the first quote of a later line.
fn quotes(text: &str, at: usize, message: &str) -> Option<Slip> {
    if !message.contains("trailing content after") {
        return None;
    }
    let open = runaway(text, at)?;
    let quote = text.get(open..)?.chars().next()?;
    Some(Slip {
        bytes: open..open.saturating_add(1),
        message: "this is not YAML: the text in quotes that begins here does not end on its line"
            .to_owned(),
        help: format!("end it with `{quote}` on its line"),
        replacement: None,
    })
}

fn of_line(start: usize, line: &str) -> Option<Slip> {
    comment(start, line)
        .or_else(|| odd_blank(start, line))
        .or_else(|| odd_colon(start, line))
        .or_else(|| entry(start, line))
        .or_else(|| equals(start, line))
}

/// What looks like blanks in front of a line and is none.
fn odd_blank(start: usize, line: &str) -> Option<Slip> {
    let is_odd = |symbol: char| symbol == '\t' || is_like_a_blank(symbol);
    let words = line.trim_start_matches(|symbol: char| symbol == ' ' || is_odd(symbol));
    let blanks = line.get(..line.len().checked_sub(words.len())?)?;
    let (at, odd) = blanks.char_indices().find(|(_, symbol)| is_odd(*symbol))?;
    if words.trim().is_empty() || words.starts_with('#') {
        return None;
    }
    let first = start.saturating_add(at);
    let bytes = first..first.saturating_add(odd.len_utf8());
    if odd == '\t' {
        return Some(Slip {
            bytes,
            message: "this is not YAML: a tab stands in front of the line".to_owned(),
            help: "indent with spaces; YAML refuses tabs".to_owned(),
            replacement: None,
        });
    }
    let whole = start..start.saturating_add(blanks.len());
    let is_plain = blanks
        .chars()
        .all(|symbol| symbol == ' ' || is_like_a_blank(symbol));
    let is_seen = |symbol: &char| !matches!(symbol, '\u{200b}' | '\u{feff}');
    Some(Slip {
        bytes: if is_plain { whole } else { bytes },
        message: format!(
            "this is not YAML: what looks like a blank here is the symbol U+{:04X}",
            u32::from(odd)
        ),
        help: "write plain spaces in its place".to_owned(),
        replacement: is_plain.then(|| " ".repeat(blanks.chars().filter(is_seen).count())),
    })
}

/// Symbols that an editor shows as a blank or not at all.
fn is_like_a_blank(symbol: char) -> bool {
    matches!(
        symbol,
        '\u{a0}' | '\u{2000}'..='\u{200b}' | '\u{202f}' | '\u{205f}' | '\u{3000}' | '\u{feff}'
    )
}

/// A colon of another script.
fn odd_colon(start: usize, line: &str) -> Option<Slip> {
    let (at, colon) = line
        .char_indices()
        .find(|(_, symbol)| matches!(symbol, '\u{ff1a}' | '\u{a789}' | '\u{2236}'))?;
    let front = line.get(..at)?;
    if front.contains(['"', '\'', '#', ':']) {
        return None;
    }
    let first = start.saturating_add(at);
    let blanks = line.get(at.saturating_add(colon.len_utf8())..)?;
    let blanks = blanks.len().saturating_sub(blanks.trim_start().len());
    let end = first
        .saturating_add(colon.len_utf8())
        .saturating_add(blanks);
    Some(Slip {
        bytes: first..end,
        message: format!(
            "this is not YAML: `{colon}` is no colon, but a symbol that looks like one"
        ),
        help: "write a `:` and a blank in its place".to_owned(),
        replacement: Some(": ".to_owned()),
    })
}

/// A list entry without the blank behind its dash, or with another dash.
fn entry(start: usize, line: &str) -> Option<Slip> {
    let words = line.trim_start_matches(' ');
    let first = start.saturating_add(line.len().saturating_sub(words.len()));
    let mut symbols = words.chars();
    let (dash, next) = (symbols.next()?, symbols.next()?);
    let (is_dash, is_other) = (
        dash == '-',
        matches!(dash, '\u{2010}'..='\u{2015}' | '\u{2022}' | '\u{2212}'),
    );
    if is_dash && (matches!(next, '{' | '[' | '"' | '\'') || next.is_alphabetic()) {
        let behind = first.saturating_add(1);
        return Some(Slip {
            bytes: first..behind,
            message: "this is not YAML: the entry of a list begins with a `-` and a blank"
                .to_owned(),
            help: "write a blank behind the `-`".to_owned(),
            replacement: Some("- ".to_owned()),
        });
    }
    (is_other && next == ' ').then(|| Slip {
        bytes: first..first.saturating_add(dash.len_utf8()),
        message: format!("this is not YAML: `{dash}` begins no entry of a list"),
        help: "write `-`".to_owned(),
        replacement: Some("-".to_owned()),
    })
}

/// A line `name = value`.
fn equals(start: usize, line: &str) -> Option<Slip> {
    let (name, value) = line.split_once('=')?;
    let word = name.trim().trim_start_matches("- ");
    let is_name = !word.is_empty()
        && word
            .chars()
            .all(|symbol| symbol.is_ascii_alphanumeric() || matches!(symbol, '_' | '-' | '.'));
    if !is_name || value.trim().is_empty() {
        return None;
    }
    let blanks = name.len().saturating_sub(name.trim_end().len());
    let first = start.saturating_add(name.len()).saturating_sub(blanks);
    let behind = value.len().saturating_sub(value.trim_start().len());
    let end = start
        .saturating_add(name.len())
        .saturating_add(1)
        .saturating_add(behind);
    Some(Slip {
        bytes: first..end,
        message: "this is not YAML: a line of a mapping is `name: value`".to_owned(),
        help: "write a `:` in place of the `=`".to_owned(),
        replacement: Some(": ".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::{MARK_REACH, merge_mark};
    use crate::parse::yaml::tests::{mended, only};

    #[test]
    fn a_slip_is_shown_where_it_is() {
        for (text, at, help) in [
            ("a:\n  b: c\n\td: e\n", 10, "indent with spaces"),
            ("a:\n  b: c\n  \td: e\n", 12, "indent with spaces"),
            (
                "a: 1\n<<<<<<< HEAD\nb: 2\n=======\nb: 3\n>>>>>>> x\n",
                5,
                "both sides",
            ),
            ("a: 1\n=======\nb: 3\n", 5, "both sides"),
            ("a: 1\nb: 2\n>>>>>>> x\n", 10, "both sides"),
            ("a: [\"b]\nc: \"d\"\n", 4, "end it with `\"`"),
            ("a: 1\n/* words */\nb: 2\n", 5, "write a `#`"),
        ] {
            let found = only(text);
            assert_eq!(found.primary.span.start, at, "{text} {found:?}");
            let told = found.help.unwrap_or_default();
            assert!(told.contains(help), "{text} {told}");
        }
    }

    #[test]
    fn a_slip_of_which_the_meaning_is_certain_is_mended() {
        for (text, good) in [
            ("a:\n\u{a0}\u{a0}b: 1\n  c: 2\n", "a:\n  b: 1\n  c: 2\n"),
            ("a:\n  b\u{ff1a} 1\n  c: 2\n", "a:\n  b: 1\n  c: 2\n"),
            ("a:\n  b = 1\n  c: 2\n", "a:\n  b: 1\n  c: 2\n"),
            ("a:\n  // words\n  c: 2\n", "a:\n  # words\n  c: 2\n"),
            ("a:\n  b=1\n  c: 2\n", "a:\n  b: 1\n  c: 2\n"),
            ("a:\n  -{b: 1, c: 2}\n", "a:\n  - {b: 1, c: 2}\n"),
            ("a:\n  \u{2014} {b: 1, c: 2}\n", "a:\n  - {b: 1, c: 2}\n"),
        ] {
            assert_eq!(mended(text), good);
        }
    }

    #[test]
    fn marks_of_a_merge_are_looked_for_near_the_place_alone() {
        let far = format!("a: [\n{}>>>>>>> x\n", "# words\n".repeat(4 << 10));
        assert_eq!(merge_mark(&far, 0), None);
        assert!(merge_mark(&far, far.len()).is_some());
        let wide = "\u{e9}".repeat(MARK_REACH) + "\n<<<<<<< HEAD\n";
        assert!(merge_mark(&wide, wide.len() - 1).is_some());
        assert_eq!(merge_mark(&wide, 1), None);
    }
}
