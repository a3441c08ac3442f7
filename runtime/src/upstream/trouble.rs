//! What went wrong with a try: one name for each thing a person would do something else about.
//!
//! Each has a [`Reason`]: that of the answer, of the counter and of the access log, which says with the detail what happened here. A
//! connection that could not be had is `connect-failure` only where TCP failed; what TLS found has reasons of its own.

use std::io;

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};
use weft_snapshot::Reason;
use weft_snapshot::repeat::{Ended, Seen};

use super::ConnectError;
use crate::identity::{alert_name, broken_rule, refuses_identity, tls_error};
use crate::worker::Party;

/// What went wrong with one try.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Trouble {
    /// The cluster has no endpoint.
    NoEndpoint,
    /// A connection was made, and was gone before it could be used.
    ConnectFailed,
    /// No connection, because TCP said so.
    Unreachable(Unreachable),
    /// No connection, because of TLS.
    Tls(TlsTrouble),
    /// No connection in time.
    ConnectTimeout,
    /// Another identity answered.
    Identity,
    /// The peer refused our certificate after we sent the request, and before it read any of it.
    RefusedIdentity(AlertDescription),
    /// We have no identity to show yet.
    Unready,
    /// The endpoint is the proxy's own admin endpoint.
    OwnAdmin,
    /// Too many wait for a connection.
    Overloaded,
    /// The peer refused the stream unseen.
    RefusedStream,
    /// The peer reset the stream because it has too much to do, and may have seen it.
    Calmed,
    /// The peer said goodbye and left the stream beyond it, unseen.
    Goodbye,
    /// The connection broke before a response head.
    Reset,
    /// A connection that was kept broke before a byte of an answer came.
    Stale,
    /// What came is no response.
    Malformed,
    /// The response head has more fields, or more bytes, than it may.
    HeadTooLarge,
    /// HTTP/1 was spoken where HTTP/2 was expected.
    NotHttp2,
    /// The try took too long.
    BackendTimeout,
    /// Neither side said anything for the route's `idle`, and no other limit was set.
    Silent,
}

/// Why TCP made no connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Unreachable {
    /// Nobody listens there.
    Refused,
    /// The other side, or a box on the way, cut it.
    Reset,
    /// No way there: host or network.
    NoRoute,
    /// The system gave up.
    TimedOut,
    /// No descriptor, port or memory of our own.
    Exhausted,
    /// Anything else.
    Other,
}

/// Why TLS made no connection. Texts are names of alerts and rules, never what a peer chose.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum TlsTrouble {
    /// The peer ended the handshake with this alert.
    Alert(&'static str),
    /// The certificate breaks this rule.
    BadCertificate(&'static str),
    /// The peer closed in the middle of the handshake.
    Closed,
    /// The certificate has expired.
    Expired,
    /// No version or cipher in common.
    Incompatible,
    /// What came is not what TLS says here.
    Malformed,
    /// The certificate is not valid yet.
    NotYetValid,
    /// What came is not TLS at all.
    Plaintext,
    /// The connection broke in the middle of the handshake.
    Reset,
    /// Nobody we believe signed the certificate.
    UnknownIssuer,
    /// The certificate is for another name.
    WrongName,
    /// Another protocol was chosen inside (ALPN, RFC 7301), or none of ours.
    WrongProtocol,
}

impl Trouble {
    /// The trouble with a connection that was not made.
    pub(super) fn of_connect(error: &ConnectError) -> Self {
        match error {
            ConnectError::Tcp(error) => Self::Unreachable(Unreachable::of(error)),
            ConnectError::Tls(error) => Self::Tls(TlsTrouble::of(error)),
            ConnectError::Protocol => Self::Tls(TlsTrouble::WrongProtocol),
            ConnectError::Identity { .. } => Self::Identity,
            ConnectError::Unready => Self::Unready,
            ConnectError::OwnAdmin => Self::OwnAdmin,
        }
    }

    /// The trouble with a connection that ended before an answer, when its peer said why: in TLS 1.3 a client may
    /// send before the server has judged its certificate, and then learns the verdict in place of an answer.
    pub(super) fn of_last_words(party: Option<&Party>) -> Option<Self> {
        let alert = party?.alert()?;
        refuses_identity(alert).then_some(Self::RefusedIdentity(alert))
    }

    /// Whether another endpoint should be asked for a while, although this one can be reached.
    pub(super) fn is_refusal_of_us(self) -> bool {
        matches!(self, Self::RefusedIdentity(_))
    }

    /// The reason of the answer, one of [`crate::shared::UPSTREAM_REASONS`]; a new trouble must decide here.
    pub(crate) fn reason(self) -> Reason {
        match self {
            Self::NoEndpoint => Reason::NoEndpoint,
            Self::ConnectFailed | Self::Unreachable(_) => Reason::ConnectFailure,
            Self::Tls(trouble) => trouble.reason(),
            Self::ConnectTimeout => Reason::ConnectTimeout,
            Self::Identity => Reason::WrongIdentity,
            Self::RefusedIdentity(_) => Reason::UpstreamRefusedIdentity,
            Self::Unready => Reason::NoOwnIdentity,
            Self::OwnAdmin => Reason::OwnAdminEndpoint,
            Self::Overloaded => Reason::Overloaded,
            Self::RefusedStream | Self::Calmed | Self::Goodbye => Reason::RefusedStream,
            Self::Reset | Self::Stale => Reason::UpstreamReset,
            Self::Malformed => Reason::BadResponse,
            Self::HeadTooLarge => Reason::ResponseHeadTooLarge,
            Self::NotHttp2 => Reason::NotHttp2,
            Self::Silent => Reason::IdleTimeout,
            Self::BackendTimeout => Reason::BackendTimeout,
        }
    }

    /// How a try ended that had this trouble; `sent` says whether the upstream may have got the request at all. A new trouble must
    /// decide here, too.
    pub(super) fn ended(self, sent: Seen) -> Ended {
        let seen = match self {
            Self::Goodbye => return Ended::WithConnection(Seen::No),
            Self::Stale => return Ended::WithConnection(Seen::Perhaps),
            // Nothing was sent, or the peer says that it processed nothing.
            Self::NoEndpoint
            | Self::ConnectFailed
            | Self::Unreachable(_)
            | Self::Tls(_)
            | Self::RefusedIdentity(_)
            | Self::ConnectTimeout
            | Self::Identity
            | Self::Unready
            | Self::OwnAdmin
            | Self::Overloaded
            | Self::RefusedStream => Seen::No,
            Self::BackendTimeout => sent,
            Self::Calmed
            | Self::Reset
            | Self::Malformed
            | Self::HeadTooLarge
            | Self::NotHttp2
            | Self::Silent => Seen::Perhaps,
        };
        Ended::Failed(self.reason(), seen)
    }

    /// More about it, in kebab-case from a closed list; empty when the reason says all.
    pub(crate) fn detail(self) -> &'static str {
        match self {
            Self::ConnectFailed => "closed",
            Self::Stale => "stale",
            Self::Calmed => "calm",
            Self::Goodbye => "goodbye",
            Self::Unreachable(unreachable) => unreachable.name(),
            Self::Tls(TlsTrouble::Alert(detail) | TlsTrouble::BadCertificate(detail)) => detail,
            Self::RefusedIdentity(alert) => alert_name(alert),
            Self::NoEndpoint
            | Self::Tls(_)
            | Self::ConnectTimeout
            | Self::Identity
            | Self::Unready
            | Self::OwnAdmin
            | Self::Overloaded
            | Self::RefusedStream
            | Self::Reset
            | Self::Malformed
            | Self::HeadTooLarge
            | Self::NotHttp2
            | Self::Silent
            | Self::BackendTimeout => "",
        }
    }
}

impl Unreachable {
    fn of(error: &io::Error) -> Self {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "the enum grows; what is new has no name yet"
        )]
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => Self::Reset,
            io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NetworkDown => Self::NoRoute,
            io::ErrorKind::TimedOut => Self::TimedOut,
            io::ErrorKind::AddrNotAvailable | io::ErrorKind::OutOfMemory => Self::Exhausted,
            _ if matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE)) => {
                Self::Exhausted
            }
            _ => Self::Other,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Reset => "reset",
            Self::NoRoute => "unreachable",
            Self::TimedOut => "timed-out",
            Self::Exhausted => "exhausted",
            Self::Other => "other",
        }
    }
}

impl TlsTrouble {
    fn of(error: &io::Error) -> Self {
        match tls_error(error) {
            Some(error) => Self::of_tls(error),
            None if error.kind() == io::ErrorKind::UnexpectedEof => Self::Closed,
            None => Self::Reset,
        }
    }

    fn of_tls(error: &Error) -> Self {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "the enum grows; what is new is not what we expect here"
        )]
        match error {
            Error::InvalidCertificate(refused) => Self::of_certificate(refused),
            Error::AlertReceived(AlertDescription::NoApplicationProtocol)
            | Error::NoApplicationProtocol => Self::WrongProtocol,
            Error::AlertReceived(alert) => Self::Alert(alert_name(*alert)),
            Error::PeerIncompatible(_) => Self::Incompatible,
            Error::InvalidMessage(
                InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
            ) => Self::Plaintext,
            _ => Self::Malformed,
        }
    }

    fn of_certificate(refused: &CertificateError) -> Self {
        if let Some(rule) = broken_rule(refused) {
            return Self::BadCertificate(rule.reason());
        }
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "the enum grows; what is new is a fault of the chain"
        )]
        match refused {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Self::NotYetValid
            }
            // An authority of the right name with another key, as after a rotation, is no issuer of ours either.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::UnknownIssuer,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Self::WrongName
            }
            CertificateError::Revoked => Self::BadCertificate("revoked"),
            CertificateError::BadEncoding => Self::BadCertificate("malformed"),
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
                Self::BadCertificate("wrong-purpose")
            }
            _ => Self::BadCertificate("bad-chain"),
        }
    }

    fn reason(self) -> Reason {
        match self {
            Self::Alert(_) => Reason::TlsAlert,
            Self::BadCertificate(_) => Reason::TlsBadCertificate,
            Self::Closed => Reason::TlsClosed,
            Self::Expired => Reason::TlsExpired,
            Self::Incompatible => Reason::TlsIncompatible,
            Self::Malformed => Reason::TlsMalformed,
            Self::NotYetValid => Reason::TlsNotYetValid,
            Self::Plaintext => Reason::TlsPlaintext,
            Self::Reset => Reason::TlsReset,
            Self::UnknownIssuer => Reason::TlsUnknownIssuer,
            Self::WrongName => Reason::TlsWrongName,
            Self::WrongProtocol => Reason::TlsWrongProtocol,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::UPSTREAM_REASONS;

    const ALL: [Trouble; 31] = [
        Trouble::NoEndpoint,
        Trouble::ConnectFailed,
        Trouble::Unreachable(Unreachable::Refused),
        Trouble::Tls(TlsTrouble::Alert("handshake-failure")),
        Trouble::Tls(TlsTrouble::BadCertificate("revoked")),
        Trouble::Tls(TlsTrouble::Closed),
        Trouble::Tls(TlsTrouble::Expired),
        Trouble::Tls(TlsTrouble::Incompatible),
        Trouble::Tls(TlsTrouble::Malformed),
        Trouble::Tls(TlsTrouble::NotYetValid),
        Trouble::Tls(TlsTrouble::Plaintext),
        Trouble::Tls(TlsTrouble::Reset),
        Trouble::Tls(TlsTrouble::UnknownIssuer),
        Trouble::Tls(TlsTrouble::WrongName),
        Trouble::Tls(TlsTrouble::WrongProtocol),
        Trouble::ConnectTimeout,
        Trouble::Identity,
        Trouble::RefusedIdentity(AlertDescription::UnknownCA),
        Trouble::Unready,
        Trouble::OwnAdmin,
        Trouble::Overloaded,
        Trouble::RefusedStream,
        Trouble::Calmed,
        Trouble::Goodbye,
        Trouble::Reset,
        Trouble::Stale,
        Trouble::Malformed,
        Trouble::HeadTooLarge,
        Trouble::NotHttp2,
        Trouble::Silent,
        Trouble::BackendTimeout,
    ];

    #[test]
    fn every_trouble_has_a_counter_and_every_counter_a_trouble() {
        let mut reasons: Vec<Reason> = ALL.iter().map(|trouble| trouble.reason()).collect();
        reasons.sort_unstable_by_key(|reason| reason.name());
        reasons.dedup();

        assert_eq!(reasons, UPSTREAM_REASONS);
    }

    #[test]
    fn what_a_policy_can_name_is_seen_or_not_as_its_condition_says() {
        for trouble in ALL {
            let Ended::Failed(reason, seen) = trouble.ended(Seen::Perhaps) else {
                continue;
            };
            // One that is reset to be left in peace may have been seen, unlike other refused streams.
            let Some(condition) = reason.repeated().filter(|_| trouble != Trouble::Calmed) else {
                continue;
            };
            assert_eq!(seen, condition.seen(), "{trouble:?}");
        }
    }
}
