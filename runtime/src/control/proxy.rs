//! A running proxy as a value: started, asked, drained, joined.
//!
//! `weft-proxy` makes one and waits for it; tests and the demo make many in one process.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::boot::First;
use super::drain::Urgency;
use super::failures::FailureLog;
use super::ground::Ground;
use super::keep::{Answering, Control, Seen};
use super::memory::MemoryWatch;
use super::prepare::Prepared;
use super::trust::Trust;
use super::upgrade::{Inherited, Offer, Takeover};
use super::{Command, clock};
use crate::access_log::{AccessLog, NoSink};
use crate::admin::{Admin, Door};
use crate::process;
use crate::settings::Settings;
use crate::shared::{AccessSink, Gauges, Phase, Pressure, Shared, WorkerCounters};
use crate::source::Refusal;
use crate::source::keeper::Keeper;
use crate::source::watch::PathWatch;
use crate::worker::Fleet;

/// Orders that wait for the control loop; more are dropped, each of them is repeated by a poll or a person.
const ORDERS: usize = 64;

/// A running proxy. Dropping it ends it at once; [`Proxy::drain`] and [`Proxy::join`] end it in order.
#[derive(Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
    admin: Option<SocketAddr>,
    commands: mpsc::Sender<Command>,
    thread: Option<JoinHandle<()>>,
}

/// Why a proxy did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no snapshot to serve: that of DIST was refused, and no last good one is there.
    #[error("no usable snapshot: {0}")]
    NoSnapshot(Refusal),
    /// A disk, socket or thread failed.
    #[error("{what}: {error}")]
    Io {
        /// What was to be done.
        what: &'static str,
        /// What the system said.
        #[source]
        error: io::Error,
    },
}

impl StartError {
    /// The exit code of a process that cannot start because of it.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NoSnapshot(_) => 1,
            Self::Io { .. } => 2,
        }
    }

    fn io(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Io { what, error }
    }
}

/// Whether the signals of the process are for this proxy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Signals {
    /// SIGTERM and SIGINT drain, once more they hurry, SIGHUP reloads.
    Heard,
    /// They belong to the program around it.
    Left,
}

/// What the control thread says when it serves.
type Started = Result<(Arc<Shared>, Option<SocketAddr>), StartError>;

impl Proxy {
    /// Starts a proxy and returns once it accepts connections.
    ///
    /// # Errors
    ///
    /// When there is no snapshot to serve, or a disk, socket or thread fails.
    pub fn start(settings: Settings) -> Result<Self, StartError> {
        Self::start_on_thread(settings, Signals::Left)
    }

    /// The same for a process of its own, with its signals.
    pub(super) fn start_with_signals(settings: Settings) -> Result<Self, StartError> {
        Self::start_on_thread(settings, Signals::Heard)
    }

    fn start_on_thread(settings: Settings, signals: Signals) -> Result<Self, StartError> {
        let (commands, orders) = mpsc::channel(ORDERS);
        let (tell, told) = sync_channel(1);
        let theirs = commands.clone();
        let thread = std::thread::Builder::new()
            .name("weft-control".to_owned())
            .spawn(move || control_thread(settings, signals, (theirs, orders), &tell))
            .map_err(StartError::io("control thread"))?;
        let lost = || StartError::io("control thread")(io::Error::other("ended early"));
        let (shared, admin) = told.recv().map_err(|_gone| lost())??;
        Ok(Self {
            shared,
            admin,
            commands,
            thread: Some(thread),
        })
    }

    /// Asks to finish running requests and then end; [`Proxy::join`] waits for that. Once is enough.
    pub fn drain(&self) {
        self.order(Command::Drain);
    }

    /// Asks to read everything again, as SIGHUP does.
    pub fn reload(&self) {
        self.order(Command::Reload);
    }

    /// Waits until the proxy ended.
    pub fn join(mut self) {
        self.wait();
    }

    /// Where the admin endpoint listens, when that is a TCP address.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin
    }

    /// The generation that new requests see.
    pub fn generation(&self) -> u64 {
        self.shared.active.load().generation
    }

    fn order(&self, command: Command) {
        // A full queue has older orders that do the same; a closed one has nobody left to ask.
        let _full = self.commands.try_send(command);
    }

    fn wait(&mut self) {
        if let Some(thread) = self.thread.take() {
            // A panic there was logged by the hook.
            drop(thread.join());
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.order(Command::End);
            self.wait();
        }
    }
}

type CommandChannel = (mpsc::Sender<Command>, mpsc::Receiver<Command>);

fn control_thread(
    settings: Settings,
    signals: Signals,
    orders: CommandChannel,
    tell: &SyncSender<Started>,
) {
    let runtime = Builder::new_current_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => {
            let outcome = serve(&runtime, settings, signals, orders, tell);
            // A lookup may wait for a name server; it must not hold up the end.
            runtime.shutdown_background();
            outcome
        }
        Err(error) => Err(StartError::io("control runtime")(error)),
    };
    if let Err(error) = outcome {
        // Nobody waits any more when the proxy was serving already.
        drop(tell.send(Err(error)));
    }
}

/// Starts everything, says so, and obeys until the end.
///
/// Only what waits runs inside of the runtime: starting workers makes runtimes, which it forbids.
fn serve(
    runtime: &Runtime,
    settings: Settings,
    signals: Signals,
    (commands, orders): CommandChannel,
    tell: &SyncSender<Started>,
) -> Result<(), StartError> {
    let context = runtime.enter();
    if signals == Signals::Heard {
        hear_signals(&commands).map_err(StartError::io("signals"))?;
        if settings.end_with_stdin {
            hear_the_end_of_input(&commands).map_err(StartError::io("standard input"))?;
        }
    }
    let takeover = Takeover::wanted(&settings);
    let takeover = runtime
        .block_on(takeover)
        .map_err(StartError::io("upgrade"))?;
    let (takeover, inherited) = takeover.unzip();
    let mut inherited = inherited.unwrap_or_default();
    let admin = inherited.admin(&settings.admin);
    let admin = admin.map_or_else(|| Admin::bind(&settings.admin), |admin| Ok(Some(admin)));
    let admin = admin.map_err(StartError::io("admin endpoint"))?;
    let admin_address = admin.as_ref().and_then(Admin::address);
    let ground = Ground::new(&settings);
    let offer = Offer::wanted(&settings).map_err(StartError::io("upgrade socket"))?;
    let mut control = assemble(runtime, settings, ground, &inherited, admin_address)?;
    let shared = Arc::clone(&control.shared);
    keep_fresh(&control, &commands);
    match takeover {
        Some(takeover) => runtime.block_on(control.take_over(takeover, &inherited)),
        None => control.fleet.share(false),
    }
    if let Some(admin) = admin {
        let answering = answer(admin, &control, commands);
        control.admin = Some(answering.map_err(StartError::io("admin endpoint"))?);
    }
    let (asks, asked) = mpsc::channel(ORDERS);
    if let Some(offer) = offer {
        tokio::spawn(offer.publish_and_serve(asks));
    }
    drop(context);
    // The starter may be gone; then the closed command channel ends the loop.
    drop(tell.send(Ok((shared, admin_address))));
    runtime.block_on(control.run(orders, asked));
    Ok(())
}

/// Starts to answer on the admin endpoint.
fn answer(
    admin: Admin,
    control: &Control,
    commands: mpsc::Sender<Command>,
) -> io::Result<Answering> {
    let door = Door {
        node: control.settings.node.clone(),
        shared: Arc::clone(&control.shared),
        status: Arc::clone(&control.status),
        trust: Arc::clone(&control.trust),
        registry: Arc::clone(&control.registry),
        state: Arc::clone(&control.health),
        access_log: control.access_log.tally(),
        commands,
    };
    Ok(Answering {
        socket: admin.socket()?,
        task: tokio::spawn(admin.serve(Arc::new(door))),
    })
}

/// Everything from the settings to a proxy that accepts connections.
fn assemble(
    runtime: &Runtime,
    settings: Settings,
    mut ground: Ground,
    inherited: &Inherited,
    admin: Option<SocketAddr>,
) -> Result<Control, StartError> {
    let first = runtime.block_on(ground.choose(&settings, inherited))?;
    let (access_log, sinks) = AccessLog::start(&settings.access_log, settings.workers)
        .map_err(StartError::io("access log"))?;
    let slice = first.candidate.slice_digest;
    let keeper = ground
        .state
        .clone()
        .map(|state| Keeper::start(state, slice, Arc::clone(&ground.health)))
        .transpose();
    let keeper = keeper.map_err(StartError::io("keeper thread"))?;
    let retry = ground.note(&first, &settings);
    let First {
        candidate,
        prepared,
        index,
        ..
    } = first;
    let (shared, fleet) = start_workers(&settings, prepared, &ground.trust, sinks, admin)?;
    let memory = settings.limits.memory;
    let memory = memory.map(|bound| MemoryWatch::start(bound, &shared));
    let memory = memory.transpose().map_err(StartError::io("memory"))?;
    let Ground {
        state,
        source,
        fence,
        trust,
        registry,
        status,
        health,
    } = ground;
    Ok(Control {
        soak_ends: Some(Instant::now() + settings.soak),
        watch: PathWatch::new(),
        seen: Seen { index, retry },
        retired: Vec::new(),
        current: candidate,
        settings,
        shared,
        fleet,
        source,
        fence,
        trust,
        registry,
        status,
        state,
        keeper,
        health,
        memory,
        access_log,
        admin: None,
        is_lending: false,
        leaves_at: None,
        urgency: Urgency::default(),
    })
}

/// Starts the workers on the first snapshot.
fn start_workers(
    settings: &Settings,
    prepared: Prepared,
    trust: &Trust,
    sinks: Vec<Box<dyn AccessSink + Send>>,
    admin: Option<SocketAddr>,
) -> Result<(Arc<Shared>, Fleet), StartError> {
    let Prepared {
        active,
        identity,
        bound,
    } = prepared;
    if let Some(fresh) = &identity {
        trust.watch_files(fresh);
    }
    let pressure = Pressure::new(process::descriptor_limit());
    room_for_clients(&pressure, settings.workers).map_err(StartError::io("open files"))?;
    let counters = (0..settings.workers).map(|_worker| Arc::new(WorkerCounters::default()));
    let shared = Arc::new(Shared {
        active: ArcSwap::from_pointee(active),
        departed: ArcSwap::default(),
        identity: ArcSwapOption::new(identity.map(|fresh| fresh.identity)),
        limits: settings.limits.clone(),
        admin,
        gauges: Gauges::default(),
        pressure,
        counters: counters.collect(),
        phase: watch::Sender::new(Phase::default()),
        unix_seconds: AtomicI64::new(clock::unix_seconds()),
    });
    let mut sinks = sinks.into_iter();
    let sink = |_worker| sinks.next().unwrap_or_else(|| Box::new(NoSink));
    let fleet = Fleet::start(&shared, settings.workers, sink).map_err(StartError::io("workers"))?;
    // Until the takeover is over, the process that ran before has these sockets too.
    fleet.share(settings.upgrade);
    for (address, sockets) in bound {
        fleet.listen(address, sockets);
    }
    Ok((shared, fleet))
}

/// Looks whether any client could be served: of what the process may open, some is kept for upstreams and files.
///
/// # Errors
///
/// When none could, with what to do.
fn room_for_clients(pressure: &Pressure, workers: usize) -> io::Result<()> {
    /// What a worker opens for itself.
    const OF_WORKER: usize = 4;
    let open = process::open_descriptors().and_then(|open| usize::try_from(open).ok());
    let open = open
        .unwrap_or(0)
        .saturating_add(OF_WORKER.saturating_mul(workers));
    if i32::try_from(open).is_ok_and(|open| pressure.has_room_for_client(open)) {
        return Ok(());
    }
    let limit = process::descriptor_limit().unwrap_or(0);
    Err(io::Error::other(format!(
        "the process may open {limit} files, which leaves none for clients: it needs {open} itself and keeps a quarter (32 at \
         least) for upstreams and files; raise the limit (`ulimit -n`, `LimitNOFILE`)"
    )))
}

/// Starts what runs beside the loop; all of it ends with the runtime.
fn keep_fresh(control: &Control, commands: &mpsc::Sender<Command>) {
    let registry = Arc::clone(&control.registry);
    tokio::spawn(async move { registry.keep_names().await });
    let registry = Arc::clone(&control.registry);
    let poll = control.settings.poll;
    tokio::spawn(async move { registry.keep_files(poll).await });
    let (trust, shared) = (Arc::clone(&control.trust), Arc::clone(&control.shared));
    let commands = commands.clone();
    tokio::spawn(async move { trust.keep_identity(&shared, &commands).await });
    let trust = Arc::clone(&control.trust);
    tokio::spawn(async move { trust.edge.watch().await });
    let shared = Arc::clone(&control.shared);
    tokio::spawn(async move { FailureLog::default().keep(&shared).await });
}

fn hear_signals(commands: &mpsc::Sender<Command>) -> io::Result<()> {
    for (kind, command) in [
        (SignalKind::terminate(), Command::Signal),
        (SignalKind::interrupt(), Command::Signal),
        (SignalKind::hangup(), Command::Reload),
    ] {
        let mut signal = signal(kind)?;
        let commands = commands.clone();
        tokio::spawn(async move {
            while signal.recv().await.is_some() {
                if commands.send(command).await.is_err() {
                    return;
                }
            }
        });
    }
    Ok(())
}

/// Standard input ends with whoever holds the other end, however that dies. Nobody is left to drain for then.
fn hear_the_end_of_input(commands: &mpsc::Sender<Command>) -> io::Result<()> {
    let commands = commands.clone();
    // A thread of its own, which ends with the process: nothing wakes a read of standard input.
    std::thread::Builder::new()
        .name("stdin".to_owned())
        .spawn(move || {
            let _bytes_or_error = io::copy(&mut io::stdin(), &mut io::sink());
            let _ended_already = commands.blocking_send(Command::End);
        })?;
    Ok(())
}
