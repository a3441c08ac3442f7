//! Wakes when files in watched directories may have changed.
//!
//! Directories are watched, not files: a file that is replaced by a rename, or behind the symlink swap
//! of a Kubernetes `ConfigMap`, ends a watch of the file after its first change. An event is only a
//! hint to read again, and a slow poll covers whatever the kernel does not tell, so nothing depends
//! on events for being right, only for being fast.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;
use tokio::time;

/// From the last wake to the next one when nothing is heard.
const POLL: Duration = Duration::from_secs(5);
/// From the first event to the wake, so that several files written together are read once.
const SETTLE: Duration = Duration::from_millis(100);

/// Says when to read watched files again.
pub(super) struct DirectoryWatch {
    heard: Arc<Notify>,
    watcher: Option<RecommendedWatcher>,
}

impl DirectoryWatch {
    /// Hears nothing yet. Without a watch from the kernel there is still the poll.
    pub(super) fn new() -> Self {
        let heard = Arc::new(Notify::new());
        let hear = Arc::clone(&heard);
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            // Errors (a lost event queue) are hints too.
            if event.as_ref().map_or(true, changes_content) {
                hear.notify_one();
            }
        });
        let watcher = watcher
            .inspect_err(|error| tracing::warn!(%error, "files are polled, not watched"))
            .ok();
        Self { heard, watcher }
    }

    /// From now on, hears what happens in `directories`. To be called before each reading of them.
    ///
    /// Watches are renewed by each call, because a directory may have been replaced.
    pub(super) fn listen(&mut self, directories: &BTreeSet<PathBuf>) {
        for directory in directories {
            self.watch(directory);
        }
    }

    /// Waits for an event since the last wait, or for the poll. Cancelling it while it waits loses nothing.
    pub(super) async fn next(&self) {
        let heard = time::timeout(POLL, self.heard.notified()).await.is_ok();
        if heard {
            time::sleep(SETTLE).await;
        }
    }

    fn watch(&mut self, directory: &Path) {
        let Some(watcher) = &mut self.watcher else {
            return;
        };
        // A directory that is not there is covered by the poll, and tried again by the next call.
        if let Err(error) = watcher.watch(directory, RecursiveMode::NonRecursive) {
            tracing::debug!(directory = %directory.display(), %error, "directory is polled");
        }
    }
}

/// Whether an event can mean new content. Our own reading makes events too, which must not wake us.
fn changes_content(event: &Event) -> bool {
    match event.kind {
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
        EventKind::Any
        | EventKind::Create(_)
        | EventKind::Modify(_)
        | EventKind::Remove(_)
        | EventKind::Other => true,
    }
}
