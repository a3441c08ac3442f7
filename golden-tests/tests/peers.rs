//! Programs that others wrote talk to running proxies: curl, h2load, grpcio and openssl.
//!
//! A program that is not installed is skipped with a line that says so; with `CI=true` that is a failure.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot set itself up has failed, and one that is skipped says so"
)]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tokio::runtime::Runtime;
use weft_golden_tests::exchange::Ask;
use weft_golden_tests::folder::Case;
use weft_golden_tests::stand::Stand;

/// Whether the program answers to `arguments`; in CI it must.
fn is_there(program: &str, arguments: &[&str]) -> bool {
    let run = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output();
    let is_there = run.is_ok_and(|output| output.status.success());
    if !is_there {
        let is_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
        assert!(!is_ci, "{program} {arguments:?} does not work here");
        eprintln!("skipped: {program} {arguments:?} does not work here");
    }
    is_there
}

struct Peers {
    stand: Stand,
    runtime: Runtime,
}

impl Peers {
    fn start() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/peers/mesh");
        let case = Case {
            path,
            name: "peers/mesh".to_owned(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let executable = PathBuf::from(env!("CARGO_BIN_EXE_weft-tested"));
        let stand = runtime.block_on(Stand::start(&case, &executable)).unwrap();
        Self { stand, runtime }
    }

    fn port(&self, node: &str, listener: &str) -> u16 {
        let ask = Ask::read(&format!("{node} {listener}: GET x /")).unwrap();
        self.stand.address(&ask).unwrap().port()
    }

    /// Runs a program while the origins go on answering.
    fn run(&self, program: &str, arguments: &[String]) -> Output {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null());
        let running = self
            .runtime
            .spawn_blocking(move || command.output().unwrap());
        self.runtime.block_on(running).unwrap()
    }

    fn succeeds(&self, program: &str, arguments: &[String]) -> String {
        let output = self.run(program, arguments);
        let text = shown(&output);
        assert!(
            output.status.success(),
            "{program} {arguments:?}: {text}\n{}",
            self.stand.logs()
        );
        text
    }
}

fn shown(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn curl_speaks_both_versions_over_tls_and_uploads() {
    if !is_there("curl", &["--version"]) {
        return;
    }
    let peers = Peers::start();
    let port = peers.port("gateway/public", "web");
    let authority = peers.stand.authority_file();
    let common = format!(
        "-sS -m 10 --cacert {} --resolve shop.example:{port}:127.0.0.1 https://shop.example:{port}/page",
        authority.display()
    );
    let first = peers.succeeds("curl", &words(&format!("--http1.1 {common}")));
    assert!(first.contains("service: pages"), "{first}");
    let second = peers.succeeds(
        "curl",
        &words(&format!("--http2 -w version:%{{http_version}} {common}")),
    );
    assert!(second.contains("version:2"), "{second}");
    let file = authority.with_file_name("upload");
    std::fs::write(&file, "uploaded words").unwrap();
    let upload = peers.succeeds("curl", &words(&format!("-T {} {common}", file.display())));
    assert!(
        upload.contains("method: PUT") && upload.contains("body: uploaded words"),
        "{upload}"
    );

    let plain = peers.port("gateway/public", "plain");
    let known = words(&format!(
        "-sS -m 10 --http2-prior-knowledge http://127.0.0.1:{plain}/page"
    ));
    assert!(peers.succeeds("curl", &known).contains("service: pages"));
}

#[test]
fn h2load_loses_nothing() {
    if !is_there("h2load", &["--version"]) {
        return;
    }
    let peers = Peers::start();
    let port = peers.port("gateway/public", "plain");
    let text = peers.succeeds(
        "h2load",
        &words(&format!("-n 500 -c 4 -m 8 http://127.0.0.1:{port}/page")),
    );
    assert!(
        text.contains("500 succeeded, 0 failed, 0 errored, 0 timeout"),
        "{text}"
    );
    assert!(text.contains("500 2xx"), "{text}");
}

#[test]
fn openssl_gets_in_with_a_certificate_only() {
    if !is_there("openssl", &["version"]) {
        return;
    }
    let peers = Peers::start();
    let port = peers.port("service/pages", "inbound");
    let identity = peers.stand.identity("gateway/public");
    // The answer of a request tells whether the handshake was accepted: in TLS 1.3 a client without a
    // certificate learns it only when it reads.
    let ask = |certificate: &str| {
        let script = format!(
            "(printf 'GET / HTTP/1.1\\r\\nHost: pages\\r\\nConnection: close\\r\\n\\r\\n'; sleep 1) | timeout 10 \
             openssl s_client -connect 127.0.0.1:{port} -tls1_3 -alpn http/1.1 -quiet {certificate} 2>&1 || true"
        );
        shown(&peers.run("bash", &["-c".to_owned(), script]))
    };
    let with = ask(&format!(
        "-cert {0}/svid.pem -key {0}/svid_key.pem -CAfile {0}/svid_bundle.pem",
        identity.display()
    ));
    assert!(with.contains("HTTP/1.1 200"), "{with}");
    let without = ask("");
    assert!(!without.contains("HTTP/1.1"), "{without}");
}

#[test]
fn grpcio_calls_grpcio_through_gateway_and_sidecar() {
    if !is_there("python3", &["-c", "import grpc"]) {
        return;
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/grpc_peers.py");
    let mut peers = Peers::start();
    // The origin of the stand makes room for the server of grpcio.
    let app = peers
        .runtime
        .block_on(peers.stand.give_up_origin("service/calls"))
        .unwrap();
    let server = Command::new("python3")
        .args([script, "serve", &app.port().to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut server = Stopped(server);
    let mut line = String::new();
    BufReader::new(server.0.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert_eq!(line.trim(), "ready");

    let port = peers.port("gateway/public", "plain").to_string();
    let text = peers.succeeds("python3", &[script.to_owned(), "call".to_owned(), port]);
    assert!(text.contains("all calls went through"), "{text}");
}

/// A child that does not outlive the test.
struct Stopped(Child);

impl Drop for Stopped {
    fn drop(&mut self) {
        let _gone_already = self.0.kill();
        let _reaped = self.0.wait();
    }
}
