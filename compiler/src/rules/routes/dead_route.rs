//! Finds rules that no request reaches, because other rules take all that they match.
//!
//! Exact: "takes all" is decided over all requests, unions of rules included. Blame goes to a smallest set of
//! rules, each of which is needed. It is a warning where the others do the same anyway.

use crate::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use crate::model::Rule;
use crate::rules::facts::Facts;
use crate::space::HostAnalysis;

/// Finding: rules that no request reaches, because other rules take all that they match.
pub(super) static CODE: Code = Code {
    name: "dead-route",
    severity: Severity::Error,
    finds: "A rule all of whose requests are taken by other rules of the host, by one of them or by several together.",
    why: "It looks as if it did something. The smallest set of rules that takes its requests is named.",
    bad: spec!(
        r#"routes:
  orders:
    on: public/web
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
    on: public/web
    host: "*"
    rules:
      - {name: read, path: /pay/**, methods: [GET], headers: {x-a: {present: true}}, to: orders}
      - {name: plain, path: /pay/**, methods: [GET], headers: {x-a: {absent: true}}, respond: {status: 404}}
      - {name: legacy, path: /pay/**, methods: [POST], respond: {status: 404}}
"#
    ),
};

/// Reports every rule that matches requests and takes none.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    for host in facts.hosts() {
        let Ok(analysis) = &host.analysis else {
            continue;
        };
        let is_dead = |(_, witness): &(usize, &Option<_>)| witness.is_none();
        let dead = analysis.witness.iter().enumerate().filter(is_dead);
        for (position, _) in dead {
            let is_twin = |pair: &(usize, usize)| pair.0 == position || pair.1 == position;
            // Two rules for the same requests have their own finding, and so has a rule for none.
            if analysis.identical.iter().any(is_twin)
                || !matches!(analysis.left_by(&[], position), Ok(Some(_)))
            {
                continue;
            }
            if let Some(rule) = analysis.rules.get(position) {
                let blockers = analysis.blockers(position);
                diagnostics.push(dead_rule(facts, rule, &blocking(analysis, blockers)));
            }
        }
    }
}

fn blocking<'mesh>(
    analysis: &HostAnalysis<'mesh>,
    blockers: Option<Vec<usize>>,
) -> Vec<&'mesh Rule> {
    let positions = blockers.into_iter().flatten();
    positions
        .filter_map(|position| analysis.rules.get(position).copied())
        .collect()
}

fn dead_rule(facts: &Facts<'_>, rule: &Rule, blockers: &[&Rule]) -> Diagnostic {
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
    if !blockers.is_empty() && blockers.iter().all(is_same) {
        return finding
            .as_warning()
            .note("what it would do, the others do as well")
            .help("remove the rule");
    }
    finding
        .help("remove the rule, give it a `priority`, or narrow the rules that take its requests")
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::check;

    #[test]
    fn a_union_of_rules_can_take_everything() {
        check(
            r#"
            routes:
              r:
                on: public/web
                host: "*"
                rules:
                  - {path: /pay/**, methods: [GET], headers: {x: {present: true}}, to: s}
                  - {path: /pay/**, methods: [GET], headers: {x: {absent: true}}, to: s}
                  - {path: /pay/**, methods: [GET], respond: {status: 404}}  #~ error[dead-route]
                  - {path: /pay/**, to: s}
            "#,
        );
    }

    #[test]
    fn a_priority_can_bury_a_narrower_rule() {
        check(
            r#"
            routes:
              r:
                on: public/web
                host: "*"
                rules:
                  - {path: /a/**, priority: 1, respond: {status: 404}}
                  - {path: /a/b, to: s}  #~ error[dead-route]
                  - {path: "/{x}/c", respond: {status: 404}}
                  - {path: /a/d, respond: {status: 404}}  #~ warning[dead-route]
            "#,
        );
    }

    #[test]
    fn values_of_an_expression_count() {
        check(
            r#"
            routes:
              r:
                on: public/web
                host: "*"
                rules:
                  - {path: /a, headers: {v: {regex: "[12]"}}, priority: 1, to: s}
                  - {path: /a, headers: {v: "1"}, respond: {status: 404}}  #~ error[dead-route]
                  - {path: /a, headers: {v: "3"}, respond: {status: 404}}
            "#,
        );
    }
}
