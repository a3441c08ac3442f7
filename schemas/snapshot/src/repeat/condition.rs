//! What a policy can name in `retry.on`.

use std::fmt;

/// What a policy can ask another try for.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum RetryCondition {
    /// No connection could be made, or its peer refused our certificate.
    ConnectFailure,
    /// The stream was refused.
    RefusedStream,
    /// The connection or stream broke before a response head.
    Reset,
    /// The attempt took too long, or nothing moved for too long.
    BackendTimeout,
    /// An answer with any status from 500 to 599.
    ServerError,
    /// An answer with this status.
    Status(u16),
}

/// Whether an upstream may have seen a request, and begun to work on it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Seen {
    /// Surely not: repeating it does no harm, whatever its method.
    No,
    /// It may have.
    Perhaps,
}

impl RetryCondition {
    /// The conditions with a name; statuses are numbers.
    pub const NAMED: [Self; 5] = [
        Self::ConnectFailure,
        Self::RefusedStream,
        Self::Reset,
        Self::BackendTimeout,
        Self::ServerError,
    ];

    /// Whether the upstream may have seen the request where the condition holds. Of refused streams this is the rule; one that is reset
    /// to be left in peace is the exception, which a try tells by itself.
    pub const fn seen(self) -> Seen {
        match self {
            Self::ConnectFailure | Self::RefusedStream => Seen::No,
            Self::Reset | Self::BackendTimeout | Self::ServerError | Self::Status(_) => {
                Seen::Perhaps
            }
        }
    }

    /// Whether an answer with this status meets it.
    pub fn is_met_by(self, status: u16) -> bool {
        match self {
            Self::ServerError => (500..=599).contains(&status),
            Self::Status(wanted) => wanted == status,
            Self::ConnectFailure | Self::RefusedStream | Self::Reset | Self::BackendTimeout => {
                false
            }
        }
    }
}

/// As `retry.on` writes it.
impl fmt::Display for RetryCondition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConnectFailure => formatter.write_str("connect-failure"),
            Self::RefusedStream => formatter.write_str("refused-stream"),
            Self::Reset => formatter.write_str("reset"),
            Self::BackendTimeout => formatter.write_str("backend-timeout"),
            Self::ServerError => formatter.write_str("5xx"),
            Self::Status(status) => write!(formatter, "{status}"),
        }
    }
}
