//! What one worker thread runs: it obeys commands and phases, and ends when its connections have.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::fleet::Command;
use super::link::Order;
use super::{Worker, accept, sweep};
use crate::shared::{AccessSink, Phase, Shared, WorkerCounters};

/// Builds the runtime of the calling thread.
pub(super) fn runtime() -> std::io::Result<LocalRuntime> {
    Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())
}

/// Runs a worker until it is drained.
pub(super) fn run(
    runtime: &LocalRuntime,
    commands: mpsc::UnboundedReceiver<Command>,
    shared: Arc<Shared>,
    counters: Arc<WorkerCounters>,
    sink: Box<dyn AccessSink + Send>,
) {
    runtime.block_on(async move {
        let worker = Rc::new(Worker::new(shared, counters, sink));
        tokio::task::spawn_local(sweep::run(Rc::clone(&worker)));
        obey(&worker, commands).await;
    });
}

/// Sockets that are being accepted from; dropping a sender ends its accept loop.
type Listening = BTreeMap<SocketAddr, Vec<oneshot::Sender<()>>>;

async fn obey(worker: &Rc<Worker>, mut commands: mpsc::UnboundedReceiver<Command>) {
    let mut phases = worker.shared.phase.subscribe();
    let mut listening = Listening::new();
    loop {
        let phase = *phases.borrow_and_update();
        match phase {
            Phase::Serving => {}
            Phase::Draining => break,
            Phase::Ended => return,
        }
        tokio::select! {
            changed = phases.changed() => if changed.is_err() { break },
            command = commands.recv() => match command {
                Some(command) => apply(worker, &mut listening, command),
                None => break,
            },
        }
    }
    listening.clear();
    worker.links.order_all(Order::Drain);
    let limit = Instant::now() + worker.shared.limits.drain;
    let ended = async {
        while *phases.borrow_and_update() != Phase::Ended {
            if phases.changed().await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = worker.links.all_closed() => {}
        () = ended => {}
        () = tokio::time::sleep_until(limit) => {}
    }
    worker.links.order_all(Order::Cut);
    let grace = std::time::Duration::from_millis(100);
    let _cut = tokio::time::timeout(grace, worker.links.all_closed()).await;
}

fn apply(worker: &Rc<Worker>, listening: &mut Listening, command: Command) {
    match command {
        Command::Listen { address, socket } => {
            let (stop, stopped) = oneshot::channel();
            match accept::start(worker, address, socket, stopped) {
                Ok(()) => listening.entry(address).or_default().push(stop),
                Err(error) => tracing::error!(%address, %error, "a socket cannot be used"),
            }
        }
        Command::StopListening { address } => {
            drop(listening.remove(&address));
            worker
                .links
                .order(Order::Drain, |link| link.port == address);
        }
        Command::Swapped { change } => {
            worker.links.order(Order::Drain, |link| {
                change.stricter_ports.contains(&link.port)
                    || (change.trust && link.identity().is_some())
            });
            if change.trust {
                worker.pool.retire_authenticated();
            }
        }
    }
}
