//! What the registry shares with its lookups: the entries, and taking what is learnt about them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;
use weft_snapshot::settings::Endpoints;

use super::names::Name;
use super::resolver::{Answer, Family, LookupFailure, Resolver};
use crate::control::clock;
use crate::shared::EndpointCell;

/// Addresses of one cell; a longer list is cut, and the report says so.
const ADDRESSES: usize = 4_096;
/// Questions to name servers at the same time, those that are late left out.
const AT_ONCE: usize = 64;
/// How questions to name servers end, as the labels of their counter.
pub(super) const LOOKUPS: [&str; 6] = [
    "answered",
    "no-address",
    "no-answer",
    "no-such-name",
    "other",
    "server-failure",
];

/// What lookups share with the registry.
#[derive(Debug)]
pub(super) struct State {
    pub(super) entries: Mutex<BTreeMap<String, Entry>>,
    pub(super) resolver: Resolver,
    pub(super) lookups: [AtomicU64; LOOKUPS.len()],
    /// Told when a question was answered or a name came.
    pub(super) moved: Notify,
}

/// One cell and how it fares.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) source: Endpoints,
    pub(super) cell: Arc<EndpointCell>,
    pub(super) name: Option<Name>,
    pub(super) refreshed_unix: i64,
    pub(super) error: Option<String>,
}

impl State {
    /// Asks what is due, in tasks of their own. Returns when the next question is due.
    pub(super) fn ask(self: &Arc<Self>) -> Option<Instant> {
        let now = Instant::now();
        let mut entries = self.lock();
        let names = entries.values().filter_map(|entry| entry.name.as_ref());
        let mut places = AT_ONCE.saturating_sub(names.map(|name| name.in_time(now)).sum());
        for (key, entry) in entries.iter_mut() {
            let (Endpoints::Dns { host, port: _ }, Some(name)) = (&entry.source, &mut entry.name)
            else {
                continue;
            };
            if places == 0 {
                break;
            }
            for family in name.ask(now) {
                places = places.saturating_sub(1);
                let (state, key, host) = (Arc::clone(self), key.clone(), host.clone());
                tokio::spawn(async move {
                    let outcome = state.resolver.lookup(&host, family).await;
                    state.answered(&key, family, outcome);
                });
            }
        }
        let names = entries.values().filter_map(|entry| entry.name.as_ref());
        names.filter_map(Name::next_due).min()
    }

    /// Waits until something is known of all `names`.
    pub(super) async fn known(self: &Arc<Self>, names: &[String]) {
        loop {
            let moved = self.moved.notified();
            self.ask();
            let is_known = |key: &String| {
                let entries = self.lock();
                let name = entries.get(key).and_then(|entry| entry.name.as_ref());
                name.is_none_or(Name::is_known)
            };
            if names.iter().all(is_known) {
                return;
            }
            moved.await;
        }
    }

    /// Takes the outcome of a question, however late it comes: the answer of a slow name server is as good.
    fn answered(&self, key: &str, family: Family, outcome: Result<Answer, LookupFailure>) {
        let label = match &outcome {
            Ok(_answer) => "answered",
            Err(failure) => failure.reason(),
        };
        let position = LOOKUPS.iter().position(|known| *known == label);
        if let Some(count) = position.and_then(|at| self.lookups.get(at)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(entry) = self.lock().get_mut(key) {
            entry.answered(family, outcome);
        }
        self.moved.notify_waiters();
        self.moved.notify_one();
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn answered(&mut self, family: Family, outcome: Result<Answer, LookupFailure>) {
        let (Some(name), Endpoints::Dns { host: _, port }) = (&mut self.name, &self.source) else {
            return;
        };
        let is_confirmed = name.take(family, outcome, Instant::now());
        let addresses = name.addresses().map(|ip| SocketAddr::new(ip, *port));
        let (addresses, error) = (addresses.collect(), name.error());
        if is_confirmed {
            self.refreshed_unix = clock::unix_seconds();
        }
        self.serve(addresses);
        self.say(error);
    }

    /// Puts addresses into use. None at all are never put into use: the old ones are better.
    pub(super) fn serve(&mut self, addresses: Vec<SocketAddr>) {
        if ADDRESSES < addresses.len() {
            tracing::warn!(
                source = key(&self.source),
                "only {ADDRESSES} addresses are used"
            );
        }
        let addresses = in_order(addresses);
        if !addresses.is_empty() && **self.cell.addresses.load() != addresses {
            self.cell.addresses.store(Arc::new(addresses));
        }
    }

    /// Notes what is wrong, or that nothing is. What is new is logged.
    pub(super) fn say(&mut self, error: Option<String>) {
        if self.error == error {
            return;
        }
        let source = key(&self.source);
        match &error {
            Some(error) if 0 < self.refreshed_unix => {
                let age_seconds = clock::unix_seconds().saturating_sub(self.refreshed_unix);
                tracing::warn!(
                    source,
                    error,
                    age_seconds,
                    "endpoints keep the addresses they had"
                );
            }
            Some(error) => tracing::warn!(source, error, "there are no endpoints yet"),
            None => tracing::info!(source, "endpoints are up to date again"),
        }
        self.error = error;
    }
}

/// A text that is equal exactly when the sources are.
pub(super) fn key(source: &Endpoints) -> String {
    match source {
        Endpoints::Static { addresses } => format!("static {addresses:?}"),
        Endpoints::Dns { host, port } => format!("dns {port} {host:?}"),
        Endpoints::File { path } => format!("file {path:?}"),
    }
}

pub(super) fn in_order(mut addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    addresses.sort_unstable();
    addresses.dedup();
    addresses.truncate(ADDRESSES);
    addresses
}
