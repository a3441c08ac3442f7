//! The table of reasons: a row says all there is to say about one, in one place.
//!
//! A new reason is one row; `UPDATE=1 cargo test -p weft-golden-tests --test reasons` writes it into `docs/reasons.md`. Names are
//! never changed or used again, because people search logs for them. Rows stand in groups, sorted by name.

use super::{After, Group, GrpcStatus, Row, Sender};
use crate::repeat::RetryCondition;

macro_rules! reasons {
    ($($group:ident {$(
        $variant:ident = $name:literal, $status:literal, $grpc:ident, $after:ident, $sender:ident, $repeated:expr,
        $meaning:literal, $look:literal;
    )+})+) => {
        /// Why a proxy answers itself, or ends a request without an answer.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub enum Reason {
            $($(
                #[doc = $meaning]
                $variant,
            )+)+
        }

        impl Reason {
            /// Every reason, by group and name.
            pub const ALL: &'static [Self] = &[$($(Self::$variant,)+)+];

            pub(super) const fn row(self) -> &'static Row {
                match self {
                    $($(Self::$variant => &Row {
                        name: $name,
                        group: Group::$group,
                        status: $status,
                        grpc_status: GrpcStatus::$grpc,
                        after: After::$after,
                        sender: Sender::$sender,
                        repeated: $repeated,
                        meaning: $meaning,
                        look: $look,
                    },)+)+
                }
            }
        }
    };
}

// Name, status, status of gRPC, what becomes of the connection, who sends it, the condition of `retry.on`; what it means; what to
// look at.
reasons! {
    Request {
        AmbiguousFraming = "ambiguous-framing", 400, Internal, Closes, Reader, None,
            "two lengths, a length beside a transfer coding, or a coding other than `chunked`",
            "mend the client: two servers could see two different requests";
        BadBody = "bad-body", 400, Internal, Closes, Reader, None,
            "the framing of the body is malformed, or it is longer than announced",
            "mend the client";
        BadConnectionHeader = "bad-connection-header", 400, Internal, Closes, Reader, None,
            "`Connection` names what no header can be called",
            "mend the client";
        BadContentLength = "bad-content-length", 400, Internal, Closes, Reader, None,
            "the length is no number",
            "mend the client";
        BadCookie = "bad-cookie", 400, Internal, Closes, Reader, None,
            "the `Cookie` fields cannot be joined into one that may be sent on",
            "mend the client";
        BadForwardedFor = "bad-forwarded-for", 400, Internal, Closes, Reader, None,
            "a trusted proxy in front sent an `X-Forwarded-For` that cannot be passed on",
            "mend that proxy; `trustedHops` of the listener says which are trusted";
        BadHost = "bad-host", 400, Internal, Closes, Reader, None,
            "the host is neither a name nor an address",
            "mend the client";
        BadPath = "bad-path", 400, Internal, Closes, Reader, None,
            "the path has bytes that no path may have",
            "escape them; `weft why` says what is wrong with it";
        BadScheme = "bad-scheme", 400, Internal, Closes, Reader, None,
            "`:scheme` of HTTP/2 is empty or no scheme",
            "mend the client";
        BodyTimeout = "body-timeout", 408, Unknown, Closes, Forwarder, None,
            "the body stopped coming for the route's `idle`",
            "a slow network; raise `idle` if that is normal";
        BodyTooLarge = "body-too-large", 413, ResourceExhausted, Closes, Forwarder, None,
            "larger than `maxBody` of the route or listener",
            "send less, or raise it";
        ClimbingPath = "climbing-path", 400, Internal, Closes, Reader, None,
            "`..` climbs above `/`",
            "mend the client";
        EscapedSlash = "escaped-slash", 400, Internal, Closes, Reader, None,
            "`%2F` in the path, which the listener refuses",
            "`escapedSlashes: keep` on the listener";
        HeadTimeout = "head-timeout", 408, Unknown, Closes, Reader, None,
            "the head did not come within `--head-time`",
            "a slow client, or an attack";
        HeadTooLarge = "head-too-large", 431, Unknown, Closes, Reader, None,
            "the header fields are too large together",
            "fewer cookies; `limits.head` of the listener";
        MalformedRequest = "malformed-request", 400, Internal, Closes, Reader, None,
            "the bytes are no HTTP",
            "mend the client, or whatever else speaks to the port";
        MethodRefused = "method-refused", 405, Unknown, Closes, Reader, None,
            "CONNECT or TRACE, which no proxy of the mesh forwards",
            "use another method; no setting lets them through";
        Misdirected = "misdirected", 421, Unknown, Stays, Gateway, None,
            "the connection was made for a host with another certificate",
            "clients repeat it on another connection by themselves";
        MissingHost = "missing-host", 400, Internal, Closes, Reader, None,
            "no `Host`",
            "mend the client";
        NoIdentity = "no-identity", 403, PermissionDenied, Stays, Callee, None,
            "an access rule asks who calls, and the peer proved nothing",
            "call through a sidecar; `weft why --from SERVICE` says what a service may do";
        NoRoute = "no-route", 404, Unimplemented, Stays, Router, None,
            "no route of the host takes the request",
            "`weft why` says how near the nearest comes";
        NominatedHeader = "nominated-header", 400, Internal, Closes, Reader, None,
            "`Connection` names a header that routes or policies look at",
            "mend the client";
        NotAllowed = "not-allowed", 403, PermissionDenied, Stays, Callee, None,
            "`allow` and `deny` of the service do not let this caller do this",
            "`weft why --from SERVICE` says why";
        OverloadedMemory = "overloaded-memory", 503, Unavailable, Stays, Reader, None,
            "the process is near its `--max-memory` and takes no new requests",
            "a higher bound, or more instances; docs/limits.md says what is shed when";
        RepeatedHeader = "repeated-header", 400, Internal, Closes, Router, None,
            "a header that decides about the route came twice",
            "mend the client; `weft why` names the rule that asks for the value";
        RepeatedHost = "repeated-host", 400, Internal, Closes, Reader, None,
            "two `Host` headers",
            "mend the client";
        TargetTooLong = "target-too-long", 414, Unknown, Closes, Reader, None,
            "beyond 8 KiB, or `limits.target` of the listener",
            "send it in a body";
        TooManyFields = "too-many-fields", 431, Unknown, Closes, Reader, None,
            "more header fields than the listener takes",
            "`limits.fields` of the listener";
        TwoHosts = "two-hosts", 400, Internal, Closes, Reader, None,
            "the target names another host than `Host`",
            "mend the client";
        UnderscoreInHeaderName = "underscore-in-header-name", 400, Internal, Closes, Reader, None,
            "a header name has an underscore, and the listener says `underscores: refuse`",
            "rename it, or let the listener drop or keep such names";
        UnknownExpectation = "unknown-expectation", 417, Unknown, Closes, Reader, None,
            "an `Expect` other than `100-continue`",
            "leave `Expect` out";
        UnknownHost = "unknown-host", 404, Unimplemented, Stays, Reader, None,
            "no listener of the port serves the host",
            "DNS points here by mistake, or a host is missing in the spec";
        UnknownTransferCoding = "unknown-transfer-coding", 501, Unknown, Closes, Reader, None,
            "`gzip, chunked` and its like",
            "send it without";
        UnknownVersion = "unknown-version", 0, Unknown, Closes, Log, None,
            "HTTP/2 where HTTP/1 was begun; closed without an answer",
            "a client that speaks HTTP/2 has to begin with it";
        UnnormalizedPath = "unnormalized-path", 400, Internal, Closes, Reader, None,
            "`//`, `/./` or `/../`, which the listener rejects",
            "`normalize: merge` on the listener";
    }
    Route {
        BadRewrite = "bad-rewrite", 500, Unknown, Stays, Router, None,
            "the rule makes a path or host that cannot be sent",
            "mend the rewrite";
        NoBackend = "no-backend", 503, Unavailable, Stays, Router, None,
            "no backend of the rule has a share",
            "give one a weight";
        RequestTimeout = "request-timeout", 504, DeadlineExceeded, Stays, Forwarder, None,
            "the request took longer than `timeout.request`, all tries together; in mid-answer the answer is cut",
            "`attempts` and `upstream_failure` say where the time went";
        TooManyInFlight = "too-many-in-flight", 503, Unavailable, Stays, Forwarder, None,
            "as many requests of the rule or call run as its `maxInFlight` says",
            "wait, add instances, or raise it";
    }
    Connection {
        ConnectFailure = "connect-failure", 503, Unavailable, Stays, Forwarder, Some(RetryCondition::ConnectFailure),
            "TCP: `refused`, `reset`, `unreachable`, `timed-out`, `exhausted` (our own ports or descriptors), `closed` before use, `other`",
            "is the process running, and the port right?";
        ConnectTimeout = "connect-timeout", 504, DeadlineExceeded, Stays, Forwarder, Some(RetryCondition::ConnectFailure),
            "TCP and TLS were not done within `timeout.connect`",
            "a firewall that drops, or a host that is down";
        NoEndpoint = "no-endpoint", 503, Unavailable, Stays, Forwarder, None,
            "the cluster has no address",
            "`/endpoints` says why; see docs/dns.md";
        NoOwnIdentity = "no-own-identity", 503, Unavailable, Stays, Forwarder, None,
            "mTLS is wanted and the node has no identity yet",
            "`/ready` says what is wrong with the files";
        Overloaded = "overloaded", 503, Unavailable, Stays, Forwarder, None,
            "too many requests wait for a connection",
            "more instances, or `--max-upstream-connections`";
        OwnAdminEndpoint = "own-admin-endpoint", 503, Unavailable, Stays, Forwarder, Some(RetryCondition::ConnectFailure),
            "the endpoint is the proxy's own admin endpoint, to which no request is ever sent",
            "the port of the endpoint, or `--admin`";
        TlsAlert = "tls-alert", 503, Unavailable, Stays, Forwarder, Some(RetryCondition::ConnectFailure),
            "the upstream ended the handshake with the alert that the detail names",
            "its log says why";
        TlsBadCertificate = "tls-bad-certificate", 503, Unavailable, Stays, Forwarder, Some(RetryCondition::ConnectFailure),
            "its certificate breaks a rule, which the detail names, such as `several-peer-identities`",
            "look at the authority that issues it";
        TlsClosed = "tls-closed", 503, Unavailable, Stays, Forwarder, Some(RetryCondition::ConnectFailure),
            "it closed in the middle of the handshake",
            "often a plaintext server that gave up";
        TlsExpired = "tls-expired", 503, Unavailable, Stays, Forwarder, Some(RetryCondition::ConnectFailure),
            "its certificate has expired",
            "renew it";
        TlsIncompatible = "tls-incompatible", 503, Unavailable, Stays, Forwarder, Some(RetryCondition::ConnectFailure),
            "no version or cipher in common",
            "it is too old";
        TlsMalformed = "tls-malformed", 503, Unavailable, Stays, Forwarder, Some(RetryCondition::ConnectFailure),
            "it broke the rules of TLS",
            "is it a TLS server? `openssl s_client` shows what it says";
        TlsNotYetValid = "tls-not-yet-valid", 503, Unavailable, Stays, Forwarder, Some(RetryCondition::ConnectFailure),
            "its certificate is not valid yet",
            "compare the clocks";
        TlsPlaintext = "tls-plaintext", 503, Unavailable, Stays, Forwarder, Some(RetryCondition::ConnectFailure),
            "it answered in plaintext",
            "leave out `tls` of the service, or name the TLS port";
        TlsReset = "tls-reset", 503, Unavailable, Stays, Forwarder, Some(RetryCondition::ConnectFailure),
            "the connection broke in the middle of the handshake",
            "its log; a box on the way that cuts";
        TlsUnknownIssuer = "tls-unknown-issuer", 503, Unavailable, Stays, Forwarder, Some(RetryCondition::ConnectFailure),
            "no root or authority that we believe signed its certificate",
            "`tls.roots`, or the bundle";
        TlsWrongName = "tls-wrong-name", 503, Unavailable, Stays, Forwarder, Some(RetryCondition::ConnectFailure),
            "its certificate is for another name than `tls.verify`",
            "the log names those that it is for";
        TlsWrongProtocol = "tls-wrong-protocol", 503, Unavailable, Stays, Forwarder, Some(RetryCondition::ConnectFailure),
            "it does not speak what the service says (ALPN)",
            "`protocol` of the service";
        WrongIdentity = "wrong-identity", 503, Unavailable, Stays, Forwarder, Some(RetryCondition::ConnectFailure),
            "another identity answered; the log names both",
            "an endpoint is another service's";
    }
    Answer {
        BackendTimeout = "backend-timeout", 504, DeadlineExceeded, Stays, Forwarder, Some(RetryCondition::BackendTimeout),
            "one try took longer than `timeout.backendRequest`; it counts as `connect-failure` where nothing was sent before",
            "`head_ms` of the callee's access log says whether it or its app is slow";
        IdleTimeout = "idle-timeout", 504, Unavailable, Stays, Forwarder, Some(RetryCondition::BackendTimeout),
            "nothing moved for the route's `idle`; in mid-answer the answer is cut",
            "raise `idle` where a silence is normal, or let the app send something";
        RefusedStream = "refused-stream", 503, Unavailable, Stays, Forwarder, Some(RetryCondition::RefusedStream),
            "it refused the stream unseen (HTTP/2), or said goodbye before it (`goodbye`), or reset it to be left in peace (`calm`: only idempotent requests are repeated, since it may have been seen)",
            "it is shutting down or full";
        UpstreamRefusedIdentity = "upstream-refused-identity", 503, Unavailable, Stays, Forwarder, Some(RetryCondition::ConnectFailure),
            "it refused our certificate, which in TLS 1.3 shows only after the request was sent; the detail is the alert. It processed nothing, so even a POST is repeated",
            "its log says what it found: see docs/tls.md";
        UpstreamReset = "upstream-reset", 502, Unavailable, Stays, Forwarder, Some(RetryCondition::Reset),
            "the connection or stream broke before an answer, or in its middle; `stale` says that it had been kept idle",
            "its log; `keepAlive` of the service if it closes sooner";
    }
    Response {
        AmbiguousResponseFraming = "ambiguous-response-framing", 502, Unavailable, Stays, Forwarder, None,
            "two lengths, or a length beside a transfer coding",
            "mend the app";
        BadResponse = "bad-response", 502, Unavailable, Stays, Forwarder, None,
            "no HTTP, or too many interim answers",
            "mend the app";
        BadStatus = "bad-status", 502, Unavailable, Stays, Forwarder, None,
            "a status that is none",
            "mend the app";
        NotHttp2 = "not-http2", 502, Unavailable, Stays, Forwarder, None,
            "HTTP/1 where the service says HTTP/2; nothing was sent",
            "`protocol` of the service";
        ResponseHeadTooLarge = "response-head-too-large", 502, Unavailable, Stays, Forwarder, None,
            "more than 60 KiB or 100 fields",
            "fewer or smaller headers of the app";
        UnaskedUpgrade = "unasked-upgrade", 502, Unavailable, Stays, Forwarder, None,
            "101 without having been asked, or to another protocol",
            "mend the app; `upgrade` of the route says what may be asked for";
    }
    Client {
        ClientGone = "client-gone", 400, Internal, Closes, Log, None,
            "the client left before the end of the answer, or in the middle of its upload; the log says status 0, or the one that was sent. A client that closed only its half of the connection sees it with a 400",
            "limits of the client, or of a proxy in front of it";
    }
}
