//! How often the same thing is said.
//!
//! A table of atomic places, so that any thread may ask at any time: no lock, no allocation. A place belongs
//! to the first key that asks for it and is never given away. Keys come from the code, so they are few; when
//! all places are taken, the rest share the last one.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Places in a table; the last one is shared.
const PLACES: usize = 256;
/// Every place earns one line in this time.
const EARN_MILLIS: u64 = 1_000;

/// What was said and left out, by key.
#[derive(Debug)]
pub(super) struct Table {
    places: [LineBudget; PLACES],
    /// How far beyond now the lines of a place may be paid for.
    credit_millis: u64,
}

#[derive(Debug)]
struct LineBudget {
    /// Whose it is; 0 for nobody's.
    key: AtomicU64,
    /// Until when the lines that were said are paid for; the clock is at least 1.
    paid_until: AtomicU64,
    left_out: AtomicU64,
}

impl LineBudget {
    const fn new() -> Self {
        Self {
            key: AtomicU64::new(0),
            paid_until: AtomicU64::new(0),
            left_out: AtomicU64::new(0),
        }
    }
}

impl Table {
    /// A table whose places allow `at_once` lines after a silence, and one a second after that.
    pub(super) const fn new(at_once: u64) -> Self {
        Self {
            places: [const { LineBudget::new() }; PLACES],
            credit_millis: at_once.saturating_sub(1) * EARN_MILLIS,
        }
    }

    /// Whether `key` may say something at `now`. Returns what was left out since it did last.
    pub(super) fn pass(&self, key: u64, now: u64) -> Option<u64> {
        let place = self.place(key)?;
        let paid =
            place
                .paid_until
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |paid_until| {
                    let is_affordable = paid_until <= now.saturating_add(self.credit_millis);
                    is_affordable.then(|| paid_until.max(now).saturating_add(EARN_MILLIS))
                });
        if paid.is_ok() {
            return Some(place.left_out.swap(0, Ordering::Relaxed));
        }
        place.left_out.fetch_add(1, Ordering::Relaxed);
        None
    }

    /// The place of `key`: the first from where its hash points that is its own or nobody's.
    fn place(&self, key: u64) -> Option<&LineBudget> {
        let (shared, own) = self.places.split_last()?;
        let count = u64::try_from(own.len()).ok()?;
        let start = usize::try_from(key % count).ok()?;
        let (before, after) = own.split_at_checked(start)?;
        let found = after.iter().chain(before).find(|place| {
            let order = Ordering::Relaxed;
            let taken = place.key.compare_exchange(0, key, order, order);
            taken.is_ok() || taken == Err(key)
        });
        Some(found.unwrap_or(shared))
    }
}

/// Milliseconds on a clock that never goes back; at least 1.
pub(super) fn clock_millis() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    let since = START.get_or_init(Instant::now).elapsed();
    u64::try_from(since.as_millis())
        .unwrap_or(u64::MAX)
        .saturating_add(1)
}

/// A key for `text` (FNV-1a); never 0.
pub(super) fn key_of(text: &str) -> u64 {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_burst_one_line_a_second_passes_and_says_what_was_left_out() {
        let table = Table::new(3);
        let mut said = Vec::new();
        for now in (1..=4_001).step_by(100) {
            said.extend(table.pass(7, now).map(|left_out| (now, left_out)));
        }
        assert_eq!(
            said,
            [
                (1, 0),
                (101, 0),
                (201, 0),
                (1_001, 7),
                (2_001, 9),
                (3_001, 9),
                (4_001, 9)
            ]
        );
    }

    #[test]
    fn one_reason_does_not_silence_another() {
        let table = Table::new(1);
        assert_eq!(table.pass(key_of("idle"), 5), Some(0));
        assert_eq!(table.pass(key_of("idle"), 6), None);
        assert_eq!(table.pass(key_of("memory"), 6), Some(0));
        assert_eq!(table.pass(key_of("idle"), 2_000), Some(1));
    }

    #[test]
    fn keys_beyond_all_places_share_one() {
        let table = Table::new(1);
        let places = u64::try_from(PLACES).unwrap();
        let passed = |keys: std::ops::Range<u64>| keys.filter_map(|key| table.pass(key, 1)).count();
        assert_eq!(passed(1..places), PLACES - 1);
        assert_eq!(passed(places..places * 2), 1);
    }
}
