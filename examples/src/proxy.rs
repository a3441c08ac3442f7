//! A proxy as a child process.
//!
//! The executable that asks for it is started again under the name `weft-proxy`, so nothing else needs to be
//! built or found. The child lives no longer than its parent: it ends when its standard input does
//! (`--end-with-stdin`).

use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::Value;
use tokio::time;
use weft_runtime::settings::Settings;

use crate::client::{self, Answer, Call, Protocol, Security};
use crate::ports;

const NAME: &str = "weft-proxy";
/// How often a state that is waited for is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// Whether this process was started to be a proxy.
pub fn is_wanted() -> bool {
    let name = std::env::args_os().next().unwrap_or_default();
    Path::new(&name)
        .file_name()
        .is_some_and(|name| name == NAME)
}

/// Is a proxy until it is drained.
pub fn main() -> ExitCode {
    weft_runtime::control::run(Settings::from_command_line())
}

/// What a proxy needs to know.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The executable to start under the name `weft-proxy`.
    pub executable: PathBuf,
    /// The snapshot.
    pub snapshot: PathBuf,
    /// The node to be.
    pub node: String,
    /// The folder with the node's certificate, key and bundle.
    pub identity: PathBuf,
    /// Where the access log and the proxy's own log go, as `<name>.access` and `<name>.log`.
    pub logs: PathBuf,
    /// The name of this instance, for logs; unique.
    pub name: String,
    /// Further arguments.
    pub arguments: Vec<String>,
}

/// A running proxy; killed when this is dropped, if it was started here.
#[derive(Debug)]
pub struct Proxy {
    child: Option<Child>,
    admin: SocketAddr,
    launch: Launch,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _gone_already = child.kill();
            let _reaped = child.wait();
        }
    }
}

impl Proxy {
    /// Starts the process; [`Proxy::ready`] waits for it.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn start(launch: Launch) -> anyhow::Result<Self> {
        fs::create_dir_all(&launch.logs)?;
        let admin = ports::free_address()?;
        let child = Command::new(&launch.executable)
            .arg0(NAME)
            .arg("--snapshot")
            .arg(&launch.snapshot)
            .args([
                "--node",
                &launch.node,
                "--admin",
                &admin.to_string(),
                "--workers",
                "1",
                "--end-with-stdin",
            ])
            .arg("--identity-dir")
            .arg(&launch.identity)
            .arg("--access-log")
            .arg(launch.access_log())
            .args(&launch.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(File::create(launch.log())?)
            .spawn()
            .with_context(|| format!("cannot start {}", launch.executable.display()))?;
        Ok(Self {
            child: Some(child),
            admin,
            launch,
        })
    }

    /// A proxy that `weft up` started, by its line of the event `serving`.
    ///
    /// # Errors
    ///
    /// When the line lacks something.
    pub fn of_event(line: &Value) -> anyhow::Result<Self> {
        let text = |pointer| text_at(line, pointer).to_owned();
        let log = PathBuf::from(text("/log"));
        let name = log.file_stem().context("a log without a name")?;
        Ok(Self {
            child: None,
            admin: text("/admin").parse()?,
            launch: Launch {
                executable: PathBuf::new(),
                snapshot: PathBuf::new(),
                node: text("/node"),
                identity: text("/identity").into(),
                logs: log.parent().context("a log without a folder")?.to_owned(),
                name: name.to_string_lossy().into_owned(),
                arguments: Vec::new(),
            },
        })
    }

    /// The folder with its identity.
    pub fn identity(&self) -> &Path {
        &self.launch.identity
    }

    /// The node this proxy is.
    pub fn node(&self) -> &str {
        &self.launch.node
    }

    /// Its process; 0 if somebody else started it.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    /// Where its admin endpoint listens.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin
    }

    /// Waits until it serves, at most ten seconds.
    ///
    /// # Errors
    ///
    /// When it ends instead, with its log; or when time is up.
    pub async fn ready(&mut self) -> anyhow::Result<()> {
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(10) {
            if let Ok(answer) = self.admin("GET", "/ready").await
                && answer.status == 200
            {
                return Ok(());
            }
            if let Some(child) = &mut self.child
                && let Some(status) = child.try_wait()?
            {
                bail!("{} ended with {status}:\n{}", self.launch.name, self.log());
            }
            time::sleep(LOOK).await;
        }
        bail!(
            "{} is not ready after 10 s:\n{}",
            self.launch.name,
            self.log()
        );
    }

    /// Asks the admin endpoint.
    ///
    /// # Errors
    ///
    /// When nobody answers.
    pub async fn admin(&self, method: &str, path: &str) -> anyhow::Result<Answer> {
        let call = Call::new(method, &self.admin.to_string(), path);
        client::fetch(self.admin, &Security::Plaintext, Protocol::Http1, &call).await
    }

    /// What `/snapshot` says.
    ///
    /// # Errors
    ///
    /// When nobody answers, or not in JSON.
    pub async fn snapshot(&self) -> anyhow::Result<Value> {
        Ok(serde_json::from_slice(
            &self.admin("GET", "/snapshot").await?.body,
        )?)
    }

    /// Waits until `/snapshot` is as wanted, at most five seconds, and gives it.
    ///
    /// # Errors
    ///
    /// When it never is.
    pub async fn snapshot_where(&self, wanted: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        let began = Instant::now();
        loop {
            let seen = self.snapshot().await?;
            if wanted(&seen) {
                return Ok(seen);
            }
            if Duration::from_secs(5) < began.elapsed() {
                bail!("{} still says {seen}\n{}", self.launch.name, self.log());
            }
            time::sleep(LOOK).await;
        }
    }

    /// Waits until this generation is served.
    ///
    /// # Errors
    ///
    /// When it is not within five seconds.
    pub async fn serves(&self, generation: u64) -> anyhow::Result<()> {
        let is_it =
            |seen: &Value| seen.get("generation").and_then(Value::as_u64) == Some(generation);
        self.snapshot_where(is_it).await.map(|_| ())
    }

    /// The first access log line, in JSON, for which `wanted` holds, waiting at most two seconds for it.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub async fn access_line(&self, wanted: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        let began = Instant::now();
        loop {
            let text = fs::read_to_string(self.launch.access_log()).unwrap_or_default();
            let mut lines = text
                .lines()
                .filter_map(|line| serde_json::from_str(line).ok());
            if let Some(line) = lines.find(|line| wanted(line)) {
                return Ok(line);
            }
            if Duration::from_secs(2) < began.elapsed() {
                bail!(
                    "{} has no such line in its access log:\n{text}",
                    self.launch.name
                );
            }
            time::sleep(LOOK).await;
        }
    }

    /// What the proxy itself logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.launch.log()).unwrap_or_default()
    }
}

impl Launch {
    fn log(&self) -> PathBuf {
        self.logs.join(format!("{}.log", self.name))
    }

    fn access_log(&self) -> PathBuf {
        self.logs.join(format!("{}.access", self.name))
    }
}

/// The text at a JSON pointer such as `/lastRefusal/reason`; empty when there is none.
pub fn text_at<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}
