//! The proxy as a process of its own, with its log.
//!
//! Use it with `#[path = "common/process.rs"] mod process;` beside `mod delivery;`.
#![allow(
    dead_code,
    clippy::print_stderr,
    reason = "each test uses a part of it, and a failed one shows the log"
)]

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use super::delivery::{self, Dist, NODE, free_port, until};

/// A proxy process, killed at the end of the test.
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
    admin: SocketAddr,
}

impl Process {
    /// Starts one with one worker, a fresh admin port and no access log, unless `more` says otherwise.
    pub(crate) fn start(dist: &Dist, more: &[&str]) -> Self {
        let given = |name: &str| more.contains(&name);
        let admin = more.iter().position(|argument| *argument == "--admin");
        let admin = admin.and_then(|at| more[at + 1].parse().ok());
        let fresh = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let log = dist.folder.path().join(format!("{}.log", fresh.port()));
        let mut command = Command::new(env!("CARGO_BIN_EXE_weft-proxy"));
        command.arg("--snapshot").arg(dist.path());
        command.args(["--node", NODE]);
        if !given("--admin") {
            command.args(["--admin", &fresh.to_string()]);
        }
        for (name, value) in [("--workers", "1"), ("--access-log", "off")] {
            if !given(name) {
                command.args([name, value]);
            }
        }
        let command = command
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap());
        Self {
            child: command.spawn().unwrap(),
            log,
            admin: admin.unwrap_or(fresh),
        }
    }

    /// The same, once it is ready.
    pub(crate) fn ready(dist: &Dist, more: &[&str]) -> Self {
        let process = Self::start(dist, more);
        until("the process is ready", || process.readiness().0 == 200);
        process
    }

    /// What `/ready` says; status 0 when nobody answers.
    pub(crate) fn readiness(&self) -> (u16, String) {
        delivery::admin(self.admin, "/ready").unwrap_or_default()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.id().to_string();
        let sent = Command::new("kill").args([name, &id]).status().unwrap();
        assert!(sent.success());
    }

    /// Its log so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    pub(crate) fn until_said(&self, text: &str) {
        until(text, || self.log().contains(text));
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for its end.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        until("the process ends", || self.has_ended());
        self.child.wait().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the log of process {}:\n{}", self.id(), self.log());
        }
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}
