//! The way out: first nothing new, then nothing running, then nothing.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::Command;
use super::keep::Control;
use crate::shared::{Phase, Shared, WorkerCounters};

/// How often running requests are counted.
const LOOK: Duration = Duration::from_millis(10);
/// Without a running request for this long, connections that are still open are idle and may be cut.
const IDLE: Duration = Duration::from_secs(1);
/// How long workers may take to end after they were told.
const LAST_WORK: Duration = Duration::from_secs(2);

impl Control {
    /// Lets running requests finish, for [`crate::shared::Limits::drain`] at most, and ends.
    ///
    /// Time starts now. It ends when all connections are closed, when no request ran for a second, when a
    /// second order to drain or end comes, or when the limit is over; what still runs then is cut.
    pub(super) async fn drain(self, mut commands: mpsc::Receiver<Command>) {
        tracing::info!(limit = ?self.shared.limits.drain, "draining");
        self.shared.phase.send_replace(Phase::Draining);
        let end = Instant::now() + self.shared.limits.drain;
        let mut busy = Instant::now();
        loop {
            if 0 < sum(&self.shared, |counters| counters.requests_running.value()) {
                busy = Instant::now();
            }
            let is_closed = sum(&self.shared, |counters| counters.connections_open.value()) == 0;
            let now = Instant::now();
            if (is_closed && busy < now) || busy + IDLE <= now || end <= now {
                break;
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                command = commands.recv() => match command {
                    Some(Command::Drain | Command::End) | None => break,
                    Some(Command::Reload | Command::TrustChanged) => {}
                },
            }
        }
        self.end(LAST_WORK);
    }

    /// Cuts what is left and waits for the workers, for `patience` at most.
    pub(super) fn end(self, patience: Duration) {
        let Self {
            shared,
            fleet,
            keeper,
            access_log,
            ..
        } = self;
        let running = sum(&shared, |counters| counters.requests_running.value());
        shared.phase.send_replace(Phase::Ended);
        let all_ended = fleet.join(patience.max(LAST_WORK));
        tracing::info!(
            cut_requests = running,
            all_workers_ended = all_ended,
            "ended"
        );
        if let Some(keeper) = keeper {
            keeper.end_cleanly();
        }
        drop(access_log);
    }
}

fn sum(shared: &Shared, count: impl Fn(&WorkerCounters) -> u64) -> u64 {
    shared
        .counters
        .iter()
        .map(|counters| count(counters))
        .fold(0, u64::saturating_add)
}
