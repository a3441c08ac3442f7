//! `weft up` as a child process, and the events that it prints.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::sync::mpsc::{self, Receiver};
use tokio::time;

use crate::proxy::text_at;

const NAME: &str = "weft";
/// The longest wait for an event.
const PATIENCE: Duration = Duration::from_secs(30);
/// From being asked to end to being killed; its proxies have three seconds.
const GRACE: Duration = Duration::from_secs(5);

/// Whether this process was started to be `weft`.
pub fn is_wanted() -> bool {
    let name = std::env::args_os().next().unwrap_or_default();
    Path::new(&name)
        .file_name()
        .is_some_and(|name| name == NAME)
}

/// A running `weft up`. When this is dropped it is asked to end, or killed, and its proxies end with it.
#[derive(Debug)]
pub struct Up {
    child: Child,
    events: Receiver<Value>,
}

/// What an edit came to.
#[derive(Debug)]
pub enum Event {
    /// A snapshot is served: the event `serving`.
    Serving(Value),
    /// It was rejected: the codes of the errors.
    Rejected(Vec<String>),
}

impl Drop for Up {
    fn drop(&mut self) {
        // Asked, it also takes its folder away.
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let _gone_already = pid.map(|pid| kill_process(pid, Signal::TERM));
        let began = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && began.elapsed() < GRACE {
            thread::yield_now();
        }
        let _gone_already = self.child.kill();
        let _reaped = self.child.wait();
    }
}

impl Up {
    /// Starts `weft up`, where `executable` is both `weft` and `weft-proxy` by its name.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn start(executable: &Path, spec: &Path, arguments: &[String]) -> anyhow::Result<Self> {
        let mut child = Command::new(executable)
            .arg0(NAME)
            .args(["up", "--format", "json"])
            .arg(spec)
            .arg("--proxy")
            .arg(executable)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", executable.display()))?;
        let output = child.stdout.take().context("no standard output")?;
        let (sender, events) = mpsc::channel(64);
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let event = serde_json::from_str(&line).unwrap_or(Value::Null);
                if sender.blocking_send(event).is_err() {
                    return;
                }
            }
        });
        Ok(Self { child, events })
    }

    /// Waits for what comes of the start, or of an edit.
    ///
    /// # Errors
    ///
    /// When it ends instead, or says nothing in time.
    pub async fn next(&mut self) -> anyhow::Result<Event> {
        let mut codes = Vec::new();
        loop {
            let event = time::timeout(PATIENCE, self.events.recv())
                .await
                .context("`weft up` says nothing")?;
            let Some(event) = event else {
                bail!("`weft up` has ended: {}", self.child.wait()?);
            };
            match text_at(&event, "/event") {
                "serving" => return Ok(Event::Serving(event)),
                "rejected" => return Ok(Event::Rejected(codes)),
                _ if text_at(&event, "/severity") == "error" => {
                    codes.push(text_at(&event, "/code").to_owned());
                }
                _ => {}
            }
        }
    }

    /// Waits until a snapshot is served.
    ///
    /// # Errors
    ///
    /// As [`Up::next`], and when the spec was rejected.
    pub async fn serving(&mut self) -> anyhow::Result<Value> {
        match self.next().await? {
            Event::Serving(event) => Ok(event),
            Event::Rejected(codes) => bail!("the spec was rejected: {}", codes.join(", ")),
        }
    }
}
