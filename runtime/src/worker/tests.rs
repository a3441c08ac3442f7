//! What happens in the moment between bytes that have come and the worker hearing of them.
//!
//! From outside that moment cannot be met on purpose. Here everything is on one thread: bytes are written and
//! the order given before the runtime looks at any socket.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use weft_snapshot::origins::NodeOrigins;
use weft_snapshot::plan::{Action, HostPlan, NodePlan, Outcome, PathPattern, RoutePlan, TablePlan};
use weft_snapshot::settings::{
    HeadLimits, HeadRules, Listener, ListenerSecurity, PathRules, Role, Tracing, Underscores,
};
use weft_snapshot::{NodeSettings, Slice};

use super::link::Order;
use super::{Link, Worker, connection, thread};
use crate::access_log::NoSink;
use crate::shared::{Active, ActivePort, Limits, Phase, PortSecurity, Shared, WorkerCounters};

const REQUEST: &[u8] = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi";
const PATIENCE: Duration = Duration::from_secs(10);

/// Answers everything itself.
fn route() -> RoutePlan {
    let outcome = Outcome::of(Action::Respond {
        status: 200,
        body: "here".to_owned(),
        content_type: "text/plain".to_owned(),
    });
    RoutePlan {
        id: "all/0".to_owned(),
        path: PathPattern::Segments {
            segments: Vec::new(),
            rest: true,
        },
        methods: Vec::new(),
        headers: Vec::new(),
        query: Vec::new(),
        outcome,
    }
}

/// One listener for all hosts.
fn plan() -> NodePlan {
    let host = HostPlan {
        host: "*".to_owned(),
        routes: vec![route()],
    };
    let listener = Listener {
        name: "web".to_owned(),
        role: Role::Edge,
        address: [127, 0, 0, 1].into(),
        port: 1,
        security: ListenerSecurity::Plaintext,
        hosts: vec!["*".to_owned()],
        table: 0,
        trusted_hops: 0,
        path: PathRules::default(),
        heads: HeadRules {
            tracing: Tracing::Remove,
            underscores: Underscores::DropUnlessGrpc,
            limits: HeadLimits::MOST,
        },
        default_certificate: None,
    };
    NodePlan {
        settings: NodeSettings {
            node: "gateway/public".to_owned(),
            mesh: "shop".to_owned(),
            trust_domain: "shop.example".to_owned(),
            snapshot_header: false,
            listeners: vec![listener],
            clusters: Vec::new(),
            certificates: Vec::new(),
        },
        tables: vec![TablePlan { hosts: vec![host] }],
        access: Vec::new(),
    }
}

fn worker(port: SocketAddr) -> Rc<Worker> {
    let slice = Arc::new(Slice::check(plan().encode().unwrap()).unwrap());
    let active = Active {
        generation: 1,
        generation_header: None,
        digest: String::new(),
        manifest: String::new(),
        origins: Arc::new(NodeOrigins::unknown()),
        clusters: Vec::new(),
        ports: vec![Arc::new(ActivePort {
            address: port,
            listeners: slice.settings().listeners.clone(),
            security: PortSecurity::Plaintext,
        })],
        slice,
    };
    let counters = Arc::<WorkerCounters>::default();
    let shared = Shared {
        active: ArcSwap::from_pointee(active),
        departed: ArcSwap::default(),
        identity: ArcSwapOption::empty(),
        limits: Limits::default(),
        counters: vec![Arc::clone(&counters)],
        admin: None,
        gauges: crate::shared::Gauges::default(),
        pressure: crate::shared::Pressure::default(),
        phase: watch::Sender::new(Phase::Serving),
        unix_seconds: AtomicI64::new(0),
    };
    Rc::new(Worker::new(Arc::new(shared), counters, Box::new(NoSink)))
}

/// A client, and the connection that serves it.
async fn connected(worker: &Rc<Worker>, listener: &TcpListener) -> (TcpStream, Rc<Link>) {
    let port = listener.local_addr().unwrap();
    let client = TcpStream::connect(port).await.unwrap();
    let (socket, peer) = listener.accept().await.unwrap();
    let link = Link::open(worker, port, peer);
    tokio::task::spawn_local(connection::serve(Rc::clone(&link), socket));
    (client, link)
}

/// What comes until the proxy closes.
async fn rest(client: &mut TcpStream) -> String {
    let mut text = String::new();
    let read = client.read_to_string(&mut text);
    let outcome = tokio::time::timeout(PATIENCE, read).await.unwrap();
    format!("{text}{}", outcome.map_or("reset", |_count| ""))
}

fn on_one_thread(test: impl AsyncFnOnce(Rc<Worker>, TcpListener)) {
    thread::runtime().unwrap().block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let worker = worker(listener.local_addr().unwrap());
        test(worker, listener).await;
    });
}

#[test]
fn a_request_that_came_before_the_close_of_an_idle_connection_is_answered() {
    on_one_thread(async |worker, listener| {
        let (mut client, link) = connected(&worker, &listener).await;
        client.writable().await.unwrap();
        assert_eq!(client.try_write(REQUEST).unwrap(), REQUEST.len());
        let mut first = Vec::new();
        while !first.ends_with(b"here") {
            assert!(0 < client.read_buf(&mut first).await.unwrap());
        }
        assert!(link.is_idle());

        assert_eq!(client.try_write(REQUEST).unwrap(), REQUEST.len());
        link.order(Order::Drain);

        let answer = rest(&mut client).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains("connection: close\r\n"), "{answer}");
        assert!(answer.ends_with("\r\n\r\nhere"), "{answer}");
    });
}

#[test]
fn a_first_request_that_came_before_the_close_is_answered() {
    on_one_thread(async |worker, listener| {
        let (mut client, link) = connected(&worker, &listener).await;
        client.writable().await.unwrap();
        tokio::task::yield_now().await;

        assert_eq!(client.try_write(REQUEST).unwrap(), REQUEST.len());
        link.order(Order::Drain);

        let answer = rest(&mut client).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains("connection: close\r\n"), "{answer}");
    });
}

#[test]
fn an_idle_connection_without_bytes_is_closed_without_a_word() {
    on_one_thread(async |worker, listener| {
        for asks_before in [false, true] {
            let (mut client, link) = connected(&worker, &listener).await;
            client.writable().await.unwrap();
            tokio::task::yield_now().await;
            if asks_before {
                client.try_write(REQUEST).unwrap();
                let mut first = Vec::new();
                while !first.ends_with(b"here") {
                    assert!(0 < client.read_buf(&mut first).await.unwrap());
                }
            }
            link.order(Order::Drain);
            assert_eq!(rest(&mut client).await, "");
        }
    });
}

#[test]
fn blank_lines_do_not_hold_a_connection_that_is_to_close() {
    on_one_thread(async |worker, listener| {
        let (mut client, link) = connected(&worker, &listener).await;
        client.writable().await.unwrap();
        client.try_write(REQUEST).unwrap();
        let mut first = Vec::new();
        while !first.ends_with(b"here") {
            assert!(0 < client.read_buf(&mut first).await.unwrap());
        }
        client.try_write(b"\r\n").unwrap();
        link.order(Order::Drain);
        assert_eq!(rest(&mut client).await, "");
    });
}

#[test]
fn the_last_request_of_an_idle_connection_may_come_late() {
    on_one_thread(async |worker, listener| {
        let (mut client, link) = connected(&worker, &listener).await;
        client.writable().await.unwrap();
        link.order(Order::Last);
        for _turn in 0..100 {
            tokio::task::yield_now().await;
        }
        client.try_write(REQUEST).unwrap();
        let answer = rest(&mut client).await;
        assert!(answer.contains("connection: close\r\n"), "{answer}");
    });
}
