//! Plaintext or TLS behind one type, so that HTTP is instantiated once; and what a peer says last.
//!
//! A fatal alert comes as an error of a read, and the libraries above pass on no more of it than a text or
//! nothing. A write that fails hides it altogether, although the alert lies in the socket, unread. So the
//! alert is kept here, where both ends of an exchange find it: see [`Party`].

use std::cell::Cell;
use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use rustls::AlertDescription;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsStream;

use crate::identity::{Shown, tls_error};

/// A connected socket.
#[derive(Debug)]
pub(crate) enum Stream {
    Plaintext(TcpStream),
    Tls(Box<Encrypted>),
}

/// The inside of a TLS connection.
#[derive(Debug)]
pub(crate) struct Encrypted {
    stream: TlsStream<TcpStream>,
    party: Option<Rc<Party>>,
}

/// Who is at the other end of a TLS connection to an upstream: what it showed, and the alert it ended with.
#[derive(Debug)]
pub(crate) struct Party {
    shown: Option<Shown>,
    alert: Cell<Option<AlertDescription>>,
}

impl Party {
    /// Its certificates, where it was believed for its identity.
    pub(crate) fn shown(&self) -> Option<&Shown> {
        self.shown.as_ref()
    }

    /// The fatal alert that the peer sent; none as long as it sent none.
    pub(crate) fn alert(&self) -> Option<AlertDescription> {
        self.alert.get()
    }
}

impl Stream {
    /// The inside of a connection that a client made.
    pub(super) fn of_client(stream: tokio_rustls::server::TlsStream<TcpStream>) -> Self {
        let (stream, party) = (stream.into(), None);
        Self::Tls(Box::new(Encrypted { stream, party }))
    }

    /// The inside of a connection to a server, with what it showed where that is to be judged again.
    pub(crate) fn of_server(
        stream: tokio_rustls::client::TlsStream<TcpStream>,
        shown: Option<Shown>,
    ) -> Self {
        let alert = Cell::new(None);
        let party = Some(Rc::new(Party { shown, alert }));
        let stream = stream.into();
        Self::Tls(Box::new(Encrypted { stream, party }))
    }

    /// Who is at the other end; none for plaintext and clients.
    pub(crate) fn party(&self) -> Option<Rc<Party>> {
        match self {
            Self::Plaintext(_) => None,
            Self::Tls(encrypted) => encrypted.party.clone(),
        }
    }
}

impl Encrypted {
    fn heard<T>(&self, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if let (Poll::Ready(Err(error)), Some(party)) = (&polled, &self.party)
            && let Some(rustls::Error::AlertReceived(alert)) = tls_error(error)
        {
            party.alert.set(Some(*alert));
        }
        polled
    }

    /// A write that fails says only that the peer is gone. Why, it may have said before: what is in the socket is
    /// taken in, and what is not an alert stays for whoever reads.
    fn wrote<T>(&mut self, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        let polled = self.heard(polled);
        let (Poll::Ready(Err(_gone)), Some(party)) = (&polled, &self.party) else {
            return polled;
        };
        let TlsStream::Client(stream) = &mut self.stream else {
            return polled;
        };
        let (socket, session) = stream.get_mut();
        let mut unread = Unread(socket);
        // Ends with the socket, or when the session holds as much as it may.
        while party.alert().is_none()
            && session.wants_read()
            && matches!(session.read_tls(&mut unread), Ok(1..))
        {
            match session.process_new_packets() {
                Ok(_state) => {}
                Err(rustls::Error::AlertReceived(alert)) => party.alert.set(Some(alert)),
                Err(_broken) => break,
            }
        }
        polled
    }
}

/// What came to a socket and was not read; never waits.
struct Unread<'s>(&'s TcpStream);

impl Read for Unread<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }
}

/// Whether bytes wait in the socket of a connection that is about to close.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Look {
    /// Nobody wants to know.
    #[default]
    Unasked,
    /// To be found out when a read finds nothing: what the runtime knows of a socket may be older than bytes
    /// that have come meanwhile.
    Asked,
    /// Nothing has come.
    Nothing,
    /// Bytes have come.
    Bytes,
}

impl Stream {
    /// Asks the kernel itself whether bytes wait.
    pub(super) fn look(&self) -> Look {
        match self {
            Self::Plaintext(socket) => look(socket),
            Self::Tls(tls) => look(tls.stream.get_ref().0),
        }
    }
}

/// Asks the kernel whether bytes wait in `socket`; its end and its errors are nothing to wait for.
pub(super) fn look(socket: &TcpStream) -> Look {
    let mut first = [MaybeUninit::uninit(); 1];
    match SockRef::from(socket).peek(&mut first) {
        Ok(count) if 0 < count => Look::Bytes,
        Ok(_) | Err(_) => Look::Nothing,
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plaintext(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(tls) => {
                let polled = Pin::new(&mut tls.stream).poll_read(context, buffer);
                tls.heard(polled)
            }
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plaintext(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(tls) => {
                let polled = Pin::new(&mut tls.stream).poll_write(context, bytes);
                tls.wrote(polled)
            }
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plaintext(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Self::Tls(tls) => {
                let polled = Pin::new(&mut tls.stream).poll_write_vectored(context, slices);
                tls.wrote(polled)
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plaintext(stream) => stream.is_write_vectored(),
            Self::Tls(tls) => tls.stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            // A socket has nothing to flush.
            Self::Plaintext(_) => Poll::Ready(Ok(())),
            Self::Tls(tls) => {
                let polled = Pin::new(&mut tls.stream).poll_flush(context);
                tls.wrote(polled)
            }
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plaintext(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(tls) => {
                let polled = Pin::new(&mut tls.stream).poll_shutdown(context);
                tls.wrote(polled)
            }
        }
    }
}
