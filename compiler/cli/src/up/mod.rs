//! `weft up`: all nodes of a spec on this machine, with throw-away identities, following edits.
//!
//! | module | does |
//! |---|---|
//! | `at` | reads `--at NAME=ADDRESS` |
//! | `executable` | finds `weft-proxy` |
//! | `place` | chooses addresses of loopback for what the spec has on many machines |
//! | `ground` | the folder of the run: snapshots, identities, certificates, logs |
//! | `mesh` | compiles, places, publishes, and keeps a proxy for each node |
//! | `proxies` | the proxies as child processes |
//! | `admin` | asks their admin endpoints |
//! | `shown` | what is printed |
//!
//! Proxies are processes of `weft-proxy`, so this crate knows nothing of how they work. A spec with a mistake is shown
//! and changes nothing; a proxy that ends is a failure, and ends the run. Whatever ends it, all that was started is
//! stopped: asked first, killed after three seconds, and if this process is killed itself, by the end of their input.

mod admin;
mod at;
mod executable;
mod ground;
mod mesh;
mod place;
mod proxies;
mod shown;

use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{self, Receiver};
use tokio::time::{sleep, timeout};

use self::at::At;
use self::mesh::Mesh;
use super::{Context, Verdict, dev};

/// How often is looked whether a proxy or the command has ended.
const LOOK: Duration = Duration::from_millis(50);
/// What a shell adds to the number of a signal that ended a command.
const BY_SIGNAL: i32 = 128;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The spec: a folder or a file.
    #[arg(default_value = ".")]
    spec: PathBuf,
    /// The proxy to start for each node; the `weft-proxy` beside `weft` by default.
    #[arg(long, value_name = "PATH")]
    proxy: Option<PathBuf>,
    /// Where a part of the mesh is: `public/web=8081` for a listener, `orders=9001` for the process of a service, `orders@v2=9002`
    /// for that of a version, which then has a proxy of its own. By default, the port that the spec says or the next free one, on
    /// loopback. May be given several times.
    #[arg(long, value_name = "NAME=ADDRESS")]
    at: Vec<At>,
    /// A command to start when all serve; its end is the end of the run, with its exit code.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Verdict> {
    at::each_once(&arguments.at)?;
    let executable = executable::find(arguments.proxy.as_deref())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut asked = Asked::new()?;
        // The watch begins before the first reading, so that no change falls between the two.
        let (sender, changes) = mpsc::channel(1);
        let _watcher = dev::watch(&arguments.spec, &context.values, move || {
            // One that waits already says the same.
            let _ = sender.try_send(());
        })?;
        let mut mesh = Mesh::new(context, &arguments.spec, executable, arguments.at.clone());
        let mut command = None;
        let ended = tokio::select! {
            ended = live(&mut mesh, changes, &arguments.command, &mut command) => ended,
            () = asked.come() => Ok(Verdict::Clean),
        };
        proxies::stop(mesh.into_proxies(), command).await;
        ended
    })
}

/// Starts everything and follows edits until something ends.
async fn live(
    mesh: &mut Mesh<'_>,
    mut changes: Receiver<()>,
    words: &[String],
    command: &mut Option<Child>,
) -> anyhow::Result<Verdict> {
    if !mesh.start().await? {
        return Ok(Verdict::Rejected);
    }
    *command = started(words)?;
    mesh.greet(command.as_mut()).await?;
    loop {
        tokio::select! {
            _ = changes.recv() => {
                quiet(&mut changes).await;
                mesh.follow().await?;
            }
            () = sleep(dev::POLL) => mesh.follow().await?,
            ended = ended(mesh, command) => return ended,
        }
    }
}

/// Ready when a proxy or the command has ended; the first is a failure.
async fn ended(mesh: &mut Mesh<'_>, command: &mut Option<Child>) -> anyhow::Result<Verdict> {
    loop {
        mesh.lives()?;
        if let Some(child) = command
            && let Some(status) = child.try_wait()?
        {
            return Ok(verdict(status));
        }
        sleep(LOOK).await;
    }
}

/// Starts the command of the user, in a group of its own so that all of it can be ended.
fn started(words: &[String]) -> anyhow::Result<Option<Child>> {
    let Some((program, arguments)) = words.split_first() else {
        return Ok(None);
    };
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .process_group(0)
        .spawn()
        .with_context(|| format!("starting `{program}`"))?;
    Ok(Some(child))
}

fn verdict(status: ExitStatus) -> Verdict {
    let by_signal = || Some(BY_SIGNAL.saturating_add(status.signal()?));
    let code = status.code().or_else(by_signal);
    match code.and_then(|code| u8::try_from(code).ok()) {
        Some(0) => Verdict::Clean,
        Some(code) => Verdict::Code(code),
        None => Verdict::Code(1),
    }
}

/// Waits for the quiet after a change: an editor's save is several changes.
async fn quiet(changes: &mut Receiver<()>) {
    // INVARIANT: a source of endless changes does not keep this from ending.
    for _ in 0..10 {
        if timeout(dev::DEBOUNCE, changes.recv()).await.is_err() {
            return;
        }
    }
}

/// The signals by which somebody asks this command to end.
struct Asked {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Asked {
    fn new() -> anyhow::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn come(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }
}
