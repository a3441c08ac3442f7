//! What the JSON pages say.

use serde_json::{Value, json};
use weft_snapshot::settings::Endpoints;

use super::Door;
use crate::control::clock;
use crate::control::status::StatusRecord;
use crate::shared::Phase;

/// Clusters that `/ready` names; of more it says how many there are.
const NAMED: usize = 100;

/// `/ready`: whether new traffic is wanted here, and why.
///
/// A stale snapshot keeps the proxy ready: it serves the last good one, and says so. An expired identity
/// does not: every peer would refuse it. A cluster that never had an address does neither: the routes of all
/// others serve, and a load balancer that sent the traffic elsewhere would find the same name missing there. The
/// proxy is `degraded`, which is for alerts.
pub(super) fn ready(door: &Door) -> (bool, Value) {
    let known = door.status.known();
    let now = clock::unix_seconds();
    let phase = *door.shared.phase.borrow();
    let expires = identity_expires_in(door, now);
    let is_expired = expires.is_some_and(|seconds| seconds <= 0);
    let is_ready = phase == Phase::Serving && !is_expired;
    let empty = clusters_without_addresses(door);
    let count = empty.len();
    let named: Vec<String> = empty.into_iter().take(NAMED).collect();
    let body = json!({
        "ready": is_ready,
        "degraded": 0 < count,
        "clustersWithoutAddresses": named,
        "clustersWithoutAddressesCount": count,
        "phase": phase_name(phase),
        "accepting": matches!(phase, Phase::Serving | Phase::Leaving),
        "generation": door.shared.active.load().generation,
        "servedFrom": known.served_from.name(),
        "servingLastGood": known.pending.is_some(),
        "snapshotAgeSeconds": now.saturating_sub(known.since_unix).max(0),
        "sourceConfirmedSecondsAgo": confirmed_ago(&known, now),
        "identityExpiresInSeconds": expires,
        "identityError": identity_error(door),
        "stateFolderError": door.state.fault(),
        "memory": memory(door),
    });
    (is_ready, body)
}

/// The clusters that never had an address, in the order of their names. Nothing ever empties a cluster.
pub(super) fn clusters_without_addresses(door: &Door) -> Vec<String> {
    let active = door.shared.active.load_full();
    let empty = active
        .clusters
        .iter()
        .filter(|cluster| cluster.endpoints.addresses.load().is_empty());
    let mut names: Vec<String> = empty.map(|it| it.settings.name.clone()).collect();
    names.sort_unstable();
    names
}

/// The age of the oldest addresses that could not be confirmed when they should have been, in seconds; 0 while all
/// are as they should be.
pub(super) fn stalest_endpoints(door: &Door, now: i64) -> i64 {
    let reports = door.registry.report();
    let failing = reports
        .iter()
        .filter(|report| report.error.is_some() && 0 < report.refreshed_unix);
    let ages = failing.map(|report| now.saturating_sub(report.refreshed_unix));
    ages.max().unwrap_or(0)
}

/// `/snapshot`: what is served, from where, and what was refused.
pub(super) fn snapshot(door: &Door) -> Value {
    let known = door.status.known();
    let active = door.shared.active.load_full();
    let refusals: serde_json::Map<String, Value> = known
        .refusals
        .iter()
        .map(|(reason, count)| (reason.name().to_owned(), json!(count)))
        .collect();
    let last_refusal = known.last_refusal.as_ref().map(|(refusal, unix_seconds)| {
        json!({
            "reason": refusal.reason.name(),
            "message": refusal.message,
            "generation": refusal.generation,
            "time": time(*unix_seconds),
            "isOver": known.pending.is_none(),
        })
    });
    json!({
        "node": door.node,
        "mesh": active.slice.settings().mesh,
        "generation": active.generation,
        "slice": active.digest,
        "manifest": active.manifest,
        "routes": active.slice.route_count(),
        "servedFrom": known.served_from.name(),
        "since": time(known.since_unix),
        "servingLastGood": known.pending.is_some(),
        "published": known.published,
        "refusals": refusals,
        "lastRefusal": last_refusal,
        "identity": door.shared.identity.load().as_ref().map(|it| it.spiffe_id.to_string()),
    })
}

/// `/endpoints`: every source of addresses and how it fares.
pub(super) fn endpoints(door: &Door) -> Value {
    let active = door.shared.active.load_full();
    let now = clock::unix_seconds();
    let reports = door.registry.report();
    let entries = reports.into_iter().map(|report| {
        let clusters: Vec<&str> = active
            .clusters
            .iter()
            .filter(|cluster| cluster.settings.endpoints == report.source)
            .map(|cluster| cluster.settings.name.as_str())
            .collect();
        let is_static = matches!(report.source, Endpoints::Static { .. });
        let source = match &report.source {
            Endpoints::Static { .. } => json!("static"),
            Endpoints::Dns { host, port } => json!({"dns": host, "port": port}),
            Endpoints::File { path } => json!({"file": path}),
        };
        json!({
            "clusters": clusters,
            "source": source,
            "addresses": *report.addresses,
            "refreshed": (0 < report.refreshed_unix).then(|| time(report.refreshed_unix)),
            "ageSeconds": (0 < report.refreshed_unix && !is_static)
                .then(|| now.saturating_sub(report.refreshed_unix).max(0)),
            "ttlSeconds": report.ttl.map(|ttl| ttl.as_secs()),
            "lateSeconds": report.late.map(|late| late.as_secs()),
            "error": report.error,
        })
    });
    Value::Array(entries.collect())
}

/// Seconds until the own identity expires; negative when it has.
pub(super) fn identity_expires_in(door: &Door, now: i64) -> Option<i64> {
    let identity = door.shared.identity.load();
    identity
        .as_ref()
        .map(|identity| identity.not_after_unix.saturating_sub(now))
}

/// Seconds since DIST last had what is served.
pub(super) fn confirmed_ago(known: &StatusRecord, now: i64) -> Option<i64> {
    (0 < known.confirmed_unix).then(|| now.saturating_sub(known.confirmed_unix).max(0))
}

fn identity_error(door: &Door) -> Option<String> {
    let error = door
        .trust
        .status
        .last_error()
        .or_else(|| door.trust.edge.status().last_error());
    error.map(|error| error.to_string())
}

/// What is shed because memory is short; `null` when it is not bounded.
fn memory(door: &Door) -> Option<Value> {
    let bound = door.shared.limits.memory?;
    let pressure = &door.shared.pressure;
    Some(json!({
        "shedding": pressure.shedding().name(),
        "residentBytes": pressure.resident(),
        "maxBytes": bound.bytes(),
    }))
}

fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Serving => "serving",
        Phase::Leaving | Phase::Draining => "draining",
        Phase::Ended => "ended",
    }
}

fn time(unix_seconds: i64) -> String {
    clock::rfc3339(
        u64::try_from(unix_seconds)
            .unwrap_or(0)
            .saturating_mul(1_000_000),
    )
}
