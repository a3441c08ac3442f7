//! HTTP/2 upstreams, over the `h2` crate: many requests per connection, and another connection when all
//! streams are taken.
//!
//! Connections are opened by a task of their own, never by a request: when the request that asked first
//! goes away, the others still get theirs. One is open when the peer's settings have come, since they say how many
//! streams it takes. No PINGs are sent: servers of gRPC end connections that ping without
//! data, and every call on them; a dead peer is found by `TCP_USER_TIMEOUT` and by its requests.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use h2::client::{Builder, Connection, ResponseFuture, SendRequest};
use h2::{Reason, SendStream};
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Body as _;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use weft_snapshot::limits::KEEP_ALIVE_MILLIS;
use weft_snapshot::settings::UpstreamProtocol;

use super::attempt::{ConnectionLimits, Failure, Lease};
use super::connect::connect;
use super::connecting::Connecting;
use super::endpoint::{Endpoint, OpenConnection};
use super::sniff::{Sniffed, Speech};
use super::{Trouble, http1};
use crate::http2::{Ended, Received, pump};
use crate::serve::{Gate, Incoming, RequestBody};
use crate::worker::{Party, Stream, Worker, spawn_guarded};

/// Connections per endpoint; beyond, requests wait for streams of the least busy one.
const CONNECTIONS: usize = 16;

/// Receive windows. That of a stream bounds what waits for a slow client; that of a connection is as large as the
/// protocol has it, so that slow clients together never take the room of a fast one.
const STREAM_WINDOW: u32 = 256 << 10;
const CONNECTION_WINDOW: u32 = (1 << 31) - 1;

/// h2 counts small DATA frames that wait to be read against the connection, whose other streams would end with
/// it. The stream windows bound them already.
const SMALL_FRAMES: usize = usize::MAX >> 1;

/// What the `h2` crate says of the peer's bound on streams before it has read one. No peer can say it: its own is of 32
/// bits, and what has none is `usize::MAX`.
const UNSETTLED: usize = usize::MAX - 1;

/// A connection on which this many streams were reset by us, and more than half of all, is left for a new
/// one: servers end connections whose peer resets much, and every call on them.
const RESETS: u32 = 100;

/// One connection.
#[derive(Debug)]
pub(super) struct SharedConnection {
    sender: SendRequest<Bytes>,
    streams: Cell<usize>,
    most: Rc<Cell<usize>>,
    is_over: Rc<Cell<bool>>,
    opened: Cell<u32>,
    resets: Cell<u32>,
    idle_since: Cell<u64>,
    /// How long it is kept when no request uses it, in milliseconds, as the service of the last one says.
    kept_millis: Cell<u64>,
    pub(super) party: Option<Rc<Party>>,
}

impl SharedConnection {
    pub(super) fn is_wanted(&self, now: u64) -> bool {
        let is_busy = 0 < self.streams.get();
        let waited = now.saturating_sub(self.idle_since.get());
        is_busy || (!self.is_closed() && waited <= self.kept_millis.get())
    }

    /// Whether it takes no new streams.
    fn is_closed(&self) -> bool {
        let resets = self.resets.get();
        let resets_much = RESETS < resets && self.opened.get() < resets.saturating_mul(2);
        self.is_over.get() || resets_much
    }
}

/// One stream of a connection, counted while it lives. Dropped before the response is complete, it resets the
/// stream.
#[derive(Debug)]
pub(crate) struct Turn {
    shared: Rc<SharedConnection>,
    worker: Rc<Worker>,
    endpoint: Rc<Endpoint>,
    upload: Option<AbortHandle>,
    is_answered: bool,
}

impl Turn {
    fn take(worker: &Rc<Worker>, endpoint: &Rc<Endpoint>, shared: Rc<SharedConnection>) -> Self {
        shared.streams.set(shared.streams.get().saturating_add(1));
        shared.opened.set(shared.opened.get().saturating_add(1));
        Self {
            shared,
            worker: Rc::clone(worker),
            endpoint: Rc::clone(endpoint),
            upload: None,
            is_answered: false,
        }
    }

    /// The response was read to its end.
    pub(super) fn finish(mut self) {
        self.is_answered = true;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // What is still to be sent is not wanted any more: the last handle of a stream resets it.
        if let Some(upload) = self.upload.take() {
            upload.abort();
        }
        let shared = &self.shared;
        if !self.is_answered {
            shared.resets.set(shared.resets.get().saturating_add(1));
        }
        shared.streams.set(shared.streams.get().saturating_sub(1));
        shared.idle_since.set(self.worker.clock());
        self.endpoint.changed.notify_one();
    }
}

/// Sends over the connection with a free stream, or a new one.
pub(super) async fn send(
    worker: &Rc<Worker>,
    endpoint: &Rc<Endpoint>,
    request: Request<RequestBody>,
    limits: ConnectionLimits,
) -> Result<(Response<Incoming>, Lease), Failure> {
    const TRIES: u32 = 4;
    let mut tries = 0;
    let (shared, mut sender) = loop {
        tries += 1;
        let shared = match acquire(worker, endpoint, limits).await {
            Ok(shared) => shared,
            Err(trouble) => return Err(Failure::unsent(request, trouble)),
        };
        let mut sender = shared.sender.clone();
        match poll_fn(|context| sender.poll_ready(context)).await {
            Ok(()) => break (shared, sender),
            // The connection said goodbye before it took the request.
            Err(_goodbye) => {
                shared.is_over.set(true);
                forget_closed(endpoint);
                if TRIES <= tries {
                    let told = Trouble::of_last_words(shared.party.as_deref());
                    let trouble = told.unwrap_or(Trouble::ConnectFailed);
                    return Err(Failure::unsent(request, trouble));
                }
            }
        }
    };
    let is_reused = 0 < shared.opened.get();
    let mut turn = Turn::take(worker, endpoint, Rc::clone(&shared));
    shared.kept_millis.set(limits.keep_alive);
    let (head, body) = request.into_parts();
    let is_empty = body.is_end_stream();
    let (response, stream) = match sender.send_request(Request::from_parts(head, ()), is_empty) {
        Ok(sent) => sent,
        Err(error) => return Err(Failure::Sent(trouble_of(&shared, &error, is_reused))),
    };
    let gate = body.gate();
    if !is_empty {
        turn.upload = Some(upload(worker, body, stream));
    }
    match answered(response, gate.as_ref()).await {
        Ok(response) => Ok((response, Lease::Turn(turn))),
        Err(error) => {
            let trouble = trouble_of(&shared, &error, is_reused);
            if trouble.is_refusal_of_us() {
                http1::remember(worker, endpoint, Some(&trouble));
            }
            if shared.is_over.get() {
                forget_closed(endpoint);
            }
            Err(Failure::Sent(trouble))
        }
    }
}

/// Sends the body in a task of its own: the response may come before its end.
fn upload(worker: &Worker, body: RequestBody, mut stream: SendStream<Bytes>) -> AbortHandle {
    spawn_guarded(Arc::clone(&worker.counters), async move {
        let body = pin!(body);
        match pump(body, &mut stream).await {
            Ok(()) | Err(Ended::Reset | Ended::Gone) => {}
            Err(Ended::Body(_cut)) => stream.send_reset(Reason::CANCEL),
        }
    })
}

/// The response head; `gate` is opened when the upstream asks for the body.
async fn answered(
    mut response: ResponseFuture,
    gate: Option<&Gate>,
) -> Result<Response<Incoming>, h2::Error> {
    poll_fn(|context| {
        while let Poll::Ready(Some(Ok(interim))) = response.poll_informational(context) {
            let asks = interim.status() == StatusCode::CONTINUE;
            if let Some(gate) = gate.filter(|_| asks) {
                gate.open();
            }
        }
        Pin::new(&mut response).poll(context)
    })
    .await
    .map(|response| {
        let length = announced(response.headers());
        response.map(|stream| Incoming::Http2(Received::new(stream, length)))
    })
}

fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn forget_closed(endpoint: &Endpoint) {
    endpoint
        .shared
        .borrow_mut()
        .retain(|shared| !shared.is_closed());
}

async fn acquire(
    worker: &Rc<Worker>,
    endpoint: &Rc<Endpoint>,
    limits: ConnectionLimits,
) -> Result<Rc<SharedConnection>, Trouble> {
    loop {
        match free(endpoint) {
            Vacancy::Free(shared) => return Ok(shared),
            Vacancy::Full => wait_for_a_place(worker, endpoint, limits).await?,
            Vacancy::None => {
                let mut connecting = open(worker, endpoint, limits);
                tokio::select! {
                    outcome = connecting.outcome(limits.connect()) => outcome?,
                    // A stream of a connection that is there may be free before a new one is open.
                    () = endpoint.changed.notified() => {}
                }
            }
        }
    }
}

enum Vacancy {
    Free(Rc<SharedConnection>),
    /// The upstream allows no stream at all now: it is full, not dead.
    Full,
    /// A connection must be opened.
    None,
}

/// The first connection with a free stream; the least busy one when there are many.
fn free(endpoint: &Endpoint) -> Vacancy {
    let shared = endpoint.shared.borrow();
    let mut usable = shared.iter().filter(|shared| !shared.is_closed());
    let free = usable
        .clone()
        .find(|shared| shared.streams.get() < shared.most.get());
    if let Some(free) = free {
        return Vacancy::Free(Rc::clone(free));
    }
    if usable.clone().any(|shared| shared.most.get() == 0) {
        return Vacancy::Full;
    }
    if CONNECTIONS <= usable.clone().count() {
        let least = usable.by_ref().min_by_key(|shared| shared.streams.get());
        return least.map_or(Vacancy::None, |shared| Vacancy::Free(Rc::clone(shared)));
    }
    Vacancy::None
}

/// Waits until something changes at `endpoint`, for the route's `connect` at most; then it is overloaded.
async fn wait_for_a_place(
    worker: &Rc<Worker>,
    endpoint: &Rc<Endpoint>,
    limits: ConnectionLimits,
) -> Result<(), Trouble> {
    let Some(_place) = worker.pool.wait(worker.shared.limits.pending) else {
        return Err(Trouble::Overloaded);
    };
    timeout(limits.connect(), endpoint.changed.notified())
        .await
        .map_err(|_elapsed| Trouble::Overloaded)
}

/// The connection that is being opened; starts one when none is.
fn open(worker: &Rc<Worker>, endpoint: &Rc<Endpoint>, limits: ConnectionLimits) -> Connecting {
    let mut connecting = endpoint.connecting.borrow_mut();
    if let Some(running) = connecting.as_ref() {
        return running.join(limits.connect());
    }
    let (attempt, begun) = Connecting::new(limits.connect());
    *connecting = Some(begun.clone());
    let (worker, endpoint) = (Rc::clone(worker), Rc::clone(endpoint));
    spawn_guarded(Arc::clone(&worker.counters), async move {
        let _over = Over(&endpoint);
        let opened = async {
            let security = endpoint.security();
            let connected = connect(
                endpoint.address,
                &security,
                UpstreamProtocol::Http2,
                &worker,
            );
            let stream = connected.await;
            establish(
                &worker,
                &endpoint,
                stream.map_err(|error| Trouble::of_connect(&error))?,
            )
            .await
        };
        let outcome = attempt.within(opened).await;
        http1::remember(&worker, &endpoint, outcome.as_ref().err());
        endpoint.connecting.borrow_mut().take();
        attempt.tell(outcome);
    });
    begun
}

/// Clears the note of a connection attempt, also when it panicked.
struct Over<'e>(&'e Endpoint);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.connecting.borrow_mut().take();
    }
}

/// Speaks HTTP/2 over `stream`, and offers the connection once the peer has said how many streams it allows. One that is
/// filled before that meets a bound that nobody told it (RFC 9113, 5.1.2): the peer refuses the streams, or all of them.
async fn establish(
    worker: &Rc<Worker>,
    endpoint: &Rc<Endpoint>,
    stream: Stream,
) -> Result<(), Trouble> {
    let party = stream.party();
    let bound = u32::try_from(worker.shared.limits.head_bytes).unwrap_or(u32::MAX);
    let speech = Speech::default();
    let sniffed = Sniffed::new(stream, &speech);
    let (sender, mut connection) = Builder::new()
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .initial_max_send_streams(UNSETTLED)
        .max_header_list_size(bound)
        .max_send_buffer_size(64 << 10)
        .max_local_error_reset_streams(None)
        .data_frame_budget(SMALL_FRAMES)
        .enable_push(false)
        .handshake::<_, Bytes>(sniffed)
        .await
        .map_err(|_lost| Trouble::ConnectFailed)?;
    if !is_settled(&mut connection).await {
        return Err(if speech.is_http1() {
            Trouble::NotHttp2
        } else {
            Trouble::of_last_words(party.as_deref()).unwrap_or(Trouble::ConnectFailed)
        });
    }
    let most = Rc::new(Cell::new(connection.max_concurrent_send_streams()));
    let is_over = Rc::new(Cell::new(false));
    let shared = SharedConnection {
        streams: Cell::new(0),
        most: Rc::clone(&most),
        is_over: Rc::clone(&is_over),
        opened: Cell::new(0),
        resets: Cell::new(0),
        idle_since: Cell::new(worker.clock()),
        sender,
        kept_millis: Cell::new(KEEP_ALIVE_MILLIS.into()),
        party,
    };
    endpoint.shared.borrow_mut().push(Rc::new(shared));
    let open = OpenConnection::new(endpoint, &worker.counters);
    let endpoint = Rc::clone(endpoint);
    spawn_guarded(Arc::clone(&worker.counters), async move {
        // How a connection ends is told to the requests that use it.
        let _ended = poll_fn(|context| {
            let polled = Pin::new(&mut connection).poll(context);
            let allowed = connection.max_concurrent_send_streams();
            if most.replace(allowed) < allowed {
                endpoint.changed.notify_waiters();
            }
            polled
        })
        .await;
        is_over.set(true);
        forget_closed(&endpoint);
        drop(open);
    });
    Ok(())
}

/// Waits for the first settings of the peer, without a limit of its own. False when the connection ends before.
async fn is_settled(connection: &mut Connection<Sniffed, Bytes>) -> bool {
    poll_fn(|context| {
        let polled = Pin::new(&mut *connection).poll(context);
        if polled.is_ready() {
            Poll::Ready(false)
        } else if connection.max_concurrent_send_streams() == UNSETTLED {
            Poll::Pending
        } else {
            Poll::Ready(true)
        }
    })
    .await
}

/// What a failed stream means for its request. Only what the peer surely did not process is a refusal: a stream it
/// refused, and one beyond its GOAWAY, whatever that was for (RFC 9113, 6.8 and 8.7). A stream that it resets to be left
/// in peace was most likely one too many, which servers of gRPC say so, but nothing promises that it was not seen.
fn trouble_of(shared: &SharedConnection, error: &h2::Error, is_reused: bool) -> Trouble {
    if let Some(told) = Trouble::of_last_words(shared.party.as_deref()) {
        shared.is_over.set(true);
        return told;
    }
    let is_beyond_goodbye = error.is_remote() && error.is_go_away();
    let is_reset_with =
        |reason| error.is_remote() && error.is_reset() && error.reason() == Some(reason);
    if error.is_io() || error.is_go_away() {
        shared.is_over.set(true);
    }
    if is_beyond_goodbye {
        Trouble::Goodbye
    } else if is_reset_with(Reason::REFUSED_STREAM) {
        Trouble::RefusedStream
    } else if is_reset_with(Reason::ENHANCE_YOUR_CALM) {
        Trouble::Calmed
    } else if error.is_library() && error.is_reset() {
        Trouble::Malformed
    } else if error.is_io() && is_reused {
        Trouble::Stale
    } else {
        Trouble::Reset
    }
}
