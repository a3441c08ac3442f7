//! Statements: the differences of two models put together by the edit that caused them.
//!
//! All sets of requests in which the same facet changes in the same way, because the same line was changed,
//! are one statement. Its id is made of that, so it stays the same while the change does.
//!
//! The engine hands over *changes*: a pair of rules, one of each side, with the requests that went from one to the other. A
//! change is taken apart into [`Delta`]s, one for each facet (where requests go) or setting that differs, with the line that
//! says it on each side. The delta is the key: changes with equal deltas are one group, whatever their rules and hosts are.
//!
//! For example, the mesh has `defaults: {timeout: {request: 15s}}` in line 2 and three rules `a`, `b` and `c`, of which `c` says
//! `timeout: {request: 1s}` itself. An edit makes the default `10s`, and in line 9 sends `c` to another service.
//!
//! | change | delta | group |
//! |---|---|---|
//! | `a` to `a` | `timeout.request 15s -> 10s`, line 2 | 1 |
//! | `b` to `b` | `timeout.request 15s -> 10s`, line 2 | 1 |
//! | `c` to `c` | `100% old -> 100% new`, line 9 | 2 |
//!
//! So the review has two statements, as the edit had two parts, and not three, as the rules are: "timeout.request 15s -> 10s, on 2
//! routes" and "100% old -> 100% new". A test in `diff/tests` holds the example.

use std::collections::{BTreeMap, BTreeSet};

use weft_back::lower::outcome::noticed;
use weft_front::settings::risk::{Facet, Risk};
use weft_snapshot::Reason;
use weft_snapshot::plan::{NodePlan, Outcome, PathPattern, ValueTest};
use weft_space::{Cell, ListenerUrl, WitnessRequest};

use super::blame::{Blame, Owners, blame, own, services};
use super::change::{Change, ChangeKind, Changes, RuleAt, UnknownHost};
use super::delta::{Delta, Seen, deltas, reaches};
use super::ownership::Ownership;
use super::pairs::Pair;
use super::promises::Promise;
use super::report::{Blast, Cube, Reach, Region, Report, Said, Shown, Statement, UnprovenHost, id};
use super::side::{Places, Side};
use super::stake::Stake;
use super::{findings, governance, structure, words};
use crate::both::Both;

/// So many sets of requests are kept; all are counted.
const REGIONS: usize = 100;
/// So many culprits of an unproven host are named.
const CULPRITS: usize = 8;

#[derive(Default)]
struct Group {
    region: Vec<Region>,
    regions: usize,
    blame: Blame,
    witness: Option<Shown>,
    contrast: Option<Shown>,
    routes: BTreeSet<String>,
    services: BTreeSet<String>,
    identities: BTreeSet<String>,
    owners: Owners,
    stakes: BTreeMap<Stake, Option<Shown>>,
}

/// Puts the differences of two sides into statements, judged by the gate that a pull request meets by default.
pub fn report(old: &Side, new: &Side, changes: &Changes) -> Report {
    let sides = Both { old, new };
    let mut groups: BTreeMap<Delta, Group> = BTreeMap::new();
    let mut ownership = Ownership::new(old, new);
    for change in &changes.changes {
        let stakes = ownership.stakes(change);
        for delta in of_change(sides, change) {
            let risk = delta.risk;
            let group = groups.entry(delta).or_default();
            group.add(sides, change, risk);
            group.concern(sides, change, &stakes);
        }
    }
    let mut statements: Vec<Statement> = groups
        .into_iter()
        .map(|(delta, group)| statement(delta, group))
        .collect();
    statements.extend(structure::statements(old, new));
    statements.extend(governance::statements(old, new));
    statements.sort_by(|left, right| (left.risk, &left.id).cmp(&(right.risk, &right.id)));
    let unknown: Vec<UnprovenHost> = changes
        .unknown
        .iter()
        .map(|host| unknown(sides, host))
        .collect();
    let mut report = Report {
        format: "weft.diff/1",
        old: old.name.clone(),
        old_digest: old.digest.to_string(),
        old_inputs: old.inputs.clone(),
        new: new.name.clone(),
        new_digest: new.digest.to_string(),
        new_inputs: new.inputs.clone(),
        facet: None,
        complete: unknown.is_empty(),
        statements,
        connections: structure::connections(old, new),
        new_findings: findings::new_ones(Both { old, new }.map(|side| side.findings.as_ref())),
        bursts: findings::changed_bursts(Both { old, new }.map(|side| side.bursts.as_ref())),
        unchanged: Reach {
            proven_hosts: changes.hosts.saturating_sub(unknown.len()),
            unproven_hosts: unknown.len(),
            routes: changes.routes,
        },
        not_compared: old.endpoint_files().chain(new.endpoint_files()).collect(),
        unknown,
        broken: Vec::new(),
        foreign: Vec::new(),
        is_of_snapshots: old.definitions().is_none() && new.definitions().is_none(),
        promises: promises(old, new),
        exit: 0,
    };
    report.keep(&super::Gate::default());
    report.judge(&super::Gate::default());
    report
}

/// The promises of both sides, each once.
fn promises(old: &Side, new: &Side) -> Vec<Promise> {
    let mut promises = new.promises.clone();
    for promise in &old.promises {
        let is_kept = |other: &Promise| {
            (&other.name, other.facet, &other.unless)
                == (&promise.name, promise.facet, &promise.unless)
        };
        if !promises.iter().any(is_kept) {
            promises.push(promise.clone());
        }
    }
    promises
}

fn unknown(sides: Both<&Side>, host: &UnknownHost) -> UnprovenHost {
    let mut culprits = BTreeSet::new();
    for (side, at) in [(sides.old, host.old), (sides.new, host.new)] {
        let Some(at) = at else {
            continue;
        };
        let plan = side.host(&host.node, at);
        for (route, plan) in plan
            .into_iter()
            .flat_map(|host| host.routes.iter().enumerate())
        {
            let conditions = plan.headers.iter().chain(&plan.query);
            let has_regex = matches!(plan.path, PathPattern::Regex { .. })
                || conditions
                    .map(|one| &one.test)
                    .any(|test| matches!(test, ValueTest::Regex { .. }));
            if has_regex {
                let at = RuleAt {
                    table: at.table,
                    host: at.host,
                    route,
                };
                culprits.extend(side.places(&host.node, at).rule);
            }
            if CULPRITS <= culprits.len() {
                break;
            }
        }
    }
    UnprovenHost {
        node: host.node.clone(),
        listener: host.listener.clone(),
        host: host.host.clone(),
        reason: host.reason.kind(),
        explanation: host.reason.to_string(),
        culprits: culprits.into_iter().take(CULPRITS).collect(),
    }
}

fn of_change(sides: Both<&Side>, change: &Change) -> Vec<Delta> {
    match &change.kind {
        ChangeKind::Route => routes(sides, change),
        ChangeKind::Permission => vec![permission(sides, change)],
        ChangeKind::RepeatedHeader { header, is_refused } => {
            let place = |side: &Side, at: Option<RuleAt>, is_refusing: bool| {
                let at = at.filter(|_| is_refusing)?;
                side.places(&change.node, at).rule
            };
            let word = |is_refused| {
                if is_refused {
                    let status = Reason::RepeatedHeader.status();
                    format!("a request that repeats {header} is refused ({status})")
                } else {
                    format!("a request may repeat {header}")
                }
            };
            vec![Delta {
                risk: Risk::T1,
                facet: Facet::Route,
                is_whole: false,
                before: word(!is_refused),
                after: word(*is_refused),
                old_place: place(sides.old, change.old, !is_refused),
                new_place: place(sides.new, change.new, *is_refused),
                moved: None,
            }]
        }
    }
}

fn permission(sides: Both<&Side>, change: &Change) -> Delta {
    let places = sides
        .zip(change.takers())
        .map(|(side, at)| side.permission_places(&change.node, at?.route).rule);
    let opens = sides.new.admits(&change.node, change.new);
    let word = |is_allowed| {
        if is_allowed {
            "allowed".to_owned()
        } else {
            format!("denied ({})", Reason::NotAllowed.status())
        }
    };
    Delta {
        risk: if opens { Risk::S1 } else { Risk::A1 },
        facet: Facet::Security,
        is_whole: false,
        before: word(!opens),
        after: word(opens),
        old_place: places.old,
        new_place: places.new,
        moved: None,
    }
}

fn routes(sides: Both<&Side>, change: &Change) -> Vec<Delta> {
    let node = change.node.as_str();
    let written = sides.zip(change.takers()).map(|(side, at)| {
        let at = at?;
        let route = side.route(node, at)?;
        Some(WrittenOutcome {
            plan: side.plan(node)?,
            outcome: noticed(&route.outcome, &route.path),
            places: side.places(node, at),
        })
    });
    let seen = written
        .as_ref()
        .map(|one| one.as_ref().map(WrittenOutcome::seen));
    match seen.present() {
        Some(seen) => deltas(seen),
        None => one_sided(seen),
    }
}

/// An outcome without what nobody notices, and where it was written.
struct WrittenOutcome<'side> {
    plan: &'side NodePlan,
    outcome: Outcome,
    places: Places,
}

impl WrittenOutcome<'_> {
    fn seen(&self) -> Seen<'_> {
        Seen {
            plan: self.plan,
            outcome: &self.outcome,
            places: &self.places,
        }
    }
}

/// What nothing took, or nothing takes.
fn one_sided(seen: Pair<Seen<'_>>) -> Vec<Delta> {
    let said = seen.map(|side| match side {
        Some(side) => Said {
            text: words::action(side),
            place: side.places.rule.clone(),
        },
        None => Said {
            text: format!("no route ({})", Reason::NoRoute.status()),
            place: None,
        },
    });
    let risk = match (seen.old, seen.new) {
        (Some(_), _) => Risk::A1,
        (None, Some(is)) => reaches(is.plan),
        (None, None) => return Vec::new(),
    };
    vec![Delta::whole(risk, said)]
}

impl Group {
    fn add(&mut self, sides: Both<&Side>, change: &Change, risk: Risk) {
        self.regions += 1;
        if self.region.len() < REGIONS {
            self.region.push(region(sides, change));
        }
        if self.blame == Blame::default() {
            self.blame = blame(sides, change);
        }
        let show = |request| show(sides, change, request);
        if self.witness.is_none() {
            self.witness = change.cells.first().map(|cell| show(&cell.witness));
            self.contrast = change.contrast.as_ref().map(show);
        }
        own(&mut self.owners, sides, change, risk);
        for (side, at) in sides.zip(change.takers()) {
            let Some(at) = at else {
                continue;
            };
            self.routes.extend(rule(side, change, at).map(|(id, _)| id));
            if change.kind == ChangeKind::Route
                && let Some(route) = side.route(&change.node, at)
            {
                self.services.extend(services(side, &change.node, route));
            }
        }
        if change.kind == ChangeKind::Permission {
            let name = change.node.rsplit('/').next();
            self.services.extend(name.map(str::to_owned));
            let said = change.cells.iter().flat_map(|cell| &cell.conditions);
            let sources = said.filter_map(|one| one.strip_prefix("from "));
            let sources = sources.flat_map(|one| one.split('|'));
            self.identities.extend(
                sources
                    .filter(|one| one.starts_with("spiffe://"))
                    .map(str::to_owned),
            );
        }
    }
}

impl Group {
    /// Keeps whose requests these are, each with the first request that shows it.
    fn concern(
        &mut self,
        sides: Both<&Side>,
        change: &Change,
        stakes: &[(Stake, Option<WitnessRequest>)],
    ) {
        for (stake, request) in stakes {
            if !self.stakes.contains_key(stake) {
                let shown = request.as_ref();
                let shown = shown.map(|request| show(sides, change, request));
                self.stakes.insert(stake.clone(), shown);
            }
        }
    }
}

fn show(sides: Both<&Side>, change: &Change, request: &WitnessRequest) -> Shown {
    let url = url(sides.new, change).or_else(|| url(sides.old, change));
    match change.kind {
        ChangeKind::Permission => Shown::inside(request),
        ChangeKind::Route | ChangeKind::RepeatedHeader { .. } => {
            Shown::open(request, url.unwrap_or(ListenerUrl::PLAIN))
        }
    }
}

/// The id of a rule and what it matches.
fn rule(side: &Side, change: &Change, at: RuleAt) -> Option<(String, String)> {
    match change.kind {
        ChangeKind::Permission => {
            let access = side.access(&change.node, Some(at))?;
            Some((access.id.clone(), weft_front::words::calls(access)))
        }
        ChangeKind::Route | ChangeKind::RepeatedHeader { .. } => {
            let route = side.route(&change.node, at)?;
            Some((route.id.clone(), weft_front::words::matches(route)))
        }
    }
}

fn region(sides: Both<&Side>, change: &Change) -> Region {
    let takers = sides.zip(change.takers());
    let rules = takers.map(|(side, at)| rule(side, change, at?));
    // The rule whose requests these are; else the one that decides now, else the one that did.
    let (named, is_whole_rule) = if change.is_all_of_new {
        (rules.new, true)
    } else if change.is_all_of_old {
        (rules.old, true)
    } else {
        (rules.newest(), false)
    };
    let (rule, matches) = named.unzip();
    let cube = |cell: &Cell| Cube {
        path: cell.witness.path.clone(),
        conditions: cell.conditions.clone(),
    };
    Region {
        node: change.node.clone(),
        listener: Some(change.listener.clone()),
        host: change.host.clone(),
        also: change
            .also
            .iter()
            .map(|part| part.pattern.clone())
            .collect(),
        rule,
        matches,
        is_whole_rule,
        cubes: change.cells.iter().map(cube).collect(),
        parts: change.count,
    }
}

fn url(side: &Side, change: &Change) -> Option<ListenerUrl> {
    let listeners = &side.plan(&change.node)?.settings.listeners;
    let listener = listeners.iter().find(|one| one.name == change.listener)?;
    Some(ListenerUrl::of_plan(listener))
}

fn statement(delta: Delta, group: Group) -> Statement {
    let Delta {
        risk,
        facet,
        is_whole,
        before,
        after,
        old_place,
        new_place,
        moved,
    } = delta;
    let title = match group.routes.len() {
        0 | 1 => format!("{before} -> {after}"),
        count => format!("{before} -> {after}, on {count} routes"),
    };
    let is_owner_uncertain = group.owners.is_uncertain;
    Statement {
        id: id(
            risk,
            &[
                &before,
                &after,
                &format!("{old_place:?}"),
                &format!("{new_place:?}"),
            ],
        ),
        risk,
        facet,
        is_whole,
        title,
        region: group.region,
        regions: group.regions,
        before: Said {
            text: before,
            place: old_place,
        },
        after: Said {
            text: after,
            place: new_place,
        },
        why: group.blame.why,
        fix: group.blame.fix,
        witness: group.witness,
        contrast: group.contrast,
        stakes: group.stakes,
        blast: Blast {
            routes: group.routes.into_iter().collect(),
            services: group.services.into_iter().collect(),
            identities: group.identities.into_iter().collect(),
            owners: group.owners.into_names(),
            is_owner_uncertain,
            moved,
        },
    }
}
