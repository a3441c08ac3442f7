//! The start of a connection: TLS or not, which protocol, and who the peer is.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::server::Acceptor;
use rustls_pki_types::UnixTime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::LazyConfigAcceptor;

use super::link::Stage;
use super::refused::Refused;
use super::stream::{Look, look};
use super::{Link, Stream};
use crate::identity::{Identity, Shown, Side};
use crate::shared::{Example, PortSecurity};

/// The first bytes of HTTP/2 with prior knowledge (RFC 9113, 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Bytes of its first line.
const FIRST_LINE: usize = 16;

/// The first byte of a TLS record that carries a handshake.
const TLS_HANDSHAKE: u8 = 0x16;

/// How long, and for how many bytes, a peer whose handshake failed is read on.
const FAREWELL: Duration = Duration::from_millis(500);
const FAREWELL_BYTES: usize = 64 << 10;

/// What is spoken on a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// How one connection begins.
enum Opening {
    Plaintext,
    Tls {
        config: Arc<ServerConfig>,
        own: Option<Arc<Identity>>,
    },
}

/// Takes `socket` to the point where HTTP begins. None when it may not go on.
pub(super) async fn open(link: &Rc<Link>, socket: TcpStream) -> Option<(Stream, Protocol)> {
    let opening = opening(link, &socket).await?;
    match opening {
        Opening::Plaintext => {
            let protocol = plaintext_protocol(link, &socket).await.ok()?;
            Some((Stream::Plaintext(socket), protocol))
        }
        Opening::Tls { config, own } => accept(link, socket, config, own).await,
    }
}

async fn opening(link: &Rc<Link>, socket: &TcpStream) -> Option<Opening> {
    let view = link.view();
    let port = view.active.port(link.port)?;
    match &port.security {
        PortSecurity::Plaintext => Some(Opening::Plaintext),
        PortSecurity::Edge(config) => Some(Opening::Tls {
            config: Arc::clone(config),
            own: None,
        }),
        PortSecurity::Mtls => mutual(link),
        PortSecurity::Permissive { until_unix_seconds } => {
            let is_over = *until_unix_seconds <= link.worker.unix_seconds();
            if is_over || starts_with_tls(link, socket).await.ok()? {
                return mutual(link);
            }
            Some(Opening::Plaintext)
        }
    }
}

fn mutual(link: &Rc<Link>) -> Option<Opening> {
    let Some(own) = link.worker.shared.identity.load_full() else {
        let refused = Refused::because("no-own-identity", "there is no identity to show");
        HandshakeAttempt::begin(link).failed(refused);
        return None;
    };
    Some(Opening::Tls {
        config: Arc::clone(&own.server),
        own: Some(own),
    })
}

async fn starts_with_tls(link: &Link, socket: &TcpStream) -> io::Result<bool> {
    let mut first = [0; 1];
    let count = first_bytes(link, socket, &mut first).await?;
    Ok(count == 1 && first == [TLS_HANDSHAKE])
}

/// Tells HTTP/2 by the first line of its preface; a wrong rest is answered in its own words. Whatever else comes is
/// HTTP/1, or refused by its parser.
async fn plaintext_protocol(link: &Link, socket: &TcpStream) -> io::Result<Protocol> {
    let mut first = [0; PREFACE.len()];
    let mut count = first_bytes(link, socket, &mut first).await?;
    loop {
        let seen = first.get(..count).unwrap_or(&first);
        if PREFACE
            .get(..FIRST_LINE)
            .is_some_and(|line| seen.starts_with(line))
        {
            return Ok(Protocol::Http2);
        }
        if seen.is_empty() || !PREFACE.starts_with(seen) {
            return Ok(Protocol::Http1);
        }
        // A preface in pieces: the socket stays readable, so waiting for it would spin. The time
        // limit of the opening ends this.
        tokio::time::sleep(Duration::from_millis(20)).await;
        count = socket.peek(&mut first).await?;
    }
}

/// Waits for the first bytes and leaves them where they are.
///
/// Time starts when the connection is accepted and ends with [`crate::shared::Limits::handshake`]. A
/// connection that is told to close by then is closed, unless bytes have come meanwhile.
async fn first_bytes(link: &Link, socket: &TcpStream, first: &mut [u8]) -> io::Result<usize> {
    link.enter(Stage::Silent);
    let mut peeked = pin!(socket.peek(first));
    let count = poll_fn(|context| {
        let polled = peeked.as_mut().poll(context);
        if polled.is_pending() && link.closes_when_idle() && look(socket) == Look::Nothing {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        polled
    })
    .await?;
    link.enter(Stage::Opening);
    Ok(count)
}

/// A TLS handshake, which ends well, badly, or because its time is up: then nobody else says so.
struct HandshakeAttempt {
    link: Rc<Link>,
    is_over: bool,
}

impl HandshakeAttempt {
    fn begin(link: &Rc<Link>) -> Self {
        Self {
            link: Rc::clone(link),
            is_over: false,
        }
    }

    fn succeeded(mut self) {
        self.is_over = true;
        self.link.worker.counters.handshakes.add(1);
    }

    fn failed(mut self, refused: Refused) {
        self.note(refused);
    }

    fn note(&mut self, refused: Refused) {
        self.is_over = true;
        let counters = &self.link.worker.counters;
        let failures = &counters.handshake_failures.0;
        failures.explain(refused.reason, || Example {
            address: Some(self.link.peer),
            name: self.link.server_name.get().cloned(),
            alert: refused.alert,
            said: refused.said,
        });
        failures.count(refused.reason);
        counters.handshakes_failed.add(1);
    }
}

impl Drop for HandshakeAttempt {
    fn drop(&mut self) {
        if !self.is_over && self.link.is_to_be_cut() {
            self.note(Refused::because("timed-out", "the handshake took too long"));
        }
    }
}

async fn accept(
    link: &Rc<Link>,
    socket: TcpStream,
    config: Arc<ServerConfig>,
    own: Option<Arc<Identity>>,
) -> Option<(Stream, Protocol)> {
    let attempt = HandshakeAttempt::begin(link);
    // In a box of its own: the memory is needed for the handshake, not for the life of the connection.
    let accepted = Box::pin(encrypt(link, socket, config)).await;
    let accepted = accepted.and_then(|stream| {
        if let Some(own) = own {
            authenticate(link, &own, &stream).map_err(|refused| (refused, None))?;
        }
        Ok(stream)
    });
    let stream = match accepted {
        Ok(stream) => stream,
        Err((refused, socket)) => {
            attempt.failed(refused);
            if let Some(socket) = socket {
                Box::pin(farewell(socket)).await;
            }
            return None;
        }
    };
    attempt.succeeded();
    let protocol = match stream.get_ref().1.alpn_protocol() {
        Some(b"h2") => Protocol::Http2,
        Some(_) | None => Protocol::Http1,
    };
    link.encrypted.set(true);
    Some((Stream::of_client(stream), protocol))
}

type DownstreamTls = tokio_rustls::server::TlsStream<TcpStream>;

/// Makes the handshake. The name that was asked for is known from its first message on, also when it fails.
///
/// Gives the socket back where the peer was told why.
async fn encrypt(
    link: &Link,
    socket: TcpStream,
    config: Arc<ServerConfig>,
) -> Result<DownstreamTls, (Refused, Option<TcpStream>)> {
    if !matches!(socket.peek(&mut [0; 1]).await, Ok(1..)) {
        let refused = Refused::because("nothing-sent", "the peer left before it said anything");
        return Err((refused, None));
    }
    let mut acceptor = pin!(LazyConfigAcceptor::new(Acceptor::default(), socket));
    let started = match acceptor.as_mut().await {
        Ok(started) => started,
        Err(error) => return Err((Refused::of_io(&error), acceptor.take_io())),
    };
    if let Some(name) = started.client_hello().server_name() {
        let _once = link.server_name.set(name.to_ascii_lowercase());
    }
    let accepted = started.into_stream(config).into_fallible().await;
    accepted.map_err(|(error, socket)| (Refused::of_io(&error), Some(socket)))
}

/// Finds out who the peer is, also of resumed sessions, in which TLS verifies nothing again.
fn authenticate(link: &Link, own: &Arc<Identity>, stream: &DownstreamTls) -> Result<(), Refused> {
    let certificates = stream.get_ref().1.peer_certificates().unwrap_or(&[]);
    let now = UnixTime::now();
    let identity = own
        .peer(certificates, now)
        .map_err(|error| Refused::of_peer(&error))?;
    let shown = Shown::new(certificates, now);
    // Trust may have narrowed while the handshake ran, when this connection was not yet known by its peer.
    let current = link.worker.shared.identity.load();
    if let Some(current) = current
        .as_ref()
        .filter(|current| !Arc::ptr_eq(current, own))
    {
        let judged = current.judge_again(&shown, Side::Client);
        judged.map_err(|error| Refused::of_tls(&error))?;
    }
    link.set_identity(identity, shown);
    Ok(())
}

/// Closes so that the peer reads the alert: a socket that is closed with unread bytes in it is reset, and some
/// systems then forget what came before the reset.
async fn farewell(mut socket: TcpStream) {
    if socket.shutdown().await.is_err() {
        return;
    }
    let read_on = async {
        let mut buffer = [0; 2 << 10];
        let mut left = FAREWELL_BYTES;
        while let Ok(count @ 1..) = socket.read(&mut buffer).await {
            match left.checked_sub(count) {
                Some(rest) => left = rest,
                None => return,
            }
        }
    };
    let _best_effort = tokio::time::timeout(FAREWELL, read_on).await;
}
