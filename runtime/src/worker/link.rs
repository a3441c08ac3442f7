//! What is known of one downstream connection, and how it is told to end.

use std::cell::{Cell, OnceCell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;

use http::HeaderValue;
use http::uri::Authority;
use tokio::sync::oneshot;

use super::held::Held;
use super::stream::Look;
use super::{Stream, View, Worker, shed};
use crate::http2::Abuse;
use crate::identity::Shown;

/// The longest silence while writing before a route says otherwise.
const WRITE_IDLE_MILLIS: u64 = 60_000;

/// How long a peer may take to close a connection that it was asked to close and that has nothing running.
const GOODBYE_MILLIS: u64 = 5_000;

/// What a connection is told to do.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Order {
    /// Go on.
    #[default]
    None,
    /// The next answer is the last one: HTTP/1 says `Connection: close` with it, HTTP/2 says GOAWAY. Nothing
    /// is closed that is idle. For a proxy on its way out, for connections that are old, and for those without a request
    /// so far whose listener is gone.
    Last,
    /// Finish what runs, then close; an idle HTTP/1 connection closes now, unless bytes have come. For
    /// connections that are idle for too long, forbidden by a new snapshot, or left at the end of a drain.
    Drain,
    /// The head of a request took too long: say 408 and close.
    HeadTimeout,
    /// The peer asked for more than it may: say so and close (HTTP/2 only).
    Calm,
    /// Close now.
    Cut,
}

/// Where a connection stands, for its time limits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Stage {
    /// Not yet speaking HTTP: TLS, or the rest of a preface.
    Opening,
    /// Plaintext of which no byte has come.
    Silent,
    /// Waiting for a request.
    Idle,
    /// In the middle of a request head.
    Head,
    /// Serving.
    Busy,
}

/// Who a peer was found to be, and by which certificates.
struct PeerIdentity {
    identity: Arc<str>,
    shown: Shown,
}

/// An upstream connection that said 101, with the bytes read beyond it.
pub(crate) type Tunnel = (Stream, bytes::Bytes);

/// One downstream connection.
pub(crate) struct Link {
    pub(crate) worker: Rc<Worker>,
    /// The address that the connection came to.
    pub(crate) port: SocketAddr,
    /// Where it came from.
    pub(crate) peer: SocketAddr,
    /// Whether it speaks TLS.
    pub(crate) encrypted: Cell<bool>,
    /// The name that a TLS client asked for.
    pub(crate) server_name: OnceCell<String>,
    /// Set when the connection must close after the response, e.g. because a body is left unread.
    pub(crate) leaves_unread: Cell<bool>,
    /// Where the upstream half of an upgrade will come from.
    pub(crate) tunnel: RefCell<Option<oneshot::Receiver<Tunnel>>>,
    /// The longest silence while writing, in milliseconds; 0 means no limit.
    pub(crate) write_idle_millis: Cell<u64>,
    /// The streams whose response is being sent (HTTP/2 only).
    pub(crate) streams: RefCell<Vec<Rc<StreamControl>>>,
    peer_identity: OnceCell<PeerIdentity>,
    /// What decides its requests, once no listener is left at its address.
    pub(super) last: OnceCell<Rc<View>>,
    /// Whether a request began so far.
    pub(super) has_begun: Cell<bool>,
    /// What it makes the proxy hold.
    pub(crate) held: Held,
    shed: Cell<bool>,
    address_header: OnceCell<HeaderValue>,
    authority: RefCell<Option<Authority>>,
    /// Whether the peer can be told at any time that the connection ends (HTTP/2 only).
    pub(super) has_goaway: Cell<bool>,
    pub(super) look: Cell<Look>,
    order: Cell<Order>,
    told: Cell<Order>,
    waker: RefCell<Option<Waker>>,
    stage: Cell<Stage>,
    since: Cell<u64>,
    write_stalled_since: Cell<Option<u64>>,
    /// Streams that were handed to us (HTTP/2 only).
    pub(crate) accepted: Cell<u64>,
    /// Requests refused for the size of their heads.
    pub(crate) faults: Cell<u64>,
    unfinished_since: Cell<Option<u64>>,
    drained_at: Cell<Option<u64>>,
    old_at: u64,
    /// Tells it from all others of its worker.
    pub(super) number: u64,
    running: Cell<u32>,
    in_head: Cell<bool>,
}

impl Link {
    pub(super) fn open(worker: &Rc<Worker>, port: SocketAddr, peer: SocketAddr) -> Rc<Self> {
        let now = worker.clock();
        let age = crate::serve::whole_millis(worker.shared.limits.connection_age);
        let jitter = fastrand::u64(0..=(age / 10));
        let link = Rc::new(Self {
            worker: Rc::clone(worker),
            port,
            peer,
            encrypted: Cell::new(false),
            server_name: OnceCell::new(),
            leaves_unread: Cell::new(false),
            tunnel: RefCell::new(None),
            write_idle_millis: Cell::new(WRITE_IDLE_MILLIS),
            streams: RefCell::new(Vec::new()),
            peer_identity: OnceCell::new(),
            last: OnceCell::new(),
            has_begun: Cell::new(false),
            held: Held::default(),
            shed: Cell::new(false),
            address_header: OnceCell::new(),
            authority: RefCell::new(None),
            has_goaway: Cell::new(false),
            look: Cell::new(Look::Unasked),
            order: Cell::new(worker.first_order.get()),
            told: Cell::new(Order::None),
            waker: RefCell::new(None),
            stage: Cell::new(Stage::Opening),
            since: Cell::new(now),
            write_stalled_since: Cell::new(None),
            accepted: Cell::new(0),
            faults: Cell::new(0),
            unfinished_since: Cell::new(None),
            drained_at: Cell::new(None),
            old_at: now.saturating_add(age).saturating_sub(jitter),
            number: worker.links.next_number(),
            running: Cell::new(0),
            in_head: Cell::new(false),
        });
        worker.links.add(&link);
        link
    }

    /// The verified identity of the peer.
    pub(crate) fn identity(&self) -> Option<&Arc<str>> {
        self.peer_identity.get().map(|peer| &peer.identity)
    }

    pub(super) fn set_identity(&self, identity: Arc<str>, shown: Shown) {
        // Set once, right after the handshake.
        let _already = self.peer_identity.set(PeerIdentity { identity, shown });
    }

    /// What the peer was believed for; none where it has no verified identity.
    pub(super) fn shown(&self) -> Option<&Shown> {
        self.peer_identity.get().map(|peer| &peer.shown)
    }

    /// The peer's address as a header value, made once per connection.
    pub(crate) fn address_header(&self) -> HeaderValue {
        let make = || {
            let text = self.peer.ip().to_canonical().to_string();
            HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("unknown"))
        };
        self.address_header.get_or_init(make).clone()
    }

    /// `host` as an authority; kept, because the requests of a connection mostly name one host.
    pub(crate) fn authority(&self, host: &str) -> Option<Authority> {
        let mut kept = self.authority.borrow_mut();
        if let Some(authority) = kept.as_ref().filter(|authority| authority.as_str() == host) {
            return Some(authority.clone());
        }
        let authority = Authority::try_from(host).ok()?;
        *kept = Some(authority.clone());
        Some(authority)
    }

    /// Gives an order; a weaker one never replaces a stronger one.
    pub(crate) fn order(&self, order: Order) {
        if order <= self.order.get() {
            return;
        }
        self.order.set(order);
        if let Some(waker) = self.waker.borrow().as_ref() {
            waker.wake_by_ref();
        }
    }

    /// The order that stands; [`Order::Last`] and [`Order::Drain`] are handed out once.
    pub(super) fn obey(&self, waker: &Waker) -> Order {
        match self.standing(waker) {
            order @ (Order::Last | Order::Drain) if self.told.replace(order) == order => {
                Order::None
            }
            order @ (Order::None
            | Order::Last
            | Order::Drain
            | Order::HeadTimeout
            | Order::Calm
            | Order::Cut) => order,
        }
    }

    /// The order that stands; `waker` is told when there is another one.
    pub(super) fn standing(&self, waker: &Waker) -> Order {
        let mut kept = self.waker.borrow_mut();
        if !kept.as_ref().is_some_and(|kept| kept.will_wake(waker)) {
            *kept = Some(waker.clone());
        }
        self.order.get()
    }

    /// Whether the connection is to close as soon as it is idle.
    pub(super) fn closes_when_idle(&self) -> bool {
        self.order.get() == Order::Drain
    }

    /// Whether nothing runs, nothing is left to write, and no request has begun.
    pub(super) fn is_idle(&self) -> bool {
        self.stage.get() == Stage::Idle && self.write_stalled_since.get().is_none()
    }

    /// Whether it is still being opened, so that closing it would take away what is under way.
    pub(super) fn is_opening(&self) -> bool {
        self.stage.get() == Stage::Opening
    }

    /// Whether the connection is to end now; `waker` is told when it is.
    pub(crate) fn is_cut(&self, waker: &Waker) -> bool {
        self.standing(waker) == Order::Cut
    }

    /// Whether the connection was told to end now.
    pub(crate) fn is_to_be_cut(&self) -> bool {
        self.order.get() == Order::Cut
    }

    /// Whether the connection is to close after what runs.
    pub(crate) fn is_draining(&self) -> bool {
        self.order.get() != Order::None
    }

    pub(super) fn enter(&self, stage: Stage) {
        if self.stage.replace(stage) != stage {
            self.since.set(self.worker.clock());
        }
    }

    /// A request begins.
    pub(crate) fn begin(&self) {
        self.has_begun.set(true);
        self.running.set(self.running.get().saturating_add(1));
        self.enter(Stage::Busy);
    }

    /// A request ended; without others the connection is idle.
    pub(crate) fn end(&self) {
        let running = self.running.get().saturating_sub(1);
        self.running.set(running);
        if running == 0 {
            self.held.nothing();
        }
        if running == 0 && self.stage.get() == Stage::Busy {
            self.enter(if self.in_head.get() {
                Stage::Head
            } else {
                Stage::Idle
            });
        }
    }

    /// HTTP/1 bytes were read. The head of a next request that comes while one is served is not waited for yet.
    pub(super) fn read(&self, in_head: bool) {
        self.in_head.set(in_head);
        if in_head && self.running.get() == 0 {
            self.enter(Stage::Head);
        }
    }

    /// The peer began something that blocks all else, or finished it (HTTP/2 only).
    pub(crate) fn note_unfinished(&self, is_unfinished: bool) {
        let since = self.unfinished_since.get();
        let since = is_unfinished.then(|| since.unwrap_or(self.worker.clock()));
        self.unfinished_since.set(since);
    }

    /// A request was refused for the size of its head, after that was decoded at our cost: on HTTP/2 it counts like a stream that
    /// broke the protocol.
    pub(crate) fn note_fault(&self) {
        self.faults.set(self.faults.get().saturating_add(1));
    }

    /// The peer asked for more than it may: it is told and the connection closed, counted by reason.
    pub(crate) fn abused(&self, abuse: Abuse) {
        self.worker.note_abuse(self, abuse);
        self.order(Order::Calm);
    }

    /// A request ends before its bodies did.
    pub(crate) fn ends_early(&self) {
        self.held.ended_early(self.running.get());
    }

    /// It is cut because memory is short.
    pub(super) fn shed(&self) {
        self.shed.set(true);
    }

    /// Whether it is cut because memory is short.
    pub(crate) fn is_shed(&self) -> bool {
        self.shed.get()
    }

    pub(crate) fn wrote(&self) {
        self.write_stalled_since.set(None);
    }

    pub(crate) fn write_stalls(&self) {
        if self.write_stalled_since.get().is_none() {
            self.write_stalled_since.set(Some(self.worker.clock()));
        }
    }

    /// Ends what takes too long. Called by the sweep with the clock's `now`.
    pub(super) fn inspect(&self, now: u64) {
        let limits = &self.worker.shared.limits;
        let waited = now.saturating_sub(self.since.get());
        let exceeds = |limit| crate::serve::whole_millis(limit) < waited;
        match self.stage.get() {
            Stage::Opening if exceeds(limits.handshake) => self.order(Order::Cut),
            Stage::Head if exceeds(limits.head_time) => self.order(Order::HeadTimeout),
            Stage::Silent if exceeds(limits.handshake) => self.order(Order::Drain),
            Stage::Idle if exceeds(shed::keep_alive(&self.worker)) => self.order(Order::Drain),
            Stage::Opening | Stage::Silent | Stage::Head | Stage::Idle | Stage::Busy => {}
        }
        if self.old_at < now {
            self.order(Order::Last);
        }
        let head_began = self.unfinished_since.get();
        let head_took = head_began.map(|since| now.saturating_sub(since));
        if head_took.is_some_and(|took| crate::serve::whole_millis(limits.head_time) < took)
            && self.order.get() < Order::Calm
        {
            self.abused(Abuse::HeadTimeout);
        }
        self.end_goodbye(now);
        let stalled = self
            .write_stalled_since
            .get()
            .map(|since| now.saturating_sub(since));
        let bound = self.write_idle_millis.get();
        if stalled.is_some_and(|stalled| 0 < bound && bound < stalled) {
            self.order(Order::Cut);
        }
        self.streams
            .borrow_mut()
            .retain(|stream| !stream.inspect(now));
    }
}

impl Link {
    /// Closes a connection that was asked to close, has nothing running and does not go. Time starts when it
    /// was told, or when its last request ended; it ends with a close from our side.
    fn end_goodbye(&self, now: u64) {
        let is_asked = match self.order.get() {
            Order::None => false,
            // Without GOAWAY it is told with its next answer.
            Order::Last => self.has_goaway.get(),
            Order::Drain | Order::HeadTimeout | Order::Calm | Order::Cut => true,
        };
        if !is_asked || matches!(self.stage.get(), Stage::Opening | Stage::Silent) {
            return;
        }
        let told = self.drained_at.get().unwrap_or(now);
        self.drained_at.set(Some(told));
        let is_idle = self.running.get() == 0 && self.tunnel.borrow().is_none();
        let waited = now.saturating_sub(told.max(self.since.get()));
        if is_idle && self.stage.get() != Stage::Busy && GOODBYE_MILLIS < waited {
            self.order(Order::Cut);
        }
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Link")
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

/// Cuts the task of one HTTP/2 stream from outside.
#[derive(Debug, Default)]
pub(crate) struct StreamControl {
    cut: Cell<bool>,
    done: Cell<bool>,
    /// When the stream is cut, on the worker's clock; 0 means never.
    deadline: Cell<u64>,
    /// The longest silence in milliseconds; 0 means no limit.
    idle: Cell<u64>,
    moved: Cell<u64>,
    wants_continue: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl StreamControl {
    /// The body is wanted: the client that waits for a 100 is to get it.
    pub(crate) fn want_continue(&self) {
        self.wants_continue.set(true);
        if let Some(waker) = self.waker.borrow().as_ref() {
            waker.wake_by_ref();
        }
    }

    /// Whether a 100 is to be sent now; said once.
    pub(super) fn takes_continue(&self) -> bool {
        self.wants_continue.take()
    }

    /// Sets the limits in milliseconds from `now`.
    pub(crate) fn limit(&self, now: u64, deadline: Option<u64>, idle: Option<u64>) {
        self.deadline
            .set(deadline.map_or(0, |millis| now.saturating_add(millis).max(1)));
        self.idle.set(idle.unwrap_or(0));
        self.moved.set(now);
    }

    /// The response moved on.
    pub(crate) fn moved(&self, now: u64) {
        self.moved.set(now);
    }

    /// The response is complete.
    pub(crate) fn finish(&self) {
        self.done.set(true);
    }

    pub(super) fn is_cut(&self, waker: &Waker) -> bool {
        let mut kept = self.waker.borrow_mut();
        if !kept.as_ref().is_some_and(|kept| kept.will_wake(waker)) {
            *kept = Some(waker.clone());
        }
        self.cut.get()
    }

    /// Cuts the stream when a limit passed. Returns whether it needs no more inspection.
    fn inspect(&self, now: u64) -> bool {
        if self.done.get() {
            return true;
        }
        // The body watches both limits itself while it is asked; half a second later nobody asks.
        let late = now.saturating_sub(500);
        let overdue = 0 < self.deadline.get() && self.deadline.get() < late;
        let bound = self.idle.get();
        let silent = 0 < bound && bound < late.saturating_sub(self.moved.get());
        if overdue || silent {
            self.cut.set(true);
            if let Some(waker) = self.waker.borrow().as_ref() {
                waker.wake_by_ref();
            }
        }
        overdue || silent
    }
}
