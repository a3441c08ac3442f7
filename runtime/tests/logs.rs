//! Logs never stop traffic: pipes that nobody reads, FIFOs without a reader, readers that stop.
#![cfg(test)]

#[path = "common/delivery.rs"]
mod delivery;
#[path = "common/piped.rs"]
mod process;

use std::fs::{self, OpenOptions};
use std::io::Read;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{ChildStdout, Stdio};
use std::time::{Duration, Instant};

use delivery::{Dist, free_port, get, until};
use process::{Process, metric, text};

/// Requests whose lines are more than a pipe and the queue of a worker take.
const MANY: usize = 6_000;

fn served(dist: &Dist) -> Served<'_> {
    let admin = free_port();
    Served { dist, admin }
}

/// A proxy to be started, and where it is asked for metrics.
struct Served<'d> {
    dist: &'d Dist,
    admin: u16,
}

impl Served<'_> {
    fn start(&self, more: &[&str], stdout: Stdio, stderr: Stdio) -> Process {
        let admin = format!("127.0.0.1:{}", self.admin);
        let arguments: Vec<&str> = ["--admin", &admin].iter().chain(more).copied().collect();
        let process = Process::start_with(self.dist, &arguments, stdout, stderr);
        until("the process serves", || get(self.address(), "/").is_ok());
        process
    }

    fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.dist.port))
    }

    fn metric(&self, name: &str) -> u64 {
        metric(self.admin, name)
    }

    /// Sends `count` requests on one connection and reads all answers.
    fn requests(&self, count: usize) {
        process::pipelined(self.address(), count);
    }
}

fn ends_in_time(mut process: Process) {
    let asked = Instant::now();
    process.signal("-TERM");
    assert_eq!(process.ended().code(), Some(0));
    assert!(
        asked.elapsed() < Duration::from_secs(5),
        "{:?}",
        asked.elapsed()
    );
}

#[test]
fn nobody_reads_any_pipe_and_everything_is_served() {
    let dist = Dist::new();
    dist.deliver("text", 1);
    let served = served(&dist);
    let mut process = served.start(&[], Stdio::piped(), Stdio::piped());
    let (_stdout, _stderr) = (process.0.stdout.take(), process.0.stderr.take());
    // A line of the own log for every reload, far more than the pipe takes.
    served.requests(MANY);
    until("lines are dropped", || {
        0 < served.metric("weft_access_log_dropped_total")
    });
    served.requests(MANY);
    dist.deliver("newer", 2);
    until("a snapshot is taken", || dist.answer() == "newer");
    ends_in_time(process);
}

#[test]
fn a_full_pipe_of_the_own_log_stops_nothing_and_its_lines_are_counted() {
    let dist = Dist::new();
    dist.deliver("text", 1);
    let served = served(&dist);
    let (mut log, writer) = std::io::pipe().unwrap();
    process::fill(&writer);
    let arguments = [
        "--access-log",
        "off",
        "--log-filter",
        "trace,h2=trace,mio=trace",
    ];
    let process = served.start(&arguments, Stdio::null(), Stdio::from(writer));
    let mut generation = 1;
    until("lines of the log are lost or left out", || {
        generation += 1;
        dist.deliver("text", generation);
        process.signal("-HUP");
        0 < served.metric("weft_log_left_out_total")
    });
    served.requests(100);

    // Once somebody reads, what waited comes out, and what was said since.
    let mut text = String::new();
    let mut buffer = vec![0; 64 << 10];
    while !text.contains("published") {
        let count = log.read(&mut buffer).unwrap();
        text.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
    ends_in_time(process);
    assert!(text.contains("serving"), "{text}");
}

#[test]
fn a_fifo_without_a_reader_is_no_reason_not_to_start_serve_or_end() {
    let dist = Dist::new();
    dist.deliver("text", 1);
    let served = served(&dist);
    let fifo = process::fifo(&dist.folder.path().join("access.fifo"));
    let path = text(&fifo);
    let process = served.start(&["--access-log", &path], Stdio::null(), Stdio::null());
    served.requests(20_000);
    until("lines are dropped", || {
        0 < served.metric("weft_access_log_dropped_total")
    });
    ends_in_time(process);
}

#[test]
fn a_reader_that_comes_late_or_again_gets_whole_lines() {
    let dist = Dist::new();
    dist.deliver("text", 1);
    let served = served(&dist);
    let fifo = process::fifo(&dist.folder.path().join("access.fifo"));
    let path = text(&fifo);
    let process = served.start(&["--access-log", &path], Stdio::null(), Stdio::null());
    for _reader in 0..2 {
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(process::NONBLOCK);
        let mut reader = options.open(&fifo).unwrap();
        served.requests(3);
        let mut seen = String::new();
        until("lines come", || {
            // Empty while nobody writes, an error while nothing is there.
            let _nothing_yet = reader.read_to_string(&mut seen);
            3 <= seen.lines().count()
        });
        for line in seen.lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(line["status"], 200);
        }
    }
    ends_in_time(process);
}

#[test]
fn a_reader_that_stops_and_goes_on_is_told_what_was_lost() {
    let dist = Dist::new();
    dist.deliver("text", 1);
    let served = served(&dist);
    let log = dist.folder.path().join("own.log");
    let stderr = fs::File::create(&log).unwrap();
    let mut process = served.start(&[], Stdio::piped(), Stdio::from(stderr));
    let mut access: ChildStdout = process.0.stdout.take().unwrap();
    served.requests(20_000);
    until("lines are dropped", || {
        0 < served.metric("weft_access_log_dropped_total")
    });

    let reader = std::thread::spawn(move || {
        let mut lines = String::new();
        access.read_to_string(&mut lines).unwrap();
        lines
    });
    let own = || fs::read_to_string(&log).unwrap();
    until("the log moves again", || {
        own().contains("the access log is written again")
    });
    served.requests(1);
    ends_in_time(process);
    let lines = reader.join().unwrap();
    assert!(
        lines
            .lines()
            .all(|line| line.starts_with('{') && line.ends_with('}'))
    );
    assert!(own().contains("dropped="), "{}", own());
}

#[test]
fn the_last_lines_come_out_at_the_end_and_when_the_start_fails() {
    let dist = Dist::new();
    let mut process =
        Process::start_with(&dist, &["--admin", "off"], Stdio::null(), Stdio::piped());
    let mut log = process.0.stderr.take().unwrap();
    assert_eq!(process.ended().code(), Some(1));
    let mut text = String::new();
    log.read_to_string(&mut text).unwrap();
    assert!(text.contains("the proxy cannot start"), "{text}");

    dist.deliver("text", 1);
    let served = served(&dist);
    let mut process = served.start(&["--log-format", "json"], Stdio::piped(), Stdio::piped());
    let (mut log, mut access) = (
        process.0.stderr.take().unwrap(),
        process.0.stdout.take().unwrap(),
    );
    served.requests(50);
    ends_in_time(process);
    let (mut text, mut lines) = (String::new(), String::new());
    log.read_to_string(&mut text).unwrap();
    access.read_to_string(&mut lines).unwrap();
    let last: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(last["message"], "ended", "{text}");
    assert!(50 <= lines.lines().count());
}

#[test]
fn what_cannot_be_opened_is_named() {
    let dist = Dist::new();
    dist.deliver("text", 1);
    let mut command = Process::command(&dist);
    let output = command
        .args(["--access-log", "/no/such/file"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("access log: /no/such/file: No such"),
        "{said}"
    );

    let folder = tempfile::tempdir().unwrap();
    let (log, state) = (folder.path().join("log"), folder.path().join("state"));
    fs::write(&state, "no folder").unwrap();
    let stderr = fs::File::create(&log).unwrap();
    let arguments = [
        "--state-dir",
        state.to_str().unwrap(),
        "--access-log",
        "off",
    ];
    let _process = Process::start_with(&dist, &arguments, Stdio::null(), stderr.into());
    until("the path is named", || {
        let said = fs::read_to_string(&log).unwrap();
        said.contains("the state folder cannot be used")
            && said.contains(&format!("path={}", state.display()))
    });
}
