//! `weft up` starts a whole mesh, says clearly what is wrong, and leaves nothing behind, however it ends.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test that cannot set itself up has failed; processes are looked at now and then"
)]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use weft_examples::ports;
use weft_golden_tests::programs::{Need, is_missing};

const CURL: Need = Need::Program("curl", "--version");
const PYTHON: Need = Need::Program("python3", "--version");

/// From a cause to its effect.
const PATIENCE: Duration = Duration::from_secs(20);

/// A folder with the programs of this build and a fresh spec, and the addresses that it gets.
struct Place {
    folder: TempDir,
    edge: u16,
    process: u16,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["weft", "weft-proxy"] {
            symlink(env!("CARGO_BIN_EXE_weft-tested"), folder.path().join(name)).unwrap();
        }
        let place = Self {
            folder,
            edge: ports::free().unwrap(),
            process: ports::free().unwrap(),
        };
        assert!(place.weft(&["init", "spec"]).status.success());
        place
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.folder.path().join("weft"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    fn weft(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn at(&self) -> [String; 2] {
        [
            format!("--at=public/web={}", self.edge),
            format!("--at=hello={}", self.process),
        ]
    }

    /// Runs `weft up` to its end.
    fn ended(&self, more: &[&str]) -> (Option<i32>, String) {
        let at = self.at();
        let mut words = vec!["up", "spec", at[0].as_str(), at[1].as_str()];
        words.extend(more);
        let output = self.weft(&words);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), said)
    }

    fn start(&self) -> Running {
        let at = self.at();
        let mut command = self.command(&["up", "spec", "--format", "json", &at[0], &at[1]]);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let events = BufReader::new(child.stdout.take().unwrap());
        let mut running = Running {
            child,
            events,
            proxies: Vec::new(),
        };
        let serving = running.event("serving");
        let proxies = serving["proxies"].as_array().unwrap();
        running.proxies = proxies
            .iter()
            .map(|one| one["pid"].as_u64().unwrap())
            .collect();
        assert_eq!(running.proxies.len(), 2);
        running
    }

    fn edit(&self, from: &str, to: &str) {
        let path = self.folder.path().join("spec/services/hello.yaml");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from));
        fs::write(path, text.replace(from, to)).unwrap();
    }

    /// The status of a request to the gateway.
    fn status(&self) -> String {
        let url = format!("http://127.0.0.1:{}/", self.edge);
        let words = [
            "-s",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
            "-H",
            "Host: localhost",
            &url,
        ];
        let output = Command::new("curl").args(words).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

struct Running {
    child: Child,
    events: BufReader<ChildStdout>,
    proxies: Vec<u64>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _reaped = self.child.wait();
    }
}

impl Running {
    /// Reads up to the next event of this name.
    fn event(&mut self, name: &str) -> Value {
        let mut line = String::new();
        while self.events.read_line(&mut line).unwrap() != 0 {
            let event: Value = serde_json::from_str(&line).unwrap();
            if event["event"] == name {
                return event;
            }
            line.clear();
        }
        panic!("it ended before it was {name}: {}", self.said());
    }

    fn said(&mut self) -> String {
        let mut said = String::new();
        let mut errors = self.child.stderr.take().unwrap();
        errors.read_to_string(&mut said).unwrap();
        said
    }

    fn nothing_is_left(&self) {
        let began = Instant::now();
        let lives = |pid: &u64| {
            // One that ended and was not waited for yet, because its parent was killed, does nothing any more.
            let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
            stat.is_ok_and(|stat| !stat.contains(") Z "))
        };
        while self.proxies.iter().any(lives) {
            assert!(began.elapsed() < PATIENCE, "a proxy is left");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

fn signal(name: &str, pid: u64) {
    let words = ["-s", name, &pid.to_string()];
    assert!(Command::new("kill").args(words).status().unwrap().success());
}

/// Waits until a process has ended; its exit code.
fn code(child: &mut Child) -> Option<i32> {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        assert!(began.elapsed() < PATIENCE, "it goes on");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_signal_ends_everything_that_was_started() {
    for name in ["INT", "TERM", "HUP"] {
        let place = Place::new();
        let mut running = place.start();
        let folder = fs::read_to_string(format!("/proc/{}/cmdline", running.proxies[0])).unwrap();
        let folder = folder
            .split('\0')
            .find(|word| word.ends_with("/snapshot"))
            .unwrap()
            .to_owned();
        assert!(Path::new(&folder).exists());
        signal(name, u64::from(running.child.id()));
        assert_eq!(code(&mut running.child), Some(0), "{name}");
        running.nothing_is_left();
        assert!(!Path::new(&folder).exists(), "{folder}");
    }
}

#[test]
fn a_killed_one_leaves_no_proxy_behind() {
    let place = Place::new();
    let mut running = place.start();
    signal("KILL", u64::from(running.child.id()));
    assert_eq!(code(&mut running.child), None);
    running.nothing_is_left();
}

#[test]
fn a_proxy_that_ends_is_named_and_ends_the_run() {
    let place = Place::new();
    let mut running = place.start();
    signal("KILL", running.proxies[0]);
    assert_eq!(code(&mut running.child), Some(2));
    let said = running.said();
    assert!(
        said.contains("the proxy of gateway/public has ended (signal: 9 (SIGKILL))"),
        "{said}"
    );
    running.nothing_is_left();
}

#[test]
fn a_broken_edit_is_said_and_the_last_good_one_goes_on() {
    if is_missing(&[CURL]).unwrap() {
        return;
    }
    let place = Place::new();
    let mut running = place.start();
    let process = TcpListener::bind(("127.0.0.1", place.process)).unwrap();
    let answers = thread::spawn(move || {
        for stream in process.incoming() {
            let mut stream = stream.unwrap();
            let mut bytes = [0; 4_096];
            let _head = std::io::Read::read(&mut stream, &mut bytes).unwrap();
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            std::io::Write::write_all(&mut stream, answer).unwrap();
        }
    });
    assert_eq!(place.status(), "200");

    place.edit("to: hello}", "to: helo}");
    assert_eq!(running.event("rejected")["generation"], 1);
    assert_eq!(place.status(), "200");

    place.edit("to: helo}", "respond: {status: 204}}");
    let serving = running.event("serving");
    assert_eq!(serving["generation"], 2);
    assert_eq!(serving["changed"][0], "gateway/public");
    assert_eq!(place.status(), "204");
    drop(answers);
}

#[test]
fn what_keeps_it_from_starting_is_said_with_the_way_out() {
    let place = Place::new();
    let busy = TcpListener::bind(("127.0.0.1", place.edge)).unwrap();
    let (code, said) = place.ended(&[]);
    assert_eq!(code, Some(2));
    assert!(
        said.contains(&format!(
            "`public/web` cannot listen at 127.0.0.1:{}",
            place.edge
        )),
        "{said}"
    );
    assert!(
        said.contains("choose another port: `--at public/web="),
        "{said}"
    );
    drop(busy);

    let (code, said) = place.ended(&["--at", "helo=1"]);
    assert_eq!(code, Some(2));
    assert!(
        said.contains("the mesh has no `helo`; it has `hello`"),
        "{said}"
    );

    let (code, said) = place.ended(&["--proxy", "/bin/true"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("`/bin/true` is no `weft-proxy`"), "{said}");

    let (code, said) = place.ended(&["--", "no-such-command"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("starting `no-such-command`"), "{said}");

    place.edit("to: hello}", "to: helo}");
    let (code, said) = place.ended(&[]);
    assert_eq!(code, Some(1));
    assert!(said.contains("there is no service `helo`"), "{said}");
}

#[test]
fn a_command_says_how_it_ends() {
    let place = Place::new();
    assert_eq!(place.ended(&["--", "true"]).0, Some(0));
    assert_eq!(place.ended(&["--", "sh", "-c", "exit 7"]).0, Some(7));
    assert_eq!(
        place.ended(&["--", "sh", "-c", "kill -TERM $$"]).0,
        Some(143)
    );
}

#[test]
fn three_commands_lead_from_an_empty_folder_to_an_answer_within_a_minute() {
    if is_missing(&[CURL, PYTHON]).unwrap() {
        return;
    }
    let began = Instant::now();
    let place = Place::new();
    let (at, port) = (place.at(), place.process.to_string());
    let server = [
        "--",
        "python3",
        "-m",
        "http.server",
        "--bind",
        "127.0.0.1",
        &port,
    ];
    let words = [
        &["up", "spec", at[0].as_str(), at[1].as_str()],
        server.as_slice(),
    ]
    .concat();
    let mut child = place
        .command(&words)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(said.any(|line| line.unwrap().contains("serves after")));
    assert_eq!(place.status(), "200");
    assert!(began.elapsed() < Duration::from_mins(1));

    signal("TERM", u64::from(child.id()));
    assert_eq!(code(&mut child), Some(0));
    assert!(
        TcpListener::bind(("127.0.0.1", place.process)).is_ok(),
        "the command is left"
    );
}
