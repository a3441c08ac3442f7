//! Finds regular expressions that everything matches.
//!
//! It is found beside [`super::regex_is_simple`]. That nothing matches an expression is another finding,
//! `unmatchable`, which is about the whole rule.

use weft_front::diagnostic::{Code, Diagnostic, Severity};
use weft_space::path::shown;
use weft_spec::Span;

use super::expressions::Texts;

/// An expression that tells nothing apart.
pub(super) static CODE: Code = Code {
    name: "universal-regex",
    severity: Severity::Warning,
    finds: "A regular expression that every canonical path, or every value, matches.",
    why: "It reads like a condition and is none; the expression still makes the automaton of its host larger.",
    bad: spec!(
        r#"routes:
  orders: {listener: public/web, host: "*", rules: [{path: {regex: "/.*"}, to: orders}]}
"#
    ),
    good: spec!(
        r#"routes:
  orders: {listener: public/web, host: "*", rules: [{path: /**, to: orders}]}
"#
    ),
};

/// Says that everything matches an expression.
pub(super) fn finding(texts: Texts, regex: &str, span: Span) -> Diagnostic {
    let (what, help) = match texts {
        Texts::Paths { .. } => ("path", "write `/**`, or leave `path` out"),
        Texts::Headers | Texts::Parameters => ("value", "write `{present: true}`"),
    };
    let message = format!("every {what} matches `{}`", shown(regex));
    Diagnostic::new(&CODE, span, message).help(help)
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn what_takes_all_canonical_texts_is_universal() {
        check(
            r#"
            routes:
              r:
                on: public/web
                host: a.example
                rules:
                  - {path: {regex: ".*"}, to: s}  #~ warning[universal-regex]
              r2:
                on: public/web
                host: "b.example"
                rules:
                  - {path: {regex: "/([^/]+/)*[^/]*"}, to: s}  #~ warning[universal-regex]
              r3:
                on: public/web
                host: "c.example"
                rules:
                  - {path: /b, headers: {x: {regex: ".*"}}, to: s}  #~ warning[universal-regex]
                  - {path: /c, headers: {x: {regex: ".+"}}, to: s}
                  - {path: /d, query: {x: {regex: ".*"}}, to: s}
                  - {path: /e, query: {x: {regex: "(?s-u:.)*"}}, to: s}  #~ warning[universal-regex]
            "#,
        );
    }
}
