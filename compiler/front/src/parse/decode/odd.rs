//! Signs in a text that nobody sees or means: typographic quotes, symbols without a shape, an expression with one brace.

/// What to do about such a sign in a value or a name.
pub(super) fn advice(text: &str) -> Option<String> {
    if let Some(symbol) = text.chars().find(|symbol| is_unseen(*symbol)) {
        return Some(format!(
            "there is a symbol in it that is not seen, U+{:04X}: delete it and write the word anew",
            u32::from(symbol)
        ));
    }
    let is_quote = |symbol: char| matches!(symbol, '\u{2018}'..='\u{201f}' | '\u{ab}' | '\u{bb}');
    if text.starts_with(is_quote) || text.ends_with(is_quote) {
        let inside = text.trim_matches(is_quote);
        return Some(format!(
            "typographic quotes are a part of the text: write `\"{inside}\"`"
        ));
    }
    if let Some(symbol) = text
        .chars()
        .find(|symbol| matches!(symbol, '\u{2010}'..='\u{2015}' | '\u{2212}'))
    {
        return Some(format!("`{symbol}` is another sign than `-`: write `-`"));
    }
    expression(text)
}

/// What engines of templates have and an expression of ours has not.
fn expression(text: &str) -> Option<String> {
    if text.contains("{%") {
        return Some("there are no statements: write one expression, such as `{{ a if b else c }}`, or another file of values".to_owned());
    }
    if text.contains("{#") {
        return Some("there are no comments within a text: write `# …` behind it".to_owned());
    }
    if text.contains("<%") {
        return Some("write an expression as `{{ name }}`".to_owned());
    }
    let inside = text.strip_prefix('{')?.strip_suffix('}')?.trim();
    let is_name = |symbol: char| symbol.is_ascii_alphanumeric() || matches!(symbol, '_' | '.');
    let is_expression = !inside.is_empty() && inside.chars().all(is_name);
    is_expression.then(|| format!("an expression has two braces: write `\"{{{{ {inside} }}}}\"`"))
}

/// Whether a symbol has no shape.
fn is_unseen(symbol: char) -> bool {
    matches!(
        symbol,
        '\u{a0}' | '\u{ad}' | '\u{2000}'
            ..='\u{200f}' | '\u{202f}' | '\u{205f}' | '\u{2060}' | '\u{3000}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use super::advice;

    #[test]
    fn what_nobody_sees_is_said() {
        for (text, meant) in [
            ("http\u{200b}", "U+200B"),
            ("\u{a0}http", "U+00A0"),
            ("\u{201c}a\u{201d}", "`\"a\"`"),
            ("a\u{2013}b", "write `-`"),
            ("{ orders.app }", "`\"{{ orders.app }}\"`"),
            ("{% if a %}", "no statements"),
            ("{# x #}a", "no comments"),
        ] {
            let told = advice(text).unwrap_or_default();
            assert!(told.contains(meant), "{text} {told}");
        }
        for text in ["http", "a-b", "/a/{id}", "{a: b}", "caf\u{e9}"] {
            assert_eq!(advice(text), None, "{text}");
        }
    }
}
