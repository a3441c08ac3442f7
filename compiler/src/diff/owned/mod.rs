//! Random meshes, teams and edits: what `weft diff --by TEAM` calls foreign is what `docs/ownership.md` says of requests.
//!
//! Specs are drawn as values and written as text. Who owns a request is read from the drawn values alone, by the sentences of the page,
//! and what becomes of it is asked of the slices of both sides; nothing here knows how the comparison works.

mod drawn;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use drawn::{ASKED, HOSTS, SERVICES, Spec, TEAMS, name, specificity};
use weft_snapshot::Slice;
use weft_snapshot::plan::{Action, NodePlan};

use super::{Foreign, Gate, Report, Side, compare, report};
use crate::emit::emit;
use crate::lower::lower;
use crate::random::{Random, requests, rounds};
use crate::rules::testing::unchecked;
use crate::space::WitnessRequest;
use crate::why::Snapshot;

/// One side, compiled.
struct Made {
    side: Side,
    slice: Slice,
    plan: NodePlan,
}

impl Made {
    fn new(spec: &Spec) -> Self {
        let (checked, sources) = unchecked(&spec.text());
        let bundle = emit(&lower(&checked, &sources)).unwrap();
        let snapshot = Snapshot::of_bundle(&bundle).unwrap();
        let plans = snapshot.plans();
        let plan = plans
            .into_iter()
            .find(|plan| plan.settings.node == "gateway/g");
        let plan = plan.unwrap();
        let slice = Slice::check(plan.encode().unwrap()).unwrap();
        let spec = Some((checked.mesh(), &sources));
        let side = Side::new("side".to_owned(), (bundle.manifest.digest, snapshot), spec);
        Self { side, slice, plan }
    }

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
                services.push(cluster.strip_prefix('s').unwrap().parse().unwrap());
            }
        }
        Some((id, format!("{outcome:?} {shares}"), services))
    }
}

/// Both sides, as drawn and as compiled.
struct Edited {
    specs: [Spec; 2],
    made: [Made; 2],
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
    fn owned(&self, port: u16, request: &WitnessRequest) -> Option<Owned> {
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
            .map(|at| (format!("backend s{at} of gateway/g"), owners(at)))
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
    let changes = compare(&old.side.plans, &new.side.plans);
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
    let (host, path) = url.strip_prefix("http://")?.split_once('/')?;
    Some(asked(method, host, &format!("/{path}")))
}

fn asked(method: &str, host: &str, path: &str) -> WitnessRequest {
    WitnessRequest {
        method: method.to_owned(),
        host: host.to_owned(),
        path: path.to_owned(),
        query: None,
        headers: Vec::new(),
        source: None,
    }
}

/// Holds what is said of an edit against the page, for each team that could have made it.
fn check(seed: u32, edited: &Edited, random: &mut Random, met: &mut [u32; 3]) {
    let context = || {
        format!(
            "{seed}\n{}\n{}",
            edited.specs[0].text(),
            edited.specs[1].text()
        )
    };
    let reports = TEAMS.map(|team| judged(edited, team));
    let foreign = |at: usize, is_about_rules: bool| {
        let report: &Report = &reports[at];
        report.foreign.iter().filter(move |one| {
            let is_governing = one.statement.starts_with("g1-");
            is_governing == is_about_rules
        })
    };
    for _ in 0..requests(60) {
        let request = asked(
            random.pick(&["GET", "POST", "PUT"]),
            random.pick(&HOSTS),
            random.pick(&ASKED),
        );
        let port = if random.one_in(2) { 1 } else { 2 };
        let Some(owned) = edited.owned(port, &request) else {
            continue;
        };
        for (at, team) in TEAMS.iter().enumerate() {
            met[0] += 1;
            if owned.is_of(team) {
                continue;
            }
            met[1] += 1;
            let mut others = owned.owners.clone();
            others.remove(*team);
            let is_told = |one: &Foreign| others.iter().all(|other| one.teams.contains(other));
            let is_told = foreign(at, false).any(is_told);
            assert!(is_told, "{team}: {request} {owned:?}\n{}", context());
        }
    }
    for (at, team) in TEAMS.iter().enumerate() {
        for one in foreign(at, false).filter(|one| one.witness.is_some()) {
            let request = shown(one).unwrap();
            let is_others = |port: u16| {
                let owned = edited.owned(port, &request);
                owned.is_some_and(|owned| !owned.is_of(team))
            };
            met[2] += 1;
            assert!(
                is_others(1) || is_others(2),
                "{team}: {one:?}\n{}",
                context()
            );
        }
        assert_eq!(
            foreign(at, true).next().is_some(),
            edited.governs(),
            "{team}\n{}",
            context()
        );
        let statements = reports[at].statements.iter();
        let backends = statements.filter(|one| one.title.starts_with("backend "));
        for statement in backends {
            let known = edited.backends();
            let own = known
                .iter()
                .find(|(what, _)| statement.title.starts_with(what));
            let (_, owners) = own.unwrap();
            let is_told = foreign(at, false).any(|one| one.statement == statement.id);
            let is_own = owners.iter().all(|owner| owner == team);
            assert_eq!(
                is_told,
                !is_own,
                "{team}: {}\n{}",
                statement.title,
                context()
            );
        }
    }
}

#[test]
fn what_is_foreign_is_what_the_page_says() {
    let mut met = [0; 3];
    for seed in 0..rounds(60) {
        let mut random = Random(u64::from(seed) + 12_000_000);
        let old = Spec::drawn(&mut random);
        let mut new = old.clone();
        for _ in 0..=random.below(3) {
            new.edit(&mut random);
        }
        let made = [Made::new(&old), Made::new(&new)];
        let specs = [old, new];
        check(seed, &Edited { specs, made }, &mut random, &mut met);
    }
    assert!(met.iter().all(|met| 100 < *met), "{met:?}");
}
