//! A body that comes in, whichever version of HTTP brings it: of a request or of a response.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use crate::http2::Received;

/// The bytes and trailers of one message.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// A message without a body.
    Empty,
    /// Framed by HTTP/1.
    Http1(hyper::body::Incoming),
    /// One stream of HTTP/2.
    Http2(Received),
}

/// The message ended before its end. A stream that is reset is broken off whatever the reason says: `NO_ERROR`
/// without `END_STREAM` in front of it is not the end of a message (RFC 9113, 8.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the body was broken off")]
pub(crate) struct Broken;

impl http_body::Body for Incoming {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match self.get_mut() {
            Self::Empty => Poll::Ready(None),
            Self::Http1(body) => Pin::new(body)
                .poll_frame(context)
                .map(|frame| frame.map(|outcome| outcome.map_err(|_cause| Broken))),
            Self::Http2(body) => Pin::new(body)
                .poll_frame(context)
                .map(|frame| frame.map(|outcome| outcome.map_err(|_cause| Broken))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Http1(body) => body.is_end_stream(),
            Self::Http2(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Http1(body) => body.size_hint(),
            Self::Http2(body) => body.size_hint(),
        }
    }
}
