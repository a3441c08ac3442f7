//! Finds conditions that could be dropped from a rule without any request noticing.
//!
//! Exact: the table of the host with the rule without the condition, in the order that precedence gives it then, treats all
//! requests like the table as it is. A header counts only while another rule of the host still looks at it, because
//! looking at a header is what makes a proxy refuse requests that repeat it. At most 64 conditions of a host
//! are compared whole; most are told by one request.

use weft_spec::Span;

use crate::claims::owner::first_taker;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use crate::model::Rule;
use crate::model::languages::Languages;
use crate::model::precedence::order;
use crate::rules::facts::Facts;
use crate::space::{Difference, Entry, HostAnalysis, differences, left};

/// A condition without effect.
pub(super) static CODE: Code = Code {
    name: "redundant-predicate",
    severity: Severity::Info,
    finds: "A condition of a rule on methods, a header or a parameter that changes nothing: without it, every request is treated as before.",
    why: "Readers take it for a restriction, and it is none. A remark, because some like to write out what precedence says anyway.",
    bad: spec!(
        r#"routes:
  orders:
    on: public/web
    host: shop.example
    rules:
      - {path: /orders/**, priority: 1, headers: {x-beta: {absent: true}}, to: orders}
      - {path: /orders/**, headers: {x-beta: {present: true}}, to: orders, timeout: {request: 1s}}
"#
    ),
    good: spec!(
        r#"routes:
  orders:
    on: public/web
    host: shop.example
    rules:
      - {path: /orders/**, priority: 1, headers: {x-beta: {absent: true}}, to: orders}
      - {path: /orders/**, to: orders, timeout: {request: 1s}}
"#
    ),
};

/// So many conditions of one host are compared whole.
const COMPARED: usize = 64;

/// Reports every such condition of a live rule that has an effect itself.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    for host in facts.hosts() {
        let Ok(analysis) = &host.analysis else {
            continue;
        };
        // Where the order decides nothing is known of a rule without a condition.
        if !analysis.undecided.is_empty() {
            continue;
        }
        let mut compared = 0;
        for at in 0..analysis.rules.len() {
            let is_live = analysis.witness.get(at).is_some_and(Option::is_some);
            let has_effect = analysis
                .has_effect
                .get(at)
                .is_some_and(|has_effect| *has_effect);
            if is_live && has_effect && compared < COMPARED {
                of_rule(facts, (analysis, at), &mut compared, diagnostics);
            }
        }
    }
}

fn of_rule(
    facts: &Facts<'_>,
    (analysis, at): (&HostAnalysis<'_>, usize),
    compared: &mut usize,
    diagnostics: &mut Diagnostics,
) {
    let Some(rule) = analysis.rules.get(at) else {
        return;
    };
    for (what, place, dropped) in dropped(analysis, rule) {
        if COMPARED <= *compared || !may_be_redundant(facts, analysis, (rule, &dropped)) {
            continue;
        }
        *compared += 1;
        if changes_nothing(facts, analysis, (at, &dropped)) == Some(true) {
            let message = format!("{what} of rule `{}` changes nothing", rule.id);
            diagnostics.push(
                Diagnostic::new(&CODE, place, message)
                    .saying("every request is treated alike without it")
                    .help("remove it"),
            );
        }
    }
}

/// The rule without each of its conditions in turn.
fn dropped(analysis: &HostAnalysis<'_>, rule: &Rule) -> Vec<(String, Span, Rule)> {
    let mut list = Vec::new();
    let mut add = |what: String, place: Span, edit: &dyn Fn(&mut Rule)| {
        let mut edited = rule.clone();
        edit(&mut edited);
        list.push((what, place, edited));
    };
    let matched = &rule.matched;
    if let Some(first) = matched.methods.first() {
        add("the list of methods".to_owned(), first.span, &|rule| {
            rule.matched.methods.clear();
        });
    }
    for (at, header) in matched.headers.iter().enumerate() {
        let name = &header.value.name;
        let looks = |other: &&Rule| {
            let mut headers = other.matched.headers.iter();
            other.id != rule.id && headers.any(|one| one.value.name == *name)
        };
        if analysis.rules.iter().any(|other| looks(other)) {
            add(
                format!("the condition on header `{name}`"),
                header.span,
                &|rule| {
                    rule.matched.headers.remove(at);
                },
            );
        }
    }
    for (at, parameter) in matched.query.iter().enumerate() {
        let name = &parameter.value.name;
        add(
            format!("the condition on parameter `{name}`"),
            parameter.span,
            &|rule| {
                rule.matched.query.remove(at);
            },
        );
    }
    list
}

/// Whether one request that the rule would gain is treated now as the rule treats its own, or is decided by another.
fn may_be_redundant(
    facts: &Facts<'_>,
    analysis: &HostAnalysis<'_>,
    (rule, dropped): (&Rule, &Rule),
) -> bool {
    let own = [Entry::of_rule(rule)];
    let with = (analysis.path_rules, &facts.mesh.automata);
    let Ok(gained) = left(&Entry::of_rule(dropped), &own, with) else {
        return false;
    };
    let Some(gained) = gained else {
        return true;
    };
    let mut languages = Languages::sharing(&facts.mesh.automata);
    let at_path = analysis.rules_at(&gained.path);
    // A request that no rule takes would be gained for sure.
    first_taker(&at_path, &gained, &mut languages).is_some()
}

/// Whether no request is treated differently with the changed rule in its place; none beyond a bound.
fn changes_nothing(
    facts: &Facts<'_>,
    analysis: &HostAnalysis<'_>,
    (at, dropped): (usize, &Rule),
) -> Option<bool> {
    let mut rules: Vec<&Rule> = analysis.rules.clone();
    *rules.get_mut(at)? = dropped;
    let mut languages = Languages::sharing(&facts.mesh.automata);
    let rules = order(&rules, &mut languages);
    // Without the condition, the rule may be as narrow as another one, and nothing would order them.
    if analysis.is_undecided_with(&rules, dropped, &|left, right| {
        facts.outcome(left) == facts.outcome(right)
    }) {
        return Some(false);
    }
    let side = |rules: &[&Rule]| Difference {
        actions: rules.iter().map(|rule| facts.outcome(rule)).collect(),
        entries: Vec::new(),
    };
    let (mut old, mut new) = (side(&analysis.rules), side(&rules));
    old.entries = analysis
        .rules
        .iter()
        .map(|rule| Entry::of_rule(rule))
        .collect();
    new.entries = rules.iter().map(|rule| Entry::of_rule(rule)).collect();
    let regions = differences((&old, &new), analysis.path_rules, &analysis.host).ok()?;
    Some(regions.is_empty())
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::check;

    #[test]
    fn a_condition_restricts_something() {
        check(
            r#"
            routes:
              r:
                on: public/web
                host: a.example
                rules:
                  - {path: /a, methods: [GET], to: s}
                  - {path: /a, to: s, timeout: {request: 3s}}
                  - {path: /c, priority: 1, headers: {x-a: {absent: true}}, to: s}
                  - {path: /c, headers: {x-a: {present: true}}, to: s, timeout: {request: 1s}}  #~ info[redundant-predicate]
                  - {path: /d, priority: 1, query: {q: {absent: true}}, to: s}
                  - {path: /d, query: {q: {present: true}}, methods: [GET], to: s, timeout: {request: 2s}}  #~ info[redundant-predicate]
                  # Without its header this one would be as wide as the other, and nothing would order them.
                  - {path: "/e/{x}/b", headers: {x-a: "1"}, to: s, timeout: {request: 4s}}
                  - {path: "/e/b/{y}", headers: {x-a: "2"}, to: s, timeout: {request: 5s}}
            "#,
        );
    }
}
