//! The loop of the control thread: one owner of everything that changes.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};

use super::boot::check_crashes;
use super::drain::Urgency;
use super::memory::MemoryWatch;
use super::prepare::{Files, Present, prepare};
use super::status::{ServedFrom, Status};
use super::trust::Trust;
use super::upgrade::{Ask, Next};
use super::{Command, clock};
use crate::access_log::AccessLog;
use crate::admin::AdminSocket;
use crate::endpoints::Registry;
use crate::settings::Settings;
use crate::shared::{Active, Shared};
use crate::source::fence::Fence;
use crate::source::fetch::Source;
use crate::source::health::StateHealth;
use crate::source::keeper::Keeper;
use crate::source::state::StateDir;
use crate::source::watch::PathWatch;
use crate::source::{Candidate, Reason, Refusal};
use crate::worker::{Change, Fleet};

/// How often time is told to the workers and leftovers are dropped.
pub(super) const HEARTBEAT: Duration = Duration::from_millis(500);
/// How often a source is read again when its files were exchanged while they were read.
const TRIES: usize = 3;
/// The longest pause before the same refused bytes are tried again; the first is one poll.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Everything the control thread owns.
#[derive(Debug)]
pub(super) struct Control {
    pub(super) settings: Settings,
    pub(super) shared: Arc<Shared>,
    pub(super) fleet: Fleet,
    pub(super) source: Source,
    pub(super) watch: PathWatch,
    pub(super) fence: Fence,
    pub(super) current: Candidate,
    pub(super) trust: Arc<Trust>,
    pub(super) registry: Arc<Registry>,
    pub(super) status: Arc<Status>,
    pub(super) state: Option<StateDir>,
    pub(super) keeper: Option<Keeper>,
    pub(super) health: Arc<StateHealth>,
    /// Present when memory is bounded; only kept, so that it ends with the proxy.
    pub(super) memory: Option<MemoryWatch>,
    pub(super) access_log: AccessLog,
    pub(super) seen: Seen,
    /// Snapshots that some request may still use. Kept so that the last use is here, not on a worker.
    pub(super) retired: Vec<Arc<Active>>,
    /// When the current snapshot becomes good; absent once it is.
    pub(super) soak_ends: Option<Instant>,
    /// The admin endpoint; absent when there is none, or when a successor has it.
    pub(super) admin: Option<Answering>,
    /// Whether a successor has the sockets and did not say yet that it serves.
    pub(super) is_lending: bool,
    /// When the drain begins; absent while nobody asked for one.
    pub(super) leaves_at: Option<Instant>,
    pub(super) urgency: Urgency,
}

/// The admin endpoint that answers.
#[derive(Debug)]
pub(super) struct Answering {
    pub(super) socket: AdminSocket,
    pub(super) task: JoinHandle<()>,
}

/// What was read from DIST last, and what became of it.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) index: Vec<u8>,
    /// When the same bytes are tried again; absent when they are what is served.
    pub(super) retry: Option<Retry>,
}

/// When refused bytes are tried again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Retry {
    at: Instant,
    pause: Duration,
}

impl Retry {
    pub(super) fn after(pause: Duration) -> Self {
        Self {
            at: Instant::now() + pause,
            pause,
        }
    }
}

/// Why DIST is looked at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Why {
    Hint,
    Poll,
    Asked,
}

impl Control {
    /// Serves until it is asked to drain or to end.
    pub(super) async fn run(
        mut self,
        mut commands: mpsc::Receiver<Command>,
        mut asks: mpsc::Receiver<Ask>,
    ) {
        let hints = self.watch.hints();
        let mut poll = tokio::time::interval(self.settings.poll);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heartbeat = tokio::time::interval(HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.follow();
        loop {
            let mut next = Next::Stay;
            tokio::select! {
                command = commands.recv() => next = self.obey(command).await,
                Some(ask) = asks.recv() => next = self.answer(ask).await,
                () = over(self.leaves_at) => next = Next::Drain,
                () = hints.settled() => self.look(Why::Hint).await,
                _ = poll.tick() => self.look(Why::Poll).await,
                _ = heartbeat.tick() => self.beat(),
            }
            match next {
                Next::Stay => {}
                Next::Drain => return self.drain(commands, asks).await,
                Next::End => return self.end(Duration::ZERO),
            }
        }
    }

    async fn obey(&mut self, command: Option<Command>) -> Next {
        match command {
            Some(Command::Reload) => self.reload().await,
            Some(Command::TrustChanged) => self.trust_changed(),
            Some(command @ (Command::Drain | Command::Signal)) => return self.leave(command),
            Some(Command::End) | None => return Next::End,
        }
        Next::Stay
    }

    fn follow(&mut self) {
        let index = self.source.index_path();
        self.watch.follow([index.as_path()]);
    }

    async fn reload(&mut self) {
        tracing::info!("reading everything again");
        self.access_log.reopen();
        self.registry.read_files();
        self.registry.ask_all();
        if self.trust.refresh(&self.shared) {
            self.trust_changed();
        }
        self.look(Why::Asked).await;
    }

    fn trust_changed(&self) {
        self.fleet.swapped(&Change {
            stricter_ports: Vec::new(),
            trust: true,
        });
    }

    /// Compares DIST with what is served, and publishes or refuses what is new.
    async fn look(&mut self, why: Why) {
        if self.is_lending {
            return;
        }
        self.follow();
        let started = Instant::now();
        let (index, outcome) = self.read(why).await;
        match outcome {
            None => {}
            Some(Ok(())) => {
                self.seen = Seen { index, retry: None };
                self.status.confirmed();
                let micros = started.elapsed().as_micros();
                let generation = self.current.generation;
                tracing::info!(generation, slice = %self.current.slice_digest, micros, "published");
            }
            Some(Err(refusal)) => self.refuse(index, &refusal),
        }
    }

    /// Reads DIST again when its files were exchanged while they were read: the index of one snapshot is
    /// never used with the blobs of another, so that shows as a missing blob.
    async fn read(&mut self, why: Why) -> (Vec<u8>, Option<Result<(), Refusal>>) {
        let mut index = Vec::new();
        let mut outcome = None;
        for _try in 0..TRIES {
            let before = std::mem::take(&mut index);
            index = match self.source.index() {
                Ok(index) => index,
                Err(refusal) => return (Vec::new(), self.unless_known(&[], why, refusal)),
            };
            if outcome.is_some() && index == before {
                break;
            }
            if !self.is_news(&index, why) {
                return (index, None);
            }
            let taken = self.take(&index, why).await;
            let is_exchanged = taken
                .as_ref()
                .is_err_and(|it| it.reason == Reason::MissingBlob);
            outcome = Some(taken);
            if !is_exchanged {
                break;
            }
        }
        (index, outcome)
    }

    fn unless_known(
        &self,
        index: &[u8],
        why: Why,
        refusal: Refusal,
    ) -> Option<Result<(), Refusal>> {
        self.is_news(index, why).then_some(Err(refusal))
    }

    fn is_news(&self, index: &[u8], why: Why) -> bool {
        if self.seen.index != index || why == Why::Asked {
            return true;
        }
        match (self.seen.retry, why) {
            (None, _) => {
                self.status.confirmed();
                false
            }
            (Some(retry), Why::Poll) => retry.at <= Instant::now(),
            (Some(_), Why::Hint | Why::Asked) => true,
        }
    }

    /// Takes what `index` names all the way to being served.
    async fn take(&mut self, index: &[u8], why: Why) -> Result<(), Refusal> {
        let current = Some(&self.current);
        let candidate = self.source.candidate(index, &self.fence, current)?;
        if candidate.slice_digest != self.current.slice_digest {
            check_crashes(self.state.as_ref(), &candidate, &self.fence)?;
        }
        if candidate.generation == self.current.generation
            && candidate.manifest != self.current.manifest
        {
            let generation = candidate.generation;
            tracing::warn!(
                generation,
                "the same generation came with other content; taken as newer"
            );
        }
        let active = self.shared.active.load_full();
        let identity = self.shared.identity.load_full();
        let present = Present {
            active: Some(&active),
            identity: identity.as_deref(),
            inherited: None,
            files: if why == Why::Asked {
                Files::ReadAgain
            } else {
                Files::Kept
            },
        };
        let workers = self.settings.workers;
        let prepared = prepare(&candidate, present, &self.trust, &self.registry, workers).await?;
        self.publish(candidate, prepared, ServedFrom::Source);
        Ok(())
    }

    fn refuse(&mut self, index: Vec<u8>, refusal: &Refusal) {
        if self.status.refused(refusal) {
            tracing::error!(
                reason = refusal.reason.name(),
                generation = refusal.generation,
                message = refusal.message,
                serving = self.current.generation,
                "the snapshot is refused; the last good one serves on"
            );
        }
        let pause = match self.seen.retry {
            Some(retry) if self.seen.index == index => (retry.pause * 2).min(LONGEST_PAUSE),
            Some(_) | None => self.settings.poll,
        };
        self.seen = Seen {
            index,
            retry: Some(Retry::after(pause)),
        };
    }

    pub(super) fn beat(&mut self) {
        let now = clock::unix_seconds();
        self.shared
            .unix_seconds
            .store(now, std::sync::atomic::Ordering::Relaxed);
        self.shared.forget_departed();
        self.retired.retain(|active| 1 < Arc::strong_count(active));
        self.registry.forget_unused();
        if self.soak_ends.is_some_and(|end| end <= Instant::now()) {
            self.soak_ends = None;
            if let Some(keeper) = &self.keeper {
                keeper.good(self.current.slice_digest);
            }
        }
    }
}

/// Resolves at `time`; without one, never.
async fn over(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}
