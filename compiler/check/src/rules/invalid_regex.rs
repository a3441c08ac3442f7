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
        .help(help(reason))
}

/// What to do about a reason of the parser.
fn help(reason: &str) -> &'static str {
    if reason.contains("look-around") {
        "say what is to match; what is to be left out gets a rule of its own, which is narrower"
    } else if reason.contains("backreferences") {
        "say what is to match without a reference to what was matched before"
    } else if reason.contains("unclosed group") || reason.contains("unopened group") {
        "close each `(` with a `)`, or write `\\(` for the sign itself"
    } else if reason.contains("unclosed character class") {
        "close the `[` with a `]`, or write `\\[` for the sign itself"
    } else if reason.contains("repetition operator missing") {
        "write what is repeated in front of it: `.*` is any text, and `\\*` the sign itself"
    } else if reason.contains("Unicode") {
        "use classes of ASCII: `[0-9]`, `[A-Za-z]`"
    } else {
        "correct it; expressions have the syntax of RE2: no look-around and no back-references"
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn each_reason_says_what_to_write() {
        for (reason, meant) in [
            ("unclosed group", "`)`"),
            ("unclosed character class", "`]`"),
            ("repetition operator missing expression", "`.*`"),
            (
                "look-around, including look-ahead and look-behind, is not supported",
                "rule of its own",
            ),
            ("backreferences are not supported", "without a reference"),
        ] {
            assert!(super::help(reason).contains(meant), "{reason}");
        }
    }

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
