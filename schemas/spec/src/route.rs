//! Routes: which requests of a listener go where.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use crate::matching::{PathMatch, ValueMatch};
use crate::named::Named;
use crate::policy::{Retry, Timeout};
use crate::spanned::{Span, Spanned};
use crate::units::{HostPattern, Method, Share, Size};

/// The rules for one host of one listener, or for several.
#[derive(Clone, Debug)]
pub struct Route {
    /// The team that owns the route.
    pub team: Option<Spanned<String>>,
    /// The listener, as `gateway/listener`.
    pub listener: Spanned<String>,
    /// The hosts.
    pub hosts: Vec<Spanned<HostPattern>>,
    /// The rules; their order means nothing.
    pub rules: Vec<Spanned<Rule>>,
    /// What is wrong with the way in which listener and hosts are said.
    pub unclear: Vec<Unclear>,
}

/// Fields of a route that do not say what they should.
#[derive(Clone, Debug)]
pub enum Unclear {
    /// A second way to say the same.
    Twice {
        /// The two names of the field.
        names: [&'static str; 2],
        /// Where the first stands.
        first: Span,
        /// And the second.
        second: Span,
    },
    /// A list of hosts without a host, at this place.
    NoHost(Span),
}

/// A route as it is written: two fields have two ways each, of which one is needed.
#[derive(Deserialize, JsonSchema)]
#[serde(rename = "Route", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = either_way)]
struct Written {
    /// The team that owns the route.
    #[serde(default)]
    team: Option<Spanned<String>>,
    /// The listener, as `gateway/listener`.
    #[serde(default)]
    listener: Option<Spanned<String>>,
    /// The same as `listener`; YAML 1.1 tools read this name as `true`.
    #[serde(default)]
    on: Option<Spanned<String>>,
    /// The host: exact, `*.suffix`, or `*`.
    #[serde(default)]
    host: Option<Spanned<HostPattern>>,
    /// Several hosts, for each of which the rules hold; instead of `host`.
    #[serde(default)]
    hosts: Option<Spanned<Vec<Spanned<HostPattern>>>>,
    /// The rules; their order means nothing.
    #[serde(deserialize_with = "crate::list::whole")]
    rules: Vec<Spanned<Rule>>,
}

/// The two ways of each field, the documented one first.
const WAYS: [[&str; 2]; 2] = [["listener", "on"], ["host", "hosts"]];

/// Exactly one way of each field is there.
fn either_way(schema: &mut Schema) {
    let one = |ways: [&str; 2]| {
        let required = ways.map(|way| serde_json::json!({"required": [way]}));
        serde_json::json!({"oneOf": required})
    };
    schema.insert("allOf".to_owned(), WAYS.map(one).to_vec().into());
    if let Some(hosts) = schema
        .pointer_mut("/properties/hosts")
        .and_then(serde_json::Value::as_object_mut)
    {
        hosts.insert("minItems".to_owned(), 1.into());
    }
}

impl<'de> Deserialize<'de> for Route {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RouteVisitor;

        impl<'de> Visitor<'de> for RouteVisitor {
            type Value = Route;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a route")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Route, A::Error> {
                Written::deserialize(MapAccessDeserializer::new(map))?.settled()
            }
        }

        let fields = &["team", "listener", "on", "host", "hosts", "rules"];
        deserializer.deserialize_struct("Route", fields, RouteVisitor)
    }
}

impl Written {
    /// The route, if each field is there in some way.
    fn settled<E: Error>(self) -> Result<Route, E> {
        let Self {
            team,
            listener,
            on,
            host,
            hosts,
            rules,
        } = self;
        let mut unclear = Vec::new();
        let mut twice = |names, (one, other): (Span, Span)| {
            let (first, second) = (one.min(other), one.max(other));
            unclear.push(Unclear::Twice {
                names,
                first,
                second,
            });
        };
        if let (Some(listener), Some(on)) = (&listener, &on) {
            twice(["listener", "on"], (listener.span, on.span));
        }
        if let (Some(host), Some(hosts)) = (&host, &hosts) {
            twice(["host", "hosts"], (host.span, hosts.span));
        }
        let empty = hosts.as_ref().filter(|hosts| hosts.value.is_empty());
        unclear.extend(empty.map(|hosts| Unclear::NoHost(hosts.span)));
        let host = host.map(|host| vec![host]);
        let hosts = host.or_else(|| hosts.map(|hosts| hosts.value));
        Ok(Route {
            team,
            listener: listener
                .or(on)
                .ok_or_else(|| E::missing_field("listener"))?,
            hosts: hosts.ok_or_else(|| E::missing_field("host"))?,
            rules,
            unclear,
        })
    }
}

impl JsonSchema for Route {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        Written::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Written::json_schema(generator)
    }
}

/// Which requests, and what becomes of them: exactly one of `to`, `redirect` and `respond`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// A name for logs and metrics; the position in the list by default.
    #[serde(default)]
    pub name: Option<Spanned<String>>,
    /// The paths; `/**`, all of them, by default.
    #[serde(default)]
    pub path: Option<Spanned<PathMatch>>,
    /// The methods; all by default.
    #[serde(default)]
    pub methods: Vec<Spanned<Method>>,
    /// Conditions on headers, all of which must hold.
    #[serde(default)]
    pub headers: Named<ValueMatch>,
    /// Conditions on query parameters, all of which must hold.
    #[serde(default)]
    pub query: Named<ValueMatch>,
    /// Decides between overlapping rules before anything else; the larger wins; 0 by default.
    #[serde(default)]
    pub priority: Option<Spanned<i32>>,
    /// Where the requests go: one service, or several with shares.
    #[serde(default)]
    pub to: Option<Spanned<To>>,
    /// Answers with a redirect.
    #[serde(default)]
    pub redirect: Option<Box<Spanned<Redirect>>>,
    /// Answers with a fixed response.
    #[serde(default)]
    pub respond: Option<Box<Spanned<Respond>>>,
    /// Limits on waiting.
    #[serde(default)]
    pub timeout: Timeout,
    /// Retries.
    #[serde(default)]
    pub retry: Option<Box<Spanned<Retry>>>,
    /// Changes to the headers of the request, before it is forwarded.
    #[serde(default)]
    #[schemars(with = "HeaderChanges")]
    pub request_headers: Option<Box<HeaderChanges>>,
    /// Changes to the headers of the response, before it is sent to the client.
    #[serde(default)]
    #[schemars(with = "HeaderChanges")]
    pub response_headers: Option<Box<HeaderChanges>>,
    /// Changes to the path and the host, before the request is forwarded.
    #[serde(default)]
    pub rewrite: Option<Box<Spanned<Rewrite>>>,
    /// Protocols to which a connection may be upgraded; none by default.
    #[serde(default)]
    pub upgrade: Vec<Spanned<Upgrade>>,
    /// The largest request body that is accepted (413 beyond); that of the listener by default.
    #[serde(default)]
    pub max_body: Option<Spanned<Size>>,
    /// How many of its requests a proxy forwards at one time (503 `too-many-in-flight` beyond), from 1; that of the services
    /// called by default, else no limit.
    #[serde(default)]
    pub max_in_flight: Option<Spanned<u32>>,
    /// What becomes of trailers of requests: `pass` or `drop`; `drop` by default, and gRPC always passes.
    ///
    /// Trailers are rare and some servers refuse them, so they go where somebody expects them. Names that policy sets,
    /// removes or trusts, and those that frame or route a message, never pass in a trailer (RFC 9110 6.5.1).
    #[serde(default)]
    pub trailers: Option<Spanned<Trailers>>,
}

/// What becomes of trailers of requests.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Trailers {
    /// They are forwarded.
    Pass,
    /// They are left out.
    Drop,
}

/// A protocol to which a connection may be upgraded.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Upgrade {
    /// RFC 6455.
    Websocket,
}

/// Where requests go.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum To {
    /// All to one backend: `service` or `service@version`.
    One(String),
    /// Each backend with its share; together 100%.
    Shares(Vec<(Spanned<String>, Spanned<Share>)>),
}

/// Changes to headers, applied in the order remove, set, add.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HeaderChanges {
    /// Replaces all values of a header by this one.
    #[serde(default)]
    pub set: Named<String>,
    /// Adds a value beside those that are there.
    #[serde(default)]
    pub add: Named<String>,
    /// Removes all values of a header.
    #[serde(default)]
    pub remove: Vec<Spanned<String>>,
}

/// Changes to the path and the host.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rewrite {
    /// The new path. `{name}` stands for a segment of that name in the rule's path; a final `/**` for
    /// what the rule's `/**` took.
    #[serde(default)]
    pub path: Option<Spanned<String>>,
    /// The new host.
    #[serde(default)]
    pub host: Option<Spanned<String>>,
}

/// A redirect; what is not given stays as the client sent it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Redirect {
    /// `http` or `https`.
    #[serde(default)]
    pub scheme: Option<Spanned<Scheme>>,
    /// The new host.
    #[serde(default)]
    pub host: Option<Spanned<String>>,
    /// The new port; where `scheme` is given, that scheme's own by default.
    #[serde(default)]
    pub port: Option<Spanned<u16>>,
    /// The new path, written as in `rewrite`.
    #[serde(default)]
    pub path: Option<Spanned<String>>,
    /// 301, 302 (default), 303, 307 or 308.
    #[serde(default)]
    pub code: Option<Spanned<u16>>,
}

/// A scheme.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    /// Without TLS.
    Http,
    /// With TLS.
    Https,
}

/// A fixed response.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Respond {
    /// The status, from 200 to 599.
    pub status: Spanned<u16>,
    /// The body, at most 64 KiB; empty by default.
    #[serde(default)]
    pub body: Option<Spanned<String>>,
    /// The `content-type` of the body; `text/plain; charset=utf-8` by default.
    #[serde(default)]
    pub content_type: Option<Spanned<String>>,
}

impl<'de> Deserialize<'de> for To {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ToVisitor;

        impl<'de> Visitor<'de> for ToVisitor {
            type Value = To;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a service, or services with shares such as `{a: 90%, b: 10%}`")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<To, E> {
                Ok(To::One(name.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<To, A::Error> {
                let mut shares = Vec::new();
                while let Some(share) = map.next_entry()? {
                    shares.push(share);
                }
                Ok(To::Shares(shares))
            }
        }

        deserializer.deserialize_any(ToVisitor)
    }
}

impl JsonSchema for To {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "To".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A backend, `service` or `service@version`, or several with shares that sum to 100%.",
            "anyOf": [
                {"type": "string"},
                {"type": "object", "minProperties": 1, "additionalProperties": generator.subschema_for::<Share>()},
            ],
        })
    }
}
