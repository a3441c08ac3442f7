//! Two proxies between two services: identities, allow rules, deadlines, WebSocket, rotation; and the bounds
//! of one listener.
#![cfg(test)]

mod data_support;
#[path = "common/pki.rs"]
mod pki;

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use data_support::{
    Origin, PATIENCE, Proxy, all_paths, allow, cluster, connect, eventually, everything_to,
    exchange, forward, header, plan, read_head, read_response, route, status,
};
use pki::Authority;
use weft_runtime::identity::Identity;
use weft_runtime::shared::{Departed, Limits};
use weft_snapshot::plan::{NodePlan, Outcome};
use weft_snapshot::settings::{ListenerSecurity, Role, UpstreamProtocol, UpstreamSecurity};

const GET: &str = "GET / HTTP/1.1\r\nHost: orders\r\n\r\n";

fn identity(authority: &Authority, node: &str) -> Identity {
    let folder = tempfile::tempdir().unwrap();
    authority.svid(node).write(folder.path(), &[authority]);
    Identity::load(folder.path(), "shop.example", node).unwrap()
}

/// The callee's sidecar in front of `app`: mTLS, and only `service/web` may call.
fn inbound(app: SocketAddr, outcome: Outcome) -> NodePlan {
    let routes = vec![route("inbound/0", all_paths(), outcome)];
    let clusters = vec![cluster("app", &[app], UpstreamProtocol::Http1)];
    let mut plan = plan(Role::Inbound, routes, clusters);
    plan.settings.listeners[0].security = ListenerSecurity::Mtls;
    plan.access = vec![allow("spiffe://shop.example/service/web")];
    plan
}

/// The caller's sidecar, which expects `expected` at `callee`.
fn outbound(callee: SocketAddr, expected: &str, outcome: Outcome) -> NodePlan {
    let routes = vec![route("outbound/0", all_paths(), outcome)];
    let mut clusters = vec![cluster("orders", &[callee], UpstreamProtocol::Http2)];
    let identity = format!("spiffe://shop.example/service/{expected}");
    clusters[0].security = UpstreamSecurity::Mtls { identity };
    plan(Role::Outbound, routes, clusters)
}

struct Pair {
    app: Origin,
    callee: Proxy,
    caller: Proxy,
}

fn pair(node: &str, expected: &str, outcome: &Outcome, app: Origin) -> Pair {
    let authority = Authority::new("shop.example");
    let own = identity(&authority, "service/orders");
    let answering = Proxy::start_with(
        &inbound(app.address, outcome.clone()),
        Limits::default(),
        Some(own),
    );
    let own = identity(&authority, node);
    let plan = outbound(answering.address, expected, outcome.clone());
    let asking = Proxy::start_with(&plan, Limits::default(), Some(own));
    Pair {
        app,
        callee: answering,
        caller: asking,
    }
}

#[test]
fn a_request_crosses_two_proxies_with_a_verified_identity() {
    let pair = pair(
        "service/web",
        "orders",
        &forward(&[1_000_000]),
        Origin::saying("hello"),
    );
    let mut client = pair.caller.connect();
    for _ in 0..20 {
        client.write_all(GET.as_bytes()).unwrap();
        assert!(read_response(&mut client).ends_with("hello"));
    }
    let entry = pair.callee.entry();
    assert_eq!(
        entry.peer_identity.as_deref(),
        Some("spiffe://shop.example/service/web")
    );
    assert_eq!(entry.protocol, "HTTP/2");
    assert_eq!(pair.callee.counters().handshakes.value(), 1);
    assert_eq!(header(&pair.app.received(), "host"), Some("orders"));
}

/// Header lines with numbered names and this value.
fn lines(numbers: std::ops::Range<u32>, value: &str) -> String {
    let lines: Vec<String> = numbers.map(|it| format!("x-{it}: {value}\r\n")).collect();
    lines.concat()
}

#[test]
fn what_the_first_proxy_takes_the_second_does_not_refuse() {
    let pair = pair(
        "service/web",
        "orders",
        &forward(&[1_000_000]),
        Origin::saying("hello"),
    );
    let many = lines(1..100, "y");
    let large = lines(1..99, &"y".repeat(610));
    for fields in [many, large] {
        let request = format!("GET / HTTP/1.1\r\nHost: orders\r\n{fields}\r\n");
        let answer = pair.caller.send(&request);
        assert_eq!(status(&answer), 200, "{} bytes: {answer}", request.len());
    }
    let beyond = lines(1..101, "y");
    let request = format!("GET / HTTP/1.1\r\nHost: orders\r\n{beyond}\r\n");
    assert_eq!(status(&pair.caller.send(&request)), 431);
}

#[test]
fn a_peer_that_is_not_allowed_gets_403() {
    let pair = pair(
        "service/stranger",
        "orders",
        &forward(&[1_000_000]),
        Origin::saying("no"),
    );
    let answer = pair.caller.send(GET);
    assert_eq!(
        (status(&answer), header(&answer, "x-weft-reason")),
        (403, Some("not-allowed"))
    );
    assert_eq!(pair.app.connections(), 0);
}

#[test]
fn another_identity_than_expected_is_not_spoken_to() {
    let pair = pair(
        "service/web",
        "payments",
        &forward(&[1_000_000]),
        Origin::saying("no"),
    );
    let answer = pair.caller.send(GET);
    assert_eq!(
        (status(&answer), header(&answer, "x-weft-reason")),
        (503, Some("wrong-identity"))
    );
    assert_eq!(pair.app.connections(), 0);
}

#[test]
fn plaintext_is_not_heard_where_mtls_is_said() {
    let pair = pair(
        "service/web",
        "orders",
        &forward(&[1_000_000]),
        Origin::saying("no"),
    );
    let answer = exchange(connect(pair.callee.address), GET.as_bytes());
    assert!(!answer.contains("HTTP/"), "{answer}");
    assert_eq!(pair.app.connections(), 0);
    eventually("it is counted", || {
        pair.callee.counters().handshakes_failed.value() == 1
    });
}

#[test]
fn a_permissive_listener_hears_plaintext_that_proves_nothing() {
    let authority = Authority::new("shop.example");
    let app = Origin::saying("no");
    let mut plan = inbound(app.address, forward(&[1_000_000]));
    for (until, expected) in [(i64::MAX, 403), (0, 0)] {
        plan.settings.listeners[0].security = ListenerSecurity::Permissive {
            until_unix_seconds: until,
        };
        let own = identity(&authority, "service/orders");
        let proxy = Proxy::start_with(&plan, Limits::default(), Some(own));
        assert_eq!(status(&proxy.send(GET)), expected);
    }
    assert_eq!(app.connections(), 0);
}

#[test]
fn deadlines_travel_to_mesh_peers_and_stop_there() {
    let mut outcome = forward(&[1_000_000]);
    outcome.timeouts.request = Some(300);
    let silent = Origin::start(|_number, stream| while stream.read_request().is_some() {});
    let pair = pair("service/web", "orders", &outcome, silent);
    // The callee's own limit is longer: what ends the request there is what the caller had left.
    let mut longer = outcome;
    longer.timeouts.request = Some(60_000);
    pair.callee.swap(&inbound(pair.app.address, longer), 2);
    let answer = pair.caller.send(GET);
    assert_eq!(status(&answer), 504);
    eventually("the callee gives up too", || {
        pair.callee.counters().requests_running.value() == 0
    });
    assert!(
        !pair.app.received().contains("x-weft"),
        "{}",
        pair.app.received()
    );
}

/// An app that speaks a protocol of its own after the upgrade: it echoes.
fn echo() -> Origin {
    Origin::start(|_number, stream| {
        let Some(request) = stream.read_request() else {
            return;
        };
        let is_upgrade = header(&request, "upgrade") == Some("websocket");
        if !is_upgrade {
            return;
        }
        let head = "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\n\
            upgrade: websocket\r\nsec-websocket-accept: x\r\n\r\nearly";
        stream.stream.write_all(head.as_bytes()).unwrap();
        let mut buffer = [0; 4096];
        while let Ok(count) = stream.stream.read(&mut buffer) {
            if count == 0 || stream.stream.write_all(&buffer[..count]).is_err() {
                return;
            }
        }
    })
}

const UPGRADE: &str = "GET /chat HTTP/1.1\r\nHost: orders\r\nConnection: Upgrade\r\n\
    Upgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n";

fn talk(mut client: std::net::TcpStream) {
    // The first bytes of the new protocol come with the request: held until the 101.
    client
        .write_all(format!("{UPGRADE}a\nb\n\n").as_bytes())
        .unwrap();
    let head = read_head(&mut client);
    assert_eq!(status(&head), 101, "{head}");
    assert_eq!(header(&head, "upgrade"), Some("websocket"));
    let mut answer = [0; 10];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"earlya\nb\n\n");
    for size in [1, 1_000, 100_000] {
        let sent = vec![0x16; size];
        client.write_all(&sent).unwrap();
        let mut echoed = vec![0; size];
        client.read_exact(&mut echoed).unwrap();
        assert_eq!(echoed, sent);
    }
}

#[test]
fn a_websocket_passes_one_proxy_and_two() {
    let mut outcome = forward(&[1_000_000]);
    outcome.policy.websocket = true;
    let app = echo();
    let proxy = Proxy::start(&everything_to(app.address, outcome.clone()));
    talk(proxy.connect());
    let pair = pair("service/web", "orders", &outcome, echo());
    talk(pair.caller.connect());
}

#[test]
fn an_upgrade_does_not_pass_where_the_route_does_not_say_so() {
    let app = Origin::saying("plain");
    let proxy = Proxy::start(&everything_to(app.address, forward(&[1_000_000])));
    let answer = proxy.send(&format!(
        "{UPGRADE}GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    ));
    assert_eq!(status(&answer), 200);
    assert_eq!(header(&answer, "connection"), Some("close"));
    assert!(!app.received().contains("upgrade: "), "{}", app.received());
    assert!(!app.received().contains("smuggled"), "{}", app.received());
}

#[test]
fn connections_beyond_the_bound_are_closed_and_counted() {
    let limits = Limits {
        connections: 16,
        ..Limits::default()
    };
    let app = Origin::saying("hello");
    let plan = everything_to(app.address, forward(&[1_000_000]));
    let proxy = Proxy::start_with(&plan, limits, None);
    let mut open: Vec<_> = (0..14).map(|_| proxy.connect()).collect();
    eventually("all are open", || {
        proxy.counters().connections_open.value() == 14
    });
    let mut refused = proxy.connect();
    let _reset = refused.write_all(GET.as_bytes());
    assert_eq!(read_head(&mut refused), "");
    assert_eq!(proxy.counters().connections_refused.value(), 1);
    open[0].write_all(GET.as_bytes()).unwrap();
    assert_eq!(status(&read_response(&mut open[0])), 200);
    open.clear();
    eventually("all are closed", || {
        proxy.counters().connections_open.value() == 0
    });
    assert_eq!(status(&proxy.send(GET)), 200);
}

#[test]
fn a_port_that_is_given_up_drains_and_says_goodbye() {
    let app = Origin::saying("hello");
    let proxy = Proxy::start(&everything_to(app.address, forward(&[1_000_000])));
    let mut client = proxy.connect();
    client.write_all(GET.as_bytes()).unwrap();
    assert_eq!(status(&read_response(&mut client)), 200);
    let last = Arc::new(Departed {
        active: proxy.shared.active.load_full(),
    });
    proxy
        .fleet
        .as_ref()
        .unwrap()
        .stop_listening(proxy.address, &last);
    assert_eq!(read_head(&mut client), "");
    eventually("nobody listens", || {
        std::net::TcpStream::connect(proxy.address).is_err()
    });
}

#[test]
fn pending_requests_are_bounded_and_served_in_turn() {
    let app = Origin::start(|_number, stream| {
        while stream.read_request().is_some() {
            std::thread::park_timeout(Duration::from_millis(50));
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
            if stream.stream.write_all(answer).is_err() {
                return;
            }
        }
    });
    let limits = Limits {
        upstream_connections: 2,
        pending: 4,
        ..Limits::default()
    };
    let plan = everything_to(app.address, forward(&[1_000_000]));
    let proxy = Proxy::start_with(&plan, limits, None);
    let clients: Vec<_> = (0..10)
        .map(|_| {
            let mut client = proxy.connect();
            std::thread::spawn(move || {
                client.set_read_timeout(Some(PATIENCE)).unwrap();
                client.write_all(GET.as_bytes()).unwrap();
                status(&read_head(&mut client))
            })
        })
        .collect();
    let mut statuses: Vec<u16> = clients
        .into_iter()
        .map(|client| client.join().unwrap())
        .collect();
    statuses.sort_unstable();
    assert!(app.connections() <= 2);
    assert!(
        statuses.iter().filter(|status| **status == 200).count() >= 6,
        "{statuses:?}"
    );
    assert!(
        statuses.iter().all(|status| matches!(status, 200 | 503)),
        "{statuses:?}"
    );
}

/// The most files this process may open, as Linux shows it.
fn file_limit() -> Option<u64> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}

/// Runs itself again in a process with few descriptors; on systems without `/proc` there is nothing to see.
#[test]
fn accepting_goes_on_after_descriptors_ran_out() {
    const FEW: u64 = 48;
    let Some(limit) = file_limit() else { return };
    if FEW < limit {
        let own = std::env::current_exe().unwrap();
        let script = format!(
            "ulimit -n {FEW}; exec \"$0\" --exact accepting_goes_on_after_descriptors_ran_out"
        );
        let child = std::process::Command::new("sh")
            .arg("-c")
            .arg(script)
            .arg(own)
            .output();
        let child = child.unwrap();
        assert!(
            child.status.success(),
            "{}",
            String::from_utf8_lossy(&child.stdout)
        );
        return;
    }
    let app = Origin::saying("hello");
    let proxy = Proxy::start(&everything_to(app.address, forward(&[1_000_000])));
    let mut held = Vec::new();
    while let Ok(client) = std::net::TcpStream::connect(proxy.address) {
        held.push(client);
        assert!(held.len() < 100);
    }
    std::thread::park_timeout(Duration::from_millis(200));
    assert!(proxy.counters().connections_accepted.value() < u64::try_from(held.len()).unwrap());
    drop(held);
    assert_eq!(status(&proxy.send(GET)), 200);
    assert_eq!(proxy.counters().panics.value(), 0);
}
