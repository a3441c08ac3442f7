//! A proxy with one worker in front of origins that record exact bytes, all on loopback.
//!
//! Use it with `mod data_support;`.
#![allow(dead_code, reason = "each test uses a part of it")]

pub(crate) mod http2;
mod origin;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::sync::watch;
use weft_runtime::identity::{Identity, roots_config};
use weft_runtime::shared::{
    AccessEntry, AccessSink, Active, ActiveCluster, ActivePort, EndpointCell, Limits, Phase,
    PortSecurity, Pressure, Shared, WorkerCounters,
};
use weft_runtime::worker::Fleet;
use weft_snapshot::origins::NodeOrigins;
use weft_snapshot::plan::{
    AccessPlan, Action, Backend, Effect, HostPlan, NodePlan, Outcome, PathPattern, Retry,
    RoutePlan, Segment, TablePlan,
};
use weft_snapshot::settings::{
    Cluster, Endpoints, HeadLimits, HeadRules, Listener, ListenerSecurity, PathRules, Role,
    Tracing, Underscores, UpstreamProtocol, UpstreamSecurity,
};
use weft_snapshot::{NodeSettings, Slice};

pub(crate) use origin::Origin;

/// How long a test waits for bytes that should come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

// ---- plans ----

/// `/**`.
pub(crate) fn all_paths() -> PathPattern {
    PathPattern::Segments {
        segments: Vec::new(),
        rest: true,
    }
}

/// `/<first>/**`.
pub(crate) fn below(first: &str) -> PathPattern {
    let segments = vec![Segment::Literal {
        text: first.to_owned(),
    }];
    PathPattern::Segments {
        segments,
        rest: true,
    }
}

/// Forwards to these clusters with these shares; no timeouts, no retries.
pub(crate) fn forward(shares: &[u32]) -> Outcome {
    let backends = shares.iter().zip(0..).map(|(share, cluster)| Backend {
        cluster,
        share: *share,
    });
    outcome(Action::Forward {
        backends: backends.collect(),
    })
}

pub(crate) fn respond(status: u16, body: &str) -> Outcome {
    let body = body.to_owned();
    outcome(Action::Respond {
        status,
        body,
        content_type: "text/plain".to_owned(),
    })
}

pub(crate) fn outcome(action: Action) -> Outcome {
    let mut outcome = Outcome::of(action);
    // What the tests of retries build on; without tries it means nothing.
    outcome.policy.retry = Retry {
        budget: Some(1_000_000),
        backoff_base: 1,
        backoff_max: 5,
        ..Retry::never()
    };
    outcome
}

pub(crate) fn route(id: &str, path: PathPattern, outcome: Outcome) -> RoutePlan {
    let (methods, headers, query) = (Vec::new(), Vec::new(), Vec::new());
    RoutePlan {
        id: id.to_owned(),
        path,
        methods,
        headers,
        query,
        outcome,
    }
}

pub(crate) fn cluster(name: &str, addresses: &[SocketAddr], protocol: UpstreamProtocol) -> Cluster {
    Cluster {
        name: name.to_owned(),
        protocol,
        security: UpstreamSecurity::Plaintext,
        endpoints: Endpoints::Static {
            addresses: addresses.to_vec(),
        },
        keep_alive_millis: 60_000,
        host: None,
    }
}

/// One listener for all hosts with these routes, and these clusters.
pub(crate) fn plan(role: Role, routes: Vec<RoutePlan>, clusters: Vec<Cluster>) -> NodePlan {
    let listener = Listener {
        name: "web".to_owned(),
        role,
        address: "127.0.0.1".parse().expect("an address"),
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
            clusters,
            certificates: Vec::new(),
        },
        tables: vec![TablePlan {
            hosts: vec![HostPlan {
                host: "*".to_owned(),
                routes,
            }],
        }],
        access: Vec::new(),
    }
}

/// A permission for everything below `/`.
pub(crate) fn allow(from: &str) -> AccessPlan {
    AccessPlan {
        id: "orders/allow/0".to_owned(),
        effect: Effect::Admit,
        from: vec![from.to_owned()],
        methods: Vec::new(),
        path: all_paths(),
    }
}

/// A plan that forwards everything to `address` with `outcome`.
pub(crate) fn everything_to(address: SocketAddr, outcome: Outcome) -> NodePlan {
    let routes = vec![route("all/0", all_paths(), outcome)];
    plan(
        Role::Edge,
        routes,
        vec![cluster("app", &[address], UpstreamProtocol::Http1)],
    )
}

// ---- the proxy ----

/// A running proxy; ends with the value.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    pub(crate) shared: Arc<Shared>,
    pub(crate) entries: Receiver<AccessEntry>,
    pub(crate) fleet: Option<Fleet>,
}

#[derive(Debug)]
struct Sink(Sender<AccessEntry>);

impl AccessSink for Sink {
    fn record(&self, entry: AccessEntry) -> bool {
        self.0.send(entry).is_ok()
    }

    fn wants(&self) -> bool {
        true
    }
}

/// Makes of a plan what workers see, on `address`.
pub(crate) fn active(plan: &NodePlan, address: SocketAddr, generation: u64) -> Active {
    let mut plan = plan.clone();
    for listener in &mut plan.settings.listeners {
        listener.port = address.port();
    }
    let slice = Slice::check(plan.encode().expect("a valid plan")).expect("a valid slice");
    let clusters = slice.settings().clusters.iter().map(|cluster| {
        let addresses = match &cluster.endpoints {
            Endpoints::Static { addresses } => addresses.clone(),
            Endpoints::Dns { .. } | Endpoints::File { .. } => Vec::new(),
        };
        let endpoints = Arc::new(EndpointCell::new(addresses));
        let tls = match &cluster.security {
            UpstreamSecurity::Tls { name: _, roots } => {
                let config = roots_config(Path::new(roots)).expect("roots");
                Some(match cluster.protocol {
                    UpstreamProtocol::Http1 => config.http1,
                    UpstreamProtocol::Http2 => config.http2,
                })
            }
            UpstreamSecurity::Plaintext | UpstreamSecurity::Mtls { .. } => None,
        };
        Arc::new(ActiveCluster {
            settings: cluster.clone(),
            endpoints,
            tls,
        })
    });
    let security = match &slice.settings().listeners[0].security {
        ListenerSecurity::Plaintext | ListenerSecurity::Tls { .. } => PortSecurity::Plaintext,
        ListenerSecurity::Mtls => PortSecurity::Mtls,
        ListenerSecurity::Permissive { until_unix_seconds } => PortSecurity::Permissive {
            until_unix_seconds: *until_unix_seconds,
        },
    };
    let listeners = slice.settings().listeners.clone();
    Active {
        generation,
        generation_header: slice.settings().snapshot_header.then(|| generation.into()),
        digest: String::new(),
        manifest: String::new(),
        clusters: clusters.collect(),
        ports: vec![Arc::new(ActivePort {
            address,
            listeners,
            security,
        })],
        origins: Arc::new(NodeOrigins::unknown()),
        slice: Arc::new(slice),
    }
}

impl Proxy {
    pub(crate) fn start(plan: &NodePlan) -> Self {
        Self::start_with(plan, Limits::default(), None)
    }

    pub(crate) fn start_with(plan: &NodePlan, limits: Limits, identity: Option<Identity>) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = socket.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            active: ArcSwap::from_pointee(active(plan, address, 1)),
            departed: ArcSwap::default(),
            identity: ArcSwapOption::new(identity.map(Arc::new)),
            limits,
            admin: None,
            gauges: weft_runtime::shared::Gauges::default(),
            pressure: Pressure::default(),
            counters: vec![Arc::new(WorkerCounters::default())],
            phase: watch::Sender::new(Phase::Serving),
            unix_seconds: AtomicI64::new(1_800_000_000),
        });
        let (sender, entries) = channel();
        let sink = |_index| -> Box<dyn AccessSink + Send> { Box::new(Sink(sender.clone())) };
        let fleet = Fleet::start(&shared, 1, sink).expect("workers");
        fleet.listen(address, vec![socket]);
        Self {
            address,
            shared,
            entries,
            fleet: Some(fleet),
        }
    }

    /// Publishes another plan on the same port.
    pub(crate) fn swap(&self, plan: &NodePlan, generation: u64) {
        self.shared
            .active
            .store(Arc::new(active(plan, self.address, generation)));
    }

    pub(crate) fn counters(&self) -> &WorkerCounters {
        &self.shared.counters[0]
    }

    pub(crate) fn connect(&self) -> TcpStream {
        connect(self.address)
    }

    /// Sends `request` on a connection of its own and reads until the proxy closes or is silent.
    pub(crate) fn send(&self, request: &str) -> String {
        exchange(self.connect(), request.as_bytes())
    }

    /// The next line of the access log.
    pub(crate) fn entry(&self) -> AccessEntry {
        self.entries.recv_timeout(PATIENCE).expect("an entry")
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.phase.send_replace(Phase::Ended);
        if let Some(fleet) = self.fleet.take() {
            let ended = fleet.join(PATIENCE);
            assert!(ended || thread::panicking(), "the workers end");
        }
    }
}

// ---- clients ----

pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    stream.set_nodelay(true).expect("a socket");
    stream
}

/// Sends everything and reads until the end, or for half a second after the last byte.
pub(crate) fn exchange(mut stream: TcpStream, request: &[u8]) -> String {
    // A refused request may be answered, and the connection closed, before all of it was sent.
    let _refused_early = stream.write_all(request);
    read_until_quiet(&mut stream)
}

pub(crate) fn read_until_quiet(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let mut buffer = [0; 16 << 10];
    stream
        .set_read_timeout(Some(Duration::from_millis(2_500)))
        .expect("a socket");
    while let Ok(count) = stream.read(&mut buffer) {
        if count == 0 {
            break;
        }
        answer.extend_from_slice(&buffer[..count]);
        stream
            .set_read_timeout(Some(Duration::from_millis(250)))
            .expect("a socket");
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// One response with a `content-length`, from a connection that stays open.
pub(crate) fn read_response(stream: &mut TcpStream) -> String {
    let mut answer = read_head(stream);
    let length = header(&answer, "content-length").map_or(0, |text| text.parse().expect("digits"));
    let mut body = vec![0; length];
    stream.read_exact(&mut body).expect("the body");
    answer.push_str(&String::from_utf8_lossy(&body));
    answer
}

/// Bytes up to and with the blank line; what there is when the peer ends before.
pub(crate) fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            Ok(_) | Err(_) => break,
        }
    }
    String::from_utf8_lossy(&head).into_owned()
}

pub(crate) fn header<'m>(message: &'m str, name: &str) -> Option<&'m str> {
    let head = message.split("\r\n\r\n").next()?;
    head.lines().skip(1).find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

pub(crate) fn status(response: &str) -> u16 {
    response
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .unwrap_or(0)
}

/// Waits until `holds`, looking a few times per second.
pub(crate) fn eventually(what: &str, holds: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < until, "{what}");
        thread::park_timeout(Duration::from_millis(5));
    }
}
