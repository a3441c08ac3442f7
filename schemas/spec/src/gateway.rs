//! Gateways, their listeners, and the certificates they show.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::named::Named;
use crate::spanned::Spanned;
use crate::units::{HostPattern, Size};

/// A proxy at the edge of the mesh.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Gateway {
    /// The team that owns the gateway.
    #[serde(default)]
    pub team: Option<Spanned<String>>,
    /// Where the gateway listens, by name.
    pub listeners: Named<Listener>,
}

/// One port of a gateway.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Listener {
    /// The address to listen on; `0.0.0.0` by default.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub address: Option<Spanned<IpAddr>>,
    /// The port to listen on, from 1 to 65535.
    pub port: Spanned<u16>,
    /// What is spoken there.
    pub protocol: Spanned<ListenerProtocol>,
    /// The hosts served there; all by default.
    #[serde(default, deserialize_with = "crate::list::whole")]
    pub hosts: Vec<Spanned<HostPattern>>,
    /// The certificate; `https` needs it, `http` refuses it.
    #[serde(default)]
    pub tls: Option<Spanned<ListenerTls>>,
    /// How many proxies in front of this one are trusted to have set `X-Forwarded-*` and `X-Request-Id`.
    ///
    /// 0, the default, discards what clients send.
    #[serde(default)]
    pub trusted_hops: Option<Spanned<u8>>,
    /// What becomes of `%2F` in a path: `refuse` (400), the default, or `keep`.
    #[serde(default)]
    pub escaped_slashes: Option<Spanned<EscapedSlashes>>,
    /// What becomes of `/./` and `/../` in a path, and of `//` where `slashes` is not said: `merge`, the default, or `reject` (400).
    #[serde(default)]
    pub normalize: Option<Spanned<Normalize>>,
    /// What becomes of `//` in a path: `merge` (read and forwarded as `/`), `keep` (an empty segment) or `refuse` (400).
    ///
    /// `merge` by default, and `refuse` with `normalize: reject`.
    #[serde(default)]
    pub slashes: Option<Spanned<Slashes>>,
    /// The largest request body that is accepted (413 beyond); no limit by default.
    #[serde(default)]
    pub max_body: Option<Spanned<Size>>,
    /// What becomes of the trace context that clients send (`traceparent`, `tracestate`, `baggage`, `b3`, `x-b3-*`): `keep`,
    /// `restart` or `remove`; `keep` by default where `trustedHops` is at least 1, else `remove`.
    #[serde(default)]
    pub tracing: Option<Spanned<Tracing>>,
    /// What becomes of headers with an underscore in their name: `refuse` (400), `drop` or `keep`; `drop` by default, but
    /// `keep` for gRPC.
    ///
    /// Servers that turn `-` into `_` cannot tell `x_user` from `x-user`. What is dropped is counted and said in the access
    /// log. Names that would read like one that only a proxy may set (`x_forwarded_for`) are never kept.
    #[serde(default)]
    pub underscores: Option<Spanned<Underscores>>,
    /// How large the head of a request may be.
    #[serde(default)]
    pub limits: HeadLimits,
}

/// What becomes of the trace context that clients send.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Tracing {
    /// Forwarded as it came.
    Keep,
    /// Removed; a new trace begins here (W3C Trace Context, sampled).
    Restart,
    /// Removed; the first service that traces begins a trace and decides whether it is sampled.
    Remove,
}

/// What becomes of headers with an underscore in their name.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Underscores {
    /// The request is answered with 400.
    Refuse,
    /// They are left out before anything looks at them.
    Drop,
    /// They are headers like others.
    Keep,
}

/// How large the head of a request may be; the proxy's own limits are the largest and the defaults.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HeadLimits {
    /// All fields together, each with 4 bytes for what separates it, and the target (431 beyond); `60KiB` by default, from
    /// `1KiB`.
    #[serde(default)]
    pub head: Option<Spanned<Size>>,
    /// The number of fields (431 beyond); 100 by default, from 10.
    #[serde(default)]
    pub fields: Option<Spanned<u16>>,
    /// The target, path and query together (414 beyond); `8KiB` by default, from `64B`.
    #[serde(default)]
    pub target: Option<Spanned<Size>>,
}

/// What a listener speaks.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum ListenerProtocol {
    /// HTTP/1.1 and HTTP/2 without encryption.
    Http,
    /// HTTP/1.1 and HTTP/2 over TLS.
    Https,
}

/// The TLS settings of a listener.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListenerTls {
    /// The name of the certificate to show.
    pub certificate: Spanned<String>,
    /// The name of the certificate for clients that name no host (TLS without SNI); by default that of the listener for `*`,
    /// or the only one of the port, else none: the handshake fails. Where listeners of a port show different
    /// certificates, requests of such clients are answered by those that show that one or name it here, and are 421 `misdirected` elsewhere.
    #[serde(default)]
    pub default: Option<Spanned<String>>,
}

/// What becomes of `%2F` in a path.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum EscapedSlashes {
    /// Answered with 400.
    Refuse,
    /// Kept as it is; it does not separate segments.
    Keep,
}

/// What becomes of empty and dot segments in a path.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Normalize {
    /// Merged and resolved.
    Merge,
    /// Answered with 400.
    Reject,
}

/// What becomes of `//` in a path.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Slashes {
    /// Read and forwarded as `/`.
    Merge,
    /// An empty segment, which `**` and expressions match and `{name}` does not.
    Keep,
    /// Answered with 400.
    Refuse,
}

/// A certificate, by reference: the files are read by the proxy and are never part of a snapshot.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Certificate {
    /// The path of the PEM file with the certificate chain, leaf first, as the proxy finds it: absolute, or from the folder in
    /// which the proxy is started.
    pub chain: Spanned<String>,
    /// The path of the PEM file with the private key, without a password, as the proxy finds it.
    pub key: Spanned<String>,
    /// The names that it is for: exact, or `*.suffix` for one label; what is served under other names is an error.
    #[serde(default)]
    pub names: Vec<Spanned<HostPattern>>,
}
