//! One downstream HTTP/2 connection, over the `h2` crate.
//!
//! The connection's task reads frames and starts a task for each stream (`stream_task`); it alone obeys orders
//! to end. Whatever ends it, the peer is told by a GOAWAY and given a moment to read it.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use h2::server::{Builder, Connection, SendResponse};
use h2::{Reason, RecvStream};
use http::Request;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::link::Order;
use super::{Link, Stream, linger, stream_task};
use crate::http2::{Abuse, Allowance, Socket, Wire};
use crate::shared::Limits;

/// What a peer is told that does not begin with the preface: GOAWAY with `PROTOCOL_ERROR` (RFC 9113, 3.4).
const NO_PREFACE: &[u8] = &[0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

/// How long the last words may take to be written.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Streams that the peer reset before we looked at them, and streams that we remember to have reset: what
/// arrives on them was sent before the peer could know.
const STRANGERS_RESETS: usize = 100;
const PEERS_RESETS: usize = 10_000;
const REMEMBERED_RESETS: usize = 1_024;
const REMEMBERED_FOR: Duration = Duration::from_secs(10);

/// Small DATA frames cost more memory than their bytes; h2 counts what waits to be read, in bytes that a
/// frame falls short of 256. A stranger's bound is what the windows of two streams of single bytes come to. A peer
/// of the mesh carries many clients, one of which may be slow, and is bound by its windows alone.
const STRANGERS_SMALL_FRAMES: usize = 32 << 20;
const PEERS_SMALL_FRAMES: usize = usize::MAX >> 1;

type Downstream = Connection<Wire, Bytes>;

/// Serves one connection until its end.
pub(super) async fn serve(link: &Rc<Link>, stream: Stream) {
    link.has_goaway.set(true);
    let socket: Socket = Rc::new(RefCell::new(stream));
    let wire = Wire::new(&socket, link, allowance(link));
    match open(link, wire).await {
        Preface::Connection(connection) => run(link, connection).await,
        Preface::Refused => say(&socket, NO_PREFACE).await,
        Preface::Ended => return,
    }
    // The connection is dropped with its half of the socket: this is the last.
    if let Ok(socket) = Rc::try_unwrap(socket) {
        linger::linger(socket.into_inner(), linger::LAST_WORDS).await;
    }
}

fn allowance(link: &Link) -> Allowance {
    let per_second = link.worker.shared.limits.control_frames_per_second;
    match link.identity() {
        Some(_peer) => Allowance::of_peer(per_second),
        None => Allowance::of_stranger(per_second),
    }
}

fn builder(link: &Link) -> Builder {
    let limits = &link.worker.shared.limits;
    let is_peer = link.identity().is_some();
    let mut builder = Builder::new();
    builder
        .max_concurrent_streams(limits.streams)
        .initial_window_size(limits.stream_window)
        .initial_connection_window_size(limits.connection_window)
        .max_header_list_size(header_list(limits))
        .max_pending_accept_reset_streams(if is_peer {
            PEERS_RESETS
        } else {
            STRANGERS_RESETS
        })
        .max_concurrent_reset_streams(REMEMBERED_RESETS)
        .reset_stream_duration(REMEMBERED_FOR)
        // The ledger counts them per time; h2 would count them per life.
        .max_local_error_reset_streams(None)
        .max_send_buffer_size(64 << 10)
        .data_frame_budget(if is_peer {
            PEERS_SMALL_FRAMES
        } else {
            STRANGERS_SMALL_FRAMES
        });
    builder
}

/// What h2 refuses itself, with a 431 that knows nothing of gRPC; up to that our own check answers.
fn header_list(limits: &Limits) -> u32 {
    let bytes = limits.head_bytes.saturating_mul(2);
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// What came of the preface of a client.
enum Preface {
    Connection(Box<Downstream>),
    /// What came was not HTTP/2.
    Refused,
    Ended,
}

async fn open(link: &Rc<Link>, wire: Wire) -> Preface {
    let mut handshake = pin!(builder(link).handshake::<_, Bytes>(wire));
    poll_fn(|context| match link.standing(context.waker()) {
        Order::None | Order::Last => {
            handshake
                .as_mut()
                .poll(context)
                .map(|outcome| match outcome {
                    Ok(connection) => Preface::Connection(Box::new(connection)),
                    Err(error) if error.is_io() => Preface::Ended,
                    Err(_no_preface) => Preface::Refused,
                })
        }
        Order::Calm | Order::HeadTimeout => Poll::Ready(Preface::Refused),
        Order::Drain | Order::Cut => Poll::Ready(Preface::Ended),
    })
    .await
}

async fn run(link: &Rc<Link>, mut connection: Box<Downstream>) {
    loop {
        match next(link, &mut connection).await {
            ConnectionEvent::Request(accepted) => {
                let (request, respond) = *accepted;
                link.accepted.set(link.accepted.get().saturating_add(1));
                stream_task::start(link, request, respond);
            }
            ConnectionEvent::Over | ConnectionEvent::Cut => return,
            ConnectionEvent::Failed(error) => {
                let is_ours = error.is_go_away() && error.is_library();
                if is_ours && error.reason() == Some(Reason::ENHANCE_YOUR_CALM) {
                    link.worker.note_abuse(link, Abuse::Library);
                }
                return;
            }
            ConnectionEvent::Calm => {
                connection.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM);
                let told = poll_fn(|context| connection.poll_closed(context));
                let _best_effort = timeout(LAST_WORDS, told).await;
                return;
            }
        }
    }
}

/// What happens next on a connection.
enum ConnectionEvent {
    Request(Box<(Request<RecvStream>, SendResponse<Bytes>)>),
    Over,
    Failed(h2::Error),
    Calm,
    Cut,
}

/// Waits for the next request, obeying orders.
async fn next(link: &Link, connection: &mut Downstream) -> ConnectionEvent {
    poll_fn(|context| {
        match link.obey(context.waker()) {
            Order::None => {}
            Order::Last | Order::Drain => connection.graceful_shutdown(),
            Order::Calm | Order::HeadTimeout => return Poll::Ready(ConnectionEvent::Calm),
            Order::Cut => return Poll::Ready(ConnectionEvent::Cut),
        }
        connection
            .poll_accept(context)
            .map(|accepted| match accepted {
                Some(Ok(accepted)) => ConnectionEvent::Request(Box::new(accepted)),
                Some(Err(error)) => ConnectionEvent::Failed(error),
                None => ConnectionEvent::Over,
            })
    })
    .await
}

async fn say(socket: &Socket, words: &[u8]) {
    #[expect(
        clippy::await_holding_refcell_ref,
        reason = "the connection that shared the socket is gone"
    )]
    let said = async {
        let mut socket = socket.borrow_mut();
        let _best_effort = socket.write_all(words).await;
    };
    let _best_effort = timeout(LAST_WORDS, said).await;
}
