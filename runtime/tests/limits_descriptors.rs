//! Descriptors keep a reserve: clients cannot take those that upstreams and files need.
#![cfg(test)]

#[path = "common/delivery.rs"]
mod delivery;
#[path = "common/piped.rs"]
mod process;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use delivery::{Dist, NODE, bundle, free_port, get, plan, request, until};
use process::{Process, metric};
use weft_snapshot::plan::{Action, Backend};
use weft_snapshot::settings::{Cluster, Endpoints, UpstreamProtocol, UpstreamSecurity};

/// Descriptors of the proxy in these tests.
const DESCRIPTORS: u64 = 200;

/// A server that says `text` to every request, on one connection each.
fn origin() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            std::thread::spawn(move || {
                while stream.read(&mut [0; 1_024]).is_ok_and(|count| 0 < count) {
                    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ntext";
                    if stream.write_all(answer).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

fn publish(dist: &Dist, upstream: SocketAddr, generation: u64, more_port: Option<u16>) {
    let mut plan = plan(dist.port, "");
    plan.tables[0].hosts[0].routes[0].outcome.action = Action::Forward {
        backends: vec![Backend {
            cluster: 0,
            share: 1_000_000,
        }],
    };
    plan.settings.clusters.push(Cluster {
        name: "app".to_owned(),
        protocol: UpstreamProtocol::Http1,
        security: UpstreamSecurity::Plaintext,
        host: None,
        keep_alive_millis: 60_000,
        endpoints: Endpoints::Static {
            addresses: vec![upstream],
        },
    });
    if let Some(port) = more_port {
        delivery::add_listener(&mut plan, port);
    }
    dist.publish(&bundle(&plan), generation);
}

/// A proxy that may have [`DESCRIPTORS`] descriptors.
fn start(dist: &Dist, admin: u16) -> Process {
    let mut command = limited(DESCRIPTORS, dist, admin);
    Process(command.stderr(Stdio::null()).spawn().unwrap())
}

fn limited(descriptors: u64, dist: &Dist, admin: u16) -> Command {
    let mut command = Command::new("sh");
    let script = format!("ulimit -n {descriptors} && exec \"$0\" \"$@\"");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_weft-proxy")]);
    command.arg("--snapshot").arg(dist.path());
    let admin = format!("127.0.0.1:{admin}");
    command.args(["--node", NODE, "--workers", "1", "--admin", &admin]);
    command.args(["--access-log", "off", "--poll", "200ms"]);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}

#[test]
fn a_proxy_that_could_serve_nobody_does_not_start() {
    let (dist, admin) = (Dist::new(), free_port());
    std::fs::create_dir_all(dist.path()).unwrap();
    publish(&dist, origin(), 1, None);
    let mut command = limited(40, &dist, admin);
    let output = command.stderr(Stdio::piped()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("may open 40 files"), "{said}");
    assert!(said.contains("ulimit -n"), "{said}");
}

fn is_closed(stream: &mut TcpStream) -> bool {
    stream
        .set_read_timeout(Some(Duration::from_millis(50)))
        .unwrap();
    match stream.read(&mut [0]) {
        Ok(count) => count == 0,
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

#[test]
fn clients_leave_descriptors_for_upstreams_files_and_the_admin_endpoint() {
    let (dist, admin) = (Dist::new(), free_port());
    std::fs::create_dir_all(dist.path()).unwrap();
    let upstream = origin();
    publish(&dist, upstream, 1, None);
    let _process = start(&dist, admin);
    let address = SocketAddr::from(([127, 0, 0, 1], dist.port));
    until("the process serves", || get(address, "/").is_ok());
    let mut honest = TcpStream::connect(address).unwrap();

    let mut idle: Vec<TcpStream> = (0..DESCRIPTORS)
        .map(|_number| TcpStream::connect(address).unwrap())
        .collect();
    let refused = || {
        metric(
            admin,
            "weft_connections_refused_total{reason=\"descriptors\"}",
        )
    };
    until("connections are refused", || 20 < refused());
    let open = metric(admin, "weft_connections_open");
    assert!(
        100 < open && open <= DESCRIPTORS - DESCRIPTORS / 4,
        "{open}"
    );

    // An open connection is served through a new connection to the upstream.
    honest
        .write_all(b"GET / HTTP/1.1\r\nhost: a.example\r\n\r\n")
        .unwrap();
    let mut head = [0; 15];
    honest.read_exact(&mut head).unwrap();
    assert_eq!(&head, b"HTTP/1.1 200 OK");
    // A snapshot is read, and a socket for it bound.
    let port = free_port();
    publish(&dist, upstream, 2, Some(port));
    until("the second snapshot is served", || {
        metric(admin, "weft_snapshot_generation") == 2
    });

    // When clients go, others are served.
    idle.retain_mut(|stream| !is_closed(stream));
    idle.truncate(idle.len() / 2);
    let more = SocketAddr::from(([127, 0, 0, 1], port));
    until("new connections are served", || {
        request(more, "GET", "/").is_ok_and(|(status, _body)| status == 200)
    });
}

#[test]
fn upstreams_leave_descriptors_for_files() {
    let (dist, admin) = (Dist::new(), free_port());
    std::fs::create_dir_all(dist.path()).unwrap();
    // Accepts, and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let upstream = silent.local_addr().unwrap();
    publish(&dist, upstream, 1, None);
    let _process = start(&dist, admin);
    let address = SocketAddr::from(([127, 0, 0, 1], dist.port));
    until("the process listens", || {
        TcpStream::connect(address).is_ok()
    });

    // HTTP/2 connections whose requests all want an upstream connection of their own.
    let mut clients: Vec<TcpStream> = Vec::new();
    for _client in 0..3 {
        let mut stream = TcpStream::connect(address).unwrap();
        let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
        for number in 0..80_u32 {
            // :method GET, :scheme http, :path /, :authority a.example
            let block = b"\x82\x86\x84\x01\x09a.example";
            bytes.extend([0, 0, u8::try_from(block.len()).unwrap(), 1, 5]);
            bytes.extend((number * 2 + 1).to_be_bytes());
            bytes.extend(block);
        }
        stream.write_all(&bytes).unwrap();
        clients.push(stream);
    }
    until("descriptors are short", || {
        DESCRIPTORS - 20 <= metric(admin, "process_open_fds")
    });

    publish(&dist, upstream, 2, Some(free_port()));

    until("the second snapshot is served", || {
        metric(admin, "weft_snapshot_generation") == 2
    });
}
