//! How long a request may take, and how long the next hop is told that it may.
//!
//! `request` starts when the head was read and ends with the last byte of the response; retries and waits
//! are inside. `backendRequest` is the same for one try. A `grpc-timeout` and, from mesh peers, our own
//! header can only shorten the first. What is left is sent on.

use std::time::Duration;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;
use weft_snapshot::plan::Timeouts;

use super::forwarding::DEADLINE;
use super::head::Survey;
use crate::worker::Link;

const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// The limits of one request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadlines {
    /// When the whole exchange ends with 504.
    pub(super) request: Option<Instant>,
    pub(super) backend_request: Option<Duration>,
    pub(super) connect: Option<Duration>,
    pub(super) idle: Option<Duration>,
}

impl Deadlines {
    /// Settles the limits of a request whose head was read at `start`.
    pub(super) fn new(
        link: &Link,
        start: Instant,
        timeouts: Timeouts,
        survey: &Survey,
        headers: &HeaderMap,
    ) -> Self {
        // A limit of 0 is spelled "no limit" by the compiler already.
        let limit = |millis: Option<u32>| millis.map(|millis| Duration::from_millis(millis.into()));
        let asked = if survey.is_grpc {
            grpc_timeout(headers)
        } else {
            None
        };
        let inherited = link.identity().and_then(|_peer| inherited(headers));
        let shortest = [limit(timeouts.request), asked, inherited]
            .into_iter()
            .flatten()
            .min();
        Self {
            request: shortest.and_then(|limit| start.checked_add(limit)),
            backend_request: limit(timeouts.backend_request),
            connect: limit(timeouts.connect),
            idle: limit(timeouts.idle),
        }
    }

    /// When the try that starts at `now` ends.
    pub(super) fn of_try(&self, now: Instant) -> Option<Instant> {
        let try_ends = self
            .backend_request
            .and_then(|limit| now.checked_add(limit));
        match (self.request, try_ends) {
            (Some(request), Some(try_ends)) => Some(request.min(try_ends)),
            (one, other) => one.or(other),
        }
    }

    /// Whether the whole exchange is over time at `now`.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.request.is_some_and(|request| request <= now)
    }
}

/// Tells the next hop what is left at `now`: gRPC its own way, mesh peers in our header.
pub(super) fn announce(
    headers: &mut HeaderMap,
    ends: Option<Instant>,
    now: Instant,
    survey: &Survey,
    to_mesh_peer: bool,
) {
    let left = ends.map(|ends| super::whole_millis(ends.saturating_duration_since(now)).max(1));
    if survey.is_grpc {
        match left {
            // The unit is milliseconds, of at most eight digits.
            Some(left) => {
                let value = format!("{}m", left.min(99_999_999));
                if let Ok(value) = HeaderValue::try_from(value) {
                    headers.insert(GRPC_TIMEOUT, value);
                }
            }
            None => drop(headers.remove(GRPC_TIMEOUT)),
        }
    }
    match left {
        Some(left) if to_mesh_peer => drop(headers.insert(DEADLINE, HeaderValue::from(left))),
        Some(_) | None => drop(headers.remove(DEADLINE)),
    }
}

fn inherited(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(DEADLINE)?.to_str().ok()?;
    text.parse().ok().map(Duration::from_millis)
}

/// A `grpc-timeout`: up to eight digits and a unit.
fn grpc_timeout(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(GRPC_TIMEOUT)?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if 8 < digits.len() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(count.saturating_mul(3_600))),
        "M" => Some(Duration::from_secs(count.saturating_mul(60))),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grpc_timeouts_have_units_and_at_most_eight_digits() {
        let parse = |text: &'static str| {
            let headers = HeaderMap::from_iter([(GRPC_TIMEOUT, HeaderValue::from_static(text))]);
            grpc_timeout(&headers)
        };
        assert_eq!(parse("100m"), Some(Duration::from_millis(100)));
        assert_eq!(parse("2S"), Some(Duration::from_secs(2)));
        assert_eq!(parse("1H"), Some(Duration::from_hours(1)));
        assert_eq!(parse("123456789m"), None);
        assert_eq!(parse("m"), None);
        assert_eq!(parse("-1S"), None);
        assert_eq!(parse("1"), None);
    }
}
