//! The body of a request on its way up: counted, limited, and kept for another try while it is small.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as _, Frame, SizeHint};
use tokio::time::{Instant, Sleep};

use weft_snapshot::Reason;

use super::Incoming;
use super::filters::{self, Trailers};
use super::gate::{self, Gate};
use super::incoming::Broken;
use crate::worker::{Link, StreamControl};

/// What bounds a request body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// The most bytes that are accepted; 413 beyond.
    pub(super) most: Option<u64>,
    /// The most bytes that are kept for another try; 0 keeps nothing.
    pub(super) kept: usize,
    /// The longest silence of the client; 408 after it.
    pub(super) idle: Option<Duration>,
    /// When the body must be complete, also after an early answer.
    pub(super) ends: Option<Instant>,
}

/// The body of one request, from which every try reads in turn.
#[derive(Debug)]
pub(super) struct BodySource {
    state: RefCell<BodyState>,
    bounds: Bounds,
    trailers: Trailers,
    received: Cell<u64>,
    failure: Cell<Option<Reason>>,
    turn: Cell<u32>,
    moved: Cell<Instant>,
    hold: Option<Hold>,
    link: Rc<Link>,
}

/// What a client that expects a 100 waits for.
#[derive(Debug)]
pub(super) struct Hold {
    gate: Gate,
    /// Tells the client over HTTP/2; hyper tells one of HTTP/1 when the body is read.
    control: Option<Rc<StreamControl>>,
}

impl Hold {
    pub(super) fn new(control: Option<&Rc<StreamControl>>) -> Self {
        Self {
            gate: Gate::default(),
            control: control.map(Rc::clone),
        }
    }
}

#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an independent finding"
)]
struct BodyState {
    incoming: Incoming,
    keeps: bool,
    kept: Vec<Bytes>,
    kept_bytes: usize,
    trailers: Option<HeaderMap>,
    has_ended: bool,
    timer: Option<Pin<Box<Sleep>>>,
    is_timing: bool,
    is_asked_for: bool,
}

impl BodySource {
    pub(super) fn new(
        incoming: Incoming,
        bounds: Bounds,
        hold: Option<Hold>,
        trailers: Trailers,
        link: &Rc<Link>,
    ) -> Rc<Self> {
        let state = BodyState {
            incoming,
            keeps: 0 < bounds.kept,
            kept: Vec::new(),
            kept_bytes: 0,
            trailers: None,
            has_ended: false,
            timer: None,
            is_timing: false,
            is_asked_for: false,
        };
        Rc::new(Self {
            state: RefCell::new(state),
            bounds,
            trailers,
            received: Cell::new(0),
            failure: Cell::new(None),
            turn: Cell::new(0),
            moved: Cell::new(Instant::now()),
            hold,
            link: Rc::clone(link),
        })
    }

    /// What is left when nobody wants the body any more; those of the tries end with an error.
    pub(super) fn rest(self: &Rc<Self>) -> RequestBody {
        let mut state = self.state.borrow_mut();
        if std::mem::take(&mut state.keeps) {
            self.link.held.taken(state.kept_bytes);
        }
        state.kept = Vec::new();
        // What the client sends without having been asked is read as it comes, and no 100 follows an answer.
        state.is_asked_for = true;
        drop(state);
        self.take_turn()
    }

    /// When bytes of the body went up last; the start of the request before that.
    pub(super) fn moved(&self) -> Instant {
        self.moved.get()
    }

    /// Whether it is the client that is waited for; its own limit ends that.
    pub(super) fn waits_for_client(&self) -> bool {
        self.state.borrow().is_timing
    }

    /// Whether the client still holds the body back.
    pub(super) fn is_held(&self) -> bool {
        self.hold.as_ref().is_some_and(|hold| !hold.gate.is_open())
    }

    /// The body for the next try; those of earlier tries end with an error.
    pub(super) fn take_turn(self: &Rc<Self>) -> RequestBody {
        let turn = self.turn.get().wrapping_add(1);
        self.turn.set(turn);
        RequestBody::Stream {
            source: Rc::clone(self),
            turn,
            replayed: 0,
        }
    }

    /// Whether it is longer than what is kept for another try, or could be.
    pub(super) fn outgrows_what_is_kept(&self) -> bool {
        let length = self.state.borrow().incoming.size_hint().exact();
        let kept = u64::try_from(self.bounds.kept).unwrap_or(u64::MAX);
        length.is_none_or(|length| kept < length)
    }

    /// Whether everything that was read is still there. Of a body that failed what is kept is a part: sent again it would pass
    /// for the whole.
    pub(super) fn is_replayable(&self) -> bool {
        self.failure.get().is_none() && self.state.borrow().keeps
    }

    /// Whether the client sent everything.
    pub(super) fn has_ended(&self) -> bool {
        let state = self.state.borrow();
        state.has_ended || state.incoming.is_end_stream()
    }

    pub(super) fn received(&self) -> u64 {
        self.received.get()
    }

    /// Why the body failed on the client's side, if it did.
    pub(super) fn failure(&self) -> Option<Reason> {
        self.failure.get()
    }

    fn fail(&self, error: Reason) -> Poll<Option<Result<Frame<Bytes>, IncompleteBody>>> {
        self.failure.set(Some(error));
        Poll::Ready(Some(Err(IncompleteBody)))
    }

    fn poll(
        &self,
        replayed: &mut usize,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, IncompleteBody>>> {
        let mut state = self.state.borrow_mut();
        let state = &mut *state;
        if state.keeps
            && let Some(bytes) = state.kept.get(*replayed)
        {
            *replayed += 1;
            return Poll::Ready(Some(Ok(Frame::data(bytes.clone()))));
        }
        if state.has_ended {
            let is_first = *replayed <= state.kept.len();
            *replayed = usize::MAX;
            let trailers = state.trailers.clone().filter(|_| is_first && state.keeps);
            return Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))));
        }
        if !self.may_be_asked_for(state, context) {
            return Poll::Pending;
        }
        match Pin::new(&mut state.incoming).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                state.is_timing = false;
                self.moved.set(Instant::now());
                self.frame(state, replayed, frame)
            }
            Poll::Ready(Some(Err(Broken::Malformed))) => self.fail(Reason::BadBody),
            Poll::Ready(Some(Err(Broken::Off))) => self.fail(Reason::ClientGone),
            Poll::Ready(None) => {
                state.has_ended = true;
                *replayed = usize::MAX;
                Poll::Ready(None)
            }
            Poll::Pending => match self.takes_too_long(state, context) {
                Some(error) => self.fail(error),
                None => Poll::Pending,
            },
        }
    }

    /// Waits for the upstream to ask for a body that the client holds back, but not for long.
    fn may_be_asked_for(&self, state: &mut BodyState, context: &mut Context<'_>) -> bool {
        let Some(hold) = self.hold.as_ref().filter(|_| !state.is_asked_for) else {
            return true;
        };
        if !hold.gate.is_open_or_tell(context.waker()) {
            let timer = state
                .timer
                .get_or_insert_with(|| Box::pin(tokio::time::sleep(gate::PATIENCE)));
            if timer.as_mut().poll(context).is_pending() {
                return false;
            }
            hold.gate.open();
        }
        state.is_asked_for = true;
        if let Some(control) = &hold.control {
            control.want_continue();
        }
        true
    }

    fn frame(
        &self,
        state: &mut BodyState,
        replayed: &mut usize,
        frame: Frame<Bytes>,
    ) -> Poll<Option<Result<Frame<Bytes>, IncompleteBody>>> {
        let frame = match frame.into_trailers() {
            Err(other) => other,
            Ok(trailers) if trailers.keys().any(filters::is_framing) => {
                return self.fail(Reason::BadBody);
            }
            Ok(mut trailers) => {
                filters::trailers(&self.trailers, &mut trailers);
                state.has_ended = true;
                *replayed = usize::MAX;
                if trailers.is_empty() {
                    return Poll::Ready(None);
                }
                state.trailers = Some(trailers.clone());
                return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
            }
        };
        let Some(bytes) = frame.data_ref() else {
            return Poll::Ready(Some(Ok(frame)));
        };
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let received = self.received.get().saturating_add(length);
        self.received.set(received);
        if self.bounds.most.is_some_and(|most| most < received) {
            return self.fail(Reason::BodyTooLarge);
        }
        if state.keeps {
            state.kept_bytes = state.kept_bytes.saturating_add(bytes.len());
            if self.bounds.kept < state.kept_bytes {
                state.keeps = false;
                state.kept = Vec::new();
                self.link.held.taken(state.kept_bytes);
            } else {
                state.kept.push(bytes.clone());
                *replayed += 1;
            }
        } else {
            self.link.held.taken(bytes.len());
        }
        Poll::Ready(Some(Ok(frame)))
    }

    /// Why the client is not waited for any longer, when it is not.
    fn takes_too_long(&self, state: &mut BodyState, context: &mut Context<'_>) -> Option<Reason> {
        let Bounds { idle, ends, .. } = self.bounds;
        if !state.is_timing {
            let silence_ends = idle.and_then(|idle| Instant::now().checked_add(idle));
            let until = [silence_ends, ends].into_iter().flatten().min()?;
            state.is_timing = true;
            match &mut state.timer {
                Some(timer) => timer.as_mut().reset(until),
                None => state.timer = Some(Box::pin(tokio::time::sleep_until(until))),
            }
        }
        let timer = state.timer.as_mut()?;
        if timer.as_mut().poll(context).is_pending() {
            return None;
        }
        Some(match ends {
            Some(ends) if ends <= Instant::now() => Reason::RequestTimeout,
            Some(_) | None => Reason::BodyTimeout,
        })
    }
}

impl Drop for BodySource {
    fn drop(&mut self) {
        let state = self.state.get_mut();
        if state.keeps {
            self.link.held.taken(state.kept_bytes);
        }
    }
}

/// The body ended early; [`BodySource::failure`] says why.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the request body ended early")]
pub(crate) struct IncompleteBody;

/// The body of one try.
#[derive(Debug)]
#[expect(
    private_interfaces,
    reason = "only this module makes and looks into sources"
)]
pub(crate) enum RequestBody {
    Empty,
    Stream {
        source: Rc<BodySource>,
        turn: u32,
        replayed: usize,
    },
}

impl RequestBody {
    /// What holds it back, when the client expects to be asked for it.
    pub(crate) fn gate(&self) -> Option<Gate> {
        match self {
            Self::Empty => None,
            Self::Stream { source, .. } => source.hold.as_ref().map(|hold| hold.gate.clone()),
        }
    }
}

impl http_body::Body for RequestBody {
    type Data = Bytes;
    type Error = IncompleteBody;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, IncompleteBody>>> {
        match self.get_mut() {
            Self::Empty => Poll::Ready(None),
            Self::Stream {
                source,
                turn,
                replayed: _,
            } if source.turn.get() != *turn => Poll::Ready(Some(Err(IncompleteBody))),
            Self::Stream {
                source,
                turn: _,
                replayed,
            } => source.poll(replayed, context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Stream {
                source,
                turn: _,
                replayed,
            } => {
                let state = source.state.borrow();
                let is_replayed = !state.keeps || state.kept.len() <= *replayed;
                let has_trailers = state.trailers.is_some() && *replayed != usize::MAX;
                is_replayed && !has_trailers && (state.has_ended || state.incoming.is_end_stream())
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Stream {
                source,
                turn: _,
                replayed,
            } => {
                let state = source.state.borrow();
                let kept = state
                    .kept
                    .iter()
                    .skip(*replayed)
                    .map(Bytes::len)
                    .sum::<usize>();
                let kept = u64::try_from(kept).unwrap_or(u64::MAX);
                let rest = state.incoming.size_hint();
                let mut hint = SizeHint::new();
                if let Some(upper) = rest.upper() {
                    hint.set_upper(upper.saturating_add(kept));
                }
                hint.set_lower(rest.lower().saturating_add(kept));
                hint
            }
        }
    }
}
