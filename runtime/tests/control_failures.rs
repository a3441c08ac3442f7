//! What fails on workers is in the log of the process: one line a second for each reason.
#![cfg(test)]
#![expect(clippy::print_stderr, reason = "a test that is skipped says so")]

#[path = "common/delivery.rs"]
mod delivery;
#[path = "common/pki.rs"]
mod pki;

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use delivery::{Dist, NODE, bundle, free_port, get, plan, until};
use pki::Authority;
use serde_json::Value;
use weft_snapshot::plan::{Action, Backend, NodePlan};
use weft_snapshot::settings::{
    Certificate, Cluster, Endpoints, ListenerSecurity, UpstreamProtocol, UpstreamSecurity,
};

/// A proxy process with its log in a file; killed at the end of the test.
struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    fn serving(dist: &Dist, plan: &NodePlan) -> Self {
        dist.publish(&bundle(plan), 1);
        let log = dist.folder.path().join("log");
        let command = Command::new(env!("CARGO_BIN_EXE_weft-proxy"))
            .arg("--snapshot")
            .arg(dist.path())
            .args(["--node", NODE, "--admin", "off", "--workers", "2"])
            .args(["--access-log", "off", "--log-format", "json"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log).unwrap())
            .spawn();
        let child = command.unwrap();
        let process = Self { child, log };
        let address = SocketAddr::from(([127, 0, 0, 1], dist.port));
        until("the process serves", || TcpStream::connect(address).is_ok());
        process
    }

    /// The lines about `reason` so far.
    fn lines(&self, reason: &str) -> Vec<Value> {
        let log = fs::read_to_string(&self.log).unwrap();
        let lines = log
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter(|line| line["reason"] == reason).collect()
    }

    /// How many failures these lines are about.
    fn told(&self, reason: &str) -> u64 {
        let lines = self.lines(reason);
        lines
            .iter()
            .map(|line| 1 + line["left_out"].as_u64().unwrap())
            .sum()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

/// A gateway that forwards everything to a port where nobody listens.
fn forwarding_to_nobody(port: u16) -> NodePlan {
    let mut plan = plan(port, "unused");
    plan.settings.clusters.push(Cluster {
        name: "orders".to_owned(),
        protocol: UpstreamProtocol::Http1,
        security: UpstreamSecurity::Plaintext,
        keep_alive_millis: 60_000,
        host: None,
        endpoints: Endpoints::Static {
            addresses: vec![SocketAddr::from(([127, 0, 0, 1], free_port()))],
        },
    });
    let outcome = &mut plan.tables[0].hosts[0].routes[0].outcome;
    outcome.action = Action::Forward {
        backends: vec![Backend {
            cluster: 0,
            share: 1_000_000,
        }],
    };
    plan
}

#[test]
fn a_flood_of_failures_is_a_line_a_second_that_counts_them() {
    let dist = Dist::new();
    let process = Process::serving(&dist, &forwarding_to_nobody(dist.port));
    let address = SocketAddr::from(([127, 0, 0, 1], dist.port));
    let began = Instant::now();
    for _ in 0..200 {
        assert_eq!(get(address, "/").unwrap().0, 503);
    }
    until("all are told", || process.told("connect-failure") == 200);

    let lines = process.lines("connect-failure");
    let seconds = usize::try_from(began.elapsed().as_secs()).unwrap();
    assert!(lines.len() <= seconds + 2, "{} lines", lines.len());
    assert_eq!(lines[0]["cluster"], "orders");
    assert!(
        lines[0]["endpoint"]
            .as_str()
            .unwrap()
            .starts_with("127.0.0.1:")
    );
    assert!(
        lines[0]["said"].as_str().unwrap().contains("refused"),
        "{}",
        lines[0]
    );
}

/// Whether openssl is there; with `CI=true` it must be.
fn has_openssl() -> bool {
    let run = Command::new("openssl").arg("version").output();
    let is_there = run.is_ok_and(|output| output.status.success());
    let is_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(is_there || !is_ci, "openssl is not here");
    if !is_there {
        eprintln!("skipped: openssl is not here");
    }
    is_there
}

fn openssl(port: u16, arguments: &[&str]) {
    let mut client = Command::new("openssl")
        .args(["s_client", "-connect", &format!("127.0.0.1:{port}")])
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    client.wait().unwrap();
}

fn certificate(folder: &Path) -> Certificate {
    let (chain, key) = (folder.join("a.pem"), folder.join("a.key"));
    Authority::new("web.example")
        .web(&["a.test"])
        .write_pair(&chain, &key);
    Certificate {
        name: "a".to_owned(),
        chain: chain.display().to_string(),
        key: key.display().to_string(),
    }
}

#[test]
fn a_gateway_says_why_clients_cannot_shake_hands() {
    if !has_openssl() {
        return;
    }
    let dist = Dist::new();
    let mut plan = plan(dist.port, "hello");
    plan.settings
        .certificates
        .push(certificate(dist.folder.path()));
    plan.settings.listeners[0].security = ListenerSecurity::Tls { certificate: 0 };
    plan.settings.listeners[0].hosts = vec!["a.test".to_owned()];
    let process = Process::serving(&dist, &plan);

    openssl(dist.port, &["-servername", "b.test"]);
    openssl(dist.port, &["-servername", "a.test", "-alpn", "smtp"]);
    openssl(
        dist.port,
        &["-servername", "a.test", "-tls1_2", "-cipher", "AES256-SHA"],
    );
    let mut plaintext = TcpStream::connect(("127.0.0.1", dist.port)).unwrap();
    plaintext
        .write_all(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
        .unwrap();
    let _alert = plaintext.read(&mut [0; 64]);
    openssl(dist.port, &["-servername", "a.test"]);

    for (reason, name, alert) in [
        ("unknown-server-name", Some("b.test"), "access-denied"),
        (
            "no-common-protocol",
            Some("a.test"),
            "no-application-protocol",
        ),
        ("no-common-cipher", Some("a.test"), "handshake-failure"),
        ("not-tls", None, "decode-error"),
    ] {
        until(reason, || !process.lines(reason).is_empty());
        let line = &process.lines(reason)[0];
        assert_eq!(line["server_name"].as_str(), name, "{line}");
        assert_eq!(line["alert"], alert, "{line}");
        assert!(
            line["peer"].as_str().unwrap().starts_with("127.0.0.1:"),
            "{line}"
        );
    }
    assert!(
        process.lines("nothing-sent").is_empty(),
        "health checks are no news"
    );
}
