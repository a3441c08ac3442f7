//! What the control thread and the workers share. Every part is replaced whole, never changed in place.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::sync::watch;
use weft_snapshot::admin::reached;

mod active;
mod counters;
mod departed;
mod entry;
mod failures;
mod gauges;
mod limits;
mod pressure;

pub use active::{Active, ActiveCluster, ActivePort, PortSecurity};
pub use counters::{Count, DURATION_BOUNDS_MICROS, DurationBuckets, RouteCounters, WorkerCounters};
pub use departed::Departed;
pub use entry::{AccessEntry, AccessSink};
pub use failures::{
    Example, Failures, HANDSHAKE_REASONS, HandshakeFailures, UPSTREAM_REASONS, UpstreamFailures,
};
pub use gauges::{Gauges, Place};
pub use limits::Limits;
pub use pressure::{Cut, MemoryBound, Pressure, Shedding};

use crate::identity::Identity;

/// The current endpoints of a cluster: addresses that may change without a new snapshot.
///
/// Static lists never change; DNS names and files do, replaced by the control thread. A failed
/// resolution or a bad file keeps the addresses that were there.
#[derive(Debug)]
pub struct EndpointCell {
    /// The addresses, in a stable order, each once.
    pub addresses: ArcSwap<Vec<SocketAddr>>,
}

impl EndpointCell {
    /// A cell that starts with `addresses`.
    pub fn new(addresses: Vec<SocketAddr>) -> Self {
        Self {
            addresses: ArcSwap::from_pointee(addresses),
        }
    }
}

/// How far the process is on its way out.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Phase {
    /// Serving.
    #[default]
    Serving,
    /// Serving as before, but not ready: whoever spreads connections is to send no more of them.
    Leaving,
    /// No new connections are taken: HTTP/1 answers close, HTTP/2 says GOAWAY, running requests finish.
    Draining,
    /// Time is up: what is left is cut.
    Ended,
}

/// One per process.
#[derive(Debug)]
pub struct Shared {
    /// The snapshot that new requests see. Loaded once per request head.
    pub active: ArcSwap<Active>,
    /// What the connections of an address go on with that `active` has no listener at, see [`Shared::swap`].
    pub departed: ArcSwap<BTreeMap<SocketAddr, Arc<Departed>>>,
    /// The node's own certificate and trust, when there is one.
    pub identity: ArcSwapOption<Identity>,
    /// Bounds on everything; fixed for the life of the process.
    pub limits: Limits,
    /// Where the admin endpoint listens, when that is a TCP address: no request is ever sent there.
    pub admin: Option<SocketAddr>,
    /// Counters, one block per worker.
    pub counters: Vec<Arc<WorkerCounters>>,
    /// How much runs at one time, by name.
    pub gauges: Gauges,
    /// What workers take on while memory and descriptors last.
    pub pressure: Pressure,
    /// Where the process is on its way out.
    pub phase: watch::Sender<Phase>,
    /// Seconds since 1970 UTC, kept by the control thread (one second coarse), for `until` of permissive listeners.
    pub unix_seconds: std::sync::atomic::AtomicI64,
}

impl Shared {
    /// Whether a connection to `address` would reach the proxy's own admin endpoint.
    pub fn is_own_admin(&self, address: SocketAddr) -> bool {
        self.admin
            .is_some_and(|admin| reached(admin) == reached(address))
    }
}
