//! Proxies as processes whose pipes, user and limits a test chooses, and what is asked of them.
//!
//! Use it with `#[path = "common/piped.rs"] mod process;`, beside `delivery`.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::fs;
use std::io::{PipeWriter, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use super::delivery::{self, Dist, NODE, until};

/// `O_NONBLOCK` of Linux.
pub(crate) const NONBLOCK: i32 = 0o4000;

/// A proxy process, killed at the end of the test.
pub(crate) struct Process(pub(crate) Child);

impl Process {
    /// Starts a proxy with one worker on `dist`.
    pub(crate) fn start_with(dist: &Dist, more: &[&str], stdout: Stdio, stderr: Stdio) -> Self {
        let mut command = Self::command(dist);
        command.args(more);
        let command = command.stdin(Stdio::null()).stdout(stdout).stderr(stderr);
        Self(command.spawn().unwrap())
    }

    /// The command without more arguments.
    pub(crate) fn command(dist: &Dist) -> Command {
        Self::command_of(Path::new(env!("CARGO_BIN_EXE_weft-proxy")), dist)
    }

    /// The same of an executable elsewhere.
    pub(crate) fn command_of(executable: &Path, dist: &Dist) -> Command {
        let mut command = Command::new(executable);
        command.arg("--snapshot").arg(dist.path());
        command.args(["--node", NODE, "--workers", "1"]);
        command
    }

    /// Sends the signal `name`, such as `-TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.0.id().to_string();
        let sent = Command::new("kill").args([name, &pid]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits until it ended.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let mut status = None;
        until("the process ends", || {
            status = self.0.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }

    /// Resident memory in bytes.
    pub(crate) fn resident(&self) -> u64 {
        resident(self.0.id())
    }
}

/// Resident memory of the process `pid` in bytes.
pub(crate) fn resident(pid: u32) -> u64 {
    let statm = fs::read_to_string(format!("/proc/{pid}/statm")).unwrap();
    let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4_096
}

impl Drop for Process {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _gone = self.0.wait();
    }
}

/// The value of the metric line that begins with `name`, which may have labels; 0 when there is none.
pub(crate) fn metric(admin: u16, name: &str) -> u64 {
    let address = SocketAddr::from(([127, 0, 0, 1], admin));
    let (_status, body) = delivery::admin(address, "/metrics").unwrap();
    let line = body.lines().find_map(|line| line.strip_prefix(name));
    line.map_or(0, |value| value.trim().parse().unwrap())
}

/// Sends `count` requests on one connection and reads all answers.
pub(crate) fn pipelined(address: SocketAddr, count: usize) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let request = b"GET /a-path-that-is-as-long-as-many HTTP/1.1\r\nhost: a.example\r\n\r\n";
    let mut left = count;
    while 0 < left {
        let batch = left.min(50);
        stream.write_all(&request.repeat(batch)).unwrap();
        let mut answers = Vec::new();
        let mut buffer = [0; 8 << 10];
        while count_of(&answers, b"HTTP/1.1 200 OK") < batch || !answers.ends_with(b"text") {
            let read = stream.read(&mut buffer).unwrap();
            assert!(0 < read, "{}", String::from_utf8_lossy(&answers));
            answers.extend_from_slice(&buffer[..read]);
        }
        left -= batch;
    }
}

fn count_of(bytes: &[u8], wanted: &[u8]) -> usize {
    bytes
        .windows(wanted.len())
        .filter(|it| *it == wanted)
        .count()
}

/// Makes a FIFO at `path`.
pub(crate) fn fifo(path: &Path) -> PathBuf {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    path.to_owned()
}

/// Fills a pipe until it takes nothing more, without changing how others see it.
pub(crate) fn fill(pipe: &PipeWriter) {
    use std::os::fd::AsRawFd;
    let path = format!("/proc/self/fd/{}", pipe.as_raw_fd());
    let mut own = fs::OpenOptions::new()
        .write(true)
        .custom_flags(NONBLOCK)
        .open(path)
        .unwrap();
    while own.write(&[b'\n'; 4_096]).is_ok() {}
}

/// A path as text.
pub(crate) fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}
