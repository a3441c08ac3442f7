//! `/metrics`: the counters of all workers, summed when somebody asks.
//!
//! Workers only ever write their own block; adding up costs the control thread and nobody else. Labels come
//! from snapshots, never from requests, and the number of routes with lines of their own is bounded: those
//! beyond share the label `other`, and a route that has its own line keeps it, so that sums never go back.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::{Door, losses, pages};
use crate::control::clock;
use crate::control::status::StatusRecord;
use crate::http2::Abuse;
use crate::process;
use crate::shared::{Count, DURATION_BOUNDS_MICROS, Failures, RouteCounters, WorkerCounters};
use crate::source::Reason;

/// Routes that have lines of their own.
const ROUTES: usize = 1_000;
/// The label of all other routes.
const OTHER: &str = "other";
const CLASSES: [&str; 6] = ["1xx", "2xx", "3xx", "4xx", "5xx", "none"];

/// Where a worker has its part of a counter.
pub(super) type Read = fn(&WorkerCounters) -> &Count;

/// Counters of the whole process: name, help, and where a worker has its part.
const COUNTERS: [(&str, &str, Read); 14] = [
    (
        "weft_connections_accepted",
        "Downstream connections accepted",
        |it| &it.connections_accepted,
    ),
    (
        "weft_handshakes",
        "TLS handshakes with downstream peers",
        |it| &it.handshakes,
    ),
    ("weft_handshakes_failed", "Those that failed", |it| {
        &it.handshakes_failed
    }),
    (
        "weft_upstream_handshakes",
        "TLS handshakes with upstream peers",
        |it| &it.upstream_handshakes,
    ),
    (
        "weft_upstream_handshakes_failed",
        "Those that failed",
        |it| &it.upstream_handshakes_failed,
    ),
    (
        "weft_upstream_connections_opened",
        "Upstream connections opened",
        |it| &it.upstream_opened,
    ),
    (
        "weft_upstream_connections_reused",
        "Requests on a pooled one",
        |it| &it.upstream_reused,
    ),
    ("weft_retries", "Tries after the first", |it| &it.retries),
    (
        "weft_retries_over_budget",
        "Retries refused by the budget",
        |it| &it.retries_over_budget,
    ),
    (
        "weft_requests_refused",
        "Requests refused before a route",
        |it| &it.requests_refused,
    ),
    (
        "weft_header_fields_dropped",
        "Header fields left out for an underscore",
        |it| &it.fields_dropped,
    ),
    (
        "weft_panics",
        "Panics that were caught; each is a bug",
        |it| &it.panics,
    ),
    (
        "weft_connections_shed",
        "Connections cut because memory was short",
        |it| &it.connections_shed,
    ),
    (
        "weft_requests_shed",
        "Requests refused because memory was short",
        |it| &it.requests_shed,
    ),
];

/// Gauges of the whole process.
const GAUGES: [(&str, &str, Read); 4] = [
    (
        "weft_connections_open",
        "Downstream connections open",
        |it| &it.connections_open,
    ),
    (
        "weft_upstream_connections_open",
        "Upstream connections open",
        |it| &it.upstream_open,
    ),
    ("weft_requests_running", "Requests being served", |it| {
        &it.requests_running
    }),
    ("weft_tunnels_open", "WebSocket tunnels open", |it| {
        &it.tunnels_open
    }),
];

/// Renders the metrics of one process.
#[derive(Debug)]
pub(super) struct Collector(Registry);

impl Collector {
    /// Metrics of what is behind `door`.
    pub(super) fn new(door: Arc<Door>) -> Self {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Metrics {
            door,
            named: Mutex::default(),
        }));
        Self(registry)
    }

    /// All metrics as `OpenMetrics` text.
    ///
    /// # Errors
    ///
    /// Never in practice: writing to a string does not fail.
    pub(super) fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        text::encode(&mut text, &self.0)?;
        Ok(text)
    }
}

#[derive(Debug)]
struct Metrics {
    door: Arc<Door>,
    named: Mutex<BTreeSet<String>>,
}

/// The numbers of one route over all workers.
#[derive(Debug, Default)]
struct RouteSum {
    by_class: [u64; 6],
    buckets: [u64; 13],
    sum_micros: u64,
    attempts: u64,
}

impl RouteSum {
    fn add(&mut self, counters: &RouteCounters) {
        for (sum, count) in self.by_class.iter_mut().zip(&counters.by_class) {
            *sum = sum.wrapping_add(count.value());
        }
        for (sum, count) in self.buckets.iter_mut().zip(&counters.durations.buckets) {
            *sum = sum.wrapping_add(count.value());
        }
        self.sum_micros = self
            .sum_micros
            .wrapping_add(counters.durations.sum_micros.value());
        self.attempts = self.attempts.wrapping_add(counters.attempts.value());
    }
}

impl prometheus_client::collector::Collector for Metrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        for (name, help, read) in COUNTERS {
            counter(&mut encoder, name, help, self.sum(read))?;
        }
        for (name, help, read) in GAUGES {
            gauge(&mut encoder, name, help, self.sum(read))?;
        }
        self.encode_cuts(&mut encoder)?;
        self.encode_failures(&mut encoder)?;
        self.encode_endpoints(&mut encoder)?;
        losses::encode(&self.door, &mut encoder)?;
        self.encode_routes(&mut encoder)?;
        self.encode_snapshot(&mut encoder)?;
        if let Some(bytes) = process::resident_bytes() {
            gauge(
                &mut encoder,
                "process_resident_memory_bytes",
                "Resident memory",
                bytes,
            )?;
        }
        if let Some(count) = process::open_descriptors() {
            gauge(&mut encoder, "process_open_fds", "Open descriptors", count)?;
        }
        Ok(())
    }
}

impl Metrics {
    fn sum(&self, read: Read) -> u64 {
        let counters = self.door.shared.counters.iter();
        counters
            .map(|worker| read(worker).value())
            .fold(0, u64::wrapping_add)
    }

    fn encode_cuts(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let mut family = encoder.encode_descriptor(
            "weft_connections_cut",
            "Downstream connections cut because the peer asked for too much, by reason",
            None,
            MetricType::Counter,
        )?;
        for abuse in Abuse::ALL {
            let workers = self.door.shared.counters.iter();
            let counts = workers.filter_map(|it| it.connections_cut.get(abuse.index()));
            let count = counts.map(Count::value).fold(0, u64::wrapping_add);
            family
                .encode_family(&[("reason", abuse.name())])?
                .encode_counter::<NoLabelSet, _, u64>(&count, None)?;
        }
        Ok(())
    }

    fn routes(&self) -> BTreeMap<String, RouteSum> {
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sums: BTreeMap<String, RouteSum> = BTreeMap::new();
        for worker in &self.door.shared.counters {
            for (route, counters) in worker.routes() {
                if named.len() < ROUTES {
                    named.insert(route.clone());
                }
                let label = if named.contains(&route) {
                    route
                } else {
                    OTHER.to_owned()
                };
                sums.entry(label).or_default().add(&counters);
            }
        }
        sums
    }

    fn encode_failures(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let mut family = encoder.encode_descriptor(
            "weft_handshake_failures",
            "TLS handshakes with downstream peers that failed, by reason",
            None,
            MetricType::Counter,
        )?;
        for (reason, count) in self.failures(|it| &it.handshake_failures.0) {
            family
                .encode_family(&[("reason", reason)])?
                .encode_counter::<NoLabelSet, _, u64>(&count, None)?;
        }
        let mut family = encoder.encode_descriptor(
            "weft_upstream_failures",
            "Tries to get an answer from an upstream that failed, by reason",
            None,
            MetricType::Counter,
        )?;
        for (reason, count) in self.failures(|it| &it.upstream_failures.0) {
            family
                .encode_family(&[("reason", reason)])?
                .encode_counter::<NoLabelSet, _, u64>(&count, None)?;
        }
        Ok(())
    }

    fn encode_endpoints(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let empty = pages::clusters_without_addresses(&self.door).len();
        gauge(
            encoder,
            "weft_clusters_without_addresses",
            "Clusters that never had an address",
            u64::try_from(empty).unwrap_or(u64::MAX),
        )?;
        gauge(
            encoder,
            "weft_endpoints_stalest_seconds",
            "Age of the oldest addresses that could not be confirmed in time",
            pages::stalest_endpoints(&self.door, clock::unix_seconds()),
        )?;
        let mut family = encoder.encode_descriptor(
            "weft_lookups",
            "Questions to name servers, by how they ended",
            None,
            MetricType::Counter,
        )?;
        for (outcome, count) in self.door.registry.lookups() {
            family
                .encode_family(&[("outcome", outcome)])?
                .encode_counter::<NoLabelSet, _, u64>(&count, None)?;
        }
        Ok(())
    }

    fn failures(&self, of: fn(&WorkerCounters) -> &Failures) -> BTreeMap<&'static str, u64> {
        let mut sums = BTreeMap::new();
        for worker in &self.door.shared.counters {
            for (reason, count) in of(worker).counts() {
                let sum: &mut u64 = sums.entry(reason).or_default();
                *sum = sum.wrapping_add(count);
            }
        }
        sums
    }

    fn encode_routes(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let routes = self.routes();
        let mut family = encoder.encode_descriptor(
            "weft_requests",
            "Requests by route and class of status",
            None,
            MetricType::Counter,
        )?;
        for (route, sum) in &routes {
            for (class, count) in CLASSES.iter().zip(&sum.by_class) {
                if 0 < *count {
                    let labels = [("route", route.as_str()), ("class", class)];
                    family
                        .encode_family(&labels)?
                        .encode_counter::<NoLabelSet, _, u64>(count, None)?;
                }
            }
        }
        let mut family = encoder.encode_descriptor(
            "weft_attempts",
            "Tries by route, the first ones included",
            None,
            MetricType::Counter,
        )?;
        for (route, sum) in &routes {
            let labels = [("route", route.as_str())];
            family
                .encode_family(&labels)?
                .encode_counter::<NoLabelSet, _, u64>(&sum.attempts, None)?;
        }
        let mut family = encoder.encode_descriptor(
            "weft_request_duration_seconds",
            "From the head being read to the response being complete",
            None,
            MetricType::Histogram,
        )?;
        for (route, sum) in &routes {
            let labels = [("route", route.as_str())];
            let bounds = DURATION_BOUNDS_MICROS.iter().map(|micros| seconds(*micros));
            let buckets: Vec<(f64, u64)> = bounds
                .chain([f64::INFINITY])
                .zip(sum.buckets.iter().copied())
                .collect();
            let count = sum.buckets.iter().copied().fold(0, u64::wrapping_add);
            family
                .encode_family(&labels)?
                .encode_histogram::<NoLabelSet>(seconds(sum.sum_micros), count, &buckets, None)?;
        }
        Ok(())
    }

    fn encode_snapshot(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let known = self.door.status.known();
        let now = clock::unix_seconds();
        let generation = self.door.shared.active.load().generation;
        let age = now.saturating_sub(known.since_unix).max(0);
        gauge(
            encoder,
            "weft_snapshot_generation",
            "Generation served",
            generation,
        )?;
        gauge(
            encoder,
            "weft_snapshot_age_seconds",
            "Since the snapshot is served",
            age,
        )?;
        let confirmed = pages::confirmed_ago(&known, now).unwrap_or(-1);
        gauge(
            encoder,
            "weft_snapshot_source_age_seconds",
            "Since the source last had what is served; -1 for never",
            confirmed,
        )?;
        let is_stale = i64::from(known.pending.is_some());
        gauge(
            encoder,
            "weft_snapshot_stale",
            "1 while the last good one is served",
            is_stale,
        )?;
        counter(
            encoder,
            "weft_snapshots_published",
            "Snapshots published",
            known.published,
        )?;
        Self::encode_refusals(encoder, &known)?;
        self.encode_certificates(encoder, now)
    }

    fn encode_refusals(encoder: &mut DescriptorEncoder<'_>, known: &StatusRecord) -> fmt::Result {
        let mut family = encoder.encode_descriptor(
            "weft_snapshot_refusals",
            "Snapshots refused by reason",
            None,
            MetricType::Counter,
        )?;
        for reason in Reason::ALL {
            let count = known.refusals.get(&reason).copied().unwrap_or(0);
            let labels = [("reason", reason.name())];
            family
                .encode_family(&labels)?
                .encode_counter::<NoLabelSet, _, u64>(&count, None)?;
        }
        Ok(())
    }

    fn encode_certificates(&self, encoder: &mut DescriptorEncoder<'_>, now: i64) -> fmt::Result {
        if let Some(left) = pages::identity_expires_in(&self.door, now) {
            gauge(
                encoder,
                "weft_identity_expires_seconds",
                "Until the identity expires",
                left,
            )?;
        }
        if let Some(end) = self.door.trust.edge.not_after_unix() {
            let left = end.saturating_sub(now);
            gauge(
                encoder,
                "weft_certificate_expires_seconds",
                "Until the first gateway certificate expires",
                left,
            )?;
        }
        let (own, edge) = (&self.door.trust.status, self.door.trust.edge.status());
        let rotations = own.rotations().wrapping_add(edge.rotations());
        counter(
            encoder,
            "weft_certificate_rotations",
            "New certificates taken",
            rotations,
        )?;
        let failures = own.failures().wrapping_add(edge.failures());
        counter(
            encoder,
            "weft_certificate_failures",
            "New certificates refused",
            failures,
        )
    }
}

pub(super) fn counter(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    value: u64,
) -> fmt::Result {
    let metric = ConstCounter::new(value);
    metric.encode(encoder.encode_descriptor(name, help, None, MetricType::Counter)?)
}

pub(super) fn gauge<N>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    value: N,
) -> fmt::Result
where
    ConstGauge<N>: EncodeMetric,
{
    let metric = ConstGauge::new(value);
    metric.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
}

fn seconds(micros: u64) -> f64 {
    std::time::Duration::from_micros(micros).as_secs_f64()
}
