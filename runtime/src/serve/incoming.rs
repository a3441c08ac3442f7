//! A body that comes in, whichever version of HTTP brings it: of a request or of a response.

use std::io;
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
pub(crate) enum Broken {
    /// What came breaks the rules of its framing.
    #[error("the body is malformed")]
    Malformed,
    /// The peer left, or took the message back.
    #[error("the body was broken off")]
    Off,
}

impl Broken {
    fn of_http1(error: &hyper::Error) -> Self {
        let cause = std::error::Error::source(error);
        let cause = cause.and_then(|cause| cause.downcast_ref::<io::Error>());
        let is_malformed = cause.is_some_and(|cause| {
            matches!(
                cause.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData
            )
        });
        if is_malformed {
            Self::Malformed
        } else {
            Self::Off
        }
    }

    /// What `h2` ends a stream for itself is a fault of the peer.
    fn of_http2(error: &h2::Error) -> Self {
        if error.is_library() {
            Self::Malformed
        } else {
            Self::Off
        }
    }
}

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
                .map(|frame| frame.map(|outcome| outcome.map_err(|it| Broken::of_http1(&it)))),
            Self::Http2(body) => Pin::new(body)
                .poll_frame(context)
                .map(|frame| frame.map(|outcome| outcome.map_err(|it| Broken::of_http2(&it)))),
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
