//! The words for what the rows of the table say in short.

/// What kind of thing went wrong, in the order of a request's life.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Group {
    /// The request cannot be served.
    Request,
    /// The route cannot be followed.
    Route,
    /// There is no connection to an upstream.
    Connection,
    /// There is no answer of an upstream.
    Answer,
    /// The answer of an upstream cannot be passed on.
    Response,
    /// The client went away.
    Client,
}

impl Group {
    /// All groups, in order.
    pub const ALL: [Self; 6] = [
        Self::Request,
        Self::Route,
        Self::Connection,
        Self::Answer,
        Self::Response,
        Self::Client,
    ];

    /// The group as a headline.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Request => "The request cannot be served",
            Self::Route => "The route cannot be followed",
            Self::Connection => "No connection to an upstream",
            Self::Answer => "No answer of an upstream",
            Self::Response => "The answer of an upstream cannot be passed on",
            Self::Client => "The client went away",
        }
    }

    /// What is true of all reasons of the group; empty where nothing is.
    pub const fn remark(self) -> &'static str {
        match self {
            Self::Connection => "Nothing of the request was sent.",
            Self::Request | Self::Route | Self::Answer | Self::Response | Self::Client => "",
        }
    }
}

/// Which proxy gives a reason.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Sender {
    /// Whoever reads the request.
    Reader,
    /// Whoever chooses the route.
    Router,
    /// A gateway.
    Gateway,
    /// The sidecar of the service that is called.
    Callee,
    /// Whoever forwards the request.
    Forwarder,
    /// Nobody: only the access log has it.
    Log,
}

impl Sender {
    /// Who that is, in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Reader => "any proxy that reads the request, before it looks for a route",
            Self::Router => {
                "the proxy that chooses the route: a gateway, or the sidecar of the caller"
            }
            Self::Gateway => "a gateway, before it looks for a route",
            Self::Callee => "the sidecar of the service that is called",
            Self::Forwarder => {
                "the proxy that forwards the request; `cluster` and `upstream` of its access log say where to"
            }
            Self::Log => "nobody: it stands in the access log alone",
        }
    }
}

/// How a gRPC call ends, as the documentation of gRPC numbers it; those that a proxy itself gives.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum GrpcStatus {
    /// `UNKNOWN`
    Unknown,
    /// `DEADLINE_EXCEEDED`
    DeadlineExceeded,
    /// `PERMISSION_DENIED`
    PermissionDenied,
    /// `RESOURCE_EXHAUSTED`
    ResourceExhausted,
    /// `UNIMPLEMENTED`
    Unimplemented,
    /// `INTERNAL`
    Internal,
    /// `UNAVAILABLE`
    Unavailable,
}

impl GrpcStatus {
    /// The number, as `grpc-status` gives it.
    pub const fn number(self) -> &'static str {
        match self {
            Self::Unknown => "2",
            Self::DeadlineExceeded => "4",
            Self::PermissionDenied => "7",
            Self::ResourceExhausted => "8",
            Self::Unimplemented => "12",
            Self::Internal => "13",
            Self::Unavailable => "14",
        }
    }

    /// The name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "UNKNOWN",
            Self::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::ResourceExhausted => "RESOURCE_EXHAUSTED",
            Self::Unimplemented => "UNIMPLEMENTED",
            Self::Internal => "INTERNAL",
            Self::Unavailable => "UNAVAILABLE",
        }
    }
}
