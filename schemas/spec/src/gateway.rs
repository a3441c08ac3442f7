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
    #[serde(default)]
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
    /// What becomes of `//`, `/./` and `/../` in a path: `merge`, the default, or `reject` (400).
    #[serde(default)]
    pub normalize: Option<Spanned<Normalize>>,
    /// The largest request body that is accepted (413 beyond); no limit by default.
    #[serde(default)]
    pub max_body: Option<Spanned<Size>>,
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

/// A certificate, by reference: the files are read by the proxy and are never part of a snapshot.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Certificate {
    /// The path of the PEM file with the certificate chain, leaf first, as the proxy finds it.
    pub chain: Spanned<String>,
    /// The path of the PEM file with the private key, as the proxy finds it.
    pub key: Spanned<String>,
    /// The names that it is for: exact, or `*.suffix` for one label; what is served under other names is an error.
    #[serde(default)]
    pub names: Vec<Spanned<HostPattern>>,
}
