//! What one worker thread runs: it obeys commands and phases, and ends when its connections have.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::accept::{AcceptingSocket, Leave};
use super::fleet::{Loans, WorkerCommand};
use super::link::Order;
use super::{View, Worker, accept, judge, spawn_guarded, sweep};
use crate::shared::{AccessSink, Phase, Shared, WorkerCounters};

/// How long before the end of a drain idle connections are closed, at most; a request that comes meanwhile
/// is still answered in time. Never more than a quarter of the drain.
const LAST_REQUESTS: Duration = Duration::from_secs(1);
/// How much later than the control thread a worker ends a drain by itself; what was cut is counted by then.
const IF_NOBODY_DOES: Duration = Duration::from_millis(500);
/// How long connections that were cut may take to see it.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// Builds the runtime of the calling thread.
pub(super) fn runtime() -> std::io::Result<LocalRuntime> {
    Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())
}

/// Runs a worker until it is drained.
pub(super) fn run(
    runtime: &LocalRuntime,
    mut commands: mpsc::UnboundedReceiver<WorkerCommand>,
    shared: Arc<Shared>,
    counters: Arc<WorkerCounters>,
    sink: Box<dyn AccessSink + Send>,
) {
    runtime.block_on(async move {
        let worker = Rc::new(Worker::new(shared, counters, sink));
        tokio::task::spawn_local(sweep::run(Rc::clone(&worker)));
        let mut listening = Listening::default();
        let mut phases = worker.shared.phase.subscribe();
        if obey(&worker, &mut commands, &mut listening, &mut phases).await == Phase::Ended {
            return;
        }
        // What was said before the phase changed holds, above all who has the sockets.
        while let Ok(command) = commands.try_recv() {
            apply(&worker, &mut listening, command);
        }
        drain(&worker, listening, &mut phases).await;
    });
}

/// Sockets that are being accepted from.
#[derive(Debug, Default)]
struct Listening {
    open: BTreeMap<SocketAddr, Vec<AcceptingSocket>>,
    /// Sockets that are being left.
    leaving: Vec<JoinHandle<()>>,
    /// Whether another process has these sockets open as well, so that they are not to be closed for it.
    shared: bool,
}

impl Listening {
    fn leave(&mut self, address: SocketAddr, how: Leave, last: Option<&Rc<View>>) {
        self.leaving.retain(|task| !task.is_finished());
        let sockets = self.open.remove(&address).unwrap_or_default();
        self.leaving.extend(
            sockets
                .into_iter()
                .map(|open| open.leave(how, last.cloned())),
        );
    }

    fn leave_all(&mut self, how: Leave) {
        let addresses: Vec<SocketAddr> = self.open.keys().copied().collect();
        for address in addresses {
            self.leave(address, how, None);
        }
    }

    fn how(&self) -> Leave {
        if self.shared {
            Leave::LetGo
        } else {
            Leave::Close
        }
    }

    /// Copies of all sockets, for another process.
    fn lend(&mut self, loans: &Loans) {
        self.shared = true;
        let all = self.open.values().flatten();
        for open in all {
            let copied = open.listener.as_fd().try_clone_to_owned();
            // Whoever asked may have given up.
            let _gone = loans.send(copied);
        }
    }
}

/// Serves until the phase says otherwise; returns that phase.
async fn obey(
    worker: &Rc<Worker>,
    commands: &mut mpsc::UnboundedReceiver<WorkerCommand>,
    listening: &mut Listening,
    phases: &mut watch::Receiver<Phase>,
) -> Phase {
    loop {
        let phase = *phases.borrow_and_update();
        match phase {
            Phase::Serving | Phase::Leaving => {}
            Phase::Draining | Phase::Ended => return phase,
        }
        tokio::select! {
            changed = phases.changed() => if changed.is_err() { return Phase::Draining },
            command = commands.recv() => match command {
                Some(command) => apply(worker, listening, command),
                None => return Phase::Draining,
            },
        }
    }
}

/// Takes nothing new and lets what runs finish.
///
/// Time starts now and ends with [`crate::shared::Limits::drain`], or when nothing is open any more. Idle
/// connections are kept for their next request, whose answer says that it is the last one. Shortly before the
/// end those that never asked are closed; at the end what still runs is cut.
async fn drain(worker: &Rc<Worker>, mut listening: Listening, phases: &mut watch::Receiver<Phase>) {
    let limit = worker.shared.limits.drain;
    let end = Instant::now() + limit;
    let last_requests = end - LAST_REQUESTS.min(limit / 4);
    worker.first_order.set(Order::Last);
    listening.leave_all(listening.how());
    worker.links.order_all(Order::Last);
    let finished = async {
        for task in listening.leaving {
            let _never_panics = task.await;
        }
        worker.links.all_closed().await;
    };
    let closing_idle = async {
        tokio::time::sleep_until(last_requests).await;
        worker.links.order(Order::Drain, |link| !link.is_opening());
        tokio::time::sleep_until(end + IF_NOBODY_DOES).await;
    };
    let ended = async {
        while *phases.borrow_and_update() != Phase::Ended {
            if phases.changed().await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = finished => {}
        () = ended => {}
        () = closing_idle => {}
    }
    worker.links.order_all(Order::Cut);
    let _cut = tokio::time::timeout(LAST_WORDS, worker.links.all_closed()).await;
}

fn apply(worker: &Rc<Worker>, listening: &mut Listening, command: WorkerCommand) {
    match command {
        WorkerCommand::Listen { address, socket } => match accept::start(worker, address, socket) {
            Ok(open) => listening.open.entry(address).or_default().push(open),
            Err(error) => tracing::error!(%address, %error, "a socket cannot be used"),
        },
        WorkerCommand::StopListening { address, last } => {
            let last = worker.view_of(&last.active);
            listening.leave(address, listening.how(), Some(&last));
            worker.links.outlive_listener(address, &last);
        }
        WorkerCommand::Lend { loans } => listening.lend(&loans),
        WorkerCommand::Shared { shared } => listening.shared = shared,
        WorkerCommand::LetGo => listening.leave_all(Leave::LetGo),
        WorkerCommand::Swapped { change } => {
            worker.links.order(Order::Drain, |link| {
                change.stricter_ports.contains(&link.port)
            });
            if change.trust {
                let counters = Arc::clone(&worker.counters);
                spawn_guarded(counters, judge::judge_again(Rc::clone(worker)));
            }
        }
    }
}
