//! Whether the state folder does its work, for `/ready`, metrics and the log.

use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::state::Written;

/// What is wrong with the state folder; nothing while it is written, or while none is wanted.
#[derive(Debug, Default)]
pub(crate) struct StateHealth(Mutex<FolderHealth>);

#[derive(Debug, Default)]
struct FolderHealth {
    fault: Option<String>,
    failures: u64,
}

impl StateHealth {
    /// Notes how `step` went. A fault is said when it is new, and its end is said too.
    pub(crate) fn note(&self, step: &'static str, outcome: io::Result<Written>) {
        if matches!(outcome, Ok(Written::Nothing)) {
            return;
        }
        let mut known = self.lock();
        let fault = outcome.err().map(|error| error.to_string());
        let is_news = fault != known.fault;
        match &fault {
            Some(error) => {
                known.failures = known.failures.saturating_add(1);
                if is_news {
                    tracing::error!(
                        step,
                        error,
                        "the state folder cannot be written; serving goes on without it, and a restart \
                         knows only what it held before"
                    );
                }
            }
            None if is_news => tracing::info!(step, "the state folder is written again"),
            None => {}
        }
        known.fault = fault;
    }

    /// There is no state folder, although one is wanted.
    pub(crate) fn cannot_open(&self, path: &Path, error: &io::Error) {
        let mut known = self.lock();
        known.failures = known.failures.saturating_add(1);
        known.fault = Some(error.to_string());
        tracing::error!(
            path = %path.display(),
            %error,
            "the state folder cannot be used; serving without it: nothing is kept for a restart, and older \
             snapshots are not told from newer ones after it"
        );
    }

    /// What is wrong now.
    pub(crate) fn fault(&self) -> Option<String> {
        self.lock().fault.clone()
    }

    /// How often something failed.
    pub(crate) fn failures(&self) -> u64 {
        self.lock().failures
    }

    fn lock(&self) -> MutexGuard<'_, FolderHealth> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_stays_until_something_goes_well() {
        let health = StateHealth::default();
        health.note("write", Err(io::Error::other("full")));
        health.note("write", Err(io::Error::other("full")));
        assert_eq!(health.fault().as_deref(), Some("full"));
        assert_eq!(health.failures(), 2);
        health.note("write", Ok(Written::Nothing));
        assert!(health.fault().is_some());
        health.note("write", Ok(Written::Something));
        assert_eq!(health.fault(), None);
    }
}
