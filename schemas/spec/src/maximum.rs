//! The largest accepted value of a guardrail: one text, or a list of them.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

/// What a guardrail accepts, as written; its kind depends on what is bounded, so the compiler reads it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Maximum {
    /// The texts; one unless it is a list.
    pub texts: Vec<String>,
}

impl Maximum {
    /// The text of a value that is no list.
    pub fn single(&self) -> Option<&str> {
        match self.texts.as_slice() {
            [text] => Some(text),
            _ => None,
        }
    }
}

impl fmt::Display for Maximum {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.texts.join(", "))
    }
}

impl<'de> Deserialize<'de> for Maximum {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MaximumVisitor;

        impl<'de> Visitor<'de> for MaximumVisitor {
            type Value = Maximum;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter
                    .write_str("a value such as `30s` or `3`, or a list such as `[10.0.0.0/8]`")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Maximum, E> {
                Ok(Maximum {
                    texts: vec![text.to_owned()],
                })
            }

            /// A number needs no quotes: attempts have no unit, and what has one is refused where it is read.
            fn visit_u64<E: Error>(self, number: u64) -> Result<Maximum, E> {
                Ok(Maximum {
                    texts: vec![number.to_string()],
                })
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Maximum, A::Error> {
                let mut texts = Vec::new();
                while let Some(text) = list.next_element()? {
                    texts.push(text);
                }
                Ok(Maximum { texts })
            }
        }

        deserializer.deserialize_any(MaximumVisitor)
    }
}

impl JsonSchema for Maximum {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Maximum".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A value such as `30s`, `20%`, `90d` or `3`, or a list of networks and names.",
            "anyOf": [{"type": "string"}, {"type": "integer", "minimum": 0}, {"type": "array", "items": {"type": "string"}}],
        })
    }
}
