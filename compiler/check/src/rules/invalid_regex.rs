//! Finds regular expressions that are none, or that need more than an automaton of bytes.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_snapshot::automaton::AutomatonError;
use weft_space::path::shown;
use weft_spec::Span;

use super::facts::Facts;
use super::regex_too_big;
use super::regexes::expressions;

/// No regular expression.
pub(super) static CODE: Code = Code {
    name: "invalid-regex",
    severity: Severity::Error,
    finds: "A regular expression that does not parse, or that uses look-around, back-references or Unicode classes.",
    why: "Expressions become automata that look at each byte once; what needs more has no place on the path of a request.",
    bad: spec!(
        r#"routes:
  orders: {listener: public/web, host: "*", rules: [{path: {regex: "/orders/(?!new)[a-z"}, to: orders}]}
"#
    ),
    good: spec!(
        r#"routes:
  orders: {listener: public/web, host: "*", rules: [{path: {regex: "/orders/[a-z]+"}, to: orders}]}
"#
    ),
};

/// Reports every expression that does not compile, and those that alone are too big.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mesh = facts.mesh;
    for ((_, regex), places) in expressions::all(mesh) {
        let Err(error) = mesh.automata.of(&[regex]) else {
            continue;
        };
        let found = places.into_iter().map(|span| match &error {
            AutomatonError::Invalid { message, .. } => invalid(regex, message, span),
            AutomatonError::TooBig { .. } => regex_too_big::alone(span),
        });
        diagnostics.extend(found);
    }
}

fn invalid(regex: &str, message: &str, span: Span) -> Diagnostic {
    let first = message.lines().last().unwrap_or_default();
    let reason = first.trim_start_matches("error: ").trim();
    let message = format!("`{}` is not a regular expression", shown(regex));
    Diagnostic::new(&CODE, span, message)
        .saying(reason.to_owned())
        .help("write a regular expression without look-around and back-references")
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

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
