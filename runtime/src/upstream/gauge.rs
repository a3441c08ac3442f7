//! Bounds what an upstream sends before a response head: hyper reads interim (1xx) responses without end.

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
}

impl Gauge {
    /// A request was sent; its response head is awaited.
    pub(super) fn wait(&self) {
        self.is_waiting.set(true);
        self.bytes.set(0);
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

impl AsyncWrite for Gauged {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(context, slices)
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
