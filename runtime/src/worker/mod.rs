//! One worker: a thread with its own runtime, sockets, connections, pools and counters.
//!
//! | file | does |
//! |---|---|
//! | `fleet` | starts the threads and speaks with them |
//! | `thread` | what one thread runs: commands, phases, the end |
//! | `accept` | takes connections off a socket, within bounds |
//! | `half_open` | counts handshakes that are under way, before a socket is closed |
//! | `connection` | from an accepted socket to a served protocol |
//! | `handshake` | the TLS half of a connection's start, and who the peer is |
//! | `refused` | why that half failed |
//! | `link` | what is known of one connection, and how it is told to end |
//! | `links` | all connections of a worker |
//! | `judge` | trust narrowed: who is still believed |
//! | `watched` | the bytes of an HTTP/1 connection as they pass: time limits and shapes hyper accepts but we refuse |
//! | `scan` | follows HTTP/1 framing in those bytes |
//! | `http2` | an HTTP/2 connection: streams, orders, the last words |
//! | `stream_task` | one HTTP/2 stream |
//! | `linger` | reads on after the last answer |
//! | `stream` | plaintext or TLS behind one type |
//! | `departed` | connections whose listener is gone |
//! | `held` | estimates how much one connection makes the proxy hold |
//! | `shed` | frees memory when it is short |
//! | `sweep` | the one timer that ends what takes too long |
//! | `spawn` | tasks that survive a panic |
//! | `view` | one snapshot with the worker's own state beside it |
//!
//! Nothing here locks or crosses a thread: state is in `Rc` and `Cell`, borrowed for a statement and never
//! across an `.await`.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::time::Instant;

mod accept;
mod connection;
mod departed;
mod fleet;
mod half_open;
mod handshake;
mod held;
mod http2;
mod judge;
mod linger;
mod link;
mod links;
mod raw_target;
mod refused;
mod scan;
mod shed;
mod spawn;
mod stream;
mod stream_task;
mod sweep;
#[cfg(test)]
mod tests;
mod thread;
mod view;
mod watched;

pub use fleet::{Change, Fleet};
pub(crate) use linger::{Patience, UPLOAD};
use link::Order;
pub(crate) use link::{Link, StreamControl, Tunnel};
pub(crate) use links::Links;
pub(crate) use spawn::spawn_guarded;
pub(crate) use stream::{Party, Stream};
pub(crate) use view::{ClusterState, RouteState, View};

use crate::http2::Abuse;
use crate::log;
use crate::shared::{AccessSink, Shared, WorkerCounters};
use crate::upstream::Pool;

/// Everything one worker owns.
pub(crate) struct Worker {
    pub(crate) shared: Arc<Shared>,
    pub(crate) counters: Arc<WorkerCounters>,
    pub(crate) sink: Box<dyn AccessSink + Send>,
    pub(crate) links: Links,
    pub(crate) pool: Pool,
    /// What connections are told when they begin: [`Order::Last`] for a worker on its way out.
    first_order: Cell<Order>,
    started: Instant,
    clock_millis: Cell<u64>,
    view: RefCell<Rc<View>>,
    /// Earlier ones that connections without a listener go on with.
    departed: RefCell<Vec<Weak<View>>>,
}

impl Worker {
    pub(crate) fn new(
        shared: Arc<Shared>,
        counters: Arc<WorkerCounters>,
        sink: Box<dyn AccessSink + Send>,
    ) -> Self {
        let view = Rc::new(View::new(shared.active.load_full()));
        Self {
            shared,
            counters,
            sink,
            links: Links::default(),
            pool: Pool::default(),
            first_order: Cell::new(Order::None),
            started: Instant::now(),
            clock_millis: Cell::new(0),
            view: RefCell::new(view),
            departed: RefCell::default(),
        }
    }

    /// The current snapshot. The same `Rc` until another one is published.
    pub(crate) fn view(&self) -> Rc<View> {
        let published = self.shared.active.load();
        if Arc::ptr_eq(&published, &self.view.borrow().active) {
            return Rc::clone(&self.view.borrow());
        }
        let view = Rc::new(View::new(Arc::clone(&published)));
        self.view.replace(Rc::clone(&view));
        view
    }

    /// Milliseconds since the worker began, as of the last sweep; for limits that need no precision.
    pub(crate) fn clock(&self) -> u64 {
        self.clock_millis.get()
    }

    /// Seconds since 1970 UTC, one second coarse.
    pub(crate) fn unix_seconds(&self) -> i64 {
        self.shared.unix_seconds.load(Ordering::Relaxed)
    }

    /// Milliseconds since the worker began, as of now; for limits that another side keeps too.
    pub(crate) fn precise_clock(&self) -> u64 {
        crate::serve::whole_millis(Instant::now().saturating_duration_since(self.started))
    }

    /// Counts that a connection is cut, and says so once a second at most.
    pub(crate) fn note_abuse(&self, link: &Link, abuse: Abuse) {
        if let Some(count) = self.counters.connections_cut.get(abuse.index()) {
            count.add(1);
        }
        let Some(left_out) = log::due(abuse.name()) else {
            return;
        };
        let peer_identity = link.identity().map(|identity| &**identity);
        tracing::warn!(
            reason = abuse.name(),
            peer = %link.peer,
            peer_identity,
            port = %link.port,
            left_out,
            "a connection is cut"
        );
    }

    fn set_clock(&self, now: Instant) -> u64 {
        let millis = crate::serve::whole_millis(now.saturating_duration_since(self.started));
        self.clock_millis.set(millis);
        millis
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Worker")
            .field("sink", &self.sink)
            .finish_non_exhaustive()
    }
}
