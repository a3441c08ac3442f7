//! What an unquoted scalar means: YAML 1.2's core schema without its rarities.
//!
//! Only decimal whole numbers are numbers. `0755`, `0x1F`, `1_000`, `1e3` and `1.10` stay the texts
//! they look like, and so do `yes`, `no`, `on` and `off`; where a number is needed, the decoder says so.

use super::event::Style;

/// The meaning of a scalar.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Scalar<'t> {
    /// Nothing: `null`, `~`, or no text at all.
    Nothing,
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number of at least 0.
    Number(u64),
    /// A whole number below 0.
    Negative(i64),
    /// A text.
    Text(&'t str),
}

impl<'t> Scalar<'t> {
    /// Reads a scalar as it was written.
    pub(crate) fn read(text: &'t str, style: Style) -> Self {
        match style {
            Style::Text => Self::Text(text),
            Style::Plain => Self::plain(text),
        }
    }

    fn plain(text: &'t str) -> Self {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => Self::Nothing,
            "true" | "True" | "TRUE" => Self::Boolean(true),
            "false" | "False" | "FALSE" => Self::Boolean(false),
            number => Self::number(number).unwrap_or(Self::Text(text)),
        }
    }

    fn number(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let has_leading_zero = 1 < digits.len() && digits.starts_with('0');
        if has_leading_zero || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        if digits.len() == text.len() {
            text.parse().ok().map(Self::Number)
        } else {
            text.parse().ok().map(Self::Negative)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Scalar<'_> {
        Scalar::read(text, Style::Plain)
    }

    #[test]
    fn yaml_1_1_words_are_texts() {
        for word in ["yes", "no", "on", "off", "y", "n", "Yes", "NO"] {
            assert_eq!(plain(word), Scalar::Text(word));
        }
    }

    #[test]
    fn only_decimal_whole_numbers_are_numbers() {
        assert_eq!(plain("0"), Scalar::Number(0));
        assert_eq!(plain("8080"), Scalar::Number(8080));
        assert_eq!(plain("-5"), Scalar::Negative(-5));
        for text in [
            "0755", "0o17", "0x1F", "1_000", "1.10", "1e3", ".5", "+5", "-", "12:30:45",
        ] {
            assert_eq!(plain(text), Scalar::Text(text));
        }
    }

    #[test]
    fn a_number_too_large_for_64_bits_is_a_text() {
        assert_eq!(
            plain("18446744073709551616"),
            Scalar::Text("18446744073709551616")
        );
    }

    #[test]
    fn quotes_make_a_text() {
        for text in ["true", "1", "", "null"] {
            assert_eq!(Scalar::read(text, Style::Text), Scalar::Text(text));
        }
    }
}
