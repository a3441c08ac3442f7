//! Finds suppressions by teams in what they do not own.

use crate::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use crate::model::owners;
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
            $rest
        )
    };
}

/// Finding: a suppression in what another team owns.
pub(in crate::rules) static CODE: Code = Code {
    name: "foreign-suppression",
    severity: Severity::Error,
    finds: "A suppression in a team's file that is about what the team does not own, or that another team shall answer for. \
            Files of the platform may suppress anywhere.",
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
    for one in &mesh.suppressions {
        let Some(team) = mesh.file_team(one.code.span) else {
            continue;
        };
        let name = |team| mesh.teams.entry(team).name.value.as_str();
        let owner = one.grant.owner;
        if owner.value != team {
            let message = format!(
                "a file of team `{}` suppresses for team `{}`",
                name(team),
                name(owner.value)
            );
            diagnostics.push(
                Diagnostic::new(&CODE, owner.span, message)
                    .help("move the suppression to a file of that team"),
            );
            continue;
        }
        let of_place = owners::of_place(mesh, &one.place);
        if of_place == Some(team) {
            continue;
        }
        let message = format!("team `{}` suppresses what it does not own", name(team));
        let found = Diagnostic::new(&CODE, one.place.span, message);
        diagnostics.push(match of_place {
            Some(other) => found
                .saying(format!("this belongs to team `{}`", name(other)))
                .help("leave it to that team, or to the platform"),
            None => found
                .saying("this belongs to no single team")
                .help("leave it to the platform, or suppress in your routes one by one"),
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::check;

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
