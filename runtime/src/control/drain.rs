//! The way out: first not ready, then nothing new, then nothing running, then nothing.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::Command;
use super::keep::Control;
use super::upgrade::{Ask, Next};
use crate::shared::{Phase, WorkerCounters};

/// How often what is left is counted.
const LOOK: Duration = Duration::from_millis(10);
/// How long workers may take to end after they were told.
const LAST_WORK: Duration = Duration::from_secs(2);

/// What a drain waits for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct StillOpen {
    pub(super) listeners: u64,
    connections: u64,
    requests: u64,
    tunnels: u64,
}

impl StillOpen {
    fn is_nothing(self) -> bool {
        let Self {
            listeners,
            connections,
            requests,
            tunnels,
        } = self;
        [listeners, connections, requests, tunnels] == [0; 4]
    }
}

impl Control {
    /// Asks to leave: a person or a program, by `/drain` or by a signal.
    ///
    /// The first time begins [`crate::settings::Settings::drain_delay`], or the drain when there is none. Of
    /// signals, a second one ends the delay. To ask twice on `/drain`, or by a signal for a drain that `/drain`
    /// began, changes nothing: whoever stops a service may well do both.
    pub(super) fn leave(&mut self, command: Command) -> Next {
        let is_again = self.urgency.again(command);
        if self.leaves_at.is_some() {
            return if is_again { Next::Drain } else { Next::Stay };
        }
        let delay = self.settings.drain_delay;
        if delay.is_zero() {
            return Next::Drain;
        }
        tracing::info!(?delay, "not ready; accepting until the delay is over");
        self.shared.phase.send_replace(Phase::Leaving);
        self.leaves_at = Some(Instant::now() + delay);
        Next::Stay
    }

    /// Lets running requests and tunnels finish, for [`crate::shared::Limits::drain`] at most, and ends.
    ///
    /// Time starts now. It ends when nothing is open any more, when another signal comes, or when the limit is
    /// over; what still runs then is cut. Idle connections count as open: their next request is still answered.
    /// A successor that has the sockets is waited for too: it is to hear that they are its own.
    pub(super) async fn drain(
        mut self,
        mut commands: mpsc::Receiver<Command>,
        mut asks: mpsc::Receiver<Ask>,
    ) {
        let StillOpen {
            listeners: _,
            connections,
            requests,
            tunnels,
        } = self.left();
        let limit = self.shared.limits.drain;
        tracing::info!(?limit, connections, requests, tunnels, "draining");
        self.shared.phase.send_replace(Phase::Draining);
        let end = Instant::now() + limit;
        let mut heartbeat = tokio::time::interval(super::keep::HEARTBEAT);
        while (self.is_lending || !self.left().is_nothing()) && Instant::now() < end {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                _ = heartbeat.tick() => self.beat(),
                command = commands.recv() => match command {
                    Some(command @ (Command::Drain | Command::Signal)) => {
                        if self.urgency.again(command) {
                            break;
                        }
                    }
                    Some(Command::End) | None => break,
                    Some(Command::Reload | Command::TrustChanged) => {}
                },
                Some(ask) = asks.recv() => self.answer_late(ask).await,
            }
        }
        self.end(LAST_WORK);
    }

    /// Cuts what is left and waits for the workers, for `patience` at most.
    pub(super) fn end(self, patience: Duration) {
        let StillOpen {
            listeners: _,
            connections,
            requests,
            tunnels,
        } = self.left();
        let Self {
            shared,
            fleet,
            keeper,
            memory,
            access_log,
            ..
        } = self;
        shared.phase.send_replace(Phase::Ended);
        let all_ended = fleet.join(patience.max(LAST_WORK));
        tracing::info!(
            cut_requests = requests,
            cut_tunnels = tunnels,
            closed_connections = connections,
            all_workers_ended = all_ended,
            "ended"
        );
        if let Some(keeper) = keeper {
            keeper.end_cleanly();
        }
        drop(memory);
        drop(access_log);
    }

    /// A successor that has the sockets may keep them; one that comes now is told that it is too late.
    async fn answer_late(&mut self, ask: Ask) {
        match ask {
            Ask::Lend(reply) => drop(reply),
            Ask::TakeBack => self.is_lending = false,
            Ask::HandOver(handed) => {
                self.is_lending = false;
                self.leave_admin();
                handed.tell().await;
            }
        }
    }

    /// What is open and runs now.
    pub(super) fn left(&self) -> StillOpen {
        let sum = |count: fn(&WorkerCounters) -> u64| {
            let workers = self.shared.counters.iter();
            workers.fold(0, |sum: u64, counters| sum.saturating_add(count(counters)))
        };
        StillOpen {
            listeners: sum(|it| it.listeners_open.value()),
            connections: sum(|it| it.connections_open.value()),
            requests: sum(|it| it.requests_running.value()),
            tunnels: sum(|it| it.tunnels_open.value()),
        }
    }
}

/// How often signals asked to leave.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Urgency(u32);

impl Urgency {
    /// Notes `command`. Returns whether it is a signal after another one.
    fn again(&mut self, command: Command) -> bool {
        match command {
            Command::Signal => {
                self.0 = self.0.saturating_add(1);
                1 < self.0
            }
            Command::Drain | Command::Reload | Command::TrustChanged | Command::End => false,
        }
    }
}
