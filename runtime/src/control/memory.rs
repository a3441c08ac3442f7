//! Keeps the process below `--max-memory`.
//!
//! What counts is what the kernel counts: resident memory, with everything that libraries buffer and the
//! allocator keeps. Sums of what we know ourselves would miss both. A thread of its own looks, because the
//! control thread may be busy with a large snapshot just when memory is short.
//!
//! | from | what is shed | until below |
//! |---|---|---|
//! | 80 % | new connections; idle ones are closed after 5 s | 75 % |
//! | 92 % | new requests, with 503 `overloaded-memory` | 88 % |
//! | 97 % | the connections that hold the most | 92 % |
//!
//! Shedding that lasts does not help: after two seconds without new connections, or a tenth of one without new
//! requests, those that hold the most are cut until there is room again. Without that, clients that hold 90 % for
//! ever would keep all others out.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::log;
use crate::process::ResidentMemory;
use crate::shared::{Cut, MemoryBound, Shared, Shedding};

/// How often memory is looked at. A look costs some microseconds; what arrives between two may come on top.
const LOOK: Duration = Duration::from_millis(20);
/// How long new connections may be refused before those who hold the most are cut.
const LASTING: Duration = Duration::from_secs(2);
/// How long new requests may be refused before those who hold the most are cut.
const LASTING_REQUESTS: Duration = Duration::from_millis(100);
/// The part of the bound to which is cut then, in percent: room for new ones.
const ROOM: u64 = 65;
/// The part to which is cut when there is no time.
const HURRY: u64 = 85;
/// From one order to free memory to the next: what is cut must be seen to be gone.
const EFFECT: Duration = Duration::from_millis(100);

/// The thread that looks; ends with the value.
#[derive(Debug)]
pub(super) struct MemoryWatch {
    end: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl MemoryWatch {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// When the system has no thread left, or does not say how much memory is used.
    pub(super) fn start(bound: MemoryBound, shared: &Arc<Shared>) -> io::Result<Self> {
        let memory = ResidentMemory::open()?;
        let end = Arc::new(AtomicBool::new(false));
        let (theirs, shared) = (Arc::clone(&end), Arc::clone(shared));
        let used = memory.bytes().unwrap_or(0);
        if bound.part(50) < used {
            tracing::warn!(
                used,
                bound = bound.bytes(),
                "more than half of `--max-memory` is used before the first connection; raise it"
            );
        }
        let thread = thread::Builder::new()
            .name("weft-memory".to_owned())
            .spawn(move || watch(&memory, Judge::new(bound), &shared, &theirs))?;
        Ok(Self {
            end,
            thread: Some(thread),
        })
    }
}

impl Drop for MemoryWatch {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A panic there was logged by the hook.
            drop(thread.join());
        }
    }
}

fn watch(memory: &ResidentMemory, mut judge: Judge, shared: &Shared, end: &AtomicBool) {
    while !end.load(Ordering::Acquire) {
        let resident = memory.bytes().unwrap_or(0);
        let open = shared.counters.iter().map(|it| it.connections_open.value());
        let has_connections = open.fold(0, u64::saturating_add) != 0;
        let before = shared.pressure.shedding();
        let verdict = judge.judge(resident, has_connections, Instant::now());
        shared.pressure.set(verdict.shedding, resident);
        if let Some(bytes) = verdict.free {
            shared.pressure.order(Cut { bytes });
        }
        tell(before, verdict.shedding, resident, judge.bound);
        thread::park_timeout(LOOK);
    }
}

/// One line a second while something is shed, and one when that is over.
fn tell(before: Shedding, shedding: Shedding, resident: u64, bound: MemoryBound) {
    let bound = bound.bytes();
    if shedding != Shedding::Nothing {
        if let Some(left_out) = log::due("memory-shedding") {
            let step = shedding.name();
            tracing::warn!(step, resident, bound, left_out, "memory is short: shedding");
        }
    } else if before != Shedding::Nothing {
        tracing::info!(resident, bound, "memory is no longer short");
    }
}

/// Decides what is shed.
#[derive(Debug)]
struct Judge {
    bound: MemoryBound,
    shedding: Shedding,
    /// Since when something is shed, and since when requests are.
    since: Option<Instant>,
    requests_since: Option<Instant>,
    /// Whether what is held is cut until there is room.
    makes_room: bool,
    /// When memory was ordered to be freed last.
    ordered: Option<Instant>,
}

/// What is to be done now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Verdict {
    shedding: Shedding,
    /// Bytes to be freed by cutting connections; 0 to give back only what is free already.
    free: Option<u64>,
}

impl Judge {
    fn new(bound: MemoryBound) -> Self {
        Self {
            bound,
            shedding: Shedding::Nothing,
            since: None,
            requests_since: None,
            makes_room: false,
            ordered: None,
        }
    }

    fn judge(&mut self, resident: u64, has_connections: bool, now: Instant) -> Verdict {
        self.shedding = if has_connections {
            self.step(resident)
        } else {
            // There is nobody to shed, and refusing all would never end.
            Shedding::Nothing
        };
        self.makes_room |= lasts(
            &mut self.since,
            Shedding::Connections <= self.shedding,
            LASTING,
            now,
        );
        self.makes_room |= lasts(
            &mut self.requests_since,
            Shedding::Requests <= self.shedding,
            LASTING_REQUESTS,
            now,
        );
        self.makes_room &= has_connections && self.bound.part(ROOM) < resident;
        let target = match self.shedding {
            _ if self.makes_room => Some(self.bound.part(ROOM)),
            Shedding::Buffers => Some(self.bound.part(HURRY)),
            Shedding::Nothing | Shedding::Connections | Shedding::Requests => None,
        };
        let is_due = self
            .ordered
            .is_none_or(|ordered| EFFECT <= now.saturating_duration_since(ordered));
        let is_short = self.makes_room || self.bound.part(75) <= resident;
        let free = (is_short && is_due).then(|| {
            self.ordered = Some(now);
            target.map_or(0, |target| resident.saturating_sub(target))
        });
        Verdict {
            shedding: self.shedding,
            free,
        }
    }

    /// The step for `resident`, which is left later than it is entered.
    fn step(&self, resident: u64) -> Shedding {
        let at_least = |enter, leave, step| {
            let percent = if step <= self.shedding { leave } else { enter };
            self.bound.part(percent) <= resident
        };
        if at_least(97, 92, Shedding::Buffers) {
            Shedding::Buffers
        } else if at_least(92, 88, Shedding::Requests) {
            Shedding::Requests
        } else if at_least(80, 75, Shedding::Connections) {
            Shedding::Connections
        } else {
            Shedding::Nothing
        }
    }
}

/// Whether `is_so` has been so for `limit`; begins anew then.
fn lasts(since: &mut Option<Instant>, is_so: bool, limit: Duration, now: Instant) -> bool {
    if !is_so {
        *since = None;
        return false;
    }
    let began = *since.get_or_insert(now);
    let lasts = limit <= now.saturating_duration_since(began);
    if lasts {
        *since = Some(now);
    }
    lasts
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Judges percents of a bound, 10 ms apart.
    fn steps(percents: &[u64]) -> Vec<Shedding> {
        let bound = MemoryBound::new(100 << 20).unwrap();
        let mut judge = Judge::new(bound);
        let mut now = Instant::now();
        percents
            .iter()
            .map(|percent| {
                now += Duration::from_millis(10);
                judge.judge(bound.part(*percent), true, now).shedding
            })
            .collect()
    }

    #[test]
    fn what_is_shed_grows_with_use_and_is_given_up_later_than_it_began() {
        use Shedding::{Buffers, Connections, Nothing, Requests};
        assert_eq!(
            steps(&[79, 80, 76, 74, 92, 89, 87, 97, 93, 91, 74]),
            [
                Nothing,
                Connections,
                Connections,
                Nothing,
                Requests,
                Requests,
                Connections,
                Buffers,
                Buffers,
                Requests,
                Nothing
            ]
        );
    }

    #[test]
    fn those_who_hold_ninety_percent_for_ever_are_cut() {
        let bound = MemoryBound::new(100 << 20).unwrap();
        let mut judge = Judge::new(bound);
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);

        let first = judge.judge(bound.part(90), true, at(0));
        assert_eq!(
            (first.shedding, first.free),
            (Shedding::Connections, Some(0))
        );
        let later = judge.judge(bound.part(90), true, at(2));
        assert_eq!(later.free, Some(bound.part(90) - bound.part(ROOM)));
        let less = judge.judge(bound.part(74), true, at(3));
        assert_eq!(less.shedding, Shedding::Nothing);
        assert_eq!(less.free, Some(bound.part(74) - bound.part(ROOM)));
        assert_eq!(judge.judge(bound.part(ROOM), true, at(4)).free, None);
        let again = judge.judge(bound.part(90), true, at(5));
        assert_eq!(
            (again.shedding, again.free),
            (Shedding::Connections, Some(0))
        );
    }

    #[test]
    fn requests_are_not_refused_for_long_while_others_hold_on() {
        let bound = MemoryBound::new(100 << 20).unwrap();
        let mut judge = Judge::new(bound);
        let start = Instant::now();
        let first = judge.judge(bound.part(93), true, start);
        assert_eq!((first.shedding, first.free), (Shedding::Requests, Some(0)));
        let later = judge.judge(bound.part(93), true, start + LASTING_REQUESTS);
        assert_eq!(later.free, Some(bound.part(93) - bound.part(ROOM)));
    }

    #[test]
    fn a_process_without_connections_sheds_nothing_and_gives_back_what_is_free() {
        let bound = MemoryBound::new(100 << 20).unwrap();
        let verdict = Judge::new(bound).judge(bound.part(200), false, Instant::now());
        assert_eq!(
            (verdict.shedding, verdict.free),
            (Shedding::Nothing, Some(0))
        );
    }

    #[test]
    fn an_order_is_given_time_to_show() {
        let bound = MemoryBound::new(100 << 20).unwrap();
        let mut judge = Judge::new(bound);
        let start = Instant::now();
        assert!(judge.judge(bound.part(99), true, start).free.is_some());
        assert_eq!(judge.judge(bound.part(99), true, start).free, None);
        assert!(
            judge
                .judge(bound.part(99), true, start + EFFECT)
                .free
                .is_some()
        );
    }
}
