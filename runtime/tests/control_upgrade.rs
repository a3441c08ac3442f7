//! Handing the sockets over goes wrong in every way, and the proxy that runs does not notice.
#![cfg(test)]
#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

#[path = "common/delivery.rs"]
mod delivery;
#[path = "common/process.rs"]
mod process;

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use delivery::{Dist, NODE, until};
use process::Process;

/// A proxy that can be upgraded, and where.
fn running() -> (Dist, PathBuf, Process) {
    let dist = Dist::new();
    dist.deliver("here", 1);
    let path = dist.folder.path().join("upgrade.sock");
    let process = Process::ready(&dist, &["--upgrade-socket", text(&path)]);
    until("the socket is there", || path.exists());
    (dist, path, process)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn successor(dist: &Dist, path: &Path) -> Process {
    Process::start(dist, &["--upgrade", "--upgrade-socket", text(path)])
}

/// The proxy that ran serves; a good successor still takes over from it.
fn is_unharmed(dist: &Dist, path: &Path, mut process: Process) {
    assert_eq!(dist.answer(), "here");
    assert!(!process.has_ended());
    let next = successor(dist, path);
    next.until_said("took over");
    assert_eq!(process.ended().code(), Some(0));
    assert_eq!(dist.answer(), "here");
}

/// What the proxy says until it closes or is silent for half a second.
fn converse(path: &Path, words: &[u8]) -> String {
    let mut stream = UnixStream::connect(path).unwrap();
    // It may have closed already.
    let _closed = stream.write_all(words);
    let _closed = stream.shutdown(std::net::Shutdown::Write);
    let patience = Some(Duration::from_millis(500));
    stream.set_read_timeout(patience).unwrap();
    let mut said = Vec::new();
    let _silent = stream.read_to_end(&mut said);
    String::from_utf8(said).unwrap()
}

#[test]
fn garbage_and_half_messages_change_nothing() {
    let (dist, path, process) = running();
    let long = vec![b'x'; 100_000];
    // No more than ten in all: the log says ten lines of a kind at once.
    let words: [&[u8]; 6] = [
        b"",
        b"weft-upgrade 1",
        b"weft-upgrade 2\n",
        b"GET / HTTP/1.1\r\nhost: a\r\n\r\n",
        b"\xff\xfe\xfd\n",
        &long,
    ];
    for words in words {
        assert_eq!(converse(&path, words), "");
    }
    // These got the sockets, and then did not say that they serve.
    for words in [
        "weft-upgrade 1\n",
        "weft-upgrade 1\nrea",
        "weft-upgrade 1\nno\n",
    ] {
        let said = converse(&path, words.as_bytes());
        assert_eq!(said, "port 1\nadmin 1\nend\n");
        until("the sockets are taken back", || {
            process.log().matches("serving on").count()
                == process.log().matches("has the sockets").count() + 6
        });
    }
    is_unharmed(&dist, &path, process);
}

#[test]
fn a_silent_visitor_is_in_nobodys_way() {
    let (dist, path, process) = running();
    let silent: Vec<UnixStream> = (0..3)
        .map(|_| UnixStream::connect(&path).unwrap())
        .collect();
    is_unharmed(&dist, &path, process);
    drop(silent);
}

#[test]
fn a_second_successor_is_told_to_wait() {
    let (dist, path, process) = running();
    let mut first = UnixStream::connect(&path).unwrap();
    first.write_all(b"weft-upgrade 1\n").unwrap();
    process.until_said("has the sockets");

    assert_eq!(converse(&path, b"weft-upgrade 1\n"), "busy\n");
    let mut second = successor(&dist, &path);
    assert_eq!(second.ended().code(), Some(2));
    assert!(second.log().contains("busy"), "{}", second.log());

    drop(first);
    process.until_said("serving on");
    is_unharmed(&dist, &path, process);
}

#[test]
fn a_snapshot_is_published_after_a_takeover_that_failed() {
    let (dist, path, process) = running();
    let mut first = UnixStream::connect(&path).unwrap();
    first.write_all(b"weft-upgrade 1\n").unwrap();
    process.until_said("has the sockets");
    dist.deliver("newer", 2);
    drop(first);
    until("the newer one is served", || dist.answer() == "newer");
    drop(process);
}

#[test]
fn a_successor_that_cannot_start_leaves_the_old_one_alone() {
    let (dist, path, process) = running();
    let empty = Dist::new();
    fs::create_dir(empty.path()).unwrap();
    let mut failed = successor(&empty, &path);
    assert_eq!(failed.ended().code(), Some(1));
    process.until_said("serving on");
    is_unharmed(&dist, &path, process);
}

#[test]
fn a_killed_successor_leaves_the_old_one_alone() {
    let (dist, path, process) = running();
    for round in 0..10 {
        let mut killed = successor(&dist, &path);
        std::thread::park_timeout(Duration::from_millis(3 * round));
        killed.signal("-KILL");
        killed.ended();
        if dist.answer() != "here" {
            // It had said that it serves, so the old one drains, rightly.
            process.until_said("the successor serves");
            return;
        }
    }
    until("the sockets are taken back", || {
        process.log().matches("serving on").count()
            == process.log().matches("has the sockets").count()
    });
    is_unharmed(&dist, &path, process);
}

#[test]
fn another_user_gets_nothing() {
    if !fs::read_to_string("/proc/self/status").is_ok_and(|it| it.contains("\nUid:\t0\t")) {
        assert!(std::env::var_os("CI").is_none(), "CI runs as root");
        println!("skipped: only root can be somebody else");
        return;
    }
    let (dist, path, process) = running();
    // The file alone keeps others out; with it open, the user is asked for.
    for path in [dist.folder.path(), &path] {
        fs::set_permissions(path, Permissions::from_mode(0o777)).unwrap();
    }
    let outcome = Command::new(dist.executable_for_others())
        .arg("--snapshot")
        .arg(dist.path())
        .args(["--node", NODE, "--admin", "off", "--upgrade"])
        .args(["--upgrade-socket", text(&path)])
        .uid(65_534)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(outcome.status.code(), Some(2), "{outcome:?}");
    process.until_said("runs as user 65534");
    is_unharmed(&dist, &path, process);
}

#[test]
fn a_successor_waits_only_so_long_for_whoever_has_the_path() {
    let dist = Dist::new();
    dist.deliver("here", 1);
    for words in [
        "",
        "port 1\nend\n",
        "nonsense\n",
        "port x\n",
        "port 99999999999\n",
    ] {
        let path = dist.folder.path().join("mute.sock");
        let mute = UnixListener::bind(&path).unwrap();
        let said = std::thread::spawn(move || {
            let (mut stream, _peer) = mute.accept().unwrap();
            stream.write_all(words.as_bytes()).unwrap();
            // Until the other side gives up.
            let _until_then = stream.read_to_end(&mut Vec::new());
        });
        let mut process = successor(&dist, &path);
        assert_eq!(process.ended().code(), Some(2), "{words}");
        said.join().unwrap();
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_successor_of_nobody_starts_alone() {
    let dist = Dist::new();
    dist.deliver("here", 1);
    let state = dist.state();
    let mut first = Process::start(&dist, &["--upgrade", "--state-dir", text(&state)]);
    first.until_said("starting alone");
    let path = state.join(NODE).join("upgrade.sock");
    until("the socket is there", || path.exists());
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    first.signal("-KILL");
    first.ended();

    // What a killed one left behind has nobody behind it.
    let mut second = Process::ready(&dist, &["--upgrade", "--state-dir", text(&state)]);
    assert_eq!(dist.answer(), "here");
    let mut third = Process::start(&dist, &["--upgrade", "--state-dir", text(&state)]);
    third.until_said("took over");
    assert_eq!(second.ended().code(), Some(0));
    assert!(path.exists(), "the file is that of the third");
    third.signal("-TERM");
    assert_eq!(third.ended().code(), Some(0));
    assert!(!path.exists(), "nothing is left behind");

    let mut nowhere = Process::start(&dist, &["--upgrade"]);
    assert_eq!(nowhere.ended().code(), Some(2));
}

#[test]
fn the_admin_endpoint_goes_with_the_ports() {
    let dist = Dist::new();
    dist.deliver("here", 1);
    let path = dist.folder.path().join("upgrade.sock");
    let admin = dist.folder.path().join("admin.sock");
    let admin_argument = format!("unix:{}", text(&admin));
    let arguments = [
        "--admin",
        &admin_argument,
        "--upgrade",
        "--upgrade-socket",
        text(&path),
    ];
    let mut process = Process::start(&dist, &arguments);
    until("it serves", || dist.answer() == "here" && path.exists());
    for _round in 0..3 {
        let next = Process::start(&dist, &arguments);
        next.until_said("took over");
        assert_eq!(process.ended().code(), Some(0));
        let mut stream = UnixStream::connect(&admin).unwrap();
        stream
            .write_all(b"GET /ready HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        process = next;
    }
}

#[test]
fn a_drain_while_the_sockets_are_lent_leaves_them_to_the_successor() {
    let (dist, path, mut process) = running();
    let next = successor(&dist, &path);
    process.until_said("has the sockets");
    process.signal("-TERM");
    next.until_said("took over");
    assert_eq!(process.ended().code(), Some(0));
    for _request in 0..20 {
        assert_eq!(dist.answer(), "here");
    }
}
