//! Finds regular expressions whose automata would be too large.

use std::collections::{BTreeMap, BTreeSet};

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::HostRules;
use weft_snapshot::automaton::{AutomatonError, Limits, compile_within};
use weft_snapshot::limits;
use weft_snapshot::plan::{PathPattern, ValueTest};
use weft_space::Unknown;
use weft_space::path::shown;
use weft_spec::Span;

use super::facts::{AnalysedHost, Facts};

/// An automaton beyond the bound.
pub(super) static CODE: Code = Code {
    name: "regex-too-big",
    severity: Severity::Error,
    finds: "A regular expression, all path expressions of one host together, or its expressions on one header or parameter, whose automaton \
            exceeds the bounds of a slice.",
    why: "Automata make matching take one step a byte, whatever the expressions; the price is memory, and that is bounded.",
    bad: spec!(
        r#"routes:
  orders: {listener: public/web, host: "*", rules: [{path: {regex: "/.*a[ab]{24}"}, to: orders}]}
"#
    ),
    good: spec!(
        r#"routes:
  orders: {listener: public/web, host: "*", rules: [{path: {regex: "/[ab]*a[ab]{4}"}, to: orders}]}
"#
    ),
};

/// Reports hosts whose path expressions are too big together.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    for AnalysedHost { host, analysis } in facts.hosts() {
        on_values(facts, host, diagnostics);
        // The analysis has built the automaton of every other host.
        if !matches!(analysis, Err(Unknown::ExpressionsTooBig { .. })) {
            continue;
        }
        let expressions: Vec<(&str, Span)> = host
            .rules
            .iter()
            .filter_map(|rule| match &rule.matched.path.value {
                PathPattern::Regex { regex } => Some((regex.as_str(), rule.matched.path.span)),
                PathPattern::Segments { .. } => None,
            })
            .collect();
        let Some((_, first)) = expressions.first() else {
            continue;
        };
        // Alone, each has been judged by `invalid-regex`; a bad one would spoil the sum.
        // In the order in which the analysis has built them, so that they are not built anew.
        let good: BTreeSet<&str> = expressions
            .iter()
            .map(|(regex, _)| *regex)
            .filter(|regex| facts.mesh.automata.of(&[regex]).is_ok())
            .collect();
        let good: Vec<&str> = good.into_iter().collect();
        if good.len() < 2 {
            continue;
        }
        if let Err(AutomatonError::TooBig { states, .. }) = facts.mesh.automata.of(&good) {
            let message = format!(
                "the {} path expressions of host `{}` are too big together",
                good.len(),
                host.host
            );
            diagnostics.push(
                Diagnostic::new(&CODE, *first, message)
                    .saying("the first of them")
                    .note(format!("their automaton would have more than {states} states"))
                    .help("replace expressions by patterns such as `/a/{id}`, or spread them over several hosts"),
            );
        }
    }
}

/// Reports hosts whose expressions on one header or parameter are too big together, and too many for an automaton each.
fn on_values(facts: &Facts<'_>, host: &HostRules<'_>, diagnostics: &mut Diagnostics) {
    let mut found: BTreeMap<(&str, &str), BTreeMap<&str, Span>> = BTreeMap::new();
    for rule in &host.rules {
        let matched = &rule.matched;
        for (kind, tests) in [("header", &matched.headers), ("parameter", &matched.query)] {
            for test in tests {
                if let ValueTest::Regex { regex } = &test.value.test {
                    let known = found.entry((kind, &test.value.name)).or_default();
                    known.entry(regex).or_insert(test.span);
                }
            }
        }
    }
    for ((kind, name), mut expressions) in found {
        expressions.retain(|regex, _| facts.mesh.automata.of(&[regex]).is_ok());
        let patterns: Vec<&str> = expressions.keys().copied().collect();
        let first = expressions.values().min().copied();
        let Some(first) = first.filter(|_| limits::VALUE_AUTOMATA < patterns.len()) else {
            continue;
        };
        if compile_within(&patterns, Limits::VALUES).is_ok() {
            continue;
        }
        let message = format!(
            "the {} expressions on {kind} `{}` of host `{}` are too big together",
            patterns.len(),
            shown(name),
            host.host
        );
        diagnostics.push(
            Diagnostic::new(&CODE, first, message)
                .saying("the first of them")
                .note(format!(
                    "a value is held against one automaton, or against {} where that would be too large",
                    limits::VALUE_AUTOMATA
                ))
                .help("start expressions with different texts, or spread them over several hosts"),
        );
    }
}

/// Says that one expression alone is too big.
pub(super) fn alone(span: Span) -> Diagnostic {
    Diagnostic::new(&CODE, span, "a regular expression is too big")
        .saying("its automaton exceeds the bounds")
        .help("avoid large repetitions such as `{24}` behind `.*`, or use a pattern such as `/a/{id}`")
}
