//! How a try ended, and whether a policy wants another one for that.

use super::{RetryCondition, Seen, is_idempotent};
use crate::Reason;
use crate::policy::Retry;

impl Retry {
    /// Whether it names this very condition.
    fn names(&self, condition: RetryCondition) -> bool {
        match condition {
            RetryCondition::ConnectFailure => self.on_connect_failure,
            RetryCondition::RefusedStream => self.on_refused_stream,
            RetryCondition::Reset => self.on_reset,
            RetryCondition::BackendTimeout => self.on_backend_timeout,
            RetryCondition::ServerError => self.on_5xx,
            RetryCondition::Status(status) => self.on_statuses.contains(&status),
        }
    }

    /// What it names, in the order of [`RetryCondition::NAMED`], then statuses.
    pub fn conditions(&self) -> impl Iterator<Item = RetryCondition> {
        let named = RetryCondition::NAMED
            .into_iter()
            .filter(|one| self.names(*one));
        named.chain(self.on_statuses.iter().copied().map(RetryCondition::Status))
    }
}

/// How a try ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ended {
    /// With an answer of this status.
    Answered(u16),
    /// The connection was at its end, which says nothing about the request: its peer had said goodbye, and surely did not see what lay
    /// beyond that; or it had been kept idle and closed before a byte of an answer came.
    WithConnection(Seen),
    /// Without an answer.
    Failed(Reason, Seen),
}

impl Ended {
    /// The condition that a policy would have to name; none where no policy can.
    fn condition(self) -> Option<RetryCondition> {
        match self {
            Self::Answered(status) => Some(RetryCondition::Status(status)),
            Self::WithConnection(Seen::No) => Some(RetryCondition::RefusedStream),
            Self::WithConnection(Seen::Perhaps) => Some(RetryCondition::Reset),
            // A limit that ends a try before anything was sent is a connection that was not made in time.
            Self::Failed(Reason::BackendTimeout, Seen::No) => Some(RetryCondition::ConnectFailure),
            Self::Failed(reason, _) => reason.repeated(),
        }
    }

    fn seen(self) -> Seen {
        match self {
            Self::Answered(_) => Seen::Perhaps,
            Self::WithConnection(seen) | Self::Failed(_, seen) => seen,
        }
    }
}

/// What is repeated of the requests with one method under one policy.
#[derive(Clone, Copy, Debug)]
pub struct Repeats<'s> {
    policy: &'s Retry,
    may_repeat: bool,
}

impl<'s> Repeats<'s> {
    /// Of requests with this method.
    pub fn new(policy: &'s Retry, method: &str) -> Self {
        let may_repeat = is_idempotent(method) || policy.idempotent;
        Self { policy, may_repeat }
    }

    /// The policy.
    pub fn policy(&self) -> &'s Retry {
        self.policy
    }

    /// Whether a request that may have been seen can be repeated at all.
    pub fn may_repeat(&self) -> bool {
        self.may_repeat
    }

    /// Whether the policy wants another try after one that ended so.
    pub fn wants(&self, ended: Ended) -> bool {
        let is_named = ended.condition().is_some_and(|condition| {
            let is_error = match condition {
                RetryCondition::Status(status) => RetryCondition::ServerError.is_met_by(status),
                RetryCondition::ConnectFailure
                | RetryCondition::RefusedStream
                | RetryCondition::Reset
                | RetryCondition::BackendTimeout
                | RetryCondition::ServerError => false,
            };
            self.policy.names(condition)
                || (is_error && self.policy.names(RetryCondition::ServerError))
        });
        is_named && self.is_harmless(ended.seen())
    }

    /// Whether a try that ended so is repeated for nothing: outside of the policy, its attempts and its budget. At most
    /// [`FREE_REPEATS`](super::FREE_REPEATS) times for a request.
    pub fn is_free(&self, ended: Ended) -> bool {
        match ended {
            Ended::WithConnection(seen) => self.is_harmless(seen),
            Ended::Answered(_) | Ended::Failed(_, _) => false,
        }
    }

    /// Whether a connection that is at its end could cost a try that is repeated for nothing. Only over HTTP/2 can a peer say goodbye.
    pub fn may_be_free(&self, is_http2: bool) -> bool {
        self.may_repeat || is_http2
    }

    /// Whether the policy could want another try of a request that was sent. Between proxies, which speak HTTP/2, a refused certificate
    /// shows after the request was sent.
    pub fn may_want_after_sending(&self, is_http2: bool) -> bool {
        let names = |condition| self.policy.names(condition);
        let repeats = names(RetryCondition::Reset)
            || names(RetryCondition::BackendTimeout)
            || names(RetryCondition::ServerError)
            || !self.policy.on_statuses.is_empty();
        let is_refusable = is_http2
            && (names(RetryCondition::RefusedStream) || names(RetryCondition::ConnectFailure));
        (self.may_repeat && repeats) || is_refusable
    }

    fn is_harmless(&self, seen: Seen) -> bool {
        match seen {
            Seen::No => true,
            Seen::Perhaps => self.may_repeat,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn everything() -> Retry {
        Retry {
            attempts: 3,
            on_connect_failure: true,
            on_refused_stream: true,
            on_reset: true,
            on_backend_timeout: true,
            on_5xx: true,
            on_statuses: vec![429],
            ..Retry::never()
        }
    }

    const SEEN: [Ended; 6] = [
        Ended::Answered(503),
        Ended::Answered(429),
        Ended::WithConnection(Seen::Perhaps),
        Ended::Failed(Reason::UpstreamReset, Seen::Perhaps),
        Ended::Failed(Reason::BackendTimeout, Seen::Perhaps),
        Ended::Failed(Reason::RefusedStream, Seen::Perhaps),
    ];

    const UNSEEN: [Ended; 5] = [
        Ended::WithConnection(Seen::No),
        Ended::Failed(Reason::ConnectFailure, Seen::No),
        Ended::Failed(Reason::TlsExpired, Seen::No),
        Ended::Failed(Reason::BackendTimeout, Seen::No),
        Ended::Failed(Reason::RefusedStream, Seen::No),
    ];

    #[test]
    fn what_may_have_been_seen_needs_an_idempotent_method_or_a_word_of_the_spec() {
        let everything = everything();
        let post = Repeats::new(&everything, "POST");
        let get = Repeats::new(&everything, "GET");
        let harmless = Retry {
            idempotent: true,
            ..everything.clone()
        };
        let said = Repeats::new(&harmless, "POST");
        for ended in SEEN {
            assert!(!post.wants(ended), "{ended:?}");
            assert!(get.wants(ended) && said.wants(ended), "{ended:?}");
        }
        for ended in UNSEEN {
            assert!(post.wants(ended) && get.wants(ended), "{ended:?}");
        }
    }

    #[test]
    fn nothing_is_wanted_that_the_policy_does_not_name() {
        let (never, everything) = (Retry::never(), everything());
        let get = Repeats::new(&never, "GET");
        for ended in SEEN.into_iter().chain(UNSEEN) {
            assert!(!get.wants(ended), "{ended:?}");
        }
        let get = Repeats::new(&everything, "GET");
        for ended in [
            Ended::Answered(404),
            Ended::Failed(Reason::Overloaded, Seen::No),
            Ended::Failed(Reason::BadResponse, Seen::Perhaps),
        ] {
            assert!(!get.wants(ended), "{ended:?}");
        }
    }

    #[test]
    fn a_limit_before_anything_was_sent_is_a_connection_that_was_not_made() {
        let unsent = Ended::Failed(Reason::BackendTimeout, Seen::No);
        let connect = Retry {
            on_connect_failure: true,
            ..Retry::never()
        };
        let timeout = Retry {
            on_backend_timeout: true,
            ..Retry::never()
        };
        assert!(Repeats::new(&connect, "POST").wants(unsent));
        assert!(!Repeats::new(&timeout, "GET").wants(unsent));
    }

    #[test]
    fn a_connection_at_its_end_is_free_where_that_does_no_harm() {
        let never = Retry::never();
        let (post, get) = (Repeats::new(&never, "POST"), Repeats::new(&never, "PUT"));
        assert!(post.is_free(Ended::WithConnection(Seen::No)));
        assert!(!post.is_free(Ended::WithConnection(Seen::Perhaps)));
        assert!(get.is_free(Ended::WithConnection(Seen::Perhaps)));
        assert!(!get.is_free(Ended::Failed(Reason::UpstreamReset, Seen::Perhaps)));
    }

    #[test]
    fn conditions_of_a_policy_are_those_that_it_names() {
        let said: Vec<String> = everything()
            .conditions()
            .map(|one| one.to_string())
            .collect();
        let wanted = [
            "connect-failure",
            "refused-stream",
            "reset",
            "backend-timeout",
            "5xx",
            "429",
        ];
        assert_eq!(said, wanted);
    }
}
