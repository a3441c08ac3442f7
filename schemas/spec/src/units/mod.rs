//! Numbers with units and texts with a form: parsing is the proof.

mod date;
mod duration;
mod host;
mod method;
mod nearly;
mod share;
mod size;
mod switch;

pub use date::Date;
pub use duration::Duration;
pub use host::HostPattern;
pub use method::Method;
pub use nearly::Nearly;
pub use share::Share;
pub use size::Size;
pub use switch::Switch;

/// Gives a unit its serde and schema side: it is read from text by `FromStr` and described by a pattern.
///
/// A unit of which each value is a word of the language is asked for as an identifier: a decoder that warns of texts which other YAML
/// tools read as something else has no reason to, because what they make of it is no value of the unit and refused.
macro_rules! from_text {
    ($unit:ident, $expecting:literal, $pattern:literal) => {
        $crate::units::from_text!($unit, $expecting, $pattern, deserialize_str);
    };
    ($unit:ident, $expecting:literal, $pattern:literal, $ask:ident) => {
        impl<'de> serde::de::Deserialize<'de> for $unit {
            fn deserialize<D: serde::de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct TextVisitor;

                impl serde::de::Visitor<'_> for TextVisitor {
                    type Value = $unit;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        formatter.write_str($expecting)
                    }

                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$unit, E> {
                        text.parse().map_err(|error: $crate::units::UnitError| E::custom(error.told()))
                    }
                }

                deserializer.$ask(TextVisitor)
            }
        }

        impl schemars::JsonSchema for $unit {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($unit).into()
            }

            fn json_schema(_generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"type": "string", "description": $expecting, "pattern": $pattern})
            }
        }
    };
}
use from_text;

/// Why a text is not the unit that was asked for, and what was probably meant.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct UnitError {
    message: String,
    nearly: Option<Nearly>,
}

/// Stands in the one text that serde keeps of an error between what is wrong and what to write, or what to decide.
const WRITE: char = '\u{1e}';
const ADVICE: char = '\u{1f}';

impl UnitError {
    fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            nearly: None,
        }
    }

    fn nearly(mut self, nearly: Option<Nearly>) -> Self {
        self.nearly = nearly;
        self
    }

    /// The error as a text that [`told`] takes apart again.
    fn told(&self) -> String {
        let Self { message, nearly } = self;
        match nearly {
            None => message.clone(),
            Some(Nearly::Write(text)) => format!("{message}{WRITE}{text}"),
            Some(Nearly::Advice(text)) => format!("{message}{ADVICE}{text}"),
        }
    }
}

/// The text of an error that serde keeps, with what to decide, which [`told`] takes apart again.
pub(crate) fn advised(message: impl std::fmt::Display, advice: impl std::fmt::Display) -> String {
    format!("{message}{ADVICE}{advice}")
}

/// What an error of a unit says, and what was probably meant, from the text that serde keeps of it.
pub fn told(error: &str) -> (&str, Option<Nearly>) {
    if let Some((message, text)) = error.split_once(WRITE) {
        return (message, Some(Nearly::Write(text.to_owned())));
    }
    match error.split_once(ADVICE) {
        Some((message, text)) => (message, Some(Nearly::Advice(text.to_owned()))),
        None => (error, None),
    }
}

/// What a number without quotes probably means where a unit is needed, by what is said of the unit.
pub fn nearly(expected: &str, number: &str) -> Option<Nearly> {
    if expected.starts_with("a duration") {
        nearly::duration(number)
    } else if expected.starts_with("a size") {
        nearly::size(number)
    } else if expected.starts_with("a share") {
        nearly::share(number)
    } else {
        None
    }
}

fn split_unit(text: &str) -> (&str, &str) {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    text.split_at_checked(digits).unwrap_or((text, ""))
}

fn whole_number(digits: &str, text: &str) -> Result<u64, UnitError> {
    digits
        .parse()
        .map_err(|_| UnitError::new(format!("`{text}` has no whole number in front of its unit")))
}
