//! The bytes of a downstream HTTP/1 connection as they pass.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::raw_target::with_escapes;
use super::scan::Scan;
use super::stream::Look;
use super::{Link, Stream};

/// What is looked for in the bytes.
#[derive(Debug)]
pub(super) enum Watch {
    Http1(Scan),
    /// Nothing: the bytes belong to another protocol.
    Nothing,
}

/// A connection whose bytes are watched.
#[derive(Debug)]
pub(super) struct Watched {
    stream: Stream,
    link: Rc<Link>,
    pub(super) watch: Watch,
    /// Bytes that were read and did not fit any more once they were escaped; no more than three times a buffer.
    over: Vec<u8>,
}

impl Watched {
    pub(super) fn new(stream: Stream, link: &Rc<Link>) -> Self {
        Self {
            stream,
            link: Rc::clone(link),
            watch: Watch::Http1(Scan::default()),
            over: Vec::new(),
        }
    }

    /// Gives bytes that are left over.
    fn give_over(&mut self, buffer: &mut ReadBuf<'_>) {
        let fits = self.over.len().min(buffer.remaining());
        let rest = self.over.split_off(fits);
        buffer.put_slice(&self.over);
        self.over = rest;
    }

    /// Whether the bytes so far end in the middle of an HTTP/1 head.
    pub(super) fn is_in_head(&self) -> bool {
        match &self.watch {
            Watch::Http1(scan) => scan.is_in_head(),
            Watch::Nothing => false,
        }
    }

    fn note_write(&self, written: &Poll<io::Result<usize>>) {
        match written {
            Poll::Pending => self.link.write_stalls(),
            Poll::Ready(Err(_)) => {}
            Poll::Ready(Ok(count)) => {
                self.link.wrote();
                self.link.held.sent(*count);
            }
        }
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.over.is_empty() {
            this.give_over(buffer);
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let polled = Pin::new(&mut this.stream).poll_read(context, buffer);
        if !matches!(polled, Poll::Ready(Ok(()))) {
            if polled.is_pending() && this.link.look.get() == Look::Asked {
                this.link.look.set(this.stream.look());
            }
            return polled;
        }
        let Some(read) = buffer.filled_mut().get_mut(before..) else {
            return polled;
        };
        match &mut this.watch {
            Watch::Http1(scan) => {
                this.link.held.came(read.len());
                scan.read(read);
                this.link.read(scan.is_in_head());
                let raw = scan.take_raw();
                if !raw.is_empty() {
                    this.over = with_escapes(read, &raw);
                    buffer.set_filled(before);
                    this.give_over(buffer);
                }
            }
            Watch::Nothing => {}
        }
        polled
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.note_write(&written);
        written
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(context, slices);
        this.note_write(&written);
        written
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
