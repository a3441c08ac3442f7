//! Finds hosts that two teams route on one listener.
//!
//! A wildcard of one team and a host below it of another are fine when `teams.hosts` gives the narrower
//! one to the team that routes it; [`super::wrong_owner`] speaks about hosts that belong to somebody else.

use std::collections::BTreeMap;

use weft_spec::Spanned;
use weft_spec::units::HostPattern;

use super::facts::Facts;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use crate::model::{Mesh, Route, TeamId, owners};

/// Two teams that take requests from each other.
pub(super) static CODE: Code = Code {
    name: "overlapping-hosts",
    severity: Severity::Error,
    finds: "Routes of two teams for the same host of one listener, or for a host below the other's wildcard, without \
            `teams.hosts` saying whose it is; and wildcards that take the requests of a host of another team.",
    why: "The most specific host owns a request whole, so a team could take requests from another without either noticing.",
    bad: r#"weft: v1
mesh:
  name: shop
  trustDomain: shop.example
  teams: {web: {}, payments: {}}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
routes:
  site: {team: web, on: public/web, host: "*.shop.example", rules: [{respond: {status: 204}}]}
  pay: {team: payments, on: public/web, host: pay.shop.example, rules: [{respond: {status: 204}}]}
"#,
    good: r#"weft: v1
mesh:
  name: shop
  trustDomain: shop.example
  teams: {web: {}, payments: {hosts: [pay.shop.example]}}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
routes:
  site: {team: web, on: public/web, host: "*.shop.example", rules: [{respond: {status: 204}}]}
  pay: {team: payments, on: public/web, host: pay.shop.example, rules: [{respond: {status: 204}}]}
"#,
};

/// Reports every route whose host an earlier route of another team takes, too.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mesh = facts.mesh;
    let mut listeners: BTreeMap<_, BTreeMap<&str, Vec<(TeamId, &Route)>>> = BTreeMap::new();
    for route in mesh.routes.values() {
        if let Some(team) = mesh.owner(route.team.as_ref(), route.name.span) {
            let hosts = listeners
                .entry((route.gateway, route.listener))
                .or_default();
            hosts
                .entry(route.host.value.as_str())
                .or_default()
                .push((team, route));
        }
    }
    for hosts in listeners.values() {
        for (host, routes) in hosts {
            if owners::of_host(mesh, host).is_some() {
                continue;
            }
            for (position, (team, route)) in routes.iter().enumerate() {
                let same_host = routes.iter().take(position);
                let above = wider(host)
                    .filter_map(|wider| hosts.get(wider.as_str()))
                    .flatten();
                let other = same_host.chain(above).find(|(other, _)| other != team);
                if let Some((other, taken)) = other {
                    diagnostics.push(overlap(mesh, (*team, route), (*other, taken)));
                }
            }
        }
    }
    taken(mesh, diagnostics);
}

/// Warns of wildcards of one team that take the requests of a host which another team lists, because no route of that
/// listener is for it.
fn taken(mesh: &Mesh, diagnostics: &mut Diagnostics) {
    let mut routed: BTreeMap<_, BTreeMap<&str, &Route>> = BTreeMap::new();
    for route in mesh.routes.values() {
        let hosts = routed.entry((route.gateway, route.listener)).or_default();
        hosts.entry(route.host.value.as_str()).or_insert(route);
    }
    let listed = mesh.teams.iter();
    let listed: Vec<(TeamId, &Spanned<HostPattern>)> = listed
        .flat_map(|(id, team)| team.hosts.iter().map(move |host| (id, host)))
        .collect();
    for hosts in routed.values() {
        for (team, entry) in &listed {
            let host = entry.value.as_str();
            let taker = wider(host).find_map(|wider| hosts.get(wider.as_str()));
            let Some(route) = taker.filter(|_| !hosts.contains_key(host)) else {
                continue;
            };
            let listener = mesh.listener(route);
            let is_served = listener.is_some_and(|listener| listener.serves(host));
            let taking = mesh.owner(route.team.as_ref(), route.name.span);
            if let Some(taking) = taking.filter(|taking| taking != team && is_served) {
                diagnostics.push(taken_by(mesh, (*team, entry), (taking, route)));
            }
        }
    }
}

fn taken_by(
    mesh: &Mesh,
    (team, entry): (TeamId, &Spanned<HostPattern>),
    (taking, route): (TeamId, &Route),
) -> Diagnostic {
    let name = |team| mesh.teams.entry(team).name.value.as_str();
    let message = format!(
        "requests for `{}` of team `{}` are taken by team `{}`",
        entry.value,
        name(team),
        name(taking)
    );
    Diagnostic::new(&CODE, route.host.span, message)
        .as_warning()
        .saying("no route of this listener is for the narrower host")
        .label(entry.span, format!("given to `{}` here", name(team)))
        .help(format!(
            "let team `{}` route `{}` here too, if only with an answer of 404",
            name(team),
            entry.value
        ))
}

/// The wildcards that cover a host, itself excluded: one for each dot, and `*`.
fn wider(host: &str) -> impl Iterator<Item = String> + use<'_> {
    let below = host.strip_prefix("*.").unwrap_or(host);
    let suffixes = below
        .match_indices('.')
        .filter_map(move |(dot, _)| Some(format!("*{}", below.get(dot..)?)));
    let any = (host != "*").then(|| "*".to_owned());
    suffixes.chain(any)
}

fn overlap(mesh: &Mesh, route: (TeamId, &Route), other: (TeamId, &Route)) -> Diagnostic {
    let ((team, route), (other_team, other)) = (route, other);
    let name = |team| mesh.teams.entry(team).name.value.as_str();
    let message = format!(
        "teams `{}` and `{}` both route host `{}`",
        name(team),
        name(other_team),
        route.host.value
    );
    Diagnostic::new(&CODE, route.host.span, message)
        .saying(format!("routed by team `{}`", name(team)))
        .label(
            other.host.span,
            format!("and by team `{}`", name(other_team)),
        )
        .help(format!(
            "add `{}` to the `hosts` of the team that owns it, in `mesh.teams`",
            route.host.value
        ))
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::check;

    #[test]
    fn a_wildcard_does_not_take_a_host_that_another_team_lists() {
        check(
            r#"
            mesh: {name: shop, trustDomain: shop.example, teams: {a: {hosts: ["*.example"]}, b: {hosts: [b.example, c.example, d.other]}}}
            gateways: {g: {listeners: {w: {port: 1, protocol: http}, v: {port: 2, protocol: http}, u: {port: 3, protocol: http, hosts: ["*.a.example"]}, t: {port: 4, protocol: http}}}}
            routes:
              r1: {on: g/w, host: "*.example", team: a, rules: [{respond: {status: 200}}]}  #~ warning[overlapping-hosts]
              r2: {on: g/w, host: b.example, team: b, rules: [{respond: {status: 201}}]}
              r3: {on: g/v, host: "*.example", rules: [{respond: {status: 200}}]}
              r4: {on: g/u, host: "*.a.example", team: a, rules: [{respond: {status: 200}}]}
              r5: {on: g/t, host: "*.example", team: a, rules: [{respond: {status: 200}}]}  #~ warning[overlapping-hosts], warning[overlapping-hosts]
            "#,
        );
    }

    #[test]
    fn platform_routes_overlap_with_everybody() {
        check(
            r#"
            mesh: {name: shop, trustDomain: shop.example, teams: {a: {}, b: {}}}
            gateways: {g: {listeners: {w: {port: 1, protocol: http}, v: {port: 2, protocol: http}}}}
            routes:
              r1: {on: g/w, host: "*", rules: [{path: /1, respond: {status: 200}}]}
              r2: {on: g/w, host: x.example, team: a, rules: [{path: /1, respond: {status: 200}}]}
              r3: {on: g/w, host: x.example, team: b, rules: [{path: /2, respond: {status: 200}}]}  #~ error[overlapping-hosts]
              r4: {on: g/v, host: x.example, team: b, rules: [{respond: {status: 200}}]}
            "#,
        );
    }
}
