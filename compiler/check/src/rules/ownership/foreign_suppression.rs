//! Finds suppressions by teams in what they do not own.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::owners::PlaceOwners;
use weft_front::model::{Mesh, Suppression, TeamId};

use super::harm::Harmed;
use crate::rules::facts::Facts;

/// Two teams, a file of one of them with a redirect that is a `method-loss`, and then `$rest`.
macro_rules! in_two_files {
    ($rest:literal) => {
        concat!(
            "# file: mesh.yaml\n",
            "weft: v1\n",
            "mesh: {name: shop, trustDomain: shop.example, teams: {web: {files: [web/**]}, orders: {files: [orders/**]}}}\n",
            "gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}\n",
            "# file: orders/routes.yaml\n",
            "weft: v1\n",
            "routes:\n",
            "  old: {on: public/web, host: shop.example, rules: [{path: /old, methods: [POST], redirect: {host: new.example}}]}\n",
            $rest,
            "# file: web/more.yaml\n",
            "weft: v1\n"
        )
    };
}

/// Finding: a suppression in what another team owns.
pub(in crate::rules) static CODE: Code = Code {
    name: "foreign-suppression",
    severity: Severity::Error,
    finds: "A suppression in a team's file that is about what the team does not own, that another team shall answer for, or of a \
            finding that harms others: what a route takes from a route of another team, for example, the other team accepts. Some \
            codes the platform alone accepts, whose files may suppress anywhere.",
    why: "A warning is shown to those whom it concerns. Nobody else can accept it for them.",
    bad: in_two_files!(
        r#"# file: web/routes.yaml
weft: v1
suppressions:
  - {code: method-loss, at: {route: old}, reason: "not ours", owner: web, until: 2027-01-31}
"#
    ),
    good: in_two_files!(
        r#"suppressions:
  - {code: method-loss, at: {route: old}, reason: "no form posts there", owner: orders, until: 2027-01-31}
"#
    ),
};

/// Reports every suppression in a team's file that reaches beyond the team.
pub(in crate::rules) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mesh = facts.mesh;
    let owners = PlaceOwners::new(mesh);
    for one in &mesh.suppressions {
        let Some(team) = mesh.file_team(one.code.span) else {
            continue;
        };
        let owner = one.grant.owner;
        if owner.value != Some(team) {
            let message = format!(
                "a file of team `{}` suppresses for {}",
                mesh.owner_name(Some(team)),
                words(mesh, owner.value)
            );
            diagnostics.push(
                Diagnostic::new(&CODE, owner.span, message)
                    .help("move the suppression to a file of that owner"),
            );
            continue;
        }
        if Harmed::by(&one.code.value) == Harmed::Platform {
            diagnostics.push(harms_others(mesh, one, None));
            continue;
        }
        diagnostics.extend(elsewhere(mesh, team, (one, owners.of_place(&one.place))));
    }
}

/// That a team suppresses in a place that is not its own.
fn elsewhere(
    mesh: &Mesh,
    team: TeamId,
    (one, of_place): (&Suppression, Option<TeamId>),
) -> Option<Diagnostic> {
    if of_place == Some(team) {
        return None;
    }
    let name = mesh.owner_name(Some(team));
    let message = format!("team `{name}` suppresses what it does not own");
    let found = Diagnostic::new(&CODE, one.place.span, message);
    Some(match of_place {
        Some(_) => found
            .saying(format!("this belongs to {}", words(mesh, of_place)))
            .help("leave it to that team, or to the platform"),
        None => found
            .saying("this belongs to no single team")
            .help("leave it to the platform, or suppress in your routes one by one"),
    })
}

/// That a suppression in a team's file is about findings that somebody else has to accept.
pub(super) fn harms_others(mesh: &Mesh, one: &Suppression, harmed: Option<TeamId>) -> Diagnostic {
    let code = &one.code;
    let message = format!(
        "findings of `{}` here concern {}",
        code.value,
        words(mesh, harmed)
    );
    Diagnostic::new(&CODE, code.span, message)
        .label(one.place.span, "looked for here")
        .help(format!("leave it to {}", words(mesh, harmed)))
}

fn words(mesh: &Mesh, owner: Option<TeamId>) -> String {
    match owner {
        Some(_) => format!("team `{}`", mesh.owner_name(owner)),
        None => "the platform".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn a_team_suppresses_in_its_own_definitions() {
        check(
            r#"
            # file: mesh.yaml
            mesh: {name: shop, trustDomain: shop.example, teams: {a: {files: [a/**]}, b: {files: [b/**], services: [s]}}}
            gateways: {g: {listeners: {w: {port: 1, protocol: http}}}}
            services: {s: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"]}}
            routes:
              r0: {on: g/w, host: z.example, rules: [{path: /a, respond: {status: 200}}]}
            suppressions:
              - {code: dead-route, at: {route: r1}, reason: a, owner: b, until: 2027-01-01}
            # file: a/a.yaml
            routes:
              r1: {on: g/w, host: x.example, rules: [{path: /a, respond: {status: 200}}]}
            suppressions:
              - {code: dead-route, at: {route: r1}, reason: a, owner: a, until: 2027-01-01}
              - {code: dead-route, at: {host: x.example}, reason: a, owner: a, until: 2027-01-01}
              - {code: dead-route, at: {route: r1}, reason: a, owner: b, until: 2027-01-01}  #~ error[foreign-suppression]
              - {code: dead-route, at: {host: z.example}, reason: a, owner: a, until: 2027-01-01}  #~ error[foreign-suppression]
              - {code: dead-route, at: {gateway: g}, reason: a, owner: a, until: 2027-01-01}  #~ error[foreign-suppression]
              - {code: dead-route, at: {service: s}, reason: a, owner: a, until: 2027-01-01}  #~ error[foreign-suppression]
            # file: b/b.yaml
            suppressions:
              - {code: dead-route, at: {service: s}, reason: a, owner: b, until: 2027-01-01}
              - {code: dead-route, at: {route: r1}, reason: a, owner: b, until: 2027-01-01}  #~ error[foreign-suppression]
            "#,
        );
    }
}
