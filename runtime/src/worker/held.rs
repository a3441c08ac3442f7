//! What one connection makes the proxy hold: bytes of bodies that came in and were not taken on, and bytes of
//! answers that were not written yet.
//!
//! Only good enough to find those who hold the most, which is all that it is for: two additions and two
//! subtractions, no look into the buffers of libraries. Nothing is held while no request runs, so an error
//! lives no longer than that; requests that end in the middle give back their even share.

use std::cell::Cell;

/// The estimate for one connection.
#[derive(Debug, Default)]
pub(crate) struct Held {
    came_in: Cell<u32>,
    goes_out: Cell<u32>,
}

impl Held {
    /// Bytes of a request body came from the client.
    pub(crate) fn came(&self, bytes: usize) {
        add(&self.came_in, bytes);
    }

    /// Bytes of a request body were taken on, or dropped.
    pub(crate) fn taken(&self, bytes: usize) {
        subtract(&self.came_in, bytes);
    }

    /// Bytes of an answer are to be written.
    pub(crate) fn queued(&self, bytes: usize) {
        add(&self.goes_out, bytes);
    }

    /// Bytes were written to the client.
    pub(crate) fn sent(&self, bytes: usize) {
        subtract(&self.goes_out, bytes);
    }

    /// One of `running` requests ended before its bodies did.
    pub(crate) fn ended_early(&self, running: u32) {
        for count in [&self.came_in, &self.goes_out] {
            let share = count.get().checked_div(running).unwrap_or(0);
            count.set(count.get().saturating_sub(share));
        }
    }

    /// No request runs.
    pub(crate) fn nothing(&self) {
        self.came_in.set(0);
        self.goes_out.set(0);
    }

    /// All of it.
    pub(crate) fn bytes(&self) -> u64 {
        u64::from(self.came_in.get()).saturating_add(u64::from(self.goes_out.get()))
    }
}

fn add(count: &Cell<u32>, bytes: usize) {
    let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
    count.set(count.get().saturating_add(bytes));
}

fn subtract(count: &Cell<u32>, bytes: usize) {
    let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
    count.set(count.get().saturating_sub(bytes));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_not_held_and_what_stays_is() {
        let held = Held::default();
        held.came(100);
        held.taken(100);
        held.queued(50);
        held.sent(60);
        assert_eq!(held.bytes(), 0);
        held.came(300);
        held.ended_early(3);
        assert_eq!(held.bytes(), 200);
        held.nothing();
        assert_eq!(held.bytes(), 0);
    }
}
