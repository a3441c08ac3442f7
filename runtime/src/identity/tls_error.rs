//! What an error of TLS says, for both sides: which error it was, which alert it was, and what a verifier said.
//!
//! Only reads errors; what follows from one is decided where the connection was wanted.

use std::io;

use rustls::{AlertDescription, CertificateError, Error, PeerIncompatible};

use super::leaf::PeerError;

/// The TLS error behind `error`; none when the connection itself failed.
pub(crate) fn tls_error(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

/// The rule of workloads that the certificate breaks, when that is why it was refused.
pub(crate) fn broken_rule(error: &CertificateError) -> Option<&PeerError> {
    let CertificateError::Other(other) = error else {
        return None;
    };
    other.0.downcast_ref()
}

/// The name of an alert, as RFC 8446, 6.2 and the registry of IANA have it, in kebab-case.
pub(crate) fn alert_name(alert: AlertDescription) -> &'static str {
    use AlertDescription as A;
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the enum grows, and any number may come from a peer"
    )]
    match alert {
        A::CloseNotify => "close-notify",
        A::UnexpectedMessage => "unexpected-message",
        A::BadRecordMac => "bad-record-mac",
        A::RecordOverflow => "record-overflow",
        A::HandshakeFailure => "handshake-failure",
        A::NoCertificate => "no-certificate",
        A::BadCertificate => "bad-certificate",
        A::UnsupportedCertificate => "unsupported-certificate",
        A::CertificateRevoked => "certificate-revoked",
        A::CertificateExpired => "certificate-expired",
        A::CertificateUnknown => "certificate-unknown",
        A::IllegalParameter => "illegal-parameter",
        A::UnknownCA => "unknown-ca",
        A::AccessDenied => "access-denied",
        A::DecodeError => "decode-error",
        A::DecryptError => "decrypt-error",
        A::ProtocolVersion => "protocol-version",
        A::InsufficientSecurity => "insufficient-security",
        A::InternalError => "internal-error",
        A::InappropriateFallback => "inappropriate-fallback",
        A::UserCanceled => "user-canceled",
        A::NoRenegotiation => "no-renegotiation",
        A::MissingExtension => "missing-extension",
        A::UnsupportedExtension => "unsupported-extension",
        A::UnrecognisedName => "unrecognized-name",
        A::BadCertificateStatusResponse => "bad-certificate-status-response",
        A::UnknownPSKIdentity => "unknown-psk-identity",
        A::CertificateRequired => "certificate-required",
        A::NoApplicationProtocol => "no-application-protocol",
        A::EncryptedClientHelloRequired => "ech-required",
        _ => "unknown-alert",
    }
}

/// Whether a server sends `alert` only while it judges the certificate of its client.
///
/// In TLS 1.3 that is after the client's side of the handshake is done, and before the server reads a byte of
/// what was sent inside (RFC 8446, 4.4.2.4): nothing of it was processed. Certificates are judged at no other
/// time, because we offer neither renegotiation nor post-handshake authentication.
pub(crate) fn refuses_identity(alert: AlertDescription) -> bool {
    use AlertDescription as A;
    matches!(
        alert,
        A::NoCertificate
            | A::BadCertificate
            | A::UnsupportedCertificate
            | A::CertificateRevoked
            | A::CertificateExpired
            | A::CertificateUnknown
            | A::UnknownCA
            | A::AccessDenied
            | A::DecryptError
            | A::CertificateRequired
    )
}

/// The name of the alert that TLS sends for an error of its own; empty when it sends none.
pub(crate) fn alert_sent(error: &Error) -> &'static str {
    use AlertDescription as A;
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "of errors that no handshake with a peer ends in, nothing is sent"
    )]
    let alert = match error {
        Error::InvalidCertificate(error) => error.clone().into(),
        Error::NoCertificatesPresented => A::CertificateRequired,
        Error::PeerIncompatible(incompatible) if is_version(incompatible) => A::ProtocolVersion,
        Error::PeerIncompatible(_) => A::HandshakeFailure,
        Error::PeerMisbehaved(_) => A::IllegalParameter,
        Error::InvalidMessage(message) => (*message).into(),
        Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
            A::UnexpectedMessage
        }
        Error::NoApplicationProtocol => A::NoApplicationProtocol,
        Error::DecryptError => A::BadRecordMac,
        Error::PeerSentOversizedRecord => A::RecordOverflow,
        Error::General(_) => A::AccessDenied,
        _ => return "",
    };
    alert_name(alert)
}

/// Whether two sides have no version of TLS in common.
pub(crate) fn is_version(incompatible: &PeerIncompatible) -> bool {
    matches!(
        incompatible,
        PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
            | PeerIncompatible::SupportedVersionsExtensionRequired
            | PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled
            | PeerIncompatible::Tls13RequiredForQuic
    )
}
