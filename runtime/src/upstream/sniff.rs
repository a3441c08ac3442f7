//! Looks at the first bytes of an HTTP/2 upstream: a server that speaks HTTP/1 answers the preface with an error
//! page, which the `h2` crate can only call a broken frame.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::worker::Stream;

const HTTP1: &[u8] = b"HTTP/";

/// What was heard first.
#[derive(Clone, Debug, Default)]
pub(super) struct Speech(Rc<Cell<Heard>>);

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Heard {
    #[default]
    Nothing,
    /// So many bytes of `HTTP/`.
    Begun(usize),
    Http1,
    Other,
}

impl Speech {
    /// Whether the peer began to speak HTTP/1.
    pub(super) fn is_http1(&self) -> bool {
        self.0.get() == Heard::Http1
    }

    fn hear(&self, bytes: &[u8]) {
        let before = match self.0.get() {
            Heard::Nothing => 0,
            Heard::Begun(count) => count,
            Heard::Http1 | Heard::Other => return,
        };
        let wanted = HTTP1.get(before..).unwrap_or(&[]);
        let count = wanted.len().min(bytes.len());
        let is_same = wanted.get(..count) == bytes.get(..count);
        self.0.set(if !is_same {
            Heard::Other
        } else if before + count == HTTP1.len() {
            Heard::Http1
        } else {
            Heard::Begun(before + count)
        });
    }
}

/// A connection whose first bytes are looked at.
#[derive(Debug)]
pub(super) struct Sniffed {
    stream: Stream,
    speech: Speech,
}

impl Sniffed {
    pub(super) fn new(stream: Stream, speech: &Speech) -> Self {
        Self {
            stream,
            speech: speech.clone(),
        }
    }
}

impl AsyncRead for Sniffed {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let polled = Pin::new(&mut this.stream).poll_read(context, buffer);
        this.speech
            .hear(buffer.filled().get(before..).unwrap_or(&[]));
        polled
    }
}

impl AsyncWrite for Sniffed {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_page_is_heard_in_pieces_of_any_size() {
        for size in 1..8 {
            let speech = Speech::default();
            for piece in b"HTTP/1.1 400 Bad Request".chunks(size) {
                speech.hear(piece);
            }
            assert!(speech.is_http1(), "pieces of {size} bytes");
        }
        let speech = Speech::default();
        speech.hear(&[0, 0, 6, 4, 0, 0, 0, 0, 0]);
        speech.hear(b"HTTP/");
        assert!(!speech.is_http1());
    }
}
