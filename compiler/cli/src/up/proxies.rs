//! The proxies of a run: child processes that end with it, however it ends.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use super::admin;
use super::place::Instance;

/// How a proxy is called, also where one executable is several programs by its name.
pub(super) const NAME: &str = "weft-proxy";
/// How often a state that is waited for is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// From the start of a proxy to its readiness: names of endpoints are waited for, too.
const START: Duration = Duration::from_secs(15);
/// From a snapshot being written to a proxy serving or refusing it.
const SWAP: Duration = Duration::from_secs(10);
/// From being asked to end to being killed; a drain of these proxies lasts a second.
const GRACE: Duration = Duration::from_secs(3);
/// So many lines of a log are shown when a proxy has ended.
const LAST_LINES: usize = 5;

/// What a proxy is started with.
#[derive(Clone, Debug)]
pub(super) struct Launch<'run> {
    pub(super) executable: &'run Path,
    pub(super) snapshot: &'run Path,
    pub(super) identity: PathBuf,
    /// Where the logs are, without their endings.
    pub(super) log: PathBuf,
    pub(super) admin: SocketAddr,
}

/// A running proxy.
#[derive(Debug)]
pub(super) struct Proxy {
    pub(super) instance: Instance,
    pub(super) admin: SocketAddr,
    pub(super) log: PathBuf,
    pub(super) access_log: PathBuf,
    pub(super) identity: PathBuf,
    child: Child,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Nothing is left to do for one that has gone already.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

impl Proxy {
    /// Starts the process; [`Proxy::ready`] waits for it.
    pub(super) fn start(instance: Instance, launch: Launch<'_>) -> anyhow::Result<Self> {
        let Launch {
            executable,
            snapshot,
            identity,
            log,
            admin,
        } = launch;
        let (log, access_log) = (log.with_extension("log"), log.with_extension("access"));
        let errors = File::create(&log).with_context(|| format!("writing `{}`", log.display()))?;
        let child = Command::new(executable)
            .arg0(NAME)
            .arg("--snapshot")
            .arg(snapshot)
            .args(["--node", &instance.node])
            .args(["--admin", &admin.to_string()])
            .args(["--workers", "1", "--drain-time", "1s", "--end-with-stdin"])
            .arg("--identity-dir")
            .arg(&identity)
            .arg("--access-log")
            .arg(&access_log)
            // Ctrl-C is for this command, which ends its proxies in order.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(errors)
            .spawn()
            .with_context(|| format!("starting `{}`", executable.display()))?;
        Ok(Self {
            instance,
            admin,
            log,
            access_log,
            identity,
            child,
        })
    }

    /// Its process.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it serves.
    ///
    /// # Errors
    ///
    /// When it ends instead, or the time is over; with what it said.
    pub(super) async fn ready(&mut self) -> anyhow::Result<()> {
        let end = Instant::now() + START;
        while Instant::now() < end {
            self.lives()?;
            if let Ok((200, _)) = admin::get(self.admin, "/ready").await {
                return Ok(());
            }
            sleep(LOOK).await;
        }
        bail!(
            "the proxy of {} is not ready after {} s{}",
            self.instance.name(),
            START.as_secs(),
            self.last_lines()
        );
    }

    /// Waits until it serves a generation. Says why not when it refused it.
    ///
    /// # Errors
    ///
    /// When it ends meanwhile, or neither happens in time.
    pub(super) async fn serves(&mut self, generation: u64) -> anyhow::Result<Option<String>> {
        let end = Instant::now() + SWAP;
        while Instant::now() < end {
            self.lives()?;
            if let Ok((_, body)) = admin::get(self.admin, "/snapshot").await {
                let seen: Value = serde_json::from_slice(&body).unwrap_or_default();
                let number = |place: &str| seen.pointer(place).and_then(Value::as_u64);
                if number("/generation") == Some(generation) {
                    return Ok(None);
                }
                if number("/lastRefusal/generation") == Some(generation) {
                    let message = seen.pointer("/lastRefusal/message");
                    let message = message.and_then(Value::as_str).unwrap_or("no reason given");
                    return Ok(Some(message.to_owned()));
                }
            }
            sleep(LOOK).await;
        }
        bail!(
            "the proxy of {} does not serve generation {generation} after {} s{}",
            self.instance.name(),
            SWAP.as_secs(),
            self.last_lines()
        );
    }

    /// Whether it runs.
    ///
    /// # Errors
    ///
    /// When it has ended, with what it said last.
    pub(super) fn lives(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!(
                "the proxy of {} has ended ({}){}",
                self.instance.name(),
                ended(status),
                self.last_lines()
            ),
        }
    }

    fn last_lines(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let from = lines.len().saturating_sub(LAST_LINES);
        let last = lines.get(from..).unwrap_or_default();
        if last.is_empty() {
            return ", and said nothing".to_owned();
        }
        format!("; it said\n    {}", last.join("\n    "))
    }
}

/// How a process ended, in words.
fn ended(status: ExitStatus) -> String {
    status.to_string().replace("exit status", "exit code")
}

/// Ends all of them, and the process of the user; after this nothing of the run is left.
pub(super) async fn stop(proxies: Vec<Proxy>, command: Option<Child>) {
    let mut children: Vec<Ending> = Vec::new();
    // Whoever asks leaves first.
    children.extend(command.map(Ending::Group));
    children.extend(proxies.into_iter().map(Ending::Proxy));
    for child in &mut children {
        child.ask();
    }
    let all = async {
        while !children.iter_mut().all(Ending::is_over) {
            sleep(LOOK).await;
        }
    };
    // Whoever is late is killed, proxies by being dropped.
    let _late = timeout(GRACE, all).await;
    children.iter_mut().for_each(Ending::kill);
}

enum Ending {
    Group(Child),
    Proxy(Proxy),
}

impl Ending {
    fn ask(&mut self) {
        let pid = |child: &Child| Pid::from_raw(i32::try_from(child.id()).ok()?);
        // One that has ended needs no signal.
        let _gone = match self {
            Self::Group(child) => pid(child).map(|pid| kill_process_group(pid, Signal::TERM)),
            Self::Proxy(proxy) => pid(&proxy.child).map(|pid| kill_process(pid, Signal::TERM)),
        };
    }

    fn is_over(&mut self) -> bool {
        let child = match self {
            Self::Group(child) => child,
            Self::Proxy(proxy) => &mut proxy.child,
        };
        !matches!(child.try_wait(), Ok(None))
    }

    fn kill(&mut self) {
        if let Self::Group(child) = self {
            let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
            // What the command started may outlive it; its group has a name as long as one member lives.
            let _gone = pid.map(|pid| kill_process_group(pid, Signal::KILL));
            let _reaped = child.wait();
        }
    }
}
