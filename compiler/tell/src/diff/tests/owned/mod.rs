//! Random meshes, teams and edits: what `weft diff --by TEAM` calls foreign is what `docs/ownership.md` says of requests.
//!
//! Specs are drawn as values and written as text. Who owns a request is read from the drawn values alone, by the sentences of the page,
//! and what becomes of it is asked of the slices of both sides; nothing here knows how the comparison works.

mod drawn;
mod taken;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use weft_back::emit::emit;
use weft_back::lower::lower;
use weft_back::snapshot::Snapshot;
use weft_front::testing::unchecked;
use weft_snapshot::plan::{Action, NodePlan};
use weft_snapshot::{Access, Slice};
use weft_space::WitnessRequest;
use weft_testing::{Random, requests, rounds};

use self::drawn::{ASKED, HOSTS, INSIDE, SERVICES, Spec, TEAMS, name, specificity};
use crate::diff::{Foreign, Gate, Report, Side, compare_sides, report};

/// Where the sidecar hears the calls of its service.
const OUTBOUND: u16 = 15_001;
/// Where it hears those to its service.
const INBOUND: u16 = 15_443;

/// One side, compiled.
struct CompiledSide {
    side: Side,
    nodes: [Node; 2],
}

/// A gateway or a sidecar, as it is written and as its proxy reads it.
struct Node {
    slice: Slice,
    plan: NodePlan,
}

/// Where a request is decided about.
#[derive(Clone, Copy)]
enum At {
    /// At a port of the gateway or of the sidecar.
    Port(u16),
    /// At the sidecar, when the gateway calls.
    Door,
}

impl At {
    const ALL: [Self; 5] = [
        Self::Port(1),
        Self::Port(2),
        Self::Port(OUTBOUND),
        Self::Port(INBOUND),
        Self::Door,
    ];
}

impl CompiledSide {
    fn new(spec: &Spec) -> Self {
        let (checked, sources) = unchecked(&spec.text());
        let bundle = emit(&lower(&checked, &sources)).unwrap();
        let snapshot = Snapshot::of_bundle(&bundle).unwrap();
        let plans = snapshot.plans();
        let nodes = ["gateway/g", "service/s4"].map(|name| {
            let mut plans = plans.iter();
            let plan = plans.find(|plan| plan.settings.node == name);
            let plan = plan.unwrap().clone();
            let slice = Slice::check(plan.encode().unwrap()).unwrap();
            Node { slice, plan }
        });
        let spec = Some((&checked, &sources));
        let side = Side::new("side".to_owned(), (bundle.digest(), snapshot), spec);
        Self { side, nodes }
    }

    /// Whether the sidecar admits a call of the gateway.
    fn admits(&self, request: &WitnessRequest) -> bool {
        let caller = "spiffe://shop.example/gateway/g";
        let slice = &self.nodes[1].slice;
        let access = slice.authorize(caller, &request.method, &request.path);
        matches!(access, Access::Admitted(_))
    }

    fn decided(&self, port: u16, request: &WitnessRequest) -> Option<(String, String, Vec<usize>)> {
        let mut nodes = self.nodes.iter();
        nodes.find_map(|node| node.decided(port, request))
    }
}

impl Node {
    /// The route that takes a request on a port, with what becomes of it and the services that get it.
    fn decided(&self, port: u16, request: &WitnessRequest) -> Option<(String, String, Vec<usize>)> {
        let best = |hosts: &[String]| {
            let hits = hosts.iter();
            hits.filter_map(|pattern| specificity(pattern, &request.host))
                .max()
        };
        let listeners = self.plan.settings.listeners.iter();
        let serving = listeners.filter(|one| one.port == port);
        let serving = serving.filter_map(|one| Some((best(&one.hosts)?, one)));
        let (_, listener) = serving.max_by_key(|(length, _)| *length)?;
        let route = self.slice.decide(listener.table, &request.as_request());
        let id = route.unwrap()?.id().to_owned();
        let tables = self.plan.tables.iter().flat_map(|table| &table.hosts);
        let mut routes = tables.flat_map(|host| &host.routes);
        let mut outcome = routes.find(|route| route.id == id)?.outcome.clone();
        let mut services = Vec::new();
        let mut shares = String::new();
        if let Action::Forward { backends } = &mut outcome.action {
            for backend in std::mem::take(backends) {
                let at = usize::try_from(backend.cluster).unwrap();
                let cluster = &self.plan.settings.clusters[at].name;
                let _ = write!(shares, "{cluster} {} ", backend.share);
                let number = cluster.strip_prefix('s');
                services.push(number.map_or(INSIDE, |number| number.parse().unwrap()));
            }
        }
        Some((id, format!("{outcome:?} {shares}"), services))
    }
}

/// Both sides, as drawn and as compiled.
struct Edited {
    specs: [Spec; 2],
    made: [CompiledSide; 2],
}

/// Whose a request is that is treated differently.
#[derive(Debug)]
struct Owned {
    owners: BTreeSet<String>,
    receivers: BTreeSet<String>,
}

impl Owned {
    fn is_of(&self, team: &str) -> bool {
        let is_own = |owners: &BTreeSet<String>| {
            !owners.is_empty() && owners.iter().all(|owner| owner == team)
        };
        is_own(&self.owners) || is_own(&self.receivers)
    }
}

impl Edited {
    /// Whose a request is, if it is treated differently.
    fn owned(&self, at: At, request: &WitnessRequest) -> Option<Owned> {
        let inside = || {
            let owners = self.specs.iter();
            owners.map(|spec| spec.owner_of_service(INSIDE)).collect()
        };
        match at {
            At::Port(port @ (OUTBOUND | INBOUND)) => {
                let found = self.routed(port, request)?;
                Some(Owned {
                    owners: inside(),
                    ..found
                })
            }
            At::Port(port) => self.routed(port, request),
            At::Door => {
                let [old, new] = [0, 1].map(|side| self.made[side].admits(request));
                (old != new).then(|| Owned {
                    owners: inside(),
                    receivers: BTreeSet::new(),
                })
            }
        }
    }

    fn routed(&self, port: u16, request: &WitnessRequest) -> Option<Owned> {
        let decided = [0, 1].map(|side| self.made[side].decided(port, request));
        let outcome = |side: usize| decided[side].as_ref().map(|(_, outcome, _)| outcome);
        if outcome(0) == outcome(1) {
            return None;
        }
        let (mut owners, mut receivers) = (BTreeSet::new(), BTreeSet::new());
        let mut is_forwarded = true;
        for (spec, decided) in self.specs.iter().zip(&decided) {
            let listed = spec.listed(&request.host);
            owners.extend(listed.map(|(_, owner)| name(owner)));
            let services = decided
                .as_ref()
                .map_or(&[][..], |(_, _, services)| services);
            is_forwarded &= !services.is_empty();
            receivers.extend(
                services
                    .iter()
                    .map(|service| spec.owner_of_service(*service)),
            );
            let Some((id, _, _)) = decided else {
                continue;
            };
            let number = id.split('/').next().and_then(|name| name.strip_prefix('r'));
            let Some(route) =
                number.and_then(|at| spec.routes[at.parse::<usize>().unwrap()].as_ref())
            else {
                continue;
            };
            let own = specificity(route.host, &request.host);
            if listed.is_none_or(|(length, _)| Some(length) <= own) {
                owners.insert(name(route.team.unwrap_or(TEAMS.len())));
            }
        }
        if owners.is_empty() {
            owners.insert("platform".to_owned());
        }
        if !is_forwarded {
            receivers.clear();
        }
        Some(Owned { owners, receivers })
    }

    /// The backends that are reached otherwise, each with the owners of its service.
    fn backends(&self) -> Vec<(String, BTreeSet<String>)> {
        let [old, new] = &self.specs;
        let changed = (0..SERVICES).filter(|at| old.defined[*at].port != new.defined[*at].port);
        let owners = |at: usize| {
            self.specs
                .iter()
                .map(|spec| spec.owner_of_service(at))
                .collect()
        };
        changed
            .map(|at| (format!("backend s{at} of "), owners(at)))
            .collect()
    }

    /// Whether the edit changes what governs the mesh.
    fn governs(&self) -> bool {
        let [old, new] = &self.specs;
        let both = |one: usize| old.routes[one].as_ref().zip(new.routes[one].as_ref());
        let mut routes = (0..old.routes.len()).filter_map(both);
        let mut services = 0..SERVICES;
        (&old.hosts, &old.services, old.max) != (&new.hosts, &new.services, new.max)
            || routes.any(|(old, new)| old.team != new.team)
            || services.any(|at| old.owner_of_service(at) != new.owner_of_service(at))
    }
}

fn judged(edited: &Edited, team: &str) -> Report {
    let [old, new] = &edited.made;
    let changes = compare_sides(&old.side, &new.side);
    let mut found = report(&old.side, &new.side, &changes);
    found.keep(&Gate {
        by: Some(team.to_owned()),
        ..Gate::default()
    });
    found
}

/// The request that a finding shows.
fn shown(foreign: &Foreign) -> Option<WitnessRequest> {
    let shown = foreign.witness.as_ref()?;
    let (method, url) = shown.request.split_once(' ')?;
    let url = url.split_once("://").map_or(url, |(_, url)| url);
    let (host, path) = url.split_once('/')?;
    let host = host.split_once(':').map_or(host, |(host, _port)| host);
    Some(WitnessRequest::plain(method, host, &format!("/{path}")))
}

/// What is said of an edit, for each team that could have made it.
struct Judged<'run> {
    seed: u32,
    edited: &'run Edited,
    reports: [Report; 3],
    /// How many requests were met, of how many a team was no owner, and how many were shown.
    met: &'run mut [u32; 3],
}

impl Judged<'_> {
    fn context(&self) -> String {
        let [old, new] = &self.edited.specs;
        format!("{}\n{}\n{}", self.seed, old.text(), new.text())
    }

    /// What is foreign to a team, among what governs or among the rest.
    fn foreign(&self, at: usize, governs: bool) -> impl Iterator<Item = &Foreign> {
        let foreign = self.reports[at].foreign.iter();
        foreign.filter(move |one| one.statement.starts_with("g1-") == governs)
    }

    /// A request that is treated differently is told to whoever does not own it.
    fn request(&mut self, at: At, request: &WitnessRequest) {
        let Some(owned) = self.edited.owned(at, request) else {
            return;
        };
        for (at, team) in TEAMS.iter().enumerate() {
            self.met[0] += 1;
            if owned.is_of(team) {
                continue;
            }
            self.met[1] += 1;
            let mut others = owned.owners.clone();
            others.remove(*team);
            let is_told = |one: &Foreign| others.iter().all(|other| one.teams.contains(other));
            let is_told = self.foreign(at, false).any(is_told);
            assert!(is_told, "{team}: {request} {owned:?}\n{}", self.context());
        }
    }

    /// What is foreign shows a request that is treated differently and is not the team's.
    fn shown(&mut self, at: usize, team: &str) {
        let foreign = self.foreign(at, false);
        let foreign = foreign.filter(|one| one.witness.is_some());
        let shown: Vec<WitnessRequest> = foreign.map(|one| shown(one).unwrap()).collect();
        for request in shown {
            let is_others = |at: &At| {
                let owned = self.edited.owned(*at, &request);
                owned.is_some_and(|owned| !owned.is_of(team))
            };
            let is_others = At::ALL.iter().any(is_others);
            assert!(is_others, "{team}: {request}\n{}", self.context());
            self.met[2] += 1;
        }
    }

    /// What governs, and how services are reached.
    fn beside(&self, at: usize, team: &str) {
        let is_told = self.foreign(at, true).next().is_some();
        assert_eq!(is_told, self.edited.governs(), "{team}\n{}", self.context());
        let statements = self.reports[at].statements.iter();
        for statement in statements.filter(|one| one.title.starts_with("backend ")) {
            let known = self.edited.backends();
            let own = known
                .iter()
                .find(|(what, _)| statement.title.starts_with(what));
            let is_own = own.unwrap().1.iter().all(|owner| owner == team);
            let is_told = self
                .foreign(at, false)
                .any(|one| one.statement == statement.id);
            assert_eq!(
                is_told,
                !is_own,
                "{team}: {}\n{}",
                statement.title,
                self.context()
            );
        }
    }
}

fn one(random: &mut Random) -> (At, WitnessRequest) {
    let (method, path) = (random.pick(&["GET", "POST", "PUT"]), random.pick(&ASKED));
    let at = At::ALL[random.below(At::ALL.len())];
    let host = match at {
        At::Port(OUTBOUND) => random.pick(&["s0", "s1"]),
        At::Port(_) | At::Door => random.pick(&HOSTS),
    };
    (at, WitnessRequest::plain(method, host, path))
}

#[test]
fn what_is_foreign_is_what_the_page_says() {
    let mut met = [0; 3];
    for seed in 0..rounds(60) {
        let mut random = Random::new(u64::from(seed) + 12_000_000);
        let old = Spec::drawn(&mut random);
        let mut new = old.clone();
        for _ in 0..=random.below(3) {
            new.edit(&mut random);
        }
        let made = [CompiledSide::new(&old), CompiledSide::new(&new)];
        let specs = [old, new];
        let edited = Edited { specs, made };
        let mut judged = Judged {
            seed,
            reports: TEAMS.map(|team| judged(&edited, team)),
            edited: &edited,
            met: &mut met,
        };
        // There are some hundred of them.
        for _ in 0..requests(60).min(600) {
            let (at, request) = one(&mut random);
            judged.request(at, &request);
        }
        for (at, team) in TEAMS.iter().enumerate() {
            judged.shown(at, team);
            judged.beside(at, team);
        }
    }
    assert!(met.iter().all(|met| 100 < *met), "{met:?}");
}
