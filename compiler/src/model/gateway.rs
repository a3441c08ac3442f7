//! Gateways, their listeners, and certificates.

use std::net::IpAddr;

use weft_snapshot::settings::{self, HeadRules, PathRules};
use weft_spec::Spanned;
use weft_spec::gateway::{
    EscapedSlashes, HeadLimits, ListenerProtocol, Normalize, Slashes, Tracing, Underscores,
};
use weft_spec::units::{HostPattern, Size};

use super::{CertificateId, TeamId};

/// A proxy at the edge of the mesh.
#[derive(Clone, Debug)]
pub struct Gateway {
    /// Its name.
    pub name: Spanned<String>,
    /// The team it names.
    pub team: Option<Spanned<TeamId>>,
    /// Its listeners, in the order of their names.
    pub listeners: Vec<Listener>,
}

/// One port of a gateway.
#[derive(Clone, Debug)]
pub struct Listener {
    /// Its name.
    pub name: Spanned<String>,
    /// The address it binds; `0.0.0.0` when nothing is said.
    pub address: Spanned<IpAddr>,
    /// The port it binds.
    pub port: Spanned<u16>,
    /// What is spoken there.
    pub protocol: Spanned<ListenerProtocol>,
    /// The hosts served there; empty means all.
    pub hosts: Vec<Spanned<HostPattern>>,
    /// Its certificate.
    pub tls: ListenerTls,
    /// The certificate for clients that name no host, if said.
    pub default_certificate: Option<Spanned<CertificateId>>,
    /// How many proxies in front are trusted.
    pub trusted_hops: u8,
    /// What becomes of `%2F`.
    pub escaped_slashes: EscapedSlashes,
    /// What becomes of dot segments.
    pub normalize: Normalize,
    /// What becomes of empty segments.
    pub slashes: Slashes,
    /// The largest request body.
    pub max_body: Option<Spanned<Size>>,
    /// What becomes of trace context, if said.
    pub tracing: Option<Spanned<Tracing>>,
    /// What becomes of headers with an underscore in their name, if said.
    pub underscores: Option<Spanned<Underscores>>,
    /// How large the head of a request may be, where it is said.
    pub limits: HeadLimits,
}

/// What a listener says about TLS.
#[derive(Clone, Copy, Debug)]
pub enum ListenerTls {
    /// Nothing.
    Absent,
    /// A certificate that is not defined, which was reported.
    Unknown,
    /// This certificate.
    Certificate(Spanned<CertificateId>),
}

/// A certificate, by reference.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// Its name.
    pub name: Spanned<String>,
    /// The path of the chain, as the proxy finds it.
    pub chain: Spanned<String>,
    /// The path of the private key, as the proxy finds it.
    pub key: Spanned<String>,
    /// The names that it is for; nothing is known of them if there is none.
    pub names: Vec<Spanned<HostPattern>>,
}

impl Listener {
    /// How it makes paths canonical.
    pub fn path_rules(&self) -> PathRules {
        PathRules {
            keep_escaped_slashes: self.escaped_slashes == EscapedSlashes::Keep,
            refuse_dot_segments: self.normalize == Normalize::Reject,
            slashes: match self.slashes {
                Slashes::Merge => settings::Slashes::Merge,
                Slashes::Keep => settings::Slashes::Keep,
                Slashes::Refuse => settings::Slashes::Refuse,
            },
        }
    }

    /// Whether a route for `host` can receive requests here.
    pub fn serves(&self, host: &str) -> bool {
        self.hosts.is_empty()
            || self
                .hosts
                .iter()
                .any(|served| super::hosts_overlap(served.value.as_str(), host))
    }

    /// What becomes of the heads of its requests, with every default applied.
    pub fn heads(&self) -> HeadRules {
        let tracing = match self.tracing.map(|said| said.value) {
            Some(Tracing::Keep) => settings::Tracing::Keep,
            Some(Tracing::Restart) => settings::Tracing::Restart,
            // Proxies in front that are trusted have begun the trace.
            None if 0 < self.trusted_hops => settings::Tracing::Keep,
            // Not `restart`: its sampled flag would decide for services that sample by themselves.
            Some(Tracing::Remove) | None => settings::Tracing::Remove,
        };
        HeadRules {
            tracing,
            underscores: match self.underscores.map(|said| said.value) {
                Some(Underscores::Refuse) => settings::Underscores::Refuse,
                Some(Underscores::Drop) => settings::Underscores::Drop,
                Some(Underscores::Keep) => settings::Underscores::Keep,
                None => settings::Underscores::DropUnlessGrpc,
            },
            limits: self.head_limits(),
        }
    }

    fn head_limits(&self) -> settings::HeadLimits {
        let most = settings::HeadLimits::MOST;
        let bytes = |said: Option<Spanned<Size>>, most: u32| {
            said.map_or(most, |said| {
                u32::try_from(said.value.bytes()).unwrap_or(u32::MAX)
            })
        };
        settings::HeadLimits {
            head_bytes: bytes(self.limits.head, most.head_bytes),
            fields: self
                .limits
                .fields
                .map_or(most.fields, |said| said.value.into()),
            target_bytes: bytes(self.limits.target, most.target_bytes),
        }
    }
}
