//! A value that can be switched off: `20%` or `off`, `60s` or `off`.
//!
//! `off` says plainly what a zero would leave to guess: a budget of `0%` allows nothing, one that is `off` allows
//! everything.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, Visitor};

use super::UnitError;

/// A unit, or `off`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Switch<T> {
    /// `off`.
    Off,
    /// The value.
    On(T),
}

impl<T> Switch<T> {
    /// The value; none for `off`.
    pub fn on(self) -> Option<T> {
        match self {
            Self::Off => None,
            Self::On(value) => Some(value),
        }
    }
}

impl<T: FromStr<Err = UnitError>> FromStr for Switch<T> {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        if text == "off" {
            return Ok(Self::Off);
        }
        let value = text.parse().map(Self::On);
        value.map_err(|error: UnitError| {
            UnitError::new(format!("{error}; nor is it `off`")).nearly(error.nearly)
        })
    }
}

impl<T: fmt::Display> fmt::Display for Switch<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => formatter.write_str("off"),
            Self::On(value) => value.fmt(formatter),
        }
    }
}

impl<'de, T: FromStr<Err = UnitError>> Deserialize<'de> for Switch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SwitchVisitor<T>(PhantomData<T>);

        impl<T: FromStr<Err = UnitError>> Visitor<'_> for SwitchVisitor<T> {
            type Value = Switch<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a value with its unit, or `off`")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Switch<T>, E> {
                text.parse()
                    .map_err(|error: UnitError| E::custom(error.told()))
            }
        }

        // `off` is a boolean to YAML 1.1; what its tools make of it, `false`, is refused here.
        deserializer.deserialize_identifier(SwitchVisitor(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Switch<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}OrOff", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [generator.subschema_for::<T>(), {"type": "string", "const": "off"}],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Share;

    #[test]
    fn off_is_a_value_of_its_own() {
        let read = |text: &str| text.parse::<Switch<Share>>().map(Switch::on);
        assert_eq!(read("off"), Ok(None));
        assert_eq!(read("0%"), Ok(Some("0%".parse().unwrap())));
        for text in ["Off", "no", "false", "20", ""] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn it_is_written_as_it_is_read() {
        for text in ["off", "0.5%"] {
            let value: Switch<Share> = text.parse().unwrap();
            assert_eq!(value.to_string(), text);
        }
    }
}
