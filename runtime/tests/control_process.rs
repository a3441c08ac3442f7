//! The process: exit codes, signals, crashes, the access log, and what the kernel was asked for.
#![cfg(test)]

#[path = "common/delivery.rs"]
mod delivery;
#[path = "common/process.rs"]
mod process;

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;

use delivery::{Dist, get, page, until, until_good};
use process::Process;
use serde_json::Value;
use weft_runtime::control::Proxy;

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_term_signal_drains_and_exits_with_zero() {
    let dist = Dist::new();
    dist.deliver("text", 1);
    let mut process = Process::ready(&dist, &[]);

    process.signal("-TERM");

    assert_eq!(process.ended().code(), Some(0));
    assert!(TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], dist.port))).is_err());
}

#[test]
fn exit_codes_tell_a_bad_snapshot_from_wrong_usage() {
    let dist = Dist::new();
    fs::create_dir(dist.path()).unwrap();
    assert_eq!(Process::start(&dist, &[]).ended().code(), Some(1));
    assert_eq!(
        Process::start(&dist, &["--workers", "0"]).ended().code(),
        Some(2)
    );

    dist.deliver("text", 1);
    let impossible = ["--access-log", "/dev/null/log"];
    assert_eq!(Process::start(&dist, &impossible).ended().code(), Some(2));
}

#[test]
fn the_access_log_has_a_line_per_request_and_is_opened_again_on_hup() {
    let dist = Dist::new();
    dist.deliver("text", 4);
    let log = dist.folder.path().join("access.log");
    let path = text(&log);
    let process = Process::ready(&dist, &["--access-log", &path]);
    let address = SocketAddr::from(([127, 0, 0, 1], dist.port));
    get(address, "/a%0Ab?secret=1").unwrap();
    let lines = || fs::read_to_string(&log).unwrap_or_default();
    until("the request is logged", || lines().lines().count() == 1);
    let last: Value = serde_json::from_str(lines().lines().last().unwrap()).unwrap();
    assert_eq!(last["generation"], 4);
    assert_eq!(last["method"], "GET");
    assert_eq!(last["status"], 400, "{last}");
    assert_eq!(last["route"], Value::Null);
    assert!(!lines().contains("secret"));

    fs::rename(&log, dist.folder.path().join("access.log.1")).unwrap();
    process.signal("-HUP");
    until("the log is opened again", || log.exists());
    get(address, "/").unwrap();
    until("the request is logged", || lines().lines().count() == 1);
    let line: Value = serde_json::from_str(lines().lines().next().unwrap()).unwrap();
    assert_eq!(line["status"], 200);
    assert_eq!(line["route"], "all/0");
    assert_eq!(line["listener"], format!("web-{}", dist.port));
}

#[test]
fn a_hup_signal_reads_the_source_again() {
    let dist = Dist::new();
    dist.deliver("first", 1);
    let process = Process::ready(&dist, &["--poll", "1h", "--access-log", "off"]);
    dist.deliver("second", 2);
    process.signal("-HUP");
    until("the second is served", || dist.answer() == "second");
}

#[test]
fn a_snapshot_that_kills_is_left_for_the_last_good_one() {
    let dist = Dist::new();
    let mut settings = dist.settings();
    settings.state_dir = Some(dist.state());
    dist.deliver("good", 1);
    let proxy = Proxy::start(settings.clone()).unwrap();
    until_good(&dist, 1);
    drop(proxy);
    dist.deliver("kills", 2);
    let state = text(&dist.state());
    for _crash in 0..3 {
        let arguments = ["--state-dir", &state, "--soak", "1h", "--access-log", "off"];
        let mut process = Process::ready(&dist, &arguments);
        assert_eq!(dist.answer(), "kills");
        process.signal("-KILL");
        process.ended();
    }

    let proxy = Proxy::start(settings.clone()).unwrap();
    assert_eq!(dist.answer(), "good");
    let refusal = page(&proxy, "/snapshot")["lastRefusal"].clone();
    assert_eq!(refusal["reason"], "crashed-before");
    assert_eq!(refusal["generation"], 2);
    drop(proxy);

    settings.allow_older_generation = Some(2);
    let _proxy = Proxy::start(settings).unwrap();
    assert_eq!(dist.answer(), "kills");
}

#[test]
fn a_kill_at_any_moment_leaves_a_snapshot_to_start_from() {
    let dist = Dist::new();
    let mut settings = dist.settings();
    settings.state_dir = Some(dist.state());
    dist.deliver("good", 1);
    let proxy = Proxy::start(settings.clone()).unwrap();
    until_good(&dist, 1);
    drop(proxy);
    let state = text(&dist.state());
    for round in 0..12_u64 {
        let arguments = [
            "--state-dir",
            &state,
            "--soak",
            "1ms",
            "--access-log",
            "off",
        ];
        let mut process = Process::ready(&dist, &arguments);
        for step in 0..=round % 4 {
            dist.deliver(&format!("round {round} step {step}"), 2 + round * 10 + step);
        }
        std::thread::park_timeout(std::time::Duration::from_millis(round * 3));
        process.signal("-KILL");
        process.ended();
    }
    fs::remove_dir_all(dist.path()).unwrap();

    let _proxy = Proxy::start(settings).unwrap();

    assert!(!dist.answer().is_empty());
}

#[test]
fn the_process_leaves_no_core_and_gains_no_privileges() {
    let dist = Dist::new();
    dist.deliver("text", 1);
    let process = Process::ready(&dist, &[]);
    let file = |name: &str| fs::read_to_string(format!("/proc/{}/{name}", process.id()));

    let status = file("status").unwrap_or_default();
    assert!(status.contains("NoNewPrivs:\t1"), "{status}");
    // A process that cannot be dumped hides its limits from other users; root still reads them.
    if let Ok(limits) = file("limits") {
        let core = limits
            .lines()
            .find(|line| line.starts_with("Max core file size"))
            .unwrap();
        assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    }
}
