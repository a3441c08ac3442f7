//! What hyper leaves to us on an HTTP/1 upstream's connection.
//!
//! It reads interim (1xx) responses without end: what comes before a response head is bounded here. And it gives
//! up when a body cannot be written, although a server that refuses an upload answers first and closes
//! then: here such a write waits instead, so that the answer which has come is read (RFC 9112, 9.5).

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::worker::Stream;

/// How much came since the last response head was handed over.
#[derive(Debug, Default)]
pub(super) struct Gauge {
    is_waiting: Cell<bool>,
    bytes: Cell<usize>,
    is_deaf: Cell<bool>,
}

impl Gauge {
    /// A request was sent; its response head is awaited.
    pub(super) fn wait(&self) {
        self.is_waiting.set(true);
        self.bytes.set(0);
    }

    /// Whether nothing came since the request was sent.
    pub(super) fn is_silent(&self) -> bool {
        self.bytes.get() == 0
    }

    /// Whether the upstream takes no more bytes. Its connection is good for nothing but its last answer.
    pub(super) fn is_deaf(&self) -> bool {
        self.is_deaf.get()
    }

    /// The response head came.
    pub(super) fn arrived(&self) {
        self.is_waiting.set(false);
    }
}

/// An upstream connection whose bytes before a head are bounded.
#[derive(Debug)]
pub(super) struct Gauged {
    pub(super) stream: Stream,
    pub(super) gauge: Rc<Gauge>,
    pub(super) bound: usize,
}

impl Gauged {
    /// A write that failed waits for ever. The reading side, which is asked by the same task, ends that: with an
    /// answer, the end or an error.
    fn heard(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if self.gauge.is_waiting.get() && matches!(written, Poll::Ready(Err(_))) {
            self.gauge.is_deaf.set(true);
            return Poll::Pending;
        }
        written
    }
}

impl AsyncRead for Gauged {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let polled = Pin::new(&mut this.stream).poll_read(context, buffer);
        if this.gauge.is_waiting.get() {
            let read = buffer.filled().len().saturating_sub(before);
            if this.gauge.is_silent() {
                lower_version(buffer.filled_mut().get_mut(before..).unwrap_or(&mut []));
            }
            let bytes = this.gauge.bytes.get().saturating_add(read);
            this.gauge.bytes.set(bytes);
            if this.bound < bytes {
                let flood = "more bytes than a response head and its interim responses may have";
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, flood)));
            }
        }
        polled
    }
}

/// Reads a minor version above 1 at the beginning of a response as 1, which is the highest that we speak (RFC 9110, 2.5);
/// hyper knows of no other.
fn lower_version(bytes: &mut [u8]) {
    if let [
        b'H',
        b'T',
        b'T',
        b'P',
        b'/',
        b'1',
        b'.',
        minor @ b'2'..=b'9',
        ..,
    ] = bytes
    {
        *minor = b'1';
    }
}

impl AsyncWrite for Gauged {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.gauge.is_deaf() {
            return Poll::Pending;
        }
        let written = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.heard(written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.gauge.is_deaf() {
            return Poll::Pending;
        }
        let written = Pin::new(&mut this.stream).poll_write_vectored(context, slices);
        this.heard(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
