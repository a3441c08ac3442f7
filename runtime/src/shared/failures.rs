//! Failures by reason: how many there were, and one example for the log.
//!
//! A worker counts, and keeps an example where none is kept; it writes nothing. The control thread looks once a
//! second and writes one line for each reason that has news. So a flood of failures costs a worker an addition
//! each and the log a line a second, and no descriptor that nobody reads can stop a worker.
//!
//! Reasons are closed lists, so that labels of metrics are bounded.

use std::net::SocketAddr;
use std::sync::{Mutex, TryLockError};

use weft_snapshot::Reason;

use super::Count;

/// Why a TLS handshake with a downstream peer failed. `docs/tls.md` says what each means.
pub const HANDSHAKE_REASONS: &[&str] = &[
    "alert-received",
    "bad-peer-chain",
    "bad-peer-identity",
    "bad-peer-signature",
    "closed",
    "foreign-trust-domain",
    "malformed-handshake",
    "malformed-peer-certificate",
    "no-common-cipher",
    "no-common-protocol",
    "no-own-identity",
    "no-peer-certificate",
    "no-peer-identity",
    "no-peer-key-usage",
    "not-tls",
    "nothing-sent",
    "other",
    "peer-expired",
    "peer-is-authority",
    "peer-not-yet-valid",
    "protocol-version",
    "reset",
    "several-peer-identities",
    "timed-out",
    "unknown-issuer",
    "unknown-server-name",
    "wrong-peer-extended-key-usage",
    "wrong-peer-key-usage",
];

/// Why a try to get an answer from an upstream failed, in the order of their names.
pub const UPSTREAM_REASONS: &[Reason] = &[
    Reason::BackendTimeout,
    Reason::BadResponse,
    Reason::ConnectFailure,
    Reason::ConnectTimeout,
    Reason::IdleTimeout,
    Reason::NoEndpoint,
    Reason::NoOwnIdentity,
    Reason::NotHttp2,
    Reason::Overloaded,
    Reason::OwnAdminEndpoint,
    Reason::RefusedStream,
    Reason::ResponseHeadTooLarge,
    Reason::TlsAlert,
    Reason::TlsBadCertificate,
    Reason::TlsClosed,
    Reason::TlsExpired,
    Reason::TlsIncompatible,
    Reason::TlsMalformed,
    Reason::TlsNotYetValid,
    Reason::TlsPlaintext,
    Reason::TlsReset,
    Reason::TlsUnknownIssuer,
    Reason::TlsWrongName,
    Reason::TlsWrongProtocol,
    Reason::UpstreamRefusedIdentity,
    Reason::UpstreamReset,
    Reason::WrongIdentity,
];

/// Characters of what an example says.
const LONGEST: usize = 300;

/// One failure, as the log shows it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Example {
    /// The other side; none when the failure came before one was chosen.
    pub address: Option<SocketAddr>,
    /// The name that was asked for: SNI, or the cluster.
    pub name: Option<String>,
    /// The TLS alert that was sent or received; empty when there was none.
    pub alert: &'static str,
    /// What was wrong, for people; partly chosen by the other side.
    pub said: String,
}

impl Example {
    /// What a certificate says of itself may be long.
    fn cut(mut self) -> Self {
        if let Some((at, _)) = self.said.char_indices().nth(LONGEST) {
            self.said.truncate(at);
        }
        self
    }
}

/// Failures of one kind by reason, of one worker.
#[derive(Debug)]
pub struct Failures {
    reasons: Vec<&'static str>,
    counts: Vec<Count>,
    examples: Vec<Mutex<Option<Example>>>,
}

impl Failures {
    /// No failures yet, for these reasons.
    pub fn of(reasons: impl IntoIterator<Item = &'static str>) -> Self {
        let reasons: Vec<&'static str> = reasons.into_iter().collect();
        Self {
            counts: reasons.iter().map(|_reason| Count::default()).collect(),
            examples: reasons.iter().map(|_reason| Mutex::default()).collect(),
            reasons,
        }
    }

    /// Counts one failure. Only the owning worker may call it. A reason that is not in the list is not counted;
    /// tests see to it that there is none.
    pub fn count(&self, reason: &str) {
        if let Some(count) = self.at(reason).and_then(|at| self.counts.get(at)) {
            count.add(1);
        }
    }

    /// Keeps an example, unless there is one that the log has not shown yet.
    pub fn explain(&self, reason: &str, example: impl FnOnce() -> Example) {
        let Some(kept) = self.at(reason).and_then(|at| self.examples.get(at)) else {
            return;
        };
        // The log may hold it for a moment; then this one is left out, as are all but one a second.
        if let Ok(mut kept) = kept.try_lock() {
            kept.get_or_insert_with(|| example().cut());
        }
    }

    /// Names the cluster in the example for `reason`, where that is about `address` and has no name yet: whoever
    /// opens a connection knows best what went wrong, and not what for.
    pub fn name(&self, reason: &str, address: Option<SocketAddr>, name: impl FnOnce() -> String) {
        let Some(kept) = self.at(reason).and_then(|at| self.examples.get(at)) else {
            return;
        };
        if let Ok(mut kept) = kept.try_lock()
            && let Some(example) = kept.as_mut()
            && example.address == address
        {
            example.name.get_or_insert_with(name);
        }
    }

    /// How many there were, by reason, in the order of the list.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        let counts = self.counts.iter().map(Count::value);
        self.reasons.iter().copied().zip(counts)
    }

    /// How many there were for `reason`.
    pub fn count_of(&self, reason: &str) -> u64 {
        self.counts()
            .find_map(|(name, count)| (name == reason).then_some(count))
            .unwrap_or(0)
    }

    /// Takes the example for `reason`, so that the next failure leaves another one.
    pub fn take_example(&self, reason: &str) -> Option<Example> {
        let kept = self.at(reason).and_then(|at| self.examples.get(at))?;
        match kept.try_lock() {
            Ok(mut kept) => kept.take(),
            Err(TryLockError::Poisoned(kept)) => kept.into_inner().take(),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    fn at(&self, reason: &str) -> Option<usize> {
        self.reasons.iter().position(|known| *known == reason)
    }
}

/// Failures of TLS handshakes with downstream peers.
#[derive(Debug)]
pub struct HandshakeFailures(pub Failures);

impl Default for HandshakeFailures {
    fn default() -> Self {
        Self(Failures::of(HANDSHAKE_REASONS.iter().copied()))
    }
}

/// Failures of tries to get an answer from an upstream.
#[derive(Debug)]
pub struct UpstreamFailures(pub Failures);

impl Default for UpstreamFailures {
    fn default() -> Self {
        Self(Failures::of(UPSTREAM_REASONS.iter().map(|it| it.name())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(said: &str) -> Example {
        Example {
            address: Some(SocketAddr::from(([127, 0, 0, 1], 1))),
            name: None,
            alert: "",
            said: said.to_owned(),
        }
    }

    #[test]
    fn all_are_counted_and_the_first_is_kept_until_it_is_shown() {
        let failures = Failures::of(HANDSHAKE_REASONS.iter().copied());
        for said in ["first", "second"] {
            failures.count("not-tls");
            failures.explain("not-tls", || example(said));
        }

        assert_eq!(failures.count_of("not-tls"), 2);
        assert_eq!(failures.take_example("not-tls"), Some(example("first")));
        assert_eq!(failures.take_example("not-tls"), None);
        failures.explain("not-tls", || example("third"));
        assert_eq!(failures.take_example("not-tls"), Some(example("third")));
    }

    #[test]
    fn a_reason_beyond_the_list_makes_no_label() {
        let failures = Failures::of(HANDSHAKE_REASONS.iter().copied());
        failures.count("invented");

        assert_eq!(
            failures.counts().map(|(_reason, count)| count).sum::<u64>(),
            0
        );
    }

    #[test]
    fn reasons_are_sorted_and_each_is_there_once() {
        assert!(HANDSHAKE_REASONS.is_sorted_by(|before, after| before < after));
        let is_sorted = |before: &Reason, after: &Reason| before.name() < after.name();
        assert!(UPSTREAM_REASONS.is_sorted_by(is_sorted));
    }
}
