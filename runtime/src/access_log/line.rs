//! The form of a line: one JSON object, always the same keys in the same order.
//!
//! JSON escapes control bytes, so no request can forge a line.

use std::net::SocketAddr;

use serde::Serialize;
use weft_snapshot::{Reason, Slice};

use crate::control::clock;
use crate::shared::AccessEntry;

#[derive(Serialize)]
struct Line<'e> {
    time: String,
    route: Option<&'e str>,
    spec: Option<String>,
    listener: &'e str,
    method: &'e str,
    host: &'e str,
    path: &'e str,
    protocol: &'static str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    grpc_status: Option<u32>,
    reason: &'static str,
    upstream_failure: Option<&'static str>,
    upstream_failure_detail: Option<&'static str>,
    upstream: Option<SocketAddr>,
    cluster: Option<&'e str>,
    attempts: u32,
    duration_ms: f64,
    head_ms: f64,
    received: u64,
    sent: u64,
    peer: SocketAddr,
    peer_identity: Option<&'e str>,
    request_id: &'e str,
    dropped_fields: u32,
    generation: u64,
}

/// Appends `entry` as one line to `lines`.
pub(super) fn write(entry: &AccessEntry, lines: &mut Vec<u8>) {
    let active = &entry.active;
    let spec = entry.route.and_then(|route| active.origins.route(route));
    let cluster = entry
        .cluster
        .and_then(|at| active.clusters.get(usize::try_from(at).ok()?));
    let line = Line {
        time: clock::rfc3339(entry.start_unix_micros),
        route: entry.route.and_then(|route| route_id(&active.slice, route)),
        spec: spec.map(|(file, line)| format!("{file}:{line}")),
        listener: &entry.listener,
        method: &entry.method,
        host: &entry.host,
        path: &entry.path,
        protocol: entry.protocol,
        status: entry.status,
        grpc_status: entry.grpc_status,
        reason: entry.reason.map_or("", Reason::name),
        upstream_failure: entry.upstream_failure.map(Reason::name),
        upstream_failure_detail: said(entry.upstream_failure_detail),
        upstream: entry.upstream,
        cluster: cluster.map(|cluster| cluster.settings.name.as_str()),
        attempts: entry.attempts,
        duration_ms: millis(entry.duration_micros),
        head_ms: millis(entry.head_micros),
        received: entry.received,
        sent: entry.sent,
        peer: entry.peer,
        peer_identity: entry.peer_identity.as_deref(),
        request_id: &entry.request_id,
        dropped_fields: entry.dropped_fields,
        generation: active.generation,
    };
    let before = lines.len();
    // Strings, numbers and a Vec cannot fail; if that ever changes, half a line must not stay.
    match serde_json::to_writer(&mut *lines, &line) {
        Ok(()) => lines.push(b'\n'),
        Err(_error) => lines.truncate(before),
    }
}

/// A text that says something.
fn said(text: &'static str) -> Option<&'static str> {
    (!text.is_empty()).then_some(text)
}

fn route_id(slice: &Slice, route: u32) -> Option<&str> {
    slice.route(route).map(|route| route.id())
}

/// Milliseconds with microseconds behind the point; exact up to 285 years.
fn millis(micros: u64) -> f64 {
    std::time::Duration::from_micros(micros).as_secs_f64() * 1_000.0
}
