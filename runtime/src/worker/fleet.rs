//! The workers as the control thread sees them: start, listen, lend, stop listening, tell, join.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::mpsc as joined;
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::thread as worker_thread;
use crate::shared::{AccessSink, Departed, Shared, WorkerCounters};

/// What became stricter with a swap, so that connections that are now forbidden drain.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Change {
    /// Ports whose connections must be made anew, e.g. because plaintext is no longer heard there.
    pub stricter_ports: Vec<SocketAddr>,
    /// An authority is no longer believed: connections, in and out, of peers that it alone vouched for drain.
    pub trust: bool,
}

/// What a worker is told.
#[derive(Debug)]
pub(super) enum WorkerCommand {
    Listen {
        address: SocketAddr,
        socket: TcpListener,
    },
    StopListening {
        address: SocketAddr,
        last: Arc<Departed>,
    },
    Lend {
        loans: Loans,
    },
    Shared {
        shared: bool,
    },
    LetGo,
    Swapped {
        change: Change,
    },
}

/// Where copies of sockets are put.
pub(super) type Loans = mpsc::UnboundedSender<std::io::Result<OwnedFd>>;

/// All workers of a process.
#[derive(Debug)]
pub struct Fleet {
    commands: Vec<mpsc::UnboundedSender<WorkerCommand>>,
    ended: joined::Receiver<()>,
}

impl Fleet {
    /// Starts `count` workers, each with a sink made by `sink`. `shared.counters` needs `count` blocks.
    ///
    /// # Errors
    ///
    /// When a thread or its runtime cannot be made, or a block of counters is missing.
    pub fn start<S>(shared: &Arc<Shared>, count: usize, mut sink: S) -> std::io::Result<Self>
    where
        S: FnMut(usize) -> Box<dyn AccessSink + Send>,
    {
        let (end, ended) = joined::channel();
        let mut commands = Vec::with_capacity(count);
        for index in 0..count {
            let Some(counters) = shared.counters.get(index) else {
                return Err(std::io::Error::other(
                    "fewer blocks of counters than workers",
                ));
            };
            let start = WorkerStart {
                shared: Arc::clone(shared),
                counters: Arc::clone(counters),
                sink: sink(index),
                end: end.clone(),
            };
            commands.push(start.spawn(index)?);
        }
        Ok(Self { commands, ended })
    }

    /// Accepts connections for `address` from `sockets`, which are bound and listening. The first is for the
    /// first worker and so on; with more sockets than workers, workers get several.
    pub fn listen(&self, address: SocketAddr, sockets: Vec<TcpListener>) {
        self.listen_after(0, address, sockets);
    }

    /// The same without the first `skipped` workers, which have sockets of this address already.
    pub fn listen_after(&self, skipped: usize, address: SocketAddr, sockets: Vec<TcpListener>) {
        let Some(workers) = self.commands.get(skipped..) else {
            return;
        };
        for (command, socket) in workers.iter().cycle().zip(sockets) {
            // A worker that is gone has no connections either; nothing to tell.
            let _gone = command.send(WorkerCommand::Listen { address, socket });
        }
    }

    /// Stops listening at `address`, without losing who waits there, and drains its connections. Their requests
    /// are decided by `last`, see [`Shared::swap`].
    pub fn stop_listening(&self, address: SocketAddr, last: &Arc<Departed>) {
        self.tell(|| WorkerCommand::StopListening {
            address,
            last: Arc::clone(last),
        });
    }

    /// Copies of all listening sockets for another process. From now on they count as shared, see
    /// [`Fleet::share`].
    ///
    /// # Errors
    ///
    /// When descriptors ran out.
    pub async fn lend(&self) -> std::io::Result<Vec<OwnedFd>> {
        let (loans, mut lent) = mpsc::unbounded_channel();
        self.tell(|| WorkerCommand::Lend {
            loans: loans.clone(),
        });
        drop(loans);
        let mut sockets = Vec::new();
        while let Some(socket) = lent.recv().await {
            sockets.push(socket?);
        }
        Ok(sockets)
    }

    /// Says whether another process has the sockets open as well. Such a socket is let go where it would be
    /// closed otherwise, because the steps of closing are felt by all who have it.
    pub fn share(&self, shared: bool) {
        self.tell(|| WorkerCommand::Shared { shared });
    }

    /// Stops accepting at once, because another process has all sockets and accepts from them.
    pub fn let_go(&self) {
        self.tell(|| WorkerCommand::LetGo);
    }

    /// Tells what became stricter; called after the swap.
    pub fn swapped(&self, change: &Change) {
        self.tell(|| WorkerCommand::Swapped {
            change: change.clone(),
        });
    }

    fn tell(&self, command: impl Fn() -> WorkerCommand) {
        for worker in &self.commands {
            let _gone = worker.send(command());
        }
    }

    /// Waits until every worker ended, which happens after [`crate::shared::Phase::Draining`] or
    /// [`crate::shared::Phase::Ended`]. Returns whether all did before `deadline`.
    pub fn join(self, deadline: Duration) -> bool {
        let until = Instant::now() + deadline;
        self.commands.iter().all(|_worker| {
            let left = until.saturating_duration_since(Instant::now());
            self.ended.recv_timeout(left).is_ok()
        })
    }
}

struct WorkerStart {
    shared: Arc<Shared>,
    counters: Arc<WorkerCounters>,
    sink: Box<dyn AccessSink + Send>,
    end: joined::Sender<()>,
}

impl WorkerStart {
    /// Starts the thread and waits until its runtime stands, so that a failure is seen here.
    fn spawn(self, index: usize) -> std::io::Result<mpsc::UnboundedSender<WorkerCommand>> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let (stand, stands) = joined::channel();
        let name = format!("weft-worker-{index}");
        thread::Builder::new().name(name).spawn(move || {
            let Self {
                shared,
                counters,
                sink,
                end,
            } = self;
            match worker_thread::runtime() {
                Ok(runtime) => {
                    let _starter_gone = stand.send(Ok(()));
                    worker_thread::run(&runtime, receiver, shared, counters, sink);
                }
                Err(error) => {
                    let _starter_gone = stand.send(Err(error));
                }
            }
            let _nobody_joins = end.send(());
        })?;
        stands
            .recv()
            .map_err(|_thread_gone| std::io::Error::other("a worker ended at its start"))??;
        Ok(sender)
    }
}
