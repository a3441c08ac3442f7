//! What watching certificates has to say for itself, for `/ready` and `/metrics`.

use std::error::Error;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwapOption;

/// How keeping files fresh has gone so far. Written by the control thread, read by anyone.
#[derive(Debug, Default)]
pub struct IdentityStatus {
    rotations: AtomicU64,
    failures: AtomicU64,
    last_error: ArcSwapOption<String>,
}

impl IdentityStatus {
    /// How often a new set was taken.
    pub fn rotations(&self) -> u64 {
        self.rotations.load(Ordering::Relaxed)
    }

    /// How often a set was refused; a bad set counts again each time it is read.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Why the files as they are now are refused; `None` when they are in use.
    pub fn last_error(&self) -> Option<Arc<String>> {
        self.last_error.load_full()
    }

    /// The files are those in use.
    pub(super) fn unchanged(&self) {
        self.last_error.store(None);
    }

    /// A new set is in use.
    pub(super) fn rotated(&self) {
        self.rotations.fetch_add(1, Ordering::Relaxed);
        self.last_error.store(None);
    }

    /// Whether the last set was refused for the very same reason.
    pub(super) fn is_known(&self, error: &dyn Error) -> bool {
        self.is_last(&with_causes(error))
    }

    fn is_last(&self, text: &str) -> bool {
        let last = self.last_error.load();
        last.as_ref().is_some_and(|last| **last == text)
    }

    /// A set was refused. Logged when it is news.
    pub(super) fn refused(&self, error: &dyn Error) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        let text = with_causes(error);
        if !self.is_last(&text) {
            tracing::warn!(error = %text, "certificates are refused; the old ones stay in use");
        }
        self.last_error.store(Some(Arc::new(text)));
    }
}

/// An error and its causes in one line.
pub(super) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Writing to a `String` cannot fail.
        let _written = write!(text, ": {error}");
        cause = error.source();
    }
    text
}
