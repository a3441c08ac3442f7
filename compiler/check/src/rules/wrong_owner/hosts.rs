//! Routes of teams that take requests to hosts of others.
//!
//! Exact, by class: the hosts of a route that no pattern of a route, a listener or an owner tells apart have one owner, and each class is
//! asked about. A host belongs to whoever has the most specific pattern for it: by a list of hosts, or, as the platform, by a route.

use std::collections::{BTreeMap, BTreeSet};

use weft_front::diagnostic::Diagnostics;
use weft_front::model::owners::{self, Listed};
use weft_front::model::{GatewayId, Mesh, Route, TeamId};
use weft_space::{HostClasses, Served, work};
use weft_spec::Spanned;
use weft_spec::units::HostPattern;

use super::{Thing, acting, judge};
use crate::rules::facts::Facts;

/// What a class of hosts costs (`weft_space::work`).
const CLASS_STEPS: usize = 64;

/// Reports every route that takes a request of another owner; one finding for each owner.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mesh = facts.mesh;
    if mesh.teams.is_empty() {
        return;
    }
    let claims = claims(mesh);
    let mut listeners: BTreeMap<(GatewayId, usize), Vec<&Route>> = BTreeMap::new();
    for route in mesh.routes.values() {
        let key = (route.gateway, route.listener);
        listeners.entry(key).or_default().push(route);
    }
    for (place, routes) in listeners {
        let patterns = routes.iter().flat_map(|route| route.host_names());
        let patterns: Vec<&str> = patterns.collect();
        if !work::spend((claims.len() + patterns.len()).saturating_mul(CLASS_STEPS)) {
            return;
        }
        let mut classes = HostClasses::new(claims.keys().copied());
        classes.extend(patterns.iter().copied());
        let listeners = &mesh.gateways.entry(place.0).listeners;
        let served = listeners.iter().flat_map(|one| &one.hosts);
        classes.extend(served.map(|host| host.value.as_str()));
        let asked = ListenerHosts {
            facts,
            table: HostClasses::new(patterns),
            served: weft_front::model::served(mesh, place.0, place.1),
            claimed: HostClasses::new(claims.keys().copied()),
            claims: &claims,
            classes,
        };
        for route in routes {
            let named = route.team.as_ref().map(|team| (team.value, team.span));
            if let Some(team) = acting(mesh, named, route.name.span, diagnostics) {
                for host in &route.hosts {
                    asked.route(team, (route, host), diagnostics);
                }
            }
        }
    }
}

/// Who has which hosts: lists first, then what routes of the platform serve.
fn claims(mesh: &Mesh) -> BTreeMap<&str, Listed> {
    let mut claims: BTreeMap<&str, Listed> = owners::host_entries(mesh).collect();
    for route in mesh.routes.values() {
        if owners::of_route(mesh, route).is_none() {
            for host in &route.hosts {
                let claim = (None, host.span);
                claims.entry(host.value.as_str()).or_insert(claim);
            }
        }
    }
    claims
}

/// The hosts of one listener.
struct ListenerHosts<'run, 'mesh> {
    facts: &'run Facts<'mesh>,
    /// By which route of the listener takes them.
    table: HostClasses<'mesh>,
    served: Served<'mesh>,
    /// By who owns them.
    claimed: HostClasses<'mesh>,
    claims: &'run BTreeMap<&'mesh str, Listed>,
    /// By all of that.
    classes: HostClasses<'mesh>,
}

impl ListenerHosts<'_, '_> {
    fn route(
        &self,
        team: TeamId,
        (route, named): (&Route, &Spanned<HostPattern>),
        diagnostics: &mut Diagnostics,
    ) {
        let mesh = self.facts.mesh;
        let pattern = named.value.as_str();
        let list = mesh.teams.entry(team).hosts.first().map(|entry| entry.span);
        let mut told = BTreeSet::new();
        for host in self.classes.hosts_of(pattern) {
            if !work::spend(CLASS_STEPS) {
                return;
            }
            let is_taken =
                self.table.most_specific(&host) == Some(pattern) && self.served.has(&host);
            let claim = self.claimed.most_specific(&host);
            let owner = claim.and_then(|claim| self.claims.get(claim)).copied();
            let is_own = match owner {
                Some((owner, _)) => owner == Some(team),
                None => list.is_none(),
            };
            if !is_taken || is_own || !told.insert(owner.map(|(owner, _)| owner)) {
                continue;
            }
            let thing = Thing {
                what: match claim {
                    Some(claim) => format!("host `{claim}`"),
                    None => format!("host `{pattern}`"),
                },
                field: "hosts",
                span: named.span,
                owner,
                witness: self.witness((route, pattern), &host),
            };
            judge(mesh, team, list, &thing, diagnostics);
        }
    }

    /// A request to a host that a rule of a route takes, if its rules take any.
    fn witness(&self, (route, pattern): (&Route, &str), host: &str) -> Option<String> {
        let hosts = self.facts.hosts_of(route.gateway, route.listener);
        let at = hosts.binary_search_by(|one| one.host.host.cmp(pattern));
        let analysis = hosts.get(at.ok()?)?.analysis.as_ref().ok()?;
        let name = route.name.value.as_str();
        let is_own = |id: &str| id.split('/').next() == Some(name);
        let taken = analysis.rules.iter().zip(&analysis.witness);
        let mut taken = taken.filter(|(rule, _)| is_own(&rule.id));
        let mut request = taken.find_map(|(_, witness)| witness.clone())?;
        host.clone_into(&mut request.host);
        Some(request.to_string())
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, findings};

    #[test]
    fn every_host_of_a_wildcard_counts_and_not_the_one_it_names() {
        check(
            r#"
            mesh:
              name: shop
              trustDomain: shop.example
              teams:
                a: {hosts: ["*.example"]}
                b: {hosts: [b.example, c.example, "*.d.example", d.other]}
              platform: {hosts: [p.example]}
            gateways:
              g:
                listeners:
                  w: {port: 1, protocol: http}
                  v: {port: 2, protocol: http}
                  u: {port: 3, protocol: http, hosts: ["*.a.example"]}
                  t: {port: 4, protocol: http, hosts: ["*.example"]}
                  s: {port: 4, protocol: http, hosts: [p.example, b.example, c.example, "*.d.example"]}
            routes:
              r1: {on: g/w, host: "*.example", team: a, rules: [{respond: {status: 200}}]}  #~ error[wrong-owner]
              r2: {on: g/w, host: b.example, team: b, rules: [{respond: {status: 201}}]}
              r3: {on: g/w, host: c.example, team: b, rules: [{respond: {status: 201}}]}
              r4: {on: g/w, host: p.example, rules: [{respond: {status: 201}}]}
              r5: {on: g/v, host: "*.example", rules: [{respond: {status: 200}}]}
              r6: {on: g/u, host: "*.a.example", team: a, rules: [{respond: {status: 200}}]}
              r7: {on: g/t, host: "*.example", team: a, rules: [{respond: {status: 200}}]}
              r8: {on: g/s, host: "*", team: a, rules: [{respond: {status: 200}}]}  #~ error[wrong-owner], error[wrong-owner]
            "#,
        );
    }

    #[test]
    fn what_the_platform_serves_is_its_own() {
        check(
            r#"
            mesh:
              name: shop
              trustDomain: shop.example
              teams: {a: {}, b: {hosts: [b.example]}}
            gateways: {g: {listeners: {w: {port: 1, protocol: http}, v: {port: 2, protocol: http}}}}
            routes:
              p1: {on: g/w, host: "*.example", rules: [{path: /p, respond: {status: 200}}]}
              p2: {on: g/v, host: b.example, rules: [{path: /p, respond: {status: 200}}]}
              r1: {on: g/v, host: x.example, team: a, rules: [{path: /x, respond: {status: 200}}]}  #~ error[wrong-owner]
              r2: {on: g/v, host: x.other, team: a, rules: [{path: /x, respond: {status: 200}}]}
              r3: {on: g/v, host: b.example, team: b, rules: [{path: /x, respond: {status: 200}}]}
              r4: {on: g/w, host: "*.other", team: b, rules: [{path: /x, respond: {status: 200}}]}  #~ error[wrong-owner]
            "#,
        );
    }

    #[test]
    fn a_request_shows_what_is_taken() {
        let found = findings(
            r#"
            mesh:
              name: shop
              trustDomain: shop.example
              teams: {a: {hosts: ["*.example"]}, b: {hosts: ["*.b.example"]}}
            gateways: {g: {listeners: {w: {port: 1, protocol: http}}}}
            routes:
              r1: {on: g/w, host: "*.example", team: a, rules: [{path: /x, methods: [PUT], respond: {status: 200}}]}
            "#,
        );
        let found = found.iter().filter(|one| one.code.name == "wrong-owner");
        let notes: Vec<&String> = found.flat_map(|one| &one.notes).collect();
        assert_eq!(notes, ["for example `PUT x.b.example/x`"]);
    }
}
