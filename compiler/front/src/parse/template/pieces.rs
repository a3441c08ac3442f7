//! Cuts a text into what stands for itself and what is an expression.

use std::ops::Range;

/// A part of a text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Piece {
    /// Stands for itself.
    Text(Range<usize>),
    /// `{{ … }}` with its braces, and what is between them.
    Expression {
        /// With braces.
        whole: Range<usize>,
        /// Between the braces.
        inner: Range<usize>,
    },
    /// `{{` without its `}}`, up to the end.
    Open(Range<usize>),
}

/// Cuts `text`. Braces inside quotes and inside nested braces do not end an expression.
pub(super) fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut at = 0_usize;
    while let Some(start) = find(text, at, "{{") {
        if at < start {
            pieces.push(Piece::Text(at..start));
        }
        let inner = start.saturating_add(2);
        let Some(end) = end_of_expression(text, inner) else {
            pieces.push(Piece::Open(start..text.len()));
            return pieces;
        };
        at = end.saturating_add(2);
        pieces.push(Piece::Expression {
            whole: start..at,
            inner: inner..end,
        });
    }
    if at < text.len() {
        pieces.push(Piece::Text(at..text.len()));
    }
    pieces
}

fn find(text: &str, from: usize, needle: &str) -> Option<usize> {
    Some(text.get(from..)?.find(needle)?.saturating_add(from))
}

/// Where the `}}` begins that ends the expression beginning at `from`.
fn end_of_expression(text: &str, from: usize) -> Option<usize> {
    let mut quote = None;
    let mut depth = 0_usize;
    let mut bytes = text.bytes().enumerate().skip(from).peekable();
    while let Some((at, byte)) = bytes.next() {
        let next = bytes.peek().map(|(_, next)| *next);
        match (quote, byte) {
            (Some(_), b'\\') => {
                bytes.next();
            }
            (Some(open), byte) if byte == open => quote = None,
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'{') => depth = depth.saturating_add(1),
            (None, b'}') if depth == 0 && next == Some(b'}') => return Some(at),
            (None, b'}') => depth = depth.saturating_sub(1),
            (Some(_) | None, _) => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        pieces(text)
            .into_iter()
            .map(|piece| match piece {
                Piece::Text(range) => format!("text {}", text.get(range).unwrap()),
                Piece::Expression { inner, .. } => {
                    format!("expression{}", text.get(inner).unwrap())
                }
                Piece::Open(range) => format!("open {}", text.get(range).unwrap()),
            })
            .collect()
    }

    #[test]
    fn text_and_expressions_take_turns() {
        assert_eq!(
            shown("a{{ b }}-{{ c }}"),
            ["text a", "expression b ", "text -", "expression c "]
        );
    }

    #[test]
    fn braces_in_quotes_and_in_mappings_do_not_end_an_expression() {
        assert_eq!(shown("{{ '}}' }}"), ["expression '}}' "]);
        assert_eq!(
            shown("{{ {'a': {'b': 1}}['a'] }}x"),
            ["expression {'a': {'b': 1}}['a'] ", "text x"]
        );
    }

    #[test]
    fn an_expression_without_end_is_open() {
        assert_eq!(shown("a {{ b }"), ["text a ", "open {{ b }"]);
    }

    #[test]
    fn single_braces_are_text() {
        assert_eq!(shown("/orders/{id}"), ["text /orders/{id}"]);
    }
}
