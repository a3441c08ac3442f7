//! How many retries a cluster may see from one worker: ten a second, and beyond them a share of its requests.
//!
//! The floor lets a quiet service retry at all: a share of a few requests is less than one retry. Under load it vanishes
//! beside the share. A policy without a bound neither earns nor spends.

use std::cell::Cell;

use crate::limits::RETRY_FLOOR;

/// One retry costs this; a request earns the share, in the same parts of a million.
const COST: u64 = 1_000_000;

/// The most that is saved of shares.
const SAVED: u64 = 10 * COST;

/// One retry of the floor costs this; every millisecond earns [`RETRY_FLOOR`].
const FLOOR_COST: u64 = 1_000;

/// The most that is saved of the floor: that of a second.
const FLOOR_SAVED: u64 = FLOOR_COST * RETRY_FLOOR;

/// The budget of one cluster on one worker; survives snapshots.
#[derive(Debug)]
pub struct Budget {
    saved: Cell<u64>,
    floor: Cell<u64>,
    /// The millisecond up to which the floor has earned.
    earned_until: Cell<u64>,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            saved: Cell::new(0),
            floor: Cell::new(FLOOR_SAVED),
            earned_until: Cell::new(0),
        }
    }
}

impl Budget {
    /// A request came whose retries may be `share` parts of a million of all; none for no bound.
    pub fn earn(&self, share: Option<u32>) {
        let earned = self.saved.get().saturating_add(share.map_or(0, u64::from));
        self.saved.set(earned.min(SAVED));
    }

    /// Pays for a retry at the millisecond `now`. Returns whether there was enough, as there always is without a bound.
    pub fn spend(&self, share: Option<u32>, now: u64) -> bool {
        share.is_none() || self.spend_floor(now) || self.spend_saved()
    }

    fn spend_floor(&self, now: u64) -> bool {
        let since = now.saturating_sub(self.earned_until.replace(now));
        let earned = since.saturating_mul(RETRY_FLOOR);
        let floor = self.floor.get().saturating_add(earned).min(FLOOR_SAVED);
        let left = floor.checked_sub(FLOOR_COST);
        self.floor.set(left.unwrap_or(floor));
        left.is_some()
    }

    fn spend_saved(&self) -> bool {
        let left = self.saved.get().checked_sub(COST);
        self.saved.set(left.unwrap_or(self.saved.get()));
        left.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENTH: Option<u32> = Some(100_000);

    fn retries(budget: &Budget, requests: u32, share: Option<u32>, now: u64) -> u32 {
        let tried = (0..requests).filter(|_| {
            budget.earn(share);
            budget.spend(share, now)
        });
        u32::try_from(tried.count()).unwrap()
    }

    #[test]
    fn retries_beyond_ten_a_second_are_a_share_of_requests() {
        let budget = Budget::default();

        assert_eq!(
            retries(&budget, 1_000, TENTH, 0),
            110,
            "ten of the floor, and a tenth of 1,000"
        );
        assert_eq!(retries(&budget, 1_000, TENTH, 1_000), 110, "and again");
    }

    #[test]
    fn a_quiet_service_may_retry_every_request() {
        let budget = Budget::default();

        // Ten requests a second, of which a share of 0 % would allow no retry.
        let allowed: u32 = (0..50)
            .map(|tenth| retries(&budget, 1, Some(0), tenth * 100))
            .sum();

        assert_eq!(allowed, 50);
    }

    #[test]
    fn the_floor_saves_no_more_than_that_of_a_second() {
        let budget = Budget::default();

        assert_eq!(retries(&budget, 100, Some(0), 1_000_000), 10);
        assert_eq!(retries(&budget, 100, Some(0), 1_000_500), 5);
    }

    #[test]
    fn without_a_bound_every_retry_is_paid() {
        let budget = Budget::default();

        assert_eq!(retries(&budget, 1_000, None, 0), 1_000);
        assert_eq!(
            retries(&budget, 10, Some(0), 0),
            10,
            "the floor is untouched"
        );
    }
}
