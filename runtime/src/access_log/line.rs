//! The form of a line: one JSON object, always the same keys in the same order.
//!
//! JSON escapes control bytes, so no request can forge a line.

use std::net::SocketAddr;

use serde::Serialize;
use weft_snapshot::{Reason, Slice};

use crate::control::clock;
use crate::shared::AccessEntry;

/// The fields of a line. What is said of each is its row in `docs/logs.md`.
#[derive(Serialize)]
struct Line<'e> {
    /// When the head was read: RFC 3339, in UTC, with microseconds.
    time: String,
    /// The route that took it, `ROUTE/RULE`; null where none did.
    route: Option<&'e str>,
    /// File and line of the spec that decided.
    spec: Option<String>,
    /// The listener by which it came.
    listener: &'e str,
    /// The method.
    method: &'e str,
    /// The host as it was matched, or as it was sent when it was refused.
    host: &'e str,
    /// The path as it was matched, or as it was sent when it was refused (cut at 1 KiB); never the query.
    path: &'e str,
    /// The version of HTTP.
    protocol: &'static str,
    /// The status that was sent; 0 when the client was gone before.
    status: u16,
    /// The status of gRPC; only for gRPC.
    #[serde(skip_serializing_if = "Option::is_none")]
    grpc_status: Option<u32>,
    /// Why the proxy answered by itself: a name of [reasons](reasons.md); empty when the answer is that of an upstream.
    reason: &'static str,
    /// Why the last try that failed did, also when a later one was answered; null where none failed.
    upstream_failure: Option<&'static str>,
    /// More of it, such as the name of a TLS alert.
    upstream_failure_detail: Option<&'static str>,
    /// The endpoint of the last try.
    upstream: Option<SocketAddr>,
    /// What the endpoint is one of: `orders`, `orders@v2`, or `app` for the process behind a sidecar.
    cluster: Option<&'e str>,
    /// The number of tries; 0 where none was made.
    attempts: u32,
    /// From the head of the request being read to the response being complete, in milliseconds.
    duration_ms: f64,
    /// The same to the head of the response.
    head_ms: f64,
    /// Bytes of the body of the request.
    received: u64,
    /// Bytes of the body of the response.
    sent: u64,
    /// The address at the other end of the connection.
    peer: SocketAddr,
    /// The verified SPIFFE ID of the peer; null where it showed none.
    peer_identity: Option<&'e str>,
    /// `X-Request-Id`: that of a trusted proxy in front, or a new one.
    request_id: &'e str,
    /// How many header fields were left out for an underscore in their name.
    dropped_fields: u32,
    /// The generation of the snapshot that answered.
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
