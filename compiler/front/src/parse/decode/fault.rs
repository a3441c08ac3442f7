//! What serde says when a type refuses a value, kept until its place is known.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

/// Why a value was refused.
#[derive(Debug)]
pub(super) enum Fault {
    /// It was reported already.
    Reported,
    /// It is of another kind, or out of range.
    Expected(String),
    /// The type's own words.
    Custom(String),
    /// A key that is not among the known ones.
    UnknownField(String, &'static [&'static str]),
    /// A word that is not among the known ones.
    UnknownVariant(String, &'static [&'static str]),
    /// A field that is not there.
    Missing(&'static str),
    /// A list or mapping with so many entries.
    TooMany(usize),
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reported => formatter.write_str("reported"),
            Self::Expected(expected) => write!(formatter, "expected {expected}"),
            Self::Custom(message) => formatter.write_str(message),
            Self::UnknownField(name, _) => write!(formatter, "unknown field `{name}`"),
            Self::UnknownVariant(name, _) => write!(formatter, "unknown word `{name}`"),
            Self::Missing(name) => write!(formatter, "missing field `{name}`"),
            Self::TooMany(entries) => write!(formatter, "{entries} entries"),
        }
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Custom(message.to_string())
    }

    fn invalid_type(_found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::Expected(in_plain_words(&expected.to_string()))
    }

    fn invalid_value(_found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::Expected(in_plain_words(&expected.to_string()))
    }

    fn invalid_length(_length: usize, expected: &dyn Expected) -> Self {
        Self::Expected(in_plain_words(&expected.to_string()))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::UnknownVariant(variant.to_owned(), expected)
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::UnknownField(field.to_owned(), expected)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }

    fn duplicate_field(_field: &'static str) -> Self {
        Self::Reported
    }
}

/// Standard types speak of themselves in the words of programmers.
pub(super) fn in_plain_words(expected: &str) -> String {
    match expected {
        "a string" | "a borrowed string" => "a text".to_owned(),
        "a boolean" => "`true` or `false`".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "a mapping".to_owned(),
        "IP address" => "an IP address such as `10.0.0.1`".to_owned(),
        "socket address" => "an address with a port such as `127.0.0.1:8080`".to_owned(),
        "u8" => whole_number(0, u8::MAX.into()),
        "u16" => whole_number(0, u16::MAX.into()),
        "u32" => whole_number(0, u32::MAX.into()),
        "i32" => whole_number(i32::MIN.into(), i32::MAX.into()),
        other => other.to_owned(),
    }
}

fn whole_number(from: i64, to: i64) -> String {
    format!("a whole number from {from} to {to}")
}
