//! `--max-memory`: what clients can make the proxy hold stays bounded, honest requests are served meanwhile, and
//! all of it is over when the load is gone.
#![cfg(test)]

#[path = "common/delivery.rs"]
mod delivery;
#[path = "common/piped.rs"]
mod process;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use delivery::{Dist, bundle, free_port, get, plan, route, until};
use process::{Process, metric};
use serde_json::Value;
use socket2::{Domain, Socket, Type};
use weft_snapshot::plan::{Action, Backend, NodePlan, PathPattern, Segment};
use weft_snapshot::settings::{Cluster, Endpoints, UpstreamProtocol, UpstreamSecurity};

const MIB: u64 = 1 << 20;
/// The bound of the proxy in these tests.
const BOUND: u64 = 96 * MIB;
/// What may come on top between two looks at memory, and before a busy worker obeys.
const SLACK: u64 = 64 * MIB;
/// The attacks use all cores, so that they are made one after another.
static ALONE: Mutex<()> = Mutex::new(());

/// `/held/**` goes to `address`, everything else is answered with `text`.
fn with_upstream(port: u16, address: SocketAddr) -> NodePlan {
    let mut plan = plan(port, "text");
    let mut held = route("");
    held.id = "held/0".to_owned();
    held.path = PathPattern::Segments {
        segments: vec![Segment::Literal {
            text: "held".to_owned(),
        }],
        rest: true,
    };
    held.outcome.action = Action::Forward {
        backends: vec![Backend {
            cluster: 0,
            share: 1_000_000,
        }],
    };
    plan.tables[0].hosts[0].routes.insert(0, held);
    plan.settings.clusters.push(Cluster {
        name: "app".to_owned(),
        protocol: UpstreamProtocol::Http1,
        security: UpstreamSecurity::Plaintext,
        host: None,
        keep_alive_millis: 60_000,
        endpoints: Endpoints::Static {
            addresses: vec![address],
        },
    });
    plan
}

/// A server to which no connection is made: its queue is full and stays so.
struct Unreachable {
    address: SocketAddr,
    _listener: Socket,
    _filling: Vec<Socket>,
}

impl Unreachable {
    fn new() -> Self {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        listener.bind(&any.into()).unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap().as_socket().unwrap();
        let fill = |_number| {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            socket.set_nonblocking(true).unwrap();
            let _in_progress = socket.connect(&address.into());
            socket
        };
        Self {
            address,
            _filling: (0..4).map(fill).collect(),
            _listener: listener,
        }
    }
}

/// Clients that hold what they can, until the value is dropped.
struct Attack {
    end: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Attack {
    /// Each of four threads opens `connections` connections one after another, does `begin` on each, and keeps
    /// them until the end; refused ones are tried again.
    fn start(
        address: SocketAddr,
        connections: usize,
        begin: impl Fn(&mut TcpStream) -> std::io::Result<()> + Clone + Send + 'static,
    ) -> Self {
        let end = Arc::new(AtomicBool::new(false));
        let threads = (0..4).map(|_thread| {
            let (end, begin) = (Arc::clone(&end), begin.clone());
            thread::spawn(move || {
                let mut kept = Vec::new();
                while !end.load(Ordering::Relaxed) {
                    if connections <= kept.len() {
                        kept.retain_mut(is_open);
                        thread::park_timeout(Duration::from_millis(100));
                        continue;
                    }
                    let Ok(mut stream) = connect(address) else {
                        continue;
                    };
                    let short = Some(Duration::from_millis(200));
                    stream.set_write_timeout(short).unwrap();
                    stream.set_read_timeout(short).unwrap();
                    if begin(&mut stream).is_ok() {
                        kept.push(stream);
                    }
                }
            })
        });
        Self {
            threads: threads.collect(),
            end,
        }
    }
}

impl Drop for Attack {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().unwrap();
        }
    }
}

/// A connection for which the system keeps little, so that the proxy must.
fn connect(address: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_recv_buffer_size(8 << 10)?;
    socket.connect(&address.into())?;
    Ok(socket.into())
}

/// Whether the proxy has not closed it: sends a PING, which fails on the second try after an end.
fn is_open(stream: &mut TcpStream) -> bool {
    stream.write_all(&frame(6, 0, 0, &[0; 8])).is_ok()
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// The preface, and windows of 1 GiB.
fn preface() -> Vec<u8> {
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend(frame(4, 0, 0, &[0, 4, 0x40, 0, 0, 0]));
    bytes.extend(frame(8, 0, 0, &[0x3f, 0, 0, 0]));
    bytes
}

/// HEADERS without the end of the stream, or with it.
fn head(stream: u32, method: &str, path: &str, flags: u8) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in [
        (":method", method),
        (":scheme", "http"),
        (":authority", "a.example"),
        (":path", path),
    ] {
        block.push(0);
        for text in [name, value] {
            block.push(u8::try_from(text.len()).unwrap());
            block.extend_from_slice(text.as_bytes());
        }
    }
    frame(1, 4 | flags, stream, &block)
}

/// Sixteen uploads on one connection, as much of each as the windows of the proxy allow.
fn uploads(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(&preface())?;
    // The window of the connection is 64 KiB until the proxy says more.
    let mut frame_head = [0; 9];
    while frame_head[3] != 8 {
        stream.read_exact(&mut frame_head)?;
        stream.read_exact(&mut vec![0; usize::from(frame_head[2])])?;
    }
    let mut bytes = Vec::new();
    for number in 0..16 {
        let id = number * 2 + 1;
        bytes.extend(head(id, "POST", "/held/up", 0));
        for _frame in 0..4 {
            bytes.extend(frame(0, 0, id, &[b'x'; 16_000]));
        }
    }
    stream.write_all(&bytes)
}

/// Fifty downloads on one connection that reads nothing.
fn downloads(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut bytes = preface();
    for number in 0..50 {
        bytes.extend(head(number * 2 + 1, "GET", "/held/down", 1));
    }
    stream.write_all(&bytes)
}

/// A server that answers everything with the first 2 MiB of far more, as fast as they are taken.
fn endless() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    thread::spawn(move || {
        let mut answer = b"HTTP/1.1 200 OK\r\ncontent-length: 9000000000\r\n\r\n".to_vec();
        answer.resize(2 << 20, b'x');
        let mut taken: Vec<(TcpStream, usize)> = Vec::new();
        loop {
            while let Ok((stream, _peer)) = listener.accept() {
                stream.set_nonblocking(true).unwrap();
                taken.push((stream, 0));
            }
            taken.retain_mut(|(stream, sent)| match stream.write(&answer[*sent..]) {
                Ok(count) => {
                    *sent += count;
                    true
                }
                Err(error) => error.kind() == std::io::ErrorKind::WouldBlock,
            });
            thread::park_timeout(Duration::from_millis(10));
        }
    });
    address
}

/// A client that sends a small request now and then on a connection of its own.
struct Honest {
    end: Arc<AtomicBool>,
    served: Arc<AtomicU64>,
    refused: Arc<AtomicU64>,
    thread: Option<JoinHandle<Result<(), String>>>,
}

impl Honest {
    fn start(address: SocketAddr) -> Self {
        let end = Arc::new(AtomicBool::new(false));
        let (served, refused) = (Arc::default(), Arc::default());
        let theirs = (Arc::clone(&end), Arc::clone(&served), Arc::clone(&refused));
        let mut stream = TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        let thread = thread::spawn(move || {
            let (end, served, refused): (_, Arc<AtomicU64>, Arc<AtomicU64>) = theirs;
            while !end.load(Ordering::Relaxed) {
                match small(&mut stream)? {
                    200 => served.fetch_add(1, Ordering::Relaxed),
                    503 => refused.fetch_add(1, Ordering::Relaxed),
                    status => return Err(format!("status {status}")),
                };
                thread::park_timeout(Duration::from_millis(10));
            }
            Ok(())
        });
        Self {
            end,
            served,
            refused,
            thread: Some(thread),
        }
    }

    /// How many were served and refused; fails if the connection was lost.
    fn ended(mut self) -> (u64, u64) {
        self.end.store(true, Ordering::Relaxed);
        let outcome = self.thread.take().unwrap().join().unwrap();
        assert_eq!(outcome, Ok(()), "an honest connection was lost");
        (
            self.served.load(Ordering::Relaxed),
            self.refused.load(Ordering::Relaxed),
        )
    }
}

/// One request; a refusal must say why.
fn small(stream: &mut TcpStream) -> Result<u16, String> {
    let lost = |error: std::io::Error| format!("lost: {error}");
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: a.example\r\n\r\n")
        .map_err(lost)?;
    let mut answer = Vec::new();
    let mut buffer = [0; 1_024];
    loop {
        let count = stream.read(&mut buffer).map_err(lost)?;
        if count == 0 {
            return Err("closed".to_owned());
        }
        answer.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&answer);
        if text.starts_with("HTTP/1.1 200") && text.ends_with("\r\n\r\ntext") {
            return Ok(200);
        }
        if text.starts_with("HTTP/1.1 503") && text.ends_with("overloaded-memory\n") {
            return Ok(503);
        }
    }
}

/// Notes the most memory that a process has, from now until it is asked.
fn peak(process: &Process, during: impl FnOnce()) -> u64 {
    let end = Arc::new(AtomicBool::new(false));
    let most = Arc::new(Mutex::new(0));
    let (theirs, their_most) = (Arc::clone(&end), Arc::clone(&most));
    let pid = process.0.id();
    let thread = thread::spawn(move || {
        while !theirs.load(Ordering::Relaxed) {
            let mut most = their_most.lock().unwrap();
            *most = process::resident(pid).max(*most);
            drop(most);
            thread::park_timeout(Duration::from_millis(5));
        }
    });
    during();
    end.store(true, Ordering::Relaxed);
    thread.join().unwrap();
    *most.lock().unwrap()
}

/// A proxy in front of `upstream`.
fn started(dist: &Dist, admin: u16, upstream: SocketAddr, more: &[&str]) -> Process {
    std::fs::create_dir_all(dist.path()).unwrap();
    dist.publish(&bundle(&with_upstream(dist.port, upstream)), 1);
    let admin = format!("127.0.0.1:{admin}");
    let mut arguments = vec![
        "--admin",
        &admin,
        "--access-log",
        "off",
        "--max-upstream-connections",
        "10000",
    ];
    arguments.extend(more);
    let process = Process::start_with(dist, &arguments, Stdio::null(), Stdio::null());
    let address = SocketAddr::from(([127, 0, 0, 1], dist.port));
    until("the process serves", || get(address, "/").is_ok());
    process
}

/// Attacks for some seconds, then stops. Memory is bounded, honest requests are served, all recovers. Returns
/// how many new connections were refused.
fn stays_bounded(
    upstream: SocketAddr,
    connections: usize,
    begin: fn(&mut TcpStream) -> std::io::Result<()>,
) -> u64 {
    let (dist, admin) = (Dist::new(), free_port());
    let process = started(&dist, admin, upstream, &["--max-memory", "96MiB"]);
    let address = SocketAddr::from(([127, 0, 0, 1], dist.port));
    let before = process.resident();
    let honest = Honest::start(address);

    let most = peak(&process, || {
        let _attack = Attack::start(address, connections, begin);
        let start = Instant::now();
        until("those who hold the most are cut", || {
            0 < metric(admin, "weft_connections_shed_total")
        });
        until("it lasted a while", || {
            Duration::from_secs(5) < start.elapsed()
        });
    });
    let (served, refused) = honest.ended();
    assert!(most < BOUND + SLACK, "{} MiB", most / MIB);
    assert!(refused < served, "{served} served, {refused} refused");
    until("nothing is shed any more", || {
        let ready = page(admin, "/ready");
        ready["memory"]["shedding"] == "nothing"
    });
    until("new connections are served", || {
        get(address, "/").is_ok_and(|(status, _body)| status == 200)
    });
    until("memory is given back", || {
        let _answer = get(address, "/");
        process.resident() < before + 24 * MIB
    });
    metric(admin, "weft_connections_refused_total{reason=\"memory\"}")
}

fn page(admin: u16, path: &str) -> Value {
    let address = SocketAddr::from(([127, 0, 0, 1], admin));
    let (_status, body) = delivery::admin(address, path).unwrap();
    serde_json::from_str(&body).unwrap()
}

#[test]
fn uploads_that_go_nowhere_stay_within_the_bound() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let unreachable = Unreachable::new();
    let refused = stays_bounded(unreachable.address, 60, uploads);
    assert!(0 < refused);
}

#[test]
fn memory_is_given_back_without_a_bound_too() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let unreachable = Unreachable::new();
    let (dist, admin) = (Dist::new(), free_port());
    let process = started(&dist, admin, unreachable.address, &[]);
    let address = SocketAddr::from(([127, 0, 0, 1], dist.port));
    let before = process.resident();
    {
        let _attack = Attack::start(address, 30, uploads);
        until("much is held", || before + 100 * MIB < process.resident());
    }
    // The allocator gives pages back while its thread works: a little traffic goes on, as it does in life.
    until("memory is given back", || {
        let _answer = get(address, "/");
        process.resident() < before + 24 * MIB
    });
}

#[test]
fn downloads_that_nobody_reads_stay_within_the_bound() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    stays_bounded(endless(), 30, downloads);
}
