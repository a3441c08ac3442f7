//! Services: where they run, what they may call and who may call them.

use std::fmt;
use std::net::SocketAddr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::matching::PathMatch;
use crate::mesh::Mtls;
use crate::named::Named;
use crate::policy::{Retry, Timeout};
use crate::route::Trailers;
use crate::spanned::Spanned;
use crate::units::{Date, Duration, Method, Switch, advised};

/// A service of the mesh, or one outside of it that the mesh calls.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Service {
    /// The team that owns the service.
    #[serde(default)]
    pub team: Option<Spanned<String>>,
    /// What the service speaks.
    pub protocol: Spanned<ServiceProtocol>,
    /// Where the process listens behind its own sidecar; a service without a sidecar has none.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub app: Option<Spanned<SocketAddr>>,
    /// Where the sidecar listens.
    #[serde(default)]
    pub sidecar: Sidecar,
    /// Where the instances of the service are reached: the inbound side of their sidecars.
    #[serde(default)]
    pub endpoints: Option<Spanned<Endpoints>>,
    /// Versions beside the one in `endpoints`, addressed as `service@version`.
    #[serde(default)]
    pub versions: Named<Version>,
    /// What callers get unless they ask for less.
    #[serde(default)]
    pub timeout: Timeout,
    /// Retries that callers do unless they say otherwise.
    #[serde(default)]
    pub retry: Option<Box<Spanned<Retry>>>,
    /// How many requests of one rule or call each proxy sends it at one time, and its own sidecar the process (503
    /// `too-many-in-flight` beyond), from 1; no limit by default.
    #[serde(default)]
    pub max_in_flight: Option<Spanned<u32>>,
    /// How long an idle connection to its process (behind its sidecar, or at its endpoints if it has none) is kept for the
    /// next request, from `1s` to `24h`; that of `mesh.defaults` by default, else `60s`.
    ///
    /// A shorter time that the process announces (`Keep-Alive: timeout=N`) counts instead, less a margin of a second, so
    /// that it does not close a connection while a request is on its way. `off` lets a connection serve one request; over
    /// HTTP/1.1 it is sent `Connection: close`.
    #[serde(default)]
    pub keep_alive: Option<Spanned<Switch<Duration>>>,
    /// The host that the service sees in requests to it: a name, perhaps with a port, or `keep` for that of the request.
    ///
    /// `keep` by default, but for a service with `tls: {verify: …}` that name: a server elsewhere tells its sites apart
    /// by the host and does not know ours. The `rewrite: {host: …}` of a rule counts before it.
    #[serde(default)]
    pub host: Option<Spanned<ServiceHost>>,
    /// Whether its answers are streams without an end, which no limit on time may cut; `false` by default.
    #[serde(default)]
    pub streaming: Option<Spanned<bool>>,
    /// How long an answer takes at most, its own calls included, as the service promises to its users.
    #[serde(default)]
    pub slo: Option<Spanned<Duration>>,
    /// What the service may call, and how patiently; it can call nothing else.
    #[serde(default)]
    pub calls: Named<Call>,
    /// How carefully its data is to be handled; nothing is asked if it is not said.
    #[serde(default)]
    pub sensitivity: Option<Spanned<Sensitivity>>,
    /// The order of its calls for one request: one after the other; those of a list within the list together.
    #[serde(default)]
    pub plan: Vec<Spanned<Step>>,
    /// Who may call the service; nobody else can.
    #[serde(default, deserialize_with = "crate::list::whole")]
    pub allow: Vec<Spanned<Allow>>,
    /// What it refuses although `allow` admits it.
    #[serde(default, deserialize_with = "crate::list::whole")]
    pub deny: Vec<Spanned<Deny>>,
    /// Weaker mTLS than the mesh: `permissive` (needs `until`), or `disabled` for a service without a sidecar.
    #[serde(default)]
    pub mtls: Option<Spanned<Mtls>>,
    /// The last day of `mtls: permissive`.
    #[serde(default)]
    pub until: Option<Spanned<Date>>,
    /// TLS to a service without a sidecar.
    #[serde(default)]
    pub tls: Option<Spanned<UpstreamTls>>,
}

/// What a service speaks.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceProtocol {
    /// HTTP/1.1.
    Http,
    /// HTTP/2, without encryption behind a sidecar.
    Http2,
    /// gRPC, which is HTTP/2.
    Grpc,
}

/// Where the sidecar listens.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sidecar {
    /// Where other proxies reach it, over mTLS; `0.0.0.0:15443` by default.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub inbound: Option<Spanned<SocketAddr>>,
    /// Where the app sends its calls, in plain HTTP with `Host: <service>`; `127.0.0.1:15001` by default.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub outbound: Option<Spanned<SocketAddr>>,
}

/// Where the instances of a service are reached.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Endpoints {
    /// A list of addresses.
    Static(Vec<Spanned<SocketAddr>>),
    /// `{dns: host:port}`, resolved again and again by the proxy.
    Dns(Spanned<String>),
    /// `{file: path}`, a JSON list of addresses that the proxy watches.
    File(Spanned<String>),
}

/// The host that a service sees.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ServiceHost {
    /// That of the request.
    Keep,
    /// This one.
    Name(String),
}

/// A version of a service.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Version {
    /// Where its instances are reached.
    pub endpoints: Spanned<Endpoints>,
}

/// A call to another service.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Call {
    /// The operations called, as `METHOD /path`; everything by default.
    #[serde(default)]
    pub operations: Vec<Spanned<String>>,
    /// Limits on waiting, at most those of the service called.
    #[serde(default)]
    pub timeout: Timeout,
    /// Retries.
    #[serde(default)]
    pub retry: Option<Box<Spanned<Retry>>>,
    /// How many of its requests the sidecar forwards at one time (503 `too-many-in-flight` beyond), from 1; that of the service
    /// called by default.
    #[serde(default)]
    pub max_in_flight: Option<Spanned<u32>>,
    /// What becomes of trailers of its requests: `pass` or `drop`; `drop` by default, and gRPC always passes.
    #[serde(default)]
    pub trailers: Option<Spanned<Trailers>>,
    /// How many of these calls one request causes, from 1 to 1000; 1 by default.
    #[serde(default)]
    pub fan_out: Option<Spanned<u32>>,
}

/// How carefully data is to be handled; each level asks for all of those before it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd)]
#[serde(rename_all = "kebab-case")]
pub enum Sensitivity {
    /// Everybody may see it.
    Public,
    /// It is encrypted on every hop.
    Internal,
    /// The same; for people to know.
    Confidential,
    /// No client of a gateway reaches it directly.
    Restricted,
}

/// A step of the work on one request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Step {
    /// One call.
    One(String),
    /// Calls that are made together.
    Together(Vec<Spanned<String>>),
}

/// A permission to call.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Allow {
    /// The callers: `gateway/<name>`, `service/<name>`, all of a kind as `gateway/*` and `service/*`, or `mesh`, every
    /// identity of the trust domain. What counts is the identity that a peer proves, also one that no file of the spec names.
    pub from: Vec<Spanned<String>>,
    /// The methods; all by default.
    #[serde(default)]
    pub methods: Vec<Spanned<Method>>,
    /// The paths; all by default.
    #[serde(default)]
    pub path: Option<Spanned<PathMatch>>,
}

/// Calls that are refused, whatever is allowed.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Deny {
    /// The callers, as in `allow`; everybody by default.
    #[serde(default)]
    pub from: Option<Vec<Spanned<String>>>,
    /// The methods; all by default.
    #[serde(default)]
    pub methods: Vec<Spanned<Method>>,
    /// The paths; all by default.
    #[serde(default)]
    pub path: Option<Spanned<PathMatch>>,
}

/// TLS to a service without a sidecar.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpstreamTls {
    /// The DNS name that the certificate of the service must carry.
    pub verify: Spanned<String>,
    /// The path of the PEM file with the accepted roots, as the proxy finds it; needed.
    pub roots: Spanned<String>,
}

impl<'de> Deserialize<'de> for Endpoints {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EndpointsVisitor;

        impl<'de> Visitor<'de> for EndpointsVisitor {
            type Value = Endpoints;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list of addresses, `{dns: host:port}` or `{file: path}`")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Endpoints, A::Error> {
                crate::list::entries(list).map(Endpoints::Static)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Endpoints, A::Error> {
                let Some(key) = map.next_key::<String>()? else {
                    return Err(A::Error::custom("says neither `dns` nor `file`"));
                };
                let endpoints = match key.as_str() {
                    "dns" => Endpoints::Dns(map.next_value()?),
                    "file" => Endpoints::File(map.next_value()?),
                    other => return Err(A::Error::unknown_field(other, &["dns", "file"])),
                };
                if let Some(key) = map.next_key::<String>()? {
                    map.next_value::<IgnoredAny>()?;
                    return Err(A::Error::custom(advised(
                        format_args!("`{key}` cannot stand beside another kind of endpoints"),
                        "keep one of them",
                    )));
                }
                Ok(endpoints)
            }
        }

        deserializer.deserialize_any(EndpointsVisitor)
    }
}

impl JsonSchema for Endpoints {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Endpoints".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        let only = |key: &str| {
            serde_json::json!({
                "type": "object",
                "properties": {key: {"type": "string"}},
                "required": [key],
                "additionalProperties": false,
            })
        };
        json_schema!({
            "description": "A list of `address:port`, or `{dns: host:port}`, or `{file: path}`.",
            "anyOf": [
                {
                    "type": "array",
                    "items": {"type": "string", "pattern": crate::annotations::SOCKET},
                    "minItems": 1,
                },
                only("dns"),
                only("file"),
            ],
        })
    }
}

impl<'de> Deserialize<'de> for ServiceHost {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct HostVisitor;

        impl Visitor<'_> for HostVisitor {
            type Value = ServiceHost;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a host such as `api.example.com`, or `keep`")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<ServiceHost, E> {
                Ok(match text {
                    "keep" => ServiceHost::Keep,
                    name => ServiceHost::Name(name.to_owned()),
                })
            }
        }

        deserializer.deserialize_str(HostVisitor)
    }
}

impl JsonSchema for ServiceHost {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ServiceHost".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A host such as `api.example.com`, or `keep` for that of the request.",
            "type": "string",
        })
    }
}

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StepVisitor;

        impl<'de> Visitor<'de> for StepVisitor {
            type Value = Step;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a service that is called, or a list of those called together")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Step, E> {
                Ok(Step::One(name.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Step, A::Error> {
                let mut together = Vec::new();
                while let Some(name) = list.next_element()? {
                    together.push(name);
                }
                if together.is_empty() {
                    return Err(A::Error::custom(
                        "a step calls nothing: name a call, or remove the step",
                    ));
                }
                Ok(Step::Together(together))
            }
        }

        deserializer.deserialize_any(StepVisitor)
    }
}

impl JsonSchema for Step {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Step".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A service of `calls`, or a list of those called together.",
            "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}],
        })
    }
}
