//! Holds the body of a request with `Expect: 100-continue` until the upstream asks for it (RFC 9110, 10.1.1).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;
use std::time::Duration;

/// How long an upstream may take to ask. Many never do and wait for the body; curl waits as long.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// Closed at first. hyper opens it from a callback that could run on any thread, hence the lock; only requests
/// that expect a 100 have one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gate(Arc<GateState>);

#[derive(Debug, Default)]
struct GateState {
    is_open: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Gate {
    /// Lets the body go.
    pub(crate) fn open(&self) {
        self.0.is_open.store(true, Ordering::Release);
        let mut waker = self.0.waker.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(waker) = waker.take() {
            waker.wake();
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.0.is_open.load(Ordering::Acquire)
    }

    /// Whether the body may go; `waker` is told when it may.
    pub(super) fn is_open_or_tell(&self, waker: &Waker) -> bool {
        if !self.is_open() {
            let mut kept = self.0.waker.lock().unwrap_or_else(PoisonError::into_inner);
            *kept = Some(waker.clone());
        }
        // Asked again, or an opening between the two would be missed.
        self.is_open()
    }
}
