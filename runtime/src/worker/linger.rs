//! Reads on after the last answer: closing a socket with unread bytes resets it, and a reset may overtake the
//! answer on its way into the client's hands (RFC 9112, 9.6).
//!
//! What is read is thrown away. It is bounded by time and by how fast it comes, not by size: a client that
//! uploads 40 MB and is refused still has to be told, and one that trickles has been told long ago.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};

/// How long, and how patiently, is read on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// From the last answer; then it is closed whatever comes.
    pub(crate) whole: Duration,
    /// The longest silence.
    pub(crate) silence: Duration,
}

/// After a refused upload: as nginx waits by default, but for slow senders less.
pub(crate) const UPLOAD: Patience = Patience {
    whole: Duration::from_secs(30),
    silence: Duration::from_secs(2),
};

/// After a connection was told to end.
pub(crate) const LAST_WORDS: Patience = Patience {
    whole: Duration::from_secs(2),
    silence: Duration::from_millis(500),
};

/// Bytes a second that a sender must keep up, on average, once it had a second.
pub(crate) const LEAST_BYTES_PER_SECOND: u64 = 16 << 10;

impl Patience {
    /// Whether a sender that sent `bytes` since `began` is too slow to be waited for.
    pub(crate) fn is_exhausted(self, began: Instant, bytes: u64) -> bool {
        let took = began.elapsed();
        let due = took.as_secs().saturating_mul(LEAST_BYTES_PER_SECOND);
        self.whole <= took || bytes < due
    }
}

/// Closes the sending side, then reads what still comes.
pub(super) async fn linger(mut io: impl AsyncRead + AsyncWrite + Unpin, patience: Patience) {
    let began = Instant::now();
    if !matches!(timeout(patience.silence, io.shutdown()).await, Ok(Ok(()))) {
        return;
    }
    let mut scratch = vec![0; 64 << 10];
    let mut bytes = 0_u64;
    while !patience.is_exhausted(began, bytes) {
        let until = (Instant::now() + patience.silence).min(began + patience.whole);
        match timeout_at(until, io.read(&mut scratch)).await {
            Ok(Ok(count)) if 0 < count => {
                bytes = bytes.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
            }
            Ok(Ok(_) | Err(_)) | Err(_) => return,
        }
    }
}
