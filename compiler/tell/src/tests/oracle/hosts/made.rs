//! Random specs with listeners, and what becomes of a request to a port by comparing its host with every pattern.

use std::fmt::Write as _;

use weft_back::emit::emit;
use weft_back::lower::lower;
use weft_back::snapshot::Snapshot;
use weft_front::model::{Checked, Mesh, Rule};
use weft_front::testing::unchecked;
use weft_snapshot::Slice;
use weft_snapshot::plan::Outcome;
use weft_space::WitnessRequest;
use weft_testing::Random;

pub(super) const PORTS: [u16; 2] = [1, 2];

/// Hosts of requests: of every pattern, beside it, and below it.
pub(super) const HOSTS: [&str; 14] = [
    "a.t", "b.t", "c.t", "x.t", "x.a.t", "y.a.t", "x.b.t", "x.x.a.t", "t", "u", "x.u", "x.x.u",
    "v", "",
];

const PATTERNS: [&str; 9] = [
    "*", "*.t", "*.a.t", "*.u", "a.t", "b.t", "x.a.t", "c.t", "u",
];

/// A listener as its parts.
#[derive(Clone)]
pub(super) struct WrittenListener {
    pub(super) port: u16,
    /// Nothing serves all.
    pub(super) hosts: Vec<&'static str>,
    pub(super) hops: usize,
    /// Hosts of routes with their rules.
    pub(super) routes: Vec<(&'static str, Vec<String>)>,
}

fn some(random: &mut Random, chances: usize) -> Vec<&'static str> {
    let mut some = PATTERNS.to_vec();
    some.retain(|_| random.one_in(chances));
    some
}

pub(super) fn rule(random: &mut Random) -> String {
    let path = random.pick(&["/**", "/a", "/a/**", "/b"]);
    let methods = random.pick(&["", "GET", "POST"]);
    let outcome = random.pick(&["to: s", "to: r", "respond: {status: 204}"]);
    format!("{{path: {path}, methods: [{methods}], {outcome}}}")
}

pub(super) fn route(random: &mut Random) -> (&'static str, Vec<String>) {
    let host = PATTERNS[random.below(PATTERNS.len())];
    let rules = (0..=random.below(3)).map(|_| rule(random)).collect();
    (host, rules)
}

pub(super) fn listener(random: &mut Random) -> WrittenListener {
    let hosts = if random.one_in(4) {
        Vec::new()
    } else {
        some(random, 4)
    };
    let mut written = WrittenListener {
        port: PORTS[random.below(2)],
        hosts,
        hops: random.below(2),
        routes: Vec::new(),
    };
    for _ in 0..=random.below(4) {
        let route = route(random);
        if written.routes.iter().all(|(host, _)| *host != route.0) {
            written.routes.push(route);
        }
    }
    written
}

/// Takes away what two listeners of a port both name, which is an error of a spec.
pub(super) fn without_conflicts(listeners: &mut [WrittenListener]) {
    for at in 0..listeners.len() {
        let (before, rest) = listeners.split_at_mut(at);
        let one = &mut rest[0];
        let beside = before.iter().filter(|other| other.port == one.port);
        let named = |other: &WrittenListener| match other.hosts.as_slice() {
            [] => vec!["*"],
            hosts => hosts.to_vec(),
        };
        let taken: Vec<&str> = beside.flat_map(named).collect();
        let mut hosts = named(one);
        hosts.retain(|host| !taken.contains(host));
        if hosts.is_empty() {
            // A host of its own that no request names.
            hosts.push(["w0", "w1", "w2", "w3"][at.min(3)]);
        }
        one.hosts = hosts;
    }
}

pub(super) fn spec(listeners: &[WrittenListener], rest: &str) -> String {
    let mut text = "mesh: {name: m, trustDomain: m.example, mtls: disabled, defaults: {timeout: {request: 15s}}}\n\
        services:\n  s: {protocol: http, endpoints: [\"127.0.0.1:1\"]}\n  \
        r: {protocol: http, endpoints: [\"127.0.0.1:2\"]}\ngateways:\n  g:\n    listeners:\n"
        .to_owned();
    let quoted = |hosts: &[&str]| {
        let hosts: Vec<String> = hosts.iter().map(|host| format!("\"{host}\"")).collect();
        hosts.join(", ")
    };
    for (at, one) in listeners.iter().enumerate() {
        let (port, hops, hosts) = (one.port, one.hops, quoted(&one.hosts));
        let _ = writeln!(
            text,
            "      l{at}: {{port: {port}, protocol: http, trustedHops: {hops}, hosts: [{hosts}]}}"
        );
    }
    text += "routes:\n";
    for (at, one) in listeners.iter().enumerate() {
        for (nth, (host, rules)) in one.routes.iter().enumerate() {
            let rules = rules.join(", ");
            let _ = writeln!(
                text,
                "  r{at}x{nth}: {{on: g/l{at}, host: \"{host}\", rules: [{rules}]}}"
            );
        }
    }
    text + rest
}

/// A spec with the slice of its gateway.
pub(super) struct Made {
    pub(super) checked: Checked,
    pub(super) snapshot: Snapshot,
    pub(super) slice: Slice,
}

/// How well a pattern names a host, read plainly; none if it does not.
fn fit(pattern: &str, host: &str) -> Option<usize> {
    match pattern.strip_prefix("*") {
        Some("") => Some(0),
        Some(suffix) if host.len() > suffix.len() && host.ends_with(suffix) => Some(suffix.len()),
        Some(_) => None,
        None => (pattern == host).then_some(1_000),
    }
}

impl Made {
    pub(super) fn new(text: &str) -> Self {
        let (checked, sources) = unchecked(text);
        let bundle = emit(&lower(&checked, &sources)).unwrap();
        let snapshot = Snapshot::of_bundle(&bundle).unwrap();
        let plans = snapshot.plans();
        let mut plans = plans.into_iter();
        let plan = plans.find(|plan| plan.settings.node == "gateway/g");
        let slice = Slice::check(plan.unwrap().encode().unwrap()).unwrap();
        Self {
            checked,
            snapshot,
            slice,
        }
    }

    pub(super) fn mesh(&self) -> &Mesh {
        self.checked.mesh()
    }

    /// The listener that gets a host on a port, by position.
    pub(super) fn listener(&self, port: u16, host: &str) -> Option<usize> {
        let mut best: Option<(usize, usize)> = None;
        for (at, listener) in self.slice.settings().listeners.iter().enumerate() {
            for pattern in listener.hosts.iter().filter(|_| listener.port == port) {
                if let Some(fit) = fit(pattern, host)
                    && best.is_none_or(|(known, _)| known < fit)
                {
                    best = Some((fit, at));
                }
            }
        }
        best.map(|(_, at)| at)
    }

    /// The rule that takes a request to a port.
    pub(super) fn taker(&self, port: u16, request: &WitnessRequest) -> Option<&Rule> {
        let at = self.listener(port, &request.host)?;
        let table = self.slice.settings().listeners[at].table;
        let route = self.slice.decide(table, &request.as_request()).unwrap()?;
        let mut rules = self.mesh().routes.values().flat_map(|route| &route.rules);
        Some(rules.find(|rule| rule.id == route.id()).unwrap())
    }

    /// What the rule does that takes a request to a port.
    pub(super) fn fate(&self, port: u16, request: &WitnessRequest) -> Option<Outcome> {
        self.taker(port, request).map(|rule| {
            let mut outcome =
                weft_back::lower::outcome::of_rule(self.mesh(), rule, &mut |backend| {
                    let service = self.mesh().services.entry(backend.service);
                    u32::from(service.name.value == "s")
                });
            outcome = weft_back::lower::outcome::noticed(&outcome, &rule.matched.path.value);
            outcome
        })
    }
}

/// Requests for a host.
pub(super) fn requests(host: &str) -> impl Iterator<Item = WitnessRequest> + use<'_> {
    let paths = ["/", "/a", "/a/b", "/b"].into_iter();
    let of_path = |path: &'static str| ["GET", "POST", "PUT"].map(|method| (method, path));
    paths
        .flat_map(of_path)
        .map(|(method, path)| WitnessRequest::plain(method, host, path))
}
