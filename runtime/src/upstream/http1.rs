//! HTTP/1.1 upstreams: one request at a time per connection, and a bounded number of connections.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use http::{Request, Response, StatusCode};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::sync::oneshot;
use tokio::time::timeout;
use weft_snapshot::settings::UpstreamProtocol;

use super::Trouble;
use super::attempt::{ConnectionLimits, Failure, Lease, Reuse};
use super::connect::connect;
use super::endpoint::{Endpoint, Exclusive, OpenConnection};
use super::gauge::{Gauge, Gauged};
use super::keep_alive;
use crate::serve::{Incoming, RequestBody};
use crate::worker::{Party, Worker, spawn_guarded};

/// How many pooled connections may turn out to be closed before a new one is opened.
const STALE: u32 = 3;

/// No server is known to close a connection that was idle for less.
const RECENT_MILLIS: u64 = 1_000;

/// Sends over a pooled connection, or a new one.
pub(super) async fn send(
    worker: &Rc<Worker>,
    endpoint: &Rc<Endpoint>,
    mut request: Request<RequestBody>,
    limits: ConnectionLimits,
) -> Result<(Response<Incoming>, Lease), Failure> {
    let mut stale = 0;
    loop {
        let longest = match limits.connection {
            Reuse::Any if stale < STALE => Some(u64::MAX),
            Reuse::Recent if stale < STALE => Some(RECENT_MILLIS),
            Reuse::Any | Reuse::Recent | Reuse::Fresh => None,
        };
        let pooled =
            longest.and_then(|longest| endpoint.take_idle(worker.precise_clock(), longest));
        let is_pooled = pooled.is_some();
        let acquired = match pooled {
            Some(connection) => {
                worker.counters.upstream_reused.add(1);
                Ok(connection)
            }
            // Rare beside the pooled ones, and large: it would make the future of every request as large.
            None => Box::pin(acquire(worker, endpoint, limits)).await,
        };
        let mut connection = match acquired {
            Ok(connection) => connection,
            Err(trouble) => return Err(Failure::unsent(request, trouble)),
        };
        connection.gauge.wait();
        hear_continue(&mut request);
        match connection.sender.try_send_request(request).await {
            Ok(response) => {
                connection.gauge.arrived();
                connection.kept_millis = keep_alive::limit(limits.keep_alive, response.headers());
                let endpoint = Rc::clone(endpoint);
                return Ok((
                    response.map(Incoming::Http1),
                    Lease::Exclusive {
                        endpoint,
                        connection,
                    },
                ));
            }
            Err(mut error) => match error.take_message() {
                // The connection was closed while it was idle: nobody saw the request.
                Some(unsent) if is_pooled => {
                    request = unsent;
                    stale += 1;
                }
                Some(unsent) => return Err(Failure::unsent(unsent, Trouble::ConnectFailed)),
                None => {
                    let told = Trouble::of_last_words(connection.party.as_deref());
                    let trouble = match told {
                        Some(told) => {
                            remember(worker, endpoint, Some(&told));
                            told
                        }
                        // It was closed while the request was under way. What an upstream processes it answers, so
                        // a request without a byte of an answer may be repeated where repeating is safe at all.
                        None if is_pooled && connection.gauge.is_silent() => Trouble::Stale,
                        None => Trouble::of_http1(error.error()),
                    };
                    return Err(Failure::Sent(trouble));
                }
            },
        }
    }
}

/// Lets the body of a request that announced `Expect: 100-continue` go when the upstream asks for it.
fn hear_continue(request: &mut Request<RequestBody>) {
    let Some(gate) = request.body().gate() else {
        return;
    };
    hyper::ext::on_informational(request, move |interim| {
        if interim.status() == StatusCode::CONTINUE {
            gate.open();
        }
    });
}

/// A new connection within the bound, or the next one that is given back.
async fn acquire(
    worker: &Rc<Worker>,
    endpoint: &Rc<Endpoint>,
    limits: ConnectionLimits,
) -> Result<Exclusive, Trouble> {
    let bounds = &worker.shared.limits;
    let free = async {
        if endpoint.open.get() < bounds.upstream_connections {
            return Ok(None);
        }
        let Some(_place) = worker.pool.wait(bounds.pending) else {
            return Err(Trouble::Overloaded);
        };
        loop {
            if let Some(connection) = endpoint.take_idle(worker.precise_clock(), u64::MAX) {
                return Ok(Some(connection));
            }
            if endpoint.open.get() < bounds.upstream_connections {
                return Ok(None);
            }
            endpoint.changed.notified().await;
        }
    };
    let opened = timeout(limits.connect(), async {
        match free.await? {
            Some(connection) => Ok(connection),
            None => open(worker, endpoint).await,
        }
    });
    let outcome = opened.await.unwrap_or(Err(Trouble::ConnectTimeout));
    remember(worker, endpoint, outcome.as_ref().err());
    outcome
}

/// Passes an endpoint over for a moment when it could not be reached.
pub(super) fn remember(worker: &Worker, endpoint: &Endpoint, trouble: Option<&Trouble>) {
    match trouble {
        None => endpoint.forgive(),
        Some(Trouble::Overloaded) => {}
        Some(_unreachable) => endpoint.avoid(worker.clock()),
    }
}

async fn open(worker: &Rc<Worker>, endpoint: &Rc<Endpoint>) -> Result<Exclusive, Trouble> {
    // Counted from here, so that requests that come meanwhile see the bound.
    let open = OpenConnection::new(endpoint, &worker.counters);
    let (sender, connection, gauge, party) = handshake(worker, endpoint).await?;
    let task = spawn_guarded(Arc::clone(&worker.counters), async move {
        let _open = open;
        // How a connection ends is told to the request that uses it.
        let _ended = connection.await;
    });
    Ok(Exclusive {
        sender,
        gauge,
        party,
        task,
        kept_millis: 0,
        was_idle: false,
    })
}

type Connection = http1::Connection<TokioIo<Gauged>, RequestBody>;
type NewConnection = (
    http1::SendRequest<RequestBody>,
    Connection,
    Rc<Gauge>,
    Option<Rc<Party>>,
);

async fn handshake(worker: &Rc<Worker>, endpoint: &Endpoint) -> Result<NewConnection, Trouble> {
    let security = endpoint.security();
    let opened = connect(endpoint.address, &security, UpstreamProtocol::Http1, worker);
    let stream = opened.await.map_err(|error| Trouble::of_connect(&error))?;
    let party = stream.party();
    let limits = &worker.shared.limits;
    let gauge = Rc::new(Gauge::default());
    let interim = usize::try_from(limits.informational).unwrap_or(usize::MAX);
    let bound = limits.head_bytes.saturating_mul(interim.saturating_add(1));
    let io = TokioIo::new(Gauged {
        stream,
        gauge: Rc::clone(&gauge),
        bound,
    });
    let (sender, connection) = http1::Builder::new()
        .max_buf_size(limits.head_bytes.max(8 << 10))
        .handshake(io)
        .await
        .map_err(|_never_written| Trouble::ConnectFailed)?;
    Ok((sender, connection, gauge, party))
}

/// Sends over a connection of its own that may become a tunnel.
pub(super) async fn send_upgrade(
    worker: &Rc<Worker>,
    endpoint: &Rc<Endpoint>,
    request: Request<RequestBody>,
    limits: ConnectionLimits,
) -> Result<(Response<Incoming>, Lease), Failure> {
    let open = OpenConnection::new(endpoint, &worker.counters);
    let opened = timeout(limits.connect(), handshake(worker, endpoint)).await;
    let opened = opened.unwrap_or(Err(Trouble::ConnectTimeout));
    remember(worker, endpoint, opened.as_ref().err());
    let (mut sender, mut connection, gauge, party) = match opened {
        Ok(opened) => opened,
        Err(trouble) => return Err(Failure::unsent(request, trouble)),
    };
    let (give, tunnel) = oneshot::channel();
    spawn_guarded(Arc::clone(&worker.counters), async move {
        let _open = open;
        let ended = std::future::poll_fn(|context| Pin::new(&mut connection).poll(context)).await;
        if ended.is_ok() {
            let left = connection.into_parts();
            // Nobody waits for it unless the response was a 101.
            let _closed = give.send((left.io.into_inner().stream, left.read_buf));
        }
    });
    gauge.wait();
    match sender.try_send_request(request).await {
        Ok(response) => {
            gauge.arrived();
            Ok((response.map(Incoming::Http1), Lease::Tunnel(tunnel)))
        }
        Err(mut error) => {
            if let Some(unsent) = error.take_message() {
                return Err(Failure::unsent(unsent, Trouble::ConnectFailed));
            }
            let told = Trouble::of_last_words(party.as_deref());
            let trouble = told.unwrap_or_else(|| Trouble::of_http1(error.error()));
            Err(Failure::Sent(trouble))
        }
    }
}

impl Trouble {
    fn of_http1(error: &hyper::Error) -> Self {
        if error.is_parse_too_large() {
            Self::HeadTooLarge
        } else if error.is_parse() || error.is_parse_status() || is_flood(error) {
            Self::Malformed
        } else {
            Self::Reset
        }
    }
}

fn is_flood(error: &hyper::Error) -> bool {
    std::error::Error::source(error)
        .and_then(|source| source.downcast_ref::<std::io::Error>())
        .is_some_and(|error| error.kind() == std::io::ErrorKind::InvalidData)
}
