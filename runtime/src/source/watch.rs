//! Says that a file may have been replaced, however that was done.
//!
//! A file can change by being renamed over, by a swap of a symbolic link anywhere on its path (Kubernetes
//! config maps swap `..data`; deployments swap `current`), or by its folder being made anew. So every link
//! on the way is followed, and the folders in which a step could be exchanged are watched. An event is only
//! a hint: whoever is told reads the file again and compares. A slow poll elsewhere catches what no event
//! tells.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;
use tokio::time::Instant;

/// Silence after the last event before a file is read: writers often touch several files.
const QUIET: Duration = Duration::from_millis(2);
/// The longest wait for silence, from the first event on; then the file is read anyway.
const PATIENCE: Duration = Duration::from_millis(10);
/// Links followed on one path; beyond, the path counts as it is.
const STEPS: usize = 256;

/// Watches some files by their paths.
#[derive(Debug)]
pub(crate) struct PathWatch {
    watcher: Option<RecommendedWatcher>,
    folders: BTreeMap<PathBuf, (u64, u64)>,
    followed: Arc<Mutex<Followed>>,
    hints: Hints,
}

/// What the thread that hears events knows.
#[derive(Debug, Default)]
struct Followed {
    /// What, when it changes, is of interest.
    entries: BTreeSet<PathBuf>,
    /// What was removed or renamed: a folder there may be a new one, even with the old inode number.
    lost: BTreeSet<PathBuf>,
}

impl Followed {
    /// Notes what `event` says; returns whether it is of interest.
    fn hears(&mut self, event: Event) -> bool {
        if event.need_rescan() {
            return true;
        }
        let is_lost = match event.kind {
            EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)) => true,
            EventKind::Any
            | EventKind::Access(_)
            | EventKind::Create(_)
            | EventKind::Modify(_)
            | EventKind::Other => false,
        };
        let is_change = is_change(event.kind);
        let mut is_of_interest = false;
        for path in event.paths {
            // An event about a watched folder itself has no name in it.
            let is_ours = self.entries.contains(&path)
                || self
                    .entries
                    .iter()
                    .any(|entry| entry.parent() == Some(&path));
            is_of_interest |= is_change && is_ours;
            if is_lost && is_ours {
                self.lost.insert(path);
            }
        }
        is_of_interest
    }
}

/// The end at which hints come out; clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hints(Arc<Notify>);

impl PathWatch {
    /// Watches nothing yet. Without inotify only the poll of the caller remains, and the log says so.
    pub(crate) fn new() -> Self {
        let followed = Arc::new(Mutex::new(Followed::default()));
        let hints = Hints::default();
        let watcher = watcher(Arc::clone(&followed), hints.clone());
        Self {
            watcher,
            folders: BTreeMap::new(),
            followed,
            hints,
        }
    }

    /// Watches exactly `files` from now on, the way they resolve at this moment.
    ///
    /// Call it again after every change: the way may have changed too.
    pub(crate) fn follow<'p>(&mut self, files: impl IntoIterator<Item = &'p Path>) {
        let mut entries = BTreeSet::new();
        for file in files {
            entries.extend(exchangeable(file));
        }
        let mut wanted = BTreeMap::new();
        for folder in entries.iter().filter_map(|entry| entry.parent()) {
            if let Ok(metadata) = std::fs::metadata(folder) {
                wanted.insert(folder.to_owned(), (metadata.dev(), metadata.ino()));
            }
        }
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        followed.entries = entries;
        let lost = std::mem::take(&mut followed.lost);
        drop(followed);
        if let Some(watcher) = &mut self.watcher {
            for folder in lost {
                if self.folders.remove(&folder).is_some() {
                    // Gone with the folder, most of the time.
                    drop(watcher.unwatch(&folder));
                }
            }
            rewatch(watcher, &self.folders, &mut wanted);
        }
        self.folders = wanted;
    }

    /// Where to wait for hints.
    pub(crate) fn hints(&self) -> Hints {
        self.hints.clone()
    }
}

impl Hints {
    /// Gives a hint by hand.
    pub(crate) fn give(&self) {
        self.0.notify_one();
    }

    /// Waits for a hint and then for a moment of silence, at most 10 ms.
    ///
    /// Dropping the future loses nothing: a hint that was taken already is given back.
    pub(crate) async fn settled(&self) {
        self.0.notified().await;
        let mut taken = Taken {
            hints: self,
            is_settled: false,
        };
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if tokio::time::timeout(QUIET, self.0.notified())
                .await
                .is_err()
            {
                break;
            }
        }
        taken.is_settled = true;
    }
}

/// A hint that was taken and not acted on yet.
struct Taken<'h> {
    hints: &'h Hints,
    is_settled: bool,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        if !self.is_settled {
            self.hints.give();
        }
    }
}

fn watcher(followed: Arc<Mutex<Followed>>, hints: Hints) -> Option<RecommendedWatcher> {
    let told = move |event: notify::Result<Event>| {
        let concerns_us = match event {
            Ok(event) => followed
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .hears(event),
            Err(_error) => true,
        };
        if concerns_us {
            hints.give();
        }
    };
    notify::recommended_watcher(told)
        .inspect_err(|error| tracing::warn!(%error, "files are polled only: no file events"))
        .ok()
}

/// Opening and reading, also our own, are no changes.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        EventKind::Any
        | EventKind::Create(_)
        | EventKind::Modify(_)
        | EventKind::Remove(_)
        | EventKind::Other => true,
    }
}

/// Makes the watched folders those of `wanted`; what cannot be watched is left out of it.
fn rewatch(
    watcher: &mut RecommendedWatcher,
    present: &BTreeMap<PathBuf, (u64, u64)>,
    wanted: &mut BTreeMap<PathBuf, (u64, u64)>,
) {
    for (folder, identity) in present {
        if wanted.get(folder) != Some(identity) {
            // The kernel has dropped the watch of a removed folder itself; an error says no more.
            drop(watcher.unwatch(folder));
        }
    }
    wanted.retain(|folder, identity| {
        if present.get(folder) == Some(identity) {
            return true;
        }
        watcher
            .watch(folder, RecursiveMode::NonRecursive)
            .inspect_err(|error| {
                let folder = folder.display().to_string();
                tracing::debug!(folder, %error, "folder cannot be watched");
            })
            .is_ok()
    });
}

/// The entries on the way to `file` whose exchange could change what it is: links, the last two steps, and
/// the first step that is missing.
fn exchangeable(file: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let Ok(file) = std::path::absolute(file) else {
        return found;
    };
    let mut steps: Vec<OsString> = reversed(&file);
    let mut at = PathBuf::from("/");
    for _ in 0..STEPS {
        let Some(step) = steps.pop() else {
            break;
        };
        if step == ".." {
            at.pop();
            continue;
        }
        let entry = at.join(step);
        match std::fs::symlink_metadata(&entry) {
            Err(_error) => {
                found.insert(entry);
                break;
            }
            Ok(metadata) if metadata.is_symlink() => {
                found.insert(entry.clone());
                let target = std::fs::read_link(&entry).unwrap_or_default();
                if target.is_absolute() {
                    at = PathBuf::from("/");
                }
                steps.extend(reversed(&target));
            }
            Ok(_metadata) => {
                if steps.len() < 2 {
                    found.insert(entry.clone());
                }
                at = entry;
            }
        }
    }
    found
}

fn reversed(path: &Path) -> Vec<OsString> {
    let steps = path.components().filter_map(|step| match step {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        Component::CurDir | Component::RootDir | Component::Prefix(_) => None,
    });
    steps.collect::<Vec<_>>().into_iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    async fn told(hints: &Hints) -> bool {
        tokio::time::timeout(Duration::from_secs(5), hints.settled())
            .await
            .is_ok()
    }

    async fn silent(hints: &Hints) -> bool {
        tokio::time::timeout(Duration::from_millis(100), hints.settled())
            .await
            .is_err()
    }

    #[tokio::test]
    async fn a_rename_over_the_file_is_told_and_reading_it_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("index.json");
        std::fs::write(&file, "1").unwrap();
        let mut watch = PathWatch::new();
        watch.follow([file.as_path()]);
        let hints = watch.hints();

        std::fs::read(&file).unwrap();
        std::fs::write(folder.path().join("other"), "x").unwrap();
        assert!(silent(&hints).await);

        let temporary = folder.path().join("index.json.tmp");
        std::fs::write(&temporary, "2").unwrap();
        std::fs::rename(&temporary, &file).unwrap();
        assert!(told(&hints).await);
    }

    #[tokio::test]
    async fn every_swap_of_a_config_map_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("..1")).unwrap();
        std::fs::write(at("..1").join("index.json"), "1").unwrap();
        symlink("..1", at("..data")).unwrap();
        symlink("..data/index.json", at("index.json")).unwrap();
        let file = at("index.json");
        let mut watch = PathWatch::new();
        let hints = watch.hints();

        for version in 2..5 {
            watch.follow([file.as_path()]);
            let next = format!("..{version}");
            std::fs::create_dir(at(&next)).unwrap();
            std::fs::write(at(&next).join("index.json"), &next).unwrap();
            symlink(&next, at("..data_tmp")).unwrap();
            std::fs::rename(at("..data_tmp"), at("..data")).unwrap();
            assert!(told(&hints).await, "swap {version}");
            assert_eq!(std::fs::read_to_string(&file).unwrap(), next);
        }
    }

    #[tokio::test]
    async fn a_folder_that_is_made_anew_is_watched_again() {
        let folder = tempfile::tempdir().unwrap();
        let dist = folder.path().join("dist");
        let file = dist.join("index.json");
        std::fs::create_dir(&dist).unwrap();
        let mut watch = PathWatch::new();
        let hints = watch.hints();
        watch.follow([file.as_path()]);

        std::fs::remove_dir(&dist).unwrap();
        std::fs::create_dir(&dist).unwrap();
        assert!(told(&hints).await);
        watch.follow([file.as_path()]);
        while !silent(&hints).await {}

        std::fs::write(&file, "1").unwrap();
        assert!(told(&hints).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_hint_survives_being_waited_for_in_vain() {
        let hints = Hints::default();
        hints.give();
        let short = tokio::time::timeout(Duration::from_millis(1), hints.settled());
        assert!(short.await.is_err());
        assert!(told(&hints).await);
        assert!(silent(&hints).await);
    }

    #[test]
    fn links_in_a_circle_end() {
        let folder = tempfile::tempdir().unwrap();
        symlink("b", folder.path().join("a")).unwrap();
        symlink("a", folder.path().join("b")).unwrap();
        assert!(exchangeable(&folder.path().join("a/index.json")).len() < 10);
    }
}
