//! The live endpoints of clusters: lists, DNS names and files, each resolved once for all that use it.
//!
//! A cell is found by what the slice says of it, so it survives snapshots. Failure never empties a cell: an
//! unresolvable name or a bad file keeps the addresses that were there, and `/endpoints` says so, with their age.
//! A new name that cannot be resolved yet starts empty, and does not refuse a snapshot: its other routes matter.
//!
//! | file | does |
//! |---|---|
//! | `state` | the cells, and taking what is learnt about them |
//! | `names` | what is known of a name, and when it is asked for again |
//! | `resolver` | asks DNS |
//! | `file` | reads an endpoint file |

mod file;
mod names;
mod resolver;
mod state;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use names::Name;
use resolver::Resolver;
use state::{Entry, LOOKUPS, State, in_order, key};
use tokio::sync::Notify;
use tokio::time::Instant;
use weft_snapshot::settings::Endpoints;

use crate::control::clock;
use crate::shared::EndpointCell;
use crate::source::watch::{Hints, PathWatch};

/// The pause of the task that asks when it has more to ask than it may.
const SHORTEST_WAIT: Duration = Duration::from_millis(20);
/// How often the files that say how names are resolved are looked at.
const LOOK_AT_FILES: Duration = Duration::from_secs(5);
/// How long a new snapshot waits for its new names; the rest are resolved after it was published.
const FIRST_RESOLUTION: Duration = Duration::from_secs(3);

/// All cells of the process. Shared by the tasks of the control thread; the lock is never held long.
#[derive(Debug)]
pub(crate) struct Registry {
    state: Arc<State>,
    files_changed: Hints,
}

/// What `/endpoints` says of one cell.
#[derive(Debug)]
pub(crate) struct EntryReport {
    /// As the slice has it.
    pub(crate) source: Endpoints,
    /// The addresses in use.
    pub(crate) addresses: Arc<Vec<SocketAddr>>,
    /// When they were confirmed last, in seconds since 1970 UTC; 0 for never.
    pub(crate) refreshed_unix: i64,
    /// How long they hold, of names.
    pub(crate) ttl: Option<Duration>,
    /// For how long a name server owes an answer; none while that is normal.
    pub(crate) late: Option<Duration>,
    /// Why the last look failed; then the addresses are older.
    pub(crate) error: Option<String>,
}

impl Registry {
    /// No cells yet. Names will be asked of `resolver`, or of the name servers of the system.
    pub(crate) fn new(resolver: Option<SocketAddr>) -> Self {
        Self {
            state: Arc::new(State {
                entries: Mutex::default(),
                resolver: Resolver::new(resolver),
                lookups: Default::default(),
                moved: Notify::new(),
            }),
            files_changed: Hints::default(),
        }
    }

    /// The cells of `sources`, in that order; new ones are resolved first, for at most 3 s together.
    pub(crate) async fn cells(&self, sources: &[&Endpoints]) -> Vec<Arc<EndpointCell>> {
        let mut new_names = Vec::new();
        let mut cells = Vec::with_capacity(sources.len());
        for source in sources {
            let (cell, is_new) = self.cell(source);
            match source {
                Endpoints::Dns { .. } if is_new => new_names.push(key(source)),
                Endpoints::File { path } if is_new => self.read_file(source, Path::new(path)),
                Endpoints::Dns { .. } | Endpoints::File { .. } | Endpoints::Static { .. } => {}
            }
            cells.push(cell);
        }
        if !new_names.is_empty() {
            let known = self.state.known(&new_names);
            if tokio::time::timeout(FIRST_RESOLUTION, known).await.is_err() {
                tracing::warn!("some names are not resolved yet; their clusters start empty");
            }
        }
        self.files_changed.give();
        cells
    }

    /// Forgets the cells that no snapshot uses any more.
    pub(crate) fn forget_unused(&self) {
        self.state
            .lock()
            .retain(|_key, entry| 1 < Arc::strong_count(&entry.cell));
    }

    /// How every cell fares, in a stable order.
    pub(crate) fn report(&self) -> Vec<EntryReport> {
        let now = Instant::now();
        let report = |entry: &Entry| EntryReport {
            source: entry.source.clone(),
            addresses: entry.cell.addresses.load_full(),
            refreshed_unix: entry.refreshed_unix,
            ttl: entry.name.as_ref().and_then(Name::ttl),
            late: entry.name.as_ref().and_then(|name| name.late(now)),
            error: entry.error.clone(),
        };
        self.state.lock().values().map(report).collect()
    }

    /// How often questions to name servers ended in which way.
    pub(crate) fn lookups(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        let counts = self.state.lookups.iter();
        let counts = counts.map(|count| count.load(Ordering::Relaxed));
        LOOKUPS.into_iter().zip(counts)
    }

    /// Resolves names when what is known of them has had its time, for ever.
    pub(crate) async fn keep_names(&self) {
        let mut looked = Instant::now();
        loop {
            let now = Instant::now();
            if looked + LOOK_AT_FILES <= now {
                looked = now;
                if self.state.resolver.refresh() {
                    tracing::info!("`/etc/resolv.conf` or `/etc/hosts` changed");
                    self.ask_all();
                }
            }
            let due = self.state.ask();
            let until = due.map_or(looked + LOOK_AT_FILES, |due| {
                due.min(looked + LOOK_AT_FILES)
            });
            // A question that waits for a place among those under way is due already; answers make places.
            let until = until.max(now + SHORTEST_WAIT);
            let _early = tokio::time::timeout_at(until, self.state.moved.notified()).await;
        }
    }

    /// Asks for all names again now.
    pub(crate) fn ask_all(&self) {
        let now = Instant::now();
        for entry in self.state.lock().values_mut() {
            if let Some(name) = &mut entry.name {
                name.hurry(now);
            }
        }
        self.state.moved.notify_one();
    }

    /// Reads endpoint files whenever they change, and every `poll`, for ever.
    pub(crate) async fn keep_files(&self, poll: Duration) {
        let mut watch = PathWatch::new();
        let hints = watch.hints();
        loop {
            let paths = self.files();
            watch.follow(paths.iter().map(PathBuf::as_path));
            tokio::select! {
                () = hints.settled() => {}
                () = self.files_changed.settled() => continue,
                () = tokio::time::sleep(poll) => {}
            }
            self.read_files();
        }
    }

    /// Reads all endpoint files now.
    pub(crate) fn read_files(&self) {
        for path in self.files() {
            let source = Endpoints::File {
                path: path.display().to_string(),
            };
            self.read_file(&source, &path);
        }
    }

    fn files(&self) -> Vec<PathBuf> {
        self.sources(|source| match source {
            Endpoints::File { path } => Some(PathBuf::from(path)),
            Endpoints::Static { .. } | Endpoints::Dns { .. } => None,
        })
    }

    fn sources<T>(&self, wanted: impl Fn(&Endpoints) -> Option<T>) -> Vec<T> {
        self.state
            .lock()
            .values()
            .filter_map(|entry| wanted(&entry.source))
            .collect()
    }

    fn cell(&self, source: &Endpoints) -> (Arc<EndpointCell>, bool) {
        let mut entries = self.state.lock();
        if let Some(entry) = entries.get(&key(source)) {
            return (Arc::clone(&entry.cell), false);
        }
        let (addresses, refreshed_unix) = match source {
            Endpoints::Static { addresses } => (in_order(addresses.clone()), clock::unix_seconds()),
            Endpoints::Dns { .. } | Endpoints::File { .. } => (Vec::new(), 0),
        };
        let cell = Arc::new(EndpointCell::new(addresses));
        let entry = Entry {
            source: source.clone(),
            cell: Arc::clone(&cell),
            name: matches!(source, Endpoints::Dns { .. }).then(|| Name::new(Instant::now())),
            refreshed_unix,
            error: None,
        };
        entries.insert(key(source), entry);
        (cell, true)
    }

    fn read_file(&self, source: &Endpoints, path: &Path) {
        let outcome = file::read(path);
        let mut entries = self.state.lock();
        let Some(entry) = entries.get_mut(&key(source)) else {
            return;
        };
        match outcome {
            Ok(addresses) => {
                entry.refreshed_unix = clock::unix_seconds();
                entry.serve(addresses);
                entry.say(None);
            }
            Err(error) => entry.say(Some(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(cell: &EndpointCell) -> Vec<String> {
        cell.addresses
            .load()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[tokio::test]
    async fn equal_sources_share_a_cell_until_nobody_uses_it() {
        let registry = Registry::new(None);
        let source = Endpoints::Static {
            addresses: vec!["10.0.0.2:1".parse().unwrap(), "10.0.0.1:1".parse().unwrap()],
        };
        let first = registry.cells(&[&source, &source]).await;
        assert!(Arc::ptr_eq(&first[0], &first[1]));
        assert_eq!(addresses(&first[0]), ["10.0.0.1:1", "10.0.0.2:1"]);

        registry.forget_unused();
        assert!(Arc::ptr_eq(&registry.cells(&[&source]).await[0], &first[0]));
        drop(first);
        registry.forget_unused();
        assert!(registry.report().is_empty());
    }

    #[tokio::test]
    async fn a_bad_file_keeps_the_old_list_and_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("orders.json");
        std::fs::write(&path, r#"["127.0.0.1:7"]"#).unwrap();
        let registry = Registry::new(None);
        let source = Endpoints::File {
            path: path.display().to_string(),
        };
        let cells = registry.cells(&[&source]).await;
        assert_eq!(addresses(&cells[0]), ["127.0.0.1:7"]);

        for bad in ["", "[", "[]", "{}", r#"["localhost:7"]"#, "[7]"] {
            std::fs::write(&path, bad).unwrap();
            registry.read_files();
            assert_eq!(addresses(&cells[0]), ["127.0.0.1:7"], "{bad}");
            assert!(registry.report()[0].error.is_some(), "{bad}");
        }

        std::fs::write(&path, r#"["127.0.0.1:8"]"#).unwrap();
        registry.read_files();
        assert_eq!(addresses(&cells[0]), ["127.0.0.1:8"]);
        assert_eq!(registry.report()[0].error, None);
    }

    #[tokio::test]
    async fn a_changed_file_is_seen_without_a_poll() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("orders.json");
        std::fs::write(&path, r#"["127.0.0.1:7"]"#).unwrap();
        let registry = Arc::new(Registry::new(None));
        let source = Endpoints::File {
            path: path.display().to_string(),
        };
        let cells = registry.cells(&[&source]).await;
        let theirs = Arc::clone(&registry);
        let task = tokio::spawn(async move { theirs.keep_files(Duration::from_mins(10)).await });
        tokio::time::sleep(Duration::from_millis(50)).await;

        std::fs::write(&path, r#"["127.0.0.1:9"]"#).unwrap();
        let seen = async {
            while addresses(&cells[0]) != ["127.0.0.1:9"] {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), seen)
            .await
            .unwrap();
        task.abort();
    }

    #[tokio::test]
    async fn names_are_resolved_before_their_cell_is_used() {
        let registry = Registry::new(None);
        let source = Endpoints::Dns {
            host: "localhost".to_owned(),
            port: 9,
        };
        let missing = Endpoints::Dns {
            host: "no-such-name.invalid".to_owned(),
            port: 9,
        };
        let cells = registry.cells(&[&source, &missing]).await;
        assert!(addresses(&cells[0]).contains(&"127.0.0.1:9".to_owned()));
        assert!(addresses(&cells[1]).is_empty());
        assert!(registry.report().iter().any(|entry| entry.error.is_some()));
    }
}
