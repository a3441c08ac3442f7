//! Finds definitions in files or by teams that they do not belong to, and routes that take the requests of others.
//!
//! A file belongs to the owner whose `files` match it; the platform may define anything. A team that lists `services` defines those
//! alone; a team that lists none defines what nobody else lists. Meshes, gateways and certificates are the platform's. What [`hosts`]
//! looks at is every host whose requests a route takes, not the one that it names.

mod hosts;

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::owners::{self, Listed};
use weft_front::model::{Mesh, TeamId};
use weft_spec::Span;

use super::facts::Facts;

/// A definition outside of what a team owns.
pub(super) static CODE: Code = Code {
    name: "wrong-owner",
    severity: Severity::Error,
    finds: "A team's file, or a definition with `team`, that defines a service, a gateway, a certificate or the mesh which that \
            team does not own; and a route of a team that takes requests to a host which is not its own: one that another team or \
            the platform lists, one that routes of the platform serve, or one that it does not list although it lists others. Of a \
            wildcard every host counts that no narrower route of the listener takes.",
    why: "Reviews are given per folder; a file that defines what belongs to others, or takes their requests, would bypass their \
          review.",
    bad: r#"# file: mesh.yaml
weft: v1
mesh:
  name: shop
  trustDomain: shop.example
  teams: {payments: {files: [payments/**]}, orders: {files: [orders/**], services: [orders]}}
# file: payments/service.yaml
weft: v1
services: {orders: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}}
# file: orders/service.yaml
weft: v1
"#,
    good: r#"# file: mesh.yaml
weft: v1
mesh:
  name: shop
  trustDomain: shop.example
  teams: {payments: {files: [payments/**]}, orders: {files: [orders/**], services: [orders]}}
# file: payments/service.yaml
weft: v1
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
    let listed = owners::listed(mesh);
    for service in mesh.services.values() {
        let named = service.team.as_ref().map(|team| (team.value, team.span));
        let Some(team) = acting(mesh, named, service.name.span, diagnostics) else {
            continue;
        };
        let name = service.name.value.as_str();
        let owner = listed.get(name).copied();
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
            witness: None,
        };
        judge(mesh, team, list, &what, diagnostics);
    }
    hosts::check(facts, diagnostics);
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
            .help("move it to a file of the platform"),
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

/// What is defined or taken, and who owns it.
struct Thing {
    what: String,
    /// The list of a team that would own it.
    field: &'static str,
    span: Span,
    owner: Option<Listed>,
    /// What would be taken.
    witness: Option<String>,
}

fn judge(
    mesh: &Mesh,
    team: TeamId,
    list: Option<Span>,
    thing: &Thing,
    diagnostics: &mut Diagnostics,
) {
    let acting = &mesh.teams.entry(team).name.value;
    let Thing {
        what,
        field,
        span,
        owner,
        witness,
    } = thing;
    let (message, label) = match *owner {
        Some((Some(owner), _)) if owner == team => return,
        Some((owner, entry)) => {
            let owner = owner.map(|owner| &mesh.teams.entry(owner).name.value);
            let shown = owner.map_or("the platform".to_owned(), |name| format!("team `{name}`"));
            let message = format!("{what} belongs to {shown}, not to team `{acting}`");
            (message, (entry, format!("it belongs to {shown} by this")))
        }
        None => match list {
            None => return,
            Some(entry) => {
                let message = format!("{what} is not among the {field} of team `{acting}`");
                (message, (entry, "the list starts here".to_owned()))
            }
        },
    };
    let found = Diagnostic::new(&CODE, *span, message).label(label.0, label.1);
    let found = match witness {
        Some(witness) => found.note(format!("for example `{witness}`")),
        None => found,
    };
    diagnostics.push(found.help(format!(
        "add it to the `{field}` of team `{acting}` in `mesh.teams`, or leave it to its owner"
    )));
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

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
              platform: {files: [platform.yaml]}
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
