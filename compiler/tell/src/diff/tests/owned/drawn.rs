//! Random meshes with teams, as values: their text, and who owns what by the page.

use std::fmt::Write as _;

use weft_testing::Random;

pub(super) const TEAMS: [&str; 3] = ["a", "b", "c"];
pub(super) const PATTERNS: [&str; 8] = [
    "*",
    "*.example",
    "a.example",
    "*.a.example",
    "x.a.example",
    "b.example",
    "*.b.example",
    "*.other",
];
pub(super) const HOSTS: [&str; 9] = [
    "a.example",
    "x.a.example",
    "y.a.example",
    "b.example",
    "z.b.example",
    "q.example",
    "u.v.b.example",
    "o.other",
    "far.away",
];
const PATHS: [&str; 5] = ["/**", "/p/**", "/p/q", "/r", "/p/{id}"];
pub(super) const ASKED: [&str; 6] = ["/", "/p", "/p/q", "/p/s", "/r", "/p/q/t"];
pub(super) const SERVICES: usize = 5;
/// The one behind a sidecar.
pub(super) const INSIDE: usize = 4;

/// Who owns something: a team by its number, or the platform behind the teams; none if nothing is said.
pub(super) type MaybeTeam = Option<usize>;

pub(super) fn name(owner: usize) -> String {
    TEAMS.get(owner).copied().unwrap_or("platform").to_owned()
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum To {
    One(usize),
    Both(usize, usize),
    Answer(u16),
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Rule {
    path: &'static str,
    method: &'static str,
    to: To,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Route {
    pub(super) host: &'static str,
    listener: &'static str,
    pub(super) team: MaybeTeam,
    rules: Vec<Rule>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Service {
    pub(super) team: MaybeTeam,
    pub(super) port: usize,
    timeout: usize,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Spec {
    /// Who lists each pattern, and each service.
    pub(super) hosts: Vec<MaybeTeam>,
    pub(super) services: Vec<MaybeTeam>,
    pub(super) defined: Vec<Service>,
    pub(super) routes: Vec<Option<Route>>,
    pub(super) max: usize,
    /// The timeout of the call of the service behind a sidecar, and the paths that it allows.
    call: usize,
    allowed: &'static str,
}

fn static_pick(random: &mut Random, list: &[&'static str]) -> &'static str {
    list[random.below(list.len())]
}

/// Nobody, or one of so many owners.
fn maybe(random: &mut Random, owners: usize) -> MaybeTeam {
    (!random.one_in(3)).then(|| random.below(owners))
}

fn rule(random: &mut Random) -> Rule {
    let service = random.below(SERVICES);
    Rule {
        path: static_pick(random, &PATHS),
        method: static_pick(random, &["", "GET", "POST"]),
        to: match random.below(6) {
            0 => To::Both(service, (service + 1) % SERVICES),
            1 => To::Answer(if random.one_in(2) { 200 } else { 403 }),
            _ => To::One(service),
        },
    }
}

fn route(random: &mut Random) -> Route {
    Route {
        host: static_pick(random, &PATTERNS),
        listener: static_pick(random, &["w", "v", "u"]),
        team: maybe(random, TEAMS.len()),
        rules: (0..=random.below(3)).map(|_| rule(random)).collect(),
    }
}

fn service(random: &mut Random) -> Service {
    Service {
        team: maybe(random, TEAMS.len()),
        port: random.below(9) + 1,
        timeout: random.below(3) + 1,
    }
}

impl Spec {
    pub(super) fn drawn(random: &mut Random) -> Self {
        let owners = TEAMS.len() + 1;
        Self {
            hosts: PATTERNS.map(|_| maybe(random, owners)).to_vec(),
            services: (0..SERVICES).map(|_| maybe(random, owners)).collect(),
            defined: (0..SERVICES).map(|_| service(random)).collect(),
            routes: (0..4).map(|_| Some(route(random))).collect(),
            max: 30,
            call: 1,
            allowed: static_pick(random, &PATHS),
        }
    }

    pub(super) fn edit(&mut self, random: &mut Random) {
        let at = random.below(self.routes.len());
        let service = random.below(SERVICES);
        match random.below(14) {
            0 => self.hosts[random.below(PATTERNS.len())] = maybe(random, TEAMS.len() + 1),
            1 => self.services[service] = maybe(random, TEAMS.len() + 1),
            2 => self.defined[service].team = maybe(random, TEAMS.len()),
            3 => self.defined[service].port = random.below(9) + 1,
            4 => self.defined[service].timeout = random.below(3) + 1,
            9 => self.call = random.below(3) + 1,
            10 => self.allowed = static_pick(random, &PATHS),
            5 => self.max = 30 + random.below(2),
            6 => self.routes[at] = (!random.one_in(2)).then(|| route(random)),
            7 => {
                if let Some(route) = &mut self.routes[at] {
                    route.team = maybe(random, TEAMS.len());
                }
            }
            8 => {
                if let Some(route) = &mut self.routes[at] {
                    route.host = static_pick(random, &PATTERNS);
                }
            }
            _ => {
                let new = rule(random);
                if let Some(route) = &mut self.routes[at] {
                    let rule = random.below(route.rules.len());
                    route.rules[rule] = new;
                }
            }
        }
    }

    pub(super) fn text(&self) -> String {
        let teams = (0..TEAMS.len()).map(|at| format!("{}: {}", TEAMS[at], self.lists(at)));
        let teams: Vec<String> = teams.collect();
        let mut text = format!(
            "# file: mesh.yaml\nmesh:\n  name: shop\n  trustDomain: shop.example\n  teams: {{{}}}\n  \
             platform: {}\n  guardrails: [{{bound: timeout.request, max: {}s, why: slots}}]\n",
            teams.join(", "),
            self.lists(TEAMS.len()),
            self.max
        );
        text += "gateways:\n  g:\n    listeners:\n      w: {port: 1, protocol: http}\n      \
                 v: {port: 2, protocol: http, hosts: [\"*.example\", far.away]}\n      \
                 u: {port: 2, protocol: http, hosts: [\"*.a.example\"]}\nservices:\n";
        for (at, service) in self.defined.iter().enumerate() {
            let where_it_is = if at == INSIDE {
                format!(
                    "app: \"127.0.0.1:80\", calls: {{s0: {{timeout: {{request: {}s}}}}, s1: {{}}}}, \
                     allow: [{{from: [gateway/g], path: \"{}\"}}]",
                    self.call, self.allowed
                )
            } else {
                "mtls: disabled".to_owned()
            };
            let _ = writeln!(
                text,
                "  s{at}: {{{}protocol: http, {where_it_is}, endpoints: [\"127.0.0.1:{}\"], timeout: {{request: {}s}}}}",
                team(service.team),
                service.port,
                service.timeout
            );
        }
        text += "routes:\n";
        let routes = self.routes.iter().enumerate();
        for (at, route) in routes.filter_map(|(at, route)| Some((at, route.as_ref()?))) {
            let rules: Vec<String> = route.rules.iter().map(written).collect();
            let _ = writeln!(
                text,
                "  r{at}: {{{}on: g/{}, host: \"{}\", rules: [{}]}}",
                team(route.team),
                route.listener,
                route.host,
                rules.join(", ")
            );
        }
        // A gateway without routes is none.
        text + "  last: {on: g/w, host: last.away, rules: [{path: /last, respond: {status: 204}}]}\n"
    }

    /// What somebody lists.
    fn lists(&self, owner: usize) -> String {
        let of = |list: &[MaybeTeam], names: &dyn Fn(usize) -> String| {
            let own = (0..list.len()).filter(|at| list[*at] == Some(owner));
            own.map(names).collect::<Vec<String>>().join(", ")
        };
        let hosts = of(&self.hosts, &|at| format!("\"{}\"", PATTERNS[at]));
        let services = of(&self.services, &|at| format!("s{at}"));
        format!("{{hosts: [{hosts}], services: [{services}]}}")
    }

    /// Who has the most specific pattern of a list for a host.
    pub(super) fn listed(&self, host: &str) -> Option<(usize, usize)> {
        let hits = (0..PATTERNS.len()).filter_map(|at| {
            let length = specificity(PATTERNS[at], host)?;
            Some((length, self.hosts[at]?))
        });
        hits.max()
    }

    pub(super) fn owner_of_service(&self, service: usize) -> String {
        let listed = self.services[service];
        name(listed.or(self.defined[service].team).unwrap_or(TEAMS.len()))
    }
}

fn team(owner: MaybeTeam) -> String {
    owner.map_or(String::new(), |at| format!("team: {}, ", TEAMS[at]))
}

fn written(rule: &Rule) -> String {
    let to = match &rule.to {
        To::One(service) => format!("to: s{service}"),
        To::Both(one, other) => format!("to: {{s{one}: 50%, s{other}: 50%}}"),
        To::Answer(status) => format!("respond: {{status: {status}}}"),
    };
    let methods = if rule.method.is_empty() {
        String::new()
    } else {
        format!("methods: [{}], ", rule.method)
    };
    format!("{{path: \"{}\", {methods}{to}}}", rule.path)
}

/// How specifically a pattern matches a host; the host itself is more than any wildcard.
pub(super) fn specificity(pattern: &str, host: &str) -> Option<usize> {
    match pattern.strip_prefix('*') {
        Some(suffix) => host.ends_with(suffix).then_some(suffix.len()),
        None => (pattern == host).then_some(usize::MAX),
    }
}
