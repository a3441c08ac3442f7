//! Finds regular expressions whose automata would be too large.

use weft_snapshot::automaton::{AutomatonError, compile};
use weft_snapshot::plan::PathPattern;
use weft_spec::Span;

use super::facts::{AnalysedHost, Facts};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use crate::space::Unknown;

/// An automaton beyond the bound.
pub(super) static CODE: Code = Code {
    name: "regex-too-big",
    severity: Severity::Error,
    finds: "A regular expression, or all path expressions of one host together, whose automaton exceeds the bounds of a slice.",
    why: "Automata make matching take one step a byte, whatever the expressions; the price is memory, and that is bounded.",
    bad: spec!(
        r#"routes:
  orders: {on: public/web, host: "*", rules: [{path: {regex: "/.*a[ab]{24}"}, to: orders}]}
"#
    ),
    good: spec!(
        r#"routes:
  orders: {on: public/web, host: "*", rules: [{path: {regex: "/[ab]*a[ab]{4}"}, to: orders}]}
"#
    ),
};

/// Reports hosts whose path expressions are too big together.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    for AnalysedHost { host, analysis } in facts.hosts() {
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
        let good: Vec<&str> = expressions
            .iter()
            .map(|(regex, _)| *regex)
            .filter(|regex| facts.mesh.automata.of(&[regex]).is_ok())
            .collect();
        if good.len() < 2 {
            continue;
        }
        if let Err(AutomatonError::TooBig { states, .. }) = compile(&good) {
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

/// Says that one expression alone is too big.
pub(super) fn alone(span: Span) -> Diagnostic {
    Diagnostic::new(&CODE, span, "a regular expression is too big")
        .saying("its automaton exceeds the bounds")
        .help("avoid large repetitions such as `{24}` behind `.*`, or use a pattern such as `/a/{id}`")
}
