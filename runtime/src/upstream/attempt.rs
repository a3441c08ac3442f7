//! One try: a connection, a request, a response head.

use std::rc::Rc;
use std::time::Duration;

use http::{Request, Response};
use tokio::sync::oneshot;
use weft_snapshot::settings::UpstreamProtocol;

use super::endpoint::Exclusive;
use super::http2::Turn;
use super::{Endpoint, Trouble, http1, http2};
use crate::serve::{Incoming, RequestBody};
use crate::worker::{Tunnel, Worker};

/// What a connection may take to open when the route sets no limit.
const CONNECT: Duration = Duration::from_secs(10);

/// Over which connection a try may go.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Reuse {
    /// One that is there, or a new one.
    Any,
    /// One that was used a moment ago, or a new one.
    Recent,
    /// One that nothing was sent on before: those that were kept turned out to be closed.
    Fresh,
}

/// The limits of one try that concern connections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConnectionLimits {
    /// Over which connection the try goes.
    pub(crate) connection: Reuse,
    /// TCP plus TLS, and waiting for a place when connections are bounded.
    pub(crate) connect: Option<Duration>,
    /// How long the connection is kept for the next request, in milliseconds; 0 keeps it for none.
    pub(crate) keep_alive: u64,
}

impl ConnectionLimits {
    pub(super) fn connect(self) -> Duration {
        self.connect.unwrap_or(CONNECT)
    }
}

/// A request that no byte of was sent, with the reason.
#[derive(Debug)]
pub(crate) struct Unsent {
    pub(crate) request: Request<RequestBody>,
    pub(crate) trouble: Trouble,
}

/// Why a try has no response head.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The request was not sent and can be sent elsewhere as it is.
    Unsent(Box<Unsent>),
    /// The upstream may have seen it.
    Sent(Trouble),
}

impl Failure {
    pub(super) fn unsent(request: Request<RequestBody>, trouble: Trouble) -> Self {
        Self::Unsent(Box::new(Unsent { request, trouble }))
    }
}

/// The connection that a response is read from; given back when the response is complete.
#[derive(Debug)]
pub(crate) enum Lease {
    Exclusive {
        endpoint: Rc<Endpoint>,
        connection: Exclusive,
    },
    Turn(Turn),
    /// A connection that becomes a tunnel when the upstream says 101.
    Tunnel(oneshot::Receiver<Tunnel>),
}

impl Lease {
    /// Whether its connection waited for this request, after others.
    pub(crate) fn was_idle(&self) -> bool {
        match self {
            Self::Exclusive {
                endpoint: _,
                connection,
            } => connection.was_idle,
            Self::Turn(_) | Self::Tunnel(_) => false,
        }
    }

    /// The response was read to its end: others may use the connection.
    pub(crate) fn give_back(self, worker: &Worker) {
        match self {
            Self::Exclusive {
                endpoint,
                connection,
            } => {
                endpoint.keep(
                    connection,
                    worker.shared.limits.upstream_idle,
                    worker.clock(),
                );
            }
            Self::Turn(turn) => turn.finish(),
            Self::Tunnel(tunnel) => drop(tunnel),
        }
    }
}

/// Sends `request` to `endpoint` and waits for the response head.
///
/// Dropping the future gives up: an HTTP/1.1 connection is closed, an HTTP/2 stream reset.
///
/// # Errors
///
/// [`Failure`], which gives the request back when it was not sent.
pub(crate) async fn send(
    worker: &Rc<Worker>,
    endpoint: &Rc<Endpoint>,
    request: Request<RequestBody>,
    limits: ConnectionLimits,
) -> Result<(Response<Incoming>, Lease), Failure> {
    match endpoint.protocol {
        UpstreamProtocol::Http1 => http1::send(worker, endpoint, request, limits).await,
        UpstreamProtocol::Http2 => http2::send(worker, endpoint, request, limits).await,
    }
}

/// Sends a request that asks for an upgrade, over an HTTP/1.1 connection of its own whatever the cluster
/// speaks. After a 101 the connection comes out of the lease.
///
/// # Errors
///
/// As [`send`].
pub(crate) async fn send_upgrade(
    worker: &Rc<Worker>,
    endpoint: &Rc<Endpoint>,
    request: Request<RequestBody>,
    limits: ConnectionLimits,
) -> Result<(Response<Incoming>, Lease), Failure> {
    http1::send_upgrade(worker, endpoint, request, limits).await
}
