//! The start of a connection: TLS or not, which protocol, and who the peer is.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use rustls::ServerConfig;
use rustls_pki_types::UnixTime;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::link::Stage;
use super::stream::{Look, look};
use super::{Link, Stream};
use crate::identity::Identity;
use crate::shared::PortSecurity;

/// The first bytes of HTTP/2 with prior knowledge (RFC 9113, 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Bytes of its first line.
const FIRST_LINE: usize = 16;

/// The first byte of a TLS record that carries a handshake.
const TLS_HANDSHAKE: u8 = 0x16;

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
        Opening::Tls { config, own } => {
            let counters = &link.worker.counters;
            let accepted = accept(link, socket, config, own.as_deref()).await;
            match &accepted {
                Some(_) => counters.handshakes.add(1),
                None => counters.handshakes_failed.add(1),
            }
            accepted
        }
    }
}

async fn opening(link: &Rc<Link>, socket: &TcpStream) -> Option<Opening> {
    let active = link.worker.shared.active.load_full();
    let port = active.port(link.port)?;
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

fn mutual(link: &Link) -> Option<Opening> {
    let own = link.worker.shared.identity.load_full()?;
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

async fn accept(
    link: &Rc<Link>,
    socket: TcpStream,
    config: Arc<ServerConfig>,
    own: Option<&Identity>,
) -> Option<(Stream, Protocol)> {
    let stream = TlsAcceptor::from(config).accept(socket).await.ok()?;
    let (_, session) = stream.get_ref();
    if let Some(own) = own {
        // Also for resumed sessions, in which rustls verifies nothing again.
        let certificates = session.peer_certificates()?;
        link.set_identity(own.peer(certificates, UnixTime::now()).ok()?);
    }
    if let Some(name) = session.server_name() {
        let _once = link.server_name.set(name.to_ascii_lowercase());
    }
    let protocol = match session.alpn_protocol() {
        Some(b"h2") => Protocol::Http2,
        Some(_) | None => Protocol::Http1,
    };
    link.encrypted.set(true);
    Some((Stream::Tls(Box::new(stream.into())), protocol))
}
