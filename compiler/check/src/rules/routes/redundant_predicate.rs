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

use super::everywhere::Everywhere;
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
    listener: public/web
    host: shop.example
    rules:
      - {path: /orders/**, priority: 1, headers: {x-beta: {absent: true}}, to: orders}
      - {path: /orders/**, headers: {x-beta: {present: true}}, to: orders, timeout: {request: 1s}}
"#
    ),
    good: spec!(
        r#"routes:
  orders:
    listener: public/web
    host: shop.example
    rules:
      - {path: /orders/**, priority: 1, headers: {x-beta: {absent: true}}, to: orders}
      - {path: /orders/**, to: orders, timeout: {request: 1s}}
"#
    ),
};

/// So many rules of one host are compared, counting each comparison.
const COMPARED: usize = 20_000;

/// What is dropped from a rule; headers and parameters by their position among them too.
#[derive(Clone, Copy)]
enum Dropped<'rule> {
    Methods,
    Header(usize, &'rule str),
    Parameter(usize, &'rule str),
}

impl Dropped<'_> {
    fn words(self) -> String {
        match self {
            Self::Methods => "the list of methods".to_owned(),
            Self::Header(_, name) => format!("the condition on header `{name}`"),
            Self::Parameter(_, name) => format!("the condition on parameter `{name}`"),
        }
    }

    /// The rule without it.
    fn from(self, rule: &Rule) -> Rule {
        let mut edited = rule.clone();
        let matched = &mut edited.matched;
        match self {
            Self::Methods => matched.methods.clear(),
            Self::Header(at, _) => {
                matched.headers.remove(at);
            }
            Self::Parameter(at, _) => {
                matched.query.remove(at);
            }
        }
        edited
    }
}

/// Reports every such condition of a live rule that has an effect itself.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    if !facts.looks_for_remarks {
        return;
    }
    let mut everywhere = Everywhere::new(facts.mesh);
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
                let found = of_rule(facts, (analysis, at), &mut compared);
                if let Some(rule) = analysis.rules.get(at) {
                    for finding in found {
                        everywhere.push(rule, finding, diagnostics);
                    }
                }
            }
        }
    }
}

fn of_rule(
    facts: &Facts<'_>,
    (analysis, at): (&HostAnalysis<'_>, usize),
    compared: &mut usize,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let Some(rule) = analysis.rules.get(at) else {
        return found;
    };
    for (what, place) in conditions(rule) {
        let spent = *compared + analysis.rules.len();
        if COMPARED < spent {
            continue;
        }
        let Some(dropped) = may_be_redundant(facts, analysis, (at, rule), what) else {
            continue;
        };
        *compared = spent;
        if !work::spend(analysis.rules.len().saturating_mul(64)) {
            return found;
        }
        if changes_nothing(facts, analysis, (at, &dropped)) == Some(true) {
            let what = what.words();
            let message = format!("{what} of rule `{}` changes nothing", rule.id);
            found.push(
                Diagnostic::new(&CODE, place, message)
                    .saying("every request is treated alike without it")
                    .help("remove it"),
            );
        }
    }
    found
}

/// The conditions of a rule that can be dropped, and where they are.
fn conditions(rule: &Rule) -> impl Iterator<Item = (Dropped<'_>, Span)> {
    let matched = &rule.matched;
    let methods = matched.methods.first();
    let methods = methods.map(|first| (Dropped::Methods, first.span));
    let headers = matched.headers.iter().enumerate();
    let headers = headers.map(|(at, one)| (Dropped::Header(at, &one.value.name), one.span));
    let query = matched.query.iter().enumerate();
    let query = query.map(|(at, one)| (Dropped::Parameter(at, &one.value.name), one.span));
    methods.into_iter().chain(headers).chain(query)
}

/// The rule without a condition, if a request right beside the rule's, which it would gain, leaves open that nothing changes: another rule
/// takes it now, and would still.
fn may_be_redundant(
    facts: &Facts<'_>,
    analysis: &HostAnalysis<'_>,
    (at, rule): (usize, &Rule),
    what: Dropped<'_>,
) -> Option<Rule> {
    let mut languages = analysis.languages();
    let witness = analysis.witness.get(at)?.as_ref()?;
    let Some(gained) = beside(witness, what) else {
        return Some(what.from(rule));
    };
    let at_path = analysis.rules_at(&gained.path);
    if !work::spend(at_path.len().saturating_mul(8)) {
        return None;
    }
    let taker = first_taker(&at_path, &gained, &mut languages)?;
    // A copy of the rule only where somebody takes the request: most rules are alone at their path.
    let dropped = what.from(rule);
    let is_open = facts.outcome(taker) == facts.outcome(&dropped)
        || decides_over(taker, &dropped, &mut languages) == Some(Ordering::Less);
    is_open.then_some(dropped)
}

/// The request with one thing else than a rule asks of it; none where that takes a search.
fn beside(witness: &WitnessRequest, what: Dropped<'_>) -> Option<WitnessRequest> {
    let mut beside = witness.clone();
    match what {
        // No list of methods has it.
        Dropped::Methods => "WEFT-OTHER".clone_into(&mut beside.method),
        Dropped::Header(_, name) => {
            let before = beside.headers.len();
            beside.headers.retain(|(known, _)| known != name);
            if beside.headers.len() == before {
                beside.headers.push((name.to_owned(), b"weft".to_vec()));
            }
        }
        Dropped::Parameter(..) => return None,
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
    let regions = differences_within(&old, &new, None, analysis.path_rules, &analysis.host).ok()?;
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
