//! Finds rules that no request reaches, because other rules take all that they match.
//!
//! Exact: "takes all" is decided over all requests, unions of rules included, and over the hosts that the listener gets. Blame
//! goes to a smallest set of rules, each of which is needed. It is a warning where the others do the same anyway.

use std::collections::BTreeSet;

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::{HostRules, Mesh, Route, Rule};
use weft_space::{Patterns, work};
use weft_spec::Spanned;
use weft_spec::units::HostPattern;

use super::everywhere::Everywhere;
use crate::rules::HostAnalysis;
use crate::rules::facts::Facts;

/// Finding: rules that no request reaches, because other rules take all that they match.
pub(super) static CODE: Code = Code {
    name: "dead-route",
    severity: Severity::Error,
    finds: "A rule all of whose requests are taken by other rules of the host, by one of them or by several together; or a route \
            for a host of which the routes for narrower hosts get everything that the listener serves.",
    why: "It looks as if it did something. The smallest set of rules that takes its requests is named.",
    bad: spec!(
        r#"routes:
  orders:
    listener: public/web
    host: "*"
    rules:
      - {name: read, path: /pay/**, methods: [GET], headers: {x-a: {present: true}}, to: orders}
      - {name: plain, path: /pay/**, methods: [GET], headers: {x-a: {absent: true}}, to: orders}
      - {name: legacy, path: /pay/**, methods: [GET], respond: {status: 404}}
"#
    ),
    good: spec!(
        r#"routes:
  orders:
    listener: public/web
    host: "*"
    rules:
      - {name: read, path: /pay/**, methods: [GET], headers: {x-a: {present: true}}, to: orders}
      - {name: plain, path: /pay/**, methods: [GET], headers: {x-a: {absent: true}}, respond: {status: 404}}
      - {name: legacy, path: /pay/**, methods: [POST], respond: {status: 404}}
"#
    ),
};

/// So many rules of a run are looked into.
const MOST: usize = 20_000;

/// Reports every rule that matches requests and takes none.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let (mut told, mut everywhere) = (0_usize, Everywhere::new(facts.mesh));
    for host in facts.hosts() {
        let Ok(analysis) = &host.analysis else {
            continue;
        };
        if !analysis.is_reached {
            unreached(facts.mesh, &host.host, diagnostics);
            continue;
        }
        let twins = analysis.identical.iter();
        let twins: BTreeSet<usize> = twins.flat_map(|(one, other)| [*one, *other]).collect();
        let is_dead = |(_, witness): &(usize, &Option<_>)| witness.is_none();
        let dead = analysis.witness.iter().enumerate().filter(is_dead);
        for (position, _) in dead {
            told = told.saturating_add(1);
            if MOST < told {
                // Nobody is shown as many; that there are more is said.
                work::spend(usize::MAX);
                return;
            }
            // Two rules for the same requests have their own finding, and so has a rule for none.
            if twins.contains(&position) || !matches!(analysis.left_by(&[], position), Ok(Some(_)))
            {
                continue;
            }
            if let Some(rule) = analysis.rules.get(position) {
                let blockers = blocking(analysis, analysis.blockers(position));
                // A rule that takes nothing may still decide between two others that would meet without it.
                let settles = analysis.has_effect.get(position) == Some(&true);
                let finding = dead_rule(facts, (rule, settles), &blockers);
                everywhere.push(rule, finding, diagnostics);
            }
        }
    }
}

/// Reports the routes of a host of which other hosts of the listener's routes get every request. What the listener itself does
/// not get is a finding of its own.
fn unreached(mesh: &Mesh, host: &HostRules<'_>, diagnostics: &mut Diagnostics) {
    if !work::spend(mesh.routes.len().saturating_mul(8)) {
        return;
    }
    let is_beside =
        |route: &&Route| (route.gateway, route.listener) == (host.gateway, host.listener);
    let routes = mesh.routes.values().filter(is_beside);
    let places = routes.flat_map(|route| route.hosts.iter().map(move |host| (route, host)));
    let places: Vec<(&Route, &Spanned<HostPattern>)> = places.collect();
    let served = weft_front::model::served(mesh, host.gateway, host.listener);
    let owners = Patterns::new(places.iter().map(|(_, host)| host.value.as_str()));
    let mut takers = Vec::new();
    for (part, _) in served.parts(&[host.host], host.host) {
        let owner = owners.best(&part.host);
        takers.extend(owner.and_then(|(_, at)| places.get(at).copied()));
    }
    if takers.is_empty() {
        return;
    }
    for (route, own) in places
        .iter()
        .filter(|(_, own)| own.value.as_str() == host.host)
    {
        let message = format!(
            "route `{}` takes no request: of the hosts that its listener serves, none is left to `{}`",
            route.name.value, host.host
        );
        let finding = Diagnostic::new(&CODE, own.span, message)
            .saying("never reached")
            .help("remove the route, or let its listener serve a host that no other route is for");
        let shown = takers.iter().take(TAKERS);
        diagnostics.push(shown.fold(finding, |finding, (taker, host)| {
            let said = format!("route `{}` is for `{}`", taker.name.value, host.value);
            finding.label(host.span, said)
        }));
    }
}

/// So many routes of other hosts are named.
const TAKERS: usize = 3;

fn blocking<'mesh>(
    analysis: &HostAnalysis<'mesh>,
    blockers: Option<Vec<usize>>,
) -> Vec<&'mesh Rule> {
    let positions = blockers.into_iter().flatten();
    positions
        .filter_map(|position| analysis.rules.get(position).copied())
        .collect()
}

fn dead_rule(facts: &Facts<'_>, (rule, settles): (&Rule, bool), blockers: &[&Rule]) -> Diagnostic {
    let names: Vec<String> = blockers.iter().map(|one| format!("`{}`", one.id)).collect();
    let message = match names.as_slice() {
        [] => format!(
            "rule `{}` takes no request: others take all of them",
            rule.id
        ),
        [only] => format!(
            "rule `{}` takes no request: {only} takes all of them",
            rule.id
        ),
        several => format!(
            "rule `{}` takes no request: {} together take all of them",
            rule.id,
            several.join(", ")
        ),
    };
    let mut finding = Diagnostic::new(&CODE, rule.place(), message).saying("never reached");
    for blocker in blockers {
        finding = finding.label(blocker.place(), format!("`{}` is tried first", blocker.id));
    }
    let is_same = |other: &&Rule| facts.same_outcome(rule, other);
    let is_repeated = !blockers.is_empty() && blockers.iter().all(is_same);
    if is_repeated {
        finding = finding
            .as_warning()
            .note("what it would do, the others do as well");
    }
    if settles {
        return finding
            .note("without it, two rules that it is above would meet and nothing would order them")
            .help("give those two a `priority` and remove the rule, or narrow the rules that take its requests");
    }
    finding.help(if is_repeated {
        "remove the rule"
    } else {
        "remove the rule, give it a `priority`, or narrow the rules that take its requests"
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, check_rules, findings};

    #[test]
    fn a_union_of_rules_can_take_everything() {
        check_rules(
            r"
            - {path: /pay/**, methods: [GET], headers: {x: {present: true}}, to: s}
            - {path: /pay/**, methods: [GET], headers: {x: {absent: true}}, to: s}
            - {path: /pay/**, methods: [GET], respond: {status: 404}}  #~ error[dead-route]
            - {path: /pay/**, to: s}
            ",
        );
    }

    #[test]
    fn a_host_of_which_the_listener_has_nothing_left_is_dead() {
        check(
            r#"
            gateways:
              g:
                listeners:
                  a: {port: 1, protocol: http, hosts: [a.example, b.example]}
                  b: {port: 2, protocol: http, hosts: ["*.example"]}
                  c: {port: 2, protocol: http, hosts: ["*.c.example"]}
            routes:
              a1: {on: g/a, host: "*", rules: [{path: /a, to: s}, {to: s}]}  #~ error[dead-route]
              a2: {on: g/a, host: a.example, rules: [{to: s}]}
              a3: {on: g/a, host: "*.example", rules: [{to: s}]}
              b1: {on: g/b, host: "*.c.example", rules: [{to: s}]}  #~ error[detached-route]
              b2: {on: g/b, host: "*", rules: [{to: s}]}
              c1: {on: g/c, host: "*.c.example", rules: [{to: s}]}
              c2: {on: g/c, host: "*", rules: [{to: s}]}  #~ error[dead-route]
            "#,
        );
    }

    #[test]
    fn a_priority_can_bury_a_narrower_rule() {
        check_rules(
            r#"
            - {path: /a/**, priority: 1, respond: {status: 404}}
            - {path: /a/b, to: s}  #~ error[dead-route]
            - {path: "/{x}/c", respond: {status: 404}}
            - {path: /a/d, respond: {status: 404}}  #~ warning[dead-route]
            "#,
        );
    }

    #[test]
    fn values_of_an_expression_count() {
        check_rules(
            r#"
            - {path: /a, headers: {v: {regex: "[12]"}}, priority: 1, to: s}
            - {path: /a, headers: {v: "1"}, respond: {status: 404}}  #~ error[dead-route]
            - {path: /a, headers: {v: "3"}, respond: {status: 404}}
            "#,
        );
    }

    #[test]
    fn a_rule_that_keeps_others_apart_is_not_to_be_removed() {
        let spec = |settling: &str| {
            let text = r#"
            routes:
              r:
                on: public/web
                host: "*"
                rules:
                  # Each of these would meet the last one where `b` is sent, too.
                  - {path: /p, methods: [GET, POST], headers: {a: "1", c: {present: true}, d: {present: true}}, to: s}
                  - {path: /p, methods: [GET, POST], headers: {a: "1", c: {present: true}, d: {absent: true}}, to: s}
                  - {path: /p, methods: [GET, POST], headers: {a: "1", c: {absent: true}, d: {present: true}}, to: s}
                  - {path: /p, methods: [GET, POST], headers: {a: "1", c: {absent: true}, d: {absent: true}}, to: s}
                  SETTLING
                  - {path: /p, methods: [GET], headers: {b: "1"}, respond: {status: 404}}
            "#;
            text.replace("SETTLING", settling)
        };
        let with = spec(r#"- {path: /p, methods: [GET], headers: {a: "1", b: "1"}, to: s}"#);
        let found = findings(&with);
        let dead: Vec<_> = found
            .iter()
            .filter(|one| one.code.name == "dead-route")
            .collect();
        assert_eq!(dead.len(), 1, "{found:?}");
        let help = dead[0].help.as_deref().unwrap_or_default();
        assert!(!help.starts_with("remove"), "{help}");
        assert!(found.iter().all(|one| one.code.name != "ambiguous-routes"));
        // What comes of removing it.
        let without = findings(&spec(""));
        assert!(
            without
                .iter()
                .any(|one| one.code.name == "ambiguous-routes")
        );
    }
}
