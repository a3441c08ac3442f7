//! One snapshot, prepared for serving: everything that can fail has been done.

use std::net::SocketAddr;
use std::sync::Arc;

use http::HeaderValue;
use weft_snapshot::Slice;
use weft_snapshot::origins::NodeOrigins;
use weft_snapshot::settings::{Cluster, Listener};

use super::EndpointCell;

/// One snapshot, prepared for serving. A request pins one and sees nothing else.
#[derive(Debug)]
pub struct Active {
    /// The generation of the index that brought it.
    pub generation: u64,
    /// The generation as a header, present when the mesh wants it on responses.
    pub generation_header: Option<HeaderValue>,
    /// The digest of the slice, `sha256:…`.
    pub digest: String,
    /// The digest of the manifest, `sha256:…`.
    pub manifest: String,
    /// The slice; the same `Arc` when only origins or generation changed.
    pub slice: Arc<Slice>,
    /// Where in the spec each route was written.
    pub origins: Arc<NodeOrigins>,
    /// The clusters, by their position in the slice.
    pub clusters: Vec<Arc<ActiveCluster>>,
    /// The sockets, one per address; several listeners may share one.
    pub ports: Vec<Arc<ActivePort>>,
}

impl Active {
    /// The port bound to `address`.
    pub fn port(&self, address: SocketAddr) -> Option<&Arc<ActivePort>> {
        self.ports.iter().find(|port| port.address == address)
    }
}

/// A cluster with its live endpoints.
#[derive(Debug)]
pub struct ActiveCluster {
    /// As the slice has it.
    pub settings: Cluster,
    /// Its endpoints; the same cell across snapshots while `settings.endpoints` stays equal.
    pub endpoints: Arc<EndpointCell>,
    /// For [`weft_snapshot::settings::UpstreamSecurity::Tls`]: the client side, with its own roots.
    pub tls: Option<Arc<rustls::ClientConfig>>,
}

/// One bound address.
#[derive(Debug)]
pub struct ActivePort {
    /// Where it is bound.
    pub address: SocketAddr,
    /// The listeners there, told apart by host.
    pub listeners: Vec<Listener>,
    /// How connections start.
    pub security: PortSecurity,
}

/// How connections to a port start.
#[derive(Clone, Debug)]
pub enum PortSecurity {
    /// Plaintext HTTP/1.1 or prior-knowledge HTTP/2.
    Plaintext,
    /// TLS with certificates chosen by SNI.
    Edge(Arc<rustls::ServerConfig>),
    /// mTLS with the current [`crate::identity::Identity`].
    Mtls,
    /// mTLS, or plaintext until a time (seconds since 1970 UTC).
    Permissive {
        /// From then on as [`PortSecurity::Mtls`].
        until_unix_seconds: i64,
    },
}
