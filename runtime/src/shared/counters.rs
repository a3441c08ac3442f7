//! Counters that one worker writes and the admin endpoint reads.
//!
//! Each worker has its own block, so an increment is a plain load and store of an uncontended line. The
//! counters of a route are created when its first request comes and found again by its id, so they
//! survive reloads; how many exist is bounded by the routes of the snapshots served.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::failures::{HandshakeFailures, UpstreamFailures};

/// A number that only its own worker changes.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// Adds `amount`. Only the owning worker may call it.
    pub fn add(&self, amount: u64) {
        self.0.store(
            self.0.load(Ordering::Relaxed).wrapping_add(amount),
            Ordering::Relaxed,
        );
    }

    /// Takes `amount` away. Only the owning worker may call it.
    pub fn subtract(&self, amount: u64) {
        self.0.store(
            self.0.load(Ordering::Relaxed).wrapping_sub(amount),
            Ordering::Relaxed,
        );
    }

    /// The number now.
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Upper bounds of the duration buckets, in microseconds; a last one takes the rest.
pub const DURATION_BOUNDS_MICROS: [u64; 12] = [
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000,
    30_000_000,
];

/// How long requests took.
#[derive(Debug, Default)]
pub struct DurationBuckets {
    /// Requests per bucket of [`DURATION_BOUNDS_MICROS`]; not cumulative.
    pub buckets: [Count; 13],
    /// The sum of all durations.
    pub sum_micros: Count,
}

impl DurationBuckets {
    /// Counts one request.
    pub fn observe(&self, micros: u64) {
        let bucket = DURATION_BOUNDS_MICROS.partition_point(|bound| *bound < micros);
        if let Some(bucket) = self.buckets.get(bucket) {
            bucket.add(1);
        }
        self.sum_micros.add(micros);
    }
}

/// What is counted per route.
#[derive(Debug, Default)]
pub struct RouteCounters {
    /// Requests by class of status: 1xx to 5xx, then those that ended without one.
    pub by_class: [Count; 6],
    /// From head read to response complete.
    pub durations: DurationBuckets,
    /// Tries, the first ones included.
    pub attempts: Count,
}

/// What one worker counts.
#[derive(Debug, Default)]
pub struct WorkerCounters {
    /// Downstream connections that were accepted.
    pub connections_accepted: Count,
    /// Downstream connections that are open.
    pub connections_open: Count,
    /// Downstream connections closed because a bound on their number was met.
    pub connections_refused: Count,
    /// Downstream connections that were cut because the peer asked for too much, by reason: control frames, early resets,
    /// stream errors, unfinished heads, bounds of the protocol library.
    pub connections_cut: [Count; 5],
    /// Listening sockets that are accepted from.
    pub listeners_open: Count,
    /// Tunnels (WebSocket) that are open.
    pub tunnels_open: Count,
    /// Those closed because descriptors were short.
    pub connections_refused_descriptors: Count,
    /// Those closed because memory was short.
    pub connections_refused_memory: Count,
    /// Those cut in the middle because memory was short and they held the most.
    pub connections_shed: Count,
    /// Requests refused because memory was short.
    pub requests_shed: Count,
    /// TLS handshakes with downstream peers that succeeded.
    pub handshakes: Count,
    /// TLS handshakes with downstream peers that failed.
    pub handshakes_failed: Count,
    /// Why they failed.
    pub handshake_failures: HandshakeFailures,
    /// TLS handshakes with upstream peers that succeeded.
    pub upstream_handshakes: Count,
    /// TLS handshakes with upstream peers that failed.
    pub upstream_handshakes_failed: Count,
    /// Why tries to get an answer from an upstream failed, those that were repeated included.
    pub upstream_failures: UpstreamFailures,
    /// Upstream connections that are open.
    pub upstream_open: Count,
    /// Upstream connections that were opened.
    pub upstream_opened: Count,
    /// Requests that found a pooled upstream connection.
    pub upstream_reused: Count,
    /// Requests that are being served.
    pub requests_running: Count,
    /// Tries after the first.
    pub retries: Count,
    /// Retries that the budget refused.
    pub retries_over_budget: Count,
    /// Requests refused before a route was found, e.g. malformed ones.
    pub requests_refused: Count,
    /// Header fields left out for an underscore in their name.
    pub fields_dropped: Count,
    /// Panics that were caught; each one is a bug.
    pub panics: Count,
    /// Access log lines lost because the writer could not keep up.
    pub access_log_dropped: Count,
    routes: Mutex<BTreeMap<String, Arc<RouteCounters>>>,
}

impl WorkerCounters {
    /// The counters of the route `id`; takes a lock, so a worker asks once per route and snapshot.
    pub fn route(&self, id: &str) -> Arc<RouteCounters> {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(counters) = routes.get(id) {
            return Arc::clone(counters);
        }
        Arc::clone(routes.entry(id.to_owned()).or_default())
    }

    /// All routes that were asked for, in the order of their ids.
    pub fn routes(&self) -> Vec<(String, Arc<RouteCounters>)> {
        let routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        routes
            .iter()
            .map(|(id, counters)| (id.clone(), Arc::clone(counters)))
            .collect()
    }
}
