//! Finds rules without which every request would have the same outcome.

use std::collections::BTreeSet;

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::Rule;
use weft_snapshot::canonical::{Lines, lines};
use weft_snapshot::plan::ValueTest;
use weft_space::{Difference, Entry, differences_within, work};

use super::everywhere::Everywhere;
use crate::rules::HostAnalysis;
use crate::rules::facts::Facts;

/// Finding: rules without which every request would have the same outcome.
pub(super) static CODE: Code = Code {
    name: "no-effect-route",
    severity: Severity::Warning,
    finds: "A rule that can be deleted without changing what happens to any request, because other rules would do the same.",
    why: "It is read, reviewed and kept for nothing, and one day changed in the belief that it decides.",
    bad: spec!(
        r#"routes:
  orders:
    listener: public/web
    host: "*"
    rules:
      - {path: /api/v1/**, to: orders}
      - {path: /api/**, to: orders}
"#
    ),
    good: spec!(
        r#"routes:
  orders:
    listener: public/web
    host: "*"
    rules:
      - {path: /api/v1/**, to: orders, timeout: {request: 1s}}
      - {path: /api/**, to: orders}
"#
    ),
};

/// So many rules of one host are compared, counting each comparison.
const COMPARED: usize = 100_000;

/// Reports every live rule whose requests would come to the same without it.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mut everywhere = Everywhere::new(facts.mesh);
    for host in facts.hosts() {
        let Ok(analysis) = &host.analysis else {
            continue;
        };
        let twins = analysis.identical.iter();
        let twins: BTreeSet<usize> = twins.flat_map(|(one, other)| [*one, *other]).collect();
        let is_twin = |position: usize| twins.contains(&position);
        let mut compared = 0;
        let parts = analysis.rules.iter().zip(&analysis.witness);
        for (position, ((rule, witness), has_effect)) in parts.zip(&analysis.has_effect).enumerate()
        {
            if let (Some(witness), false, false) = (witness, has_effect, is_twin(position))
                && !repeats_notice(facts, (analysis, position), &mut compared)
            {
                let message = format!("rule `{}` has no effect", rule.id);
                let finding = Diagnostic::new(&CODE, rule.place(), message)
                    .saying("other rules would do the same with its requests")
                    .note(format!("for example `{witness}`"))
                    .help("remove the rule, or give it settings of its own");
                everywhere.push(rule, finding, diagnostics);
            }
        }
    }
}

/// Whether a request that repeats a header of one line would be treated differently without a rule; also true beyond the bound.
/// A rule that asks for the value of such a header refuses the request, whatever the others do.
fn repeats_notice(
    facts: &Facts<'_>,
    (analysis, at): (&HostAnalysis<'_>, usize),
    compared: &mut usize,
) -> bool {
    let beside = analysis.meeting(at);
    *compared += beside.len();
    if COMPARED < *compared || !work::spend(beside.len().saturating_mul(16)) {
        return true;
    }
    let rules = beside.iter().filter_map(|other| analysis.rules.get(*other));
    if !rules.into_iter().any(|rule| asks_for_one_line(rule)) {
        return false;
    }
    let side = |is_kept: &dyn Fn(usize) -> bool| {
        let kept = beside.iter().filter(|other| is_kept(**other));
        let rules = kept.filter_map(|other| analysis.rules.get(*other));
        let rules: Vec<&Rule> = rules.copied().collect();
        Difference {
            entries: rules.iter().map(|rule| Entry::of(*rule)).collect(),
            actions: rules.iter().map(|rule| facts.outcome(rule)).collect(),
        }
    };
    let (whole, without) = (side(&|_| true), side(&|other| other != at));
    let regions = differences_within(&whole, &without, None, analysis.path_rules, &analysis.host);
    regions.map_or(true, |regions| !regions.is_empty())
}

fn asks_for_one_line(rule: &Rule) -> bool {
    rule.matched.headers.iter().any(|header| {
        let asks = match header.value.test {
            ValueTest::Exact { .. } | ValueTest::Regex { .. } => true,
            ValueTest::Present | ValueTest::Absent => false,
        };
        asks && lines(&header.value.name) == Lines::Single
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, check_rules};

    #[test]
    fn a_rule_that_others_stand_in_for_has_no_effect() {
        check_rules(
            r"
            - {path: /a/b, to: s}  #~ warning[no-effect-route]
            - {path: /a/**, to: s}
            - {path: /a/c, respond: {status: 404}}
            - {path: /a/c/d, to: s}  #~ warning[no-effect-route]
            - {path: /b, methods: [GET], to: s}
            ",
        );
    }

    #[test]
    fn a_rule_that_refuses_repeated_headers_has_an_effect() {
        check_rules(
            r#"
            - {path: /a, headers: {x: "1"}, to: s}
            - {path: /b, headers: {accept: "1"}, to: s}  #~ warning[no-effect-route]
            - {path: /c, headers: {x: {present: true}}, to: s}  #~ warning[no-effect-route]
            - {path: /**, to: s}
            "#,
        );
    }

    #[test]
    fn a_rule_that_settles_who_decides_is_needed() {
        check(
            r#"
            routes:
              a:
                on: public/web
                host: a.example
                rules:
                  - {path: "/a/{y}", to: s}
                  - {path: "/{x}/b", respond: {status: 404}}
                  - {path: /a/b, to: s}
              # The same whichever of the others happens to be tried first.
              b:
                on: public/web
                host: b.example
                rules:
                  - {path: "/{x}/b", to: s}
                  - {path: "/a/{y}", respond: {status: 404}}
                  - {path: /a/b, to: s}
              # Two of them settle it, so that one may go.
              c:
                on: public/web
                host: c.example
                rules:
                  - {path: "/a/{y}", to: s}
                  - {path: "/{x}/b", respond: {status: 404}}
                  - {path: /a/b, to: s}
                  - {path: /a/b, methods: [GET], to: s}  #~ warning[no-effect-route]
            "#,
        );
    }
}
