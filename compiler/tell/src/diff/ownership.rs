//! Whose requests a change treats differently, whatever file was edited.
//!
//! On one side, the requests at a gateway are of whoever lists their host, and of the owner of the route that takes them unless that
//! list is more specific than the host of the route. Both sides count, so that no edit makes itself the owner of what it changes. Beside
//! that, requests that went to services of one team alone and still do are that team's too: a service sets its own contract.
//! `docs/ownership.md` is the definition, and `tests/owned` holds this against it.

use std::collections::{BTreeMap, BTreeSet};

use weft_back::lower::outcome::noticed;
use weft_front::model::owners::{PLATFORM, specificity};
use weft_snapshot::plan::{Action, RoutePlan};
use weft_space::{HostClasses, WitnessRequest};

use super::blame::services_of;
use super::change::{Change, ChangeKind, HostAt, RuleAt};
use super::pairs::Pair;
use super::ports::{Port, ports};
use super::side::Side;
use super::stake::Stake;
use crate::both::Both;

/// Finds the owners of requests on two sides.
pub(super) struct Ownership<'run> {
    sides: Both<&'run Side>,
    /// The hosts of each region that was looked at, one of each class.
    hosts: BTreeMap<Hosts<'run>, Vec<String>>,
    /// All hosts of a node that anything tells apart.
    classes: BTreeMap<&'run str, HostClasses<'run>>,
    /// The ports of each node.
    ports: BTreeMap<&'run str, Vec<Pair<Port<'run>>>>,
}

/// The hosts that go one way on each side: by a listener of a node, to the same hosts of its tables.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Hosts<'run> {
    node: &'run str,
    listener: &'run str,
    /// What owns their requests on each side; none where nothing does.
    owners: Pair<HostAt>,
}

impl<'run> Ownership<'run> {
    pub(super) fn new(old: &'run Side, new: &'run Side) -> Self {
        Self {
            sides: Both { old, new },
            hosts: BTreeMap::new(),
            classes: BTreeMap::new(),
            ports: BTreeMap::new(),
        }
    }

    /// The owners of the requests of a change, one entry for each class of hosts, with a request of it.
    pub(super) fn stakes(&mut self, change: &'run Change) -> Vec<(Stake, Option<WitnessRequest>)> {
        let witness = change.cells.first().map(|cell| &cell.witness);
        if let Some(service) = change.node.strip_prefix("service/") {
            return vec![(self.at_sidecar(service, change), witness.cloned())];
        }
        let hosts = match witness {
            Some(witness) => self.hosts(change, &witness.host),
            None => vec![change.host.clone()],
        };
        let stakes = hosts.into_iter().map(|host| {
            let stake = self.at_gateway(&host, change);
            let mut request = witness.cloned();
            if let Some(request) = &mut request {
                request.host = host;
            }
            (stake, request)
        });
        stakes.collect()
    }

    fn at_sidecar(&self, service: &str, change: &Change) -> Stake {
        let thing = format!("service {service}");
        Stake {
            by_route: self.owners(&thing),
            by_service: self.by_service(change),
        }
    }

    /// The owners of a definition on both sides.
    fn owners(&self, thing: &str) -> BTreeSet<String> {
        let owner = |side: &Side| Some(side.definitions()?.owner(thing)?.to_owned());
        self.sides.into_iter().filter_map(owner).collect()
    }

    fn at_gateway(&self, host: &str, change: &Change) -> Stake {
        let mut by_route = BTreeSet::new();
        for (side, at) in self.sides.zip(change.takers()) {
            by_route.extend(owners_on(side, &change.node, at, host));
        }
        if by_route.is_empty() {
            by_route = self.owners(&change.node.replace('/', " "));
        }
        if by_route.is_empty() {
            by_route.insert(PLATFORM.to_owned());
        }
        Stake {
            by_route,
            by_service: self.by_service(change),
        }
    }

    /// The owners of the services that got the requests and get them, if both sides forward them.
    fn by_service(&self, change: &Change) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for (side, at) in self.sides.zip(change.takers()) {
            let route = at.and_then(|at| side.route(&change.node, at));
            let route = route.filter(|_| change.kind == ChangeKind::Route);
            let own = route.map_or_else(BTreeSet::new, |route| receivers(side, change, route));
            if own.is_empty() {
                return BTreeSet::new();
            }
            found.extend(own);
        }
        found
    }

    /// One host of each class of the hosts of a region: those with the same owners in the tables of both sides as this one.
    fn hosts(&mut self, change: &'run Change, witness: &str) -> Vec<String> {
        let node = change.node.as_str();
        let sides = self.sides;
        let known = self.ports.entry(node);
        let known = known.or_insert_with(|| ports(sides.map(|side| side.plan(node))));
        let has = |(port, at): (&Option<Port<'_>>, Option<RuleAt>)| {
            let tables = port.iter().flat_map(|port| &port.heard);
            let mut tables = tables.map(|heard| heard.table);
            at.is_none_or(|at| tables.any(|table| table == at.table))
        };
        let mut pairs = known.iter();
        let pair = pairs.rfind(|pair| {
            let mut both = pair.as_ref().zip(change.takers()).into_iter();
            both.all(has)
        });
        let owners = |host: &str| {
            let pair = pair.map_or_else(Pair::default, Pair::as_refs);
            pair.map(|port| port?.owner(host))
        };
        let alike = Hosts {
            node,
            listener: &change.listener,
            owners: owners(witness),
        };
        if let Some(known) = self.hosts.get(&alike) {
            return known.clone();
        }
        let pattern =
            |(side, at): (&'run Side, Option<HostAt>)| Some(side.host(node, at?)?.host.as_str());
        let patterns = sides.zip(alike.owners).map(pattern);
        // Both cover all hosts of the region, so one of them lies within the other.
        let narrower = patterns.into_iter().flatten();
        let narrower = narrower.max_by_key(|pattern| specificity(pattern));
        let mut found = match narrower.filter(|pattern| pattern.starts_with('*')) {
            Some(pattern) => {
                let classes = self.classes.entry(node);
                let classes = classes.or_insert_with(|| classes_of(sides, node));
                classes.hosts_of(pattern)
            }
            None => vec![witness.to_owned()],
        };
        found.retain(|host| owners(host) == alike.owners);
        if found.is_empty() {
            found.push(witness.to_owned());
        }
        self.hosts.insert(alike, found.clone());
        found
    }
}

/// The hosts of a node that tables, listeners and owners of both sides tell apart.
fn classes_of<'run>(sides: Both<&'run Side>, node: &str) -> HostClasses<'run> {
    let mut classes = HostClasses::default();
    for side in sides {
        if let Some(plan) = side.plan(node) {
            let hosts = plan.tables.iter().flat_map(|table| &table.hosts);
            classes.extend(hosts.map(|host| host.host.as_str()));
            let listeners = plan.settings.listeners.iter();
            classes.extend(listeners.flat_map(|one| &one.hosts).map(String::as_str));
        }
        if let Some(definitions) = side.definitions() {
            classes.extend(definitions.listed_hosts());
        }
    }
    classes
}

/// The owners of requests to a host on one side: by list, and by the route that takes them.
fn owners_on(side: &Side, node: &str, at: Option<RuleAt>, host: &str) -> BTreeSet<String> {
    let Some(definitions) = side.definitions() else {
        return BTreeSet::new();
    };
    let listed = definitions.owner_of_host(host);
    let mut found: BTreeSet<String> = listed
        .iter()
        .map(|(_, owner)| (*owner).to_owned())
        .collect();
    let Some(at) = at else {
        return found;
    };
    let (Some(route), Some(table)) = (side.route(node, at), side.host(node, at.host_at())) else {
        return found;
    };
    let is_beyond = |(pattern, _): &(&str, &str)| specificity(&table.host) < specificity(pattern);
    if !listed.as_ref().is_some_and(is_beyond) {
        let name = route.id.split('/').next().unwrap_or_default();
        let owner = definitions.owner(&format!("route {name}"));
        found.extend(owner.map(str::to_owned));
    }
    found
}

/// The owners of the services that get the requests of a route.
fn receivers(side: &Side, change: &Change, route: &RoutePlan) -> BTreeSet<String> {
    let Action::Forward { backends } = noticed(&route.outcome, &route.path).action else {
        return BTreeSet::new();
    };
    let services = services_of(side, &change.node, &backends);
    let owner = |service: &String| {
        Some(
            side.definitions()?
                .owner(&format!("service {service}"))?
                .to_owned(),
        )
    };
    services.iter().filter_map(owner).collect()
}

#[cfg(test)]
mod tests {
    use weft_front::settings::risk::Risk;

    use crate::diff::Gate;
    use crate::diff::tests::{TEAMS, reported};

    #[test]
    fn a_team_alters_its_own_requests_alone() {
        let judged = |from: &str, to: &str, by: &str, approved_by: &[&str]| {
            assert!(TEAMS.contains(from), "{from}");
            let mut found = reported(TEAMS, &TEAMS.replace(from, to));
            assert!(!found.statements.is_empty());
            let gate = Gate {
                max_risk: Risk::S1,
                approved_by: approved_by.iter().map(|team| (*team).to_owned()).collect(),
                by: Some(by.to_owned()),
            };
            found.keep(&gate);
            found.broken.clear();
            found.judge(&gate);
            let teams = found.foreign.iter().flat_map(|one| one.teams.clone());
            let teams = teams.collect::<std::collections::BTreeSet<String>>();
            assert_eq!(found.exit, if teams.is_empty() { 2 } else { 3 });
            teams.into_iter().collect::<Vec<String>>()
        };
        let own = (
            "path: /a/**, to: one",
            "path: /a/**, to: one, timeout: {request: 1s}",
        );
        assert!(judged(own.0, own.1, "a", &[]).is_empty());
        assert_eq!(judged(own.0, own.1, "b", &[]), ["a"]);
        assert!(judged(own.0, own.1, "b", &["a"]).is_empty());
        assert!(judged(own.0, own.1, "platform", &[]).is_empty());
        // A host that nobody served before is of whoever lists it.
        let taking = (
            "routes:\n",
            "routes:\n  n: {on: g/w, host: y.b.example, team: b, rules: [{path: /a/**, to: two}]}\n",
        );
        assert!(judged(taking.0, taking.1, "b", &[]).is_empty());
        assert_eq!(judged(taking.0, taking.1, "a", &[]), ["b"]);
        // A service sets its own contract, whoever routes to it.
        let contract = (
            r#"endpoints: ["127.0.0.1:2"]}"#,
            r#"endpoints: ["127.0.0.1:2"], timeout: {request: 2s}}"#,
        );
        assert!(judged(contract.0, contract.1, "b", &[]).is_empty());
        assert_eq!(judged(contract.0, contract.1, "a", &[]), ["b"]);
        // Where no team lists the host, the route says whose the requests are.
        let shared = ("path: /p, to: one", "path: /p, to: two");
        assert_eq!(judged(shared.0, shared.1, "b", &[]), ["platform"]);
        // A default is everybody's.
        let default = ("timeout: {request: 15s}", "timeout: {request: 14s}");
        assert_eq!(judged(default.0, default.1, "a", &[]), ["b"]);
    }
}
