//! Gateways, their listeners, and certificates.

use std::net::IpAddr;

use weft_snapshot::choice::{self, Heard};
use weft_snapshot::settings::{HeadRules, PathRules};
use weft_spec::Spanned;
use weft_spec::gateway::ListenerProtocol;
use weft_spec::units::HostPattern;

use super::{CertificateId, TeamId};
use crate::settings::{Received, Said};

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
    /// The settings that it says.
    pub said: Said,
    /// What comes of those about requests before rules see them.
    pub received: Received,
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
        self.received.path
    }

    /// Whether a route for `host` can receive requests here.
    pub fn serves(&self, host: &str) -> bool {
        self.hosts.is_empty()
            || self
                .hosts
                .iter()
                .any(|served| weft_space::hosts_overlap(served.value.as_str(), host))
    }

    /// What becomes of the heads of its requests, with every default applied.
    pub fn heads(&self) -> HeadRules {
        self.received.heads
    }
}

impl Heard for Listener {
    fn place(&self) -> (IpAddr, u16) {
        (self.address.value, self.port.value)
    }

    fn is_tls(&self) -> bool {
        match self.protocol.value {
            ListenerProtocol::Http => false,
            ListenerProtocol::Https => true,
        }
    }

    fn specificity(&self, host: &str) -> Option<usize> {
        // Without hosts it serves all, as `*` does.
        let any = self.hosts.is_empty().then_some("*");
        let hosts = self.hosts.iter().map(|host| host.value.as_str());
        choice::specificity(hosts.chain(any), host)
    }
}
