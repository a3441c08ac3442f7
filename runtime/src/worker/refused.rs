//! Why a TLS handshake with a downstream peer failed: the reason, the alert, and what there is to say.
//!
//! The peer alone knows only that it was refused. Here is who tried, what for, and what the verifier found.

use std::io;

use rustls::{CertificateError, Error, InvalidMessage};

use crate::identity::{PeerError, alert_name, alert_sent, broken_rule, is_version, tls_error};

/// A handshake that failed.
#[derive(Debug)]
pub(super) struct Refused {
    /// One of [`crate::shared::HANDSHAKE_REASONS`].
    pub(super) reason: &'static str,
    /// The alert that was sent or received; empty when there was none.
    pub(super) alert: &'static str,
    /// For people.
    pub(super) said: String,
}

impl Refused {
    /// A failure that TLS has no word for.
    pub(super) fn because(reason: &'static str, said: impl Into<String>) -> Self {
        Self {
            reason,
            alert: "",
            said: said.into(),
        }
    }

    /// Of a peer whose handshake went well, but not its certificate on a second look.
    pub(super) fn of_peer(error: &PeerError) -> Self {
        Self::because(error.reason(), error.to_string())
    }

    /// Of what TLS, or the connection below it, ended with after the peer had begun.
    pub(super) fn of_io(error: &io::Error) -> Self {
        match tls_error(error) {
            Some(error) => Self::of_tls(error),
            None if error.kind() == io::ErrorKind::UnexpectedEof => {
                Self::because("closed", "the peer closed in the middle of the handshake")
            }
            None => Self::because("reset", error.to_string()),
        }
    }

    /// Of an error of TLS.
    pub(super) fn of_tls(error: &Error) -> Self {
        let (alert, said) = if let Error::AlertReceived(alert) = error {
            (alert_name(*alert), "the peer refused us".to_owned())
        } else if let Error::InvalidCertificate(refused) = error
            && let Some(rule) = broken_rule(refused)
        {
            (alert_sent(error), rule.to_string())
        } else {
            (alert_sent(error), error.to_string())
        };
        Self {
            reason: reason(error),
            alert,
            said,
        }
    }
}

fn reason(error: &Error) -> &'static str {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the enum grows; what is new has no name yet"
    )]
    match error {
        Error::InvalidCertificate(refused) => of_certificate(refused),
        Error::NoCertificatesPresented => PeerError::NoCertificate.reason(),
        Error::AlertReceived(_) => "alert-received",
        Error::PeerIncompatible(incompatible) if is_version(incompatible) => "protocol-version",
        Error::PeerIncompatible(_) => "no-common-cipher",
        Error::NoApplicationProtocol => "no-common-protocol",
        // The library's word for a resolver that has no certificate.
        Error::General(text) if text == "no server certificate chain resolved" => {
            "unknown-server-name"
        }
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
        ) => "not-tls",
        Error::InvalidMessage(_)
        | Error::InappropriateMessage { .. }
        | Error::InappropriateHandshakeMessage { .. }
        | Error::PeerMisbehaved(_)
        | Error::PeerSentOversizedRecord
        | Error::DecryptError => "malformed-handshake",
        _ => "other",
    }
}

fn of_certificate(refused: &CertificateError) -> &'static str {
    if let Some(rule) = broken_rule(refused) {
        return rule.reason();
    }
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the enum grows; what is new is a fault of the chain"
    )]
    match refused {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            PeerError::Expired.reason()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            PeerError::NotYetValid.reason()
        }
        CertificateError::UnknownIssuer => "unknown-issuer",
        CertificateError::BadSignature => "bad-peer-signature",
        CertificateError::BadEncoding => PeerError::Malformed.reason(),
        _ => "bad-peer-chain",
    }
}

#[cfg(test)]
mod tests {
    use rustls::{AlertDescription, PeerIncompatible};

    use super::*;
    use crate::shared::HANDSHAKE_REASONS;

    #[test]
    fn every_reason_has_a_counter() {
        for error in [
            Error::InvalidCertificate(CertificateError::UnknownIssuer),
            Error::InvalidCertificate(CertificateError::Expired),
            Error::InvalidCertificate(CertificateError::NotValidYet),
            Error::InvalidCertificate(CertificateError::BadSignature),
            Error::InvalidCertificate(CertificateError::BadEncoding),
            Error::InvalidCertificate(CertificateError::Revoked),
            Error::NoCertificatesPresented,
            Error::AlertReceived(AlertDescription::UnknownCA),
            Error::PeerIncompatible(PeerIncompatible::Tls12NotOffered),
            Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon),
            Error::NoApplicationProtocol,
            Error::General("no server certificate chain resolved".to_owned()),
            Error::General(String::new()),
            Error::InvalidMessage(InvalidMessage::InvalidContentType),
            Error::DecryptError,
            Error::HandshakeNotComplete,
        ] {
            let refused = Refused::of_tls(&error);
            assert!(HANDSHAKE_REASONS.contains(&refused.reason), "{refused:?}");
        }
        for kind in [io::ErrorKind::UnexpectedEof, io::ErrorKind::ConnectionReset] {
            let refused = Refused::of_io(&kind.into());
            assert!(HANDSHAKE_REASONS.contains(&refused.reason), "{refused:?}");
        }
    }

    #[test]
    fn every_broken_rule_of_workloads_has_a_counter() {
        let foreign = PeerError::ForeignTrustDomain {
            trust_domain: crate::identity::TrustDomain::parse("other.example").unwrap(),
        };
        for rule in [
            PeerError::NoCertificate,
            PeerError::Malformed,
            PeerError::NoUriName,
            PeerError::SeveralUriNames,
            PeerError::BadIdentity(crate::identity::SpiffeIdError::TooLong),
            PeerError::Authority,
            PeerError::NoKeyUsage,
            PeerError::WrongKeyUsage,
            PeerError::WrongExtendedKeyUsage,
            PeerError::NotYetValid,
            PeerError::Expired,
            foreign,
        ] {
            let refused = Refused::of_peer(&rule);
            assert!(HANDSHAKE_REASONS.contains(&refused.reason), "{refused:?}");
        }
    }
}
