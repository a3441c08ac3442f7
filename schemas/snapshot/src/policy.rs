//! What is settled for the requests of a route beside where they go and how long that may take.
//!
//! A slice holds each different policy once, as canonical JSON that is decoded when the slice is loaded; a request reads
//! typed values. A field that is not known is refused, because a skipped field would be a skipped policy. Another
//! setting is another field here, with its check: neither the format nor its readers name one.

use serde::{Deserialize, Serialize};

use crate::limits;

/// What is settled for the requests of a route. What is not there has its built-in value.
#[derive(Clone, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Policy {
    /// Retries.
    #[serde(skip_serializing_if = "is_default")]
    pub retry: Retry,
    /// Changes to the request before it is forwarded.
    #[serde(skip_serializing_if = "is_default")]
    pub request_headers: HeaderChanges,
    /// Changes to the response before it is sent.
    #[serde(skip_serializing_if = "is_default")]
    pub response_headers: HeaderChanges,
    /// Whether a WebSocket upgrade passes.
    #[serde(skip_serializing_if = "is_default")]
    pub websocket: bool,
    /// Whether trailers of requests pass; those of gRPC always do.
    #[serde(skip_serializing_if = "is_default")]
    pub trailers: bool,
    /// The largest request body in bytes; absent means "no limit".
    #[serde(skip_serializing_if = "is_default")]
    pub max_body: Option<u64>,
    /// How many requests are forwarded at one time, by all workers of a proxy together, at least 1; absent means "no limit".
    #[serde(skip_serializing_if = "is_default")]
    pub max_in_flight: Option<u32>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Policy {
    /// Whether a proxy can keep to it.
    ///
    /// # Errors
    ///
    /// What is out of range.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        let Self {
            retry,
            request_headers,
            response_headers,
            websocket: _,
            trailers: _,
            max_body: _,
            max_in_flight,
        } = self;
        ensure(*max_in_flight != Some(0), "nothing could be in flight")?;
        retry.check()?;
        request_headers.check()?;
        response_headers.check()
    }
}

/// When and how often a request is tried again; [`crate::repeat`] says what that means.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an independent condition of the spec"
)]
pub struct Retry {
    /// The number of tries: 1 means none again.
    pub attempts: u8,
    /// After a connection could not be opened.
    pub on_connect_failure: bool,
    /// After a stream was refused unseen.
    pub on_refused_stream: bool,
    /// After the connection broke before a response head.
    pub on_reset: bool,
    /// After an attempt timed out.
    pub on_backend_timeout: bool,
    /// After any status from 500 to 599.
    pub on_5xx: bool,
    /// After these statuses.
    pub on_statuses: Vec<u16>,
    /// The largest share of retries among requests, in parts of a million, beyond
    /// [`RETRY_FLOOR`](crate::limits::RETRY_FLOOR) a second; absent means "no bound".
    pub budget: Option<u32>,
    /// The upper bound of the first wait, in milliseconds.
    pub backoff_base: u32,
    /// The upper bound of every wait, in milliseconds.
    pub backoff_max: u32,
    /// Whether methods that are not idempotent may be repeated too.
    pub idempotent: bool,
}

impl Retry {
    /// One try and no more; what else a policy says means nothing then.
    pub const fn never() -> Self {
        Self {
            attempts: 1,
            on_connect_failure: false,
            on_refused_stream: false,
            on_reset: false,
            on_backend_timeout: false,
            on_5xx: false,
            on_statuses: Vec::new(),
            budget: Some(0),
            backoff_base: 0,
            backoff_max: 0,
            idempotent: false,
        }
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self::never()
    }
}

impl Retry {
    fn check(&self) -> Result<(), &'static str> {
        ensure(
            (1..=limits::ATTEMPTS).contains(&self.attempts),
            "attempts out of range",
        )?;
        let are_errors = self
            .on_statuses
            .iter()
            .all(|status| (400..=599).contains(status));
        ensure(are_errors, "status out of range")?;
        ensure(
            self.budget.is_none_or(|share| share <= limits::SHARES),
            "budget out of range",
        )?;
        ensure(
            self.backoff_max <= limits::TIMEOUT_MILLIS,
            "back-off out of range",
        )?;
        ensure(
            self.backoff_base <= self.backoff_max,
            "back-off starts above its bound",
        )
    }
}

/// Changes to headers, applied in the order remove, set, add; names in lower case.
#[derive(Clone, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct HeaderChanges {
    /// Names of which all values are removed.
    pub remove: Vec<String>,
    /// Names with the one value they get.
    pub set: Vec<(String, String)>,
    /// Names with a value they get beside others.
    pub add: Vec<(String, String)>,
}

impl HeaderChanges {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.set.is_empty() && self.add.is_empty()
    }

    fn check(&self) -> Result<(), &'static str> {
        let pairs = || self.set.iter().chain(&self.add);
        let mut names = self.remove.iter().chain(pairs().map(|(name, _)| name));
        ensure(
            names.all(|name| is_header_name(name)),
            "not a header name in lower case",
        )?;
        ensure(
            pairs().all(|(_, value)| is_value(value)),
            "not a header value",
        )
    }
}

fn ensure(holds: bool, what: &'static str) -> Result<(), &'static str> {
    if holds { Ok(()) } else { Err(what) }
}

pub(crate) fn is_header_name(name: &str) -> bool {
    let is_token = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&byte)
    };
    (1..=256).contains(&name.len()) && name.bytes().all(is_token)
}

/// Whether a text can be the value of a header as this proxy writes it.
pub(crate) fn is_value(value: &str) -> bool {
    value
        .bytes()
        .all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte))
}
