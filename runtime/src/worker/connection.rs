//! One downstream connection, from the accepted socket to its end.

use std::convert::Infallible;
use std::future::Future;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use weft_snapshot::Reason;

use super::handshake::{self, Protocol};
use super::link::{Order, Stage};
use super::stream::Look;
use super::watched::{Watch, Watched};
use super::{Link, Stream, http2, linger};
use crate::serve::{self, Incoming, Room};

/// How long a client that was too slow may take to be told.
const TELLING: Duration = Duration::from_millis(500);

/// Serves one connection until its end.
pub(super) async fn serve(link: Rc<Link>, socket: TcpStream) {
    let _closed = Closed(&link);
    // Each part has a place of its own, so that an idle connection holds what it needs and nothing of the others.
    let Some((stream, protocol)) = Box::pin(opened(&link, socket)).await else {
        return;
    };
    link.enter(Stage::Idle);
    match protocol {
        Protocol::Http1 => Box::pin(serve_http1(&link, stream)).await,
        Protocol::Http2 => Box::pin(http2::serve(&link, stream)).await,
    }
}

/// What a client that was too slow with its head is told; there is no request that hyper could answer.
fn head_timeout_answer() -> String {
    let reason = Reason::HeadTimeout;
    format!(
        "HTTP/1.1 {} Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\nx-weft-reason: {reason}\r\n\r\n",
        reason.status()
    )
}

struct Closed<'l>(&'l Rc<Link>);

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        self.0.worker.links.remove(self.0);
    }
}

/// Opens the connection unless it is told to end before; the sweep does so when the time is up.
async fn opened(link: &Rc<Link>, socket: TcpStream) -> Option<(Stream, Protocol)> {
    let mut opening = pin!(handshake::open(link, socket));
    std::future::poll_fn(|context| match link.standing(context.waker()) {
        Order::None | Order::Last => opening.as_mut().poll(context),
        // Without a byte so far it is idle, and looks before it closes.
        Order::Drain if !link.is_opening() => opening.as_mut().poll(context),
        Order::Drain | Order::HeadTimeout | Order::Calm | Order::Cut => Poll::Ready(None),
    })
    .await
}

async fn serve_http1(link: &Rc<Link>, stream: Stream) {
    let service = service_fn(|request: http::Request<hyper::body::Incoming>| {
        let link = Rc::clone(link);
        async move {
            let request = request.map(Incoming::Http1);
            Ok::<_, Infallible>(serve::serve(link, None, request).await)
        }
    });
    let io = TokioIo::new(Watched::new(stream, link));
    let mut connection = http1_within(Room::of(link)).serve_connection(io, service);
    let mut is_closing = false;
    let end = std::future::poll_fn(|context| {
        match link.standing(context.waker()) {
            // The answer to the next request says that it is the last one.
            Order::None | Order::Last | Order::Drain => {}
            order @ (Order::HeadTimeout | Order::Calm | Order::Cut) => {
                return Poll::Ready(End::Ordered(order));
            }
        }
        loop {
            if link.closes_when_idle() {
                link.look.set(Look::Asked);
            }
            if let Poll::Ready(over) = Pin::new(&mut connection).poll(context) {
                return Poll::Ready(End::Over(over));
            }
            // Bytes that have come are a request, perhaps; it is served before the connection closes.
            let closes = link.closes_when_idle() && link.is_idle();
            if !closes || link.look.get() != Look::Nothing || is_closing {
                return Poll::Pending;
            }
            is_closing = true;
            Pin::new(&mut connection).graceful_shutdown();
        }
    })
    .await;
    let parts = connection.into_parts();
    finish_http1(link, parts.io.into_inner(), parts.read_buf, end).await;
}

/// What comes after the last exchange: last words, another protocol, or reading on until the client has seen the answer.
async fn finish_http1(link: &Rc<Link>, mut io: Watched, early: Bytes, end: End) {
    match end {
        // An idle connection is never told: the client would take that for the answer to its next request.
        End::Ordered(Order::HeadTimeout) if io.is_in_head() => {
            serve::head_timeout(link);
            let answer = head_timeout_answer();
            let told = io.write_all(answer.as_bytes());
            let _best_effort = tokio::time::timeout(TELLING, told).await;
            io.watch = Watch::Nothing;
            linger::linger(io, linger::LAST_WORDS).await;
        }
        End::Ordered(
            Order::None
            | Order::Last
            | Order::Drain
            | Order::HeadTimeout
            | Order::Calm
            | Order::Cut,
        ) => {}
        End::Over(Ok(())) => {
            let tunnel = link.tunnel.borrow_mut().take();
            match tunnel {
                Some(tunnel) => {
                    io.watch = Watch::Nothing;
                    serve::tunnel(link, tunnel, io, early).await;
                }
                None if link.leaves_unread.get() => {
                    io.watch = Watch::Nothing;
                    linger::linger(io, linger::UPLOAD).await;
                }
                None => {}
            }
        }
        End::Over(Err(error)) => {
            if error.is_parse() {
                serve::refused_by_parser(link, &error);
            }
            // Whatever ended it, an answer may be on its way to a client that still uploads. A socket that failed ends
            // this at once.
            io.watch = Watch::Nothing;
            linger::linger(io, linger::UPLOAD).await;
        }
    }
}

fn http1_within(room: Room) -> http1::Builder {
    let mut builder = http1::Builder::new();
    // hyper refuses buffers under 8 KiB.
    builder
        .max_buf_size(room.bytes.max(8 << 10))
        .max_header_size(room.bytes);
    if room.fields != 100 {
        builder.max_headers(room.fields);
    }
    builder
}

enum End {
    Ordered(Order),
    Over(hyper::Result<()>),
}
