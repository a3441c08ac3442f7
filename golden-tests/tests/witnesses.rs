//! The requests that `weft witness` prints for the examples, sent to real proxies: ours, and Envoy with a
//! configuration written by hand.
//!
//! Status, rule, backend and forwarded path are as `weft why` says. An Envoy that is not installed is skipped with a
//! line that says so; with `CI=true` that is a failure.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot set itself up has failed, and one that is skipped says so"
)]

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::runtime::Runtime;
use weft_back::snapshot::Snapshot;
use weft_examples::client::{self, Call, Protocol, Security};
use weft_examples::ports;
use weft_front::question::Question;
use weft_golden_tests::exchange::Ask;
use weft_golden_tests::folder::Case;
use weft_golden_tests::stand::Stand;
use weft_tell::tests::Facets;
use weft_tell::why::{Answer, why};
use weft_tell::witness::{Witness, witnesses};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The spec of an example with its addresses on loopback, in the form that a stand fills in.
struct OnLoopback {
    folder: tempfile::TempDir,
}

impl OnLoopback {
    fn new(example: &str, change: &dyn Fn(&str) -> String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy(
            &root().join("examples").join(example),
            folder.path(),
            change,
        );
        Self { folder }
    }

    fn case(&self) -> Case {
        Case {
            path: self.folder.path().to_owned(),
            name: "witnesses".to_owned(),
        }
    }
}

fn copy(from: &Path, to: &Path, change: &dyn Fn(&str) -> String) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target, change);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "yaml")
            && path.file_name().unwrap() != "values.yaml"
        {
            fs::write(target, change(&fs::read_to_string(&path).unwrap())).unwrap();
        }
    }
}

/// `01-shop` has a value for everything that differs from place to place.
fn shop(text: &str) -> String {
    let mut text = text
        .replace("{{ gateway.address }}", "127.0.0.1")
        .replace("{{ gateway.port }}", "{{ ports.gateway }}")
        .replace("{{ gateway.certificates }}", "{{ folder }}")
        .replace(
            "{{ orders.endpoint }}",
            "127.0.0.1:{{ ports.orders_inbound }}",
        )
        .replace("{{ orders.v2 }}", "127.0.0.1:{{ ports.orders_v2 }}");
    for service in ["web", "orders", "payments"] {
        for part in ["app", "inbound", "outbound"] {
            let value = format!("{{{{ {service}.{part} }}}}");
            let port = format!("127.0.0.1:{{{{ ports.{service}_{part} }}}}");
            text = text.replace(&value, &port);
        }
    }
    text
}

/// `02-checkout` says addresses; each service gets ports of its own.
fn checkout(text: &str) -> String {
    let mut lines = Vec::new();
    let mut service = String::new();
    for line in text.lines() {
        let name = line
            .strip_prefix("  ")
            .and_then(|line| line.strip_suffix(':'));
        if let Some(name) = name.filter(|name| !name.starts_with(' ')) {
            name.clone_into(&mut service);
        }
        let inbound = format!("\"127.0.0.1:{{{{ ports.{service}_inbound }}}}\"");
        if line == "    app: 127.0.0.1:8080" {
            lines.push(format!(
                "    app: \"127.0.0.1:{{{{ ports.{service}_app }}}}\""
            ));
            lines.push(format!(
                "    sidecar: {{inbound: {inbound}, outbound: \"127.0.0.1:{{{{ ports.{service}_outbound }}}}\"}}"
            ));
        } else if let Some((before, rest)) = line.split_once("[\"10.0.") {
            let (_, after) = rest.split_once("\"]").unwrap();
            lines.push(format!("{before}[{inbound}]{after}"));
        } else {
            lines.push(
                line.replace("port: 8080,", "address: 127.0.0.1, port: \"{{ ports.http }}\",")
                    .replace(
                        "port: 8443,",
                        "address: 127.0.0.1, port: \"{{ ports.https }}\", hosts: [shop.example, \"*.shop.example\"],",
                    )
                    .replace("/etc/weft/shop.pem", "\"{{ folder }}/shop.pem\"")
                    .replace("/etc/weft/shop.key", "\"{{ folder }}/shop.key\""),
            );
        }
    }
    lines.join("\n") + "\n"
}

fn predicted(snapshot: &Snapshot, one: &Witness) -> Answer {
    let headers = one
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}"));
    let headers: Vec<String> = headers.collect();
    let request = format!("{} {}{}", one.method, one.host, one.target);
    let mut question = Question::parse(&request, &headers).unwrap();
    question.node = Some(one.node.clone());
    let listeners = snapshot
        .slices()
        .find(|slice| slice.settings().node == one.node);
    let listeners = &listeners.unwrap().settings().listeners;
    let listener = listeners
        .iter()
        .find(|listener| listener.name == one.listener);
    question.port = Some(listener.unwrap().port);
    why(snapshot, &question).unwrap()
}

/// What a proxy shows of the decision that it took.
fn check(one: &Witness, answer: &Answer, seen: &client::Answer) {
    let facets = Facets::of_answer(answer);
    let shown = format!("{} {}{}: {}", one.method, one.host, one.target, seen.status);
    if let Some(status) = facets.status {
        assert_eq!(seen.status, status, "{shown}");
        return;
    }
    assert_eq!(seen.status, 200, "{shown}");
    let backends: Vec<&str> = facets
        .backends
        .iter()
        .map(|(name, _)| name.split('@').next().unwrap())
        .collect();
    assert!(backends.contains(&seen.header("x-origin")), "{shown}");
    if one.method == "HEAD" {
        return;
    }
    let body = String::from_utf8_lossy(&seen.body);
    let query = one
        .target
        .split_once('?')
        .map(|(_, query)| format!("?{query}"));
    let target = format!(
        "target: {}{}",
        facets.path.unwrap(),
        query.unwrap_or_default()
    );
    assert!(
        body.lines().any(|line| line == target),
        "{shown}\n{target}\n{body}"
    );
}

fn all_as_predicted(case: &Case, least: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let executable = PathBuf::from(env!("CARGO_BIN_EXE_weft-tested"));
    runtime.block_on(async {
        let stand = Stand::start(case, &executable).await.unwrap();
        let snapshot = Snapshot::of_bundle(&stand.bundle().unwrap()).unwrap();
        let (found, missing) = witnesses(&snapshot);
        assert!(missing.is_empty(), "{missing:?}");
        let (mut sent, mut expected) = (0, BTreeMap::new());
        for one in found.iter().filter(|one| one.node.starts_with("gateway/")) {
            let text = format!(
                "{} {}: {} {} {}",
                one.node, one.listener, one.method, one.host, one.target
            );
            let mut ask = Ask::read(&text).unwrap();
            for (name, value) in &one.headers {
                ask.call = ask.call.clone().header(name, value);
            }
            let answer = predicted(&snapshot, one);
            check(one, &answer, &stand.ask(&ask).await.unwrap());
            if let Some(route) = answer.hops.first().and_then(|hop| hop.route.as_ref()) {
                *expected
                    .entry((one.node.clone(), route.id.clone()))
                    .or_insert(0_u64) += 1;
            }
            sent += 1;
        }
        assert!(least <= sent, "{sent} requests");
        for ((node, route), count) in expected {
            assert_eq!(
                stand.requests_by(&node, &route).await.unwrap(),
                count,
                "{route}"
            );
        }
    });
}

#[test]
fn our_proxy_does_what_is_predicted_for_01_shop() {
    all_as_predicted(&OnLoopback::new("01-shop", &shop).case(), 10);
}

#[test]
fn our_proxy_does_what_is_predicted_for_02_checkout() {
    all_as_predicted(&OnLoopback::new("02-checkout", &checkout).case(), 20);
}

const LIVE: &str = r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 5s}}}
gateways: {public: {listeners: {web: {address: 127.0.0.1, port: "{{ ports.web }}", protocol: http}}}}
services:
  a: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:{{ ports.a }}"]}
routes:
  x:
    on: public/web
    host: x.example
    rules:
      - {name: a, path: /a/**, to: a}
      - {name: b, path: /b, headers: {x-b: "1"}, redirect: {path: /a, code: 308}}
tests:
  - {name: goes to a, request: GET http://x.example/a/1?q=1, expect: {route: x/a, backend: a}}
  - {name: is redirected, request: GET http://x.example/b, headers: {x-b: "1"}, expect: {status: 308}}
  - {name: is nowhere, request: POST http://x.example/c, expect: {status: 404}}
"#;

#[test]
fn weft_test_asks_a_running_proxy() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("spec.yaml"), LIVE).unwrap();
    let case = Case {
        path: folder.path().to_owned(),
        name: "live".to_owned(),
    };
    let executable = PathBuf::from(env!("CARGO_BIN_EXE_weft-tested"));
    let runtime = runtime();
    let stand = runtime.block_on(Stand::start(&case, &executable)).unwrap();
    let ask = Ask::read("gateway/public web: GET x /").unwrap();
    let address = stand.address(&ask).unwrap();
    let tools = tempfile::tempdir().unwrap();
    let (weft, values) = (tools.path().join("weft"), tools.path().join("values.yaml"));
    std::os::unix::fs::symlink(&executable, &weft).unwrap();
    let (spec, text) = stand.spec();
    fs::write(&values, text).unwrap();
    let run = |spec: &Path, address: SocketAddr| {
        let mut command = Command::new(&weft);
        command.args(["test", "--live", &address.to_string(), "--values"]);
        command.arg(&values).arg(spec).stdin(Stdio::null());
        // The origins go on answering meanwhile.
        let output = runtime.block_on(async {
            let run = tokio::task::spawn_blocking(move || command.output());
            run.await.unwrap().unwrap()
        });
        String::from_utf8(output.stdout).unwrap()
    };
    let seen = run(&spec, address);
    for line in [
        "ok    goes to a\n",
        "ok    is redirected\n",
        "ok    is nowhere\n",
    ] {
        assert!(seen.contains(line), "{line}{seen}");
    }
    // A proxy that serves something else is found out.
    let other = folder.path().join("other");
    fs::create_dir(&other).unwrap();
    let text = LIVE
        .replace("/b, headers", "/bb, headers")
        .replace("example/b,", "example/bb,");
    fs::write(other.join("spec.yaml"), text).unwrap();
    let seen = run(&other, address);
    assert!(
        seen.contains("status: the spec says 308, the proxy 404"),
        "{seen}"
    );
}

/// A child that does not outlive the test.
struct Stopped(Child);

impl Drop for Stopped {
    fn drop(&mut self) {
        let _gone_already = self.0.kill();
        let _reaped = self.0.wait();
    }
}

fn envoy(folder: &Path) -> Option<(Stopped, SocketAddr)> {
    let version = Command::new("envoy")
        .arg("--version")
        .stdin(Stdio::null())
        .output();
    if !version.is_ok_and(|output| output.status.success()) {
        let is_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
        assert!(!is_ci, "envoy does not work here");
        eprintln!("skipped: envoy does not work here");
        return None;
    }
    let (port, admin) = (ports::free().unwrap(), ports::free().unwrap());
    let text = include_str!("witnesses/envoy-02-checkout.yaml")
        .replace("port_value: PORT", &format!("port_value: {port}"))
        .replace("port_value: ADMIN", &format!("port_value: {admin}"));
    let path = folder.join("envoy.yaml");
    fs::write(&path, text).unwrap();
    let log = fs::File::create(folder.join("envoy.log")).unwrap();
    let child = Command::new("envoy")
        .args([
            "--concurrency",
            "1",
            "-l",
            "warning",
            "--use-dynamic-base-id",
            "-c",
        ])
        .arg(&path)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap();
    Some((Stopped(child), SocketAddr::from(([127, 0, 0, 1], port))))
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

#[test]
fn envoy_decides_as_we_do_for_02_checkout() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_envoy, address)) = envoy(folder.path()) else {
        return;
    };
    let spec = weft_examples::publish::Spec::new(root().join("examples/02-checkout"));
    let bundle = spec.compile().unwrap().accepted().unwrap();
    let snapshot = Snapshot::of_bundle(&bundle).unwrap();
    let (found, _) = witnesses(&snapshot);
    let mut compared = 0;
    runtime().block_on(async {
        for _ in 0..100 {
            if tokio::net::TcpStream::connect(address).await.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        // Envoy joins the lines of any header with a comma and matches that, where we say that there is no value.
        let is_compared = |one: &&Witness| one.listener == "https" && one.refusal.is_none();
        for one in found.iter().filter(is_compared) {
            let mut call = Call::new(&one.method, &one.host, &one.target);
            for (name, value) in &one.headers {
                call = call.header(name, value);
            }
            let seen = client::fetch(address, &Security::Plaintext, Protocol::Http1, &call).await;
            let seen = seen.unwrap();
            let answer = predicted(&snapshot, one);
            let gateway = answer.hops.first().unwrap();
            let shown = format!("{} {}{}: {}", one.method, one.host, one.target, seen.status);
            let refusal = gateway.refusal.as_ref().map(|refusal| refusal.status);
            // What happens behind the gateway is none of Envoy's business here.
            let facets = Facets::of_answer(&answer);
            let status = refusal.or(facets.status.filter(|_| !facets.is_refused));
            assert_eq!(seen.status, status.unwrap_or(200), "{shown}");
            let body = String::from_utf8_lossy(&seen.body);
            if let Some(route) = gateway.route.as_ref().filter(|_| !body.is_empty()) {
                assert_eq!(body, route.id, "{shown}");
            }
            compared += 1;
        }
    });
    assert!(20 <= compared, "{compared} requests");
}
