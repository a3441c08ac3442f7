//! Random tables and requests over small alphabets, so that routes overlap and requests hit them.

use std::net::{IpAddr, Ipv4Addr};

use weft_snapshot::plan::{
    AccessPlan, Action, Backend, Condition, Effect, HeaderChanges, HostPlan, NodePlan, Outcome,
    PathPattern, PathRewrite, Policy, Retry, RewritePart, RoutePlan, Segment, TablePlan, ValueTest,
};
use weft_snapshot::settings::{
    Cluster, Endpoints, HeadRules, Listener, ListenerSecurity, NodeSettings, PathRules, Role,
    UpstreamProtocol, UpstreamSecurity,
};

const SEGMENTS: [&str; 5] = ["a", "b", "ab", "v1", ""];
const EXPRESSIONS: [&str; 6] = [
    "/a.*",
    "/[ab]+/b",
    "/v[0-9]+(/.*)?",
    ".*b",
    "/",
    "/(a|b|ab)/[^/]*",
];
const FROM: [&str; 6] = [
    "spiffe://m/a",
    "spiffe://m/b",
    "spiffe://m/c",
    "spiffe://m/*",
    "spiffe://m/a/*",
    "spiffe://m/**",
];
const METHODS: [&str; 5] = ["GET", "POST", "DELETE", "PURGE", "LINK"];
const HOSTS: [&str; 7] = ["a.x", "b.x", "*.x", "*.a.x", "*", "x", "*.b.a.x"];
const NAMES: [&str; 4] = ["x-a", "x-b", "accept-language", "cookie"];
const VALUES: [&str; 4] = ["1", "2", "12", ""];

pub(crate) fn pick<'t>(random: &mut fastrand::Rng, among: &[&'t str]) -> &'t str {
    among[random.usize(..among.len())]
}

fn some(random: &mut fastrand::Rng, among: &[&str], most: usize) -> Vec<String> {
    let mut chosen: Vec<String> = (0..random.usize(..=most))
        .map(|_| pick(random, among).to_owned())
        .collect();
    chosen.sort();
    chosen.dedup();
    chosen
}

pub(crate) fn path_pattern(random: &mut fastrand::Rng) -> PathPattern {
    if random.u8(..5) == 0 {
        return PathPattern::Regex {
            regex: pick(random, &EXPRESSIONS).to_owned(),
        };
    }
    let segment = |random: &mut fastrand::Rng| match random.u8(..4) {
        0 => Segment::Any {
            name: "id".to_owned(),
        },
        _ => Segment::Literal {
            text: pick(random, &SEGMENTS).to_owned(),
        },
    };
    let rest = random.bool();
    let least = usize::from(!rest);
    let segments = (0..random.usize(least..4))
        .map(|_| segment(random))
        .collect();
    PathPattern::Segments { segments, rest }
}

fn conditions(random: &mut fastrand::Rng) -> Vec<Condition> {
    let mut conditions: Vec<Condition> = (0..random.usize(..4).saturating_sub(2))
        .map(|_| Condition {
            name: pick(random, &NAMES).to_owned(),
            test: match random.u8(..4) {
                0 => ValueTest::Present,
                1 => ValueTest::Absent,
                2 => ValueTest::Regex {
                    regex: pick(random, &["1.*|", "1, 2|1; 2"]).to_owned(),
                },
                _ => ValueTest::Exact {
                    text: pick(random, &VALUES).to_owned(),
                },
            },
        })
        .collect();
    conditions.sort();
    conditions.dedup_by(|left, right| left.name == right.name);
    conditions
}

pub(crate) fn forward() -> Outcome {
    let mut outcome = Outcome::to(0);
    outcome.timeouts.request = Some(1_000);
    outcome.policy.retry = retry();
    outcome
}

fn retry() -> Retry {
    Retry {
        attempts: 2,
        on_connect_failure: true,
        on_refused_stream: true,
        on_reset: false,
        on_backend_timeout: false,
        on_5xx: false,
        on_statuses: vec![503],
        budget: Some(200_000),
        backoff_base: 25,
        backoff_max: 250,
        idempotent: false,
    }
}

fn outcome(random: &mut fastrand::Rng) -> Outcome {
    let rewrite = PathRewrite {
        parts: vec![
            RewritePart::Literal {
                text: "new".to_owned(),
            },
            RewritePart::Segment {
                index: random.u32(..3),
            },
        ],
        rest_from: random.bool().then_some(1),
    };
    let action = match random.u8(..4) {
        0 => Action::Redirect {
            status: 302,
            scheme: random.bool().then(|| "https".to_owned()),
            host: random.bool().then(|| "b.x".to_owned()),
            port: random.bool().then_some(8443),
            path: random.bool().then(|| rewrite.clone()),
        },
        1 => Action::Respond {
            status: 410,
            body: "gone".to_owned(),
            content_type: "text/plain".to_owned(),
        },
        _ => Action::Forward {
            backends: vec![
                Backend {
                    cluster: 0,
                    share: 900_000,
                },
                Backend {
                    cluster: 1,
                    share: 100_000,
                },
            ],
        },
    };
    Outcome {
        action,
        path: random.bool().then_some(rewrite),
        host: random.bool().then(|| "inner.x".to_owned()),
        policy: Policy {
            request_headers: HeaderChanges {
                remove: some(random, &NAMES, 2),
                set: vec![("x-set".to_owned(), "1".to_owned())],
                add: Vec::new(),
            },
            response_headers: HeaderChanges::default(),
            websocket: random.bool(),
            trailers: random.bool(),
            max_body: random.bool().then_some(1 << 20),
            max_in_flight: random.bool().then_some(7),
            retry: Retry {
                budget: random.bool().then_some(100_000),
                ..retry()
            },
        },
        ..forward()
    }
}

fn table(random: &mut fastrand::Rng) -> TablePlan {
    let hosts = some(random, &HOSTS, 6).into_iter().map(|host| HostPlan {
        routes: (0..random.usize(3..16))
            .map(|position| RoutePlan {
                id: format!("{host}/{position}"),
                path: path_pattern(random),
                methods: some(random, &METHODS, 2),
                headers: conditions(random),
                query: conditions(random),
                outcome: outcome(random),
            })
            .collect(),
        host,
    });
    TablePlan {
        hosts: hosts.collect(),
    }
}

fn listener(position: u32) -> Listener {
    Listener {
        name: format!("l{position}"),
        role: Role::Edge,
        address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        port: 8_000 + u16::try_from(position).unwrap(),
        security: ListenerSecurity::Plaintext,
        hosts: vec!["*".to_owned()],
        table: position,
        trusted_hops: 0,
        path: PathRules::default(),
        heads: HeadRules::MESH,
        default_certificate: None,
    }
}

fn cluster(name: &str) -> Cluster {
    Cluster {
        name: name.to_owned(),
        protocol: UpstreamProtocol::Http1,
        security: UpstreamSecurity::Plaintext,
        endpoints: Endpoints::Static {
            addresses: vec!["127.0.0.1:9000".parse().unwrap()],
        },
        keep_alive_millis: 60_000,
        host: None,
    }
}

/// A plan with these tables.
pub(crate) fn plan_of(tables: Vec<TablePlan>) -> NodePlan {
    NodePlan {
        settings: NodeSettings {
            node: "gateway/public".to_owned(),
            mesh: "m".to_owned(),
            trust_domain: "m.example".to_owned(),
            snapshot_header: false,
            listeners: (0..u32::try_from(tables.len()).unwrap())
                .map(listener)
                .collect(),
            clusters: vec![cluster("s"), cluster("s@v2")],
            certificates: Vec::new(),
        },
        tables,
        access: Vec::new(),
    }
}

/// A random plan with at least one route.
pub(crate) fn plan(random: &mut fastrand::Rng) -> NodePlan {
    let mut tables: Vec<TablePlan> = (0..random.usize(1..3)).map(|_| table(random)).collect();
    if let Some(first) = tables.first_mut()
        && first.hosts.is_empty()
    {
        let id = "only".to_owned();
        let path = PathPattern::Segments {
            segments: Vec::new(),
            rest: true,
        };
        let route = RoutePlan {
            id,
            path,
            methods: Vec::new(),
            headers: Vec::new(),
            query: Vec::new(),
            outcome: forward(),
        };
        first.hosts.push(HostPlan {
            host: "*".to_owned(),
            routes: vec![route],
        });
    }
    let mut plan = plan_of(tables);
    plan.access = (0..random.usize(..4))
        .map(|position| AccessPlan {
            id: format!("s/allow/{position}"),
            effect: if random.bool() {
                Effect::Admit
            } else {
                Effect::Refuse
            },
            from: some(random, &FROM, 3),
            methods: some(random, &METHODS, 2),
            path: path_pattern(random),
        })
        .collect();
    plan
}

/// A random canonical request: method, host, path, query, headers.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) host: String,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) headers: weft_snapshot::HeaderList,
}

pub(crate) fn asked(random: &mut fastrand::Rng) -> Asked {
    let count = random.usize(1..5);
    let mut path = String::new();
    for position in 0..count {
        path.push('/');
        let is_last = position + 1 == count;
        // An empty segment in the middle is one that a listener keeps.
        let among = if is_last || random.u8(..8) == 0 {
            &SEGMENTS[..]
        } else {
            &SEGMENTS[..4]
        };
        path.push_str(pick(random, among));
    }
    let mut headers: Vec<(String, String)> = (0..random.usize(..4))
        .map(|_| {
            (
                pick(random, &NAMES).to_owned(),
                pick(random, &VALUES).to_owned(),
            )
        })
        .collect();
    if random.bool() {
        let again = headers.first().map(|(name, _)| name.clone());
        let value = pick(random, &VALUES).to_owned();
        headers.extend(again.map(|name| (name, value)));
    }
    let query = random.bool().then(|| {
        let pairs: Vec<String> = (0..random.usize(..3))
            .map(|_| format!("{}={}", pick(random, &NAMES), pick(random, &VALUES)))
            .collect();
        pairs.join("&")
    });
    Asked {
        method: pick(random, &METHODS).to_owned(),
        host: pick(
            random,
            // The last one stands for a request without a host.
            &[
                "a.x", "b.x", "c.x", "x", "b.a.x", "c.b.a.x", "a.b.a.x", "y", "",
            ],
        )
        .to_owned(),
        path,
        query,
        headers: weft_snapshot::HeaderList(headers),
    }
}
