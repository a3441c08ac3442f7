//! How far long work is, for whoever waits for it.
//!
//! The library says when a part of the work begins and when one of its steps is done; what is shown of it, and where, is up to the
//! command line. Nothing that is computed depends on whether somebody listens.

use std::fmt;
use std::sync::Arc;

/// Somebody who is told how far the work is, by several threads at once.
pub trait Watcher: Send + Sync {
    /// A part of the work begins; `steps` is 0 where nobody counts them.
    fn begins(&self, part: &'static str, steps: usize);
    /// One step of it is done.
    fn advances(&self);
}

/// Where progress is told; to nobody by default.
#[derive(Clone, Default)]
pub struct Progress(Option<Arc<dyn Watcher>>);

impl Progress {
    /// Tells a watcher.
    pub fn told_to(watcher: Arc<dyn Watcher>) -> Self {
        Self(Some(watcher))
    }

    /// A part of the work begins; `steps` is 0 where nobody counts them.
    pub fn begin(&self, part: &'static str, steps: usize) {
        if let Some(watcher) = &self.0 {
            watcher.begins(part, steps);
        }
    }

    /// One step of it is done.
    pub fn step(&self) {
        if let Some(watcher) = &self.0 {
            watcher.advances();
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let watched = if self.0.is_some() {
            "watched"
        } else {
            "unwatched"
        };
        write!(formatter, "Progress({watched})")
    }
}
