//! Where values and lines begin and end in a text that is not YAML, as far as that can be told.

use std::ops::Range;

/// A text in quotes that change nothing in it; none where there are no such quotes.
pub(super) fn in_quotes(text: &str) -> Option<String> {
    if text.contains('\n') {
        None
    } else if !text.contains(['"', '\\']) {
        Some(format!("\"{text}\""))
    } else if !text.contains('\'') {
        Some(format!("'{text}'"))
    } else {
        None
    }
}

/// Where the value begins that ends here, between brackets.
pub(super) fn begin_of_value(before: &str) -> usize {
    let line = line_before(before, before.len());
    let start = before.len().saturating_sub(line.len());
    let separators = [", ", "[", "{", ": ", "- "];
    let ends = separators
        .iter()
        .filter_map(|separator| Some(line.rfind(separator)?.saturating_add(separator.len())));
    let begin = start.saturating_add(ends.max().unwrap_or_default());
    let blanks = before.get(begin..).unwrap_or_default();
    begin.saturating_add(blanks.len().saturating_sub(blanks.trim_start().len()))
}

/// The bracket that the last byte closes.
pub(super) fn opening_of(before: &str) -> Option<usize> {
    let line = line_before(before, before.len());
    let mut depth = 0_usize;
    for (at, symbol) in line.char_indices().rev() {
        match symbol {
            ']' | '}' => depth = depth.saturating_add(1),
            '[' | '{' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            return Some(before.len().saturating_sub(line.len()).saturating_add(at));
        }
    }
    None
}

/// Where a value ends between brackets: at a comma or a bracket that is not its own.
pub(super) fn end_of_value(text: &str, start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    let mut depth = 0_usize;
    let mut symbols = rest.char_indices().peekable();
    while let Some((at, symbol)) = symbols.next() {
        let ends = match symbol {
            '[' | '{' => {
                depth = depth.saturating_add(1);
                false
            }
            ']' | '}' => match depth.checked_sub(1) {
                Some(less) => {
                    depth = less;
                    false
                }
                None => true,
            },
            ',' => depth == 0 && symbols.peek().is_none_or(|(_, next)| next.is_whitespace()),
            '#' => rest.get(..at).is_some_and(|before| before.ends_with(' ')),
            '\n' => true,
            _ => false,
        };
        if ends {
            let value = rest.get(..at).unwrap_or_default();
            return start.saturating_add(value.trim_end().len());
        }
    }
    start.saturating_add(rest.trim_end().len())
}

/// Where a line ends, without a comment and blanks.
pub(super) fn end_of_line(text: &str, start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    let line = rest.split('\n').next().unwrap_or_default();
    let line = line.split(" #").next().unwrap_or_default();
    start.saturating_add(line.trim_end().len())
}

/// Where a text in quotes begins that ends in front of byte `at`, if it runs over the end of a line.
pub(super) fn runaway(text: &str, at: usize) -> Option<usize> {
    let before = text.get(..at)?.trim_end_matches(' ');
    let quote = before
        .chars()
        .next_back()
        .filter(|last| matches!(last, '"' | '\''))?;
    let inside = before.get(..before.len().saturating_sub(1))?;
    let open = inside.rfind(quote)?;
    inside.get(open..)?.contains('\n').then_some(open)
}

pub(super) fn is_separator(symbol: char) -> bool {
    symbol.is_whitespace() || matches!(symbol, ',' | '[' | ']' | '{' | '}' | ':')
}

pub(super) fn line_before(text: &str, at: usize) -> &str {
    let before = text.get(..at).unwrap_or_default();
    before.rsplit('\n').next().unwrap_or_default()
}

pub(super) fn floor(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at.min(text.len()))
}

/// An expression on the line of byte `at` that has no quotes in front of it.
pub(super) fn unquoted_on_line(text: &str, at: usize) -> Option<Range<usize>> {
    let before = line_before(text, at);
    let line_start = at.saturating_sub(before.len());
    let rest = text.get(line_start..)?;
    let line = rest.split('\n').next()?;
    let start = line.find("{{")?;
    let (front, expression) = line.split_at_checked(start)?;
    let is_value = front.trim_end().ends_with([':', '-', '[', ',', '{']);
    if !is_value || front.contains(['"', '\'', '#']) {
        return None;
    }
    let length = expression
        .find("}}")
        .map_or(expression.len(), |end| end.saturating_add(2));
    let start = line_start.saturating_add(start);
    Some(start..start.saturating_add(length))
}
