//! The one timer of a worker that ends what takes too long.
//!
//! A timer per connection and request would be set and cancelled a million times to fire once. Instead
//! connections note where they stand and this task looks at all of them a few times per second. It also frees
//! memory when it is ordered to. Limits
//! that must be exact, those of requests, have timers of their own.

use std::rc::Rc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};

use super::Worker;
use super::shed::{self, Ebb};

const SLOWEST: Duration = Duration::from_millis(250);
const FASTEST: Duration = Duration::from_millis(10);

/// Looks at every connection, for ever.
pub(super) async fn run(worker: Rc<Worker>) {
    let limits = &worker.shared.limits;
    let shortest = limits
        .handshake
        .min(limits.head_time)
        .min(limits.keep_alive);
    let mut ticks = tokio::time::interval((shortest / 8).clamp(FASTEST, SLOWEST));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut orders = worker.shared.pressure.orders();
    let mut ebb = Ebb::default();
    loop {
        tokio::select! {
            _now = ticks.tick() => {}
            Ok(()) = orders.changed() => {
                let order = *orders.borrow_and_update();
                shed::obey(&worker, order).await;
                continue;
            }
        }
        ebb.look(worker.links.count());
        let now = worker.set_clock(Instant::now());
        worker.links.inspect(now);
        worker.pool.sweep(now);
    }
}
