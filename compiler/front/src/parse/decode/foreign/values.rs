//! Words that other products use for values.

use super::Answer::{Called, Missing, Renamed};
use super::Word;

/// Each with where it is written and what is said about it.
pub(super) static WORDS: &[Word] = &[
    Word {
        names: &["high", "secret", "sensitive", "private", "pii", "critical"],
        within: &["Sensitivity"],
        answer: Called("`confidential`, or `restricted` for what is kept to few"),
    },
    Word {
        names: &["low", "none", "open", "medium", "normal", "default"],
        within: &["Sensitivity"],
        answer: Called("`public`, or `internal` for what stays in the house"),
    },
    Word {
        names: &["https://"],
        within: &["ListenerProtocol"],
        answer: Renamed("https"),
    },
    Word {
        names: &["http://"],
        within: &["ListenerProtocol"],
        answer: Renamed("http"),
    },
    Word {
        names: &[
            "http1", "http1.1", "http/1", "http/1.1", "https", "tls", "ssl",
        ],
        within: &["ServiceProtocol"],
        answer: Called(
            "`http`; whether a hop is encrypted is said by `mtls`, and by `tls: {verify: …}` for a service outside of the mesh",
        ),
    },
    Word {
        names: &["h2", "h2c", "http/2", "http2.0"],
        within: &["ServiceProtocol"],
        answer: Renamed("http2"),
    },
    Word {
        names: &["grpcs", "grpcweb", "protobuf"],
        within: &["ServiceProtocol"],
        answer: Renamed("grpc"),
    },
    Word {
        names: &["ws", "wss", "websocket", "websockets"],
        within: &["ServiceProtocol"],
        answer: Called("`http`, with `upgrade: [websocket]` on the rule"),
    },
    Word {
        names: &[
            "tcp", "udp", "quic", "http3", "h3", "mongo", "mysql", "redis", "kafka",
        ],
        within: &["ServiceProtocol", "ListenerProtocol"],
        answer: Missing(
            "it decides about requests, and a stream of bytes has none",
            "let such a service be reached directly, and leave it out of the spec",
        ),
    },
    Word {
        names: &[
            "http1",
            "http1.1",
            "http2",
            "h2",
            "h2c",
            "grpc",
            "ws",
            "websocket",
        ],
        within: &["ListenerProtocol"],
        answer: Called("`http`, or `https` with TLS; both take HTTP/1.1, HTTP/2 and gRPC"),
    },
    Word {
        names: &["tls", "ssl", "terminate", "grpcs", "wss"],
        within: &["ListenerProtocol"],
        answer: Renamed("https"),
    },
    Word {
        names: &[
            "istiomutual",
            "mutual",
            "required",
            "require",
            "enforced",
            "on",
            "true",
            "enabled",
            "yes",
        ],
        within: &["Mtls"],
        answer: Renamed("strict"),
    },
    Word {
        names: &[
            "disable",
            "none",
            "off",
            "false",
            "no",
            "plaintext",
            "unset",
        ],
        within: &["Mtls"],
        answer: Renamed("disabled"),
    },
    Word {
        names: &["optional", "preferred", "opportunistic"],
        within: &["Mtls"],
        answer: Called(
            "`permissive`, which needs the last day on which it holds, `until: 2026-12-31`",
        ),
    },
    Word {
        names: &[
            "gatewayerror",
            "http502",
            "http503",
            "http504",
            "badgateway",
            "unavailable",
            "serviceunavailable",
            "gatewaytimeout",
        ],
        within: &["RetryOn"],
        answer: Called("by the status: `502`, `503`, `504`"),
    },
    Word {
        names: &[
            "retriable4xx",
            "4xx",
            "retriablestatuscodes",
            "retriableheaders",
        ],
        within: &["RetryOn"],
        answer: Called("by the status, one by one: `409`, `429`"),
    },
    Word {
        names: &[
            "timeout",
            "deadlineexceeded",
            "pertrytimeout",
            "responsetimeout",
        ],
        within: &["RetryOn"],
        answer: Renamed("backend-timeout"),
    },
    Word {
        names: &[
            "error",
            "connreset",
            "emptyresponse",
            "resetbeforerequest",
            "junkresponse",
            "disconnected",
            "http3postconnectfailure",
        ],
        within: &["RetryOn"],
        answer: Renamed("reset"),
    },
    Word {
        names: &[
            "connfailure",
            "connectionfailure",
            "connecterror",
            "connectionerror",
            "conntimeout",
            "connecttimeout",
        ],
        within: &["RetryOn"],
        answer: Renamed("connect-failure"),
    },
    Word {
        names: &[
            "servererror",
            "internal",
            "internalerror",
            "http500",
            "500s",
        ],
        within: &["RetryOn"],
        answer: Renamed("5xx"),
    },
    Word {
        names: &["cancelled", "canceled", "resourceexhausted", "aborted"],
        within: &["RetryOn"],
        answer: Missing(
            "a status of gRPC comes behind the answer, when it is too late to ask again",
            "retry it in the client, which knows the call",
        ),
    },
];
