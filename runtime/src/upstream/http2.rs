//! HTTP/2 upstreams: many requests per connection, and another connection when all streams are taken.
//!
//! Connections are opened by a task of their own, never by a request: when the request that asked first
//! goes away, the others still get theirs.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::watch;
use tokio::time::timeout;
use weft_snapshot::settings::UpstreamProtocol;

use super::attempt::{Failure, Lease, Limits};
use super::connect::connect;
use super::endpoint::{Endpoint, Open};
use super::{Trouble, http1};
use crate::serve::RequestBody;
use crate::worker::{Local, Stream, Worker, spawn_guarded};

/// Connections per endpoint; beyond, requests wait for streams of the least busy one.
const CONNECTIONS: usize = 16;

/// While streams are open the peer must answer a PING this often, and this fast.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// Receive windows: of a stream, which bounds what waits for a slow client, and of a connection.
const STREAM_WINDOW: u32 = 256 << 10;
const CONNECTION_WINDOW: u32 = 4 << 20;

/// A connection that is being opened, and how it went.
pub(super) type Connecting = watch::Receiver<Option<Result<(), Trouble>>>;

/// One connection.
#[derive(Debug)]
pub(super) struct Shared {
    sender: http2::SendRequest<RequestBody>,
    streams: Cell<usize>,
    most: Rc<Cell<usize>>,
    idle_since: Cell<u64>,
}

impl Shared {
    pub(super) fn is_wanted(&self, now: u64, limit: u64) -> bool {
        let is_busy = 0 < self.streams.get();
        let waited = now.saturating_sub(self.idle_since.get());
        !self.sender.is_closed() && (is_busy || waited <= limit)
    }
}

/// One stream of a connection, counted while it lives.
#[derive(Debug)]
pub(crate) struct Turn {
    shared: Rc<Shared>,
    worker: Rc<Worker>,
}

impl Turn {
    fn take(worker: &Rc<Worker>, shared: Rc<Shared>) -> Self {
        shared.streams.set(shared.streams.get().saturating_add(1));
        Self {
            shared,
            worker: Rc::clone(worker),
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.shared
            .streams
            .set(self.shared.streams.get().saturating_sub(1));
        self.shared.idle_since.set(self.worker.clock());
    }
}

/// Sends over the connection with a free stream, or a new one.
pub(super) async fn send(
    worker: &Rc<Worker>,
    endpoint: &Rc<Endpoint>,
    mut request: Request<RequestBody>,
    limits: Limits,
) -> Result<(Response<Incoming>, Lease), Failure> {
    const TRIES: u32 = 4;
    let mut tries = 0;
    loop {
        tries += 1;
        let shared = match acquire(worker, endpoint, limits).await {
            Ok(shared) => shared,
            Err(trouble) => return Err(Failure::unsent(request, trouble)),
        };
        let turn = Turn::take(worker, Rc::clone(&shared));
        let mut sender = shared.sender.clone();
        match sender.try_send_request(request).await {
            Ok(response) => return Ok((response, Lease::Turn(turn))),
            Err(mut error) => {
                forget_closed(endpoint);
                match error.take_message() {
                    // The connection said goodbye before it took the request.
                    Some(unsent) if tries < TRIES => request = unsent,
                    Some(unsent) => return Err(Failure::unsent(unsent, Trouble::ConnectFailed)),
                    None => return Err(Failure::Sent(Trouble::of_http2(error.error()))),
                }
            }
        }
    }
}

fn forget_closed(endpoint: &Endpoint) {
    endpoint
        .shared
        .borrow_mut()
        .retain(|shared| !shared.sender.is_closed());
}

async fn acquire(
    worker: &Rc<Worker>,
    endpoint: &Rc<Endpoint>,
    limits: Limits,
) -> Result<Rc<Shared>, Trouble> {
    loop {
        if let Some(shared) = free(endpoint) {
            return Ok(shared);
        }
        let mut connecting = open(worker, endpoint, limits);
        let opened = connecting.wait_for(Option::is_some);
        let outcome = match opened.await {
            Ok(outcome) => *outcome,
            // The task ended without a word: it panicked.
            Err(_closed) => Some(Err(Trouble::ConnectFailed)),
        };
        if let Some(Err(trouble)) = outcome {
            return Err(trouble);
        }
    }
}

/// The first connection with a free stream; the least busy one when there are many.
fn free(endpoint: &Endpoint) -> Option<Rc<Shared>> {
    let shared = endpoint.shared.borrow();
    let mut usable = shared.iter().filter(|shared| !shared.sender.is_closed());
    let free = usable
        .clone()
        .find(|shared| shared.streams.get() < shared.most.get());
    if free.is_none() && CONNECTIONS <= usable.clone().count() {
        return usable
            .by_ref()
            .min_by_key(|shared| shared.streams.get())
            .map(Rc::clone);
    }
    free.map(Rc::clone)
}

/// The connection that is being opened; starts one when none is.
fn open(worker: &Rc<Worker>, endpoint: &Rc<Endpoint>, limits: Limits) -> Connecting {
    let mut connecting = endpoint.connecting.borrow_mut();
    if let Some(running) = connecting.as_ref() {
        return running.clone();
    }
    let (tell, told) = watch::channel(None);
    *connecting = Some(told.clone());
    let (worker, endpoint) = (Rc::clone(worker), Rc::clone(endpoint));
    spawn_guarded(Arc::clone(&worker.counters), async move {
        let _over = Over(&endpoint);
        let opened = connect(
            endpoint.address,
            &endpoint.security,
            UpstreamProtocol::Http2,
            &worker,
        );
        let outcome = match timeout(limits.connect(), opened).await {
            Ok(Ok(stream)) => establish(&worker, &endpoint, stream).await,
            Ok(Err(error)) => Err(Trouble::of_connect(&error)),
            Err(_elapsed) => Err(Trouble::ConnectTimeout),
        };
        http1::remember(&worker, &endpoint, outcome.as_ref().err());
        endpoint.connecting.borrow_mut().take();
        tell.send_replace(Some(outcome));
    });
    told
}

/// Clears the note of a connection attempt, also when it panicked.
struct Over<'e>(&'e Endpoint);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.connecting.borrow_mut().take();
    }
}

async fn establish(
    worker: &Rc<Worker>,
    endpoint: &Rc<Endpoint>,
    stream: Stream,
) -> Result<(), Trouble> {
    let bound = u32::try_from(worker.shared.limits.head_bytes).unwrap_or(u32::MAX);
    let (sender, mut connection) = http2::Builder::new(Local::new(Arc::clone(&worker.counters)))
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(bound)
        .max_send_buf_size(64 << 10)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|_lost| Trouble::ConnectFailed)?;
    let most = Rc::new(Cell::new(
        connection.current_max_send_streams().clamp(1, 100),
    ));
    let shared = Shared {
        sender,
        streams: Cell::new(0),
        most: Rc::clone(&most),
        idle_since: Cell::new(worker.clock()),
    };
    endpoint.shared.borrow_mut().push(Rc::new(shared));
    let open = Open::new(endpoint, &worker.counters);
    spawn_guarded(Arc::clone(&worker.counters), async move {
        let _open = open;
        // How a connection ends is told to the requests that use it.
        let _ended = std::future::poll_fn(|context| {
            let polled = Pin::new(&mut connection).poll(context);
            most.set(connection.current_max_send_streams().max(1));
            polled
        })
        .await;
    });
    Ok(())
}

impl Trouble {
    /// Only what the peer surely did not process is a refusal; see RFC 9113, 8.7.
    fn of_http2(error: &hyper::Error) -> Self {
        let cause =
            std::error::Error::source(error).and_then(|source| source.downcast_ref::<h2::Error>());
        let Some(cause) = cause else {
            return Self::Reset;
        };
        let is_refused = cause.is_remote() && cause.reason() == Some(h2::Reason::REFUSED_STREAM);
        let is_beyond_goodbye =
            cause.is_remote() && cause.is_go_away() && cause.reason() == Some(h2::Reason::NO_ERROR);
        if is_refused || is_beyond_goodbye {
            Self::RefusedStream
        } else if cause.is_library() && cause.is_reset() {
            Self::Malformed
        } else {
            Self::Reset
        }
    }
}
