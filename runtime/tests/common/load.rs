//! Honest clients of every kind, and what they lost.
//!
//! | kind | does |
//! |---|---|
//! | fresh | a connection for each request |
//! | kept | one connection until the proxy says that it is the last answer |
//! | http2 | streams of one connection until GOAWAY |
//! | tunnel | a WebSocket that echoes for a while |
//! | running | requests that take long, their answers in pieces |
//!
//! A client does what an honest one does and no more: it looks whether a kept connection was closed before it
//! sends, and opens another one when it was told to. It repeats nothing that may have been seen.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::future::Future;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use weft_snapshot::plan::{Action, Backend, NodePlan, PathPattern, Segment};
use weft_snapshot::settings::{Cluster, Endpoints, UpstreamProtocol, UpstreamSecurity};

use super::delivery;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a running request takes.
const LONG: Duration = Duration::from_millis(600);
/// Echoes of one tunnel, and the pause between them.
const ECHOES: usize = 20;
const BETWEEN: Duration = Duration::from_millis(30);

/// A plan with the routes that the load asks for: `/`, `/long` and `/socket`.
pub(crate) fn plan(port: u16, origin: SocketAddr) -> NodePlan {
    let mut plan = delivery::plan(port, "here");
    plan.settings.clusters.push(Cluster {
        name: "origin".to_owned(),
        protocol: UpstreamProtocol::Http1,
        security: UpstreamSecurity::Plaintext,
        endpoints: Endpoints::Static {
            addresses: vec![origin],
        },
        keep_alive_millis: 60_000,
        host: None,
    });
    let routes = &mut plan.tables[0].hosts[0].routes;
    for first in ["long", "socket"] {
        let mut to_origin = delivery::route("");
        to_origin.id = format!("{first}/0");
        to_origin.path = PathPattern::Segments {
            segments: vec![Segment::Literal {
                text: first.to_owned(),
            }],
            rest: true,
        };
        to_origin.outcome.action = Action::Forward {
            backends: vec![Backend {
                cluster: 0,
                share: 1_000_000,
            }],
        };
        to_origin.outcome.policy.websocket = first == "socket";
        routes.insert(0, to_origin);
    }
    plan
}

/// An origin that answers slowly, and echoes after an upgrade.
pub(crate) fn origin() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || serve(stream));
        }
    });
    address
}

fn serve(mut stream: TcpStream) -> Option<()> {
    loop {
        let head = read_head(&mut stream).ok()?;
        if head.starts_with("GET /socket") {
            let switch = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
            stream.write_all(switch.as_bytes()).ok()?;
            return io::copy(&mut stream.try_clone().ok()?, &mut stream)
                .ok()
                .map(drop);
        }
        let head = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n";
        stream.write_all(head.as_bytes()).ok()?;
        for piece in ["lo", "ng", "er"] {
            std::thread::park_timeout(LONG / 3);
            stream.write_all(piece.as_bytes()).ok()?;
        }
    }
}

/// Which kind of client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Fresh,
    Kept,
    Http2,
    Tunnel,
    Running,
}

const KINDS: [Kind; 5] = [
    Kind::Fresh,
    Kind::Kept,
    Kind::Http2,
    Kind::Tunnel,
    Kind::Running,
];

/// What happened.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    done: [AtomicU64; 5],
    /// Connections that began, of the kinds that keep them.
    connections: [AtomicU64; 5],
    /// Kept connections that were closed while they were idle, before anything was sent.
    closed_idle: AtomicU64,
    lost: Mutex<Vec<String>>,
    slowest: AtomicU64,
    over: AtomicBool,
}

impl Tally {
    pub(crate) fn done(&self, kind: Kind) -> u64 {
        self.done[place(kind)].load(Ordering::Relaxed)
    }

    pub(crate) fn closed_idle(&self) -> u64 {
        self.closed_idle.load(Ordering::Relaxed)
    }

    /// One line with all figures.
    pub(crate) fn figures(&self) -> String {
        let kinds = KINDS.map(|kind| {
            let connections = self.connections[place(kind)].load(Ordering::Relaxed);
            format!("{kind:?} {} on {connections} connections", self.done(kind))
        });
        format!(
            "{}; slowest fresh {} ms; closed while idle {}; lost {}",
            kinds.join(", "),
            self.slowest.load(Ordering::Relaxed),
            self.closed_idle(),
            self.lost.lock().unwrap().len()
        )
    }

    fn note(&self, kind: Kind, outcome: io::Result<()>) {
        match outcome {
            Ok(()) => {
                self.done[place(kind)].fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => {
                let line = format!("{kind:?}: {error}");
                self.lost.lock().unwrap().push(line);
                // An outage would fill the list.
                std::thread::park_timeout(Duration::from_millis(20));
            }
        }
    }

    fn connected(&self, kind: Kind) {
        self.connections[place(kind)].fetch_add(1, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }
}

fn place(kind: Kind) -> usize {
    KINDS.iter().position(|it| *it == kind).unwrap()
}

/// Clients that send until they are told to stop.
pub(crate) struct Load {
    pub(crate) tally: Arc<Tally>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    /// Starts some clients of every kind.
    pub(crate) fn start(address: SocketAddr) -> Self {
        let tally = Arc::<Tally>::default();
        let mut threads = Vec::new();
        for (kind, count) in [
            (Kind::Fresh, 3),
            (Kind::Kept, 3),
            (Kind::Http2, 1),
            (Kind::Tunnel, 2),
            (Kind::Running, 3),
        ] {
            for _client in 0..count {
                let tally = Arc::clone(&tally);
                threads.push(std::thread::spawn(move || client(kind, address, &tally)));
            }
        }
        Self { tally, threads }
    }

    /// Lets them finish what they are at. Returns what was lost.
    pub(crate) fn stop(self) -> (Arc<Tally>, Vec<String>) {
        self.tally.over.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().unwrap();
        }
        let lost = self.tally.lost.lock().unwrap().clone();
        (self.tally, lost)
    }
}

fn client(kind: Kind, address: SocketAddr, tally: &Tally) {
    match kind {
        Kind::Http2 => http2(address, tally),
        Kind::Kept => kept(address, tally),
        Kind::Fresh | Kind::Tunnel | Kind::Running => {
            while !tally.is_over() {
                let began = Instant::now();
                let outcome = match kind {
                    Kind::Tunnel => tunnel(address),
                    Kind::Running => once(address, "/long", "longer"),
                    Kind::Fresh | Kind::Kept | Kind::Http2 => once(address, "/", "here"),
                };
                tally.connected(kind);
                tally.note(kind, outcome);
                if kind == Kind::Fresh {
                    let millis = u64::try_from(began.elapsed().as_millis()).unwrap();
                    tally.slowest.fetch_max(millis, Ordering::Relaxed);
                    std::thread::park_timeout(Duration::from_micros(500));
                }
            }
        }
    }
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// One request on a connection of its own.
fn once(address: SocketAddr, path: &str, wanted: &str) -> io::Result<()> {
    let mut stream = connect(address)?;
    let head = format!("GET {path} HTTP/1.1\r\nhost: a.example\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    if !answer.starts_with("HTTP/1.1 200 ") || !answer.ends_with(wanted) {
        return Err(io::Error::other(format!("answered {answer:?}")));
    }
    Ok(())
}

fn kept(address: SocketAddr, tally: &Tally) {
    let mut open: Option<TcpStream> = None;
    while !tally.is_over() {
        if open.as_ref().is_some_and(was_closed) {
            tally.closed_idle.fetch_add(1, Ordering::Relaxed);
            open = None;
        }
        let outcome = (|| {
            let mut stream = if let Some(stream) = open.take() {
                stream
            } else {
                tally.connected(Kind::Kept);
                connect(address)?
            };
            stream.write_all(b"GET / HTTP/1.1\r\nhost: a.example\r\n\r\n")?;
            let head = read_head(&mut stream)?;
            let mut body = [0; 4];
            stream.read_exact(&mut body)?;
            if !head.starts_with("HTTP/1.1 200 ") || &body != b"here" {
                return Err(io::Error::other(format!("answered {head:?}")));
            }
            if !head.to_ascii_lowercase().contains("connection: close") {
                open = Some(stream);
            }
            Ok(())
        })();
        tally.note(Kind::Kept, outcome);
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

/// Whether the proxy closed an idle connection.
pub(crate) fn was_closed(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let peeked = stream.peek(&mut [0]);
    stream.set_nonblocking(false).unwrap();
    match peeked {
        Ok(count) => count == 0,
        Err(error) => error.kind() != io::ErrorKind::WouldBlock,
    }
}

fn tunnel(address: SocketAddr) -> io::Result<()> {
    let mut stream = open_tunnel(address)?;
    for number in 0..ECHOES {
        let said = format!("echo {number:04}");
        stream.write_all(said.as_bytes())?;
        let mut heard = [0; 9];
        stream.read_exact(&mut heard)?;
        if heard != said.as_bytes() {
            return Err(io::Error::other("another echo"));
        }
        std::thread::park_timeout(BETWEEN);
    }
    Ok(())
}

/// A WebSocket whose other end echoes bytes.
pub(crate) fn open_tunnel(address: SocketAddr) -> io::Result<TcpStream> {
    let mut stream = connect(address)?;
    let ask = "GET /socket HTTP/1.1\r\nhost: a.example\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
        sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(ask.as_bytes())?;
    let head = read_head(&mut stream)?;
    if !head.starts_with("HTTP/1.1 101 ") {
        return Err(io::Error::other(format!("no upgrade but {head:?}")));
    }
    Ok(stream)
}

fn read_head(stream: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

type Sender = hyper::client::conn::http2::SendRequest<Empty<Bytes>>;

fn http2(address: SocketAddr, tally: &Tally) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        while !tally.is_over() {
            tally.connected(Kind::Http2);
            match http2_connection(address).await {
                Ok(sender) => http2_streams(sender, tally).await,
                Err(error) => tally.note(Kind::Http2, Err(error)),
            }
        }
    });
}

async fn http2_connection(address: SocketAddr) -> io::Result<Sender> {
    let stream = tokio::net::TcpStream::connect(address).await?;
    let executor = hyper_util::rt::TokioExecutor::new();
    let handshake = hyper::client::conn::http2::handshake(executor, TokioIo::new(stream));
    let (sender, connection) = handshake.await.map_err(io::Error::other)?;
    tokio::spawn(connection);
    Ok(sender)
}

/// Keeps eight streams going until the connection takes no more.
async fn http2_streams(sender: Sender, tally: &Tally) {
    let mut streams: Vec<Pin<Box<dyn Future<Output = ()> + '_>>> = Vec::new();
    for number in 0..8 {
        let mut sender = sender.clone();
        // Some are under way for long when GOAWAY comes.
        let path = if number == 0 { "/long" } else { "/" };
        streams.push(Box::pin(async move {
            while !tally.is_over() && sender.ready().await.is_ok() {
                let request = http::Request::get(format!("http://a.example{path}"));
                let request = request.body(Empty::new()).unwrap();
                match sender.try_send_request(request).await {
                    Ok(response) => {
                        let status = response.status();
                        let body = response.into_body().collect().await;
                        let outcome = match body.map_err(io::Error::other) {
                            Ok(_whole) if status == 200 => Ok(()),
                            Ok(_whole) => Err(io::Error::other(format!("answered {status}"))),
                            Err(error) => Err(error),
                        };
                        tally.note(Kind::Http2, outcome);
                    }
                    Err(mut error) => {
                        if error.take_message().is_some() {
                            // It never left this client.
                            return;
                        }
                        let error = error.into_error();
                        let text = format!("{error}: {:?}", std::error::Error::source(&error));
                        tally.note(Kind::Http2, Err(io::Error::other(text)));
                    }
                }
                tokio::time::sleep(Duration::from_millis(3)).await;
            }
        }));
    }
    drop(sender);
    for_all(streams).await;
}

async fn for_all(mut futures: Vec<Pin<Box<dyn Future<Output = ()> + '_>>>) {
    std::future::poll_fn(|context| {
        futures.retain_mut(|future| future.as_mut().poll(context).is_pending());
        if futures.is_empty() {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
}
