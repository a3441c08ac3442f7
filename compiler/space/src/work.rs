//! What the analyses of one run may cost, counted in steps.
//!
//! A question about requests has bounds of its own; a spec can still ask very many of them. So whoever asks many
//! gives a number of steps ([`within`]), and whoever answers takes from it ([`spend`]). One step is about ten nanoseconds of work,
//! but it is a count: every machine gives up at the same place. Outside of [`within`] nothing is counted.
//!
//! The number belongs to the thread, so that it does not have to be handed through every question; what is done on other threads
//! has a number of its own.

use std::cell::Cell;

#[derive(Clone, Copy, Debug)]
struct Steps {
    left: usize,
    is_exceeded: bool,
}

const UNBOUNDED: Steps = Steps {
    left: usize::MAX,
    is_exceeded: false,
};

thread_local! {
    static STEPS: Cell<Steps> = const { Cell::new(UNBOUNDED) };
}

/// What some work cost.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Spent {
    /// The steps that were taken.
    pub steps: usize,
    /// Whether there would have been more.
    pub is_exceeded: bool,
}

/// Does something that may take so many steps; what it would take beyond is for itself to leave.
pub fn within<R>(steps: usize, work: impl FnOnce() -> R) -> (R, Spent) {
    let given = Steps {
        left: steps,
        is_exceeded: false,
    };
    let before = STEPS.replace(given);
    let result = work();
    let after = STEPS.replace(before);
    let spent = Spent {
        steps: steps.saturating_sub(after.left),
        is_exceeded: after.is_exceeded,
    };
    (result, spent)
}

/// Takes some steps. False if there are not so many: then there are none any more.
pub fn spend(steps: usize) -> bool {
    let known = STEPS.get();
    if known.left == usize::MAX {
        return true;
    }
    let left = known.left.checked_sub(steps);
    STEPS.set(Steps {
        left: left.unwrap_or_default(),
        is_exceeded: known.is_exceeded || left.is_none(),
    });
    left.is_some()
}

/// Whether some steps could not be taken.
pub fn is_spent() -> bool {
    STEPS.get().is_exceeded
}

#[cfg(test)]
mod tests {
    use super::{Spent, is_spent, spend, within};

    #[test]
    fn steps_are_counted_until_there_are_none() {
        let ((), spent) = within(10, || {
            assert!(spend(4) && spend(6) && !is_spent());
            assert!(!spend(1) && is_spent());
        });
        let all = Spent {
            steps: 10,
            is_exceeded: true,
        };
        assert_eq!(spent, all);
        assert!(spend(usize::MAX) && !is_spent());
    }

    #[test]
    fn work_within_work_is_counted_for_itself() {
        let ((), outer) = within(10, || {
            let ((), inner) = within(5, || assert!(!spend(6)));
            assert!(inner.is_exceeded);
            assert!(spend(3));
        });
        assert_eq!((outer.steps, outer.is_exceeded), (3, false));
    }
}
