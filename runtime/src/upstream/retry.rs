//! Whether a request is tried again, and when.
//!
//! What may be repeated is said in [`weft_snapshot::repeat`]; here is what only the proxy knows: how many tries there were, and chance.

use std::time::Duration;

use http::Method;
use weft_snapshot::policy::Retry;
use weft_snapshot::repeat::{Ended, FREE_REPEATS, Repeats, Seen, longest_wait};

use super::Trouble;

/// The retries of one request.
#[derive(Debug)]
pub(crate) struct Retries<'s> {
    repeats: Repeats<'s>,
    tries: u32,
    /// Tries that a connection at its end cost; they are outside the policy and its budget.
    free: u32,
}

impl<'s> Retries<'s> {
    pub(crate) fn new(policy: &'s Retry, method: &Method) -> Self {
        Self {
            repeats: Repeats::new(policy, method.as_str()),
            tries: 0,
            free: 0,
        }
    }

    /// Whether a request that may have been seen can be repeated at all.
    pub(crate) fn may_repeat(&self) -> bool {
        self.repeats.may_repeat()
    }

    pub(crate) fn begin_try(&mut self) {
        self.tries = self.tries.saturating_add(1);
    }

    pub(crate) fn tries(&self) -> u32 {
        self.tries
    }

    /// Whether the policy has more than one try.
    pub(crate) fn has_several_tries(&self) -> bool {
        1 < self.repeats.policy().attempts
    }

    /// The share of retries, in parts of a million; none for no bound.
    pub(crate) fn budget(&self) -> Option<u32> {
        self.repeats.policy().budget
    }

    /// Whether another try of a request that was sent could be wanted.
    pub(crate) fn may_need_copy(&self, is_http2: bool) -> bool {
        let may_be_free = self.free < FREE_REPEATS && self.repeats.may_be_free(is_http2);
        may_be_free || (self.has_tries_left() && self.repeats.may_want_after_sending(is_http2))
    }

    /// Takes a free repeat of a request that met a connection at its end, if there is one.
    pub(crate) fn take_free(&mut self, trouble: Trouble) -> bool {
        let is_free =
            self.free < FREE_REPEATS && self.repeats.is_free(trouble.ended(Seen::Perhaps));
        self.free += u32::from(is_free);
        is_free
    }

    /// Whether the policy wants another try after this trouble. `sent` says whether the upstream may have got the request.
    pub(crate) fn wants(&self, trouble: Trouble, sent: Seen) -> bool {
        self.has_tries_left() && self.repeats.wants(trouble.ended(sent))
    }

    /// Whether the policy wants another try after an answer of this status.
    pub(crate) fn wants_after_status(&self, status: u16) -> bool {
        self.has_tries_left() && self.repeats.wants(Ended::Answered(status))
    }

    /// The wait before the next try: random up to a bound that doubles with each, and not before the
    /// upstream asked to be called again.
    pub(crate) fn wait(&self, retry_after: Option<Duration>) -> Duration {
        let policy = self.repeats.policy();
        let bound = longest_wait(self.tries, policy.backoff_base, policy.backoff_max);
        let random = Duration::from_millis(fastrand::u64(0..=bound.into()));
        retry_after.map_or(random, |asked| asked.max(random))
    }

    fn has_tries_left(&self) -> bool {
        self.tries < u32::from(self.repeats.policy().attempts).saturating_add(self.free)
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
