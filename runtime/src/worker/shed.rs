//! What a worker does when memory is short, and when load went away.

use std::rc::Rc;
use std::time::Duration;

use super::link::Order;
use super::{Link, Worker};
use crate::shared::{Cut, Shedding};
use crate::{log, process};

/// A connection that holds less is never cut: that would hurt somebody and free nothing.
const LEAST_HELD: u64 = 16 << 10;
/// Connections that must have been open before memory is given back when half of them are gone.
const MANY: usize = 8;

/// The time between cutting connections and their memory being free: their tasks must run once more.
const CUTTING: Duration = Duration::from_millis(10);
/// How long an idle connection is kept while new ones are refused.
const SHORT_KEEP_ALIVE: Duration = Duration::from_secs(5);

/// How long an idle connection is kept now.
pub(super) fn keep_alive(worker: &Worker) -> Duration {
    let usual = worker.shared.limits.keep_alive;
    if worker.shared.pressure.shedding() < Shedding::Connections {
        return usual;
    }
    usual.min(SHORT_KEEP_ALIVE)
}

/// Obeys one order: cuts the connections that hold the most until this worker's share would be free, and
/// gives back to the system what is free.
pub(super) async fn obey(worker: &Worker, cut: Cut) {
    let workers = u64::try_from(worker.shared.counters.len()).unwrap_or(1);
    let wanted = cut.bytes.div_ceil(workers.max(1));
    if 0 < wanted {
        let (count, bytes) = cut_largest(worker, wanted);
        if 0 < count
            && let Some(left_out) = log::due("memory-cut")
        {
            tracing::warn!(
                connections = count,
                bytes,
                left_out,
                "memory is short: the connections that hold the most were cut"
            );
        }
        tokio::time::sleep(CUTTING).await;
    }
    process::give_back_memory();
}

fn cut_largest(worker: &Worker, wanted: u64) -> (u64, u64) {
    let mut holders: Vec<(u64, Rc<Link>)> = worker
        .links
        .all()
        .into_iter()
        .map(|link| (link.held.bytes(), link))
        .filter(|(held, link)| LEAST_HELD <= *held && !link.is_shed())
        .collect();
    holders.sort_by_key(|(held, _link)| std::cmp::Reverse(*held));
    let (mut count, mut freed) = (0_u64, 0_u64);
    for (held, link) in holders {
        if wanted <= freed {
            break;
        }
        link.shed();
        link.order(Order::Cut);
        worker.counters.connections_shed.add(1);
        count = count.saturating_add(1);
        freed = freed.saturating_add(held);
    }
    (count, freed)
}

/// Notices when most connections of a busy time are gone, and gives their memory back: the allocator keeps
/// what a thread has freed until that thread allocates again, which an idle worker does not.
#[derive(Debug, Default)]
pub(super) struct Ebb {
    /// The most connections since memory was given back.
    level: usize,
    /// There were many, and not all of them are gone.
    is_crowded: bool,
    /// Looks until memory was given back for the last time.
    looks_left: u32,
}

/// Looks after which memory is given back once more: what is left of bodies is read on for a moment and freed then.
const LOOKS: u32 = 12;

impl Ebb {
    /// Called a few times a second with the number of open connections. Memory is given back whenever half are gone, down
    /// to the last one.
    pub(super) fn look(&mut self, open: usize) {
        // A look after the connections went, when what they held is free, and at the end.
        if matches!(self.looks_left, LOOKS | 1) {
            process::give_back_memory();
        }
        self.looks_left = self.looks_left.saturating_sub(1);
        self.level = self.level.max(open);
        self.is_crowded |= MANY <= open;
        if self.is_crowded && self.looks_left == 0 && open <= self.level / 2 {
            self.level = open;
            self.looks_left = LOOKS;
            self.is_crowded = 0 < open;
        }
    }
}
