//! Timeouts and retries, which defaults, services, calls and rules all may set.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

use crate::spanned::Spanned;
use crate::units::{Duration, Share, Switch};

/// Limits on waiting; an absent one is inherited, `0s` switches one off.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Timeout {
    /// From the request head being read to the response being complete, retries included; then 504.
    #[serde(default)]
    pub request: Option<Spanned<Duration>>,
    /// The same for one attempt.
    #[serde(default)]
    pub backend_request: Option<Spanned<Duration>>,
    /// Opening a connection, TLS included.
    #[serde(default)]
    pub connect: Option<Spanned<Duration>>,
    /// Silence in either direction.
    #[serde(default)]
    pub idle: Option<Spanned<Duration>>,
}

/// When and how often a request is tried again.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Retry {
    /// The number of tries, from 1 (no retry) to 10.
    #[serde(default)]
    pub attempts: Option<Spanned<u8>>,
    /// What is worth another try; `[connect-failure, refused-stream]` by default.
    #[serde(default)]
    pub on: Option<Vec<Spanned<RetryOn>>>,
    /// The largest share of requests that may be retries, per worker and backend, or `off` for no bound; `20%` by default.
    ///
    /// Ten retries a second are always allowed, whatever the share: a service with few requests could not retry at all
    /// otherwise. `off` lets every request be tried `attempts` times while the backend fails.
    #[serde(default)]
    pub budget: Option<Spanned<Switch<Share>>>,
    /// How long to wait between tries.
    #[serde(default)]
    pub backoff: Option<Spanned<Backoff>>,
    /// Says that repeating a request does no harm, whatever its method; `false` by default.
    #[serde(default)]
    pub idempotent: Option<Spanned<bool>>,
}

/// How long to wait between tries: a random time up to `base`, doubled for each try, up to `max`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Backoff {
    /// The upper bound of the first wait; `25ms` by default.
    #[serde(default)]
    pub base: Option<Spanned<Duration>>,
    /// The upper bound of every wait; `250ms` by default.
    #[serde(default)]
    pub max: Option<Spanned<Duration>>,
}

/// A reason to try again.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum RetryOn {
    /// No connection could be opened.
    ConnectFailure,
    /// The backend refused the stream before looking at it (HTTP/2 `REFUSED_STREAM`, `GOAWAY`).
    RefusedStream,
    /// The connection broke before a response head came.
    Reset,
    /// One attempt took longer than `backendRequest`.
    BackendTimeout,
    /// Any status from 500 to 599.
    ServerError,
    /// One status, from 400 to 599.
    Status(u16),
}

impl RetryOn {
    /// The names that are not numbers.
    pub const NAMES: &[&str] = &[
        "connect-failure",
        "refused-stream",
        "reset",
        "backend-timeout",
        "5xx",
    ];
}

impl fmt::Display for RetryOn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConnectFailure => formatter.write_str("connect-failure"),
            Self::RefusedStream => formatter.write_str("refused-stream"),
            Self::Reset => formatter.write_str("reset"),
            Self::BackendTimeout => formatter.write_str("backend-timeout"),
            Self::ServerError => formatter.write_str("5xx"),
            Self::Status(status) => write!(formatter, "{status}"),
        }
    }
}

impl<'de> Deserialize<'de> for RetryOn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RetryOnVisitor;

        impl Visitor<'_> for RetryOnVisitor {
            type Value = RetryOn;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a reason to retry, or a status from 400 to 599")
            }

            fn visit_u64<E: Error>(self, status: u64) -> Result<RetryOn, E> {
                match u16::try_from(status) {
                    Ok(status @ 400..=599) => Ok(RetryOn::Status(status)),
                    _ => Err(E::custom(format!(
                        "status `{status}` is not between 400 and 599"
                    ))),
                }
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<RetryOn, E> {
                match name {
                    "connect-failure" => Ok(RetryOn::ConnectFailure),
                    "refused-stream" => Ok(RetryOn::RefusedStream),
                    "reset" => Ok(RetryOn::Reset),
                    "backend-timeout" => Ok(RetryOn::BackendTimeout),
                    "5xx" => Ok(RetryOn::ServerError),
                    other => match other.parse() {
                        Ok(status) => self.visit_u64(status),
                        Err(_) => Err(E::unknown_variant(other, RetryOn::NAMES)),
                    },
                }
            }
        }

        deserializer.deserialize_any(RetryOnVisitor)
    }
}

impl JsonSchema for RetryOn {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RetryOn".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A reason to try again: a name, or a status from 400 to 599.",
            "anyOf": [
                {"type": "string", "enum": Self::NAMES},
                {"type": "integer", "minimum": 400, "maximum": 599},
            ],
        })
    }
}
