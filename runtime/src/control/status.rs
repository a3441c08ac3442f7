//! What the control thread knows of itself, for the admin endpoint.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::clock;
use crate::source::{Reason, Refusal};

/// Where the snapshot that is served was read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ServedFrom {
    /// The folder DIST.
    Source,
    /// The state folder: the last good one, because DIST was away or bad.
    State,
}

impl ServedFrom {
    /// The name on `/snapshot`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::State => "state",
        }
    }
}

/// A copy of all that is known, at one moment.
#[derive(Clone, Debug)]
pub(crate) struct StatusRecord {
    /// Where the snapshot that is served was read.
    pub(crate) served_from: ServedFrom,
    /// Since when it is served, in seconds since 1970 UTC.
    pub(crate) since_unix: i64,
    /// When DIST last said what is served, in seconds since 1970 UTC; 0 for never.
    pub(crate) confirmed_unix: i64,
    /// Why what DIST has now is not served; `None` while it is.
    pub(crate) pending: Option<Refusal>,
    /// The last refusal, also when it is over.
    pub(crate) last_refusal: Option<(Refusal, i64)>,
    /// Refusals by reason; repeated looks at the same bytes count once.
    pub(crate) refusals: BTreeMap<Reason, u64>,
    /// Snapshots published since the start.
    pub(crate) published: u64,
}

/// The shared record; the control thread writes, the admin endpoint reads.
#[derive(Debug)]
pub(crate) struct Status(Mutex<StatusRecord>);

impl Status {
    /// Nothing has happened yet.
    pub(crate) fn new() -> Self {
        Self(Mutex::new(StatusRecord {
            served_from: ServedFrom::Source,
            since_unix: 0,
            confirmed_unix: 0,
            pending: None,
            last_refusal: None,
            refusals: BTreeMap::new(),
            published: 0,
        }))
    }

    /// A snapshot is served from now on.
    pub(crate) fn published(&self, served_from: ServedFrom) {
        let mut known = self.lock();
        known.since_unix = clock::unix_seconds();
        known.served_from = served_from;
        known.published = known.published.saturating_add(1);
    }

    /// DIST has what is served.
    pub(crate) fn confirmed(&self) {
        let mut known = self.lock();
        known.confirmed_unix = clock::unix_seconds();
        known.served_from = ServedFrom::Source;
        known.pending = None;
    }

    /// DIST has something that is not served. Returns whether that is news.
    pub(crate) fn refused(&self, refusal: &Refusal) -> bool {
        let mut known = self.lock();
        if known.pending.as_ref() == Some(refusal) {
            return false;
        }
        let count = known.refusals.entry(refusal.reason).or_default();
        *count = count.saturating_add(1);
        known.pending = Some(refusal.clone());
        known.last_refusal = Some((refusal.clone(), clock::unix_seconds()));
        true
    }

    /// All of it now.
    pub(crate) fn known(&self) -> StatusRecord {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, StatusRecord> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_refusal_counts_once_until_something_else_happens() {
        let status = Status::new();
        let refusal = Refusal::new(Reason::BadIndex, "garbage").of_generation(3);

        assert!(status.refused(&refusal));
        assert!(!status.refused(&refusal));
        status.confirmed();
        assert!(status.refused(&refusal));

        let known = status.known();
        assert_eq!(known.refusals[&Reason::BadIndex], 2);
        assert_eq!(known.pending, Some(refusal));
    }
}
