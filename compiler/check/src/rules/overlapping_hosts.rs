//! Finds hosts that two teams route on one listener.
//!
//! A wildcard of one team and a host below it of another are fine when `teams.hosts` gives the narrower
//! one to the team that routes it; [`super::wrong_owner`] speaks about hosts that belong to somebody else.

use std::collections::BTreeMap;

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::owners::{self, HostOwners};
use weft_front::model::{Mesh, TeamId};
use weft_space::work;
use weft_spec::Spanned;
use weft_spec::units::HostPattern;

use super::facts::Facts;

/// Two teams that take requests from each other.
pub(super) static CODE: Code = Code {
    name: "overlapping-hosts",
    severity: Severity::Error,
    finds: "Routes of two teams for the same host of one listener, or for a host below the other's wildcard, without \
            `teams.hosts` saying whose it is.",
    why: "The most specific host owns a request whole, so a team could take requests from another without either noticing.",
    bad: r#"weft: v1
mesh:
  name: shop
  trustDomain: shop.example
  teams: {web: {}, payments: {}}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
routes:
  site: {team: web, listener: public/web, host: "*.shop.example", rules: [{respond: {status: 204}}]}
  pay: {team: payments, listener: public/web, host: pay.shop.example, rules: [{respond: {status: 204}}]}
"#,
    good: r#"weft: v1
mesh:
  name: shop
  trustDomain: shop.example
  teams: {web: {}, payments: {hosts: [pay.shop.example]}}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
routes:
  site: {team: web, listener: public/web, host: "*.shop.example", rules: [{respond: {status: 204}}]}
  pay: {team: payments, listener: public/web, host: pay.shop.example, rules: [{respond: {status: 204}}]}
"#,
};

/// Reports every route whose host an earlier route of another team takes, too.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mesh = facts.mesh;
    let mut listeners: BTreeMap<_, BTreeMap<&str, Vec<Claim<'_>>>> = BTreeMap::new();
    for route in mesh.routes.values() {
        if let Some(team) = mesh.owner(route.team.as_ref(), route.name.span) {
            let hosts = listeners
                .entry((route.gateway, route.listener))
                .or_default();
            for host in &route.hosts {
                let claims = hosts.entry(host.value.as_str()).or_default();
                claims.push(Claim { team, host });
            }
        }
    }
    let listed = HostOwners::new(mesh);
    for hosts in listeners.values() {
        for (host, routes) in hosts {
            if listed.of_host(host).is_some() {
                continue;
            }
            for (position, own) in routes.iter().enumerate() {
                if !work::spend(position.saturating_mul(2).saturating_add(16)) {
                    return;
                }
                let same_host = routes.iter().take(position);
                let above = owners::wider(host)
                    .filter_map(|wider| hosts.get(wider.as_str()))
                    .flatten();
                let mut others = same_host.chain(above);
                if let Some(other) = others.find(|other| other.team != own.team) {
                    diagnostics.push(overlap(mesh, *own, *other));
                }
            }
        }
    }
}

/// A host of a route by which a team takes requests.
#[derive(Clone, Copy)]
struct Claim<'mesh> {
    team: TeamId,
    host: &'mesh Spanned<HostPattern>,
}

fn overlap(mesh: &Mesh, own: Claim<'_>, other: Claim<'_>) -> Diagnostic {
    let host = own.host;
    let name = |claim: Claim<'_>| mesh.teams.entry(claim.team).name.value.as_str();
    let message = format!(
        "teams `{}` and `{}` both route host `{}`",
        name(own),
        name(other),
        host.value
    );
    Diagnostic::new(&CODE, host.span, message)
        .saying(format!("routed by team `{}`", name(own)))
        .label(other.host.span, format!("and by team `{}`", name(other)))
        .help(format!(
            "add `{}` to the `hosts` of the team that owns it, in `mesh.teams`",
            host.value
        ))
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn teams_overlap_where_nobody_has_the_host() {
        check(
            r"
            mesh: {name: shop, trustDomain: shop.example, teams: {a: {}, b: {}}}
            gateways: {g: {listeners: {w: {port: 1, protocol: http}, v: {port: 2, protocol: http}}}}
            routes:
              r2: {on: g/w, host: x.example, team: a, rules: [{path: /1, respond: {status: 200}}]}
              r3: {on: g/w, host: x.example, team: b, rules: [{path: /2, respond: {status: 200}}]}  #~ error[overlapping-hosts]
              r4: {on: g/v, host: x.example, team: b, rules: [{respond: {status: 200}}]}
            ",
        );
    }
}
