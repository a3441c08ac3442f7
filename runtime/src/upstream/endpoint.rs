//! One address with its connections. What is kept here survives snapshots.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::Notify;
use tokio::task::AbortHandle;
use weft_snapshot::settings::UpstreamProtocol;

use super::Security;
use super::connecting::Connecting;
use super::gauge::Gauge;
use super::http2::SharedConnection;
use crate::identity::{Identity, Shown, Side};
use crate::serve::RequestBody;
use crate::shared::WorkerCounters;
use crate::worker::Party;

/// For how long an endpoint that refused a connection is passed over, in milliseconds.
const AVOIDED_MILLIS: u64 = 1_000;

/// A connection to an HTTP/1.1 upstream.
#[derive(Debug)]
pub(crate) struct Exclusive {
    pub(super) sender: hyper::client::conn::http1::SendRequest<RequestBody>,
    pub(super) gauge: Rc<Gauge>,
    pub(super) party: Option<Rc<Party>>,
    pub(super) task: AbortHandle,
    /// How long it is kept when it is idle, in milliseconds; 0 keeps it for no other request.
    pub(super) kept_millis: u64,
    /// Whether other requests went before the present one.
    pub(super) was_idle: bool,
}

impl Exclusive {
    fn kept(mut self) -> Self {
        self.was_idle = true;
        self
    }
}

impl Drop for Exclusive {
    fn drop(&mut self) {
        // hyper would go on with what was begun, e.g. with a body that the upstream takes no more.
        self.task.abort();
    }
}

/// A connection that waits for its next request.
#[derive(Debug)]
pub(super) struct Idle {
    connection: Exclusive,
    since: u64,
}

impl Idle {
    /// Each connection has its own time: services that share an endpoint may differ, and so do the upstream's answers.
    fn is_over(&self, now: u64) -> bool {
        self.connection.kept_millis < self.age(now)
    }

    fn age(&self, now: u64) -> u64 {
        now.saturating_sub(self.since)
    }
}

/// One address, as it is spoken to and authenticated.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) address: SocketAddr,
    pub(crate) protocol: UpstreamProtocol,
    security: RefCell<Security>,
    pub(super) idle: RefCell<Vec<Idle>>,
    pub(super) shared: RefCell<Vec<Rc<SharedConnection>>>,
    pub(super) connecting: RefCell<Option<Connecting>>,
    pub(super) open: Cell<usize>,
    /// Told when a connection came, went or became idle.
    pub(super) changed: Notify,
    avoided_until: Cell<u64>,
}

impl Endpoint {
    pub(super) fn new(address: SocketAddr, protocol: UpstreamProtocol, security: Security) -> Self {
        Self {
            address,
            protocol,
            security: RefCell::new(security),
            idle: RefCell::new(Vec::new()),
            shared: RefCell::new(Vec::new()),
            connecting: RefCell::new(None),
            open: Cell::new(0),
            changed: Notify::new(),
            avoided_until: Cell::new(0),
        }
    }

    /// How new connections are authenticated.
    pub(super) fn security(&self) -> Security {
        self.security.borrow().clone()
    }

    /// Takes what new connections are authenticated with from now on, and keeps those that `own` believes.
    pub(super) fn renew(&self, security: Security, own: &Identity) {
        if self.security.borrow().has_config_of(&security) {
            return;
        }
        self.retain(|shown| own.judge_again(shown, Side::Server).is_ok());
        self.security.replace(security);
    }

    /// Whether the peer must have an identity.
    pub(super) fn is_identified(&self) -> bool {
        self.security.borrow().has_identity()
    }

    /// Keeps nothing for new requests of what `is_believed` refuses. Running requests finish.
    pub(crate) fn retain(&self, mut is_believed: impl FnMut(&Shown) -> bool) {
        let mut stays = |party: &Option<Rc<Party>>| {
            let shown = party.as_ref().and_then(|party| party.shown());
            shown.is_none_or(&mut is_believed)
        };
        self.idle
            .borrow_mut()
            .retain(|one| stays(&one.connection.party));
        self.shared
            .borrow_mut()
            .retain(|shared| stays(&shared.party));
    }

    /// Whether a connection was refused a moment ago.
    pub(crate) fn is_avoided(&self, now: u64) -> bool {
        now < self.avoided_until.get()
    }

    pub(super) fn avoid(&self, now: u64) {
        self.avoided_until.set(now.saturating_add(AVOIDED_MILLIS));
    }

    pub(super) fn forgive(&self) {
        self.avoided_until.set(0);
    }

    /// The connection that was used last and is ready, if that is at most `longest` milliseconds ago; those closed or beyond
    /// their time are dropped on the way.
    pub(super) fn take_idle(&self, now: u64, longest: u64) -> Option<Exclusive> {
        let mut idle = self.idle.borrow_mut();
        let mut position = idle.len();
        while let Some(last) = position.checked_sub(1) {
            position = last;
            let one = idle.get(last)?;
            if one.connection.sender.is_closed() || one.is_over(now) {
                drop(idle.remove(last));
            } else if longest < one.age(now) {
                return None;
            } else if one.connection.sender.is_ready() {
                return Some(idle.remove(last).connection);
            }
        }
        None
    }

    /// Keeps a connection for the next request, unless it is closed, has no time, or enough are kept.
    pub(super) fn keep(&self, connection: Exclusive, most: usize, now: u64) {
        let mut idle = self.idle.borrow_mut();
        let is_open = !connection.sender.is_closed() && !connection.gauge.is_deaf();
        let is_wanted = is_open && 0 < connection.kept_millis;
        if is_wanted && idle.len() < most {
            idle.push(Idle {
                connection: connection.kept(),
                since: now,
            });
        }
        drop(idle);
        self.changed.notify_one();
    }

    /// Drops connections that were idle for longer than their time.
    pub(super) fn sweep(&self, now: u64) {
        let mut idle = self.idle.borrow_mut();
        idle.retain(|one| !one.connection.sender.is_closed() && !one.is_over(now));
        self.shared
            .borrow_mut()
            .retain(|shared| shared.is_wanted(now));
    }

    pub(super) fn is_unused(&self) -> bool {
        self.open.get() == 0 && self.connecting.borrow().is_none()
    }
}

/// Counts a connection as open while it lives.
#[derive(Debug)]
pub(super) struct OpenConnection {
    endpoint: Rc<Endpoint>,
    counters: Arc<WorkerCounters>,
}

impl OpenConnection {
    pub(super) fn new(endpoint: &Rc<Endpoint>, counters: &Arc<WorkerCounters>) -> Self {
        endpoint.open.set(endpoint.open.get().saturating_add(1));
        counters.upstream_open.add(1);
        Self {
            endpoint: Rc::clone(endpoint),
            counters: Arc::clone(counters),
        }
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.endpoint
            .open
            .set(self.endpoint.open.get().saturating_sub(1));
        self.counters.upstream_open.subtract(1);
        self.endpoint.changed.notify_one();
    }
}
