//! Who can call whom, by a snapshot: what the slices of callers forward, and what those of services admit.
//!
//! It says the same as [`weft_check::callers`] says of a spec, but that a slice no longer knows of what was declared and led
//! nowhere.

use std::collections::{BTreeMap, BTreeSet};

use weft_back::snapshot::Snapshot;
use weft_check::callers::{Pair, Said};
use weft_front::words;
use weft_snapshot::identity::{ANY_BELOW, covers, is_pattern};
use weft_snapshot::origins::NodeOrigins;
use weft_snapshot::plan::{AccessPlan, Action, Effect, HostPlan, NodePlan, RoutePlan};
use weft_snapshot::settings::{Listener, ListenerSecurity, OWN_PROCESS, Role, service_of};
use weft_space::automata::Automata;
use weft_space::path::all_paths;
use weft_space::{Entry, Reading, Within, common, taken_route};
use weft_spec::Span;

use crate::diff::gates::{Forwarded, admission_parts};

/// What one route sends to a service.
struct SentByRoute {
    said: Said,
    is_possible: Option<bool>,
}

/// Every pair of a caller and a service of which something is sent or allowed, by caller.
pub fn pairs(snapshot: &Snapshot) -> Vec<Pair> {
    let plans: Vec<NodePlan> = snapshot.plans();
    let nodes: BTreeMap<&str, &NodePlan> = plans
        .iter()
        .map(|plan| (plan.settings.node.as_str(), plan))
        .collect();
    let mut pairs: BTreeMap<(String, String), Vec<SentByRoute>> = BTreeMap::new();
    for plan in &plans {
        let origins = snapshot.origins(&plan.settings.node);
        of_node(plan, &nodes, &origins, &mut pairs);
        for entry in plan.access.iter().filter(|one| one.effect == Effect::Admit) {
            for from in &entry.from {
                let pair = (caller(plan, from), plan.settings.node.clone());
                pairs.entry(pair).or_default();
            }
        }
    }
    let related = pairs.into_iter().map(|((from, to), sent)| {
        let service = nodes.get(to.as_str()).copied();
        let origins = snapshot.origins(&to);
        of_pair((from, to), service, &origins, sent)
    });
    let mut related: Vec<Pair> = related.collect();
    related.sort_by_cached_key(|pair| (rank(&pair.from), pair.from.clone(), pair.to.clone()));
    related
}

/// The order of callers: gateways, services, all of a kind, and others.
fn rank(caller: &str) -> usize {
    let kinds = ["gateway/*", "service/*", "mesh"];
    match kinds.iter().position(|kind| *kind == caller) {
        Some(position) => position + 2,
        None if caller.starts_with("gateway/") => 0,
        None if caller.starts_with("service/") => 1,
        None => usize::MAX,
    }
}

/// What the routes of a node send to services.
fn of_node(
    plan: &NodePlan,
    nodes: &BTreeMap<&str, &NodePlan>,
    origins: &NodeOrigins,
    pairs: &mut BTreeMap<(String, String), Vec<SentByRoute>>,
) {
    let node = &plan.settings.node;
    let mut index = 0_u32;
    for (number, table) in (0_u32..).zip(&plan.tables) {
        let mut listeners = plan.settings.listeners.iter();
        let listener = listeners.find(|one| one.table == number && one.role != Role::Inbound);
        for host in &table.hosts {
            for (position, route) in host.routes.iter().enumerate() {
                let place = place(origins, index);
                index = index.saturating_add(1);
                let Some(listener) = listener else {
                    continue;
                };
                for (service, is_live) in backends(plan, route) {
                    let to = format!("service/{service}");
                    let service = nodes.get(to.as_str()).copied();
                    let is_possible = if is_live {
                        is_possible(plan, (listener, host, position), service)
                    } else {
                        Some(false)
                    };
                    let requests = match listener.role {
                        Role::Edge => format!("{}, rule {}", words::matches(route), route.id),
                        Role::Outbound | Role::Inbound => words::matches(route),
                    };
                    let sent = SentByRoute {
                        said: said(requests, place.clone()),
                        is_possible,
                    };
                    pairs.entry((node.clone(), to)).or_default().push(sent);
                }
            }
        }
    }
}

/// The services that a route forwards to, and whether any request goes there.
fn backends<'plan>(plan: &'plan NodePlan, route: &'plan RoutePlan) -> BTreeMap<&'plan str, bool> {
    let mut found: BTreeMap<&str, bool> = BTreeMap::new();
    if let Action::Forward { backends } = &route.outcome.action {
        for backend in backends {
            let at = usize::try_from(backend.cluster).ok();
            let cluster = at.and_then(|at| plan.settings.clusters.get(at));
            let Some(cluster) = cluster.filter(|cluster| cluster.name != OWN_PROCESS) else {
                continue;
            };
            let is_live = found
                .entry(service_of(&cluster.name, &plan.settings.node))
                .or_default();
            *is_live |= 0 < backend.share;
        }
    }
    found
}

/// Whether a service lets a request of a route in; nothing if a bound keeps it unknown.
fn is_possible(
    plan: &NodePlan,
    (listener, host, at): (&Listener, &HostPlan, usize),
    service: Option<&NodePlan>,
) -> Option<bool> {
    let Some(service) = service.filter(|service| is_guarded(service)) else {
        let taken = taken_route(&host.routes, at, listener.path, &host.host).ok()?;
        return Some(taken.is_some());
    };
    let all = all_paths();
    let within = Within {
        entry: Entry::of_path(&all),
        except: Vec::new(),
    };
    let settings = &plan.settings;
    let identity = format!("spiffe://{}/{}", settings.trust_domain, settings.node);
    let forwarded = Forwarded {
        within: &within,
        routes: &host.routes,
        at,
        caller: &identity,
        rules: listener.path,
    };
    let admitted = admission_parts(&forwarded, &service.access, &[]).ok()?;
    Some(admitted.is_some())
}

/// Whether a node asks who calls.
fn is_guarded(plan: &NodePlan) -> bool {
    let inbound = |one: &&Listener| one.role == Role::Inbound;
    let inbound = plan.settings.listeners.iter().find(inbound);
    inbound.is_some_and(|one| one.security != ListenerSecurity::Plaintext)
}

fn of_pair(
    (from, to): (String, String),
    service: Option<&NodePlan>,
    origins: &NodeOrigins,
    sent: Vec<SentByRoute>,
) -> Pair {
    let mut pair = Pair {
        from,
        to,
        is_guarded: service.is_some_and(is_guarded),
        allowed: Vec::new(),
        denied: Vec::new(),
        declared: Vec::new(),
        is_possible: possible(sent.iter().map(|sent| sent.is_possible)),
    };
    if let Some(plan) = service {
        let entry = identity(plan, &pair.from);
        let routes: usize = plan
            .tables
            .iter()
            .flat_map(|table| &table.hosts)
            .map(|host| host.routes.len())
            .sum();
        let first = u32::try_from(routes).unwrap_or(u32::MAX);
        for (position, rule) in (first..).zip(&plan.access) {
            if !is_named(rule, &entry) {
                continue;
            }
            let said = said(words::calls(rule), place(origins, position));
            match rule.effect {
                Effect::Admit => pair.allowed.push(said),
                Effect::Refuse => pair.denied.push(said),
            }
        }
        if is_pattern(&entry) {
            pair.is_possible = admits(plan, &entry);
        }
    }
    let mut known = BTreeSet::new();
    let declared = sent.into_iter().map(|sent| sent.said);
    let mut declared: Vec<Said> = declared.collect();
    declared.retain(|one| known.insert((one.requests.clone(), one.place.clone())));
    pair.declared = declared;
    pair
}

/// Whether all of a kind are admitted with any call; nothing if a bound keeps it unknown.
fn admits(plan: &NodePlan, entry: &str) -> Option<bool> {
    let inbound = |one: &&Listener| one.role == Role::Inbound;
    let rules = plan.settings.listeners.iter().find(inbound)?.path;
    let of = |effect| {
        plan.access
            .iter()
            .filter(move |rule| rule.effect == effect && is_named(rule, entry))
    };
    let calls = |rule| {
        let mut calls = Entry::of(rule);
        calls.conditions.sources = None;
        calls
    };
    let denied: Vec<Entry<'_>> = of(Effect::Refuse).map(calls).collect();
    let left = of(Effect::Admit).map(|rule| {
        let found = common(
            &[&calls(rule)],
            &denied,
            Reading::new(rules, &Automata::default()),
        );
        found.ok().map(|found| found.is_some())
    });
    possible(left)
}

/// One that is possible is enough; one that is unknown leaves open that none is.
fn possible(each: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let together = each.reduce(|one, other| match (one, other) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (None, _) | (_, None) => None,
        (Some(false), Some(false)) => Some(false),
    });
    together.unwrap_or(Some(false))
}

/// Whether an access rule names all whom an entry names.
fn is_named(rule: &AccessPlan, entry: &str) -> bool {
    rule.from.iter().any(|from| covers(from, entry))
}

/// Callers as a spec writes them.
fn caller(plan: &NodePlan, identity: &str) -> String {
    let domain = format!("spiffe://{}", plan.settings.trust_domain);
    match identity.strip_prefix(&domain) {
        Some(ANY_BELOW) => "mesh".to_owned(),
        Some(node) => node.trim_start_matches('/').to_owned(),
        None => identity.to_owned(),
    }
}

/// The entry of callers that are written as in a spec.
fn identity(plan: &NodePlan, caller: &str) -> String {
    let domain = &plan.settings.trust_domain;
    match caller {
        "mesh" => format!("spiffe://{domain}{ANY_BELOW}"),
        node if !node.starts_with("spiffe://") => format!("spiffe://{domain}/{node}"),
        identity => identity.to_owned(),
    }
}

fn said(requests: String, place: String) -> Said {
    Said {
        requests,
        span: Span::NONE,
        place,
    }
}

fn place(origins: &NodeOrigins, index: u32) -> String {
    let place = origins.route(index);
    place.map_or_else(String::new, |(file, line)| format!("{file}:{line}"))
}

#[cfg(test)]
mod tests {
    use weft_back::emit::emit;
    use weft_back::lower::lower;
    use weft_front::testing::unchecked;

    use super::*;

    const SPEC: &str = r#"
mesh: {name: m, trustDomain: m.example, defaults: {timeout: {request: 15s}}}
gateways: {g: {listeners: {w: {port: 1, protocol: http}}}}
services:
  a: {protocol: http, app: "127.0.0.1:1", calls: {x: {operations: [GET /p, GET /q]}, s: {}}}
  b: {protocol: http, app: "127.0.0.1:1", calls: {x: {operations: [PUT /p]}}}
  s: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"]}
  app: {protocol: http, app: "127.0.0.1:2", endpoints: ["127.0.0.1:1"], calls: {x: {}}}
  x:
    protocol: http
    app: 127.0.0.1:2
    endpoints: ["127.0.0.1:1"]
    allow: [{from: ["service/*"], methods: [GET], path: /p/**}, {from: [mesh], path: /r}]
    deny: [{from: ["service/*"], path: /p/x}, {from: [mesh], path: /r}]
routes:
  r: {listener: g/w, hosts: [a.example, b.example], rules: [{path: /p, to: x}, {to: s}]}
"#;

    #[test]
    fn a_snapshot_says_what_its_spec_says() {
        let (checked, sources) = unchecked(SPEC);
        let snapshot = Snapshot::of_bundle(&emit(&lower(&checked, &sources)).unwrap()).unwrap();
        let shown = |pairs: Vec<Pair>| -> Vec<String> {
            let one = |pair: Pair| {
                let [allowed, denied, declared] =
                    [pair.allowed, pair.denied, pair.declared].map(|said| said.len());
                let Pair {
                    from,
                    to,
                    is_possible,
                    is_guarded,
                    ..
                } = pair;
                format!("{from} {to} {is_guarded} {is_possible:?} {allowed} {denied} {declared}")
            };
            pairs.into_iter().map(one).collect()
        };
        let of_spec = weft_check::callers::pairs(checked.mesh(), &|_| String::new());
        let (mut of_spec, mut of_snapshot) = (shown(of_spec), shown(pairs(&snapshot)));
        of_spec.sort();
        of_snapshot.sort();
        assert_eq!(of_snapshot, of_spec);
        assert!(of_spec.contains(&"service/* service/x true Some(true) 2 2 0".to_owned()));
        assert!(of_spec.contains(&"mesh service/x true Some(false) 1 1 0".to_owned()));
    }
}
