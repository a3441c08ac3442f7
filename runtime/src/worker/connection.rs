//! One downstream connection, from the accepted socket to its end.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
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

use super::handshake::{self, Protocol};
use super::link::{Order, Stage};
use super::watched::{Watch, Watched};
use super::{Link, Stream, Worker, http2, linger};
use crate::serve::{self, Incoming};

/// What a client that was too slow with its head is told.
const HEAD_TIMEOUT_ANSWER: &[u8] = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\n\
    content-length: 0\r\nx-weft-reason: head-timeout\r\n\r\n";

/// How long a client that was too slow may take to be told.
const TELLING: Duration = Duration::from_millis(500);

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
        Protocol::Http2 => http2::serve(&link, stream).await,
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
        Order::Drain | Order::HeadTimeout | Order::Calm | Order::Cut => Poll::Ready(None),
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
    let service = service_fn(|request: http::Request<hyper::body::Incoming>| {
        let link = Rc::clone(link);
        async move {
            let request = request.map(Incoming::Http1);
            Ok::<_, Infallible>(serve::serve(link, None, request).await)
        }
    });
    let io = TokioIo::new(Watched::new(stream, link));
    let mut connection = builder.serve_connection(io, service);
    let end = std::future::poll_fn(|context| {
        match link.obey(context.waker()) {
            Order::None => {}
            Order::Drain => Pin::new(&mut connection).graceful_shutdown(),
            order @ (Order::HeadTimeout | Order::Calm | Order::Cut) => {
                return Poll::Ready(End::Ordered(order));
            }
        }
        Pin::new(&mut connection).poll(context).map(End::Over)
    })
    .await;
    let parts = connection.into_parts();
    finish_http1(link, parts.io.into_inner(), parts.read_buf, end).await;
}

/// What comes after the last exchange: last words, another protocol, or reading on until the client has seen the answer.
async fn finish_http1(link: &Rc<Link>, mut io: Watched, early: Bytes, end: End) {
    match end {
        End::Ordered(Order::HeadTimeout) => {
            serve::head_timeout(link);
            let told = io.write_all(HEAD_TIMEOUT_ANSWER);
            let _best_effort = tokio::time::timeout(TELLING, told).await;
            io.watch = Watch::Nothing;
            linger::linger(io, linger::LAST_WORDS).await;
        }
        End::Ordered(Order::None | Order::Drain | Order::Calm | Order::Cut) => {}
        End::Over(Ok(())) => {
            let tunnel = link.tunnel.borrow_mut().take();
            match tunnel {
                Some(tunnel) => {
                    io.watch = Watch::Nothing;
                    // A tunnel is running work: the limits of idle connections are not for it.
                    link.begin();
                    serve::tunnel(link, tunnel, io, early).await;
                    link.end();
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
                io.watch = Watch::Nothing;
                linger::linger(io, linger::UPLOAD).await;
            }
        }
    }
}

enum End {
    Ordered(Order),
    Over(hyper::Result<()>),
}
