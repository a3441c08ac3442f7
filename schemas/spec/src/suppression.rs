//! Findings that a team has looked at and accepts, until a day.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use crate::spanned::Spanned;
use crate::units::{Date, HostPattern};

/// A finding that somebody has looked at and accepts; it is no longer shown, only counted.
///
/// Warnings and remarks can be suppressed, errors cannot. A suppression that suppresses nothing is itself a finding.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Suppression {
    /// The code of the finding, as it is printed in brackets: `partial-shadow`.
    pub code: Spanned<String>,
    /// The definition in which the finding lies.
    pub at: Spanned<Place>,
    /// Why the finding is accepted.
    pub reason: Spanned<String>,
    /// The team that answers for it.
    pub owner: Spanned<String>,
    /// The last day of the suppression; the finding is shown again after it.
    pub until: Spanned<Date>,
}

/// A definition of the spec, with everything that is written in it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Place {
    /// A route, or one rule of it.
    Route {
        /// The name of the route.
        route: Spanned<String>,
        /// The name of the rule; the whole route without it.
        rule: Option<Spanned<String>>,
    },
    /// A service.
    Service(Spanned<String>),
    /// A gateway with its listeners.
    Gateway(Spanned<String>),
    /// All routes of a host, as the host is written there.
    Host(Spanned<HostPattern>),
}

/// What a place may be.
const PLACES: &[&str] = &["route", "service", "gateway", "host", "rule"];
struct PlaceVisitor;

impl<'de> Visitor<'de> for PlaceVisitor {
    type Value = Place;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a place such as `{route: orders}` or `{service: orders}`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Place, A::Error> {
        let (mut place, mut rule) = (None, None);
        while let Some(key) = map.next_key::<String>()? {
            if !PLACES.contains(&key.as_str()) {
                return Err(A::Error::unknown_field(&key, PLACES));
            }
            let found = match key.as_str() {
                "rule" => {
                    rule = Some(map.next_value()?);
                    continue;
                }
                "service" => Place::Service(map.next_value()?),
                "gateway" => Place::Gateway(map.next_value()?),
                "host" => Place::Host(map.next_value()?),
                _ => Place::Route {
                    route: map.next_value()?,
                    rule: None,
                },
            };
            if place.replace(found).is_some() {
                return Err(A::Error::custom(format!(
                    "`{key}` cannot stand beside another place; keep one of them"
                )));
            }
        }
        match (place, rule) {
            (Some(Place::Route { route, rule: _ }), rule) => Ok(Place::Route { route, rule }),
            (Some(_), Some(_)) => Err(A::Error::custom("`rule` stands beside a `route` alone")),
            (Some(place), None) => Ok(place),
            (None, _) => Err(A::Error::custom(
                "names no place; name a `route`, a `service`, a `gateway` or a `host`",
            )),
        }
    }
}

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PlaceVisitor)
    }
}

/// The schema of a mapping with one of some names.
fn one_of(description: &str, names: &[&str]) -> Schema {
    let text = serde_json::json!({"type": "string"});
    let forms = names.iter().map(|name| {
        let mut properties = serde_json::Map::new();
        properties.insert((*name).to_owned(), text.clone());
        if *name == "route" {
            properties.insert("rule".to_owned(), text.clone());
        }
        serde_json::json!({
            "type": "object",
            "properties": properties,
            "required": [name],
            "additionalProperties": false,
        })
    });
    let forms: Vec<serde_json::Value> = forms.collect();
    json_schema!({"description": description, "anyOf": forms})
}

impl JsonSchema for Place {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Place".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        let text = "A definition: `{route: NAME}`, perhaps with a `rule` of it, `{service: NAME}`, `{gateway: NAME}` or \
                    `{host: HOST}`, all routes of a host.";
        one_of(text, &["route", "service", "gateway", "host"])
    }
}
