//! Writes the state folder beside the control thread, because fsync may take long.
//!
//! There is one slot instead of a queue: when snapshots come faster than the disk, the ones between are
//! not kept. They did not serve for the soak time, so none of them could have become good.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use weft_snapshot::layout::Digest;

use super::Candidate;
use super::health::StateHealth;
use super::state::{Start, StateDir};

/// How long the end of the proxy waits for a disk.
const LAST_WRITES: Duration = Duration::from_secs(5);

/// The thread that owns the state folder while the proxy serves.
#[derive(Debug)]
pub(crate) struct Keeper {
    mailbox: Arc<Mailbox>,
    /// Closed when the thread ended.
    ended: Receiver<()>,
}

#[derive(Debug, Default)]
struct Mailbox {
    slot: Mutex<Slot>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Slot {
    begin: Option<Candidate>,
    good: Option<Digest>,
    is_clean: bool,
    ended: bool,
}

impl Keeper {
    /// Starts the thread; the start of the slice `counted` is counted in the folder already.
    ///
    /// # Errors
    ///
    /// When the system has no thread left.
    pub(crate) fn start(
        state: StateDir,
        counted: Digest,
        health: Arc<StateHealth>,
    ) -> io::Result<Self> {
        let mailbox = Arc::new(Mailbox::default());
        let theirs = Arc::clone(&mailbox);
        let (end, ended) = sync_channel(0);
        std::thread::Builder::new()
            .name("weft-keeper".to_owned())
            .spawn(move || {
                // Dropped with the thread, also when that panics.
                let _ends: SyncSender<()> = end;
                work(&state, counted, &theirs, &health);
            })?;
        Ok(Self { mailbox, ended })
    }

    /// `candidate` is served from now on.
    pub(crate) fn begin(&self, candidate: Candidate) {
        self.put(|slot| slot.begin = Some(candidate));
    }

    /// The slice with `digest` served for the soak time.
    pub(crate) fn good(&self, digest: Digest) {
        self.put(|slot| slot.good = Some(digest));
    }

    /// The proxy ends because it was asked to; waits until that is written.
    pub(crate) fn end_cleanly(self) {
        self.put(|slot| slot.is_clean = true);
    }

    fn put(&self, change: impl FnOnce(&mut Slot)) {
        change(&mut self.mailbox.lock());
        self.mailbox.changed.notify_one();
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.put(|slot| slot.ended = true);
        // The folder is whole at any moment, so a disk that hangs is left alone.
        if self.ended.recv_timeout(LAST_WRITES) == Err(RecvTimeoutError::Timeout) {
            tracing::error!("the state folder takes too long to write; ending without it");
        }
    }
}

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for work and takes all of it.
    fn take(&self) -> Slot {
        let idle = |slot: &mut Slot| {
            slot.begin.is_none() && slot.good.is_none() && !slot.is_clean && !slot.ended
        };
        let slot = self.changed.wait_while(self.lock(), idle);
        let mut slot = slot.unwrap_or_else(PoisonError::into_inner);
        let ended = slot.ended;
        let taken = std::mem::take(&mut *slot);
        slot.ended = ended;
        taken
    }
}

/// `counted` is always the slice whose start the folder counts as open: a slice that was replaced did not
/// end the process, so its start is taken back.
fn work(state: &StateDir, mut counted: Digest, mailbox: &Mailbox, health: &StateHealth) {
    loop {
        let work = mailbox.take();
        if let Some(candidate) = work.begin {
            let start = if candidate.slice_digest == counted {
                Start::GoesOn
            } else {
                Start::New
            };
            if start == Start::New {
                health.note("note the replacement", state.forgive(&counted));
                counted = candidate.slice_digest;
            }
            health.note("keep the snapshot", state.begin(&candidate, start));
        }
        if let Some(digest) = work.good {
            health.note("mark the snapshot as good", state.mark_good(&digest));
        }
        if work.is_clean {
            health.note("note the clean end", state.forgive(&counted));
        }
        if work.ended {
            return;
        }
    }
}
