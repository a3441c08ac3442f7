//! Finds definitions in files or by teams that they do not belong to.
//!
//! A file belongs to the first team whose `files` match it, else to the platform, which may define
//! anything. A team that lists `services` defines those alone; a team that lists none defines what no
//! other team lists. `hosts` work alike for routes, and the most specific entry owns a host. Meshes,
//! gateways and certificates are the platform's.

use weft_spec::Span;

use super::facts::Facts;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use crate::model::{Mesh, TeamId, owners};

/// A definition outside of what a team owns.
pub(super) static CODE: Code = Code {
    name: "wrong-owner",
    severity: Severity::Error,
    finds: "A team's file, or a definition with `team`, that defines a service, a host, a gateway, a certificate or \
            the mesh which that team does not own.",
    why: "Reviews are given per folder; a file that defines what belongs to others would bypass their review.",
    bad: r#"# file: mesh.yaml
weft: v1
mesh:
  name: shop
  trustDomain: shop.example
  teams: {payments: {files: [payments/**]}, orders: {files: [orders/**], services: [orders]}}
# file: payments/service.yaml
weft: v1
services: {orders: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}}
"#,
    good: r#"# file: mesh.yaml
weft: v1
mesh:
  name: shop
  trustDomain: shop.example
  teams: {payments: {files: [payments/**]}, orders: {files: [orders/**], services: [orders]}}
# file: orders/service.yaml
weft: v1
services: {orders: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}}
"#,
};

/// Reports every definition with the wrong owner.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mesh = facts.mesh;
    platform_only(mesh, "the mesh", mesh.name.span, diagnostics);
    for gateway in mesh.gateways.values() {
        let what = format!("gateway `{}`", gateway.name.value);
        platform_only(mesh, &what, gateway.name.span, diagnostics);
    }
    for certificate in mesh.certificates.values() {
        let what = format!("certificate `{}`", certificate.name.value);
        platform_only(mesh, &what, certificate.name.span, diagnostics);
    }
    for service in mesh.services.values() {
        let named = service.team.as_ref().map(|team| (team.value, team.span));
        let Some(team) = acting(mesh, named, service.name.span, diagnostics) else {
            continue;
        };
        let name = service.name.value.as_str();
        let owner = mesh.teams.iter().find_map(|(id, team)| {
            let entry = team.services.iter().find(|entry| entry.value == name)?;
            Some((id, entry.span))
        });
        let list = mesh
            .teams
            .entry(team)
            .services
            .first()
            .map(|entry| entry.span);
        let what = Thing {
            what: format!("service `{name}`"),
            field: "services",
            owner,
            span: service.name.span,
        };
        judge(mesh, team, list, &what, diagnostics);
    }
    for route in mesh.routes.values() {
        let named = route.team.as_ref().map(|team| (team.value, team.span));
        let Some(team) = acting(mesh, named, route.name.span, diagnostics) else {
            continue;
        };
        let host = route.host.value.as_str();
        let list = mesh.teams.entry(team).hosts.first().map(|entry| entry.span);
        let what = Thing {
            what: format!("host `{host}`"),
            field: "hosts",
            owner: owners::of_host(mesh, host),
            span: route.host.span,
        };
        judge(mesh, team, list, &what, diagnostics);
    }
}

fn platform_only(mesh: &Mesh, what: &str, span: Span, diagnostics: &mut Diagnostics) {
    let Some(team) = mesh.file_team(span) else {
        return;
    };
    let team = mesh.teams.entry(team);
    let files = team.files.first().map_or(Span::NONE, |files| files.span);
    let message = format!("{what} is defined in a file of team `{}`", team.name.value);
    diagnostics.push(
        Diagnostic::new(&CODE, span, message)
            .saying("only files of the platform may define this")
            .label(files, format!("files of team `{}`", team.name.value))
            .help("move it to a file that belongs to no team"),
    );
}

/// The team that a definition acts for, if it names no other than its file's.
fn acting(
    mesh: &Mesh,
    named: Option<(TeamId, Span)>,
    place: Span,
    diagnostics: &mut Diagnostics,
) -> Option<TeamId> {
    let of_file = mesh.file_team(place);
    if let (Some((named, span)), Some(of_file)) = (named, of_file)
        && named != of_file
    {
        let (named, of_file) = (mesh.teams.entry(named), mesh.teams.entry(of_file));
        let files = of_file.files.first().map_or(Span::NONE, |files| files.span);
        let message = format!(
            "a file of team `{}` defines something for team `{}`",
            of_file.name.value, named.name.value
        );
        diagnostics.push(
            Diagnostic::new(&CODE, span, message)
                .label(
                    files,
                    format!("the file belongs to `{}`", of_file.name.value),
                )
                .help("move the definition to a file of that team"),
        );
        return None;
    }
    named.map(|(named, _)| named).or(of_file)
}

/// What is defined, and who owns it.
struct Thing {
    what: String,
    /// The list of a team that would own it.
    field: &'static str,
    span: Span,
    owner: Option<(TeamId, Span)>,
}

fn judge(
    mesh: &Mesh,
    team: TeamId,
    list: Option<Span>,
    thing: &Thing,
    diagnostics: &mut Diagnostics,
) {
    let acting = mesh.teams.entry(team);
    let Thing {
        what,
        field,
        span,
        owner,
    } = thing;
    let (message, label) = match *owner {
        Some((owner, _)) if owner == team => return,
        Some((owner, entry)) => {
            let owner = &mesh.teams.entry(owner).name.value;
            let message = format!(
                "{what} belongs to team `{owner}`, not `{}`",
                acting.name.value
            );
            (message, (entry, format!("given to `{owner}` here")))
        }
        None => match list {
            None => return,
            Some(entry) => {
                let message = format!(
                    "{what} is not among the {field} of team `{}`",
                    acting.name.value
                );
                (message, (entry, "the list starts here".to_owned()))
            }
        },
    };
    diagnostics.push(
        Diagnostic::new(&CODE, *span, message)
            .label(label.0, label.1)
            .help(format!(
                "add it to the `{field}` of team `{}` in `mesh.teams`, or leave it to its owner",
                acting.name.value
            )),
    );
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::check;

    #[test]
    fn a_team_keeps_to_its_services_and_hosts() {
        check(
            r#"
            # file: mesh.yaml
            mesh:
              name: shop
              trustDomain: shop.example
              teams:
                pay: {files: [pay/**], services: [pay], hosts: [pay.shop.example]}
                web: {files: [web/**], hosts: ["*.shop.example"]}
            gateways: {g: {listeners: {w: {port: 1, protocol: http}}}}
            # file: pay/a.yaml
            services:
              pay: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"]}
              other: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"]}  #~ error[wrong-owner]
            routes:
              r1: {on: g/w, host: pay.shop.example, rules: [{respond: {status: 200}}]}
              r2: {on: g/w, host: x.shop.example, rules: [{respond: {status: 200}}]}  #~ error[wrong-owner]
            certificates: {c: {chain: a, key: b}}  #~ error[wrong-owner]
            # file: web/a.yaml
            services:
              web: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"]}
            routes:
              r3: {on: g/w, host: pay.shop.example, rules: [{path: /a, respond: {status: 201}}]}  #~ error[wrong-owner]
              r4: {on: g/w, host: a.shop.example, team: pay, rules: [{respond: {status: 200}}]}  #~ error[wrong-owner]
            # file: platform.yaml
            services:
              third: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"]}
            "#,
        );
    }
}
