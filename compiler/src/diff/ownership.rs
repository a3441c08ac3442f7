//! Whose requests a change treats differently, whatever file was edited.
//!
//! Requests at a gateway are those of the team that lists their host, else of the team whose route takes them; and of the team whose
//! service gets them: a service sets its own contract, a route chooses among services. A team may change what is its own in one of the two ways;
//! anything else needs the others.

use std::collections::BTreeSet;

use super::blame::{Owners, services};
use super::change::{Change, ChangeKind};
use super::side::Side;

/// The teams that own some requests which are treated differently.
#[derive(Clone, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Stake {
    /// By their host, or by the routes that took them and take them.
    by_route: BTreeSet<String>,
    /// By the services that got them and get them.
    by_service: BTreeSet<String>,
}

impl Stake {
    /// Of teams that own what is changed as a whole.
    pub(super) fn of_teams(teams: &[String]) -> Self {
        Self {
            by_route: teams.iter().cloned().collect(),
            by_service: BTreeSet::new(),
        }
    }

    /// The other teams that a change by one team needs; none if it is its own matter.
    pub(super) fn others(&self, team: &str) -> BTreeSet<String> {
        let is_own =
            |teams: &BTreeSet<String>| !teams.is_empty() && teams.iter().all(|owner| owner == team);
        if is_own(&self.by_route) || is_own(&self.by_service) {
            return BTreeSet::new();
        }
        let teams = if self.by_route.is_empty() {
            &self.by_service
        } else {
            &self.by_route
        };
        teams
            .iter()
            .filter(|owner| *owner != team)
            .cloned()
            .collect()
    }
}

/// The teams that own the requests of a change.
pub(super) fn stake(old: &Side, new: &Side, change: &Change) -> Stake {
    let node = change.node.as_str();
    let own = node.strip_prefix("service/");
    let (mut by_route, mut by_service) = (Owners::default(), Owners::default());
    if let Some(service) = own {
        by_route.add(old, new, &format!("service {service}"));
    }
    if change.kind == ChangeKind::Permission {
        return Stake {
            by_route: by_route.names,
            by_service: BTreeSet::new(),
        };
    }
    let host = change.cells.first().map(|cell| cell.witness.host.as_str());
    let listed = |side: &Side| {
        let host = host.filter(|_| own.is_none())?;
        side.definitions()?.owner_of_host(host).map(str::to_owned)
    };
    let listed: BTreeSet<String> = [old, new].into_iter().filter_map(listed).collect();
    for (side, at) in [(old, change.old), (new, change.new)] {
        let Some(route) = at.and_then(|at| side.route(node, at)) else {
            continue;
        };
        let first = route.id.split('/').next().unwrap_or_default();
        if own.is_none() {
            by_route.add(old, new, &format!("route {first}"));
        }
        for service in services(side, node, route) {
            by_service.add(old, new, &format!("service {service}"));
        }
    }
    if by_route.names.is_empty() {
        let name = node.rsplit('/').next().unwrap_or(node);
        by_route.add(old, new, &format!("gateway {name}"));
    }
    Stake {
        by_route: if listed.is_empty() {
            by_route.names
        } else {
            listed
        },
        by_service: by_service.names,
    }
}

#[cfg(test)]
mod tests {
    use crate::diff::tests::{TEAMS, reported};
    use crate::diff::{Gate, Risk};

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
        // The platform gave the host to `b`, so what `a` did with it was never its own.
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
