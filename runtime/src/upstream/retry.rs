//! Whether a request is tried again, and when.
//!
//! Never implicitly, except where the request cannot have been seen: a connection that could not be opened, one
//! whose peer refused our certificate, and a stream that was refused, which also depend on the policy. Everything else needs a policy that names it, a
//! method that is idempotent (or a policy that says so), a body that can be sent again, and a budget.

use std::time::Duration;

use http::Method;
use weft_snapshot::policy::Retry;

use super::Trouble;

/// The retries of one request.
#[derive(Debug)]
pub(crate) struct Retries<'s> {
    policy: &'s Retry,
    may_repeat: bool,
    tries: u32,
    /// Tries that a connection at its end cost; they are outside the policy and its budget.
    free: u32,
}

/// Free repeats of one request. After the first it goes over a new connection, which can hardly be at its end.
const FREE: u32 = 2;

impl<'s> Retries<'s> {
    pub(crate) fn new(policy: &'s Retry, method: &Method) -> Self {
        // RFC 9110, 9.2.2; TRACE is left out because it is never forwarded with a body worth repeating.
        let is_idempotent = matches!(
            *method,
            Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE
        );
        Self {
            policy,
            may_repeat: is_idempotent || policy.idempotent,
            tries: 0,
            free: 0,
        }
    }

    /// Whether a request that may have been seen can be repeated at all.
    pub(crate) fn may_repeat(&self) -> bool {
        self.may_repeat
    }

    pub(crate) fn begin_try(&mut self) {
        self.tries = self.tries.saturating_add(1);
    }

    pub(crate) fn tries(&self) -> u32 {
        self.tries
    }

    /// The share of retries, in parts of a million; none for no bound.
    pub(crate) fn budget(&self) -> Option<u32> {
        self.policy.budget
    }

    /// Whether the policy could want another try of a request that was sent.
    pub(crate) fn may_need_copy(&self, is_http2: bool) -> bool {
        let policy = self.policy;
        let repeats = policy.on_reset
            || policy.on_backend_timeout
            || policy.on_5xx
            || !policy.on_statuses.is_empty();
        // Between proxies, which speak HTTP/2, a refused certificate shows after the request was sent.
        let is_refusable = is_http2 && (policy.on_refused_stream || policy.on_connect_failure);
        let is_named = (self.may_repeat && repeats) || is_refusable;
        self.may_be_free(is_http2) || (self.has_tries_left() && is_named)
    }

    /// Takes a free repeat of a request that met a connection at its end, if there is one. What lay beyond a
    /// goodbye was surely not seen, so any method is repeated. What met a connection that had just been closed may
    /// have been seen: only idempotent methods are repeated, PUT and DELETE among them (RFC 9110, 9.2.2), or all
    /// where the route says that repeating is safe.
    pub(crate) fn take_free(&mut self, trouble: Trouble) -> bool {
        let is_free = match trouble {
            Trouble::Goodbye => self.may_be_free(true),
            Trouble::Stale => self.may_be_free(false),
            Trouble::NoEndpoint
            | Trouble::ConnectFailed
            | Trouble::Unreachable(_)
            | Trouble::Tls(_)
            | Trouble::RefusedIdentity(_)
            | Trouble::ConnectTimeout
            | Trouble::Identity
            | Trouble::Unready
            | Trouble::OwnAdmin
            | Trouble::Overloaded
            | Trouble::RefusedStream
            | Trouble::Calmed
            | Trouble::Reset
            | Trouble::Malformed
            | Trouble::HeadTooLarge
            | Trouble::NotHttp2
            | Trouble::BackendTimeout
            | Trouble::Silent => false,
        };
        self.free += u32::from(is_free);
        is_free
    }

    fn may_be_free(&self, can_say_goodbye: bool) -> bool {
        (self.may_repeat || can_say_goodbye) && self.free < FREE
    }

    /// Whether the policy names this trouble for this method. `is_unsent` means that nothing was sent.
    pub(crate) fn wants(&self, trouble: Trouble, is_unsent: bool) -> bool {
        let is_named = match trouble {
            Trouble::ConnectFailed
            | Trouble::Unreachable(_)
            | Trouble::Tls(_)
            | Trouble::ConnectTimeout
            | Trouble::Identity
            | Trouble::OwnAdmin
            | Trouble::RefusedIdentity(_) => self.policy.on_connect_failure,
            Trouble::RefusedStream | Trouble::Goodbye => self.policy.on_refused_stream,
            Trouble::Calmed => self.may_repeat && self.policy.on_refused_stream,
            Trouble::Reset | Trouble::Stale => self.may_repeat && self.policy.on_reset,
            Trouble::BackendTimeout if is_unsent => self.policy.on_connect_failure,
            Trouble::BackendTimeout | Trouble::Silent => {
                self.may_repeat && self.policy.on_backend_timeout
            }
            Trouble::NoEndpoint
            | Trouble::Unready
            | Trouble::Overloaded
            | Trouble::Malformed
            | Trouble::HeadTooLarge
            | Trouble::NotHttp2 => false,
        };
        is_named && self.has_tries_left()
    }

    /// Whether the policy names this status for this method.
    pub(crate) fn wants_after_status(&self, status: u16) -> bool {
        self.may_repeat && self.has_tries_left() && self.policy.on_status(status)
    }

    /// The wait before the next try: random up to a bound that doubles with each, and not before the
    /// upstream asked to be called again.
    pub(crate) fn wait(&self, retry_after: Option<Duration>) -> Duration {
        let doublings = self.tries.saturating_sub(1).min(20);
        let bound = u64::from(self.policy.backoff_base)
            .saturating_mul(1 << doublings)
            .min(u64::from(self.policy.backoff_max));
        let random = Duration::from_millis(fastrand::u64(0..=bound));
        retry_after.map_or(random, |asked| asked.max(random))
    }

    fn has_tries_left(&self) -> bool {
        self.tries < u32::from(self.policy.attempts).saturating_add(self.free)
    }
}

/// The wait that a `Retry-After` value asks for, as of `unix_seconds`. RFC 9110, 10.2.3.
pub(crate) fn retry_after(value: &[u8], unix_seconds: i64) -> Option<Duration> {
    let text = std::str::from_utf8(value).ok()?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Duration::from_secs(u64::from(seconds)));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    let since_epoch = date.duration_since(std::time::UNIX_EPOCH).ok()?;
    let now = Duration::from_secs(u64::try_from(unix_seconds).ok()?);
    Some(since_epoch.saturating_sub(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(retry_after(b"3", 0), Some(Duration::from_secs(3)));
        let date = b"Thu, 01 Jan 1970 00:00:10 GMT";
        assert_eq!(retry_after(date, 4), Some(Duration::from_secs(6)));
        assert_eq!(retry_after(date, 40), Some(Duration::ZERO));
        assert_eq!(retry_after(b"-1", 0), None);
        assert_eq!(retry_after(b"soon", 0), None);
    }
}
