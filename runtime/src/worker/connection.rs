//! One downstream connection, from the accepted socket to its end.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::handshake::{self, Protocol};
use super::link::{Order, Stage};
use super::spawn::Streams;
use super::watched::{Watch, Watched};
use super::{Link, Stream, Worker};
use crate::serve;

/// What a client that was too slow with its head is told.
const HEAD_TIMEOUT_ANSWER: &[u8] = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\n\
    content-length: 0\r\nx-weft-reason: head-timeout\r\n\r\n";

/// How long a closed connection is still read, so that the client sees the last answer and not a reset.
const LINGER: Duration = Duration::from_millis(500);
const LINGER_BYTES: usize = 1 << 20;

/// Serves one connection until its end.
pub(super) async fn serve(
    worker: Rc<Worker>,
    port: SocketAddr,
    socket: TcpStream,
    peer: SocketAddr,
) {
    let link = Link::open(&worker, port, peer);
    let _closed = Closed(&link);
    let Some((stream, protocol)) = opened(&link, socket).await else {
        return;
    };
    link.enter(Stage::Idle);
    match protocol {
        Protocol::Http1 => serve_http1(&link, stream).await,
        Protocol::Http2 => serve_http2(&link, stream).await,
    }
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
    std::future::poll_fn(|context| match link.obey(context.waker()) {
        Order::None => opening.as_mut().poll(context),
        Order::Drain | Order::HeadTimeout | Order::Cut => Poll::Ready(None),
    })
    .await
}

async fn serve_http1(link: &Rc<Link>, stream: Stream) {
    let limits = &link.worker.shared.limits;
    let mut builder = http1::Builder::new();
    // hyper refuses buffers under 8 KiB.
    builder
        .max_buf_size(limits.head_bytes.max(8 << 10))
        .max_header_size(limits.head_bytes);
    if limits.head_fields != 100 {
        builder.max_headers(limits.head_fields);
    }
    let service = service_fn(|request| {
        let link = Rc::clone(link);
        async move { serve::serve(link, request).await }
    });
    let io = TokioIo::new(Watched::http1(stream, link));
    let mut connection = builder.serve_connection(io, service);
    let end = std::future::poll_fn(|context| {
        match link.obey(context.waker()) {
            Order::None => {}
            Order::Drain => Pin::new(&mut connection).graceful_shutdown(),
            order @ (Order::HeadTimeout | Order::Cut) => return Poll::Ready(End::Ordered(order)),
        }
        Pin::new(&mut connection).poll(context).map(End::Over)
    })
    .await;
    let parts = connection.into_parts();
    let mut io = parts.io.into_inner();
    match end {
        End::Ordered(Order::HeadTimeout) => {
            serve::head_timeout(link);
            let told = io.write_all(HEAD_TIMEOUT_ANSWER);
            let _best_effort = tokio::time::timeout(LINGER, told).await;
            linger(io).await;
        }
        End::Ordered(Order::None | Order::Drain | Order::Cut) => {}
        End::Over(Ok(())) => {
            let tunnel = link.tunnel.borrow_mut().take();
            match tunnel {
                Some(tunnel) => {
                    io.watch = Watch::Nothing;
                    serve::tunnel(link, tunnel, io, parts.read_buf).await;
                }
                None if link.leaves_unread.get() => linger(io).await,
                None => {}
            }
        }
        End::Over(Err(error)) => {
            if error.is_parse() {
                serve::refused_by_parser(link, &error);
                linger(io).await;
            }
        }
    }
}

enum End {
    Ordered(Order),
    Over(hyper::Result<()>),
}

/// Closes the sending side, then reads what the client still sends, within bounds: closing with unread
/// bytes would reset the connection and could take the answer with it.
async fn linger(mut io: Watched) {
    let drain = async {
        if io.shutdown().await.is_err() {
            return;
        }
        io.watch = Watch::Nothing;
        let mut scratch = vec![0; 16 << 10];
        let mut total = 0_usize;
        while total < LINGER_BYTES {
            match io.read(&mut scratch).await {
                Ok(0) | Err(_) => return,
                Ok(count) => total = total.saturating_add(count),
            }
        }
    };
    let _time_is_up = tokio::time::timeout(LINGER, drain).await;
}

async fn serve_http2(link: &Rc<Link>, stream: Stream) {
    let limits = &link.worker.shared.limits;
    let streams = Streams::new(std::sync::Arc::clone(&link.worker.counters));
    let mut builder = http2::Builder::new(streams);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .initial_stream_window_size(limits.stream_window)
        .initial_connection_window_size(limits.connection_window)
        .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(20)
        .max_local_error_reset_streams(64)
        .max_send_buf_size(64 << 10);
    let service = service_fn(|request| {
        let link = Rc::clone(link);
        async move { serve::serve(link, request).await }
    });
    let io = TokioIo::new(Watched::http2(stream, link));
    let mut connection = builder.serve_connection(io, service);
    std::future::poll_fn(|context| {
        match link.obey(context.waker()) {
            Order::None => {}
            Order::Drain => Pin::new(&mut connection).graceful_shutdown(),
            Order::HeadTimeout | Order::Cut => return Poll::Ready(()),
        }
        // Why a connection ended is the peer's affair; requests report their own errors.
        Pin::new(&mut connection).poll(context).map(|_over| ())
    })
    .await;
}
