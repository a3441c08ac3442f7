//! Numbers with units and texts with a form: parsing is the proof.

mod date;
mod duration;
mod host;
mod method;
mod share;
mod size;
mod switch;

pub use date::Date;
pub use duration::Duration;
pub use host::HostPattern;
pub use method::Method;
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
                        text.parse().map_err(E::custom)
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

/// Why a text is not the unit that was asked for.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct UnitError {
    message: String,
}

impl UnitError {
    fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
        }
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
