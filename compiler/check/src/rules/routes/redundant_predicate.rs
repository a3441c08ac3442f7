//! Finds conditions that could be dropped from a rule without any request noticing.
//!
//! Exact: the table of the host with the rule without the condition, in the order that precedence gives it then, treats all
//! requests like the table as it is, those included that repeat a header, which a rule that asks for its value refuses.
//! Most conditions are told by one request; the others by comparing the whole table, as long as that is no more than
//! 20,000 rules for a host.

use std::cmp::Ordering;

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::Rule;
use weft_space::precedence::order;
use weft_space::{Difference, Entry, WitnessRequest, decides_over, differences_within, work};
use weft_spec::Span;

use crate::assertions::owner::first_taker;
use crate::rules::HostAnalysis;
use crate::rules::facts::Facts;

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

/// So many rules of one host are compared, counting each comparison.
const COMPARED: usize = 20_000;

/// What is dropped from a rule.
enum Dropped {
    Methods,
    Header(String),
    Parameter(String),
}

impl Dropped {
    fn words(&self) -> String {
        match self {
            Self::Methods => "the list of methods".to_owned(),
            Self::Header(name) => format!("the condition on header `{name}`"),
            Self::Parameter(name) => format!("the condition on parameter `{name}`"),
        }
    }
}

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
            if is_live && has_effect && compared <= COMPARED && !work::is_spent() {
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
    for (what, place, dropped) in dropped(rule) {
        let spent = *compared + analysis.rules.len();
        if COMPARED < spent || !may_be_redundant(facts, analysis, (at, &what, &dropped)) {
            continue;
        }
        *compared = spent;
        if !work::spend(analysis.rules.len().saturating_mul(64)) {
            return;
        }
        if changes_nothing(facts, analysis, (at, &dropped)) == Some(true) {
            let what = what.words();
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
fn dropped(rule: &Rule) -> Vec<(Dropped, Span, Rule)> {
    let mut list = Vec::new();
    let mut add = |what: Dropped, place: Span, edit: &dyn Fn(&mut Rule)| {
        let mut edited = rule.clone();
        edit(&mut edited);
        list.push((what, place, edited));
    };
    let matched = &rule.matched;
    if let Some(first) = matched.methods.first() {
        add(Dropped::Methods, first.span, &|rule| {
            rule.matched.methods.clear();
        });
    }
    for (at, header) in matched.headers.iter().enumerate() {
        let name = header.value.name.clone();
        add(Dropped::Header(name), header.span, &|rule| {
            rule.matched.headers.remove(at);
        });
    }
    for (at, parameter) in matched.query.iter().enumerate() {
        let name = &parameter.value.name;
        add(Dropped::Parameter(name.clone()), parameter.span, &|rule| {
            rule.matched.query.remove(at);
        });
    }
    list
}

/// Whether a request right beside the rule's, which it would gain, leaves open that nothing changes: another rule takes
/// it now, and would still.
fn may_be_redundant(
    facts: &Facts<'_>,
    analysis: &HostAnalysis<'_>,
    (at, what, dropped): (usize, &Dropped, &Rule),
) -> bool {
    let mut languages = analysis.languages();
    let Some(Some(witness)) = analysis.witness.get(at) else {
        return false;
    };
    let Some(gained) = beside(witness, what) else {
        return true;
    };
    let at_path = analysis.rules_at(&gained.path);
    if !work::spend(at_path.len().saturating_mul(8)) {
        return false;
    }
    let Some(taker) = first_taker(&at_path, &gained, &mut languages) else {
        return false;
    };
    facts.outcome(taker) == facts.outcome(dropped)
        || decides_over(taker, dropped, &mut languages) == Some(Ordering::Less)
}

/// The request with one thing else than a rule asks of it; none where that takes a search.
fn beside(witness: &WitnessRequest, what: &Dropped) -> Option<WitnessRequest> {
    let mut beside = witness.clone();
    match what {
        // No list of methods has it.
        Dropped::Methods => "WEFT-OTHER".clone_into(&mut beside.method),
        Dropped::Header(name) => {
            let before = beside.headers.len();
            beside.headers.retain(|(known, _)| known != name);
            if beside.headers.len() == before {
                beside.headers.push((name.clone(), b"weft".to_vec()));
            }
        }
        Dropped::Parameter(_) => return None,
    }
    Some(beside)
}

/// Whether no request is treated differently with the changed rule in its place; none beyond a bound.
fn changes_nothing(
    facts: &Facts<'_>,
    analysis: &HostAnalysis<'_>,
    (at, dropped): (usize, &Rule),
) -> Option<bool> {
    let mut rules: Vec<&Rule> = analysis.rules.clone();
    *rules.get_mut(at)? = dropped;
    let mut languages = analysis.languages();
    let rules = order(&rules, &mut languages);
    // Without the condition, the rule may be as narrow as another one, and nothing would order them; nor perhaps two that it
    // decides over now.
    if analysis.is_undecided_with(&rules, &|left, right| {
        facts.outcome(left) == facts.outcome(right)
    }) {
        return Some(false);
    }
    let side = |rules: &[&Rule]| Difference {
        actions: rules.iter().map(|rule| facts.outcome(rule)).collect(),
        entries: Vec::new(),
    };
    let (mut old, mut new) = (side(&analysis.rules), side(&rules));
    old.entries = analysis.rules.iter().map(|rule| Entry::of(*rule)).collect();
    new.entries = rules.iter().map(|rule| Entry::of(*rule)).collect();
    let sides = (&old, &new);
    let regions = differences_within(sides, None, analysis.path_rules, &analysis.host).ok()?;
    Some(regions.is_empty())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

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
                  # A repeated header is refused by the first, and without its header by nobody.
                  - {path: /f, priority: 1, headers: {x-a: {absent: true}}, to: s}
                  - {path: /f, headers: {x-a: {regex: ".*"}}, to: s, timeout: {request: 3s}}  #~ warning[universal-regex]
                  # Without its header this one would be as wide as the other, and nothing would order them.
                  - {path: "/e/{x}/b", headers: {x-a: "1"}, to: s, timeout: {request: 4s}}
                  - {path: "/e/b/{y}", headers: {x-a: "2"}, to: s, timeout: {request: 5s}}
            "#,
        );
    }
}
