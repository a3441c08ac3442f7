//! What an endpoint is shown, and what it is believed by: the node's own identity, roots from a file, or nothing.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use weft_snapshot::settings::UpstreamSecurity;

use super::{Security, connect};
use crate::identity::Identity;
use crate::shared::ActiveCluster;
use crate::worker::Worker;

/// What connections to a cluster are made with now.
#[derive(Clone, Debug)]
pub(crate) enum Credentials {
    /// Plaintext, or no identity yet.
    Nothing,
    /// Roots of its own.
    Roots(Arc<ClientConfig>),
    /// The identity of the node.
    Own(Arc<Identity>),
}

/// What of [`Credentials`] tells connections apart: a new certificate makes new connections, other authorities
/// do not. Configurations count by their address in memory, which the endpoint keeps alive.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Mark {
    Nothing,
    Roots(usize),
    Certificate(Arc<str>),
}

impl Credentials {
    /// Those for `cluster` now.
    pub(crate) fn now(worker: &Worker, cluster: &ActiveCluster) -> Self {
        match &cluster.settings.security {
            UpstreamSecurity::Plaintext => Self::Nothing,
            UpstreamSecurity::Mtls { identity: _ } => {
                let own = worker.shared.identity.load();
                own.as_ref()
                    .map_or(Self::Nothing, |own| Self::Own(Arc::clone(own)))
            }
            UpstreamSecurity::Tls { name: _, roots: _ } => {
                cluster.tls.clone().map_or(Self::Nothing, Self::Roots)
            }
        }
    }

    /// Whether both are one and the same in memory.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Nothing, Self::Nothing) => true,
            (Self::Roots(this), Self::Roots(other)) => Arc::ptr_eq(this, other),
            (Self::Own(this), Self::Own(other)) => Arc::ptr_eq(this, other),
            (Self::Nothing | Self::Roots(_) | Self::Own(_), _) => false,
        }
    }

    pub(super) fn mark(&self) -> Mark {
        match self {
            Self::Nothing => Mark::Nothing,
            Self::Roots(config) => Mark::Roots(Arc::as_ptr(config).addr()),
            Self::Own(own) => Mark::Certificate(Arc::clone(&own.certificate_digest)),
        }
    }

    /// How connections of a cluster with these `settings` are authenticated.
    pub(super) fn security(&self, settings: &UpstreamSecurity) -> Security {
        let (name, identity) = match settings {
            UpstreamSecurity::Plaintext => return Security::Plaintext,
            UpstreamSecurity::Mtls { identity } => (
                connect::server_name(identity),
                Some(Arc::from(identity.as_str())),
            ),
            UpstreamSecurity::Tls { name, roots: _ } => {
                (ServerName::try_from(name.clone()).ok(), None)
            }
        };
        let config = match self {
            Self::Nothing => None,
            Self::Roots(config) => Some(Arc::clone(config)),
            Self::Own(own) => Some(Arc::clone(&own.client)),
        };
        match (config, name) {
            (Some(config), Some(name)) => Security::Tls {
                config,
                name,
                identity,
            },
            (None, _) | (_, None) => Security::Unready,
        }
    }
}
