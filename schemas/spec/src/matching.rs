//! What a rule matches: paths, headers and query parameters.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use crate::spanned::Spanned;
use crate::units::advised;

/// A path as written: text for the three structural kinds, or `{regex: …}`.
///
/// `/a` is exact, `/a/**` takes the segment `a` and all below it, `/a/{id}` has one segment that may be
/// anything. Whether the text makes sense is the compiler's question.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PathMatch {
    /// `/a`, `/a/{id}` or `/a/**`.
    Pattern(String),
    /// A regular expression that must match the whole path.
    Regex(Spanned<String>),
}

/// What must hold for the value of one header or one query parameter.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ValueMatch {
    /// The value is this text.
    Exact(String),
    /// `{present: true}`: there is a value, whatever it is.
    Present,
    /// `{absent: true}`: there is none.
    Absent,
    /// `{regex: …}`: the whole value matches.
    Regex(Spanned<String>),
}

impl<'de> Deserialize<'de> for PathMatch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PathVisitor;

        impl<'de> Visitor<'de> for PathVisitor {
            type Value = PathMatch;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a path such as `/a/**`, or `{regex: …}`")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<PathMatch, E> {
                Ok(PathMatch::Pattern(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<PathMatch, A::Error> {
                let Some(key) = map.next_key::<String>()? else {
                    return Err(A::Error::missing_field("regex"));
                };
                let matched = match key.as_str() {
                    "regex" => PathMatch::Regex(map.next_value()?),
                    other => return Err(A::Error::unknown_field(other, &["regex"])),
                };
                refuse_more(map)?;
                Ok(matched)
            }
        }

        deserializer.deserialize_any(PathVisitor)
    }
}

impl<'de> Deserialize<'de> for ValueMatch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ValueVisitor;

        impl<'de> Visitor<'de> for ValueVisitor {
            type Value = ValueMatch;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(
                    "a text, or one of `{present: true}`, `{absent: true}`, `{regex: …}`",
                )
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<ValueMatch, E> {
                Ok(ValueMatch::Exact(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ValueMatch, A::Error> {
                let Some(key) = map.next_key::<String>()? else {
                    return Err(A::Error::custom(
                        "says neither `present`, `absent` nor `regex`",
                    ));
                };
                let matched = match key.as_str() {
                    "present" => only_true(&key, map.next_value()?, ValueMatch::Present)?,
                    "absent" => only_true(&key, map.next_value()?, ValueMatch::Absent)?,
                    "regex" => ValueMatch::Regex(map.next_value()?),
                    other => {
                        return Err(A::Error::unknown_field(
                            other,
                            &["present", "absent", "regex"],
                        ));
                    }
                };
                refuse_more(map)?;
                Ok(matched)
            }
        }

        deserializer.deserialize_any(ValueVisitor)
    }
}

fn only_true<E: Error>(key: &str, value: bool, matched: ValueMatch) -> Result<ValueMatch, E> {
    if value {
        Ok(matched)
    } else {
        let other = if key == "present" {
            "absent"
        } else {
            "present"
        };
        Err(E::custom(advised(
            format_args!("`{key}: false` says nothing"),
            format_args!("write `{{{other}: true}}`, or leave the condition out"),
        )))
    }
}

fn refuse_more<'de, A: MapAccess<'de>>(mut map: A) -> Result<(), A::Error> {
    match map.next_key::<String>()? {
        None => Ok(()),
        Some(key) => {
            map.next_value::<IgnoredAny>()?;
            Err(A::Error::custom(advised(
                format_args!("`{key}` cannot stand beside another kind of match"),
                "keep one of them; two rules can ask for one each",
            )))
        }
    }
}

fn regex_schema() -> serde_json::Value {
    serde_json::json!({
        "type": "object",
        "properties": {"regex": {"type": "string", "description": "A regular expression that must match the whole value."}},
        "required": ["regex"],
        "additionalProperties": false,
    })
}

impl JsonSchema for PathMatch {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PathMatch".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "`/a` exact, `/a/**` a segment and all below it, `/a/{id}` one free segment, or `{regex: …}` in full.",
            "anyOf": [{"type": "string", "pattern": "^/"}, regex_schema()],
        })
    }
}

impl JsonSchema for ValueMatch {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ValueMatch".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        let only = |key: &str| {
            serde_json::json!({
                "type": "object",
                "properties": {key: {"const": true}},
                "required": [key],
                "additionalProperties": false,
            })
        };
        json_schema!({
            "description": "A text to equal, or `{present: true}`, `{absent: true}`, `{regex: …}`.",
            "anyOf": [
                {"type": "string"},
                only("present"),
                only("absent"),
                regex_schema(),
            ],
        })
    }
}
