//! How much of something runs at one time, by name: counts that all workers share and that outlive snapshots.
//!
//! Finding one takes no lock: the map is replaced whole when a name is new.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use arc_swap::ArcSwap;

/// So many names are kept although nothing counts by them.
const NAMES: usize = 4_096;

/// Counts by name.
#[derive(Debug, Default)]
pub struct Gauges {
    known: ArcSwap<BTreeMap<String, Arc<AtomicU32>>>,
}

impl Gauges {
    /// Takes a place among the `most` that one name has; none when all are taken.
    pub fn take(&self, name: &str, most: u32) -> Option<Place> {
        let known = self.known.load();
        let running = match known.get(name) {
            Some(running) => Arc::clone(running),
            None => self.add(name),
        };
        let more = |now: u32| (now < most).then(|| now.saturating_add(1));
        let is_taken = running.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        is_taken.ok().map(|_before| Place { running })
    }

    /// How many places of a name are taken.
    pub fn taken(&self, name: &str) -> u32 {
        let known = self.known.load();
        known
            .get(name)
            .map_or(0, |running| running.load(Ordering::Relaxed))
    }

    fn add(&self, name: &str) -> Arc<AtomicU32> {
        let new = Arc::new(AtomicU32::new(0));
        self.known.rcu(|known| {
            // A place holds its count, so one that only the map holds has none. A worker may just be about to take one, so
            // names are forgotten only where they would take memory.
            let is_full = NAMES <= known.len();
            let in_use = known
                .iter()
                .filter(|(_, running)| !is_full || 1 < Arc::strong_count(running));
            let mut grown: BTreeMap<String, Arc<AtomicU32>> = in_use
                .map(|(name, running)| (name.clone(), Arc::clone(running)))
                .collect();
            grown
                .entry(name.to_owned())
                .or_insert_with(|| Arc::clone(&new));
            grown
        });
        // Another worker may have been first.
        let known = self.known.load();
        known.get(name).map_or(new, Arc::clone)
    }
}

/// One place that is taken; given back when it is dropped.
#[derive(Debug)]
pub struct Place {
    running: Arc<AtomicU32>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.running.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::Gauges;

    #[test]
    fn places_are_counted_by_name_and_given_back() {
        let gauges = Gauges::default();
        let first = gauges.take("a", 2);
        let second = gauges.take("a", 2);
        assert!(first.is_some() && second.is_some());
        assert!(gauges.take("a", 2).is_none());
        // Another name grows the map and loses nothing of this one.
        assert!(gauges.take("b", 1).is_some());
        assert_eq!((gauges.taken("a"), gauges.taken("b")), (2, 0));
        drop(first);
        assert!(gauges.take("a", 2).is_some());
        assert!(gauges.take("a", 0).is_none());
    }

    #[test]
    fn workers_that_begin_at_once_take_no_more_than_there_is() {
        let gauges = Gauges::default();
        let taken: usize = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        let places: Vec<_> =
                            (0..100).filter_map(|_| gauges.take("new", 50)).collect();
                        let count = places.len();
                        std::mem::forget(places);
                        count
                    })
                })
                .collect();
            workers
                .into_iter()
                .map(|worker| worker.join().unwrap_or(0))
                .sum()
        });
        assert_eq!((taken, gauges.taken("new")), (50, 50));
    }
}
