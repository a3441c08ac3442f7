//! The part of a slice that does not grow with the number of routes: listeners, clusters, certificates.
//!
//! It travels as canonical JSON in a section of its own and is decoded once, when a slice is loaded. An
//! unknown field is refused, because a skipped field could be a skipped policy.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

/// What one node is, and everything it opens and reaches, settled by the compiler.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeSettings {
    /// `gateway/<name>` or `service/<name>`; also the path of the node's SPIFFE identity.
    pub node: String,
    /// The name of the mesh.
    pub mesh: String,
    /// The SPIFFE trust domain.
    pub trust_domain: String,
    /// Whether every response carries the generation as `x-weft-snapshot`.
    pub snapshot_header: bool,
    /// Where the node listens. Listeners on one address and port are told apart by SNI and Host.
    pub listeners: Vec<Listener>,
    /// What the node sends requests to; routes refer to clusters by position.
    pub clusters: Vec<Cluster>,
    /// The certificates that listeners show; listeners refer to them by position.
    pub certificates: Vec<Certificate>,
}

/// One listener.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Listener {
    /// Its name within the node: that of the spec, or `inbound` and `outbound` of a sidecar.
    pub name: String,
    /// What traffic comes here.
    pub role: Role,
    /// The address to bind.
    pub address: IpAddr,
    /// The port to bind.
    pub port: u16,
    /// How peers are authenticated.
    pub security: ListenerSecurity,
    /// The hosts served here, canonical patterns; `["*"]` serves all.
    pub hosts: Vec<String>,
    /// The route table of this listener, by position in the slice.
    pub table: u32,
    /// How many proxies in front are trusted to have set `X-Forwarded-*` and `X-Request-Id`.
    pub trusted_hops: u8,
    /// How paths are canonicalised.
    pub path: PathRules,
    /// What becomes of heads of requests beside their path.
    pub heads: HeadRules,
    /// The certificate for TLS clients that name no host, by position; the one of the listener for `*`, or the only one of
    /// the port, when absent.
    pub default_certificate: Option<u32>,
}

/// What traffic comes to a listener.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// From clients outside of the mesh, to a gateway.
    Edge,
    /// From other proxies, to the app behind a sidecar; the slice's allow rules are enforced here.
    Inbound,
    /// From the app behind a sidecar, to other services.
    Outbound,
}

/// How a listener authenticates itself and its peers.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum ListenerSecurity {
    /// No TLS.
    Plaintext,
    /// TLS with a certificate of the spec, by position; clients are not authenticated.
    Tls {
        /// Position in [`NodeSettings::certificates`].
        certificate: u32,
    },
    /// mTLS with the node's own SPIFFE identity; peers must show one of the trust domain.
    Mtls,
    /// Like [`ListenerSecurity::Mtls`], but plaintext is heard too until a time.
    Permissive {
        /// From this time on (seconds since 1970 UTC) the listener is strict.
        until_unix_seconds: i64,
    },
}

/// How the path of a request is canonicalised.
#[derive(
    Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PathRules {
    /// `%2F` is kept instead of refused.
    pub keep_escaped_slashes: bool,
    /// Dot segments are refused instead of resolved.
    pub refuse_dot_segments: bool,
    /// What becomes of empty segments.
    pub slashes: Slashes,
}

/// What becomes of `//` in a path, which is an empty segment (RFC 3986 section 3.3).
#[derive(
    Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "camelCase")]
pub enum Slashes {
    /// It is read and forwarded as `/`.
    #[default]
    Merge,
    /// It stays: the empty segment is a segment like others, which no `{name}` of a pattern takes.
    Keep,
    /// It is answered with 400.
    Refuse,
}

/// What becomes of the heads of requests beside their path.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HeadRules {
    /// What becomes of trace context: `traceparent`, `tracestate`, `baggage`, `b3`, `x-b3-*`.
    pub tracing: Tracing,
    /// What becomes of headers with an underscore in their name.
    pub underscores: Underscores,
    /// How large a head may be.
    pub limits: HeadLimits,
}

impl HeadRules {
    /// The rules between proxies of a mesh: what a gateway let in or an app sends passes, and heads are bounded by the proxy
    /// alone.
    pub const MESH: Self = Self {
        tracing: Tracing::Keep,
        underscores: Underscores::Keep,
        limits: HeadLimits::MOST,
    };
}

/// What becomes of the trace context of requests.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Tracing {
    /// Forwarded as it came.
    Keep,
    /// Removed, and a new `traceparent` written: version 00, random trace and parent ids, sampled.
    Restart,
    /// Removed.
    Remove,
}

/// What becomes of headers with an underscore in their name. Whatever is said, those that would read like a header that
/// only a proxy may set are dropped.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Underscores {
    /// 400.
    Refuse,
    /// Left out before the request is matched.
    Drop,
    /// Left out but for gRPC, where they are legal names of metadata.
    DropUnlessGrpc,
    /// Headers like others.
    Keep,
}

impl Underscores {
    /// Whether a request may have such a header when it is matched.
    pub fn keeps(self, is_grpc: bool) -> bool {
        match self {
            Self::Refuse | Self::Drop => false,
            Self::DropUnlessGrpc => is_grpc,
            Self::Keep => true,
        }
    }
}

/// How large the head of a request may be; never more than the proxy's own limits.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HeadLimits {
    /// Bytes of the target and of all fields, each with 4 for what separates it; 431 beyond.
    pub head_bytes: u32,
    /// Fields; 431 beyond.
    pub fields: u32,
    /// Bytes of the target; 414 beyond.
    pub target_bytes: u32,
}

impl HeadLimits {
    /// The limits of every proxy, which are the defaults of listeners.
    pub const MOST: Self = Self {
        head_bytes: crate::limits::HEAD_BYTES,
        fields: crate::limits::HEAD_FIELDS,
        target_bytes: crate::limits::TARGET_BYTES,
    };
}

/// The name of the cluster of a sidecar's own process, which is the name of no service.
pub const OWN_PROCESS: &str = "@app";

/// The service of a cluster of a node: that of the node itself for the process behind a sidecar.
pub fn service_of<'name>(cluster: &'name str, node: &'name str) -> &'name str {
    if cluster == OWN_PROCESS {
        return node.strip_prefix("service/").unwrap_or(node);
    }
    cluster.split('@').next().unwrap_or(cluster)
}

/// A group of endpoints that answer the same requests.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cluster {
    /// `orders`, `orders@v2`, or [`OWN_PROCESS`] for the process behind a sidecar.
    pub name: String,
    /// What is spoken to the endpoints.
    pub protocol: UpstreamProtocol,
    /// How the endpoints are authenticated.
    pub security: UpstreamSecurity,
    /// Where the endpoints are.
    pub endpoints: Endpoints,
    /// How long an idle connection is kept for the next request, in milliseconds; 0 lets a connection serve one request.
    pub keep_alive_millis: u32,
    /// The host that the endpoints see unless a route says otherwise; that of the request when absent.
    pub host: Option<String>,
}

/// What is spoken to an endpoint.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum UpstreamProtocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2, by prior knowledge or ALPN.
    Http2,
}

/// How an endpoint is authenticated.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum UpstreamSecurity {
    /// Not at all.
    Plaintext,
    /// mTLS with the node's own identity; the endpoint must show exactly this one.
    Mtls {
        /// `spiffe://<trustDomain>/service/<name>`.
        identity: String,
    },
    /// TLS with roots from a file; the certificate must carry a DNS name.
    Tls {
        /// The DNS name, also sent as SNI.
        name: String,
        /// The path of the PEM file with the accepted roots.
        roots: String,
    },
}

/// Where endpoints are.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Endpoints {
    /// A list.
    Static {
        /// At least one address.
        addresses: Vec<SocketAddr>,
    },
    /// A DNS name, resolved again and again; its addresses are outside every digest.
    Dns {
        /// The name.
        host: String,
        /// The port of every address.
        port: u16,
    },
    /// A file with a JSON list of `address:port`, watched; its content is outside every digest.
    File {
        /// The path, as the proxy finds it.
        path: String,
    },
}

/// A certificate by reference; the files are read by the proxy.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Certificate {
    /// The name in the spec.
    pub name: String,
    /// The path of the PEM file with the chain, leaf first.
    pub chain: String,
    /// The path of the PEM file with the private key.
    pub key: String,
}
