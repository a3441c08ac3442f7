//! Tests: what should happen to a request, or to all requests of a region.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};

use crate::assertion::Region;
use crate::named::Named;
use crate::route::To;
use crate::spanned::Spanned;

/// A test: either one `request`, or `forall` requests of a region; it says what to `expect`, or `sameAs`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Test {
    /// What reports call it.
    pub name: Spanned<String>,
    /// The request, as `METHOD URL`.
    #[serde(default)]
    pub request: Option<Spanned<String>>,
    /// The headers of the request: a value each, or a list of values for a header that comes in several lines.
    #[serde(default)]
    pub headers: Named<HeaderLines>,
    /// Who sends it: `service/<name>` through its own sidecar; a client of a gateway by default.
    #[serde(default)]
    pub from: Option<Spanned<String>>,
    /// The requests that are all treated as expected.
    #[serde(default)]
    pub forall: Option<Spanned<Region>>,
    /// The folder of a snapshot in which the requests of `forall` are treated alike, from the folder of the spec.
    #[serde(default)]
    pub same_as: Option<Spanned<String>>,
    /// What should happen.
    #[serde(default)]
    pub expect: Option<Spanned<Expect>>,
}

/// The lines of one header: a text, or a list of texts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HeaderLines(pub Vec<String>);

impl<'de> Deserialize<'de> for HeaderLines {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LinesVisitor;

        impl<'de> Visitor<'de> for LinesVisitor {
            type Value = HeaderLines;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a text, or a list of texts for several lines")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<HeaderLines, E> {
                Ok(HeaderLines(vec![text.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<HeaderLines, A::Error> {
                let mut lines = Vec::new();
                while let Some(line) = list.next_element()? {
                    lines.push(line);
                }
                Ok(HeaderLines(lines))
            }
        }

        deserializer.deserialize_any(LinesVisitor)
    }
}

impl JsonSchema for HeaderLines {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "HeaderLines".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A value, or a list of values for a header that comes in several lines.",
            "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
        })
    }
}

/// What should happen; what is left out may be anything.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Expect {
    /// The rule that decides, as `route/rule`, or any rule of a `route`.
    #[serde(default)]
    pub route: Option<Spanned<String>>,
    /// The status of an answer that no service gives: a refusal, a redirect, or a fixed response.
    #[serde(default)]
    pub status: Option<Spanned<u16>>,
    /// The one backend, or all backends with their shares.
    #[serde(default)]
    pub backend: Option<Spanned<To>>,
    /// The path that is forwarded.
    #[serde(default)]
    pub path: Option<Spanned<String>>,
    /// The timeout of the whole request: `2s`, or `<=2s` for at most that.
    #[serde(default)]
    pub timeout: Option<Spanned<String>>,
    /// The number of tries: `2`, or `<=2` for at most that.
    #[serde(default)]
    pub attempts: Option<Spanned<String>>,
    /// Other settings of what is forwarded, by name: `timeout.idle: 5m`, `maxBody: <=1MiB`.
    #[serde(default)]
    pub settings: Named<String>,
    /// Whether the service called admits it.
    #[serde(default)]
    pub allowed: Option<Spanned<bool>>,
}
