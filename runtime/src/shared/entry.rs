//! One line of the access log, as a worker fills it.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use weft_snapshot::Reason;

use super::Active;

/// What is known of one request when it ended.
#[derive(Clone, Debug)]
pub struct AccessEntry {
    /// The snapshot that answered; gives node, generation and the place of the route.
    pub active: Arc<Active>,
    /// When the head was read, in microseconds since 1970 UTC.
    pub start_unix_micros: u64,
    /// From the head being read to the response being complete.
    pub duration_micros: u64,
    /// From the head being read to the response head being sent; equal to `duration_micros` without a body.
    pub head_micros: u64,
    /// The listener's name.
    pub listener: String,
    /// The method.
    pub method: String,
    /// The canonical host, or as sent when it was refused (cut at 255 bytes).
    pub host: String,
    /// The canonical path, or as sent when it was refused (cut at 1 KiB); never the query.
    pub path: String,
    /// The version that was spoken: `HTTP/1.0`, `HTTP/1.1` or `HTTP/2`.
    pub protocol: &'static str,
    /// How a gRPC call ended, in gRPC's own status codes; absent for others and where no status was said.
    pub grpc_status: Option<u32>,
    /// The status sent, or 0 when the client was gone before.
    pub status: u16,
    /// Why the proxy itself answered; none when the answer is the upstream's.
    pub reason: Option<Reason>,
    /// Why the last try that failed did, also when a later one was answered; none when none failed.
    pub upstream_failure: Option<Reason>,
    /// More about it, such as the name of a TLS alert; empty when there is nothing more.
    pub upstream_failure_detail: &'static str,
    /// The route, by position in the slice.
    pub route: Option<u32>,
    /// The cluster of the last try, by position.
    pub cluster: Option<u32>,
    /// The endpoint of the last try.
    pub upstream: Option<SocketAddr>,
    /// Tries.
    pub attempts: u32,
    /// Bytes of the request body.
    pub received: u64,
    /// Bytes of the response body.
    pub sent: u64,
    /// The downstream address.
    pub peer: SocketAddr,
    /// The verified identity of the downstream peer.
    pub peer_identity: Option<Arc<str>>,
    /// The request id.
    pub request_id: String,
    /// Header fields that the listener left out for an underscore in their name.
    pub dropped_fields: u32,
}

/// Takes entries; never blocks, drops when the writer cannot keep up.
pub trait AccessSink: fmt::Debug {
    /// Hands over one entry. Returns whether it was taken.
    fn record(&self, entry: AccessEntry) -> bool;

    /// Whether entries are wanted at all; without, a worker does not make them.
    fn wants(&self) -> bool;
}
