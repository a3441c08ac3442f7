//! Variables of a shell in a text, which nobody here reads: `${PORT}`.

/// The name of the first variable of a shell in a text.
pub(super) fn variable(text: &str) -> Option<&str> {
    let (_, behind) = text.split_once("${")?;
    let (name, _) = behind.split_once('}')?;
    // `${PORT:-8080}` has a default.
    let name = name.split([':', '-']).next().unwrap_or_default();
    let is_name = |symbol: char| symbol.is_ascii_alphanumeric() || matches!(symbol, '_' | '.');
    (!name.is_empty() && name.chars().all(is_name)).then_some(name)
}

/// How a variable of a shell is written here: `"{{ port }}"`.
pub(super) fn as_expression(name: &str) -> String {
    format!("\"{{{{ {} }}}}\"", name.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_has_a_name_in_braces() {
        assert_eq!(variable("${PORT}"), Some("PORT"));
        assert_eq!(variable("a-${Host_1:-x}/b"), Some("Host_1"));
        for text in ["$PORT", "${}", "${a b}", "a{b}", "${", "$(x)"] {
            assert_eq!(variable(text), None, "{text}");
        }
        assert_eq!(as_expression("PORT"), "\"{{ port }}\"");
    }
}
