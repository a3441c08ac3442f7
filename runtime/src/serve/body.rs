//! The body of a response on its way down: counted, limited, never collected.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep};

use weft_snapshot::Reason;

use super::Incoming;
use super::filters::{self, Trailers};
use super::meter::Meter;
use crate::upstream::Lease;
use crate::worker::StreamControl;

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// Where the bytes come from.
#[derive(Debug)]
pub(super) enum Content {
    Empty,
    Whole(Bytes),
    Upstream(Box<FromUpstream>),
    /// The upstream's response broke off, which the client is to see next.
    Failed(BodyError),
}

/// A response that is still being read.
#[derive(Debug)]
pub(super) struct FromUpstream {
    pub(super) incoming: Incoming,
    pub(super) lease: Option<Lease>,
    /// When the response must be complete.
    pub(super) deadline: Option<Instant>,
    /// The longest silence.
    pub(super) idle: Option<Duration>,
    /// What becomes of its trailers.
    pub(super) trailers: Trailers,
    timer: Option<Pin<Box<Sleep>>>,
    is_timing: bool,
    control: Option<Rc<StreamControl>>,
}

impl FromUpstream {
    pub(super) fn new(
        incoming: Incoming,
        lease: Option<Lease>,
        deadline: Option<Instant>,
        idle: Option<Duration>,
    ) -> Self {
        Self {
            incoming,
            lease,
            deadline,
            idle,
            trailers: Trailers::Dropped,
            timer: None,
            is_timing: false,
            control: None,
        }
    }

    /// A frame as the client sees it.
    fn filtered(&self, frame: Frame<Bytes>) -> Frame<Bytes> {
        match frame.into_trailers() {
            Err(other) => other,
            Ok(mut trailers) => {
                filters::trailers(&self.trailers, &mut trailers);
                Frame::trailers(trailers)
            }
        }
    }

    /// Starts to wait, or goes on waiting. Returns why the wait is over when it is.
    fn wait(&mut self, context: &mut Context<'_>) -> Option<BodyError> {
        if !self.is_timing {
            self.is_timing = true;
            let silence_ends = self.idle.and_then(|idle| Instant::now().checked_add(idle));
            let ends = match (self.deadline, silence_ends) {
                (Some(deadline), Some(silence)) => Some(deadline.min(silence)),
                (one, other) => one.or(other),
            };
            match (&mut self.timer, ends) {
                (Some(timer), Some(ends)) => timer.as_mut().reset(ends),
                (timer, ends) => {
                    *timer = ends.map(|ends| Box::pin(tokio::time::sleep_until(ends)));
                }
            }
        }
        let timer = self.timer.as_mut()?;
        if timer.as_mut().poll(context).is_pending() {
            return None;
        }
        let is_deadline = self
            .deadline
            .is_some_and(|deadline| deadline <= Instant::now());
        Some(if is_deadline {
            BodyError::Deadline
        } else {
            BodyError::Idle
        })
    }
}

/// Why a response was cut.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("the response took too long")]
    Deadline,
    #[error("the upstream fell silent")]
    Idle,
    #[error("the upstream broke off")]
    Broken,
}

impl BodyError {
    fn reason(self) -> Reason {
        match self {
            Self::Deadline => Reason::RequestTimeout,
            Self::Idle => Reason::IdleTimeout,
            Self::Broken => Reason::UpstreamReset,
        }
    }

    /// The end of a gRPC call that had begun to answer.
    fn grpc_trailers(self) -> HeaderMap {
        let reason = self.reason();
        let status = reason.grpc_status().number();
        HeaderMap::from_iter([
            (GRPC_STATUS, HeaderValue::from_static(status)),
            (GRPC_MESSAGE, HeaderValue::from_static(reason.name())),
        ])
    }
}

/// The body of a response.
#[derive(Debug)]
pub(crate) struct Body {
    content: Content,
    meter: Box<Meter>,
}

impl Body {
    pub(super) fn new(mut content: Content, meter: Box<Meter>) -> Self {
        if let Content::Upstream(upstream) = &mut content {
            let link = meter.link();
            let idle = upstream.idle.map(super::whole_millis);
            link.write_idle_millis.set(idle.unwrap_or(0));
            if let Some(control) = meter.control() {
                let left = upstream.deadline.map(|deadline| {
                    super::whole_millis(deadline.saturating_duration_since(Instant::now()))
                });
                control.limit(link.worker.clock(), left, idle);
                link.streams.borrow_mut().push(Rc::clone(control));
                upstream.control = Some(Rc::clone(control));
            }
        }
        Self { content, meter }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let upstream = match &mut this.content {
            Content::Empty => return Poll::Ready(None),
            Content::Whole(bytes) => {
                let bytes = std::mem::take(bytes);
                this.content = Content::Empty;
                this.meter.sent = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            Content::Failed(failed) => {
                let failed = *failed;
                this.content = Content::Empty;
                return Poll::Ready(Some(Err(failed)));
            }
            Content::Upstream(upstream) => upstream,
        };
        let failed = match Pin::new(&mut upstream.incoming).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                upstream.is_timing = false;
                if let Some(control) = &upstream.control {
                    control.moved(this.meter.link().worker.clock());
                }
                if let Some(trailers) = frame.trailers_ref() {
                    this.meter.note_grpc_status(trailers);
                }
                let length = frame.data_ref().map_or(0, Bytes::len);
                let length = u64::try_from(length).unwrap_or(u64::MAX);
                this.meter.sent = this.meter.sent.saturating_add(length);
                let held = &this.meter.link().held;
                held.queued(frame.data_ref().map_or(0, Bytes::len));
                return Poll::Ready(Some(Ok(upstream.filtered(frame))));
            }
            Poll::Ready(None) => {
                this.content.complete(&this.meter);
                return Poll::Ready(None);
            }
            Poll::Ready(Some(Err(_broken))) => BodyError::Broken,
            Poll::Pending => match upstream.wait(context) {
                None => return Poll::Pending,
                Some(error) => error,
            },
        };
        this.meter.reason = Some(failed.reason());
        this.content.abandon();
        if this.meter.is_grpc && this.meter.is_http2() {
            // A reset would reach the caller as INTERNAL; the status says what happened.
            let trailers = failed.grpc_trailers();
            this.meter.note_grpc_status(&trailers);
            return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
        }
        this.content = Content::Failed(failed);
        // hyper closes without a byte of what it holds when a body fails. Asked once more, it has sent that first: the
        // client sees the head, and that the rest was cut.
        context.waker().wake_by_ref();
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Empty => true,
            Content::Whole(bytes) => bytes.is_empty(),
            Content::Failed(_) => false,
            Content::Upstream(upstream) => upstream.incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Empty => SizeHint::with_exact(0),
            Content::Whole(bytes) => {
                SizeHint::with_exact(u64::try_from(bytes.len()).unwrap_or(u64::MAX))
            }
            Content::Failed(_) => SizeHint::default(),
            Content::Upstream(upstream) => upstream.incoming.size_hint(),
        }
    }
}

impl Content {
    /// How long it is, where that is known before its end.
    pub(super) fn length(&self) -> Option<u64> {
        match self {
            Self::Empty => Some(0),
            Self::Whole(bytes) => Some(u64::try_from(bytes.len()).unwrap_or(u64::MAX)),
            Self::Failed(_) => None,
            Self::Upstream(upstream) => http_body::Body::size_hint(&upstream.incoming).exact(),
        }
    }

    /// Everything was read: the connection serves others.
    fn complete(&mut self, meter: &Meter) {
        if let Self::Upstream(upstream) = self {
            if let Some(control) = upstream.control.take() {
                control.finish();
            }
            if let Some(lease) = upstream.lease.take() {
                lease.give_back(&meter.link().worker);
            }
        }
        *self = Self::Empty;
    }

    /// The rest is not wanted: dropping the lease closes the connection or resets the stream.
    fn abandon(&mut self) {
        if let Self::Upstream(upstream) = self
            && let Some(control) = upstream.control.take()
        {
            control.finish();
        }
        *self = Self::Empty;
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        // hyper drops a body that says it is at its end instead of asking once more.
        let is_at_end = match &self.content {
            Content::Empty | Content::Whole(_) | Content::Failed(_) => true,
            Content::Upstream(upstream) => http_body::Body::is_end_stream(&upstream.incoming),
        };
        if is_at_end {
            self.content.complete(&self.meter);
        } else {
            self.meter.reason.get_or_insert(Reason::ClientGone);
            self.content.abandon();
        }
    }
}
