//! How many retries a cluster may see from one worker: a share of its requests, plus a small reserve.

use std::cell::Cell;

/// One retry costs this; a request earns the share, in the same parts of a million.
const COST: u64 = 1_000_000;

/// What is there at the start and the most that is saved, so that a quiet service can retry at all.
const RESERVE: u64 = 10 * COST;

/// The budget of one cluster on one worker; survives snapshots.
#[derive(Debug)]
pub(crate) struct Budget {
    saved: Cell<u64>,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            saved: Cell::new(RESERVE),
        }
    }
}

impl Budget {
    /// A request came whose retries may be `share` parts of a million of all.
    pub(crate) fn earn(&self, share: u32) {
        self.saved.set(
            self.saved
                .get()
                .saturating_add(u64::from(share))
                .min(RESERVE),
        );
    }

    /// Pays for a retry. Returns whether there was enough.
    pub(crate) fn spend(&self) -> bool {
        match self.saved.get().checked_sub(COST) {
            Some(left) => {
                self.saved.set(left);
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_are_a_share_of_requests_beyond_the_reserve() {
        let budget = Budget::default();
        let mut retries = 0;
        for _ in 0..1_000 {
            budget.earn(100_000);
            retries += u32::from(budget.spend());
        }
        assert_eq!(
            retries, 109,
            "a tenth of 1,000, and the reserve of 10 less what would not fit at first"
        );
    }
}
