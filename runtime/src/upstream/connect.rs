//! Opens a connection: TCP, TLS where the cluster says so, and a check of who answered.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls_pki_types::{ServerName, UnixTime};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use weft_snapshot::settings::UpstreamProtocol;

use super::Trouble;
use crate::identity::{Shown, Side, alert_name, alert_sent, tls_error};
use crate::shared::Example;
use crate::worker::{Stream, Worker};

/// How long what was sent may stay unacknowledged; then the connection is broken.
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);
/// Silence after which the kernel asks whether the peer is there, and how often it asks.
const PROBE_AFTER: Duration = Duration::from_mins(1);
const PROBE_EVERY: Duration = Duration::from_secs(10);

/// How an endpoint is authenticated, ready for use.
#[derive(Clone, Debug)]
pub(crate) enum Security {
    Plaintext,
    Tls {
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
        /// The identity that must answer; none for TLS by DNS name, where the verifier checks the name.
        identity: Option<Arc<str>>,
    },
    /// Nothing to authenticate with: no identity yet, or a name that is none.
    Unready,
}

impl Security {
    /// Whether both verify, and are shown, the very same.
    pub(super) fn has_config_of(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Tls { config: this, .. }, Self::Tls { config: other, .. }) => {
                Arc::ptr_eq(this, other)
            }
            (Self::Plaintext, Self::Plaintext) | (Self::Unready, Self::Unready) => true,
            (Self::Plaintext | Self::Tls { .. } | Self::Unready, _) => false,
        }
    }

    /// Whether a certain identity must answer.
    pub(super) fn has_identity(&self) -> bool {
        match self {
            Self::Tls { identity, .. } => identity.is_some(),
            Self::Plaintext | Self::Unready => false,
        }
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    #[error("the connection was refused or lost")]
    Tcp(#[source] io::Error),
    #[error("the TLS handshake failed")]
    Tls(#[source] io::Error),
    #[error("`{found}` answered instead of `{expected}`")]
    Identity { expected: String, found: String },
    #[error("another protocol was chosen")]
    Protocol,
    #[error("the node has no identity to show")]
    Unready,
    #[error("the endpoint is the proxy's own admin endpoint")]
    OwnAdmin,
}

impl ConnectError {
    /// The alert that was sent or received; empty when there was none.
    fn alert(&self) -> &'static str {
        match self {
            Self::Tls(error) => match tls_error(error) {
                Some(rustls::Error::AlertReceived(alert)) => alert_name(*alert),
                Some(error) => alert_sent(error),
                None => "",
            },
            Self::Tcp(_)
            | Self::Identity { .. }
            | Self::Protocol
            | Self::Unready
            | Self::OwnAdmin => "",
        }
    }

    /// What there is to say, with the cause.
    fn said(&self) -> String {
        match self {
            Self::Tcp(error) | Self::Tls(error) => format!("{self}: {error}"),
            Self::Identity { .. } | Self::Protocol | Self::Unready | Self::OwnAdmin => {
                self.to_string()
            }
        }
    }
}

/// Opens a connection to `address` for `protocol`.
///
/// Has no limit of its own; callers bound it with the route's `connect`.
///
/// # Errors
///
/// [`ConnectError`] with the first step that failed.
pub(super) async fn connect(
    address: SocketAddr,
    security: &Security,
    protocol: UpstreamProtocol,
    worker: &Worker,
) -> Result<Stream, ConnectError> {
    let connected = attempt(address, security, protocol, worker).await;
    if let Err(error) = &connected {
        let failures = &worker.counters.upstream_failures.0;
        failures.explain(Trouble::of_connect(error).reason().name(), || Example {
            address: Some(address),
            name: None,
            alert: error.alert(),
            said: error.said(),
        });
    }
    connected
}

async fn attempt(
    address: SocketAddr,
    security: &Security,
    protocol: UpstreamProtocol,
    worker: &Worker,
) -> Result<Stream, ConnectError> {
    let counters = &worker.counters;
    if matches!(security, Security::Unready) {
        return Err(ConnectError::Unready);
    }
    // A route there would let clients drain the proxy.
    if worker.shared.is_own_admin(address) {
        return Err(ConnectError::OwnAdmin);
    }
    let socket = open(address, worker).map_err(ConnectError::Tcp)?;
    let socket = socket.connect(address).await.map_err(ConnectError::Tcp)?;
    socket.set_nodelay(true).map_err(ConnectError::Tcp)?;
    find_dead_peers(&socket);
    let stream = match security {
        Security::Unready => return Err(ConnectError::Unready),
        Security::Plaintext => Stream::Plaintext(socket),
        Security::Tls {
            config,
            name,
            identity,
        } => {
            let encrypted = encrypt(socket, config, name, protocol).await;
            let encrypted = encrypted
                .and_then(|stream| authenticate(worker, stream, config, identity.as_deref()));
            match &encrypted {
                Ok(_) => counters.upstream_handshakes.add(1),
                Err(_) => counters.upstream_handshakes_failed.add(1),
            }
            encrypted?
        }
    };
    counters.upstream_opened.add(1);
    Ok(stream)
}

/// Lets the kernel end a connection whose peer is gone: when what was sent is not acknowledged for 30 s, or when a silent
/// peer does not answer probes. The protocol above is left in peace: servers count PINGs that carry no data as abuse.
fn find_dead_peers(socket: &TcpStream) {
    let socket = SockRef::from(socket);
    let probes = TcpKeepalive::new()
        .with_time(PROBE_AFTER)
        .with_interval(PROBE_EVERY);
    // A kernel that refuses leaves finding dead peers to requests and their limits.
    let _refused = socket.set_tcp_keepalive(&probes);
    let _refused = socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED));
}

/// A socket for `address`, unless only descriptors for files are left.
fn open(address: SocketAddr, worker: &Worker) -> io::Result<TcpSocket> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    let pressure = &worker.shared.pressure;
    if pressure.has_room_for_upstream(socket.as_raw_fd()) {
        return Ok(socket);
    }
    Err(io::Error::from_raw_os_error(libc::EMFILE))
}

type UpstreamTls = tokio_rustls::client::TlsStream<TcpStream>;

async fn encrypt(
    socket: TcpStream,
    config: &Arc<ClientConfig>,
    name: &ServerName<'static>,
    protocol: UpstreamProtocol,
) -> Result<UpstreamTls, ConnectError> {
    let wanted: &[u8] = match protocol {
        UpstreamProtocol::Http1 => b"http/1.1",
        UpstreamProtocol::Http2 => b"h2",
    };
    let config = if config.alpn_protocols == [wanted] {
        Arc::clone(config)
    } else {
        let mut own = ClientConfig::clone(config);
        own.alpn_protocols = vec![wanted.to_vec()];
        Arc::new(own)
    };
    let connector = TlsConnector::from(config);
    let stream = connector
        .connect(name.clone(), socket)
        .await
        .map_err(ConnectError::Tls)?;
    let chosen = stream.get_ref().1.alpn_protocol();
    match (protocol, chosen) {
        (UpstreamProtocol::Http1, None | Some(b"http/1.1"))
        | (UpstreamProtocol::Http2, Some(b"h2")) => Ok(stream),
        (UpstreamProtocol::Http1 | UpstreamProtocol::Http2, _) => Err(ConnectError::Protocol),
    }
}

/// Checks who answered, on every connection: a resumed session verifies nothing again.
fn authenticate(
    worker: &Worker,
    stream: UpstreamTls,
    config: &Arc<ClientConfig>,
    expected: Option<&str>,
) -> Result<Stream, ConnectError> {
    let Some(expected) = expected else {
        return Ok(Stream::of_server(stream, None));
    };
    let own = worker
        .shared
        .identity
        .load_full()
        .ok_or(ConnectError::Unready)?;
    let certificates = stream.get_ref().1.peer_certificates().unwrap_or(&[]);
    let now = UnixTime::now();
    let identity = own.peer(certificates, now);
    if !identity
        .as_ref()
        .is_ok_and(|identity| &**identity == expected)
    {
        return Err(ConnectError::Identity {
            expected: expected.to_owned(),
            found: identity.map_or_else(|error| error.to_string(), |found| found.to_string()),
        });
    }
    let shown = Shown::new(certificates, now);
    // Trust may have narrowed since the handshake began.
    if !Arc::ptr_eq(&own.client, config) {
        own.judge_again(&shown, Side::Server)
            .map_err(|error| ConnectError::Tls(io::Error::other(error)))?;
    }
    Ok(Stream::of_server(stream, Some(shown)))
}

/// The DNS-like name for a SPIFFE id: its path from the last segment to the first, then the trust domain.
pub(super) fn server_name(identity: &str) -> Option<ServerName<'static>> {
    let (domain, path) = identity.strip_prefix("spiffe://")?.split_once('/')?;
    let mut labels: Vec<String> = path
        .rsplit('/')
        .map(|label| label.replace('_', "-"))
        .collect();
    labels.push(domain.to_owned());
    ServerName::try_from(labels.join(".")).ok()
}

#[cfg(test)]
mod tests {
    use super::server_name;

    #[test]
    fn the_name_sent_to_a_peer_is_its_identity_read_backwards() {
        let name = server_name("spiffe://shop.example/service/orders").expect("a name");
        assert_eq!(name.to_str(), "orders.service.shop.example");
        assert!(server_name("spiffe://shop.example").is_none());
    }
}
