//! Finds regular expressions that are none, or that need more than an automaton of bytes.

use weft_snapshot::automaton::AutomatonError;
use weft_snapshot::plan::{PathPattern, ValueTest};
use weft_spec::Span;

use std::collections::BTreeSet;

use super::facts::Facts;
use super::regex_too_big;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use crate::model::Mesh;

/// No regular expression.
pub(super) static CODE: Code = Code {
    name: "invalid-regex",
    severity: Severity::Error,
    finds: "A regular expression that does not parse, or that uses look-around, back-references or Unicode classes.",
    why: "Expressions become automata that look at each byte once; what needs more has no place on the path of a request.",
    bad: spec!(
        r#"routes:
  orders: {on: public/web, host: "*", rules: [{path: {regex: "/orders/(?!new)[a-z"}, to: orders}]}
"#
    ),
    good: spec!(
        r#"routes:
  orders: {on: public/web, host: "*", rules: [{path: {regex: "/orders/[a-z]+"}, to: orders}]}
"#
    ),
};

/// Reports every expression that does not compile, and those that alone are too big.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mesh = facts.mesh;
    let mut good = BTreeSet::new();
    for (regex, span) in expressions(mesh) {
        // Many rules often share one expression.
        if good.contains(regex) {
            continue;
        }
        match mesh.automata.of(&[regex]) {
            Ok(_) => {
                good.insert(regex);
            }
            Err(AutomatonError::Invalid { message, .. }) => {
                let first = message.lines().last().unwrap_or_default();
                let reason = first.trim_start_matches("error: ").trim();
                let message = format!("`{}` is not a regular expression", shown(regex));
                diagnostics.push(
                    Diagnostic::new(&CODE, span, message)
                        .saying(reason.to_owned())
                        .help("write a regular expression without look-around and back-references"),
                );
            }
            Err(AutomatonError::TooBig { .. }) => diagnostics.push(regex_too_big::alone(span)),
        }
    }
}

/// Every expression of the mesh with its place.
fn expressions(mesh: &Mesh) -> impl Iterator<Item = (&str, Span)> {
    let rules = mesh.routes.values().flat_map(|route| &route.rules);
    let of_rules = rules.flat_map(|rule| {
        let path = of_path(&rule.matched.path.value, rule.matched.path.span);
        let tests = rule.matched.headers.iter().chain(&rule.matched.query);
        let tests = tests.filter_map(|condition| match &condition.value.test {
            ValueTest::Regex { regex } => Some((regex.as_str(), condition.span)),
            ValueTest::Exact { .. } | ValueTest::Present | ValueTest::Absent => None,
        });
        path.into_iter().chain(tests)
    });
    let allows = mesh.services.values().flat_map(|service| &service.allow);
    of_rules.chain(allows.filter_map(|allow| of_path(&allow.path.value, allow.path.span)))
}

fn of_path(path: &PathPattern, span: Span) -> Option<(&str, Span)> {
    match path {
        PathPattern::Regex { regex } => Some((regex, span)),
        PathPattern::Segments { .. } => None,
    }
}

fn shown(regex: &str) -> String {
    regex
        .chars()
        .take(60)
        .collect::<String>()
        .escape_debug()
        .to_string()
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::check;

    #[test]
    fn expressions_are_checked_wherever_they_stand() {
        check(
            r#"
            services:
              a:
                protocol: http
                app: 127.0.0.1:1
                allow:
                  - {from: [gateway/public], path: {regex: "/(a"}}  #~ error[invalid-regex]
            routes:
              r:
                on: public/web
                host: "*"
                rules:
                  - {path: {regex: "/a("}, to: s}  #~ error[invalid-regex]
                  - {path: /b, headers: {x: {regex: "[z-a]"}}, to: s}  #~ error[invalid-regex]
                  - {path: /c, query: {x: {regex: "v[0-9]+"}}, to: s}
            "#,
        );
    }
}
