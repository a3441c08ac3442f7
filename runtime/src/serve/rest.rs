//! What is left of a request body when its answer is complete.
//!
//! The next request of an HTTP/1 connection begins behind it, and an HTTP/2 client that still sends takes a
//! reset for an error (node ends its session after 250 of them). So the rest is read and thrown away: for a moment on
//! HTTP/2, as long as it keeps coming on HTTP/1. A rest that is long from the start is not read; the close is announced.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use tokio::time::{Instant, timeout_at};

use super::Incoming;
use super::request_body::BodySource;
use crate::shared::WorkerCounters;
use crate::worker::{Patience, UPLOAD, spawn_guarded};

/// The longest rest on HTTP/1 that is read so that the connection serves on; 256 KiB.
pub(super) const SHORT: u64 = 256 << 10;

/// For a stream of HTTP/2: time for the `END_STREAM` that follows a whole body.
const STREAM: Patience = Patience {
    whole: Duration::from_secs(1),
    silence: Duration::from_millis(500),
};

/// Bytes that are read on a stream of HTTP/2 before it is reset.
const STREAM_BYTES: u64 = 4 << 20;

/// A body that nobody wants any more.
#[derive(Debug)]
pub(super) enum Rest {
    /// Nothing of it was read.
    Unread(Incoming),
    /// A part of it went up.
    Source(Rc<BodySource>),
}

impl Rest {
    /// Whether there is nothing left.
    pub(super) fn has_ended(&self) -> bool {
        match self {
            Self::Unread(incoming) => incoming.is_end_stream(),
            Self::Source(source) => source.has_ended(),
        }
    }

    /// Reads it in a task of its own. Time starts now, when the answer is complete; what is left when it is over is
    /// dropped, which closes an HTTP/1 connection and resets an HTTP/2 stream with `NO_ERROR`.
    pub(super) fn read_on(self, counters: Arc<WorkerCounters>, is_http2: bool) {
        let (patience, most) = if is_http2 {
            (STREAM, STREAM_BYTES)
        } else {
            (UPLOAD, u64::MAX)
        };
        spawn_guarded(counters, async move {
            match self {
                Self::Unread(incoming) => discard(pin!(incoming), patience, most).await,
                Self::Source(source) => discard(pin!(source.rest()), patience, most).await,
            }
        });
    }
}

async fn discard<B: Body<Data = Bytes>>(mut body: Pin<&mut B>, patience: Patience, most: u64) {
    let began = Instant::now();
    let mut bytes = 0_u64;
    while bytes < most && !patience.is_exhausted(began, bytes) {
        let until = (Instant::now() + patience.silence).min(began + patience.whole);
        let frame = poll_fn(|context| body.as_mut().poll_frame(context));
        match timeout_at(until, frame).await {
            Ok(Some(Ok(frame))) => {
                let length = frame.data_ref().map_or(0, Bytes::len);
                bytes = bytes.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
            }
            Ok(None | Some(Err(_))) | Err(_) => return,
        }
    }
}
