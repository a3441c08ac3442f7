//! Every bound of the proxy, with its default. A bound that is met answers; it never queues for ever.

use std::time::Duration;

use weft_snapshot::limits;

use super::MemoryBound;

/// The bounds of one process. The compiler's own bounds are in [`weft_snapshot::limits`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Downstream connections per worker; beyond, new ones are accepted and closed. 8,192.
    pub connections: usize,
    /// Bytes of a request head (HTTP/1) or header list (HTTP/2); 431 beyond. 60 KiB.
    pub head_bytes: usize,
    /// Header fields of a request; 431 beyond. 100.
    pub head_fields: usize,
    /// Bytes of a request target; 414 beyond. 8 KiB.
    pub target_bytes: usize,
    /// From a connection being accepted to the TLS handshake being done; then it is closed. 10 s.
    pub handshake: Duration,
    /// From the first byte of a request (or the connection) to its whole head; then 408 and close. 15 s.
    pub head_time: Duration,
    /// An idle keep-alive connection without a request; then it is closed. 75 s.
    pub keep_alive: Duration,
    /// The age at which a downstream connection is asked to close; 1 h, jittered by a tenth.
    pub connection_age: Duration,
    /// Concurrent HTTP/2 streams per connection. 100.
    pub streams: u32,
    /// HTTP/2 flow-control window of a stream. 64 KiB.
    pub stream_window: u32,
    /// HTTP/2 flow-control window of a connection. 1 MiB.
    pub connection_window: u32,
    /// HTTP/2 frames other than DATA and HEADERS that a peer may send per second before it is cut. 1,000.
    pub control_frames_per_second: u32,
    /// Connections per worker and endpoint to HTTP/1.1 upstreams; requests beyond wait `pending_time`. 1,024.
    pub upstream_connections: usize,
    /// Idle HTTP/1.1 upstream connections kept per worker and endpoint. 256.
    pub upstream_idle: usize,
    /// Requests per worker that wait for an upstream connection; 503 beyond. 1,024.
    pub pending: usize,
    /// Bytes of a request body that are kept for a retry; larger bodies are not retried. 64 KiB.
    pub retry_buffer: usize,
    /// Informational (1xx) responses forwarded per request; 502 beyond. 8.
    pub informational: u32,
    /// How long running requests may go on after a drain began. 30 s.
    pub drain: Duration,
    /// Resident memory of the process; connections, requests and buffers are shed below it. None.
    pub memory: Option<MemoryBound>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 8_192,
            head_bytes: whole(limits::HEAD_BYTES),
            head_fields: whole(limits::HEAD_FIELDS),
            target_bytes: whole(limits::TARGET_BYTES),
            handshake: Duration::from_secs(10),
            head_time: Duration::from_secs(15),
            keep_alive: Duration::from_secs(75),
            connection_age: Duration::from_hours(1),
            streams: 100,
            stream_window: 64 << 10,
            connection_window: 1 << 20,
            control_frames_per_second: 1_000,
            upstream_connections: 1_024,
            upstream_idle: 256,
            pending: 1_024,
            retry_buffer: 64 << 10,
            informational: 8,
            drain: Duration::from_secs(30),
            memory: None,
        }
    }
}

/// A bound that every platform of ours can count.
fn whole(bound: u32) -> usize {
    usize::try_from(bound).unwrap_or(usize::MAX)
}
