//! Why an exchange ends without an answer of the upstream, with the status and the reason that say so.

use http::StatusCode;
use weft_snapshot::Refusal;

use super::meter::CLIENT_GONE;
use crate::upstream::Trouble;

/// Why the proxy answers itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum ProxyError {
    #[error("the request is malformed: {0}")]
    Malformed(&'static str),
    #[error("the request cannot be canonicalised: {0}")]
    Refused(Refusal),
    #[error("the target is too long")]
    TargetTooLong,
    #[error("there are too many header fields")]
    TooManyFields,
    #[error("the header fields are too large together")]
    HeadTooLarge,
    #[error("the method is not served")]
    MethodRefused,
    #[error("the transfer coding is not understood")]
    CodingUnknown,
    #[error("the client expects what nobody knows")]
    UnknownExpectation,
    #[error("the body is larger than the route accepts")]
    BodyTooLarge,
    #[error("the body is malformed")]
    BodyMalformed,
    #[error("the client left in the middle of its body")]
    ClientGone,
    #[error("the body stopped coming")]
    BodyStalled,
    #[error("no listener serves the host")]
    UnknownHost,
    #[error("the connection was made for a host with another TLS policy")]
    Misdirected,
    #[error("no route matches")]
    NoRoute,
    #[error("the peer may not do this")]
    NotAllowed,
    #[error("the peer has no verified identity")]
    NoIdentity,
    #[error("the request took too long")]
    RequestTimeout,
    #[error("the upstream did not do: {0:?}")]
    Upstream(Trouble),
    #[error("the upstream's response is wrong: {0}")]
    BadResponse(&'static str),
    #[error("the route has no backend with a share")]
    NoBackend,
    #[error("too many requests of the route are running")]
    TooManyInFlight,
    #[error("memory is short")]
    OverloadedMemory,
    #[error("the route makes a request that cannot be sent")]
    BadRewrite,
}

impl ProxyError {
    /// The status and the reason; a new variant must decide here.
    pub(super) fn verdict(self) -> (StatusCode, &'static str) {
        match self {
            Self::Malformed(reason) => (StatusCode::BAD_REQUEST, reason),
            Self::Refused(refusal) => (StatusCode::BAD_REQUEST, refusal.reason()),
            Self::TargetTooLong => (StatusCode::URI_TOO_LONG, "target-too-long"),
            Self::TooManyFields => (
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "too-many-fields",
            ),
            Self::HeadTooLarge => (
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "head-too-large",
            ),
            Self::MethodRefused => (StatusCode::METHOD_NOT_ALLOWED, "method-refused"),
            Self::CodingUnknown => (StatusCode::NOT_IMPLEMENTED, "unknown-transfer-coding"),
            Self::UnknownExpectation => (StatusCode::EXPECTATION_FAILED, "unknown-expectation"),
            Self::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "body-too-large"),
            Self::BodyMalformed => (StatusCode::BAD_REQUEST, "bad-body"),
            // For a client that closed only its half; mostly nobody reads this.
            Self::ClientGone => (StatusCode::BAD_REQUEST, CLIENT_GONE),
            Self::BodyStalled => (StatusCode::REQUEST_TIMEOUT, "body-timeout"),
            Self::UnknownHost => (StatusCode::NOT_FOUND, "unknown-host"),
            Self::Misdirected => (StatusCode::MISDIRECTED_REQUEST, "misdirected"),
            Self::NoRoute => (StatusCode::NOT_FOUND, "no-route"),
            Self::NotAllowed => (StatusCode::FORBIDDEN, "not-allowed"),
            Self::NoIdentity => (StatusCode::FORBIDDEN, "no-identity"),
            Self::RequestTimeout => (StatusCode::GATEWAY_TIMEOUT, "request-timeout"),
            Self::Upstream(trouble) => trouble.verdict(),
            Self::BadResponse(reason) => (StatusCode::BAD_GATEWAY, reason),
            Self::NoBackend => (StatusCode::SERVICE_UNAVAILABLE, "no-backend"),
            Self::TooManyInFlight => (StatusCode::SERVICE_UNAVAILABLE, "too-many-in-flight"),
            Self::OverloadedMemory => (StatusCode::SERVICE_UNAVAILABLE, "overloaded-memory"),
            Self::BadRewrite => (StatusCode::INTERNAL_SERVER_ERROR, "bad-rewrite"),
        }
    }

    /// Whether the connection cannot be trusted to be in step any more.
    pub(super) fn closes(self) -> bool {
        match self {
            Self::Malformed(_)
            | Self::Refused(_)
            | Self::TargetTooLong
            | Self::TooManyFields
            | Self::HeadTooLarge
            | Self::MethodRefused
            | Self::CodingUnknown
            | Self::UnknownExpectation
            | Self::BodyTooLarge
            | Self::BodyMalformed
            | Self::ClientGone
            | Self::BodyStalled => true,
            Self::UnknownHost
            | Self::Misdirected
            | Self::NoRoute
            | Self::NotAllowed
            | Self::NoIdentity
            | Self::RequestTimeout
            | Self::Upstream(_)
            | Self::BadResponse(_)
            | Self::NoBackend
            | Self::TooManyInFlight
            | Self::OverloadedMemory
            | Self::BadRewrite => false,
        }
    }
}
